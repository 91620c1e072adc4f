"""Incoming messages: seen, stored, opened, delivered, acknowledged.

States change by :func:`connector.domain.states.next_incoming`. One thing besides the table: a message that was set
aside before its bytes were here has nothing to be opened; asked for again, it goes back to *seen*, to be fetched.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from connector.domain.address import MailboxAddress
from connector.domain.errors import IllegalTransition
from connector.domain.ports import reach
from connector.domain.states import INCOMING_FINAL, IncomingEvent, IncomingState, next_incoming
from connector.journal import statements as sql
from connector.journal.deliveries import note_delivery
from connector.journal.failure import UnknownRow
from connector.journal.outgoing import LEASE
from connector.journal.payloads import payload_row
from connector.journal.records import IncomingMessage, StoredBytes
from connector.journal.rows import incoming_message, known, opened, seal
from connector.journal.store import JournalPart, Writing, clipped

__all__ = ["Incoming"]

_IN_WORK = frozenset({IncomingState.SEEN, IncomingState.STORED, IncomingState.OPENED})
_STEPS = {
    IncomingEvent.OPEN: "journal.opened", IncomingEvent.DELIVER: "journal.delivered",
    IncomingEvent.LINK_RECEIPT: "journal.delivered", IncomingEvent.ACKNOWLEDGE: "journal.acknowledged",
}  # fmt: skip
_NO_LEASE = {"claim_owner": None, "claim_until": None}


class Incoming(JournalPart):
    """The life of a message seen on the operator's server."""

    def claim_incoming(
        self, mailbox: MailboxAddress, *, state: IncomingState, owner: str, limit: int
    ) -> list[IncomingMessage]:
        """Lease messages in a state that are due, oldest first; others do not get them meanwhile."""
        values = {"box": mailbox, "in_state": state, "owner": owner, "limit": limit}
        with self._store.write() as writing:
            times = {"now": writing.now, "until": writing.now + LEASE}
            rows = writing.run(sql.CLAIM_INCOMING, {**values, **times}).all()
        ordered = sorted(rows, key=lambda row: (row.next_attempt_at, row.id))
        return [incoming_message(self._store.vault, row) for row in ordered]

    def next_incoming(self, mailbox: MailboxAddress, states: Sequence[IncomingState]) -> datetime | None:
        """When the next message in one of these states is due; may lie in the past."""
        with self._store.read() as connection:
            found = [connection.execute(sql.NEXT_INCOMING, {"box": mailbox, "in_state": s}).scalar() for s in states]
        return min(filter(None, found), default=None)

    def store(self, items: Sequence[StoredBytes]) -> list[IncomingState]:
        """Keep raw bytes, all in one transaction; when this returns, they survive power loss.

        The same message again (same mailbox, Message-ID and bytes), in another place or after the folder was
        renumbered, becomes a duplicate, and its bytes are not kept twice.

        Returns:
            The new states, in the order of ``items``.

        Raises:
            IllegalTransition: ``TRANSITION``: one of them was not only *seen*; none is stored.
        """
        payloads = [payload_row(self._store, item.incoming_id, item.content) for item in items]
        with self._store.write() as writing:
            rows = _rows(writing, [item.incoming_id for item in items])
            states = [
                _store_one(writing, rows[item.incoming_id], item, payload)
                for item, payload in zip(items, payloads, strict=True)
            ]
        reach("journal.stored")
        return states

    def record_incoming(  # noqa: PLR0913 - one row of the journal has that many columns, all by name
        self, incoming_id: str, event: IncomingEvent, *, code: str | None = None, detail: str | None = None,
        next_attempt_at: datetime | None = None, delivered_prefix: str | None = None,
        delivered_files: Sequence[tuple[str, str]] = (), server: str = "", actor: str | None = None,
    ) -> IncomingState:  # fmt: skip
        """Something happened to an incoming message.

        Args:
            incoming_id: row id.
            event: what happened.
            code: catalogue code of a problem; ``None`` clears the last one.
            detail: one English sentence, never patient data.
            next_attempt_at: when the next step is due; default now.
            delivered_prefix: name prefix in the LPS's folder.
            delivered_files: (name, SHA-256) of each file delivered.
            server: for the trace.
            actor: who did it, when not we.

        Raises:
            IllegalTransition: ``TRANSITION``, or ``PAYLOAD_ABSENT`` when its bytes are no longer kept.
            UnknownRow: ``INTROUVABLE``.
        """
        news: dict[str, Any] = {"code": code, "detail": clipped(detail)}
        if delivered_prefix is not None or delivered_files:
            words = {"prefix": delivered_prefix, "files": [list(pair) for pair in delivered_files]}
            news["sealed"] = seal(self._store.vault, incoming_id, words)
        with self._store.write() as writing:
            row = _rows(writing, [incoming_id])[incoming_id]
            state = _advance(
                writing, row, event, {**news, "next_attempt_at": next_attempt_at}, server=server, actor=actor
            )
            if event is IncomingEvent.DELIVER and delivered_files:
                note_delivery(writing, row, delivered_prefix or "")
        _reach_incoming(event)
        return state

    def record_incoming_many(
        self, ids: Sequence[str], event: IncomingEvent, *, code: str | None = None, server: str = "", answer: str = ""
    ) -> None:
        """The same event for many messages, in one transaction: all or none. See :meth:`record_incoming`.

        ``answer`` is for the trace: what was done at the operator's.
        """
        with self._store.write() as writing:
            rows = _rows(writing, ids)
            for row_id in ids:
                _advance(writing, rows[row_id], event, {"code": code, "detail": None}, server=server, answer=answer)
        _reach_incoming(event)

    def record_deliveries(self, items: Sequence[tuple[str, str, Sequence[tuple[str, str]]]]) -> None:
        """Several messages were delivered, in one transaction: all or none. See :meth:`record_incoming`.

        Args:
            items: row id, name prefix in the LPS's folder, (name, SHA-256) of each file.
        """
        sealed = {
            row_id: seal(self._store.vault, row_id, {"prefix": prefix, "files": [list(pair) for pair in files]})
            for row_id, prefix, files in items
        }
        with self._store.write() as writing:
            rows = _rows(writing, list(sealed))
            for row_id, prefix, files in items:
                news = {"code": None, "detail": None, "sealed": sealed[row_id]}
                _advance(writing, rows[row_id], IncomingEvent.DELIVER, news)
                if files:
                    note_delivery(writing, rows[row_id], prefix)
        _reach_incoming(IncomingEvent.DELIVER)

    def postpone_incoming(
        self, incoming_id: str, *, next_attempt_at: datetime, code: str | None, detail: str | None
    ) -> None:
        """A step could not be done now: the state stays, the lease ends, attempts grow by one.

        Raises:
            IllegalTransition: ``TRANSITION``: nothing is to be done for this message any more.
            UnknownRow: ``INTROUVABLE``.
        """
        with self._store.write() as writing:
            row = _rows(writing, [incoming_id])[incoming_id]
            if known(IncomingState, row.state) not in _IN_WORK:
                raise IllegalTransition("TRANSITION", f"a message that is {row.state} cannot be postponed")
            changes = {"attempts": row.attempts + 1, "next_attempt_at": next_attempt_at, "code": code}
            writing.run(sql.CHANGE_INCOMING, {**changes, **_NO_LEASE, "detail": clipped(detail), "row": incoming_id})
            writing.note(
                "postpone",
                mailbox=row.mailbox,
                subject_id=row.id,
                outcome=f"{row.state} {code}" if code else row.state,
            )

    def to_acknowledge(self, mailbox: MailboxAddress, *, limit: int = 500) -> list[IncomingMessage]:
        """Messages that are done here and not yet marked on the server, oldest first."""
        return self._list(sql.TO_ACKNOWLEDGE, {"box": mailbox, "limit": limit})

    def incoming(self, incoming_id: str) -> IncomingMessage:
        """One message.

        Raises:
            UnknownRow: ``INTROUVABLE``.
        """
        found = self._list(sql.INCOMING, {"incoming": incoming_id})
        if not found:
            raise UnknownRow("incoming message", incoming_id)
        return found[0]

    def incoming_messages(
        self, *, mailbox: MailboxAddress | None = None, states: Sequence[IncomingState] | None = None,
        limit: int = 100,
    ) -> list[IncomingMessage]:  # fmt: skip
        """Messages, newest first, of one mailbox or all, in some states or all."""
        statement = sql.list_incoming(states=states is not None, mailbox=mailbox is not None)
        values = {"box": mailbox, "states": states, "limit": limit}
        return self._list(statement, {name: value for name, value in values.items() if value is not None})

    def delivered_files(self, incoming_id: str) -> tuple[tuple[str, str], ...]:
        """(name, SHA-256) of each file that was delivered for a message; empty when none was recorded.

        Raises:
            UnknownRow: ``INTROUVABLE``.
        """
        with self._store.read() as connection:
            row = connection.execute(sql.INCOMING, {"incoming": incoming_id}).first()
        if row is None:
            raise UnknownRow("incoming message", incoming_id)
        words = opened(self._store.vault, incoming_id, row.sealed) if row.sealed is not None else {"files": []}
        return tuple((name, sha256) for name, sha256 in words["files"])

    def _list(self, statement: Any, values: dict[str, Any]) -> list[IncomingMessage]:
        with self._store.read() as connection:
            rows = connection.execute(statement, values).all()
        return [incoming_message(self._store.vault, row) for row in rows]


