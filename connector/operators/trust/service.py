"""Whom an operator's server may be: the accepted authorities and their revocation lists, for the whole process.

One object per process, shared by all mailboxes and safe between threads. Nothing in here talks to the network while a
connection is being judged; see :mod:`connector.operators.trust.revocation`.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import NoReturn, Self

import structlog
from cryptography import x509

from connector.domain.ports import Clock
from connector.operators.errors import UntrustedServer
from connector.operators.trust.certificates import common_name, list_addresses
from connector.operators.trust.download import Fetch, fetch
from connector.operators.trust.lists import Judgement, choose, is_genuine, newest_first
from connector.operators.trust.pins import PINS, Igc, Pin
from connector.operators.trust.revocation import Fetched, ListCache, Outcome
from connector.operators.trust.store import TrustStore
from connector.settings.model import OperatorSettings, TlsSettings

__all__ = ["Approval", "Trust", "hierarchies_in_use"]

_log = structlog.get_logger(__name__)

Lists = Sequence[x509.CertificateRevocationList]


@dataclass(frozen=True, slots=True)
class Approval:
    """A server that may be spoken to."""

    until: datetime  # when the question has to be put again: the end of a list, or of the certificate
    list_age: timedelta | None = None  # of the list of the server's issuer; None when none was looked at
    in_grace: bool = False  # that list is past its end, within the grace that the settings give


def hierarchies_in_use(operators: Mapping[str, OperatorSettings]) -> set[Igc]:
    """The hierarchies of the operators that go by the kept authorities."""
    return {operator.tls.igc for operator in operators.values() if not operator.tls.trust}


class _SystemClock:
    """For a test bench that gives none."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return monotonic()


