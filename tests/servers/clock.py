"""Real time for tests against real servers."""

import time
from datetime import UTC, datetime

__all__ = ["WallClock"]


class WallClock:
    """The system's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()
