"""The two state machines as data: one row per allowed transition, everything else is an error.

*Outgoing* is the life of one message (one e-mail). A submission starts as one message in ``received`` and may be
split into several when it is prepared (one patient and one kind of recipient per message).
*Incoming* is the life of one message seen on the operator's server.

The tables of ``docs/architecture.md`` are generated from here, and a test compares them.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from connector.domain.errors import IllegalTransition

__all__ = [
    "INCOMING", "INCOMING_FINAL", "OUTGOING", "OUTGOING_FAILED", "OUTGOING_FINAL", "IncomingEvent", "IncomingState",
    "OutgoingEvent", "OutgoingState", "RecipientState", "WaitingFor", "next_incoming", "next_outgoing",
]  # fmt: skip


class OutgoingState(StrEnum):
    """What is true of an outgoing message; the sentence is what it means for the person looking at it."""

    RECEIVED = "received"  # taken from the LPS, the originals are in the journal
    DUPLICATE = "duplicate"  # the same files for the same recipients were taken before: not sent, can be forced
    PREPARED = "prepared"  # the bytes that will leave are frozen
    SENDING = "sending"  # a worker is talking to the operator
    WAITING = "waiting"  # something else must happen first; see WaitingFor
    OUTCOME_UNKNOWN = "outcome_unknown"  # the content was given to the operator, its answer was lost
    SENT = "sent"  # the operator answered 250 for at least one recipient
    DELIVERED = "delivered"  # a positive delivery receipt came for every accepted recipient
    READ = "read"  # a read or integration receipt came
    BOUNCED = "bounced"  # the operator accepted it, then reported that it could not be delivered
    REJECTED = "rejected"  # bad input: nothing left
    FAILED = "failed"  # the operator refused for good, or the deadline passed
    CANCELLED = "cancelled"  # a person gave it up


class OutgoingEvent(StrEnum):
    """What can happen to an outgoing message."""

    FREEZE = "freeze"  # validated; XDM and MIME made
    REJECT = "reject"  # the input is wrong
    HOLD = "hold"  # needs a person, a network, a card before the next step
    RESUME = "resume"  # what it waited for is there
    CLAIM = "claim"  # a sender starts an attempt
    ACCEPT = "accept"  # final 2xx
    DEFER = "defer"  # temporary refusal, or the connection broke before DATA began
    REFUSE = "refuse"  # permanent refusal of all recipients, or of the content
    LOSE = "lose"  # the connection died after DATA began and no answer was stored
    FOUND = "found"  # looked up, or told by a receipt: the operator has it
    MISSING = "missing"  # looked up: the operator certainly does not have it
    RECEIPT_PARTIAL = "receipt_partial"  # news about some recipients, not enough to change the whole
    RECEIPT_DELIVERED = "receipt_delivered"
    RECEIPT_READ = "receipt_read"
    RECEIPT_FAILED = "receipt_failed"
    EXPIRE = "expire"  # the deadline passed
    CANCEL = "cancel"  # a person
    RETRY = "retry"  # a person
    RELEASE = "release"  # a person lets a duplicate, or an unknown outcome, leave (again)


class WaitingFor(StrEnum):
    """What a waiting message waits for."""

    CARD = "card"
    PIN = "pin"
    CODE = "code"
    TOKEN = "token"  # noqa: S105 - a word, not a secret
    CREDENTIALS = "credentials"
    NETWORK = "network"
    OPERATOR = "operator"
    APPROVAL = "approval"
    SETTINGS = "settings"


class RecipientState(StrEnum):
    """What is known for one recipient of one message."""

    PENDING = "pending"
    ACCEPTED = "accepted"  # RCPT and DATA answered 2xx
    DEFERRED = "deferred"
    REFUSED = "refused"
    DELIVERED = "delivered"
    READ = "read"
    BOUNCED = "bounced"
    NO_NEWS = "no_news"  # accepted, a receipt was asked for, and none came in time; a later one still counts


class IncomingState(StrEnum):
    """What is true of a message seen on the server."""

    SEEN = "seen"  # its UID is known
    STORED = "stored"  # the raw bytes are in the journal
    OPENED = "opened"  # MIME and XDM read, kind and patient known
    DELIVERED = "delivered"  # the files are in the LPS's folder
    RECEIPT = "receipt"  # it was a receipt, and was tied to what had been sent
    DUPLICATE = "duplicate"  # the same message was delivered before
    QUARANTINED = "quarantined"  # cannot be opened safely; raw bytes kept, a person is told
    ACKNOWLEDGED = "acknowledged"  # marked on the server: we are done with it
    GONE = "gone"  # vanished from the server before it was fetched


class IncomingEvent(StrEnum):
    """What can happen to an incoming message."""

    STORE = "store"
    OPEN = "open"
    DELIVER = "deliver"
    LINK_RECEIPT = "link_receipt"
    RECOGNISE_DUPLICATE = "recognise_duplicate"
    QUARANTINE = "quarantine"
    ACKNOWLEDGE = "acknowledge"
    REQUEUE = "requeue"  # a person: open again, deliver again
    VANISH = "vanish"


_O, _E = OutgoingState, OutgoingEvent

_RECEIPTS: Mapping[OutgoingEvent, OutgoingState] = MappingProxyType({
    _E.RECEIPT_DELIVERED: _O.DELIVERED, _E.RECEIPT_READ: _O.READ, _E.RECEIPT_FAILED: _O.BOUNCED,
})  # fmt: skip
"""A receipt proves that a message left, whatever we believed of it."""

OUTGOING: Mapping[OutgoingState, Mapping[OutgoingEvent, OutgoingState]] = MappingProxyType({
    _O.RECEIVED: {_E.FREEZE: _O.PREPARED, _E.REJECT: _O.REJECTED, _E.CANCEL: _O.CANCELLED},
    _O.DUPLICATE: {_E.RELEASE: _O.RECEIVED, _E.CANCEL: _O.CANCELLED},
    _O.PREPARED: {
        _E.CLAIM: _O.SENDING, _E.HOLD: _O.WAITING, _E.CANCEL: _O.CANCELLED, _E.EXPIRE: _O.FAILED,
        _E.RETRY: _O.PREPARED, _E.RECEIPT_PARTIAL: _O.PREPARED, **_RECEIPTS,
    },
    _O.SENDING: {
        _E.ACCEPT: _O.SENT, _E.DEFER: _O.PREPARED, _E.REFUSE: _O.FAILED, _E.LOSE: _O.OUTCOME_UNKNOWN,
        _E.HOLD: _O.WAITING,
    },
    _O.WAITING: {
        _E.RESUME: _O.PREPARED, _E.RETRY: _O.PREPARED, _E.CANCEL: _O.CANCELLED, _E.EXPIRE: _O.FAILED,
        _E.HOLD: _O.WAITING, _E.RECEIPT_PARTIAL: _O.WAITING, **_RECEIPTS,
    },
    _O.OUTCOME_UNKNOWN: {
        _E.FOUND: _O.SENT, _E.MISSING: _O.PREPARED, _E.RELEASE: _O.PREPARED, _E.CANCEL: _O.CANCELLED,
        # about the recipients of an earlier attempt; a receipt that proves that the lost one left is FOUND
        _E.RECEIPT_PARTIAL: _O.OUTCOME_UNKNOWN, **_RECEIPTS,
    },
    _O.SENT: {_E.RECEIPT_PARTIAL: _O.SENT, **_RECEIPTS},
    _O.DELIVERED: {_E.RECEIPT_PARTIAL: _O.DELIVERED, **_RECEIPTS},
    _O.READ: {
        _E.RECEIPT_PARTIAL: _O.READ, _E.RECEIPT_DELIVERED: _O.READ, _E.RECEIPT_READ: _O.READ,
        _E.RECEIPT_FAILED: _O.BOUNCED,
    },
    _O.BOUNCED: {
        _E.RECEIPT_PARTIAL: _O.BOUNCED, _E.RECEIPT_DELIVERED: _O.BOUNCED, _E.RECEIPT_READ: _O.BOUNCED,
        _E.RECEIPT_FAILED: _O.BOUNCED, _E.RETRY: _O.PREPARED,
    },
    _O.REJECTED: {_E.RETRY: _O.RECEIVED},
    _O.FAILED: {_E.RETRY: _O.PREPARED, _E.RECEIPT_PARTIAL: _O.FAILED, **_RECEIPTS},
    # a message cancelled while its outcome was unknown may have left after all: then say so
    _O.CANCELLED: {_E.RECEIPT_PARTIAL: _O.SENT, **_RECEIPTS},
})  # fmt: skip
"""Every transition of an outgoing message."""

OUTGOING_FINAL = frozenset({
    _O.SENT, _O.DELIVERED, _O.READ, _O.BOUNCED, _O.REJECTED, _O.FAILED, _O.CANCELLED, _O.DUPLICATE,
})  # fmt: skip
"""States in which the connector has nothing left to do by itself, so the originals leave the work folder."""

OUTGOING_FAILED = frozenset({_O.BOUNCED, _O.REJECTED, _O.FAILED, _O.CANCELLED, _O.DUPLICATE})
"""Final states in which nobody has it from this message."""

_I, _V = IncomingState, IncomingEvent

INCOMING: Mapping[IncomingState, Mapping[IncomingEvent, IncomingState]] = MappingProxyType({
    _I.SEEN: {
        _V.STORE: _I.STORED, _V.RECOGNISE_DUPLICATE: _I.DUPLICATE, _V.VANISH: _I.GONE, _V.QUARANTINE: _I.QUARANTINED,
    },
    _I.STORED: {_V.OPEN: _I.OPENED, _V.RECOGNISE_DUPLICATE: _I.DUPLICATE, _V.QUARANTINE: _I.QUARANTINED},
    _I.OPENED: {_V.DELIVER: _I.DELIVERED, _V.LINK_RECEIPT: _I.RECEIPT, _V.QUARANTINE: _I.QUARANTINED},
    _I.DELIVERED: {_V.ACKNOWLEDGE: _I.ACKNOWLEDGED},
    _I.RECEIPT: {_V.ACKNOWLEDGE: _I.ACKNOWLEDGED},
    _I.DUPLICATE: {_V.ACKNOWLEDGE: _I.ACKNOWLEDGED},
    _I.QUARANTINED: {_V.REQUEUE: _I.STORED},
    _I.ACKNOWLEDGED: {_V.REQUEUE: _I.STORED},
    _I.GONE: {},
})  # fmt: skip
"""Every transition of an incoming message. A quarantined one stays unmarked on the server."""

INCOMING_FINAL = frozenset({_I.ACKNOWLEDGED, _I.QUARANTINED, _I.GONE})

_State = TypeVar("_State", OutgoingState, IncomingState)
_Event = TypeVar("_Event", OutgoingEvent, IncomingEvent)


def next_outgoing(state: OutgoingState, event: OutgoingEvent) -> OutgoingState:
    """Where ``event`` leads from ``state``.

    Raises:
        IllegalTransition: the table holds no such row.
    """
    return _next(OUTGOING, state, event)


def next_incoming(state: IncomingState, event: IncomingEvent) -> IncomingState:
    """Where ``event`` leads from ``state``.

    Raises:
        IllegalTransition: the table holds no such row.
    """
    return _next(INCOMING, state, event)


def _next(table: Mapping[_State, Mapping[_Event, _State]], state: _State, event: _Event) -> _State:
    try:
        return table[state][event]
    except KeyError:
        raise IllegalTransition("TRANSITION", f"{event.value} is not allowed in state {state.value}") from None
