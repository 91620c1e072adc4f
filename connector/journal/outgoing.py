"""Outgoing messages: claims, frozen bytes, answers. States change by :func:`connector.domain.states.next_outgoing`.

Two things besides the table: what had to be dropped after its retention time cannot come back to life
(``PAYLOAD_ABSENT``), and a message that was cancelled before it was prepared gets no receipts.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from connector.domain.address import MailboxAddress
from connector.domain.errors import IllegalTransition
from connector.domain.ports import reach
from connector.domain.states import (
    OUTGOING_FINAL,
    OutgoingEvent,
    OutgoingState,
    RecipientState,
    WaitingFor,
    next_outgoing,
)
from connector.domain.submission import SourceKind
from connector.journal import statements as sql
from connector.journal.failure import UnknownRow
from connector.journal.records import OutgoingMessage, RecipientChange
from connector.journal.rows import known, outgoing_messages
from connector.journal.store import JournalPart, Writing, clipped

__all__ = ["LEASE", "Outgoing", "advance", "message_row"]

LEASE = timedelta(minutes=15)
"""How long a claim holds when its owner is not heard of; longer than the longest SMTP session."""

_E = OutgoingEvent
_RECEIPTS = frozenset({_E.RECEIPT_PARTIAL, _E.RECEIPT_DELIVERED, _E.RECEIPT_READ, _E.RECEIPT_FAILED})
_RENEWS_DEADLINE = frozenset({_E.RETRY, _E.RELEASE})
_ACTIONS = {
    _E.ACCEPT: "send", _E.DEFER: "send", _E.REFUSE: "send", _E.LOSE: "send", _E.FOUND: "lookup",
    _E.MISSING: "lookup", **dict.fromkeys(_RECEIPTS, "receipt"),
}  # fmt: skip
"""The words of the trace, where they are not those of the event."""


class Outgoing(JournalPart):
    """The life of a message on its way out."""

    def claim_received(
        self, *, owner: str, limit: int = 10, mailbox: MailboxAddress | None = None
    ) -> list[OutgoingMessage]:
        """Lease messages that are to be prepared, oldest first; others do not get them meanwhile."""
        values = {"owner": owner, "limit": limit}
        if mailbox is None:
            return self._claim(sql.CLAIM_RECEIVED, values)
        return self._claim(sql.CLAIM_RECEIVED_OF, {**values, "box": mailbox})

    def claim_due(self, mailbox: MailboxAddress, *, owner: str, limit: int) -> list[OutgoingMessage]:
        """Take prepared messages that are due, oldest first; they are *sending* from now on."""
        target = next_outgoing(OutgoingState.PREPARED, OutgoingEvent.CLAIM)
        claimed = self._claim(
            sql.CLAIM_DUE, {"box": mailbox, "owner": owner, "limit": limit, "target": target}, action="claim"
        )
        if claimed:
            reach("journal.claimed")
        return claimed

    def _claim(self, statement: Any, values: dict[str, Any], *, action: str = "") -> list[OutgoingMessage]:
        with self._store.write() as writing:
            times = {"now": writing.now, "until": writing.now + LEASE}
            rows = writing.run(statement, {**values, **times}).all()
            rows = sorted(rows, key=lambda row: (row.next_attempt_at, row.id))
            for row in rows if action else []:
                writing.run(sql.BUMP_SUBMISSION, {"submission": row.submission_id, "by": 1})
                writing.note(action, mailbox=row.mailbox, subject_id=row.id, outcome=row.state)
            return outgoing_messages(writing.connection, rows)

    def release_claim(self, message_id: str, *, next_attempt_at: datetime | None = None) -> None:
        """The preparer gives a received message back, to be claimed again now or at the given time."""
        with self._store.write() as writing:
            writing.run(sql.RELEASE_CLAIM, {"row": message_id, "again": next_attempt_at or writing.now})

    def data_begun(self, message_id: str) -> None:
        """The first byte of content is about to leave; committed before it does.

        Raises:
            IllegalTransition: ``TRANSITION``: the message is not being sent (any more): nothing must leave.
        """
        with self._store.write() as writing:
            if writing.run(sql.BEGIN_DATA, {"row": message_id}).rowcount != 1:
                raise IllegalTransition("TRANSITION", "content may only leave while a message is being sent")
            writing.note("data", subject_id=message_id)
        reach("journal.data_begun")

    def record(  # noqa: PLR0913 - everything that an answer can tell, all by name
        self, message_id: str, event: OutgoingEvent, *, next_attempt_at: datetime | None = None,
        waiting_for: WaitingFor | None = None, code: str | None = None, detail: str | None = None,
        answer: str | None = None, recipients: Sequence[RecipientChange] = (), server: str = "",
        actor: str | None = None,
    ) -> OutgoingState:  # fmt: skip
        """Something happened to a message.

        Args:
            message_id: row id.
            event: what happened.
            next_attempt_at: when it is due, for what leads to *prepared* or *waiting*; default for *prepared*: now.
            waiting_for: needed for ``HOLD``.
            code: catalogue code of a problem; ``None`` clears the last one, except for receipts.
            detail: one English sentence, never patient data.
            answer: the operator's last line; ``None`` keeps the one before.
            recipients: news about single recipients; an address that is not of this message is ignored.
            server: for the trace.
            actor: who did it, when not we.

        Returns:
            The new state.

        Raises:
            IllegalTransition: ``TRANSITION``, or ``PAYLOAD_ABSENT`` when its bytes are no longer kept.
            UnknownRow: ``INTROUVABLE``.
        """
        with self._store.write() as writing:
            row = message_row(writing, message_id)
            news: dict[str, Any] = {"detail": clipped(detail), "waiting_for": waiting_for}
            settles = row.state == OutgoingState.OUTCOME_UNKNOWN  # a receipt ends what was unknown
            if code is not None or event not in _RECEIPTS or settles:
                news["code"] = code
            if answer is not None:
                news["answer"] = clipped(answer)
            state = advance(
                writing, row, event, {**news, "next_attempt_at": next_attempt_at}, server=server, actor=actor
            )
            if recipients:
                writing.run(sql.CHANGE_RECIPIENT, [_recipient_change(writing, row, change) for change in recipients])
        reach("journal.recorded")
        return state

    def waiting(
        self, mailbox: MailboxAddress, reasons: Collection[WaitingFor] | None = None
    ) -> list[OutgoingMessage]:
        """Messages of a mailbox that wait for one of these reasons (``None`` = for anything), oldest first."""
        if reasons is None:
            return self._in_state(mailbox, OutgoingState.WAITING)
        return self._messages(sql.WAITING_FOR, {"box": mailbox, "reasons": list(reasons)})

    def has_waiting(self, mailbox: MailboxAddress, reasons: Collection[WaitingFor] | None = None) -> bool:
        """True when :meth:`waiting` would give something; no message is read."""
        statement = sql.ANY_WAITING if reasons is None else sql.ANY_WAITING_FOR
        values = {"box": mailbox} if reasons is None else {"box": mailbox, "reasons": list(reasons)}
        with self._store.read() as connection:
            return connection.execute(statement, values).first() is not None

    def hold_due(
        self, mailbox: MailboxAddress, *, waiting_for: WaitingFor, code: str, detail: str,
        reasons: Collection[WaitingFor], limit: int = 200,
    ) -> int:  # fmt: skip
        """What is due waits for something first, without any attempt: none is counted.

        Args:
            mailbox: whose messages.
            waiting_for: what they wait for.
            code: catalogue code of why.
            detail: one English sentence.
            reasons: what waits for one of these, or for the same with another code, waits for this from now on.
            limit: messages of one transaction, oldest first.

        Returns:
            How many changed; call it until it is 0.
        """
        question = {
            "box": mailbox, "now": self._store.clock.now(), "reasons": list(reasons), "reason": waiting_for,
            "problem": code, "limit": limit,
        }  # fmt: skip
        news = {"code": code, "detail": clipped(detail), "waiting_for": waiting_for}
        return self._advance_all(sql.TO_HOLD, question, OutgoingEvent.HOLD, news)

    def resume_waiting(
        self, mailbox: MailboxAddress, *, reasons: Collection[WaitingFor], but_codes: Collection[str] = (),
        limit: int = 200,
    ) -> int:  # fmt: skip
        """What waited for one of ``reasons`` is due now, except where one of ``but_codes`` stands.

        Returns:
            How many changed; call it until it is 0.
        """
        question = {"box": mailbox, "reasons": list(reasons), "problems": list(but_codes), "limit": limit}
        return self._advance_all(
            sql.TO_RESUME, question, OutgoingEvent.RESUME, {"code": None, "detail": None, "waiting_for": None}
        )

    def _advance_all(
        self, statement: Any, question: dict[str, Any], event: OutgoingEvent, news: dict[str, Any]
    ) -> int:
        with self._store.write() as writing:
            rows = writing.run(statement, question).all()
            for row in rows:
                advance(writing, row, event, news)
        return len(rows)

    def unknown(self, mailbox: MailboxAddress) -> list[OutgoingMessage]:
        """Messages of a mailbox whose outcome is unknown, oldest first."""
        return self._in_state(mailbox, OutgoingState.OUTCOME_UNKNOWN)

    def _in_state(self, mailbox: MailboxAddress, state: OutgoingState) -> list[OutgoingMessage]:
        return self._messages(sql.MESSAGES_IN_STATE, {"box": mailbox, "in_state": state})

    def outgoing(self, message_id: str) -> OutgoingMessage:
        """One message.

        Raises:
            UnknownRow: ``INTROUVABLE``.
        """
        found = self.find_outgoing(message_id)
        if found is None:
            raise UnknownRow("message", message_id)
        return found

    def find_outgoing(self, message_id: str) -> OutgoingMessage | None:
        """The message with this id, if it is one of ours: receipts bring it back as ENVID (RFC 3461 4.4)."""
        return next(iter(self._messages(sql.MESSAGE, {"message": message_id})), None)

    def by_header_message_id(self, header_message_id: str) -> OutgoingMessage | None:
        """The message that left with this Message-ID (angle brackets included)."""
        return next(iter(self._messages(sql.MESSAGE_BY_HEADER, {"header": header_message_id})), None)

    def earlier_message_for_document(
        self, document_unique_id: str, mailbox: MailboxAddress
    ) -> OutgoingMessage | None:
        """The newest message of this mailbox that holds a document, for the threading of its replacement.

        Messages that were rejected, failed or cancelled do not count.
        """
        values = {"document": document_unique_id, "box": mailbox}
        return next(iter(self._messages(sql.EARLIER_FOR_DOCUMENT, values)), None)

    def _messages(self, statement: Any, values: dict[str, Any]) -> list[OutgoingMessage]:
        with self._store.read() as connection:
            return outgoing_messages(connection, connection.execute(statement, values).all())

    def next_due(self, mailbox: MailboxAddress) -> datetime | None:
        """When the next prepared message of a mailbox is due; may lie in the past."""
        with self._store.read() as connection:
            return connection.execute(sql.NEXT_DUE, {"box": mailbox}).scalar()


def message_row(writing: Writing, message_id: str) -> Row[Any]:
    """The row of a message, inside a transaction.

    Raises:
        UnknownRow: ``INTROUVABLE``.
    """
    row = writing.run(sql.MESSAGE, {"message": message_id}).first()
    if row is None:
        raise UnknownRow("message", message_id)
    return row


def advance(
    writing: Writing, row: Row[Any], event: OutgoingEvent, news: dict[str, Any], *, server: str = "",
    actor: str | None = None,
) -> OutgoingState:  # fmt: skip
    """Move a message along one transition, with its consequences and its trace.

    Args:
        writing: the transaction.
        row: the message as it is.
        event: what happened.
        news: columns that change besides.
        server: for the trace.
        actor: for the trace.

    Raises:
        IllegalTransition: see :meth:`Outgoing.record`.
    """
    state = _landing(writing, row, event)
    changes = {**news, "state": state, "revision": row.revision + 1, "claim_owner": None, "claim_until": None}
    if event in _RECEIPTS and state == row.state:  # news about a recipient: the plan stays
        changes = {key: value for key, value in changes.items() if key not in ("waiting_for", "next_attempt_at")}
    else:
        changes["waiting_for"] = _waiting_for(state, news)
        changes["next_attempt_at"] = _next_attempt(writing, state, news)
    if state != row.state:
        changes["state_since"] = writing.now
    if state is OutgoingState.SENT and row.state != state:
        changes["settled_by"] = event
    if event is OutgoingEvent.LOSE:
        changes["data_begun"] = True
    if event in _RENEWS_DEADLINE:
        changes["deadline_at"] = writing.now + timedelta(microseconds=row.lifetime_us)
    writing.run(sql.CHANGE_MESSAGE, {**changes, "row": row.id})
    source = writing.run(sql.BUMP_AND_TELL, {"submission": row.submission_id, "by": 1}).scalar()
    code = news.get("code")
    action = _ACTIONS.get(event, event.value)
    if source == SourceKind.NOTICE and event in _ACTIONS:
        action = "notice"  # what the LPS gave us is counted without our own answers
    writing.note(
        action, mailbox=row.mailbox, subject_id=row.id, server=server, answer=news.get("answer") or "",
        outcome=f"{state} {code}" if code else state, actor=actor,
    )  # fmt: skip
    return state


def _landing(writing: Writing, row: Row[Any], event: OutgoingEvent) -> OutgoingState:
    """Where an event leads this message; see the docstring of the module for what the table cannot know."""
    before = known(OutgoingState, row.state)
    state = next_outgoing(before, event)
    if event is OutgoingEvent.FREEZE:
        raise IllegalTransition("TRANSITION", "bytes are frozen with Journal.freeze")
    if event is OutgoingEvent.CLAIM:
        raise IllegalTransition("TRANSITION", "messages are claimed with Journal.claim_due")
    if event in _RECEIPTS and row.header_message_id is None:
        raise IllegalTransition("TRANSITION", "a receipt for a message that was never prepared")
    if before in OUTGOING_FINAL and state in (OutgoingState.PREPARED, OutgoingState.RECEIVED):
        _need_bytes(writing, row)
    return state


def _need_bytes(writing: Writing, row: Row[Any]) -> None:
    """A finished message can only be taken up again while its bytes are kept."""
    files = writing.run(sql.FILES, {"submissions": [row.submission_id]}).all()
    needed = [file.payload_id for file in files] + ([row.payload_id] if row.payload_id else [])
    present = writing.run(sql.PAYLOADS_PRESENT, {"payloads": needed}).scalar_one()
    if present != len(needed):
        raise IllegalTransition("PAYLOAD_ABSENT", "the bytes of this message are no longer kept")


def _waiting_for(state: OutgoingState, news: dict[str, Any]) -> WaitingFor | None:
    if state is not OutgoingState.WAITING:
        return None
    if news.get("waiting_for") is None:
        raise IllegalTransition("TRANSITION", "a message that is held must say what it waits for")
    return WaitingFor(news["waiting_for"])


def _next_attempt(writing: Writing, state: OutgoingState, news: dict[str, Any]) -> datetime | None:
    wanted: datetime | None = news.get("next_attempt_at")
    if state in (OutgoingState.PREPARED, OutgoingState.RECEIVED):
        return wanted or writing.now
    return wanted if state is OutgoingState.WAITING else None


def _recipient_change(writing: Writing, row: Row[Any], change: RecipientChange) -> dict[str, Any]:
    """The columns that change; who was accepted waits for a receipt from now on, when one was asked for."""
    waits = row.awaits_receipt and change.state is RecipientState.ACCEPTED
    return {
        "row": row.id, "who": change.address, "state": change.state, "code": change.code,
        "text": clipped(change.text), "waits_since": writing.now if waits else None,
    }  # fmt: skip
