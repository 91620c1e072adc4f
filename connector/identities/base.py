"""The port to whatever proves who we are.

Callers (the operators) see two things only: something that prepares the client side of a TLS context, and the
answers of a SASL exchange. A card signs inside the handshake through the same ``apply_to``; a Pro Santé Connect token
(:mod:`connector.identities.token`) is a :class:`SaslCredentials` that wants to hear of a refusal.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from connector.domain.errors import ConnectorError, NeedsPerson
from connector.domain.states import WaitingFor

__all__ = [
    "Hindrance", "Identity", "IdentityUnavailable", "SaslCredentials", "external", "hindrance", "login", "plain",
]  # fmt: skip


class IdentityUnavailable(NeedsPerson):
    """Who we are cannot be proven before a person did something.

    Args:
        code: catalogue code.
        detail: one English sentence, never a secret.
        waiting_for: what the person must do.
    """

    def __init__(self, code: str, detail: str, waiting_for: WaitingFor) -> None:
        super().__init__(code, detail)
        self.waiting_for = waiting_for


@dataclass(frozen=True, slots=True)
class SaslCredentials:
    """A SASL exchange (RFC 4422) as the list of what the client says.

    Every mechanism that we need has answers that do not depend on the server's challenges, so a list is enough and
    SMTP and IMAP play it alike.
    """

    mechanism: str  # upper case, as in EHLO AUTH and in CAPABILITY AUTH=
    responses: tuple[bytes, ...] = field(repr=False)  # before base64; holds secrets
    initial_response: bool = True  # False: the mechanism has none, so the server's first challenge is waited for
    secret: str = field(default="", repr=False)  # what must not stand in an answer of the server that is kept
    parting: bytes | None = None  # what answers the explanation of a refusal, before base64; None: the exchange ends
    alternative: "SaslCredentials | None" = None  # the same secret for a server that does not offer the mechanism
    on_refusal: Callable[[], None] | None = field(default=None, repr=False, compare=False)
    """Called when the server refused them: they are then never shown again. Only a token has it."""


def external(authorization_id: str) -> SaslCredentials:
    """SASL EXTERNAL (RFC 4422 appendix A): the certificate of the TLS handshake proves who we are.

    Args:
        authorization_id: the mailbox to act for; empty = the one that the server derives from the certificate.
    """
    return SaslCredentials("EXTERNAL", (authorization_id.encode(),))


def plain(username: str, password: str) -> SaslCredentials:
    """SASL PLAIN (RFC 4616)."""
    return SaslCredentials("PLAIN", (b"\0" + username.encode() + b"\0" + password.encode(),), secret=password)


def login(username: str, password: str) -> SaslCredentials:
    """The historic LOGIN: name, then password. Over IMAP the ``LOGIN`` command takes the same two."""
    responses = (username.encode(), password.encode())
    return SaslCredentials("LOGIN", responses, initial_response=False, secret=password)


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


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a connection would make no sense now."""

    waiting_for: WaitingFor
    reason: ConnectorError  # with the code that tells a person what to do


_USUAL_CODES = MappingProxyType({
    WaitingFor.CARD: "CARTE_ABSENTE", WaitingFor.PIN: "PIN", WaitingFor.TOKEN: "JETON_ABSENT",
    WaitingFor.CODE: "CODE_ATTENDU", WaitingFor.CREDENTIALS: "SECRET_INDISPONIBLE",
    WaitingFor.SETTINGS: "REGLAGE_INVALIDE",
})  # fmt: skip


def hindrance(identity: Identity) -> Hindrance | None:
    """What hinders an identity; ``None`` when it is ready. Asks no server and never raises.

    The identity is asked for what it would give: what it says then is more exact than
    :meth:`Identity.needs_person`.
    """
    waiting_for = identity.needs_person()
    if waiting_for is None:
        return None
    try:
        identity.apply_to(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        identity.sasl()
    except ConnectorError as reason:
        return Hindrance(waiting_for, reason)
    code = _USUAL_CODES.get(waiting_for, "AUTHENTIFICATION")
    return Hindrance(waiting_for, IdentityUnavailable(code, "the identity is not ready", waiting_for))
