"""From the settings of a mailbox to its identity."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError
from connector.domain.ports import Clock
from connector.identities.base import Identity, SaslCredentials, external, login, plain
from connector.identities.certificate import CertificateIdentity
from connector.identities.password import PasswordIdentity
from connector.settings.model import AuthMethod, IdentitySettings, SecretRef

__all__ = ["IdentityServices", "SecretReader", "make_identity"]

SecretReader = Callable[[SecretRef], str]
"""Reads a secret from where the settings say; raises ``NeedsPerson`` or ``Unavailable`` while it cannot be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityServices:
    """What identities are made with; one per process, shared by all mailboxes."""

    read_secret: SecretReader
    clock: Clock  # to tell an expired certificate


def make_identity(settings: IdentitySettings, mailbox: MailboxAddress, services: IdentityServices) -> Identity:
    """The identity that the settings describe. Reads no file and no secret yet.

    Args:
        settings: the ``identity`` table of the mailbox.
        mailbox: authorization identity of EXTERNAL, and the user name when none is set.
        services: secrets, clock, cards, tokens.

    Raises:
        ConfigurationError: ``REGLAGE_INVALIDE`` when neither certificate nor password is there.
    """
    credentials = partial(_credentials, settings, mailbox, services.read_secret)
    if settings.certificate is not None:
        password = settings.certificate_password
        return CertificateIdentity(
            certificate=settings.certificate,
            key=settings.key,
            password=partial(services.read_secret, password) if password else None,
            credentials=credentials,
            fallback_label=str(mailbox),
            clock=services.clock,
        )
    return PasswordIdentity(credentials=partial(_required, credentials), label=str(mailbox))


def _credentials(
    settings: IdentitySettings, mailbox: MailboxAddress, read_secret: SecretReader
) -> SaslCredentials | None:
    username = settings.username or str(mailbox)
    if settings.auth is AuthMethod.NONE:
        return None
    if settings.auth is AuthMethod.EXTERNAL:
        return external(username)
    if settings.password is None:
        raise ConfigurationError("REGLAGE_INVALIDE", f"identity.auth = {settings.auth.value} needs a password")
    secret = read_secret(settings.password)
    return plain(username, secret) if settings.auth is AuthMethod.PLAIN else login(username, secret)


def _required(credentials: Callable[[], SaslCredentials | None]) -> SaslCredentials:
    found = credentials()
    if found is None or found.mechanism == "EXTERNAL":
        raise ConfigurationError("REGLAGE_INVALIDE", "identity needs a certificate, or a password")
    return found
