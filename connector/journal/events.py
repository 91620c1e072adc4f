"""What happened, as programs follow it: entries of the trace with the submission or received message they are about.

The numbers are those of the trace, so they survive a restart and never repeat.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from connector.journal.rows import AnyRow
from connector.journal.schema import incoming, messages, submissions, trace
from connector.journal.store import JournalPart

__all__ = ["Event", "EventKind", "Events"]

_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_AFTER = select(trace).where(trace.c.seq > bindparam("after")).order_by(trace.c.seq).limit(bindparam("limit"))
_ENDS = select(func.min(trace.c.seq).label("first"), func.max(trace.c.seq).label("last"))
_SUBMISSION_OF = select(messages.c.id, messages.c.submission_id).where(messages.c.id.in_(_ids))
_SUBMISSIONS = select(submissions.c.id).where(submissions.c.id.in_(_ids))
_INCOMING = select(incoming.c.id).where(incoming.c.id.in_(_ids))


class EventKind(StrEnum):
    """What an event is about."""

    MESSAGE = "message"  # something that is sent
    INBOX = "inbox"  # something that arrived
    CONNECTOR = "connector"  # anything else


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. Never content, never a patient's name, never an address of the other side."""

    number: int  # of the entry of the trace
    at: datetime
    kind: EventKind
    subject_id: str  # of the submission, or of the received message; may be empty
    mailbox: str
    action: str
    outcome: str  # new state, perhaps followed by a code


class Events(JournalPart):
    """Following the trace."""

    def events_after(self, number: int, *, limit: int = 100) -> list[Event]:
        """What happened after an entry, oldest first.

        Args:
            number: of the last entry that is known.
            limit: at most that many.
        """
        with self._store.read() as connection:
            rows = connection.execute(_AFTER, {"after": number, "limit": limit}).all()
            about = _subjects(connection, [row.subject_id for row in rows if row.subject_id])
        return [_event(row, about) for row in rows]

    def first_number(self) -> int:
        """Number of the oldest entry that is kept; 1 when there is none."""
        with self._store.read() as connection:
            return int(connection.execute(_ENDS).one().first or 1)

    def is_kept_after(self, number: int) -> bool:
        """True when nothing that happened after this entry has been dropped, and the number is of this journal."""
        with self._store.read() as connection:
            ends = connection.execute(_ENDS).one()
        return number == 0 if ends.first is None else bool(ends.first - 1 <= number <= ends.last)


def _event(row: AnyRow, about: Mapping[str, tuple[EventKind, str]]) -> Event:
    kind, subject_id = about.get(row.subject_id, (EventKind.CONNECTOR, row.subject_id))
    return Event(row.seq, row.at, kind, subject_id, row.mailbox, row.action, row.outcome)


def _subjects(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[EventKind, str]]:
    """Kind and id that a program knows, by the id that stands in the trace."""
    if not ids:
        return {}
    wanted = {"ids": list(dict.fromkeys(ids))}
    about = {row.id: (EventKind.MESSAGE, row.submission_id) for row in connection.execute(_SUBMISSION_OF, wanted)}
    about |= {found: (EventKind.MESSAGE, found) for found in connection.execute(_SUBMISSIONS, wanted).scalars()}
    about |= {found: (EventKind.INBOX, found) for found in connection.execute(_INCOMING, wanted).scalars()}
    return about
