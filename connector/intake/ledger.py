"""What the folders need of the journal: a small part of :class:`connector.journal.journal.Journal`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.address import MailboxAddress
from connector.domain.submission import Submission
from connector.journal.records import RefusedDrop, SubmissionView, Taken
from connector.journal.requests import RequestKey

__all__ = ["DeskLedger", "IntakeLedger", "ReportLedger"]


class IntakeLedger(Protocol):
    """Taking submissions; the methods are documented with the journal."""

    def take(
        self, submission: Submission, *, deadline_at: datetime, duplicate_hours: float,
        request: RequestKey | None = None,
    ) -> Taken:  # fmt: skip
        """Store a submission in one transaction; the same id again gives the same answer."""
        ...

    def has_submission(self, submission_id: str) -> bool:
        """True when :meth:`take` has committed."""
        ...

    def refuse_drop(self, drop: RefusedDrop) -> None:
        """Remember a drop that was set aside, with its entry in the trace, in one transaction; once."""
        ...


class ReportLedger(Protocol):
    """Telling the LPS what became of its submissions."""

    def unreported(self, mailbox: MailboxAddress, *, limit: int = 100) -> Sequence[SubmissionView]:
        """Submissions from folders with news since they were last reported."""
        ...

    def mark_reported(self, submission_id: str, revision: int) -> None:
        """These news are in the status files."""
        ...


class DeskLedger(Protocol):
    """What was sent before."""

    def submission_by_reference(self, mailbox: MailboxAddress, reference: str) -> SubmissionView | None:
        """The newest one of a mailbox that the LPS knows by this reference and that did not fail."""
        ...

    def payload(self, payload_id: str) -> bytes:
        """The plain bytes."""
        ...
