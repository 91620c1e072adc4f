"""What happened on each of the last days, counted once: the past does not change, today only grows."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from connector.domain.ports import Clock
from connector.journal.journal import Journal
from connector.journal.statistics import DayCounts

__all__ = ["Activity", "Day", "midnight"]

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """One day in the person's own time."""

    day: date
    counts: DayCounts


@dataclass(frozen=True, slots=True)
class _Counted:
    """A day as far as it has been counted."""

    through: int  # number of the last entry that was looked at
    counts: DayCounts
    is_over: bool


class Activity:
    """Counts by day. Thread-safe; asks the journal for what is new only.

    Args:
        journal: with the trace.
        clock: to know which day it is.
        zone: of the person; ``None`` = that of the machine.
    """

    def __init__(self, journal: Journal, clock: Clock, zone: tzinfo | None = None) -> None:
        self._journal = journal
        self._clock = clock
        self._zone = zone
        self._known: dict[date, _Counted] = {}
        self._lock = threading.Lock()

    def today(self) -> DayCounts:
        """The counts of today."""
        return self.days(1)[-1].counts

    def days(self, number: int) -> list[Day]:
        """The last days, the oldest first, today last."""
        today = self._clock.now().astimezone(self._zone).date()
        wanted = [today - _ONE_DAY * back for back in range(number - 1, -1, -1)]
        with self._lock:
            self._count(wanted, today)
            return [Day(day, self._known[day].counts) for day in wanted]

    def _count(self, wanted: Sequence[date], today: date) -> None:
        missing = [day for day in wanted if day not in self._known or not self._known[day].is_over]
        bounds = self._numbers([(day, day + _ONE_DAY) for day in missing])
        last = self._journal.last_number()
        for day, (after, through) in zip(missing, bounds, strict=True):
            end = last if day == today else through
            before = self._known.get(day) or _Counted(after, DayCounts(), is_over=False)
            counts = before.counts.plus(self._journal.happened(before.through, end))
            self._known[day] = _Counted(max(end, before.through), counts, is_over=day < today)

    def _numbers(self, spans: Sequence[tuple[date, date]]) -> list[tuple[int, int]]:
        moments = [midnight(day, self._zone) for span in spans for day in span]
        numbers = self._journal.numbers_before(moments)
        return list(zip(numbers[::2], numbers[1::2], strict=True))


def midnight(day: date, zone: tzinfo | None) -> datetime:
    """When a day begins.

    Args:
        day: in the person's own time.
        zone: of the person; ``None`` = that of the machine.
    """
    return datetime.combine(day, time(), zone).astimezone(zone)
