"""The real clock and the real identifiers, behind :mod:`connector.domain.ports`."""

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

__all__ = ["SystemClock", "SystemIds"]

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)  # ten bits at a time
_RANDOM_BITS = 80
_NEXT_STEP_BITS = 24  # how far one id may stand from the one before it in the same millisecond


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


class SystemIds:
    """ULIDs that only ever grow inside one process, and random UUIDs. Thread-safe.

    Args:
        milliseconds: the wall clock in milliseconds since 1970.
        randomness: that many random bytes.
    """

    def __init__(
        self,
        milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        randomness: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._milliseconds = milliseconds
        self._randomness = randomness
        self._gate = threading.Lock()
        self._last = 0

    def ulid(self) -> str:
        """A new ULID, greater than every earlier one of this object, also when the clock steps back."""
        with self._gate:
            fresh = self._milliseconds() << _RANDOM_BITS | int.from_bytes(self._randomness(_RANDOM_BITS // 8))
            if fresh <= self._last or fresh >> _RANDOM_BITS == self._last >> _RANDOM_BITS:
                fresh = self._last + 1 + int.from_bytes(self._randomness(_NEXT_STEP_BITS // 8))
            self._last = fresh
        return "".join(_PAIRS[fresh >> shift & 1023] for shift in range(120, -1, -10))

    def uuid(self) -> UUID:
        """A random version 4 UUID."""
        return uuid4()
