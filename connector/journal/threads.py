"""What belongs together, and what the opening of a received message found.

An answer is tied to what it answers when it is taken (a submission) or opened (a received message): by our own
Message-ID, never by subject or sender. A thread is everything that can be reached over answers, replacements and
corrections; it is asked for one message and walked over indexes, up to a bound.

Source rules: Ref#2 ECO.2.2.2 and RFC 5322 3.6.4 (In-Reply-To, References); REM BIO/va1.01 (alerts in lists).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import BindParameter, Connection, bindparam, insert, select

from connector.domain.address import MailboxAddress
from connector.domain.submission import SourceKind
from connector.journal.failure import UnknownRow
from connector.journal.schema import incoming, messages, received_documents, received_facts, replies, submissions
from connector.journal.statistics import corrections
from connector.journal.store import JournalPart, Writing

__all__ = ["MOST_MEMBERS", "OpenedFacts", "ReceivedFacts", "ThreadMembers", "Threads", "note_opened", "tie_reply"]

MOST_MEMBERS = 100
"""Messages of one thread that are looked for."""
MAX_WARNINGS_CHARS = 500

_r, _f, _d, _s, _m = replies.c, received_facts.c, received_documents.c, submissions.c, messages.c
_ids: BindParameter[Any] = bindparam("ids", expanding=True)
_ADD_REPLY = insert(replies)
_ADD_FACTS = insert(received_facts)
_FACTS = select(received_facts).where(_f.incoming_id.in_(_ids))
OURS = (
    select(_m.header_message_id, _m.submission_id)
    .join(submissions, _s.id == _m.submission_id)
    .where(
        _m.header_message_id.in_(bindparam("headers", expanding=True)), _m.mailbox == bindparam("box"),
        _s.source != SourceKind.NOTICE,
    )
)  # fmt: skip
"""Which submissions left under these Message-IDs."""
ANSWERED = select(_r.reply_id, _r.to_id).where(_r.reply_id.in_(_ids))
ANSWERING = select(_r.to_id, _r.reply_id).where(_r.to_id.in_(_ids)).order_by(_r.reply_id)
NEIGHBOURS = (
    select(_r.to_id).where(_r.reply_id.in_(_ids)),
    select(_r.reply_id).where(_r.to_id.in_(_ids)),
    select(_d.related_id).where(_d.incoming_id.in_(_ids), _d.related_id.is_not(None)),
    select(_d.incoming_id).where(_d.related_id.in_(_ids)),
    select(_s.replaces_id).where(_s.id.in_(_ids), _s.replaces_id.is_not(None)),
    select(_s.id).where(_s.replaces_id.in_(_ids)),
)
"""One step of a thread."""
_RECEIVED = select(incoming.c.id).where(incoming.c.id.in_(_ids)).order_by(incoming.c.id)
_SENT = select(_s.id).where(_s.id.in_(_ids)).order_by(_s.id)


class OpenedFacts(Protocol):
    """What is kept of a message when it is opened for the first time."""

    @property
    def incoming_id(self) -> str:
        """Row id."""
        ...

    @property
    def alerts(self) -> tuple[str, ...]:
        """Of AA, HH, LL."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """Codes of the catalogue."""
        ...

    @property
    def identity(self) -> str:
        """How sure it is whom the message is about."""
        ...

    @property
    def answers(self) -> tuple[str, ...]:
        """Message-IDs that it says it answers, the nearest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFacts:
    """What the opening found."""

    alerts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    identity: str = ""  # a value of connector.exchange.identity.IdentityState; "" when it was opened before 0007


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadMembers:
    """Everything that belongs to one message, itself included."""

    received: tuple[str, ...]  # row ids, oldest first
    sent: tuple[str, ...]  # ids of submissions, oldest first
    answers: Mapping[str, str]  # who answers whom
    is_whole: bool  # False: there is more than is looked for


