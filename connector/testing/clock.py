"""Time and identifiers that a test holds in its hand; doubles of :mod:`connector.domain.ports`."""

import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

__all__ = ["EPOCH", "CountingIds", "FakeClock", "FixedIds"]

EPOCH = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
"""When a :class:`FakeClock` starts unless told otherwise."""

_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_COUNTER_CHARS = 16


class FakeClock:
    """A clock that moves only when told to. Safe between threads.

    Args:
        start: first wall time, aware.
    """

    def __init__(self, start: datetime = EPOCH) -> None:
        if start.tzinfo is None:
            raise ValueError("the clock needs an aware time")
        self._wall = start.astimezone(UTC)
        self._monotonic = 1000.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The wall clock, aware and in UTC."""
        with self._lock:
            return self._wall

    def monotonic(self) -> float:
        """Seconds that never go back."""
        with self._lock:
            return self._monotonic

    def advance(self, seconds: float = 0.0, *, by: timedelta = timedelta()) -> datetime:
        """Let time pass, on both clocks.

        Args:
            seconds: how long.
            by: the same as a duration; both are added.

        Returns:
            The new wall time.

        Raises:
            ValueError: time cannot pass backwards; see :meth:`jump`.
        """
        passed = by + timedelta(seconds=seconds)
        if passed < timedelta():
            raise ValueError("time does not pass backwards")
        with self._lock:
            self._wall += passed
            self._monotonic += passed.total_seconds()
            return self._wall

    def jump(self, seconds: float) -> datetime:
        """Set the wall clock forwards or backwards, as a person or NTP does; durations do not notice."""
        with self._lock:
            self._wall += timedelta(seconds=seconds)
            return self._wall


class CountingIds:
    """Identifiers that count, so that runs can be compared; ULIDs sort by age. Safe between threads.

    Args:
        first: number of the first identifier.
    """

    def __init__(self, first: int = 1) -> None:
        self._next = first
        self._lock = threading.Lock()

    def ulid(self) -> str:
        """``01TEST0000`` and a counter of 16 characters."""
        return "01TEST0000" + _base32(self._count(), _COUNTER_CHARS)

    def uuid(self) -> UUID:
        """A version 4 UUID made of a counter."""
        return UUID(int=self._count(), version=4)

    def _count(self) -> int:
        with self._lock:
            number = self._next
            self._next += 1
            return number


class FixedIds:
    """Identifiers from a list, for one exact expected result.

    Args:
        ulids: in the order in which they will be asked for.
        uuids: likewise.
    """

    def __init__(self, *, ulids: Iterable[str] = (), uuids: Iterable[UUID | str] = ()) -> None:
        self._ulids = iter(ulids)
        self._uuids = iter([value if isinstance(value, UUID) else UUID(value) for value in uuids])

    def ulid(self) -> str:
        """The next ULID.

        Raises:
            LookupError: the list is used up.
        """
        value = next(self._ulids, None)
        if value is None:
            raise LookupError("no more fixed ULIDs")
        return value

    def uuid(self) -> UUID:
        """The next UUID.

        Raises:
            LookupError: the list is used up.
        """
        value = next(self._uuids, None)
        if value is None:
            raise LookupError("no more fixed UUIDs")
        return value


def _base32(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, len(_BASE32))
        digits.append(_BASE32[rest])
    return "".join(reversed(digits))
