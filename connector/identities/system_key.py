"""A certificate in the key store of Windows or macOS, and its key as a :class:`TlsKey`.

The stores themselves are those of the package ``sslcontext`` (CNG, Keychain). What is added here: which certificate,
what each of their errors means, and a first signature that is asked for before any handshake.
"""

import errno
import hashlib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

import sslcontext
from cryptography.hazmat.primitives.asymmetric import ec

from connector.domain.errors import ConfigurationError, ConnectorError, Unavailable
from connector.domain.states import WaitingFor
from connector.identities.base import IdentityUnavailable
from connector.identities.card.choose import FoundCertificate, choose
from connector.identities.tls_key import Padding, TlsKey
from connector.identities.tls_key.attach import CheckedSigner
from connector.settings.model import KeyStoreChoice

__all__ = ["KeyStore", "NeedsUser", "OpenStore", "StoredIdentity", "find", "open_key", "store_of_this_system"]

NEEDS_USER = errno.EACCES  # what sslcontext says when only the person can open the key and nobody may ask
_SALT_BYTES = 32


class StoredIdentity(Protocol):
    """One entry of a store, as ``sslcontext.Identity`` is."""

    @property
    def certificate(self) -> bytes:
        """DER."""
        ...

    @property
    def chain(self) -> tuple[bytes, ...]:
        """Its issuers (DER), as far as the store knows them."""
        ...

    @property
    def label(self) -> str:
        """The store's own name for it."""
        ...

    @property
    def signer(self) -> Any:
        """``sslcontext.Signer``."""
        ...


class KeyStore(Protocol):
    """A store, as ``sslcontext.backends.Backend`` is."""

    def identities(self) -> Iterable[StoredIdentity]:
        """Every certificate whose private key can be used."""
        ...


OpenStore = Callable[[bool], KeyStore | None]
"""Opens the store; true = the system may ask the person in a window of its own. ``None``: there is no such store."""


class NeedsUser(IdentityUnavailable):
    """The key cannot be used before the person has been asked."""


def store_of_this_system(asking: bool) -> KeyStore | None:
    """The current user's certificates on Windows, the Keychain on macOS; smart cards are in both. Else ``None``."""
    pin = sslcontext.KEYSTORE_PROMPT if asking else None
    if sys.platform == "win32":
        from sslcontext.backends import CNGBackend  # noqa: PLC0415 - only there

        return CNGBackend("MY", "current_user", pin=pin)
    if sys.platform == "darwin":
        from sslcontext.backends import KeychainBackend  # noqa: PLC0415 - only there

        return KeychainBackend(pin=pin)
    return None


def find(store: KeyStore | None, choice: KeyStoreChoice, now: datetime) -> StoredIdentity:
    """The one authentication certificate that fits; never a signature certificate.

    Raises:
        ConfigurationError: ``MAGASIN_ABSENT``, ``MAGASIN_CERTIFICATS`` (several fit), ``CERTIFICAT_EXPIRE``,
            ``CERTIFICAT_FUTUR``.
        IdentityUnavailable: ``MAGASIN_SANS_CERTIFICAT``: perhaps its card is not in the reader.
        Unavailable: ``MAGASIN_REFUS``.
    """
    if store is None:
        raise ConfigurationError("MAGASIN_ABSENT", f"there is no key store to be used on {sys.platform}")
    try:
        stored = {one.certificate: one for one in store.identities()}
    except (sslcontext.SSLContextError, OSError) as error:
        raise Unavailable("MAGASIN_REFUS", f"the key store cannot be read ({_number(error)})") from error
    fitting = [one for one in stored.values() if _fits(one, choice)]
    chosen = choose((FoundCertificate(one.certificate, one.label) for one in fitting), issuers=(), now=now)
    if chosen.code:
        raise _not_chosen(chosen.code, len(fitting), len(stored))
    assert chosen.certificate is not None  # noqa: S101 - choose() promises it without a code
    return stored[chosen.certificate.der]


def _fits(one: StoredIdentity, choice: KeyStoreChoice) -> bool:
    parsed = FoundCertificate(one.certificate).parsed
    wanted = choice.sha256.replace(":", "").casefold()
    return (
        parsed is not None
        and choice.subject.casefold() in parsed.subject.rfc4514_string().casefold()
        and choice.issuer.casefold() in parsed.issuer.rfc4514_string().casefold()
        and wanted in {"", hashlib.sha256(one.certificate).hexdigest()}
    )


def _not_chosen(code: str, fitting: int, stored: int) -> ConnectorError:
    match code:
        case "CARTE_CERTIFICATS":
            return ConfigurationError("MAGASIN_CERTIFICATS", f"{fitting} certificates of the key store fit")
        case "CARTE_EXPIREE":
            return ConfigurationError("CERTIFICAT_EXPIRE", "the certificate in the key store has expired")
        case "CERTIFICAT_FUTUR":
            return ConfigurationError("CERTIFICAT_FUTUR", "the certificate in the key store is not valid yet")
    text = f"{fitting} of {stored} certificates in the key store fit, and none of them is for authentication"
    return IdentityUnavailable("MAGASIN_SANS_CERTIFICAT", text, WaitingFor.CARD)


