"""The card room: all that the rest of the connector asks of the cards. Thread-safe.

::

    mailboxes, API, CLI ── status, key, revision ──> snapshot (immutable, never blocks)
          │                                              ^
          └── unlock, lock, test, handshakes ──> card thread: CardDesk ──> middleware, PC/SC
                                                         ^
    watch thread: looks each poll_seconds, tells listeners ┘
"""

import os
import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TypeVar

import structlog
from cryptography import x509

from connector.domain.errors import ConnectorError, Unavailable
from connector.domain.ports import Clock
from connector.identities.base import IdentityUnavailable
from connector.identities.card.desk import CardDesk
from connector.identities.card.errors import absent, needs_card, needs_pin
from connector.identities.card.matching import CardMatcher
from connector.identities.card.middleware import Middleware
from connector.identities.card.module import Host
from connector.identities.card.pin import Pin
from connector.identities.card.reader import PcscReaders, ReaderProbe
from connector.identities.card.signer import CardSigner, RawSignature, plan
from connector.identities.card.snapshot import make_status, make_view
from connector.identities.card.status import CardStatus, Presence, TokenView
from connector.identities.card.thread import CardThread
from connector.identities.card.view import CardId, Observation, SeenCard
from connector.identities.tls_key import Padding, TlsKey
from connector.identities.tls_key.attach import CheckedSigner
from connector.settings.model import CardChoice, CardSettings

__all__ = ["CardService"]

_log = structlog.get_logger(__name__)
_Result = TypeVar("_Result")
_CLOSE_SECONDS = 5.0
_DIGEST_BYTES = 32  # SHA-256
_MOST_NEWS = 100  # kept for listeners while nobody watches


