"""A Pro Santé Connect access token as SASL credentials: XOAUTH2, or OAUTHBEARER (RFC 7628)."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from connector.domain.address import MailboxAddress
from connector.domain.states import WaitingFor
from connector.identities.base import Identity, SaslCredentials
from connector.identities.tokens import TokenStore

__all__ = ["TokenIdentity", "TokenMechanisms", "oauthbearer", "token_credentials", "xoauth2"]

TokenMechanisms = Callable[[str], SaslCredentials]
"""From a token to what is said with it."""


def xoauth2(username: str, token: str) -> SaslCredentials:
    """SASL XOAUTH2: ``user=<mailbox> ^A auth=Bearer <token> ^A ^A`` (Ref#2 ECO.1.2.1)."""
    said = f"user={username}\x01auth=Bearer {token}\x01\x01"
    return SaslCredentials("XOAUTH2", (said.encode(),), secret=token, parting=b"")


def oauthbearer(username: str, token: str, *, host: str = "", port: int = 0) -> SaslCredentials:
    """SASL OAUTHBEARER (RFC 7628 3.1); a refusal is answered with one ``^A`` (3.2.3).

    Args:
        username: authorization identity: the mailbox.
        token: the access token.
        host: of the server, as the client reached it; may be left out.
        port: likewise.
    """
    where = f"host={host}\x01port={port}\x01" if host else ""
    said = f"n,a={_sasl_name(username)},\x01{where}auth=Bearer {token}\x01\x01"
    return SaslCredentials("OAUTHBEARER", (said.encode(),), secret=token, parting=b"\x01")


def token_credentials(store: TokenStore, mailbox: MailboxAddress, mechanisms: TokenMechanisms) -> SaslCredentials:
    """Credentials with the token to show now; a refusal goes back to the store, so that it is not shown again.

    Raises:
        IdentityUnavailable: ``JETON_ABSENT``, ``JETON_EXPIRE``, ``JETON_REFUSE``.
    """
    token = store.current(mailbox)
    made, told = mechanisms(token), partial(store.refuse, mailbox, token)
    other = replace(made.alternative, on_refusal=told) if made.alternative else None
    return replace(made, on_refusal=told, alternative=other)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIdentity:
    """An identity whose sessions end when the token store says so (Ref#2 ECO.1.2.6).

    What the handshake needs, and the token itself, come from the identity inside.
    """

    inner: Identity
    mailbox: MailboxAddress
    store: TokenStore

    @property
    def label(self) -> str:
        """That of the identity inside."""
        return self.inner.label

    def revision(self) -> str:
        """A new token changes nothing; sessions that must end do."""
        return f"{self.inner.revision()}#{self.store.sessions(self.mailbox)}"

    def apply_to(self, context: ssl.SSLContext) -> None:
        """The client certificate, when the operator wants one beside the token."""
        self.inner.apply_to(context)

    def sasl(self) -> SaslCredentials | None:
        """The token to show now."""
        return self.inner.sasl()

    def needs_person(self) -> WaitingFor | None:
        """``TOKEN`` while there is none to show."""
        return self.inner.needs_person()


def _sasl_name(name: str) -> str:
    """RFC 5801 4: comma and equals sign have a meaning around a name."""
    return name.replace("=", "=3D").replace(",", "=2C")