class Threads(JournalPart):
    """Reading what belongs together."""

    def facts_of(self, incoming_ids: Sequence[str]) -> dict[str, ReceivedFacts]:
        """What was found in several messages, by row id; those that were not opened yet are left out."""
        with self._store.read() as connection:
            rows = connection.execute(_FACTS, {"ids": list(incoming_ids)}).all()
        return {
            row.incoming_id: ReceivedFacts(
                alerts=tuple(row.alerts.split()), warnings=tuple(row.warnings.split()), identity=row.identity
            )
            for row in rows
        }

    def answered(self, ids: Sequence[str]) -> dict[str, str]:
        """What several messages or submissions answer, by id; those that answer nothing are left out."""
        with self._store.read() as connection:
            return {row.reply_id: row.to_id for row in connection.execute(ANSWERED, {"ids": list(ids)})}

    def answering(self, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """What answers several messages or submissions, by id, oldest first; those without are left out."""
        found: dict[str, tuple[str, ...]] = {}
        with self._store.read() as connection:
            for row in connection.execute(ANSWERING, {"ids": list(ids)}):
                found[row.to_id] = (*found.get(row.to_id, ()), row.reply_id)
        return found

    def thread(self, start_id: str) -> ThreadMembers:
        """What belongs to a received message or a submission.

        Args:
            start_id: id of either.

        Raises:
            UnknownRow: ``INTROUVABLE``.
        """
        with self._store.read() as connection:
            found = list(_reached(connection, start_id))
            members = {"ids": found[:MOST_MEMBERS]}
            received = tuple(connection.execute(_RECEIVED, members).scalars())
            sent = tuple(connection.execute(_SENT, members).scalars())
            answers = {row.reply_id: row.to_id for row in connection.execute(ANSWERED, members)}
        if start_id not in (*received, *sent):
            raise UnknownRow("message", start_id)
        return ThreadMembers(received=received, sent=sent, answers=answers, is_whole=len(found) <= MOST_MEMBERS)


def tie_reply(writing: Writing, reply_id: str, to_id: str) -> None:
    """A new submission answers a received message; in the transaction that takes it."""
    writing.run(_ADD_REPLY, {"reply_id": reply_id, "to_id": to_id})


def note_opened(writing: Writing, mailbox: MailboxAddress, items: Sequence[OpenedFacts]) -> None:
    """Keep what was found in messages, each once, and tie those that answer something of ours.

    Args:
        writing: the transaction in which their documents are noted.
        mailbox: that received them.
        items: what was opened, perhaps again.
    """
    known = {row.incoming_id for row in writing.run(_FACTS, {"ids": [item.incoming_id for item in items]})}
    fresh = [item for item in items if item.incoming_id not in known]
    if not fresh:
        return
    writing.run(_ADD_FACTS, [_row(item) for item in fresh])
    headers = {header for item in fresh for header in item.answers}
    ours = {
        row.header_message_id: row.submission_id
        for row in (writing.run(OURS, {"box": mailbox, "headers": sorted(headers)}) if headers else ())
    }
    tied = [
        {"reply_id": item.incoming_id, "to_id": to_id}
        for item in fresh
        if (to_id := next((ours[header] for header in item.answers if header in ours), None)) is not None
    ]
    if tied:
        writing.run(_ADD_REPLY, tied)


def _row(item: OpenedFacts) -> dict[str, Any]:
    return {
        "incoming_id": item.incoming_id, "alerts": " ".join(item.alerts), "identity": item.identity,
        "warnings": " ".join(_within(item.warnings, MAX_WARNINGS_CHARS)),
    }  # fmt: skip


def _within(words: Iterable[str], most: int) -> Iterator[str]:
    """Whole words, as many as have room."""
    for word in dict.fromkeys(words):
        most -= len(word) + 1
        if most < -1:
            return
        yield word


def _reached(connection: Connection, start_id: str) -> Iterator[str]:
    """The start, then what is one step away, and so on; ends soon after the bound."""
    found, edge = {start_id}, [start_id]
    yield start_id
    while edge and len(found) <= MOST_MEMBERS:
        near = list(corrections(connection, edge).values())
        for statement in NEIGHBOURS:
            near += connection.execute(statement, {"ids": edge}).scalars()
        edge = [each for each in dict.fromkeys(near) if each not in found][:MOST_MEMBERS]
        found.update(edge)
        yield from edge
