"""What every test PKI is made of: authorities that issue certificates and revocation lists.

Keys are RSA 2048, because the four suites of Ref#2 ECO.1.1.3 are all ECDHE_RSA and because that is what a CPS holds.
Extensions satisfy ``VERIFY_X509_STRICT``. Nothing in here is ever trusted outside a sandbox.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

__all__ = [
    "CERTIFICATE_DAYS", "CLIENT", "SERVER", "Authority", "Issued", "distribution_point", "private_key",
]  # fmt: skip

CERTIFICATE_DAYS = 825
CRL_DAYS = 365
BACKDATED = timedelta(days=1)
"""Validity starts a day early, so that a clock that is a little off does not matter."""

SERVER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
_TLS_USAGES = ("digital_signature", "key_encipherment")
_KEY_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True)
class Issued:
    """An end certificate with its key and its issuers (without the root)."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def key_pem(self) -> bytes:
        """The key, not encrypted."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def chain_pem(self) -> bytes:
        """The certificate, then its issuers."""
        return b"".join(c.public_bytes(Encoding.PEM) for c in (self.certificate, *self.chain))

    def p12(self, password: str) -> bytes:
        """Key, certificate and issuers as PKCS#12."""
        encryption = BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(b"test", self.key, self.certificate, self.chain, encryption)


@dataclass(frozen=True)
class Authority:
    """A certificate authority of a test PKI."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey = field(repr=False)
    issuers: tuple[x509.Certificate, ...] = ()  # from itself upwards, without the root

    @classmethod
    def root(cls, name: x509.Name, *, now: datetime) -> Self:
        """One that signs itself.

        Args:
            name: subject and issuer.
            now: aware.
        """
        key = private_key()
        builder = _builder(name, name, key, now - BACKDATED, now + timedelta(days=CERTIFICATE_DAYS))
        return cls(_signed(_as_authority(builder, path_length=1), key), key)

    def intermediate(self, name: x509.Name, *, now: datetime, lists_at: Sequence[str] = ()) -> Self:
        """One below this one, which issues end certificates only.

        Args:
            name: its subject.
            now: aware.
            lists_at: addresses of the list that could revoke it.
        """
        key = private_key()
        builder = _builder(
            name, self.certificate.subject, key, now - BACKDATED, now + timedelta(days=CERTIFICATE_DAYS)
        )
        builder = _extended(_as_authority(builder, path_length=0), distribution_point(lists_at))
        certificate = _signed(builder, self.key)
        return type(self)(certificate, key, (certificate, *self.issuers))

    def issue(
        self, subject: x509.Name, extensions: Iterable[x509.ExtensionType], *, now: datetime,
        usages: Collection[str] = _TLS_USAGES, starts: timedelta = -BACKDATED,
        lasts: timedelta = timedelta(days=CERTIFICATE_DAYS), key: rsa.RSAPrivateKey | None = None,
    ) -> Issued:  # fmt: skip
        """An end certificate.

        Args:
            subject: whose it is.
            extensions: what it says beyond the usual, not critical.
            now: aware.
            usages: of the key, as :class:`cryptography.x509.KeyUsage` names them; critical.
            starts: from ``now``.
            lasts: from its start.
            key: an existing one; default: a new one.
        """
        mine = key or private_key()
        begins = now + starts
        builder = _builder(subject, self.certificate.subject, mine, begins, begins + lasts)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(usages), critical=True)
        return Issued(_signed(_extended(builder, extensions), self.key), mine, self.issuers)

    def revocations(
        self, serials: Iterable[int], *, now: datetime, lasts: timedelta = timedelta(days=CRL_DAYS)
    ) -> x509.CertificateRevocationList:
        """Its revocation list.

        Args:
            serials: revoked.
            now: aware; the list is dated a day (or twice its negative life) before.
            lasts: from now; a negative one makes a list that is out of date.
        """
        since = now - BACKDATED + min(lasts, timedelta())
        builder = (
            x509.CertificateRevocationListBuilder(issuer_name=self.certificate.subject)
            .last_update(since)
            .next_update(now + lasts)
            .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        for serial in sorted(serials):
            revoked = x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=since).build()
            builder = builder.add_revoked_certificate(revoked)
        return builder.sign(self.key, SHA256())

    @property
    def pem(self) -> bytes:
        """Key and certificate."""
        return Issued(self.certificate, self.key).key_pem + self.certificate.public_bytes(Encoding.PEM)

    @classmethod
    def from_pem(cls, pem: bytes, *, is_root: bool = False) -> Self:
        """As :attr:`pem` gave it.

        Raises:
            TypeError: the key is not an RSA key.
        """
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("the key of the test authority is not an RSA key")
        certificate = x509.load_pem_x509_certificate(pem)
        return cls(certificate, key, () if is_root else (certificate,))


def private_key() -> rsa.RSAPrivateKey:
    """A new key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def distribution_point(addresses: Sequence[str]) -> list[x509.ExtensionType]:
    """Where the list is that could revoke a certificate, as its extension; none for no address."""
    if not addresses:
        return []
    names = [x509.UniformResourceIdentifier(address) for address in addresses]
    return [x509.CRLDistributionPoints([x509.DistributionPoint(names, None, None, None)])]


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _as_authority(builder: x509.CertificateBuilder, *, path_length: int) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    return builder.add_extension(_usage(("key_cert_sign", "crl_sign")), critical=True)


def _usage(names: Collection[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in names for name in _KEY_USAGES})


def _extended(builder: x509.CertificateBuilder, extensions: Iterable[x509.ExtensionType]) -> x509.CertificateBuilder:
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder


def _signed(builder: x509.CertificateBuilder, key: rsa.RSAPrivateKey) -> x509.Certificate:
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return builder.add_extension(authority, critical=False).sign(key, SHA256())
