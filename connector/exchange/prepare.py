"""Preparing: what the LPS gave becomes frozen messages, or is rejected with a reason.

Until ``journal.frozen`` nothing of this is durable and nothing needs to be: a crash leaves the submission *received*,
and it is prepared again from the same originals, with new identifiers that nobody has seen yet.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import structlog

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, IllegalTransition, Unavailable
from connector.domain.states import OutgoingEvent
from connector.domain.submission import SubmittedFile
from connector.exchange.plan import MailboxRules, Plan, plan_messages
from connector.journal.journal import Journal
from connector.journal.records import OutgoingMessage, SubmissionView

__all__ = ["Preparer", "where_it_broke"]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Preparer:
    """Prepares what was received, for every mailbox. Several may run at once."""

    journal: Journal
    rules: Callable[[MailboxAddress], MailboxRules]
    owner: str
    batch: int = 4

    def run_once(self) -> int:
        """Prepare what is waiting.

        Returns:
            How many submissions were prepared or rejected.

        Raises:
            Unavailable: the journal or the disk; what was claimed is given back.
        """
        claimed = self.journal.claim_received(owner=self.owner, limit=self.batch)
        for position, message in enumerate(claimed):
            try:
                self._prepare(message)
            except Unavailable:
                for waiting in claimed[position:]:
                    self.journal.release_claim(waiting.id)
                raise
            except IllegalTransition as overtaken:  # a person cancelled it meanwhile
                _log.warning("prepare_overtaken", id=message.id, detail=overtaken.detail)
        return len(claimed)

    def _prepare(self, message: OutgoingMessage) -> None:
        try:
            plan = self._plan(message)
        except Unavailable:
            raise
        except ConnectorError as error:
            self._reject(message, error.code, error.detail)
        except Exception as error:  # noqa: BLE001 - one document that we do not foresee must not block the others
            where = where_it_broke(error)
            _log.error("prepare_failed", id=message.id, error=type(error).__name__, detail=where)
            self._reject(message, "INTERNE", f"{type(error).__name__} at {where}")
        else:
            for code in plan.warnings:
                self.journal.add_trace(
                    action="warn", mailbox=str(message.mailbox), subject_id=message.id, outcome=code
                )
            self.journal.freeze(message.id, plan.messages, replaces=plan.replaces)

    def _plan(self, message: OutgoingMessage) -> Plan:
        view = self.journal.submission(message.submission_id)
        files = [self._file(view, index) for index in range(len(view.files))]
        return plan_messages(view, files, self.rules(message.mailbox))

    def _file(self, view: SubmissionView, index: int) -> SubmittedFile:
        row = view.files[index]
        return SubmittedFile(row.name, row.role, self.journal.payload(row.payload_id), row.sha256)

    def _reject(self, message: OutgoingMessage, code: str, detail: str) -> None:
        self.journal.record(message.id, OutgoingEvent.REJECT, code=code, detail=detail)


def where_it_broke(error: Exception) -> str:
    """File and line of an unforeseen error, for the log: never its message, which may quote the document."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown place"