class CardService:
    """Implements :class:`connector.identities.card.status.CardPort`, and gives keys to mailboxes.

    One for a process: nobody else in it may use the same middleware. Made without touching anything; :meth:`start`
    makes it watch by itself, and everything also works without (each call looks first).

    Args:
        settings: ``card`` of the settings.
        clock: for the validity of certificates and the PIN policy.
        issuers_der: certificates of authorities (DER) for the chain that is sent, beside those on the card.
        readers: the system's view of the readers; default: PC/SC.
        host: default: this process.
    """

    def __init__(
        self, settings: CardSettings, clock: Clock, *, issuers_der: Sequence[bytes] = (),
        readers: ReaderProbe | None = None, host: Host | None = None,
    ) -> None:  # fmt: skip
        self.settings = settings
        middleware = Middleware(settings.module, host or Host.here(os.environ))
        issuers = [x509.load_der_x509_certificate(der) for der in issuers_der]
        self._desk = CardDesk(settings, clock, readers or PcscReaders(), middleware, issuers)
        self._thread = CardThread()
        self._revivals = 0
        self._lock = threading.RLock()  # of everything below
        self._observation = Observation()
        self._answers = True
        self._matcher = CardMatcher()
        self._keys: dict[CardId, TlsKey] = {}
        self._status = make_status(self._observation, answers=True, wanted=self._matcher.is_wanted)
        self._news: deque[CardStatus] = deque(maxlen=_MOST_NEWS)
        self._listeners: list[Callable[[CardStatus], None]] = []
        self._wake = threading.Event()
        self._stopped = False
        self._watcher: threading.Thread | None = None

    # --- life --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Watch the readers from now on, on a thread of its own."""
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, name="card-watch", daemon=True)
            self._watcher.start()

    def close(self) -> None:
        """Lock the cards, let go of the middleware, end the threads. A call that hangs is left behind."""
        self._stopped = True
        self._wake.set()
        with suppress(Unavailable):
            self._thread.close(self._desk.close, seconds=_CLOSE_SECONDS)
        if self._watcher is not None:
            self._watcher.join(_CLOSE_SECONDS)

    def _watch(self) -> None:
        while not self._stopped:
            self._glance()
            self._tell()
            self._wake.wait(self.settings.poll_seconds)
            self._wake.clear()
        self._tell()

    def _glance(self) -> None:
        try:
            self._at_the_desk(self._desk.watch, self.settings.sign_seconds, urgent=True)
        except ConnectorError:
            return  # the status tells
        except Exception:  # noqa: BLE001 - the reader is looked at again, whatever went wrong
            _log.warning("card_watch_failed", exc_info=True)

    def _tell(self) -> None:
        while self._news:
            status = self._news.popleft()
            for listener in tuple(self._listeners):
                try:
                    listener(status)
                except Exception:  # noqa: BLE001 - one bad listener must not keep the others from hearing
                    _log.warning("card_listener_failed", exc_info=True)

    # --- CardPort ----------------------------------------------------------------------------------------------

    def status(self) -> CardStatus:
        """See :class:`connector.identities.card.status.CardPort`."""
        return self._status

    def look(self) -> CardStatus:
        """See what is there now, which takes as long as the middleware takes; never raises."""
        with suppress(ConnectorError):
            self._at_the_desk(self._desk.look, self.settings.sign_seconds, urgent=True)
        return self._status

    def unlock(self, pin: str | None, *, serial: str = "", accept_last_try: bool = False) -> CardStatus:
        """See :class:`connector.identities.card.status.CardPort`."""
        try:
            secret = None if pin is None else Pin(pin)
        finally:
            del pin  # a traceback keeps what its frames hold
        try:
            self._at_the_desk(self._desk.look, self.settings.sign_seconds, urgent=True)
            card = self._meant(serial, prefer_open=False)
            seconds = self.settings.pin_pad_seconds if secret is None else self.settings.sign_seconds
            login = partial(self._desk.login, card.id, secret, accept_last_try=accept_last_try)
            self._at_the_desk(login, seconds)
        finally:
            if secret is not None:
                secret.wipe()
        return self._status

    def lock(self) -> CardStatus:
        """See :class:`connector.identities.card.status.CardPort`."""
        with self._lock:
            self._matcher.want_no_more()
        self._at_the_desk(self._desk.lock, self.settings.sign_seconds)
        return self._status

    def test(self, *, serial: str = "") -> str:
        """See :class:`connector.identities.card.status.CardPort`."""
        self._at_the_desk(self._desk.look, self.settings.sign_seconds, urgent=True)
        card = self._meant(serial, prefer_open=True)
        key = self._open_key(card)
        digest = secrets.token_bytes(_DIGEST_BYTES)
        padding = Padding.PSS if card.can_pss else Padding.PKCS1V15
        salt_length = _DIGEST_BYTES if card.can_pss else None
        certificate = x509.load_der_x509_certificate(card.der)
        wanted = plan(digest, "sha256", padding, salt_length, mechanisms=card.mechanisms, certificate=certificate)
        checked = CheckedSigner(key.signer, key.public_key)
        checked.sign(digest, hash="sha256", padding=padding, salt_length=salt_length)
        return f"CKM_{wanted.mechanism.name}"

    def subscribe(self, listener: Callable[[CardStatus], None]) -> None:
        """See :class:`connector.identities.card.status.CardPort`."""
        self._listeners.append(listener)

    def find(self, choice: CardChoice) -> TokenView | None:
        """See :class:`connector.identities.card.status.CardPort`."""
        with self._lock:
            card = self._matcher.match(choice, self._observation.cards)
            return make_view(card, self._matcher.is_wanted) if isinstance(card, SeenCard) else None

    # --- for mailboxes -----------------------------------------------------------------------------------------

    def want(self, choice: CardChoice) -> None:
        """A mailbox waits for the PIN of its card: the card then says so (``PIN_NEEDED``) until it is open."""
        with self._lock:
            card = self._matcher.match(choice, self._observation.cards)
            if not isinstance(card, SeenCard) or not card.is_open:
                self._matcher.want(choice)
                self._publish()

    def hindrance(self, choice: CardChoice) -> IdentityUnavailable | None:
        """What a person must do before the card of a mailbox signs; ``None`` when it would now. Never blocks.

        Args:
            choice: of the mailbox.
        """
        with self._lock:
            card = self._matcher.match(choice, self._observation.cards)
            return self._hindrance_of(card) if isinstance(card, SeenCard) else self._without_card(card)

    def key(self, choice: CardChoice) -> TlsKey:
        """The key for the handshakes of a mailbox. Never blocks; the key itself does.

        Args:
            choice: of the mailbox.

        Raises:
            IdentityUnavailable: card or PIN is missing, or card or middleware does not work; ``waiting_for`` says
                what a person must do. A missing PIN is asked for from now on.
        """
        with self._lock:
            card = self._matcher.match(choice, self._observation.cards)
            if not isinstance(card, SeenCard):
                raise self._without_card(card)
            self.want(choice)
            key = self._open_key(card)
            self._matcher.bind(choice, card)
            return key

    def revision(self, choice: CardChoice) -> str:
        """Changes when contexts and connections of a mailbox must not be used any longer.

        That is: its card was pulled (unless ``keep_sessions_on_removal``), another card has taken its place, it was
        locked, the hours of its PIN are over, or it was lost. Putting the same card back and typing its PIN changes
        nothing more, and neither does the end of a PIN that was given for one session (policy ``session``).
        """
        with self._lock:
            card = self._matcher.last_match(choice, self._observation.cards)
            if card is None:
                return "none"
            return f"{card.serial}:{card.sha256}:{self._observation.endings.get(card, 0)}"

    # --- inside ------------------------------------------------------------------------------------------------

    def _at_the_desk(self, work: Callable[[], _Result], seconds: float, *, urgent: bool = False) -> _Result:
        """Do something on the card thread, and make known what is seen after it."""
        try:
            return self._thread.call(partial(self._seen_after, work), seconds=seconds, urgent=urgent)
        except Unavailable:
            if self._thread.is_stuck:
                self._take(self._observation, answers=False)
            raise

    def _seen_after(self, work: Callable[[], _Result]) -> _Result:
        if self._revivals != self._thread.revivals:
            self._revivals = self._thread.revivals
            self._desk.reset()
        try:
            return work()
        finally:
            self._take(self._desk.observe(), answers=True)

    def _take(self, observation: Observation, *, answers: bool) -> None:
        with self._lock:
            self._observation, self._answers = observation, answers
            for card in observation.cards:
                if card.is_open:
                    self._matcher.has_opened(card)
            self._publish()

    def _publish(self) -> None:
        before = self._status
        self._status = make_status(self._observation, answers=self._answers, wanted=self._matcher.is_wanted)
        if replace(before, signatures=0) != replace(self._status, signatures=0):
            self._news.append(self._status)
            self._wake.set()
            if before.presence is not self._status.presence:
                _log.info("card", state=self._status.presence.value, code=self._status.code)

    def _meant(self, serial: str, *, prefer_open: bool) -> SeenCard:
        """The card that a person means: the named one, or the only one, or the only one that is (not) open."""
        with self._lock:
            cards = [card for card in self._observation.cards if serial in ("", card.serial)]
            if not cards:
                raise self._without_card(absent())
        known = [card for card in cards if card.is_known] or cards
        preferred = [card for card in known if card.is_open is prefer_open] or known
        if len(preferred) > 1:
            raise needs_card("CARTES_MULTIPLES", f"{len(preferred)} cards are there: name the serial number")
        card = preferred[0]
        if not card.is_known:
            raise needs_card(card.code, card.detail)
        return card

    def _without_card(self, otherwise: IdentityUnavailable) -> IdentityUnavailable:
        """Why there is no card: what hinders everything comes first."""
        if self._status.presence is Presence.FAILED:
            return needs_card(self._status.code, self._status.detail)
        fault = self._observation.fault
        return otherwise if fault is None else needs_card(fault.code, fault.detail)

    def _hindrance_of(self, card: SeenCard) -> IdentityUnavailable | None:
        if not self._answers:
            return needs_card(self._status.code, self._status.detail)
        if card.code or not card.is_known:
            return needs_card(card.code, card.detail or "the card cannot be used")
        if card.is_open:
            return None
        if card.blocked:
            return needs_card("CARTE_BLOQUEE", "the card is blocked")
        if card.final_try:
            return needs_pin("PIN_DERNIER_ESSAI", "one wrong PIN more blocks the card")
        return needs_pin("PIN", "the PIN of the card is needed")

    def _open_key(self, card: SeenCard) -> TlsKey:
        with self._lock:
            hindered = self._hindrance_of(card)
            if hindered is not None:
                raise hindered
            if card.id not in self._keys:
                self._keys[card.id] = self._make_key(card)
            return self._keys[card.id]

    def _make_key(self, card: SeenCard) -> TlsKey:
        certificate = x509.load_der_x509_certificate(card.der)
        signer = CardSigner(partial(self._sign, card.id), card.mechanisms, certificate)
        return TlsKey(card.der, signer, card.chain, can_pss=card.can_pss)

    def _sign(self, card: CardId, wanted: RawSignature) -> bytes:
        return self._at_the_desk(partial(self._desk.sign, card, wanted), self.settings.sign_seconds)
