"""From the settings of a mailbox to its identity: a key for the handshake (or none), and what is said after it.

The two are independent: each key (file, card, key store of the system) goes with each way to say who we are (nothing,
EXTERNAL, a password, a token).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError
from connector.domain.ports import Clock
from connector.identities.base import Identity, SaslCredentials, external, login, plain
from connector.identities.card.identity import CardIdentity, CardKeys
from connector.identities.certificate import CertificateIdentity
from connector.identities.code import CodeSessions
from connector.identities.composed import KeyAndWord
from connector.identities.password import PasswordIdentity
from connector.identities.token import TokenIdentity, oauthbearer, token_credentials, xoauth2
from connector.identities.tokens import TokenStore
from connector.settings.model import (
    AuthMethod,
    CardChoice,
    IdentitySettings,
    KeyStoreChoice,
    SecretRef,
    ServerSettings,
)

__all__ = ["IdentityServices", "SecretReader", "make_identity"]

SecretReader = Callable[[SecretRef], str]
"""Reads a secret from where the settings say; raises ``NeedsPerson`` or ``Unavailable`` while it cannot be had."""

_Credentials = Callable[[], SaslCredentials | None]
_WITH_TOKEN = (AuthMethod.XOAUTH2, AuthMethod.OAUTHBEARER)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityServices:
    """What identities are made with; one per process, shared by all mailboxes."""

    read_secret: SecretReader
    clock: Clock  # to tell an expired certificate
    cards: CardKeys | None = None  # None: no mailbox of this process uses one
    in_store: dict[tuple[KeyStoreChoice, MailboxAddress], Identity] = field(default_factory=dict, repr=False)
    """Keys in the system's key store, as they are made; they are shared by the threads of a mailbox."""
    tokens: TokenStore = field(default_factory=TokenStore)
    codes: CodeSessions = field(default_factory=CodeSessions)


def make_identity(
    settings: IdentitySettings, mailbox: MailboxAddress, services: IdentityServices, *,
    server: ServerSettings | None = None,
) -> Identity:  # fmt: skip
    """The identity that the settings describe. Reads no file and no secret yet.

    Args:
        settings: the ``identity`` table of the mailbox.
        mailbox: authorization identity of EXTERNAL, and the user name when none is set.
        services: secrets, clock, cards, tokens.
        server: whom it will be shown to; OAUTHBEARER names it.

    Raises:
        ConfigurationError: ``REGLAGE_INVALIDE`` when neither certificate nor password is there,
            ``CODE_SANS_OPERATEUR`` for a one-time code, which SMTP and IMAP do not carry.
    """
    credentials = _credentials(settings, mailbox, services, server)
    identity = _with_key(settings, mailbox, services, credentials)
    if settings.auth in _WITH_TOKEN:
        return TokenIdentity(inner=identity, mailbox=mailbox, store=services.tokens)
    return identity


def _with_key(
    settings: IdentitySettings, mailbox: MailboxAddress, services: IdentityServices, credentials: _Credentials
) -> Identity:
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
    if settings.card is not None:
        key: Identity = _on_card(settings.card, mailbox, services)
    elif settings.key_store is not None:
        key = _in_store(settings.key_store, mailbox, services)
    else:
        return PasswordIdentity(credentials=partial(_required, credentials), label=str(mailbox))
    return KeyAndWord(key=key, word=PasswordIdentity(credentials=credentials, label=str(mailbox)))


def _on_card(choice: CardChoice, mailbox: MailboxAddress, services: IdentityServices) -> Identity:
    if services.cards is None:
        raise ConfigurationError("REGLAGE_INVALIDE", "identity.card: no card can be used here")
    return CardIdentity(cards=services.cards, choice=choice, credentials=_nothing, fallback_label=str(mailbox))


def _in_store(choice: KeyStoreChoice, mailbox: MailboxAddress, services: IdentityServices) -> Identity:
    """One for all threads of a mailbox: the system's window comes once."""
    from connector.identities.system_store import SystemStoreIdentity  # noqa: PLC0415 - for those who use it

    made = SystemStoreIdentity(
        choice=choice, credentials=_nothing, fallback_label=str(mailbox), clock=services.clock
    )  # fmt: skip
    return services.in_store.setdefault((choice, mailbox), made)


def _credentials(
    settings: IdentitySettings, mailbox: MailboxAddress, services: IdentityServices, server: ServerSettings | None
) -> _Credentials:
    username = settings.username or str(mailbox)
    match settings.auth:
        case AuthMethod.NONE:
            return _nothing
        case AuthMethod.EXTERNAL:
            return partial(external, username)
        case AuthMethod.PLAIN | AuthMethod.LOGIN:
            return partial(_with_password, settings, username, services.read_secret)
        case AuthMethod.XOAUTH2 | AuthMethod.OAUTHBEARER:
            return partial(
                token_credentials, services.tokens, mailbox, partial(_with_token, settings.auth, username, server)
            )
        case AuthMethod.CODE:
            raise ConfigurationError("CODE_SANS_OPERATEUR", "identity.auth = code: SMTP and IMAP carry no code")


def _nothing() -> None:
    return None


def _with_password(settings: IdentitySettings, username: str, read_secret: SecretReader) -> SaslCredentials:
    if settings.password is None:
        raise ConfigurationError("REGLAGE_INVALIDE", f"identity.auth = {settings.auth.value} needs a password")
    secret = read_secret(settings.password)
    return plain(username, secret) if settings.auth is AuthMethod.PLAIN else login(username, secret)


def _with_token(auth: AuthMethod, username: str, server: ServerSettings | None, token: str) -> SaslCredentials:
    host, port = (server.host, server.port) if server else ("", 0)
    bearer = oauthbearer(username, token, host=host, port=port)
    if auth is AuthMethod.OAUTHBEARER:
        return bearer
    return replace(xoauth2(username, token), alternative=bearer)  # for a server that lists that one only


def _required(credentials: _Credentials) -> SaslCredentials:
    found = credentials()
    if found is None or found.mechanism == "EXTERNAL":
        raise ConfigurationError("REGLAGE_INVALIDE", "identity needs a certificate, or a password")
    return found
