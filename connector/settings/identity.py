"""Settings of what proves to an operator who we are: certificate, card, key store, password, code, token."""

from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from connector.domain.text import Text
from connector.settings.base import BadSetting, SecretRef, Section

__all__ = [
    "AuthMethod", "CardChoice", "CardSettings", "IdentityMethod", "IdentitySettings", "KeyStoreChoice",
]  # fmt: skip


class AuthMethod(StrEnum):
    """What follows the TLS handshake."""

    EXTERNAL = "external"
    PLAIN = "plain"
    LOGIN = "login"
    XOAUTH2 = "xoauth2"  # Pro Santé Connect access token, Ref#2 ECO.1.2.1
    OAUTHBEARER = "oauthbearer"  # the same, RFC 7628
    CODE = "code"  # login, password and one-time code, over the Web Services
    NONE = "none"


_WITH_PASSWORD = (AuthMethod.PLAIN, AuthMethod.LOGIN, AuthMethod.CODE)
_WITH_KEY = (AuthMethod.EXTERNAL, AuthMethod.NONE)


class IdentityMethod(StrEnum):
    """The ways in that operators know (reference: client rules, section 11)."""

    CARD = "card"  # CPS authentication certificate in the TLS handshake
    CERTIFICATE = "certificate"  # software certificate of an organisation
    PASSWORD = "password"  # noqa: S105 - a word, not a secret
    CODE = "code"  # login, password, one-time code
    TOKEN = "token"  # noqa: S105 - Pro Santé Connect


class CardChoice(Section):
    """Which card proves who holds the mailbox. Empty = the only card with an authentication certificate."""

    holder: str = ""
    """National identifier of the holder (RPPS, with or without the leading 8): another person's card never counts."""
    serial: str = ""
    """Serial number of the card, when the same person has several."""


class KeyStoreChoice(Section):
    """Which certificate of the Windows or macOS key store; the key never leaves it."""

    subject: str = ""
    """Part of the subject (RFC 4514)."""
    issuer: str = ""
    """Part of the issuer."""
    sha256: str = Field(default="", pattern=r"^[0-9A-Fa-f:]*$")
    """Fingerprint, when subject and issuer are not enough."""


class IdentitySettings(Section):
    """What proves to the operator who we are."""

    certificate: Path | None = None
    """Client certificate, PEM (chain included) or P12/PFX."""
    key: Path | None = None
    """Private key in PEM when it is not in the certificate file."""
    certificate_password: SecretRef | None = None
    card: CardChoice | None = None
    """Card in a reader; ``card = {}`` takes the only one."""
    key_store: KeyStoreChoice | None = None
    """Certificate in the key store of Windows or macOS."""
    auth: AuthMethod = AuthMethod.EXTERNAL
    """SASL EXTERNAL with the mailbox as authorization identity; PLAIN or LOGIN; a Pro Santé Connect token by XOAUTH2
    or OAUTHBEARER; a one-time code; or nothing after mutual TLS."""
    username: str | None = None
    """Default: the mailbox address."""
    password: SecretRef | None = None

    @property
    def method(self) -> IdentityMethod:
        """The way in that this table describes."""
        if self.auth in (AuthMethod.XOAUTH2, AuthMethod.OAUTHBEARER):
            return IdentityMethod.TOKEN
        if self.auth is AuthMethod.CODE:
            return IdentityMethod.CODE
        if self.card is not None or self.key_store is not None:
            return IdentityMethod.CARD
        return IdentityMethod.CERTIFICATE if self.certificate is not None else IdentityMethod.PASSWORD

    @model_validator(mode="after")
    def _complete(self) -> Self:
        keys = [key for key in (self.certificate, self.card, self.key_store) if key is not None]
        if len(keys) > 1:
            raise BadSetting(
                Text(
                    "il faut un seul de certificate, card, key_store", "only one of certificate, card, key_store fits"
                ),
                Text("attendu : une seule clé privée", "expected one private key"),
            )
        if self.auth in _WITH_PASSWORD and self.password is None:
            auth = self.auth.value
            raise BadSetting(
                Text(f"auth = {auth} demande un mot de passe", f"auth = {auth} needs a password"),
                Text('attendu : password = { keyring = "…" }', 'expected password = { keyring = "…" }'),
            )
        if self.auth in _WITH_KEY and not keys:
            raise BadSetting(
                Text("auth = external ou none demande un certificat", "auth = external or none needs a certificate"),
                Text('attendu : certificate = "…", ou card = {}', 'expected certificate = "…", or card = {}'),
            )
        return self


class CardSettings(Section):
    """The smart card: middleware, PIN policy, what happens when the card is pulled."""

    module: Path | None = None
    """PKCS#11 library; default: that of Cryptolib CPS, where it installs itself on this system."""
    poll_seconds: float = Field(default=1.0, gt=0, le=2)
    """How often the reader is looked at."""
    pin_policy: Literal["removal", "hours", "session"] = "removal"
    """How long a PIN that was typed opens the card: until the card is pulled; for ``pin_hours``; or for the mail
    sessions that are opened right then. The PIN itself is never kept."""
    pin_hours: float = Field(default=4.0, gt=0)
    keep_sessions_on_removal: bool = False
    """True: mail sessions that are open when the card is pulled go on until they end by themselves."""
    sign_seconds: float = Field(default=30.0, gt=0)
    """Longest wait for one signature; the card counts as failed after it."""
    pin_pad_seconds: float = Field(default=90.0, gt=0)
    """How long the person may take at the reader's own pad."""
    issuers: list[str] = []
    """Part of the issuer's name that an authentication certificate must have; empty = any."""