@dataclass(slots=True)
class Trust:
    """Authorities and lists in one folder.

    Args:
        folder: ``<data_dir>/trust``; ``None`` for a test bench that goes by the files of its settings alone.
        clock: what time it is.
        fetch: how lists are fetched; the injected one of a test, else HTTP.
        pins: the authorities that are known beforehand.
    """

    folder: Path | None
    clock: Clock
    fetch: Fetch = fetch
    pins: Sequence[Pin] = PINS
    store: TrustStore = field(init=False)
    lists: ListCache = field(init=False)
    _fetching: threading.Thread | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        below = self.folder.joinpath if self.folder is not None else lambda _: None
        self.store = TrustStore(below("authorities"), self.clock, self.pins)
        self.lists = ListCache(below("crl"), self.clock, self.fetch)

    @classmethod
    def from_files_only(cls) -> Self:
        """Keeps nothing and fetches nothing: what the settings name is all there is."""
        return cls(None, _SystemClock())

    def revision(self) -> str:
        """Changes when connections made before should be made anew: another authority, a newer list."""
        return f"{self.store.revision()}/{self.lists.revision()}"

    def authorities(self, igc: Igc) -> list[x509.Certificate]:
        """Those that make an operator of this hierarchy trusted."""
        return [authority.certificate for authority in self.store.servers(igc)]

    # -- one connection

    def approve(
        self, chain: Sequence[x509.Certificate], settings: TlsSettings, authorities: Collection[x509.Certificate],
        given: Lists = (),
    ) -> Approval:  # fmt: skip
        """Look at the chain of a server after the handshake, before anything secret is said to it.

        Args:
            chain: the server's certificate, its issuer, … up to a trusted one.
            settings: TLS settings of the operator.
            authorities: what these settings trust.
            given: the lists of the files under ``crl``.

        Raises:
            UntrustedServer: ``SERVEUR_AUTORITE``, ``SERVEUR_EXPIRE``, ``SERVEUR_FUTUR``, ``SERVEUR_REVOQUE``,
                ``CRL_ABSENTE``, ``CRL_PERIMEE``, ``CRL_INVALIDE``.
        """
        now = self.clock.now()
        _check_issuer(chain, authorities, only=not settings.trust)
        for certificate in chain:
            _check_dates(certificate, now)
        until = min(certificate.not_valid_after_utc for certificate in chain)
        if settings.revocation == "off":
            return Approval(until)
        return self._check_lists(chain, settings, given, Approval(until), now)

    def _check_lists(
        self,
        chain: Sequence[x509.Certificate],
        settings: TlsSettings,
        given: Lists,
        approval: Approval,
        now: datetime,
    ) -> Approval:
        """From the top down: a revoked authority says nothing that counts about those below."""
        grace = timedelta(hours=settings.crl_grace_hours)
        questions = [_question(*link, given, now=now, grace=grace) for link in reversed(list(pairwise(chain)))]
        if settings.revocation == "required":
            self._want(question for question in questions if question.answer is None)
        for question in questions:
            used = question.answer or self._kept_answer(question, settings, now, grace)
            if used is not None:
                _check_revoked(question.certificate, used)
                ends = used.next_update_utc or now
                approval = Approval(min(approval.until, ends + grace), now - used.last_update_utc, now > ends)
        return approval

    def _kept_answer(
        self, question: "_Question", settings: TlsSettings, now: datetime, grace: timedelta
    ) -> x509.CertificateRevocationList | None:
        """The kept list to go by; ``None`` when only lists by hand are looked at, and there is none.

        Raises:
            UntrustedServer: there should be one.
        """
        required = settings.revocation == "required"
        if not required and not question.given:
            return None
        kept = self.lists.of(question.issuer) if required else []
        found, judgement = choose([*question.genuine, *kept], question.certificate, now=now, grace=grace)
        if found is None:
            self._refuse(question, judgement)
        return found

    def _refuse(self, question: "_Question", judgement: Judgement) -> NoReturn:
        self.fetch_soon()
        code, detail = judgement.code, judgement.detail
        is_forged = len(question.genuine) < len(question.given)
        if code == "CRL_ABSENTE" and (is_forged or self.lists.last_failure(question.issuer) == "CRL_INVALIDE"):
            code, detail = "CRL_INVALIDE", "the list of its issuer is not signed as it should, or unreadable"
        raise UntrustedServer(code, f"revocation of {_named(question.certificate)} cannot be checked: {detail}")

    def _want(self, questions: Iterable["_Question"]) -> None:
        """Note where the lists are: the certificate says so, else what is known of its issuer."""
        try:
            for question in questions:
                for address in list_addresses(question.certificate) or self._known_address(question.issuer):
                    self.lists.want(address, question.issuer)
        except OSError as error:  # a full disk does not make a list that is there worse
            _log.warning("revocation_list_not_noted", error=type(error).__name__)

    def _known_address(self, issuer: x509.Certificate) -> list[str]:
        pin = self.store.pin_of(issuer)
        return [pin.list_address] if pin is not None and pin.list_address else []

    # -- keeping the lists fresh

    def want_lists(self, igcs: Iterable[Igc]) -> None:
        """Remember the lists of the accepted server authorities, so that they are there before the first connection.

        Raises:
            OSError: they cannot be written down.
        """
        for authority in (authority for igc in igcs for authority in self.store.servers(igc)):
            if authority.pin is not None and authority.pin.list_address:
                self.lists.want(authority.pin.list_address, authority.certificate)
            issuer = self.store.issuer_of(authority.certificate)
            if issuer is not None and issuer.sha256 != authority.sha256:
                for address in list_addresses(authority.certificate):
                    self.lists.want(address, issuer.certificate)

    def refresh(
        self, igcs: Iterable[Igc], *, force: bool = False, tell: Callable[[Fetched], None] | None = None
    ) -> list[Fetched]:
        """Fetch the lists that are due; cheap when none is. Blocks while it downloads: not for an event loop.

        Args:
            igcs: hierarchies in use, see :func:`hierarchies_in_use`.
            force: a person wants it now, whatever was fetched when.
            tell: called with each outcome as it comes; default: the technical log hears of it.

        Raises:
            OSError: the folder cannot be written.
        """
        self.want_lists(igcs)
        return self.lists.refresh(force=force, tell=tell or _log_outcome)

    def fetch_soon(self) -> None:
        """Start fetching what is due, in the background, unless that is going on already; never raises."""
        with self._lock:
            if self._fetching is not None and self._fetching.is_alive():
                return
            if not self.lists.is_anything_due():
                return
            self._fetching = threading.Thread(target=self._fetch_quietly, name="revocation-lists", daemon=True)
            self._fetching.start()

    def settle(self, seconds: float) -> bool:
        """Wait for a fetch in the background; true when none is going on any more."""
        with self._lock:
            running = self._fetching
        if running is not None:
            running.join(seconds)
        return running is None or not running.is_alive()

    def _fetch_quietly(self) -> None:
        try:
            self.lists.refresh(tell=_log_outcome)
        except OSError as error:
            _log.warning("revocation_lists_not_written", error=type(error).__name__)


