"""What the identities of all mailboxes share: secrets, the card room, tokens, codes – and who hears of their news."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from connector.daemon.mailbox import MailboxParts
from connector.domain.address import MailboxAddress
from connector.domain.ports import Clock
from connector.identities import IdentityServices
from connector.operators.trust import Trust
from connector.platform.keystore import resolve_secret
from connector.settings.model import Settings
from connector.support.health import Component, Condition

if TYPE_CHECKING:
    from connector.identities.card.service import CardService
    from connector.identities.card.status import CardPort, CardStatus

__all__ = ["card_health", "make_cards", "make_identity_services", "tell_mailboxes", "watching"]


def make_cards(settings: Settings, clock: Clock, trust: Trust) -> "CardService | None":
    """The card room, when a mailbox uses a card; touches no reader yet.

    Args:
        settings: all of them.
        clock: what time it is.
        trust: knows the authorities that stand between a card's certificate and its root; servers often know the
            root only.
    """
    if all(mailbox.identity.card is None for mailbox in settings.mailboxes):
        return None
    from connector.identities.card.service import CardService  # noqa: PLC0415 - PKCS#11 is for those who have a card

    issuers = [authority.certificate.public_bytes(Encoding.DER) for authority in trust.store.authorities()]
    return CardService(settings.card, clock, issuers_der=issuers)


def make_identity_services(clock: Clock, cards: "CardService | None") -> IdentityServices:
    """What identities are made with."""
    return IdentityServices(read_secret=resolve_secret, clock=clock, cards=cards)


def tell_mailboxes(
    services: IdentityServices, cards: "CardService | None", mailboxes: Sequence[MailboxParts]
) -> None:
    """Let every mailbox hear of its card, token or code: it ends what must end, and goes on by itself."""

    def card_changed(_: "CardStatus") -> None:
        for parts in mailboxes:
            if parts.mailbox.identity.card is not None:
                parts.identity_changed()

    def session_changed(address: MailboxAddress) -> None:
        for parts in mailboxes:
            if str(parts.mailbox.address).casefold() == str(address).casefold():
                parts.identity_changed()

    services.tokens.subscribe(session_changed)
    services.codes.subscribe(session_changed)
    if cards is not None:
        cards.subscribe(card_changed)


@contextlib.contextmanager
def watching(cards: "CardService | None") -> Iterator[None]:
    """Watch the readers for the time of the block; afterwards nobody is logged in any more."""
    if cards is None:
        yield
        return
    cards.start()
    try:
        yield
    finally:
        cards.close()


def card_health(cards: "CardPort", clock: Clock) -> Component:
    """How the card is; a certificate that comes to its end is told of 90, 60, 30 and 7 days before."""
    status = cards.status()
    if status.code:
        return Component("card", Condition.WAITING, status.code, detail=status.detail)
    from connector.support.doctor.expiry import expiry  # noqa: PLC0415 - all of the doctor comes with it
    from connector.support.doctor.finding import Severity  # noqa: PLC0415 - as above

    held = [token.certificate for token in status.tokens if token.certificate is not None]
    told = [expiry(one.name, one.not_before, one.not_after, clock.now()) for one in held]
    soon = next((finding for finding in told if finding.severity is not Severity.OK), None)
    return Component("card") if soon is None else Component("card", code=soon.code, detail=soon.detail)
