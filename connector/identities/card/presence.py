"""Where a card stands, from what was observed. Pure: a table, no history.

There is no hidden state: the same observation always gives the same answer, so nothing can get stuck, whatever order
things happen in. One card, first row that fits (``-`` = does not matter):

======  =========  =======  =========  ======  ==============
known   logged in  blocked  final try  wanted  presence
======  =========  =======  =========  ======  ==============
no      -          -        -          -       UNKNOWN_CARD
yes     yes        -        -          -       OPEN
yes     no         yes      -          -       BLOCKED
yes     no         no       yes        -       LAST_TRY
yes     no         no       no         yes     PIN_NEEDED
yes     no         no       no         no      LOCKED
======  =========  =======  =========  ======  ==============

*known*: the middleware shows a token with one authentication certificate. *wanted*: a mailbox waits for it, and its
certificate is in date. A card that is open stays open whatever its counter says: another program may have typed wrong
PINs since.

All together, first row that fits:

========  ==========  =======  =====  =================================
answers   middleware  readers  cards  presence
========  ==========  =======  =====  =================================
no        -           -        -      FAILED
yes       no          -        -      NO_MIDDLEWARE
yes       yes         -        some   that of the most useful card
yes       yes         none     none   NO_READER
yes       yes         some     none   NO_CARD
========  ==========  =======  =====  =================================
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from connector.identities.card.status import Presence

__all__ = ["BY_USEFULNESS", "CARD_TABLE", "CardFacts", "SceneFacts", "card_presence", "scene_presence"]


class CardFacts(NamedTuple):
    """What is known of one card."""

    known: bool
    logged_in: bool
    blocked: bool
    final_try: bool
    wanted: bool


class _Row(NamedTuple):
    known: bool | None
    logged_in: bool | None
    blocked: bool | None
    final_try: bool | None
    wanted: bool | None
    presence: Presence


CARD_TABLE = (
    _Row(False, None, None, None, None, Presence.UNKNOWN_CARD),
    _Row(True, True, None, None, None, Presence.OPEN),
    _Row(True, False, True, None, None, Presence.BLOCKED),
    _Row(True, False, False, True, None, Presence.LAST_TRY),
    _Row(True, False, False, False, True, Presence.PIN_NEEDED),
    _Row(True, False, False, False, False, Presence.LOCKED),
)
"""The table of the module docstring; ``None`` = does not matter."""

BY_USEFULNESS = (
    Presence.OPEN, Presence.PIN_NEEDED, Presence.LOCKED, Presence.LAST_TRY, Presence.BLOCKED, Presence.UNKNOWN_CARD,
)  # fmt: skip
"""Of several cards the first one in here speaks for all."""


@dataclass(frozen=True, slots=True)
class SceneFacts:
    """What is known of everything."""

    answers: bool  # the middleware comes back from its calls
    middleware: bool  # it is there and starts
    readers: int
    cards: Sequence[Presence]


def card_presence(facts: CardFacts) -> Presence:
    """Where one card stands."""
    return next(row.presence for row in CARD_TABLE if _fits(row, facts))


def scene_presence(facts: SceneFacts) -> Presence:
    """Where everything stands."""
    if not facts.answers:
        return Presence.FAILED
    if not facts.middleware:
        return Presence.NO_MIDDLEWARE
    if facts.cards:
        return min(facts.cards, key=BY_USEFULNESS.index)
    return Presence.NO_CARD if facts.readers else Presence.NO_READER


def _fits(row: _Row, facts: CardFacts) -> bool:
    return all(asked is None or asked == fact for asked, fact in zip(row, facts, strict=False))
