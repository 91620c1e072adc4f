"""An identity whose key lies in the key store of Windows or macOS: the system itself asks for the PIN.

* The window of the system comes before the connection, not during a handshake: :meth:`SystemStoreIdentity.apply_to`
  has something meaningless signed first. A Windows service has no desktop and so no window: there the connector must
  run in the person's session.
* The key is tried without a window first; the system is let ask only when it says that it must. Handshakes then sign
  without a window, unless this system forgets the PIN at once.
* A window that was closed comes again after a quarter of an hour, not before. No PIN ever passes through here, so
  none can be sent twice.
"""

import hashlib
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography import x509

from connector.domain.errors import ConfigurationError, ConnectorError
from connector.domain.ports import Clock
from connector.domain.states import WaitingFor
from connector.identities.base import IdentityUnavailable, SaslCredentials
from connector.identities.card.subject import describe
from connector.identities.system_key import NeedsUser, OpenStore, StoredIdentity, find, open_key, store_of_this_system
from connector.identities.tls_key import TlsKey, attach
from connector.settings.model import KeyStoreChoice

__all__ = ["SystemStoreIdentity"]

LOOK_SECONDS = 5.0  # how old the last look into the store may be; a look costs some hundredths of a second
ASK_AGAIN_SECONDS = 900.0  # after a window that was closed


@dataclass(frozen=True, slots=True)
class _Look:
    """What the store held, or why that is not known."""

    at: float
    found: StoredIdentity | ConnectorError

    @property
    def stored(self) -> StoredIdentity | None:
        return None if isinstance(self.found, ConnectorError) else self.found


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why the key could not be opened, and until when nothing is tried."""

    failure: ConnectorError
    until: float


@dataclass(slots=True, kw_only=True)
class SystemStoreIdentity:
    """Implements :class:`connector.identities.base.Identity`.

    Attributes:
        open_store: the store of this system; a fake one in tests.
    """

    choice: KeyStoreChoice
    credentials: Callable[[], SaslCredentials | None]  # what follows the handshake
    fallback_label: str  # the mailbox
    clock: Clock
    open_store: OpenStore = store_of_this_system
    _seen: _Look | None = field(default=None, init=False, repr=False)
    _key: TlsKey | None = field(default=None, init=False, repr=False)
    _refusal: _Refusal | None = field(default=None, init=False, repr=False)
    _losses: int = field(default=0, init=False)  # each makes another revision
    _opening: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)  # one window at a time

    @property
    def label(self) -> str:
        """The holder's name as it stands in the certificate."""
        stored = self._look().stored
        if stored is None:
            return self.fallback_label
        return describe(x509.load_der_x509_certificate(stored.certificate), stored.label).name or self.fallback_label

    def revision(self) -> str:
        """Fingerprint of the certificate, and how often its key was lost."""
        stored = self._look().stored
        digest = hashlib.sha256(stored.certificate).hexdigest() if stored else "absent"
        return f"{digest}:{self._losses}"

    def apply_to(self, context: ssl.SSLContext) -> None:
        """Give certificate and key to a context; the system may ask the person now, and this call waits for it.

        Raises:
            ConfigurationError: ``MAGASIN_ABSENT``, ``MAGASIN_CERTIFICATS``, ``CERTIFICAT_EXPIRE``,
                ``CERTIFICAT_FUTUR``, ``CARTE_TLS12``, ``TLS_CLE_IMPOSSIBLE``.
            IdentityUnavailable: ``MAGASIN_SANS_CERTIFICAT``, ``CARTE_ABSENTE``, ``CARTE_BLOQUEE``,
                ``MAGASIN_ANNULE``.
            Unavailable: ``MAGASIN_REFUS``, ``SIGNATURE_IMPOSSIBLE``.
        """
        with self._opening:
            key = self._open(may_ask=True)
        attach(context, key)

    def sasl(self) -> SaslCredentials | None:
        """What follows the handshake."""
        return self.credentials()

    def needs_person(self) -> WaitingFor | None:
        """``CARD``, ``PIN`` or ``SETTINGS``; opens no window. A key that is only locked is none of them: the system
        will ask when there is something to do.
        """  # noqa: D205 - two sentences
        try:
            if self._refusal is not None and self._opening.acquire(blocking=False):
                try:
                    self._open(may_ask=False)
                finally:
                    self._opening.release()
            self._found()
            self.credentials()
        except NeedsUser:
            return None
        except ConfigurationError:
            return WaitingFor.SETTINGS
        except ConnectorError as failure:
            return getattr(failure, "waiting_for", WaitingFor.CREDENTIALS)
        return None

    def _open(self, *, may_ask: bool) -> TlsKey:
        """The key as it was opened, or opened now."""
        stored, now, refusal = self._found(), self.clock.monotonic(), self._refusal
        if self._key is not None and self._key.certificate == stored.certificate:
            return self._key
        if refusal is not None and now < refusal.until:
            raise refusal.failure.with_traceback(None)
        try:
            self._key = self._opened(stored, may_ask=may_ask)
        except NeedsUser:
            self._refusal = None
            raise
        except ConnectorError as failure:
            self._refusal = self._refused(failure)
            raise
        self._refusal = None
        return self._key

    def _opened(self, stored: StoredIdentity, *, may_ask: bool) -> TlsKey:
        """Without a window, then with one."""
        try:
            return open_key(stored, self._lost)
        except NeedsUser:
            if not may_ask:
                raise
        asked = open_key(find(self.open_store(True), self.choice, self.clock.now()), self._lost)
        try:
            return open_key(stored, self._lost)
        except ConnectorError:
            return asked

    def _lost(self, failure: ConnectorError) -> None:
        """A signature failed in a handshake: what was opened with the key must not be used any longer."""
        self._key = None
        self._losses += 1
        self._refusal = None if isinstance(failure, NeedsUser) else self._refused(failure)

    def _refused(self, failure: ConnectorError) -> _Refusal:
        person = isinstance(failure, IdentityUnavailable) and failure.waiting_for is WaitingFor.PIN
        pause = ASK_AGAIN_SECONDS if person else LOOK_SECONDS
        return _Refusal(failure, self.clock.monotonic() + pause)

    def _found(self) -> StoredIdentity:
        found = self._look().found
        if isinstance(found, ConnectorError):
            raise found.with_traceback(None)  # it is raised again and again
        return found

    def _look(self) -> _Look:
        """What the store holds; looked at again when the last look is too old. Opens no window, raises nothing."""
        now = self.clock.monotonic()
        if self._seen is None or now - self._seen.at >= LOOK_SECONDS:
            try:
                self._seen = _Look(now, find(self.open_store(False), self.choice, self.clock.now()))
            except ConnectorError as failure:
                self._seen = _Look(now, failure)
        return self._seen
