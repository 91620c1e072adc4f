"""A client certificate in a file: PEM (chain included, key inside or beside it) or PKCS#12."""

import secrets
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import sslcontext
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from connector.domain.errors import ConfigurationError, ConnectorError
from connector.domain.ports import Clock
from connector.domain.states import WaitingFor
from connector.identities.base import SaslCredentials

__all__ = ["CertificateIdentity"]


@dataclass(frozen=True, slots=True)
class _Material:
    key: PrivateKeyTypes
    certificates: tuple[x509.Certificate, ...]  # ours first, then its issuers


@dataclass(slots=True, kw_only=True)
class CertificateIdentity:
    """Proves itself with a certificate of IGC-Santé kept in a file (rules §11.4)."""

    certificate: Path  # PEM or P12
    key: Path | None = None  # PEM, when it is not in the certificate file
    password: Callable[[], str] | None = None  # asked for only when the key is encrypted
    credentials: Callable[[], SaslCredentials | None]  # what follows the handshake
    fallback_label: str
    clock: Clock
    _loaded: tuple[str, _Material] | None = field(default=None, repr=False)  # by revision: P12 files open slowly

    @property
    def label(self) -> str:
        """The certificate's common name."""
        try:
            certificate = self._load().certificates[0]
        except ConnectorError:
            return self.fallback_label
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else self.fallback_label

    def chain(self) -> tuple[x509.Certificate, ...]:
        """Our certificate, then the issuers that the file holds; dates are not looked at.

        Raises:
            ConfigurationError, NeedsPerson: as :meth:`apply_to`.
        """
        return self._load().certificates

    def revision(self) -> str:
        """Size and date of the files, so that a renewed certificate is taken without a restart."""
        return ":".join(_stamp(path) for path in (self.certificate, self.key) if path)

    def apply_to(self, context: ssl.SSLContext) -> None:
        """Load certificate, chain and key into the context; see :class:`connector.identities.base.Identity`.

        From memory: the key touches no disk, so that a killed process leaves none behind.
        """
        material = self._load()
        _check_dates(material.certificates[0], self.clock.now())
        try:
            sslcontext.load_pem(context, list(material.certificates), material.key)
        except sslcontext.UnsupportedOpenSSLError:
            _load_through_file(context, material)
        except sslcontext.CredentialError as error:
            raise _invalid(f"OpenSSL refuses the certificate ({error})") from error

    def sasl(self) -> SaslCredentials | None:
        """What follows the handshake."""
        return self.credentials()

    def needs_person(self) -> WaitingFor | None:
        """``SETTINGS`` when the certificate cannot be used, ``CREDENTIALS`` when a secret is missing."""
        try:
            _check_dates(self._load().certificates[0], self.clock.now())
            self.credentials()
        except ConfigurationError:
            return WaitingFor.SETTINGS
        except ConnectorError as missing:
            return getattr(missing, "waiting_for", WaitingFor.CREDENTIALS)
        return None

    def _load(self) -> _Material:
        revision = self.revision()
        if self._loaded is None or self._loaded[0] != revision:
            data = _read(self.certificate)
            made = self._from_pem(data) if b"-----BEGIN " in data else self._from_pkcs12(data)
            self._loaded = (revision, made)
        return self._loaded[1]

    def _from_pem(self, data: bytes) -> _Material:
        try:
            certificates = x509.load_pem_x509_certificates(data)
        except ValueError as error:
            raise _invalid("the file holds no readable certificate") from error
        key = self._pem_key(_read(self.key) if self.key else data)
        return _Material(key, _ordered(key, certificates))

    def _pem_key(self, data: bytes) -> PrivateKeyTypes:
        try:
            return load_pem_private_key(data, None)
        except TypeError:  # encrypted
            password = self._secret()
        except ValueError as error:
            raise _invalid("there is no readable private key") from error
        try:
            return load_pem_private_key(data, password)
        except ValueError as error:
            raise _wrong_password("the password does not open the private key") from error

    def _from_pkcs12(self, data: bytes) -> _Material:
        if not data.startswith(b"\x30"):
            raise _invalid("the file is neither PEM nor PKCS#12")
        try:
            key, certificate, others = pkcs12.load_key_and_certificates(data, self._secret())
        except ValueError as error:
            raise _wrong_password("the password does not open the PKCS#12 file, or the file is damaged") from error
        if key is None or certificate is None:
            raise _invalid("the PKCS#12 file lacks a key or a certificate")
        return _Material(key, _ordered(key, [certificate, *others]))

    def _secret(self) -> bytes:
        if self.password is None:
            raise _wrong_password("the key is encrypted and certificate_password is not set")
        return self.password().encode()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _invalid(f"{path.name} cannot be read ({error.strerror})") from error


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "absent"
    return f"{status.st_mtime_ns}-{status.st_size}"


def _ordered(key: PrivateKeyTypes, certificates: list[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Our certificate first, whatever the order of the file."""
    public = key.public_key()
    ours = [certificate for certificate in certificates if certificate.public_key() == public]
    if not ours:
        raise _invalid("the private key does not belong to the certificate")
    return (ours[0], *(certificate for certificate in certificates if certificate not in ours))


def _check_dates(certificate: x509.Certificate, now: datetime) -> None:
    if now > certificate.not_valid_after_utc:
        text = f"the client certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
        raise ConfigurationError("CERTIFICAT_EXPIRE", text)
    if now < certificate.not_valid_before_utc:
        text = f"the client certificate is valid from {certificate.not_valid_before_utc:%Y-%m-%d} on"
        raise ConfigurationError("CERTIFICAT_FUTUR", text)


def _load_through_file(context: ssl.SSLContext, material: _Material) -> None:
    """For a Python whose OpenSSL cannot be reached from outside: ``load_cert_chain`` reads files only.

    The key goes there encrypted under a random password that never leaves this call, in a private folder that is
    removed before the call ends.
    """
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="mss-") as folder:  # mode 0700
        path = Path(folder) / "identity.pem"
        path.write_bytes(_encrypted_pem(material, password.encode()))
        try:
            context.load_cert_chain(path, password=password)
        except ssl.SSLError as error:
            raise _invalid(f"OpenSSL refuses the certificate ({error.reason})") from error


def _encrypted_pem(material: _Material, password: bytes) -> bytes:
    chain = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in material.certificates)
    key = material.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    return chain + key


def _invalid(detail: str) -> ConfigurationError:
    return ConfigurationError("CERTIFICAT_INVALIDE", detail)


def _wrong_password(detail: str) -> ConfigurationError:
    return ConfigurationError("CERTIFICAT_MOT_DE_PASSE", detail)
