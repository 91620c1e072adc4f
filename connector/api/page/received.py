"""What a received message's row and sheet tell besides its content: signs, decisions that wait, its thread. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from connector.api.beside import RELATION_NAMES, Beside, waits
from connector.api.page.listing import INCOMING_SHADES, Shade, outgoing_shade
from connector.client.models.answers import ThreadEntryModel, ThreadModel
from connector.domain.states import IncomingState, OutgoingState
from connector.domain.text import Text
from connector.journal.notices import NoticeRow, NoticeSlot
from connector.support.received_words import (
    ALERT_WORDS,
    IDENTITY_WORDS,
    INCOMING_WORDS,
    NOTICE_WORDS,
    RECEIPT_WORDS,
    REFUSED_BY_SOFTWARE,
    RELATION_WORDS,
    SHORT_RELATIONS,
)
from connector.support.words import OUTGOING_WORDS

__all__ = ["Sign", "ThreadRow", "open_notices", "relations_of", "signs_of", "thread_rows"]

_DOUBTS = ("doubtful", "several", "mismatch")
_NOT_SENT = Text("rien n'est envoyé", "nothing is sent")
_GRAVE = ("conflicts_with", "replaced_by", "withdraws", "withdrawn_by")


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that must not be overlooked: a word and an icon, never a colour alone."""

    icon: str
    shade: Shade
    word: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadRow:
    """One entry of a thread."""

    icon: str
    what: Text
    at: datetime
    who: str = ""
    subject: str = ""
    place: str = ""  # address of the message below the root, empty for the one that is looked at
    is_here: bool = False  # the message that is looked at
    relation: Text | None = None  # to another message
    about: str = ""  # address of that one, empty when it is the one that is looked at
    shade: Shade = Shade.QUIET
    state: Text | None = None
    words: str = ""  # of a server, or codes
    code: str = ""


def signs_of(found: Beside) -> tuple[Sign, ...]:
    """The signs of a message, the gravest first."""
    return tuple(_signs(found))


def _signs(found: Beside) -> Iterator[Sign]:
    for alert in found.facts.alerts:
        yield Sign("warning", Shade.BAD, ALERT_WORDS.get(alert, Text(alert, alert)))
    if any(notice.slot is NoticeSlot.FAILURE for notice in found.notices):
        yield Sign("warning", Shade.BAD, REFUSED_BY_SOFTWARE)
    if found.untaken_since is not None:
        yield Sign("wait", Shade.HELD, Text("Non intégré", "Not integrated"))
    if any(waits(notice) for notice in found.notices):
        yield Sign("wait", Shade.HELD, Text("Attend votre réponse", "Waits for your answer"))
    if found.facts.identity in _DOUBTS:
        yield Sign("unknown", Shade.HELD, _capital(IDENTITY_WORDS[found.facts.identity]))
    for name in dict.fromkeys(RELATION_NAMES[each.kind] for each in found.relations):
        yield Sign("file", Shade.HELD if name in _GRAVE else Shade.MOVING, SHORT_RELATIONS[name])
    if found.answered_by:
        yield Sign("out", Shade.GOOD, Text("Répondu", "Answered"))


def relations_of(found: Beside) -> list[tuple[Text, str]]:
    """What the message is to others: words, and the id of the other one."""
    return [(RELATION_WORDS[RELATION_NAMES[each.kind]], each.incoming_id) for each in found.relations]


def open_notices(found: Beside) -> dict[str, NoticeRow]:
    """Answers that were not sent, by slot: those that wait, and those that somebody did not want."""
    unsent = {notice.slot.value: notice for notice in found.notices if notice.message_id is None}
    return {slot: notice for slot, notice in unsent.items() if slot in (NoticeSlot.RECEIPT, NoticeSlot.FAILURE)}


def thread_rows(thread: ThreadModel, here: str) -> list[ThreadRow]:
    """The entries of a thread in words.

    Args:
        thread: oldest first.
        here: id of the message that is looked at.
    """
    kinds = {entry.id: entry.kind for entry in thread.entries if entry.kind in _PLACES}
    return [_row(entry, here, kinds) for entry in thread.entries]


_PLACES = {"received": "/received/", "sent": "/outgoing/"}
_WHATS = {
    "received": ("in", Text("Reçu", "Received")),
    "sent": ("out", Text("Envoyé", "Sent")),
    "receipt": ("done", Text("Accusé du destinataire", "Receipt of the recipient")),
    "notice": ("mark", Text("Votre réponse à l'expéditeur", "Your answer to the sender")),
}


def _row(entry: ThreadEntryModel, here: str, kinds: Mapping[str, str]) -> ThreadRow:
    icon, what = _WHATS[entry.kind]
    shade, state = _state(entry)
    is_message = entry.kind in _PLACES
    return ThreadRow(
        icon=icon, what=what, at=entry.at, who=entry.who, subject=entry.subject,
        place=_place(entry.id, here, kinds) if is_message else "", is_here=is_message and entry.id == here,
        relation=RELATION_WORDS.get(entry.relation), about=_place(entry.about or "", here, kinds),
        shade=shade, state=state, words=entry.text, code=entry.code,
    )  # fmt: skip


def _place(message_id: str, here: str, kinds: Mapping[str, str]) -> str:
    if message_id == here or message_id not in kinds:
        return ""
    return _PLACES[kinds[message_id]] + message_id


def _state(entry: ThreadEntryModel) -> tuple[Shade, Text | None]:
    """How it stands, in words."""
    if entry.kind == "received":
        state = IncomingState(entry.state)
        return INCOMING_SHADES[state], INCOMING_WORDS[state]
    if entry.kind == "sent":
        sent = OutgoingState(entry.state)
        return outgoing_shade(sent), OUTGOING_WORDS[sent]
    if entry.kind == "notice" and entry.code:
        return Shade.HELD, _NOT_SENT
    words = RECEIPT_WORDS if entry.kind == "receipt" else NOTICE_WORDS
    is_bad = entry.state in ("failed", "integration_failed")
    return (Shade.BAD if is_bad else Shade.GOOD), words.get(entry.state)


def _capital(text: Text) -> Text:
    return Text(text.fr[:1].upper() + text.fr[1:], text.en[:1].upper() + text.en[1:])
