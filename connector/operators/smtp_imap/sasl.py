"""The client's side of a SASL exchange (RFC 4422): what SMTP and IMAP have in common.

A refused token is not refused as a password is (rules §11.3): the server asks on, with an explanation in JSON, and
one operator hangs up right then. Both count as the refusal that they are.
"""

import base64
import binascii
import re
from collections.abc import Collection

from connector.identities.base import Identity, SaslCredentials
from connector.operators.errors import AuthenticationRefused, ConnectionFailed, TokenRefused
from connector.operators.smtp_imap.answer import clean

__all__ = ["SaslExchange", "choose", "may_show_another", "not_offered", "refused_again"]

_LONG_WORD = re.compile(r"[A-Za-z0-9._~+/=-]{64,}")  # a part of a token, or of what holds it; no word is that long


class SaslExchange:
    """One exchange, in base64 as both protocols carry it.

    Args:
        credentials: what the client says.
    """

    def __init__(self, credentials: SaslCredentials) -> None:
        self.credentials = credentials
        self.explanation = ""  # what the server said instead of accepting what it had asked for
        self._left = [base64.b64encode(response) for response in credentials.responses]

    @property
    def is_told(self) -> bool:
        """True once everything that we have to say was said."""
        return not self._left

    @property
    def counts_as_refusal(self) -> bool:
        """True when a connection that ends now means that the credentials were refused."""
        return bool(self.explanation) or (self.is_told and self.credentials.on_refusal is not None)

    def initial(self, *, allowed: bool, room: int) -> bytes | None:
        """The first answer, for inside the command; ``None`` when it must wait for the server's first challenge.

        Args:
            allowed: the server takes one there.
            room: how many bytes it may have; a longer one waits.
        """
        if not (allowed and self.credentials.initial_response and len(self._left[0]) <= room):
            return None
        return self._left.pop(0) or b"="  # RFC 4954 4, RFC 4959 3: stands for an empty one

    def answer(self, challenge: str | bytes) -> bytes:
        """What to say to a challenge.

        A challenge after everything was said explains a refusal. A token's mechanism answers it, so that the server
        can end the exchange in good order; the others give up (``*``).

        Args:
            challenge: in base64.
        """
        if self._left:
            return self._left.pop(0)
        self.explanation = self.explanation or _decoded(challenge) or "asked for more than there is to say"
        parting = self.credentials.parting
        return b"*" if parting is None else base64.b64encode(parting)

    def refusal(self, answer: str) -> AuthenticationRefused:
        """The error for credentials that the server does not accept, without the secret that its answer may repeat.

        Whoever gave the credentials is told, so that a token is not shown again.
        """
        text = self.concealed(" ".join(part for part in (self.explanation, answer) if part))
        if self.credentials.on_refusal is None:
            return AuthenticationRefused("AUTHENTIFICATION", "the server refused the credentials", answer=text)
        self.credentials.on_refusal()
        return TokenRefused("JETON_REFUSE", "the server refused the access token", answer=text)

    def concealed(self, text: str) -> str:
        """A server's words without anything of the secret, fit for logs."""
        secret = self.credentials.secret
        forms = [secret, *(base64.b64encode(said).decode() for said in self.credentials.responses)]
        for form in forms:
            if form:
                text = text.replace(form, "…")
        return clean(_LONG_WORD.sub("…", text))


def choose(credentials: SaslCredentials, offered: Collection[str]) -> SaslCredentials | None:
    """The credentials in the first of their mechanisms that the server offers.

    Args:
        credentials: with or without an alternative.
        offered: names in any case.
    """
    names = {name.upper() for name in offered}
    wanted: SaslCredentials | None = credentials
    while wanted is not None and wanted.mechanism not in names:
        wanted = wanted.alternative
    return wanted


def not_offered(credentials: SaslCredentials) -> AuthenticationRefused:
    """The server does not know the mechanism: nothing was said."""
    return AuthenticationRefused("MECANISME_ABSENT", f"the server does not offer {credentials.mechanism}")


def may_show_another(identity: Identity) -> bool:
    """True when another token has come since one was refused: then it is worth one more connection."""
    return identity.needs_person() is None


def refused_again(refusal: TokenRefused) -> ConnectionFailed:
    """A second token, fresh by now, was refused too: that is the operator's trouble, and it passes (rules §11.3)."""
    return ConnectionFailed("JETON_DIFFERE", "two access tokens in a row were refused", answer=refusal.answer)


def _decoded(challenge: str | bytes) -> str:
    raw = challenge.encode("ascii", "replace") if isinstance(challenge, str) else challenge
    try:
        return base64.b64decode(raw, validate=True).decode("utf-8", "replace").strip()
    except binascii.Error:
        return raw.decode("latin-1").strip()
