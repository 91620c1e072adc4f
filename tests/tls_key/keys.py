"""Keys for the TLS key tests: profiles that imitate cards, certificates for them, and a signer in memory."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connector.identities.tls_key import Padding, TlsKey
from tests.servers.pki import Pki

__all__ = ["HOLDER", "Profile", "SoftwareSigner", "certify", "private_key", "software_key"]

HOLDER = "899700012345"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
_HASHES = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


class Profile(Enum):
    """What a card can sign."""

    CPS3 = "RSA, PKCS#1 v1.5 only"
    CPS4 = "RSA with PSS"
    EC = "P-256"


@dataclass(frozen=True)
class SoftwareSigner:
    """A key in memory behind the port."""

    key: PrivateKey = field(repr=False)

    def sign(
        self,
        digest: bytes,
        *,
        hash: str,  # noqa: A002
        padding: Padding | None,
        salt_length: int | None,
    ) -> bytes:
        prehashed = utils.Prehashed(_HASHES[hash])
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(digest, ec.ECDSA(prehashed))
        return self.key.sign(digest, _padding(hash, padding, salt_length), prehashed)


def _padding(hash_name: str, kind: Padding | None, salt_length: int | None) -> padding.AsymmetricPadding:
    if kind is Padding.PKCS1V15:
        return padding.PKCS1v15()
    assert salt_length is not None
    return padding.PSS(mgf=padding.MGF1(_HASHES[hash_name]), salt_length=salt_length)


@cache
def private_key(curve: type[ec.EllipticCurve] | None = None) -> PrivateKey:
    """One RSA key, or one for each curve, for the whole run."""
    if curve is not None:
        return ec.generate_private_key(curve())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def software_key(pki: Pki, profile: Profile) -> TlsKey:
    """A key in memory that can do what ``profile`` says."""
    key = private_key(ec.SECP256R1 if profile is Profile.EC else None)
    certificate, chain = certify(pki, key.public_key())
    return TlsKey(certificate, SoftwareSigner(key), chain, can_pss=profile is not Profile.CPS3)


def certify(
    pki: Pki, public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, name: str = HOLDER
) -> tuple[bytes, tuple[bytes, ...]]:
    """A client certificate for a key that exists already, and its issuers (DER); the servers of ``pki`` take it."""
    authority, now = pki.organisations, datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(
            subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
            issuer_name=authority.name,
            public_key=public,
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=1),
            not_valid_after=now + timedelta(days=100),
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_digital_signature(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    )
    certificate = builder.sign(authority.key, hashes.SHA256())
    chain = tuple(one.public_bytes(Encoding.DER) for one in authority.issuers)
    return certificate.public_bytes(Encoding.DER), chain


def _digital_signature() -> x509.KeyUsage:
    no = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
         "encipher_only", "decipher_only"),
        False,
    )  # fmt: skip
    return x509.KeyUsage(digital_signature=True, **no)
