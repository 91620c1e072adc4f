"""Time and identifiers come in through the door, so that everything above is reproducible.

The real ones live in :mod:`connector.platform.system`; tests pass their own.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

__all__ = ["Clock", "IdSource", "reach", "watch_steps"]


class Clock(Protocol):
    """What time it is, twice: for display and deadlines, and for durations."""

    def now(self) -> datetime:
        """The wall clock, always aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for measuring how long something took."""
        ...


class IdSource(Protocol):
    """New identifiers."""

    def ulid(self) -> str:
        """A 26-character upper-case identifier that sorts by creation time, also when the clock steps back."""
        ...

    def uuid(self) -> UUID:
        """A random version 4 UUID."""
        ...


_observer: Callable[[str], None] | None = None


def reach(step: str) -> None:
    """Say that a named step of a hand-over is done.

    In production nobody listens. The crash harness listens, and kills the process there; each name is listed
    with its hand-over in ``docs/architecture.md``.

    Args:
        step: ``<hand-over>.<what has just become true>``, e.g. ``claim.renamed``.
    """
    if _observer is not None:
        _observer(step)


def watch_steps(observer: Callable[[str], None] | None) -> None:
    """Let the crash harness listen to :func:`reach`; ``None`` stops it."""
    global _observer  # noqa: PLW0603 - one process has one harness, and threads must all see it
    _observer = observer
