"""TLS towards an operator: who is trusted, what may be negotiated, and what each failure means.

Source rules: Ref#2 ECO.1.1.1 (TLS 1.2), 1.1.3 (four suites), 1.1.5 (dates), 1.1.6 (revocation), 1.1.10 (IGC-Santé is
the only authority accepted). The system's own store is never consulted.
"""

import ssl
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connector.domain.errors import ConfigurationError
from connector.identities.base import Identity
from connector.operators.errors import AuthenticationRefused, ConnectionFailed, OperatorError, UntrustedServer
from connector.settings.model import TlsSettings

__all__ = ["TlsPolicy", "check_negotiated", "client_context", "tls_failure"]

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_CRL_VERIFY_CODES = frozenset({3, 5, 8, 11, 12, 15, 16, 33, 44})
"""``X509_V_ERR_…CRL…`` of x509_vfy.h: the list is absent, unreadable, forged, not yet or no longer valid."""
_OUR_CERTIFICATE_REFUSED = (
    "ALERT_BAD_CERTIFICATE", "ALERT_UNSUPPORTED_CERTIFICATE", "ALERT_CERTIFICATE_REVOKED",
    "ALERT_CERTIFICATE_EXPIRED", "ALERT_CERTIFICATE_UNKNOWN", "ALERT_UNKNOWN_CA", "ALERT_ACCESS_DENIED",
    "ALERT_CERTIFICATE_REQUIRED", "ALERT_NO_CERTIFICATE",
)  # fmt: skip


@dataclass(slots=True)
class TlsPolicy:
    """Makes the client context of one mailbox, and makes it again when a file behind it has changed."""

    settings: TlsSettings
    identity: Identity
    _made: tuple[str, ssl.SSLContext] | None = field(default=None, repr=False)

    def context(self) -> ssl.SSLContext:
        """The context to use now; the same object as long as nothing has changed.

        Raises:
            ConfigurationError: as :func:`client_context`.
            NeedsPerson: the identity is not ready.
        """
        revision = self._revision()
        if self._made is None or self._made[0] != revision:
            self._made = (revision, client_context(self.settings, self.identity))
        return self._made[1]

    def _revision(self) -> str:
        files = (*self.settings.trust, *self.settings.crl)
        stamps = [f"{s.st_mtime_ns}-{s.st_size}" for s in (path.stat() for path in files if path.exists())]
        return "|".join((self.identity.revision(), *stamps))


