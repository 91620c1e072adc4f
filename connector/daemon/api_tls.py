"""The certificate of the local API: made once for this installation, for this machine's names, signed by itself.

``server.pem`` holds key and certificate, readable by its owner only; ``certificate.pem`` is the certificate alone,
for programs that shall trust it. It can sign no other, so that trusting it lets nobody in but this connector.
"""

import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connector.platform.files import private_folder, unavailable, write_atomic

__all__ = ["LocalCertificate", "local_certificate"]

_VALID = timedelta(days=730)
_RENEWED_BEFORE_END = timedelta(days=365)
_CLOCKS_DIFFER = timedelta(days=1)
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; uvicorn's own choice is older


@dataclass(frozen=True, slots=True)
class LocalCertificate:
    """What the server shows, and where it is."""

    server_pem: Path  # key and certificate
    public_pem: Path  # certificate alone
    sha256: str  # of the certificate in DER: lower-case hexadecimal

    @property
    def server_options(self) -> dict[str, Any]:
        """For ``uvicorn.Config``."""
        return {"ssl_certfile": str(self.server_pem), "ssl_ciphers": _CIPHERS}


def local_certificate(folder: Path, now: datetime) -> LocalCertificate:
    """The certificate of this installation; made when there is none that still holds for a year.

    Args:
        folder: gets both files; made when it is not there.
        now: wall clock.

    Raises:
        Unavailable: the folder cannot be written.
    """
    server_pem, public_pem = folder / "server.pem", folder / "certificate.pem"
    try:
        private_folder(folder)
        certificate = _usable(server_pem, now) or _make(server_pem, now)
        write_atomic(public_pem, certificate.public_bytes(Encoding.PEM), mode=0o644)
    except OSError as error:
        raise unavailable(error) from error
    return LocalCertificate(server_pem, public_pem, certificate.fingerprint(SHA256()).hex())


def _usable(path: Path, now: datetime) -> x509.Certificate | None:
    """The one that is there, unless it is damaged, ends too soon, or others could have read its key."""
    with suppress(FileNotFoundError, ValueError):
        content = path.read_bytes()
        certificate = x509.load_pem_x509_certificate(content)
        fits = load_pem_private_key(content, password=None).public_key() == certificate.public_key()
        is_private = sys.platform == "win32" or not stat.S_IMODE(path.stat().st_mode) & 0o077
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        if fits and is_private and begins <= now <= ends - _RENEWED_BEFORE_END:
            return certificate
    return None


def _make(path: Path, now: datetime) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _signed(key, now)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_atomic(path, private + certificate.public_bytes(Encoding.PEM))
    return certificate


def _signed(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """For the names of this machine, for servers, and for no signature below it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "MSSanté connector of this machine")])
    hosts = [x509.IPAddress(ip_address("127.0.0.1")), x509.IPAddress(ip_address("::1")), x509.DNSName("localhost")]
    builder = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=x509.random_serial_number(),
        not_valid_before=now - _CLOCKS_DIFFER, not_valid_after=now + _VALID,
    )  # fmt: skip
    for extension, is_critical in (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_digital_signature(), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName(hosts), False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False),
    ):
        builder = builder.add_extension(extension, is_critical)
    return builder.sign(key, SHA256())


def _digital_signature() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
