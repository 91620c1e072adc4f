"""From what the card thread saw to what everybody may read. Pure."""

from collections.abc import Callable

from connector.identities.card.presence import CardFacts, SceneFacts, card_presence, scene_presence
from connector.identities.card.status import CardStatus, Presence, TokenView
from connector.identities.card.view import Observation, SeenCard

__all__ = ["make_status", "make_view"]

_Wanted = Callable[[SeenCard], bool]
_CODES = {
    Presence.BLOCKED: "CARTE_BLOQUEE", Presence.LAST_TRY: "PIN_DERNIER_ESSAI", Presence.NO_CARD: "CARTE_ABSENTE",
    Presence.FAILED: "CARTE_DEFAILLANTE", Presence.PIN_NEEDED: "PIN",
}  # fmt: skip
_DETAILS = {
    Presence.FAILED: "the card or the middleware does not come back from a call",
    Presence.NO_CARD: "no reader holds a card",
}


def make_status(observation: Observation, *, answers: bool, wanted: _Wanted) -> CardStatus:
    """Everything at one moment.

    Args:
        observation: what was seen.
        answers: False while a call does not come back.
        wanted: whether a mailbox waits for the PIN of a card.
    """
    fault = observation.fault
    tokens = tuple(make_view(card, wanted) for card in observation.cards) if answers else ()
    presence = scene_presence(
        SceneFacts(
            answers=answers,
            middleware=fault is None or not fault.of_middleware,
            readers=len(observation.readers),
            cards=[token.presence for token in tokens],
        )
    )
    code, detail = _hindrance(presence, observation, tokens)
    return CardStatus(
        presence, observation.readers, tokens, observation.middleware, code, detail, observation.signatures
    )


def make_view(card: SeenCard, wanted: _Wanted) -> TokenView:
    """One card.

    Args:
        card: what was seen.
        wanted: whether a mailbox waits for its PIN.
    """
    presence = card_presence(
        CardFacts(
            known=card.is_known,
            logged_in=card.is_open,
            blocked=card.blocked,
            final_try=card.final_try,
            wanted=not card.code and wanted(card),
        )
    )
    return TokenView(
        card.reader, card.serial, card.label, presence, card.certificate, card.count_low, card.pin_pad, card.can_pss,
        card.code or _CODES.get(presence, ""),
    )  # fmt: skip


def _hindrance(presence: Presence, observation: Observation, tokens: tuple[TokenView, ...]) -> tuple[str, str]:
    """Code and sentence of what hinders everything."""
    if presence in (Presence.FAILED, Presence.NO_CARD):
        return _CODES[presence], _DETAILS[presence]
    if observation.fault is not None and presence in (Presence.NO_MIDDLEWARE, Presence.NO_READER):
        return observation.fault.code, observation.fault.detail
    for token, card in zip(tokens, observation.cards, strict=True):
        if token.presence is presence:
            return token.code, card.detail
    return "", ""
