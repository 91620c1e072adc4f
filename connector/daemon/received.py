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
        """One look.

        Raises:
            Unavailable: the folder or the journal.
            NeedsPerson: ``RECUS_NON_PRIS``: the look is done, and the LPS leaves things lying.
        """
        self.watch.run_once()
        for reports in self.reports:
            reports.run_once()
        watch = self.watch
        count = watch.journal.overdue([watch.mailbox]).get(watch.mailbox, 0)
        if count:
            raise NeedsPerson("RECUS_NON_PRIS", f"{count} messages stand in the folders of the software")


@dataclass
class ReceivedLoop:
    """Looks now and then."""

    open_received: Callable[[], Received]
    scan_seconds: float
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
            self.bell.wait(self.scan_seconds)