def _rows(writing: Writing, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Rows by id, inside a transaction.

    Raises:
        UnknownRow: ``INTROUVABLE`` when one is missing.
    """
    rows = {row.id: row for row in writing.run(sql.INCOMING_MANY, {"incoming": list(ids)})}
    for row_id in ids:
        if row_id not in rows:
            raise UnknownRow("incoming message", row_id)
    return rows


def _store_one(writing: Writing, row: Row[Any], item: StoredBytes, payload: dict[str, Any]) -> IncomingState:
    header = clipped(item.header_message_id, 998)
    same = {"box": row.mailbox, "sha256": payload["sha256"], "header": header, "row": row.id}
    twin = writing.run(sql.SAME_BYTES, same).scalar()
    news = {
        "received_at": item.received_at, "header_message_id": header, "sha256": payload["sha256"],
        "size_bytes": payload["size_bytes"], "code": None, "detail": None,
    }  # fmt: skip
    if twin is not None:
        return _advance(writing, row, IncomingEvent.RECOGNISE_DUPLICATE, {**news, "duplicate_of": twin})
    state = _advance(writing, row, IncomingEvent.STORE, {**news, "payload_id": payload["id"]})
    writing.run(sql.ADD_PAYLOAD, payload)
    return state


def _advance(
    writing: Writing, row: Row[Any], event: IncomingEvent, news: dict[str, Any], *,
    server: str = "", answer: str = "", actor: str | None = None,
) -> IncomingState:  # fmt: skip
    """Move a message along one transition, with its consequences and its trace."""
    before = known(IncomingState, row.state)
    state = next_incoming(before, event)
    if event is IncomingEvent.STORE and "payload_id" not in news:
        raise IllegalTransition("TRANSITION", "bytes are stored with Journal.store")
    if event is IncomingEvent.RECOGNISE_DUPLICATE and "duplicate_of" not in news:
        raise IllegalTransition("TRANSITION", "duplicates are recognised by Journal.store")
    if before in INCOMING_FINAL:
        state = _reopened(writing, row, state)
    changes = {**news, **_NO_LEASE, "state": state, "state_since": writing.now}
    changes["next_attempt_at"] = (news.get("next_attempt_at") or writing.now) if state in _IN_WORK else None
    if state in _IN_WORK:
        changes["attempts"] = 0
    writing.run(sql.CHANGE_INCOMING, {**changes, "row": row.id})
    code = news.get("code")
    writing.note(
        _action(event), mailbox=row.mailbox, subject_id=row.id, server=server, answer=answer,
        outcome=f"{state} {code}" if code else state, actor=actor,
    )  # fmt: skip
    return state


def _action(event: IncomingEvent) -> str:
    """The word of the trace: to bring bytes home is to fetch, whatever is then found out about them."""
    return "fetch" if event in (IncomingEvent.STORE, IncomingEvent.RECOGNISE_DUPLICATE) else event.value


def _reopened(writing: Writing, row: Row[Any], state: IncomingState) -> IncomingState:
    """Where a finished message goes: it can only be opened again while its bytes are kept."""
    if row.duplicate_of is not None:
        raise IllegalTransition("TRANSITION", f"a duplicate has no bytes of its own, see {row.duplicate_of}")
    if row.payload_id is None:
        return IncomingState.SEEN
    if not writing.run(sql.PAYLOADS_PRESENT, {"payloads": [row.payload_id]}).scalar_one():
        raise IllegalTransition("PAYLOAD_ABSENT", "the bytes of this message are no longer kept")
    return state


def _reach_incoming(event: IncomingEvent) -> None:
    if event in _STEPS:
        reach(_STEPS[event])
