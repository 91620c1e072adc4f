"""Rows and filters of the two lists: what a person sees of a submission, of a received message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.api.beside import Beside, beside
from connector.api.envelopes import Envelope, Envelopes
from connector.api.page.story import summary_of
from connector.domain.address import MailboxAddress
from connector.domain.states import IncomingState, OutgoingState
from connector.domain.text import Text
from connector.journal.inbox import TakenMark
from connector.journal.journal import Journal
from connector.journal.records import IncomingMessage, SubmissionView
from connector.journal.search import folded
from connector.support.received_words import INCOMING_WORDS
from connector.support.words import OUTGOING_WORDS, WAITING_WORDS

__all__ = [
    "INCOMING_SHADES", "OUTGOING_FILTERS", "OutRow", "ReceivedPage", "ReceivedRow", "Shade", "find_received",
    "find_these", "out_row", "outgoing_shade", "received_row",
]  # fmt: skip

MOST_RECEIVED_LOOKED_AT = 600
"""Received messages that one search opens at most; the heads of their bytes are remembered."""
_BATCH = 50
_O, _I = OutgoingState, IncomingState


class Shade(StrEnum):
    """How a state looks; each has a sign of its own besides the colour."""

    GOOD = "good"
    MOVING = "moving"
    HELD = "held"
    BAD = "bad"
    QUIET = "quiet"


_SHADES: Mapping[OutgoingState, Shade] = {
    _O.SENT: Shade.GOOD, _O.DELIVERED: Shade.GOOD, _O.READ: Shade.GOOD, _O.RECEIVED: Shade.MOVING,
    _O.PREPARED: Shade.MOVING, _O.SENDING: Shade.MOVING, _O.WAITING: Shade.HELD, _O.OUTCOME_UNKNOWN: Shade.HELD,
    _O.DUPLICATE: Shade.HELD, _O.REJECTED: Shade.BAD, _O.FAILED: Shade.BAD, _O.BOUNCED: Shade.BAD,
    _O.CANCELLED: Shade.QUIET,
}  # fmt: skip

OUTGOING_FILTERS: Mapping[str, tuple[Text, tuple[OutgoingState, ...]]] = {
    "sent": (Text("Partis", "Left"), (_O.SENT, _O.DELIVERED, _O.READ)),
    "way": (Text("En cours", "On their way"), (_O.RECEIVED, _O.PREPARED, _O.SENDING)),
    "waiting": (Text("En attente", "Waiting"), (_O.WAITING, _O.OUTCOME_UNKNOWN, _O.DUPLICATE)),
    "failed": (Text("En échec", "Failed"), (_O.REJECTED, _O.FAILED, _O.BOUNCED)),
    "cancelled": (Text("Annulés", "Cancelled"), (_O.CANCELLED,)),
}
"""Filters of what is sent: name in the address, words, states."""

INCOMING_SHADES: Mapping[IncomingState, Shade] = {
    _I.SEEN: Shade.MOVING, _I.STORED: Shade.MOVING, _I.OPENED: Shade.MOVING, _I.DELIVERED: Shade.GOOD,
    _I.ACKNOWLEDGED: Shade.GOOD, _I.RECEIPT: Shade.QUIET, _I.DUPLICATE: Shade.QUIET, _I.QUARANTINED: Shade.BAD,
    _I.GONE: Shade.QUIET,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OutRow:
    """One submission in a list."""

    id: str
    name: str
    recipients: tuple[str, ...]
    at: datetime
    state: Text
    shade: Shade
    code: str  # of the last problem, while it is one
    place: str = "outgoing"  # under which address it is shown whole
    about: str = ""  # instead of recipients


def outgoing_shade(state: OutgoingState) -> Shade:
    """How a state looks."""
    return _SHADES[state]


def out_row(view: SubmissionView) -> OutRow:
    """The row of a submission."""
    state, is_partial = summary_of(view.messages)
    telling = next((message for message in view.messages if message.state is state), None)
    word, shade = OUTGOING_WORDS[state], _SHADES[state]
    if is_partial:
        word, shade = Text("envoyé, mais pas à tous", "sent, but not to everybody"), Shade.BAD
    if telling is not None and telling.waiting_for is not None:
        reason = WAITING_WORDS[telling.waiting_for]
        word = Text(f"attend {reason.fr}", f"waits for {reason.en}")
    people = [str(each.address) for message in view.messages for each in message.recipients]
    has_problem = shade in (Shade.BAD, Shade.HELD)
    return OutRow(
        view.id, view.reference or view.source_name, tuple(dict.fromkeys(people)), view.created_at, word, shade,
        (telling.code or "") if telling is not None and has_problem else "",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReceivedRow:
    """One received message in a list."""

    id: str
    envelope: Envelope
    at: datetime
    state: Text
    shade: Shade
    mailbox: str
    found: Beside

    @property
    def taken(self) -> TakenMark | None:
        """Who has it."""
        return self.found.mark


@dataclass(frozen=True, slots=True)
class ReceivedPage:
    """A piece of the list of received messages."""

    rows: tuple[ReceivedRow, ...]
    after: str | None = None


def received_row(message: IncomingMessage, envelopes: Envelopes, found: Beside) -> ReceivedRow:
    """The row of a received message."""
    word, shade = INCOMING_WORDS[message.state], INCOMING_SHADES[message.state]
    at = message.received_at or message.state_since
    return ReceivedRow(message.id, envelopes.of(message), at, word, shade, str(message.mailbox), found)


def find_received(
    journal: Journal, envelopes: Envelopes, text: str = "", *, states: Sequence[IncomingState] | None = None,
    mailbox: MailboxAddress | None = None, limit: int = 25, after: str | None = None,
) -> ReceivedPage:  # fmt: skip
    """Received messages that fit, newest first; see :meth:`connector.journal.search.Search.find`."""
    words, rows, looked_at = folded(text).split(), list[ReceivedRow](), 0
    while looked_at < MOST_RECEIVED_LOOKED_AT:
        batch = journal.newest_received(limit=_BATCH, after=after, states=states, mailbox=mailbox)
        known = beside(journal, [message.id for message in batch])
        for message in batch:
            if len(rows) == limit:
                return ReceivedPage(tuple(rows), after)
            after, looked_at = message.id, looked_at + 1
            row = received_row(message, envelopes, known[message.id])
            if _fits(row, words):
                rows.append(row)
        if len(batch) < _BATCH:
            return ReceivedPage(tuple(rows))
    return ReceivedPage(tuple(rows), after)


def find_these(journal: Journal, envelopes: Envelopes, incoming_ids: Sequence[str]) -> ReceivedPage:
    """These messages, in this order."""
    known = beside(journal, incoming_ids)
    return ReceivedPage(
        tuple(received_row(journal.incoming(each), envelopes, known[each]) for each in incoming_ids)
    )  # fmt: skip


def _fits(row: ReceivedRow, words: Sequence[str]) -> bool:
    envelope = row.envelope
    everything = folded("\n".join((row.id, envelope.sender, envelope.address, envelope.subject, row.mailbox)))
    return all(word in everything for word in words)