@dataclass(frozen=True, slots=True)
class _Question:
    """Whether one certificate of a chain is revoked, and what the lists given by hand say to it."""

    certificate: x509.Certificate
    issuer: x509.Certificate
    given: Lists  # in the name of its issuer
    genuine: Lists  # of these, what the issuer has signed
    answer: x509.CertificateRevocationList | None  # of these, the one to go by


def _question(
    certificate: x509.Certificate, issuer: x509.Certificate, given: Lists, *, now: datetime, grace: timedelta
) -> _Question:
    ours = newest_first(revocations for revocations in given if revocations.issuer == certificate.issuer)
    genuine = [revocations for revocations in ours if is_genuine(revocations, issuer)]
    return _Question(certificate, issuer, ours, genuine, choose(genuine, certificate, now=now, grace=grace)[0])


def _check_revoked(certificate: x509.Certificate, used: x509.CertificateRevocationList) -> None:
    if used.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
        raise UntrustedServer("SERVEUR_REVOQUE", f"{_named(certificate)} has been revoked by its issuer")


def _log_outcome(fetched: Fetched) -> None:
    if fetched.outcome in (Outcome.FETCHED, Outcome.FAILED):
        tell = _log.info if fetched.outcome is Outcome.FETCHED else _log.warning
        tell("revocation_list", url=fetched.address, outcome=fetched.outcome.value, code=fetched.code,
             detail=fetched.detail)  # fmt: skip


def _check_issuer(
    chain: Sequence[x509.Certificate], authorities: Collection[x509.Certificate], *, only: bool
) -> None:
    """The chain must end in a trusted authority.

    Args:
        chain: as given by the handshake.
        authorities: trusted.
        only: every issuer must be one of them: the root of IGC-Santé also stands above authorities of persons.
    """
    issuers = chain[1:] or chain  # a test bench may trust the server's own certificate
    strangers = [issuer for issuer in (issuers if only else issuers[-1:]) if issuer not in authorities]
    if not chain or strangers:
        named = common_name(strangers[0].subject) if strangers else "nobody"
        raise UntrustedServer("SERVEUR_AUTORITE", f"the certificate comes from {named}, which is not trusted")


def _check_dates(certificate: x509.Certificate, now: datetime) -> None:
    if now > certificate.not_valid_after_utc:
        text = f"{_named(certificate)} expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
        raise UntrustedServer("SERVEUR_EXPIRE", text)
    if now < certificate.not_valid_before_utc:
        text = f"{_named(certificate)} is valid from {certificate.not_valid_before_utc:%Y-%m-%d} on"
        raise UntrustedServer("SERVEUR_FUTUR", text)


def _named(certificate: x509.Certificate) -> str:
    return f"the certificate of {common_name(certificate.subject)}"
