"""What was taken of what arrived, by an application or out of the LPS's folder; says nothing about the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, exists, insert, select

from connector.journal import statements as sql
from connector.journal.deliveries import end_delivery
from connector.journal.failure import UnknownRow
from connector.journal.records import IncomingMessage
from connector.journal.rows import AnyRow, incoming_message
from connector.journal.schema import inbox_taken, incoming, payloads
from connector.journal.store import JournalPart

__all__ = ["InboxEntry", "InboxMarks", "TakenMark"]

_ADD = insert(inbox_taken)
_HAS_BYTES = exists().where(payloads.c.id == incoming.c.payload_id).label("has_bytes")
_WHOLE = (
    select(incoming, inbox_taken, _HAS_BYTES)
    .outerjoin(inbox_taken, inbox_taken.c.incoming_id == incoming.c.id)
    .where(incoming.c.id == bindparam("incoming"))
)
_SOME = select(inbox_taken).where(inbox_taken.c.incoming_id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class TakenMark:
    """Who took a received message first, and when."""

    incoming_id: str
    at: datetime
    by: str  # name of the application, or what names the folder


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A received message with what is known of it besides."""

    message: IncomingMessage
    mark: TakenMark | None
    has_bytes: bool  # False: not fetched yet, or dropped after the retention time


class InboxMarks(JournalPart):
    """The marks."""

    def received(self, incoming_id: str) -> InboxEntry:
        """One received message.

        Raises:
            UnknownRow: ``INTROUVABLE``.
        """
        with self._store.read() as connection:
            row = connection.execute(_WHOLE, {"incoming": incoming_id}).first()
        if row is None:
            raise UnknownRow("incoming message", incoming_id)
        mark = None if row.taken_at is None else _mark(row)
        return InboxEntry(incoming_message(self._store.vault, row), mark, bool(row.has_bytes))

    def mark_taken(self, incoming_id: str, *, by: str) -> TakenMark:
        """A received message was taken; the first one counts, for good. It is not waited for in the folder any more.

        Args:
            incoming_id: row id.
            by: name of the application, or what names the folder.

        Raises:
            UnknownRow: ``INTROUVABLE``.
        """
        with self._store.write() as writing:
            row = writing.run(sql.INCOMING, {"incoming": incoming_id}).first()
            if row is None:
                raise UnknownRow("incoming message", incoming_id)
            end_delivery(writing, incoming_id)
            found = writing.run(_SOME, {"ids": [incoming_id]}).first()
            if found is not None:
                return _mark(found)
            writing.run(_ADD, {"incoming_id": incoming_id, "taken_at": writing.now, "taken_by": by})
            writing.note("taken", mailbox=row.mailbox, subject_id=incoming_id, outcome=row.state, actor=by)
            return TakenMark(incoming_id, writing.now, by)

    def taken_marks(self, incoming_ids: Sequence[str]) -> dict[str, TakenMark]:
        """The marks of several messages, by row id."""
        if not incoming_ids:
            return {}
        with self._store.read() as connection:
            return {row.incoming_id: _mark(row) for row in connection.execute(_SOME, {"ids": list(incoming_ids)})}


def _mark(row: AnyRow) -> TakenMark:
    return TakenMark(row.incoming_id, row.taken_at, row.taken_by)
