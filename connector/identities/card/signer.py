"""How a card signs a TLS handshake: which mechanism, over which bytes. What it can do is asked, never guessed.

CPS3: PKCS#1 v1.5 only, so TLS 1.2. CPS4: PSS as well. A token that has nothing but raw RSA gets the padding from us.
EC keys sign the digest; ``r || s`` is made DER.
"""

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pkcs11 import MGF, Mechanism

from connector.domain.errors import Unavailable
from connector.identities.tls_key import Padding, digest_info, ecdsa_der, emsa_pss

__all__ = ["CardSigner", "RawSignature", "can_pss", "plan"]

_SALTED = MappingProxyType({
    "sha256": (Mechanism.SHA256, MGF.SHA256), "sha384": (Mechanism.SHA384, MGF.SHA384),
    "sha512": (Mechanism.SHA512, MGF.SHA512),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class RawSignature:
    """One ``C_Sign`` to make."""

    mechanism: Mechanism
    data: bytes = field(repr=False)
    parameter: tuple[Mechanism, MGF, int] | None = None
    """CK_RSA_PKCS_PSS_PARAMS. Always given: python-pkcs11's own default is SHA-1."""
    finish: Callable[[bytes], bytes] = bytes
    """From what the card gives to what TLS wants."""


def can_pss(mechanisms: Collection[object], certificate: x509.Certificate) -> bool:
    """Whether the key can make a signature that TLS 1.3 allows (RFC 8446 4.2.3).

    Args:
        mechanisms: of its slot.
        certificate: an EC key always can.
    """
    if isinstance(certificate.public_key(), ec.EllipticCurvePublicKey):
        return True
    return Mechanism.RSA_PKCS_PSS in mechanisms or Mechanism.RSA_X_509 in mechanisms


def plan(
    digest: bytes, hash_name: str, padding: Padding | None, salt_length: int | None, *,
    mechanisms: Collection[object], certificate: x509.Certificate,
) -> RawSignature:  # fmt: skip
    """What to ask of the card.

    Args:
        digest: to sign.
        hash_name: what made it, ``sha256``, ``sha384`` or ``sha512``.
        padding: as :class:`connector.identities.tls_key.Signer` gets it.
        salt_length: with PSS.
        mechanisms: of the slot.
        certificate: of the key.

    Raises:
        Unavailable: ``SIGNATURE_IMPOSSIBLE``: the card has no mechanism for it.
    """
    public = certificate.public_key()
    if isinstance(public, ec.EllipticCurvePublicKey):
        return RawSignature(Mechanism.ECDSA, digest[: (public.key_size + 7) // 8], finish=ecdsa_der)
    if not isinstance(public, rsa.RSAPublicKey):
        raise Unavailable("SIGNATURE_IMPOSSIBLE", f"a key of type {type(public).__name__} cannot be used")
    if padding is Padding.PSS:
        return _pss(digest, hash_name, salt_length or 0, mechanisms, public.key_size)
    return _pkcs1(digest, hash_name, mechanisms, public.key_size)


def _pss(
    digest: bytes, hash_name: str, salt_length: int, mechanisms: Collection[object], modulus_bits: int
) -> RawSignature:
    if Mechanism.RSA_PKCS_PSS in mechanisms and hash_name in _SALTED:
        return RawSignature(Mechanism.RSA_PKCS_PSS, digest, (*_SALTED[hash_name], salt_length))
    if Mechanism.RSA_X_509 not in mechanisms:
        raise Unavailable("SIGNATURE_IMPOSSIBLE", "the card can make no PSS signature")
    salt = secrets.token_bytes(salt_length)
    return RawSignature(Mechanism.RSA_X_509, emsa_pss(digest, hash_name, salt=salt, modulus_bits=modulus_bits))


def _pkcs1(digest: bytes, hash_name: str, mechanisms: Collection[object], modulus_bits: int) -> RawSignature:
    info = digest_info(digest, hash_name)
    if Mechanism.RSA_PKCS in mechanisms:
        return RawSignature(Mechanism.RSA_PKCS, info)
    if Mechanism.RSA_X_509 not in mechanisms:
        raise Unavailable("SIGNATURE_IMPOSSIBLE", "the card can make no PKCS#1 signature")
    filling = b"\xff" * (modulus_bits // 8 - len(info) - 3)  # RFC 8017 9.2
    return RawSignature(Mechanism.RSA_X_509, b"\x00\x01" + filling + b"\x00" + info)


@dataclass(frozen=True, slots=True)
class CardSigner:
    """Implements :class:`connector.identities.tls_key.Signer` for one card.

    It holds no session: each signature is asked of the card room, which knows whether that card is there and open. So
    a context made before the card was pulled signs again when the same card is back and its PIN was typed.
    """

    sign_raw: Callable[[RawSignature], bytes] = field(repr=False)
    """Signs with the card of this signer; raises as :class:`connector.identities.tls_key.Signer` may."""
    mechanisms: frozenset[object]
    certificate: x509.Certificate

    def sign(
        self,
        digest: bytes,
        *,
        hash: str,  # noqa: A002 - as the port says
        padding: Padding | None,
        salt_length: int | None,
    ) -> bytes:
        """See :class:`connector.identities.tls_key.Signer`."""
        wanted = plan(
            digest, hash, padding, salt_length, mechanisms=self.mechanisms, certificate=self.certificate
        )  # fmt: skip
        return wanted.finish(self.sign_raw(wanted))
