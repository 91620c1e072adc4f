"""Our answers to received messages: read receipts, and notices that an integration failed.

Whether an answer leaves is decided once: the slot of the received message, the outgoing message with its frozen bytes
and the trace are one transaction. A crash before it leaves nothing, and whoever asks again after it gets what there
is already.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from connector.domain.address import MailboxAddress
from connector.domain.ports import reach
from connector.domain.states import OutgoingState, RecipientState
from connector.domain.submission import RecipientKind, SendOptions, SourceKind
from connector.journal import statements as sql
from connector.journal.failure import UnknownRow
from connector.journal.payloads import payload_row
from connector.journal.rows import AnyRow, known, seal
from connector.journal.schema import incoming, messages, notices
from connector.journal.store import JournalPart, Store, Writing, clipped

__all__ = ["NoticeKind", "NoticeLetter", "NoticeOrder", "NoticeRow", "NoticeSlot", "Notices"]

_MICROSECOND = timedelta(microseconds=1)
_n = notices.c
_ADD = insert(notices)
_FILL = update(notices).where(_n.incoming_id == bindparam("row"), _n.slot == bindparam("place"))
_SLOTS = select(notices).where(_n.incoming_id == bindparam("incoming"))
_WHOLE = select(
    notices, messages.c.state, messages.c.submission_id, messages.c.header_message_id
).outerjoin(messages, messages.c.id == _n.message_id)  # fmt: skip
_SHOWN = _WHOLE.where(_n.incoming_id.in_(bindparam("incoming", expanding=True))).order_by(
    _n.incoming_id, _n.at, _n.slot.desc()
)
WAITING = (
    _WHOLE.join(incoming, incoming.c.id == _n.incoming_id)
    .where(
        _n.message_id.is_(None), _n.reason.in_(bindparam("reasons", expanding=True)), _n.at >= bindparam("since"),
        incoming.c.mailbox.in_(bindparam("boxes", expanding=True)),
    )
    .order_by(_n.at.desc(), _n.incoming_id.desc())
    .limit(bindparam("limit"))
)  # fmt: skip
"""Answers about which a person still decides."""


class NoticeSlot(StrEnum):
    """What can be said to the sender of a message, each at most once."""

    RECEIPT = "receipt"  # the one disposition notification that RFC 8098 2.1 allows
    FAILURE = "failure"  # that the software could not integrate it


class NoticeKind(StrEnum):
    """What an answer says."""

    DISPATCHED = "dispatched"  # given to the software's folder
    PROCESSED = "processed"  # taken or integrated by the software
    DISPLAYED = "displayed"  # a person has read it
    FAILED = "failed"  # the software could not integrate it


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeLetter:
    """The frozen answer."""

    header_message_id: str  # with angle brackets
    recipient: MailboxAddress
    content: bytes = field(repr=False)
    deadline_at: datetime  # after this it has failed
    name: str  # what people see of it in lists


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeOrder:
    """An answer that was decided on, or the decision that none leaves."""

    incoming_id: str
    kind: NoticeKind
    slots: tuple[NoticeSlot, ...]  # which it uses; never empty
    letter: NoticeLetter | None  # None: nothing leaves, for ``reason``
    reason: str = ""  # a code of the catalogue
    codes: tuple[str, ...] = ()  # of an integration failure
    actor: str = "connector"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """An answer as the journal knows it."""

    incoming_id: str
    slot: NoticeSlot
    kind: NoticeKind
    at: datetime
    actor: str
    codes: tuple[str, ...] = ()
    reason: str = ""  # why nothing was sent; a person may still decide to
    message_id: str | None = None  # row id of the outgoing message that carries it
    submission_id: str | None = None  # of that message
    state: OutgoingState | None = None  # of that message
    header_message_id: str | None = None


class Notices(JournalPart):
    """The answers."""

    def add_notice(self, order: NoticeOrder) -> bool:
        """Decide on an answer, once and for all when one leaves.

        Returns:
            True when this call decided; False when an answer in one of its slots was sent before, or nothing was to
            be sent then and nothing is now: nothing has changed.

        Raises:
            UnknownRow: ``INTROUVABLE``: there is no such received message.
            Unavailable: ``JOURNAL_INDISPONIBLE`` or ``DISQUE_PLEIN``: nothing has changed.
        """
        letter = order.letter
        row_id = self._store.ids.ulid() if letter else None
        outgoing = _outgoing(self._store, letter, row_id) if letter and row_id else None
        with self._store.write() as writing:
            received = writing.run(sql.INCOMING, {"incoming": order.incoming_id}).first()
            if received is None:
                raise UnknownRow("incoming message", order.incoming_id)
            used = {row.slot: row for row in writing.run(_SLOTS, {"incoming": order.incoming_id})}
            if any(slot in used and (used[slot].message_id or not letter) for slot in order.slots):
                return False
            if outgoing:
                outgoing.enqueue(writing, received.mailbox)
            _fill(writing, order, row_id, known_slots=used.keys())
            about = f"{order.kind} {' '.join(order.codes)}".strip()
            writing.note(
                "answer", mailbox=received.mailbox, subject_id=order.incoming_id, actor=order.actor, answer=about,
                outcome=f"{received.state} {order.reason}".strip(),
            )  # fmt: skip
        reach("journal.notice_kept")
        return True

    def notices(self, incoming_ids: Sequence[str]) -> dict[str, list[NoticeRow]]:
        """What was answered to several received messages, by row id, oldest first; those without are left out."""
        found: dict[str, list[NoticeRow]] = {}
        with self._store.read() as connection:
            for row in connection.execute(_SHOWN, {"incoming": list(incoming_ids)}):
                found.setdefault(row.incoming_id, []).append(_notice(row))
        return found

    def waiting_notices(
        self, reasons: Sequence[str], *, mailboxes: Sequence[MailboxAddress], since: datetime, limit: int = 100
    ) -> list[NoticeRow]:
        """Answers that were not sent for one of these reasons, newest first.

        Args:
            reasons: codes of the catalogue.
            mailboxes: of these.
            since: only what was decided then or later; aware.
            limit: at most that many.
        """
        values = {"reasons": list(reasons), "boxes": list(mailboxes), "since": since, "limit": limit}
        with self._store.read() as connection:
            return [_notice(row) for row in connection.execute(WAITING, values)]

    def decline_notice(self, incoming_id: str, slot: NoticeSlot, *, reason: str, actor: str) -> bool:
        """A person does not want an answer sent that waits for a decision; may be sent later all the same.

        Returns:
            True when this call decided; False when nothing waits: it was sent, declined before, or never due.

        Raises:
            UnknownRow: ``INTROUVABLE``: there is no such received message.
        """
        with self._store.write() as writing:
            received = writing.run(sql.INCOMING, {"incoming": incoming_id}).first()
            if received is None:
                raise UnknownRow("incoming message", incoming_id)
            rows = {row.slot: row for row in writing.run(_SLOTS, {"incoming": incoming_id})}
            found = rows.get(slot)
            if found is None or found.message_id is not None or found.reason == reason:
                return False
            decided = {"reason": reason, "at": writing.now, "actor": clipped(actor, 255)}
            writing.run(_FILL, {**decided, "row": incoming_id, "place": slot})
            writing.note(
                "answer", mailbox=received.mailbox, subject_id=incoming_id, actor=actor, answer=found.kind,
                outcome=f"{received.state} {reason}",
            )  # fmt: skip
        return True


def _fill(writing: Writing, order: NoticeOrder, row_id: str | None, *, known_slots: Any) -> None:
    """Use the slots: a decision that nothing leaves may be followed by one that something does."""
    values = {
        "kind": order.kind, "at": writing.now, "actor": clipped(order.actor, 255), "reason": order.reason,
        "codes": json.dumps(order.codes), "message_id": row_id,
    }  # fmt: skip
    for slot in order.slots:
        if slot in known_slots:
            writing.run(_FILL, {**values, "row": order.incoming_id, "place": slot})
        else:
            writing.run(_ADD, {**values, "incoming_id": order.incoming_id, "slot": slot})


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """The rows of an answer: a submission of our own with one message. What costs time was done before."""

    row_id: str
    submission_id: str
    letter: NoticeLetter
    payload: dict[str, Any] = field(repr=False)
    sealed: bytes = field(repr=False)

    def enqueue(self, writing: Writing, mailbox: MailboxAddress) -> None:
        """Prepared and due now."""
        writing.run(sql.ADD_SUBMISSION, {
            "id": self.submission_id, "mailbox": mailbox, "source": SourceKind.NOTICE, "created_at": writing.now,
            "taken_at": writing.now, "fingerprint": hashlib.sha256(self.submission_id.encode()).hexdigest(),
            "revision": 1, "reported_revision": 0, "unreported": False, "sealed": self.sealed,
        })  # fmt: skip
        writing.run(sql.ADD_PAYLOAD, self.payload)
        writing.run(sql.ADD_MESSAGE, self._message(writing.now) | {"mailbox": mailbox})
        writing.run(sql.ADD_RECIPIENT, {
            "message_id": self.row_id, "position": 0, "address": self.letter.recipient, "kind": RecipientKind.TO,
            "state": RecipientState.PENDING, "code": 0, "text": "",
        })  # fmt: skip
        writing.note("freeze", mailbox=mailbox, subject_id=self.row_id, outcome=OutgoingState.PREPARED)

    def _message(self, now: datetime) -> dict[str, Any]:
        return {
            "id": self.row_id, "submission_id": self.submission_id, "position": 0, "state": OutgoingState.PREPARED,
            "state_since": now, "revision": 1, "attempts": 0, "next_attempt_at": now,
            "deadline_at": self.letter.deadline_at, "lifetime_us": (self.letter.deadline_at - now) // _MICROSECOND,
            "data_begun": False, "document_codes": "[]", "header_message_id": self.letter.header_message_id,
            "payload_id": self.payload["id"], "size_bytes": self.payload["size_bytes"], "awaits_receipt": False,
        }  # fmt: skip


def _outgoing(store: Store, letter: NoticeLetter, row_id: str) -> _Outgoing:
    submission_id = store.ids.ulid()
    words: dict[str, Any] = {
        "source_name": letter.name, "reference": None, "subject": None, "body": None, "warnings": [], "names": [],
        "options": asdict(SendOptions(delivery_receipt=False, read_receipt=False)),
    }  # fmt: skip
    sealed = seal(store.vault, submission_id, words)
    return _Outgoing(row_id, submission_id, letter, payload_row(store, row_id, letter.content), sealed)


def _notice(row: AnyRow) -> NoticeRow:
    return NoticeRow(
        incoming_id=row.incoming_id, slot=known(NoticeSlot, row.slot), kind=known(NoticeKind, row.kind), at=row.at,
        actor=row.actor, codes=tuple(json.loads(row.codes)), reason=row.reason, message_id=row.message_id,
        submission_id=row.submission_id, header_message_id=row.header_message_id,
        state=known(OutgoingState, row.state) if row.state is not None else None,
    )  # fmt: skip
