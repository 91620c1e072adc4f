"""TLS towards an operator: who is trusted, what may be negotiated, and what each failure means.

Source rules: Ref#2 ECO.1.1.1 (TLS 1.2), 1.1.3 (four suites), 1.1.5 (dates), 1.1.6 (revocation), 1.1.10 (IGC-Santé is
the only authority accepted). The system's own store is never consulted.

A connection is looked at twice: OpenSSL checks chain, dates and host name inside the handshake; then, before anything
secret is said, :meth:`TlsPolicy.approve` checks what was negotiated, and revocation.
"""

import ssl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509

from connector.domain.errors import ConfigurationError
from connector.identities.base import Identity
from connector.operators.errors import AuthenticationRefused, ConnectionFailed, OperatorError, UntrustedServer
from connector.operators.resumption import ResumingContext
from connector.operators.trust import Approval, Trust
from connector.operators.trust.certificates import common_name, read_certificates, read_lists
from connector.operators.trust.chain import as_pem, verified_chain
from connector.settings.model import TlsSettings

__all__ = ["TlsPolicy", "check_negotiated", "client_context", "handshake", "tls_failure"]

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_VERIFY_CODES = {
    9: "SERVEUR_FUTUR", 10: "SERVEUR_EXPIRE", 62: "SERVEUR_NOM", 64: "SERVEUR_NOM",
    **dict.fromkeys((2, 18, 19, 20, 21, 27), "SERVEUR_AUTORITE"),
}  # fmt: skip
"""``X509_V_ERR_…`` of x509_vfy.h: dates; host or address; no way to a trusted authority."""
_OUR_CERTIFICATE_REFUSED = (
    "ALERT_BAD_CERTIFICATE", "ALERT_UNSUPPORTED_CERTIFICATE", "ALERT_CERTIFICATE_REVOKED",
    "ALERT_CERTIFICATE_EXPIRED", "ALERT_CERTIFICATE_UNKNOWN", "ALERT_UNKNOWN_CA", "ALERT_ACCESS_DENIED",
    "ALERT_CERTIFICATE_REQUIRED", "ALERT_NO_CERTIFICATE",
)  # fmt: skip


@dataclass(slots=True)
class TlsPolicy:
    """Makes the client context of one mailbox, judges its connections, and starts anew when something has changed.

    Args:
        settings: TLS table of the operator.
        identity: gives our own certificate, if it has one.
        trust: the accepted authorities and their lists; without it, the files of the settings are all there is.
        resume: take up TLS sessions again, see :mod:`connector.operators.resumption`.
    """

    settings: TlsSettings
    identity: Identity
    trust: Trust = field(default_factory=Trust.from_files_only)
    resume: bool = False
    _made: tuple[str, ssl.SSLContext] | None = field(default=None, init=False, repr=False)
    _authorities: list[x509.Certificate] = field(default_factory=list, init=False, repr=False)
    _lists: list[x509.CertificateRevocationList] = field(default_factory=list, init=False, repr=False)
    _issuers: set[x509.Certificate] = field(default_factory=set, init=False, repr=False)  # that OpenSSL has verified
    _until: datetime | None = field(default=None, init=False)  # how long the last approval holds

    def context(self) -> ssl.SSLContext:
        """The context to use now; the same object as long as nothing has changed.

        Raises:
            ConfigurationError: ``TRUST_VIDE``, ``TRUST_ILLISIBLE``, or what the identity says.
            NeedsPerson: the identity is not ready.
        """
        revision = self._revision()
        if self._made is None or self._made[0] != revision or self._is_over():
            self._authorities = self._trusted()
            self._lists = [one for path in self.settings.crl for one in _revocation_lists(path)]
            self._made = (
                revision,
                client_context(self.settings, self.identity, self._authorities, resume=self.resume),
            )
            self._until, self._issuers = None, set()
        return self._made[1]

    def approve(self, connection: ssl.SSLSocket | ssl.SSLObject) -> str:
        """Judge a connection right after the handshake, before anything secret is said.

        Returns:
            What was negotiated and with whom, for the trace:
            ``TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384, CN=mail.example, CRL 5 h``.

        Raises:
            ConnectionFailed: ``TLS_NON_CONFORME``.
            UntrustedServer: as :meth:`connector.operators.trust.Trust.approve`.
        """
        negotiated = check_negotiated(connection, self.settings)
        chain = verified_chain(connection, [*self._authorities, *self._issuers])
        self._issuers |= set(chain[1:])
        approval = self.trust.approve(chain, self.settings, self._authorities, self._lists)
        self._until = min(self._until, approval.until) if self._until else approval.until
        return f"{negotiated}, CN={common_name(chain[0].subject)}{_age(approval)}"

    def _is_over(self) -> bool:
        """True when a list or a certificate has come to its end since a connection was approved."""
        return self._until is not None and self.trust.clock.now() > self._until

    def _trusted(self) -> list[x509.Certificate]:
        files = self.settings.trust
        if files:
            return [certificate for path in files for certificate in _certificates(path)]
        return self.trust.authorities(self.settings.igc)

    def _revision(self) -> str:
        files = (*self.settings.trust, *self.settings.crl)
        stamps = [f"{s.st_mtime_ns}-{s.st_size}" for s in (path.stat() for path in files if path.exists())]
        return "|".join((self.identity.revision(), self.trust.revision(), *stamps))


