"""The port to whatever proves who we are.

Callers (the operators) see two things only: something that prepares the client side of a TLS context, and the
answers of a SASL exchange. A card signs inside the handshake through the same ``apply_to``; a Pro Santé Connect token
is a :class:`SaslCredentials` with mechanism ``XOAUTH2`` and ``initial_response=False``. Neither changes a caller.
"""

import ssl
from dataclasses import dataclass, field
from typing import Protocol

from connector.domain.states import WaitingFor

__all__ = ["Identity", "SaslCredentials", "external", "login", "plain"]


@dataclass(frozen=True, slots=True)
class SaslCredentials:
    """A SASL exchange (RFC 4422) as the list of what the client says.

    Every mechanism that we need has answers that do not depend on the server's challenges, so a list is enough and
    SMTP and IMAP play it alike.
    """

    mechanism: str  # upper case, as in EHLO AUTH and in CAPABILITY AUTH=
    responses: tuple[bytes, ...] = field(repr=False)  # before base64; holds secrets
    initial_response: bool = True  # False: wait for the first challenge (asked for by one operator, rules §11.3)


def external(authorization_id: str) -> SaslCredentials:
    """SASL EXTERNAL (RFC 4422 appendix A): the certificate of the TLS handshake proves who we are.

    Args:
        authorization_id: the mailbox to act for; empty = the one that the server derives from the certificate.
    """
    return SaslCredentials("EXTERNAL", (authorization_id.encode(),))


def plain(username: str, password: str) -> SaslCredentials:
    """SASL PLAIN (RFC 4616)."""
    return SaslCredentials("PLAIN", (b"\0" + username.encode() + b"\0" + password.encode(),))


def login(username: str, password: str) -> SaslCredentials:
    """The historic LOGIN: name, then password. Over IMAP the ``LOGIN`` command takes the same two."""
    return SaslCredentials("LOGIN", (username.encode(), password.encode()), initial_response=False)


class Identity(Protocol):
    """Proves to one operator who holds one mailbox.

    Owned by the worker of its mailbox; a method may block while a card signs or a key store opens.
    """

    @property
    def label(self) -> str:
        """Who we are, for the trace (Ref#2 ECO.4.1.2): certificate common name, or the mailbox.

        Never raises: falls back to the mailbox while the certificate cannot be read.
        """
        ...

    def revision(self) -> str:
        """Changes when contexts and connections made before must not be used any longer (new file, other card)."""
        ...

    def apply_to(self, context: ssl.SSLContext) -> None:
        """Give the client certificate and its key to a TLS context; nothing for an identity without certificate.

        Raises:
            ConfigurationError: ``CERTIFICAT_INVALIDE``, ``CERTIFICAT_EXPIRE``, ``CERTIFICAT_FUTUR``,
                ``CERTIFICAT_MOT_DE_PASSE``.
            NeedsPerson: card, PIN, password or token is missing.
        """
        ...

    def sasl(self) -> SaslCredentials | None:
        """What to say after TLS; ``None`` when the certificate alone is enough.

        Raises:
            NeedsPerson: password or token is missing.
        """
        ...

    def needs_person(self) -> WaitingFor | None:
        """What a person must do before a connection makes sense; asks no server and never raises."""
        ...
