"""The loop that looks whether the LPS takes what it was given, and what it reports; a thread of its own.

The folder may lie on a slow share: neither sending nor delivering waits for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connector.daemon.supervisor import Bell
from connector.daemon.workers import IDLE_WAIT_SECONDS, Mood, until_there
from connector.delivery.reports import ReportReader
from connector.delivery.watch import ReceptionWatch
from connector.domain.errors import NeedsPerson, Unavailable

__all__ = ["Received", "ReceivedLoop"]


@dataclass(frozen=True, slots=True)
class Received:
    """What looks at the folders of the LPS, once they are there."""

    watch: ReceptionWatch
    reports: Sequence[ReportReader]  # one for each folder

    def run_once(self) -> None:
        """One look; a folder that is away keeps none of the others from being looked at.

        Raises:
            Unavailable: a folder or the journal.
            NeedsPerson: ``RECUS_NON_PRIS``: the look is done, and the LPS leaves things lying.
        """
        away: list[Unavailable] = []
        for look in (self.watch.run_once, *(reports.run_once for reports in self.reports)):
            try:
                look()
            except Unavailable as hindrance:
                away.append(hindrance)
        if away:
            raise away[0]
        watch = self.watch
        count = watch.journal.overdue([watch.mailbox]).get(watch.mailbox, 0)
        if count:
            raise NeedsPerson("RECUS_NON_PRIS", f"{count} messages stand in the folders of the software")

    @property
    def is_pending(self) -> bool:
        """True while a report waits for being looked at a second time."""
        return any(reports.is_pending for reports in self.reports)


@dataclass
class ReceivedLoop:
    """Looks now and then."""

    open_received: Callable[[], Received]
    scan_seconds: float
    settle_seconds: float  # between the two looks at a report
    bell: Bell
    stopping: Callable[[], bool]
    mood: Mood

    def run(self) -> None:
        """Look until told to stop."""
        received = until_there(self.open_received, self.bell, self.stopping, self.mood, IDLE_WAIT_SECONDS)
        while received is not None and not self.stopping():
            try:
                received.run_once()
                self.mood.good()
            except Unavailable as hindrance:
                self.mood.bad(hindrance)
            self.bell.wait(self._pause(received))

    def _pause(self, received: Received) -> float:
        return min(self.scan_seconds, self.settle_seconds) if received.is_pending else self.scan_seconds
