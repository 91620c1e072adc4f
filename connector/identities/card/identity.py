"""Proves who we are with a card: its certificate in the TLS handshake, its key never leaving it."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from connector.domain.states import WaitingFor
from connector.identities.base import IdentityUnavailable, SaslCredentials
from connector.identities.card.status import TokenView
from connector.identities.tls_key import TlsKey, attach
from connector.settings.model import CardChoice

__all__ = ["CardIdentity", "CardKeys"]


class CardKeys(Protocol):
    """What an identity needs of :class:`connector.identities.card.service.CardService`. Nothing of it blocks."""

    def find(self, choice: CardChoice) -> TokenView | None:
        """The card of a mailbox."""
        ...

    def want(self, choice: CardChoice) -> None:
        """Somebody waits for its PIN."""
        ...

    def hindrance(self, choice: CardChoice) -> IdentityUnavailable | None:
        """What a person must do first."""
        ...

    def key(self, choice: CardChoice) -> TlsKey:
        """The key for handshakes; raises what hinders it."""
        ...

    def revision(self, choice: CardChoice) -> str:
        """Changes when what was opened with the key must end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CardIdentity:
    """Implements :class:`connector.identities.base.Identity` for the card of one mailbox."""

    cards: CardKeys
    choice: CardChoice
    credentials: Callable[[], SaslCredentials | None]  # what follows the handshake
    fallback_label: str  # the mailbox

    @property
    def label(self) -> str:
        """The holder's name as it stands on the card."""
        card = self.cards.find(self.choice)
        return card.certificate.name if card and card.certificate else self.fallback_label

    def revision(self) -> str:
        """See :meth:`connector.identities.card.service.CardService.revision`."""
        return self.cards.revision(self.choice)

    def apply_to(self, context: ssl.SSLContext) -> None:
        """Give certificate and key to a context; each of its full handshakes then costs one signature of the card.

        Raises:
            IdentityUnavailable: card or PIN is missing (``waiting_for``), or the card does not work.
            ConfigurationError: ``CARTE_TLS12``, ``TLS_CLE_IMPOSSIBLE``.
        """
        attach(context, self.cards.key(self.choice))

    def sasl(self) -> SaslCredentials | None:
        """What follows the handshake."""
        return self.credentials()

    def needs_person(self) -> WaitingFor | None:
        """``CARD`` or ``PIN``; a PIN that is needed is asked for from now on."""
        hindered = self.cards.hindrance(self.choice)
        if hindered is None:
            return None
        if hindered.waiting_for is WaitingFor.PIN:
            self.cards.want(self.choice)
        return hindered.waiting_for
