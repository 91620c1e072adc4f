"""What was heard about recipients, and who is silent although a receipt was asked for.

A receipt is kept as it came, beside the state that it led to: whoever asks later sees each one with its time and the
words of the server, also those that changed nothing, came twice or could not be tied to a recipient.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from connector.domain.address import MailboxAddress
from connector.domain.ports import reach
from connector.domain.states import RecipientState
from connector.journal import statements as sql
from connector.journal.outgoing import message_row
from connector.journal.rows import AnyRow
from connector.journal.schema import message_recipients, messages, receipts
from connector.journal.store import JournalPart, Writing, clipped

__all__ = ["NO_NEWS_BATCH", "SILENT", "ReceiptNews", "ReceiptRow", "Receipts"]

NO_NEWS_BATCH = 200
"""Recipients of one transaction."""

_r, _p = receipts.c, message_recipients.c
_ADD = insert(receipts)
_KNOWN = select(_r.position).where(_r.message_id == bindparam("message"), _r.incoming_id == bindparam("incoming"))
_OF_MESSAGES = (
    select(receipts)
    .where(_r.message_id.in_(bindparam("messages", expanding=True)))
    .order_by(_r.at, _r.incoming_id, _r.position)
)
_MESSAGES = select(messages.c.id).where(messages.c.submission_id == bindparam("submission"))
SILENT = (
    select(_p.message_id, _p.position)
    .where(_p.waits_since <= bindparam("before"))
    .order_by(_p.waits_since)
    .limit(bindparam("limit"))
)
"""Who waits for too long. Only an accepted recipient has ``waits_since``."""
_FALL_SILENT = (
    update(message_recipients)
    .where(_p.message_id == bindparam("row"), _p.position == bindparam("place"))
    .values(state=RecipientState.NO_NEWS, waits_since=None)
)
_BUMP = update(messages).where(messages.c.id == bindparam("row")).values(revision=messages.c.revision + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptNews:
    """The news about one recipient, on its way into the journal."""

    named: str  # the address as the receipt has it, "" when it names nobody
    recipient: MailboxAddress | None  # whom of the message it is about; None when that cannot be told
    kind: str  # a value of connector.mail.receipts.ReceiptKind
    form: str  # a value of connector.mail.receipts.ReceiptForm
    status: str = ""  # enhanced status code
    smtp_code: int = 0
    integration_code: str = ""  # 900 to 906
    text: str = ""  # the server's own words


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow(ReceiptNews):
    """The same, as it was kept."""

    message_id: str  # row id of what it is about
    incoming_id: str  # row id of the message that brought it
    at: datetime  # when it was read


class Receipts(JournalPart):
    """News about recipients, and silence."""

    def add_receipts(self, message_id: str, incoming_id: str, news: Sequence[ReceiptNews]) -> bool:
        """Keep what a receipt says; the same one again (after a crash) changes nothing.

        Args:
            message_id: row id of the message that it is about.
            incoming_id: row id of the message that brought it.
            news: one for each recipient that it names.

        Returns:
            True when it was new.
        """
        with self._store.write() as writing:
            place = {"message": message_id, "incoming": incoming_id}
            if not news or writing.run(_KNOWN, place).first() is not None:
                return False
            about = {"message_id": message_id, "incoming_id": incoming_id, "at": writing.now}
            writing.run(_ADD, [_values(each) | about | {"position": n} for n, each in enumerate(news)])
        reach("journal.receipt_kept")
        return True

    def receipts(self, submission_id: str) -> list[ReceiptRow]:
        """Everything that was heard about the recipients of a submission, in the order in which it came."""
        with self._store.read() as connection:
            ids = connection.execute(_MESSAGES, {"submission": submission_id}).scalars().all()
            return [_row(row) for row in connection.execute(_OF_MESSAGES, {"messages": ids})]

    def note_silence(self, before: datetime, *, limit: int = NO_NEWS_BATCH) -> int:
        """Recipients for whom a receipt was asked and did not come become *no news*; a later receipt still counts.

        Args:
            before: those who were accepted (or heard of as delayed) at this moment or earlier.
            limit: recipients of one transaction, those who wait longest first.

        Returns:
            How many; call it until it is 0.
        """
        with self._store.write() as writing:
            silent = writing.run(SILENT, {"before": before, "limit": limit}).all()
            if silent:
                writing.run(_FALL_SILENT, [{"row": row.message_id, "place": row.position} for row in silent])
            for message_id in dict.fromkeys(row.message_id for row in silent):
                _tell(writing, message_id)
        if silent:
            reach("journal.silence_noted")
        return len(silent)


def _tell(writing: Writing, message_id: str) -> None:
    """The status files, the lists and the events of a message have something new to show."""
    row = message_row(writing, message_id)
    writing.run(_BUMP, {"row": message_id})
    writing.run(sql.BUMP_SUBMISSION, {"submission": row.submission_id, "by": 1})
    writing.note("no_news", mailbox=row.mailbox, subject_id=message_id, outcome=f"{row.state} SANS_NOUVELLES")


def _values(news: ReceiptNews) -> dict[str, Any]:
    return {
        "named": clipped(news.named, 320), "recipient": news.recipient, "kind": news.kind, "form": news.form,
        "status": clipped(news.status, 20), "smtp_code": news.smtp_code,
        "integration_code": clipped(news.integration_code, 10), "text": clipped(news.text),
    }  # fmt: skip


def _row(row: AnyRow) -> ReceiptRow:
    return ReceiptRow(
        message_id=row.message_id, incoming_id=row.incoming_id, at=row.at, named=row.named, recipient=row.recipient,
        kind=row.kind, form=row.form, status=row.status, smtp_code=row.smtp_code,
        integration_code=row.integration_code, text=row.text,
    )  # fmt: skip
