"""Whether the identity of a mailbox could be shown to a server now, found out without asking anybody for anything."""

from connector.domain.errors import ConnectorError
from connector.domain.states import WaitingFor
from connector.domain.text import Text
from connector.identities import Identity, make_identity
from connector.settings.model import MailboxSettings
from connector.support.doctor.world import World

__all__ = ["ready_identity"]

_WAITS = {
    WaitingFor.CARD: Text("la carte est attendue", "the card is waited for"),
    WaitingFor.PIN: Text("le code PIN est attendu", "the PIN is waited for"),
    WaitingFor.CODE: Text("un code à usage unique est attendu", "a one-time code is waited for"),
    WaitingFor.TOKEN: Text("une connexion Pro Santé Connect est attendue", "a Pro Santé Connect login is waited for"),
    WaitingFor.SETTINGS: Text("un réglage est à corriger", "a setting has to be corrected"),
    WaitingFor.CREDENTIALS: Text("un secret manque", "a secret is missing"),
}
_CARD_ELSEWHERE = Text(
    "la carte ne s'ouvre que dans le connecteur lancé ; son diagnostic est sur sa page",
    "the card opens in the connector that runs only; its page has this check",
)


def ready_identity(world: World, mailbox: MailboxSettings) -> Identity | Text:
    """The identity of a mailbox, or what it waits for.

    A card is asked what hinders it, and not for its PIN: :meth:`Identity.needs_person` would tell the person that
    somebody waits.
    """
    choice = mailbox.identity.card
    if choice is not None:
        if world.services.cards is None:
            return _CARD_ELSEWHERE
        hindered = world.services.cards.hindrance(choice)
        if hindered is not None:
            return _said(hindered.waiting_for)
    try:
        identity = make_identity(mailbox.identity, mailbox.address, world.services)
    except ConnectorError as failure:
        return Text(failure.detail, failure.detail)
    waits = identity.needs_person()
    return identity if waits is None else _said(waits)


def _said(waits: WaitingFor) -> Text:
    return _WAITS.get(waits, Text(waits.value, waits.value))