def open_key(stored: StoredIdentity, on_failure: Callable[[ConnectorError], None]) -> TlsKey:
    """The key, after a first signature over something meaningless: the system asks now, and not in a handshake.

    A second one finds out whether the key can PSS: a store may say so of a card that cannot.

    Args:
        stored: what :func:`find` gave.
        on_failure: told of every later signature that fails.

    Raises:
        NeedsUser: the store may not ask, and must.
        ConnectorError: what hinders the key.
    """
    signer = _StoreSigner(stored.signer)
    key = TlsKey(stored.certificate, signer, tuple(stored.chain))
    trial, public = CheckedSigner(signer, key.public_key), key.public_key
    if isinstance(public, ec.EllipticCurvePublicKey):
        trial.sign(_meaningless(), hash="sha256", padding=None, salt_length=None)
        can_pss = True
    else:
        trial.sign(_meaningless(), hash="sha256", padding=Padding.PKCS1V15, salt_length=None)
        can_pss = _can_pss(stored.signer, trial)
    return TlsKey(stored.certificate, _StoreSigner(stored.signer, on_failure), key.chain, can_pss=can_pss)


def _can_pss(signer: Any, trial: CheckedSigner) -> bool:
    try:
        if not getattr(signer, "supports_pss", True):
            return False
        trial.sign(_meaningless(), hash="sha256", padding=Padding.PSS, salt_length=_SALT_BYTES)
    except (ConnectorError, sslcontext.SSLContextError, OSError):
        return False
    return True


def _meaningless() -> bytes:
    return hashlib.sha256(b"mss-connector: is this key there?").digest()


@dataclass(frozen=True, slots=True)
class _StoreSigner:
    """Implements :class:`connector.identities.tls_key.Signer` with a signer of ``sslcontext``."""

    inner: Any
    on_failure: Callable[[ConnectorError], None] = field(default=lambda _: None)

    def sign(
        self,
        digest: bytes,
        *,
        hash: str,  # noqa: A002 - as the port says
        padding: Padding | None,
        salt_length: int | None,
    ) -> bytes:
        """See :meth:`connector.identities.tls_key.Signer.sign`."""
        translated = sslcontext.Padding(padding.value) if padding else None
        try:
            signature: bytes = self.inner.sign(digest, hash=hash, padding=translated, salt_length=salt_length)
        except (sslcontext.SSLContextError, OSError) as error:
            failure = _failure(error)
            self.on_failure(failure)
            raise failure from error
        return signature


_CANCELLED = (0x8010006E, 0x800704C7, 0x8010006B)  # SCARD_W_CANCELLED_BY_USER, ERROR_CANCELLED, SCARD_W_WRONG_CHV
_BLOCKED = (0x8010006C,)  # SCARD_W_CHV_BLOCKED
_NO_CARD = (
    0x8010000C, 0x80100069, 0x8010002E, 0x80100017, 0x8010001D, 0x80100068, 0x80090016,
)  # fmt: skip
"""SCARD_E_NO_SMARTCARD, SCARD_W_REMOVED_CARD, SCARD_E_NO_READERS_AVAILABLE, SCARD_E_READER_UNAVAILABLE,
SCARD_E_NO_SERVICE, SCARD_W_RESET_CARD, NTE_BAD_KEYSET (the container is on a card that is not there)."""


def _failure(error: Exception) -> ConnectorError:
    """What an error of a store means; the codes are those of winerror.h."""
    number = getattr(error, "errno", None)
    means = _MEANINGS.get(number) if isinstance(number, int) else None
    if number == NEEDS_USER:
        return NeedsUser("PIN", "the key store must ask the person first", WaitingFor.PIN)
    if means is None:
        return Unavailable("MAGASIN_REFUS", f"the key store does not sign ({_number(error)})")
    return IdentityUnavailable(*means)


def _meanings(
    numbers: Sequence[int], code: str, detail: str, waits: WaitingFor
) -> dict[int, tuple[str, str, WaitingFor]]:
    return dict.fromkeys(numbers, (code, detail, waits))


_MEANINGS = MappingProxyType(
    _meanings(_CANCELLED, "MAGASIN_ANNULE", "the system asked for the PIN and did not get it", WaitingFor.PIN)
    | _meanings(_BLOCKED, "CARTE_BLOQUEE", "too many wrong PINs were typed", WaitingFor.CARD)
    | _meanings(_NO_CARD, "CARTE_ABSENTE", "the card of this certificate is not in a reader", WaitingFor.CARD)
)


def _number(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return f"{type(error).__name__} 0x{number & 0xFFFFFFFF:08X}" if isinstance(number, int) else type(error).__name__
