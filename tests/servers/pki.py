"""Certificates for the tests: a chain shaped like IGC-Santé's, and the wrong ones that must be refused.

All names say TEST. Keys are RSA 2048 because the four suites of Ref#2 ECO.1.1.3 are ECDHE_RSA.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Authority", "Issued", "Pki"]

LOCALHOST: tuple[x509.GeneralName, ...] = (
    x509.DNSName("localhost"),
    x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
)


@dataclass(frozen=True)
class Issued:
    """An end certificate with its key and its issuers."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    chain: tuple[x509.Certificate, ...]

    @property
    def chain_pem(self) -> bytes:
        return b"".join(c.public_bytes(Encoding.PEM) for c in (self.certificate, *self.chain))

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def encrypted_key_pem(self, password: str) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode()))

    def p12(self, password: str) -> bytes:
        encryption = BestAvailableEncryption(password.encode())
        return pkcs12.serialize_key_and_certificates(b"test", self.key, self.certificate, self.chain, encryption)

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    def write(self, path: Path) -> Path:
        """Key and chain in one PEM file that only its owner reads."""
        path.touch(mode=0o600)
        path.write_bytes(self.key_pem + self.chain_pem)
        return path


@dataclass
class Authority:
    """A certificate authority; ``issuer`` is ``None`` for a root."""

    name: x509.Name
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    issuers: tuple[x509.Certificate, ...] = ()  # from itself upwards, without the root
    revoked: list[int] = field(default_factory=list)

    @classmethod
    def root(cls, common_name: str) -> "Authority":
        return cls._make(common_name, None)

    def intermediate(self, common_name: str) -> "Authority":
        return self._make(common_name, self)

    @classmethod
    def _make(cls, common_name: str, above: "Authority | None") -> "Authority":
        key, name = _key(), _name(common_name)
        builder = _builder(name, above.name if above else name, key, timedelta(days=3650))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        builder = builder.add_extension(_usage(authority=True), critical=True)
        certificate = _signed(builder, above.key if above else key)
        issuers = (certificate, *above.issuers) if above else ()
        return cls(name, certificate, key, issuers)

    def issue(
        self,
        common_name: str,
        *,
        names: Sequence[x509.GeneralName] = (),
        client: bool = False,
        lists_at: Sequence[str] = (),
        starts: timedelta = timedelta(days=-2),
        lasts: timedelta = timedelta(days=700),
    ) -> Issued:
        """An end certificate for a server, or for a client; ``lists_at`` are its distribution points."""
        key = _key()
        builder = _builder(_name(common_name), self.name, key, lasts, starts=starts)
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(authority=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if lists_at:
            points = [x509.UniformResourceIdentifier(address) for address in lists_at]
            point = x509.DistributionPoint(points, relative_name=None, reasons=None, crl_issuer=None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        return Issued(_signed(builder, self.key), key, self.issuers)

    def crl(self, *, next_update: timedelta = timedelta(days=7)) -> x509.CertificateRevocationList:
        """The revocation list as it is now; a negative ``next_update`` makes an expired one."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(min(now, now + next_update) - timedelta(days=1)).next_update(now + next_update)
        for serial in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - timedelta(hours=1))
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self.key, hashes.SHA256())


class Pki:
    """Everything that the tests need, made when it is first asked for."""

    @cached_property
    def root(self) -> Authority:
        return Authority.root("TEST AC RACINE IGC-SANTE ELEMENTAIRE")

    @cached_property
    def organisations(self) -> Authority:
        return self.root.intermediate("TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS")

    @cached_property
    def public_authority(self) -> Authority:
        """Stands for an authority of the system's store: valid everywhere, but not for us (ECO.1.1.10)."""
        return Authority.root("TEST Public Trust Root").intermediate("TEST Public Trust Server CA")

    @cached_property
    def server(self) -> Issued:
        return self.organisations.issue("localhost", names=LOCALHOST)

    @cached_property
    def public_server(self) -> Issued:
        return self.public_authority.issue("localhost", names=LOCALHOST)

    @cached_property
    def expired_server(self) -> Issued:
        starts = timedelta(days=-400)
        return self.organisations.issue("localhost", names=LOCALHOST, starts=starts, lasts=timedelta(days=300))

    @cached_property
    def future_server(self) -> Issued:
        return self.organisations.issue("localhost", names=LOCALHOST, starts=timedelta(days=30))

    @cached_property
    def client_as_server(self) -> Issued:
        """Right authority and host, but issued for clients."""
        return self.organisations.issue("localhost", names=LOCALHOST, client=True)

    @cached_property
    def elsewhere_server(self) -> Issued:
        """Right authority, other host."""
        return self.organisations.issue("ailleurs.test", names=[x509.DNSName("ailleurs.test")])

    @cached_property
    def revoked_server(self) -> Issued:
        issued = self.organisations.issue("localhost", names=LOCALHOST)
        self.organisations.revoked.append(issued.certificate.serial_number)
        return issued

    @cached_property
    def stranger(self) -> Issued:
        """A client certificate of another authority."""
        return self.public_authority.issue("intrus@cabinet.mssante.test", client=True)

    def client(self, address: str) -> Issued:
        """The certificate of a mailbox: its common name is the address."""
        return self.organisations.issue(address, client=True)

    def write_trust(self, path: Path) -> Path:
        """Root and intermediate in one PEM file."""
        authorities = (self.root, self.organisations)
        path.write_bytes(b"".join(a.certificate.public_bytes(Encoding.PEM) for a in authorities))
        return path

    def write_lists(self, path: Path) -> Path:
        """The revocation lists of both in one PEM file, valid for a week."""
        path.write_bytes(b"".join(a.crl().public_bytes(Encoding.PEM) for a in (self.root, self.organisations)))
        return path


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common_name: str) -> x509.Name:
    return x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TEST"),
        x509.NameAttribute(NameOID.COMMON_NAME, common_name),
    ])  # fmt: skip


def _builder(
    name: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, lasts: timedelta, *, starts: timedelta = timedelta(-2)
) -> x509.CertificateBuilder:
    start = datetime.now(UTC) + starts
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
    builder = (
        builder.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(start + lasts)
    )
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority, key_encipherment=not authority, key_cert_sign=authority, crl_sign=authority,
        content_commitment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def _signed(builder: x509.CertificateBuilder, key: rsa.RSAPrivateKey) -> x509.Certificate:
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return builder.add_extension(authority, critical=False).sign(key, hashes.SHA256())