def client_context(
    settings: TlsSettings, identity: Identity, authorities: Sequence[x509.Certificate], *, resume: bool = False
) -> ssl.SSLContext:
    """A context that trusts the given authorities and nobody else.

    Args:
        settings: versions, suites, host name.
        identity: gives our own certificate, if it has one.
        authorities: an intermediate without its root may be among them, which pins it.
        resume: make one that takes up its sessions again.

    Raises:
        ConfigurationError: ``TRUST_VIDE``, or what the identity says.
        NeedsPerson: the identity is not ready.
    """
    context = ResumingContext(ssl.PROTOCOL_TLS_CLIENT) if resume else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = settings.verify_hostname
    context.minimum_version = _VERSIONS[settings.minimum]
    context.maximum_version = _VERSIONS[settings.maximum]
    _set_ciphers(context, settings.ciphers)
    _set_trust(context, authorities)
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
        code = _VERIFY_CODES.get(error.verify_code, "SERVEUR_NON_FIABLE")
        return UntrustedServer(code, f"the server certificate is refused ({error.verify_message})")
    reason = getattr(error, "reason", None) or ""  # an error that Python itself raised has none
    if reason.endswith(_OUR_CERTIFICATE_REFUSED):
        return AuthenticationRefused("AUTHENTIFICATION", f"the server refused our certificate ({reason})")
    if any(word in reason for word in ("PROTOCOL", "CIPHER", "VERSION", "HANDSHAKE_FAILURE", "DH_KEY", "SIGNATURE")):
        return ConnectionFailed("TLS_NON_CONFORME", f"no TLS version or suite in common with the server ({reason})")
    return ConnectionFailed("OPERATEUR_INJOIGNABLE", f"the TLS handshake failed ({reason or 'connection closed'})")


@contextmanager
def handshake() -> Iterator[None]:
    """What is in here is a handshake and nothing else: a server that hangs up says something by it.

    Raises:
        ConnectionFailed: ``TLS_INTERROMPU``. Dovecot 2.3 ends so when no version or suite is in common.
    """
    try:
        yield
    except ssl.SSLEOFError as error:
        raise ConnectionFailed("TLS_INTERROMPU", "the server hung up during the TLS handshake") from error


def _age(approval: Approval) -> str:
    """Of the list that was looked at; empty when none was."""
    if approval.list_age is None:
        return ""
    hours = int(approval.list_age.total_seconds() // 3600)
    return f", CRL {max(hours, 0)} h{' (past its end)' if approval.in_grace else ''}"


def _set_ciphers(context: ssl.SSLContext, ciphers: Sequence[str]) -> None:
    try:
        context.set_ciphers(":".join(ciphers))
    except ssl.SSLError as error:
        raise ConfigurationError("REGLAGE_INVALIDE", "tls.ciphers names no suite that OpenSSL knows") from error


def _set_trust(context: ssl.SSLContext, authorities: Sequence[x509.Certificate]) -> None:
    """Trust these; a chain may end in an intermediate whose root is not among them."""
    if not authorities:
        raise ConfigurationError("TRUST_VIDE", "no authority is accepted yet: no server could be trusted")
    context.load_verify_locations(cadata=as_pem(authorities))
    subjects = {authority.subject for authority in authorities}
    if any(authority.issuer not in subjects for authority in authorities):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _certificates(path: Path) -> Iterable[x509.Certificate]:
    try:
        return read_certificates(_read(path))
    except ValueError as error:
        raise ConfigurationError("TRUST_ILLISIBLE", f"{path.name} holds no readable certificate") from error


def _revocation_lists(path: Path) -> Iterable[x509.CertificateRevocationList]:
    try:
        return read_lists(_read(path))
    except ValueError as error:
        raise ConfigurationError("TRUST_ILLISIBLE", f"{path.name} holds no readable revocation list") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError("TRUST_ILLISIBLE", f"{path.name} cannot be read ({error.strerror})") from error
