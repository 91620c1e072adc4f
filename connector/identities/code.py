"""Login, password and one-time code: a session in two steps, ``start`` and then the code.

No operator carries a code over SASL (DST interfaces §1.1): it exists before the Web Services only (§3), which plug in
as a :class:`CodeExchange`. Only a person starts: each start sends a text message or a mail, and each wrong try brings
the account nearer to being blocked. So nothing here is ever tried again by itself, a code is given once, and after
some refusals in a row nothing is said to the operator any more until a person says that it is worth it.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Protocol

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, NeedsPerson, Unavailable
from connector.domain.ports import Clock
from connector.domain.states import WaitingFor

__all__ = [
    "CODE_STATES", "Challenge", "CodeEvent", "CodeExchange", "CodeRefused", "CodeSession", "CodeSessions",
    "CodeState", "CodeStatus", "SessionGrant", "next_code_state",
]  # fmt: skip

CODE_SECONDS = 240.0
"""How long a code may be typed unless the operator says otherwise (DST interfaces §3.3)."""
PAUSE_SECONDS = 30.0
"""Between two starts; doubled with each refusal in a row."""
LONGEST_PAUSE_SECONDS = 900.0
MOST_REFUSALS = 3
"""In a row; then only :meth:`CodeSession.unlock` goes on."""

_CODE = re.compile(r"[0-9]{4,10}")


class CodeState(StrEnum):
    """Where a session stands."""

    NEEDS_START = "needs_start"  # nobody has asked for a code
    CODE_EXPECTED = "code_expected"  # the operator has sent one, and it can still be typed
    OPEN = "open"
    REFUSED = "refused"  # login, password or code were wrong
    EXPIRED = "expired"  # the code was not typed in time, or was lost on its way, or the session has ended
    LOCKED = "locked"  # too many refusals, or the operator blocked the account


class CodeEvent(StrEnum):
    """What can happen to a session."""

    CHALLENGE = "challenge"  # the operator sent a code
    GRANT = "grant"  # the operator accepted the code
    REFUSE = "refuse"  # the operator refused login, password or code
    LOSE = "lose"  # the answer to the code did not come: the code is spent
    EXPIRE = "expire"  # the time is over
    LOCK = "lock"
    CLOSE = "close"  # we end it, or the operator said that it has ended
    UNLOCK = "unlock"  # a person says that it is worth trying again


_S, _E = CodeState, CodeEvent
_AT_START = {_E.CHALLENGE: _S.CODE_EXPECTED, _E.REFUSE: _S.REFUSED, _E.LOCK: _S.LOCKED, _E.CLOSE: _S.NEEDS_START}

CODE_STATES: Mapping[CodeState, Mapping[CodeEvent, CodeState]] = MappingProxyType({
    _S.NEEDS_START: _AT_START,
    _S.CODE_EXPECTED: {**_AT_START, _E.GRANT: _S.OPEN, _E.LOSE: _S.EXPIRED, _E.EXPIRE: _S.EXPIRED},
    _S.OPEN: {_E.EXPIRE: _S.EXPIRED, _E.CLOSE: _S.NEEDS_START},
    _S.REFUSED: _AT_START,
    _S.EXPIRED: _AT_START,
    _S.LOCKED: {_E.UNLOCK: _S.NEEDS_START, _E.CLOSE: _S.LOCKED},
})  # fmt: skip
"""Every transition; anything else that happens changes nothing."""


def next_code_state(state: CodeState, event: CodeEvent) -> CodeState:
    """Where ``event`` leads from ``state``; an event that means nothing there leaves it as it is."""
    return CODE_STATES[state].get(event, state)


@dataclass(frozen=True, slots=True)
class Challenge:
    """The operator sent a code to the person."""

    expires_at: datetime | None = None  # aware; None = four minutes from now
    sent_to: str = ""  # a hint for the person, as the operator words it: "06 ** ** ** 12"


@dataclass(frozen=True, slots=True)
class SessionGrant:
    """The operator opened a session."""

    expires_at: datetime | None = None  # aware; None = until the operator says otherwise
    session: object = field(default=None, repr=False)  # cookies or the like; only the Web Services look inside


class CodeExchange(Protocol):
    """The two calls to an operator. Blocking; never called by two threads at once."""

    def start(self, login: str, password: str) -> Challenge:
        """Say who we are; the operator sends the person a code.

        Raises:
            CodeRefused: ``IDENTIFIANTS_REFUSES``, ``COMPTE_BLOQUE``.
            Unavailable: no answer; nothing is known to have been counted against the account.
        """
        ...

    def finish(self, code: str) -> SessionGrant:
        """Give the code of the last :meth:`start`.

        Raises:
            CodeRefused: ``CODE_REFUSE``, ``CODE_PERIME``, ``COMPTE_BLOQUE``.
            Unavailable: no answer; the code may have been used up.
        """
        ...


class CodeRefused(NeedsPerson):
    """The operator refused; the code of the error says what.

    Args:
        code: catalogue code.
        detail: one English sentence, never a secret.
        is_final: the account or the channel is blocked: one more try would make it worse.
    """

    waiting_for = WaitingFor.CODE

    def __init__(self, code: str, detail: str, *, is_final: bool = False) -> None:
        super().__init__(code, detail)
        self.is_final = is_final


@dataclass(frozen=True, slots=True)
class CodeStatus:
    """What may be told of a session; never login, password or code."""

    state: CodeState
    expires_at: datetime | None = None  # of what is awaited (code) or open (session)
    sent_to: str = ""
    start_at: datetime | None = None  # a start before this is refused without a word to the operator
    code: str = ""  # catalogue code of the last refusal


class CodeSession:
    """The session of one mailbox. Thread-safe: the API opens it, the workers read it.

    Args:
        exchange: speaks with the operator.
        clock: for the time that a code has, and the pauses.
    """

    def __init__(self, exchange: CodeExchange, clock: Clock) -> None:
        self._exchange = exchange
        self._clock = clock
        self._talking = threading.Lock()  # held during a call to the operator: one at a time
        self._lock = threading.Lock()  # held to look at or change what follows
        self._state = CodeState.NEEDS_START
        self._refusals = 0
        self._given: set[str] = set()  # spent codes; they are worth nothing any more
        self._challenge = Challenge()
        self._grant = SessionGrant()
        self._until: datetime | None = None
        self._start_at: datetime | None = None
        self._code = ""
        self._listeners: list[Callable[[], None]] = []

    def start(self, login: str, password: str) -> CodeStatus:
        """Ask the operator to send a code. Only on the word of a person; changes nothing while the session is open.

        Raises:
            NeedsPerson: ``CODE_TROP_TOT``, ``CODE_VERROUILLE`` (nothing was said to the operator),
                ``IDENTIFIANTS_REFUSES``, ``COMPTE_BLOQUE``.
            Unavailable: ``CODE_EN_COURS``; or the operator does not answer: the state is what it was.
        """
        with self._alone():
            if self.needs_person() is None:
                return self.status()
            self._check_start()
            try:
                challenge = self._exchange.start(login, password)
            except CodeRefused as refusal:
                self._refused(refusal)
                raise
            with self._lock:
                self._challenge, self._code = challenge, ""
                self._until = challenge.expires_at or self._clock.now() + timedelta(seconds=CODE_SECONDS)
                self._go(CodeEvent.CHALLENGE)
        return self._told()

    def give(self, code: str) -> CodeStatus:
        """Give the code that the person received; each code is given once, whatever comes of it.

        Raises:
            NeedsPerson: ``CODE_FORMAT``, ``CODE_NON_DEMANDE``, ``CODE_PERIME``, ``CODE_DEJA_DONNE`` (nothing was
                said to the operator), ``CODE_REFUSE``, ``COMPTE_BLOQUE``, ``CODE_INCERTAIN``.
            Unavailable: ``CODE_EN_COURS``.
        """
        digits = "".join(code.split())
        if not _CODE.fullmatch(digits):
            raise CodeRefused("CODE_FORMAT", "a one-time code has 4 to 10 digits")
        with self._alone():
            self._spend(digits)
            try:
                grant = self._exchange.finish(digits)
            except CodeRefused as refusal:
                self._refused(refusal)
                raise
            except ConnectorError as lost:
                self._lost()
                raise CodeRefused("CODE_INCERTAIN", f"no answer to the code ({lost.code})") from lost
            with self._lock:
                self._grant, self._until, self._refusals, self._code = grant, grant.expires_at, 0, ""
                self._start_at = self._clock.now() + self._pause()
                self._go(CodeEvent.GRANT)
        return self._told()

    def close(self) -> None:
        """End the session here; also what to do when the operator says that it has ended."""
        self._happen(CodeEvent.CLOSE)

    def unlock(self) -> None:
        """A person says that login and password are right and the account is not blocked."""
        with self._lock:
            if self._state is CodeState.LOCKED:
                self._refusals, self._start_at, self._code = 0, None, ""
                self._go(CodeEvent.UNLOCK)
        self._told()

    def grant(self) -> SessionGrant:
        """The open session, for the Web Services.

        Raises:
            NeedsPerson: ``CODE_ATTENDU``.
        """
        with self._lock:
            self._look()
            if self._state is CodeState.OPEN:
                return self._grant
        raise CodeRefused("CODE_ATTENDU", "the session is not open")

    def status(self) -> CodeStatus:
        """How it stands."""
        with self._lock:
            self._look()
            awaited = self._state in (CodeState.CODE_EXPECTED, CodeState.OPEN)
            sent_to = self._challenge.sent_to if self._state is CodeState.CODE_EXPECTED else ""
            return CodeStatus(self._state, self._until if awaited else None, sent_to, self._start_at, self._code)

    def needs_person(self) -> WaitingFor | None:
        """``CODE`` until the session is open."""
        return None if self.status().state is CodeState.OPEN else WaitingFor.CODE

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after every change, on the thread that made it; it must neither block nor raise."""
        with self._lock:
            self._listeners.append(listener)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._talking.acquire(blocking=False):
            raise Unavailable("CODE_EN_COURS", "the operator is being asked already")
        try:
            yield
        finally:
            self._talking.release()

    def _check_start(self) -> None:
        with self._lock:
            self._look()
            now = self._clock.now()
            if self._state is CodeState.LOCKED:
                raise CodeRefused("CODE_VERROUILLE", "too many refusals in a row")
            if self._start_at is not None and now < self._start_at:
                raise CodeRefused("CODE_TROP_TOT", f"wait until {self._start_at:%H:%M:%S} UTC")
            self._start_at = now + self._pause()

    def _spend(self, digits: str) -> None:
        with self._lock:
            was_expected = self._state is CodeState.CODE_EXPECTED
            self._look()
            if was_expected and self._state is CodeState.EXPIRED:
                raise CodeRefused("CODE_PERIME", "the time for the code is over")
            if not was_expected:
                raise CodeRefused("CODE_NON_DEMANDE", "no code is expected now")
            if digits in self._given:
                raise CodeRefused("CODE_DEJA_DONNE", "this code was given before")
            self._given.add(digits)

    def _refused(self, refusal: CodeRefused) -> None:
        with self._lock:
            self._refusals += 1
            self._code = refusal.code
            self._start_at = self._clock.now() + self._pause()
            locks = refusal.is_final or self._refusals >= MOST_REFUSALS
            self._go(CodeEvent.LOCK if locks else CodeEvent.REFUSE)
        self._told()

    def _lost(self) -> None:
        with self._lock:
            self._code = "CODE_INCERTAIN"
        self._happen(CodeEvent.LOSE)

    def _pause(self) -> timedelta:
        return timedelta(seconds=min(PAUSE_SECONDS * 2.0**self._refusals, LONGEST_PAUSE_SECONDS))

    def _happen(self, event: CodeEvent) -> None:
        with self._lock:
            self._go(event)
        self._told()

    def _go(self, event: CodeEvent) -> None:
        self._state = next_code_state(self._state, event)
        if self._state is not CodeState.OPEN:
            self._grant = SessionGrant()

    def _look(self) -> None:
        """Time has passed."""
        if self._until is not None and self._clock.now() >= self._until:
            self._go(CodeEvent.EXPIRE)

    def _told(self) -> CodeStatus:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()
        return self.status()


class CodeSessions:
    """The sessions of all mailboxes that need a code. One per process; filled before the workers start."""

    def __init__(self) -> None:
        self._sessions: dict[MailboxAddress, CodeSession] = {}

    def add(self, mailbox: MailboxAddress, session: CodeSession) -> None:
        """Register the session of a mailbox."""
        self._sessions[mailbox] = session

    def find(self, mailbox: MailboxAddress) -> CodeSession | None:
        """Its session; ``None`` for a mailbox that needs no code."""
        return self._sessions.get(mailbox)

    def subscribe(self, listener: Callable[[MailboxAddress], None]) -> None:
        """Call ``listener`` with the mailbox after every change; see :meth:`CodeSession.subscribe`."""
        for mailbox, session in self._sessions.items():
            session.subscribe(partial(listener, mailbox))
