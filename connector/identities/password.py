"""A login and a password, without client certificate."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from connector.domain.errors import ConfigurationError, ConnectorError
from connector.domain.states import WaitingFor
from connector.identities.base import SaslCredentials

__all__ = ["PasswordIdentity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordIdentity:
    """Proves itself with a secret that is read each time and never kept."""

    credentials: Callable[[], SaslCredentials]
    label: str  # the mailbox

    def revision(self) -> str:
        """Connections stay good when a password changes."""
        return ""

    def apply_to(self, context: ssl.SSLContext) -> None:
        """Nothing: no client certificate."""

    def sasl(self) -> SaslCredentials:
        """Name and password."""
        return self.credentials()

    def needs_person(self) -> WaitingFor | None:
        """``CREDENTIALS`` while the secret cannot be had."""
        try:
            self.credentials()
        except ConfigurationError:
            return WaitingFor.SETTINGS
        except ConnectorError as missing:
            return getattr(missing, "waiting_for", WaitingFor.CREDENTIALS)
        return None