def client_context(settings: TlsSettings, identity: Identity) -> ssl.SSLContext:
    """A context that trusts the listed authorities and nobody else.

    Args:
        settings: authorities, revocation lists (PEM or DER), versions, suites.
        identity: gives our own certificate, if it has one.

    Raises:
        ConfigurationError: ``TRUST_VIDE``, ``TRUST_ILLISIBLE``, or what the identity says.
        NeedsPerson: the identity is not ready.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = settings.verify_hostname
    context.minimum_version = _VERSIONS[settings.minimum]
    context.maximum_version = _VERSIONS[settings.maximum]
    _set_ciphers(context, settings.ciphers)
    authorities = _load_trust(context, settings.trust)
    _load_revocations(context, settings.crl, authorities)
    identity.apply_to(context)
    return context


def check_negotiated(connection: ssl.SSLSocket | ssl.SSLObject, settings: TlsSettings) -> str:
    """Look at what the handshake ended in (``set_ciphers`` does not rule over TLS 1.3).

    Returns:
        Version and suite as text, for the trace: ``TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384``.

    Raises:
        ConnectionFailed: ``TLS_NON_CONFORME`` (Ref#2 ECO.1.1.3).
    """
    version, cipher = connection.version() or "none", connection.cipher()
    suite = cipher[0] if cipher else "none"
    allowed = suite in settings.ciphers if version == "TLSv1.2" else version == "TLSv1.3" == f"TLSv{settings.maximum}"
    if not allowed:
        raise ConnectionFailed("TLS_NON_CONFORME", f"the server negotiated {version} {suite}")
    return f"{version} {suite}"


def tls_failure(error: ssl.SSLError) -> OperatorError:
    """What a failed handshake means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(error)
    reason = error.reason or ""
    if reason.endswith(_OUR_CERTIFICATE_REFUSED):
        return AuthenticationRefused("AUTHENTIFICATION", f"the server refused our certificate ({reason})")
    if any(word in reason for word in ("PROTOCOL", "CIPHER", "VERSION", "HANDSHAKE_FAILURE", "DH_KEY", "SIGNATURE")):
        return ConnectionFailed("TLS_NON_CONFORME", f"no TLS version or suite in common with the server ({reason})")
    return ConnectionFailed("OPERATEUR_INJOIGNABLE", f"the TLS handshake failed ({reason or 'connection closed'})")


def _untrusted(error: ssl.SSLCertVerificationError) -> UntrustedServer:
    if error.verify_code in _CRL_VERIFY_CODES:
        text = f"revocation of the server certificate cannot be checked ({error.verify_message})"
        return UntrustedServer("LISTE_REVOCATION", text)
    return UntrustedServer("SERVEUR_NON_FIABLE", f"the server certificate is refused ({error.verify_message})")


def _set_ciphers(context: ssl.SSLContext, ciphers: Sequence[str]) -> None:
    try:
        context.set_ciphers(":".join(ciphers))
    except ssl.SSLError as error:
        raise ConfigurationError("REGLAGE_INVALIDE", "tls.ciphers names no suite that OpenSSL knows") from error


def _load_trust(context: ssl.SSLContext, files: Iterable[Path]) -> list[x509.Certificate]:
    """Load the authorities; an intermediate without its root may be listed, which pins it."""
    authorities = [certificate for path in files for certificate in _certificates(path)]
    if not authorities:
        raise ConfigurationError("TRUST_VIDE", "tls.trust lists no authority: no server could be trusted")
    context.load_verify_locations(cadata="".join(c.public_bytes(Encoding.PEM).decode() for c in authorities))
    if not _reach_roots(authorities):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return authorities


def _load_revocations(context: ssl.SSLContext, files: Sequence[Path], authorities: list[x509.Certificate]) -> None:
    """Load the lists; the whole chain is checked when every authority has one, else the server certificate alone.

    OpenSSL cannot check the whole of a chain that ends in a pinned intermediate.
    """
    if not files:
        return
    lists = [revocations for path in files for revocations in _revocation_lists(path)]
    with tempfile.TemporaryDirectory(prefix="mss-crl-") as folder:  # cadata= takes no CRL, only a file does
        path = Path(folder) / "crl.pem"
        path.write_bytes(b"".join(revocations.public_bytes(Encoding.PEM) for revocations in lists))
        context.load_verify_locations(cafile=path)
    covered = {revocations.issuer for revocations in lists}
    complete = _reach_roots(authorities) and all(authority.subject in covered for authority in authorities)
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN if complete else ssl.VERIFY_CRL_CHECK_LEAF


def _reach_roots(authorities: list[x509.Certificate]) -> bool:
    subjects = {authority.subject for authority in authorities}
    return all(authority.issuer in subjects for authority in authorities)


def _certificates(path: Path) -> list[x509.Certificate]:
    data = _read(path)
    try:
        pem = b"-----BEGIN " in data
        return x509.load_pem_x509_certificates(data) if pem else [x509.load_der_x509_certificate(data)]
    except ValueError as error:
        raise ConfigurationError("TRUST_ILLISIBLE", f"{path.name} holds no readable certificate") from error


def _revocation_lists(path: Path) -> list[x509.CertificateRevocationList]:
    data = _read(path)
    end = b"-----END X509 CRL-----"
    try:
        if b"-----BEGIN " not in data:
            return [x509.load_der_x509_crl(data)]
        return [x509.load_pem_x509_crl(part + end) for part in data.split(end)[:-1]]
    except ValueError as error:
        raise ConfigurationError("TRUST_ILLISIBLE", f"{path.name} holds no readable revocation list") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError("TRUST_ILLISIBLE", f"{path.name} cannot be read ({error.strerror})") from error
