"""The port to a private key that only signs: on a card, in a key store, or in memory for the tests."""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from connector.domain.errors import ConfigurationError

__all__ = ["Padding", "PublicKey", "Signer", "TlsKey"]

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
"""The two kinds of key that a client certificate of IGC-Santé may hold."""


class Padding(StrEnum):
    """How an RSA signature is padded (RFC 8017); an ECDSA signature has none."""

    PKCS1V15 = "pkcs1v15"
    PSS = "pss"


class Signer(Protocol):
    """Signs with a private key that nobody can see. Thread-safe; blocks only the thread that shakes hands.

    The shape is that of the package ``sslcontext``, so that its key store backends need one small adapter only.
    """

    def sign(
        self,
        digest: bytes,
        *,
        hash: str,  # noqa: A002 - the name that sslcontext gives it
        padding: Padding | None,
        salt_length: int | None,
    ) -> bytes:
        """Sign a digest, once: nothing is tried again in here or by the caller.

        Args:
            digest: already hashed.
            hash: what it was hashed with, as :mod:`hashlib` spells it; ``sha256`` for every RSA key.
            padding: of an RSA signature; ``None`` for an EC key.
            salt_length: in bytes, with PSS only; MGF1 uses ``hash``.

        Returns:
            RSA: as many bytes as the modulus has. EC: DER ``SEQUENCE {r, s}``.

        Raises:
            NeedsPerson, Unavailable: whatever hinders the key. It reaches whoever waits for the handshake as the
                cause of an :class:`ssl.SSLError`; any other exception does too, ``KeyboardInterrupt`` as itself.
        """
        ...


@dataclass(frozen=True)
class TlsKey:
    """A certificate, its issuers, and a key that signs for it."""

    certificate: bytes = field(repr=False)  # DER
    signer: Signer
    chain: tuple[bytes, ...] = field(default=(), repr=False)  # DER, from the issuer upwards; the root may be missing
    can_pss: bool = True  # RSA only. False (a CPS3): TLS 1.2 with PKCS#1 v1.5 and nothing else

    @cached_property
    def public_key(self) -> PublicKey:
        """The public half, from the certificate.

        Raises:
            ConfigurationError: ``CERTIFICAT_INVALIDE``: unreadable, or neither RSA nor EC.
        """
        try:
            key = x509.load_der_x509_certificate(self.certificate).public_key()
        except ValueError as error:
            raise ConfigurationError("CERTIFICAT_INVALIDE", "the certificate of the key is unreadable") from error
        if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
            raise ConfigurationError("CERTIFICAT_INVALIDE", f"a key of type {type(key).__name__} cannot be used")
        return key

    @property
    def needs_tls12(self) -> bool:
        """True when the key can make no signature that TLS 1.3 allows (RFC 8446 4.2.3: no PKCS#1 v1.5)."""
        return isinstance(self.public_key, rsa.RSAPublicKey) and not self.can_pss
