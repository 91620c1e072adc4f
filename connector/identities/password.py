"""No key for the handshake: a password or a token says who we are, and nothing else does."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from connector.domain.errors import ConfigurationError, ConnectorError
from connector.domain.states import WaitingFor
from connector.identities.base import SaslCredentials

__all__ = ["PasswordIdentity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordIdentity:
    """Proves itself with a secret, a password or a token, that is read each time and never kept."""

    credentials: Callable[[], SaslCredentials | None]
    label: str  # the mailbox

    def revision(self) -> str:
        """Connections stay good when the secret changes."""
        return ""

    def apply_to(self, context: ssl.SSLContext) -> None:
        """Nothing: no client certificate."""

    def sasl(self) -> SaslCredentials | None:
        """What is said after the handshake."""
        return self.credentials()

    def needs_person(self) -> WaitingFor | None:
        """``CREDENTIALS`` while the secret cannot be had, or what it says itself."""
        try:
            self.credentials()
        except ConfigurationError:
            return WaitingFor.SETTINGS
        except ConnectorError as missing:
            return getattr(missing, "waiting_for", WaitingFor.CREDENTIALS)
        return None
