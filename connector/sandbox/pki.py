"""A small test PKI of the shape that IGC-Santé has: root, intermediate "organisations", end certificates, CRL.

Everything in it is invented and says TEST in its names; never trust it outside a sandbox. Keys are RSA 2048,
because the four suites of Ref#2 ECO.1.1.3 are all ECDHE_RSA. Extensions satisfy ``VERIFY_X509_STRICT``.
"""

import ipaddress
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["TestPki", "create_pki"]

CERTIFICATE_DAYS = 825
CRL_DAYS = 365
_KEY_USAGE_NAMES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TestPki:
    """The PEM files of a PKI in its folder (private: 0700, files 0600)."""

    __test__ = False  # the name begins with Test, but this is no test class

    folder: Path

    @property
    def trust_file(self) -> Path:
        """Root and intermediate: all that a client trusts (``tls.trust`` of the settings)."""
        return self.folder / "trust.pem"

    @property
    def crl_file(self) -> Path:
        """Revocation list of the intermediate (``tls.crl`` of the settings)."""
        return self.folder / "organisations.crl.pem"

    @property
    def server_file(self) -> Path:
        """Server key, certificate and chain, for 127.0.0.1, ::1 and localhost."""
        return self.folder / "server.pem"

    def client_file(self, address: str) -> Path:
        """Client key, certificate and chain of one mailbox.

        Args:
            address: the mailbox, ``local_part@domain``; made with :func:`create_pki` or :meth:`add_client`.
        """
        return self.folder / "clients" / f"{_file_stem(address)}.pem"

    def add_client(self, address: str, *, now: datetime) -> Path:
        """Make the client certificate of a mailbox unless it is there already; gives back its file.

        The address is the common name and an ``rfc822Name`` of the certificate.
        """
        path = self.client_file(address)
        if not path.exists():
            _issue_end(
                self,
                path,
                common_name=address,
                names=[x509.RFC822Name(address)],
                usage=ExtendedKeyUsageOID.CLIENT_AUTH,
                now=now,
            )
        return path

    def revoke(self, certificate_file: Path, *, now: datetime) -> None:
        """Put the first certificate of a PEM file on the revocation list, keeping those that are on it."""
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        revoked = {entry.serial_number for entry in x509.load_pem_x509_crl(self.crl_file.read_bytes())}
        _write_crl(self, revoked | {certificate.serial_number}, now=now)


def create_pki(folder: Path, *, clients: Sequence[str] = (), now: datetime) -> TestPki:
    """Make a PKI in a folder, or complete the one that is there.

    Args:
        folder: created with its parents, readable by its owner only.
        clients: mailboxes that need a client certificate.
        now: aware; validity starts one day before, so that a clock that is a little off does not matter.

    Returns:
        The PKI; calling again with the same folder changes nothing but adding the missing clients.
    """
    pki = TestPki(folder)
    for private in (folder, folder / "clients"):
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not pki.server_file.exists():
        _create_authorities(pki, now=now)
        loopback = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
        names = [x509.DNSName("localhost"), *(x509.IPAddress(address) for address in loopback)]
        server = ExtendedKeyUsageOID.SERVER_AUTH
        _issue_end(pki, pki.server_file, common_name="localhost", names=names, usage=server, now=now)
    for address in clients:
        pki.add_client(address, now=now)
    return pki


def _create_authorities(pki: TestPki, *, now: datetime) -> None:
    root_key, key = _new_key(), _new_key()
    root_name, name = _name("TEST AC RACINE BAC A SABLE"), _name("TEST AC BAC A SABLE ORGANISATIONS")
    root = _certificate(root_name, root_key, issuer=root_name, issuer_key=root_key, now=now, path_length=1)
    authority = _certificate(name, key, issuer=root_name, issuer_key=root_key, now=now, path_length=0)
    _write_private(pki.folder / "root.pem", _key_pem(root_key) + root.public_bytes(Encoding.PEM))
    _write_private(pki.folder / "organisations.pem", _key_pem(key) + authority.public_bytes(Encoding.PEM))
    _write_private(pki.trust_file, root.public_bytes(Encoding.PEM) + authority.public_bytes(Encoding.PEM))
    _write_crl(pki, (), now=now)


def _issue_end(
    pki: TestPki,
    path: Path,
    *,
    common_name: str,
    names: list[x509.GeneralName],
    usage: x509.ObjectIdentifier,
    now: datetime,
) -> None:
    authority, authority_key = _load_authority(pki)
    key = _new_key()
    certificate = _certificate(
        _name(common_name),
        key,
        issuer=authority.subject,
        issuer_key=authority_key,
        now=now,
        extensions=(x509.SubjectAlternativeName(names), x509.ExtendedKeyUsage([usage])),
    )
    chain = certificate.public_bytes(Encoding.PEM) + authority.public_bytes(Encoding.PEM)
    _write_private(path, _key_pem(key) + chain)


def _certificate(
    subject: x509.Name,
    key: rsa.RSAPrivateKey,
    *,
    issuer: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    now: datetime,
    path_length: int | None = None,
    extensions: Iterable[x509.ExtensionType] = (),
) -> x509.Certificate:
    is_authority = path_length is not None
    usages = {"key_cert_sign", "crl_sign"} if is_authority else {"digital_signature", "key_encipherment"}
    builder = (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=path_length), critical=True)
        .add_extension(x509.KeyUsage(**{name: name in usages for name in _KEY_USAGE_NAMES}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, SHA256())


def _write_crl(pki: TestPki, serials: Iterable[int], *, now: datetime) -> None:
    authority, key = _load_authority(pki)
    since = now - timedelta(days=1)
    builder = (
        x509.CertificateRevocationListBuilder(issuer_name=authority.subject)
        .last_update(since)
        .next_update(now + timedelta(days=CRL_DAYS))
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    for serial in sorted(serials):
        revoked = x509.RevokedCertificateBuilder(serial_number=serial, revocation_date=since).build()
        builder = builder.add_revoked_certificate(revoked)
    _write_private(pki.crl_file, builder.sign(key, SHA256()).public_bytes(Encoding.PEM))


def _load_authority(pki: TestPki) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    pem = (pki.folder / "organisations.pem").read_bytes()
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the key of the test authority is not an RSA key")
    return x509.load_pem_x509_certificate(pem), key


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "BAC A SABLE (TEST)"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _key_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _file_stem(address: str) -> str:
    return "".join(char if char.isalnum() or char in "-_.@" else "_" for char in address).lstrip(".")


def _write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, replacing it in one step."""
    temporary = path.with_name(path.name + ".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    temporary.replace(path)
