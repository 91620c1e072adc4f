"""Pro Santé Connect access tokens, as the LPS or the editor's proxy hands them over: in memory only.

An installed program may not talk to Pro Santé Connect itself, so tokens are pushed to it, every few minutes, and each
lives for minutes only (rules §11.2). What is kept here dies with the process (Ref#2 ECO.1.2.5): a token is never
written, logged, traced or shown, and its ``repr`` is empty.

The life of a session (Ref#2 ECO.1.2.6, ECO.1.2.7): a token is checked when a session opens. When it runs out,
sessions that are open go on until either side ends them, and new ones wait for the next token. When the person logs
out, or the refresh token dies, whoever knows of it calls :meth:`TokenStore.close`, which ends the open sessions too.
"""

import base64
import binascii
import json
import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.ports import Clock
from connector.domain.states import WaitingFor
from connector.identities.base import IdentityUnavailable
from connector.platform.system import SystemClock

__all__ = ["TokenStatus", "TokenStore"]

MARGIN_SECONDS = 10.0
"""A token that has less than this to live is not shown any more: it could die on its way."""
UNKNOWN_LIFE_SECONDS = 120.0
"""How long a token counts that does not tell: the shortest life that is documented (rules §11.2)."""
LONGEST_CLAIM_SECONDS = 3600.0
"""What a token says of itself is not verified, and is believed up to this only."""
LONGEST_TOKEN = 16_000  # characters
REMEMBERED_REFUSALS = 16

_SHAPE = re.compile(r"[A-Za-z0-9\-._~+/]+=*")  # RFC 6750 2.1; so nothing in it can break out of a SASL message
_DETAILS = {
    "JETON_ABSENT": "no access token was given for the mailbox",
    "JETON_EXPIRE": "the access token of the mailbox has run out",
    "JETON_REFUSE": "the operator refused the access token of the mailbox",
}


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """What may be told of a mailbox's token: never the token."""

    usable: bool
    expires_at: datetime | None  # of the last one that was given
    code: str = ""  # catalogue code of why there is none that can be used


@dataclass(slots=True)
class _Drawer:
    """What is held for one mailbox."""

    token: str = field(default="", repr=False)
    good_until: float = 0.0  # monotonic, so that a clock that is set does not change it
    expires_at: datetime | None = None
    code: str = "JETON_ABSENT"  # why there is no token, when there is none
    sessions: int = 0  # counts the times that sessions had to end
    refused: deque[bytes] = field(default_factory=lambda: deque(maxlen=REMEMBERED_REFUSALS), repr=False)


class TokenStore:
    """The tokens of all mailboxes. One per process, thread-safe.

    Args:
        clock: tells when a token has run out.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._drawers: dict[MailboxAddress, _Drawer] = {}
        self._listeners: list[Callable[[MailboxAddress], None]] = []

    def __repr__(self) -> str:
        return "TokenStore()"

    def put(self, mailbox: MailboxAddress, token: str, expires_at: datetime | None = None) -> TokenStatus:
        """Take a token; it replaces the one before, and whoever waits for one is told.

        Args:
            mailbox: whose sessions it opens.
            token: the access token, without ``Bearer``.
            expires_at: aware; from the ``expires_in`` that came with it. Without it the token's own word counts
                (JWT ``exp``, not verified), and without that it is believed for two minutes.

        Raises:
            InvalidSubmission: ``JETON_INVALIDE`` (not an access token), ``JETON_EXPIRE`` (it has run out already),
                ``JETON_REFUSE`` (the operator refused this very token, which is not shown again). The one that was
                there before stays.
        """
        if len(token) > LONGEST_TOKEN or not _SHAPE.fullmatch(token):
            raise InvalidSubmission("JETON_INVALIDE", "what was given does not have the shape of an access token")
        now = self._clock.now()
        left = (expires_at - now).total_seconds() if expires_at else _seconds_left(token, now.timestamp())
        if left <= MARGIN_SECONDS:
            raise InvalidSubmission("JETON_EXPIRE", "the token that was given has run out")
        with self._lock:
            drawer = self._drawer(mailbox)
            if _trace_of(token) in drawer.refused:
                raise InvalidSubmission("JETON_REFUSE", "the operator refused this very token before")
            drawer.token, drawer.code = token, ""
            drawer.good_until = self._clock.monotonic() + left - MARGIN_SECONDS
            drawer.expires_at = expires_at or now + timedelta(seconds=left)
            status = self._status(drawer)
        self._tell(mailbox)
        return status

    def current(self, mailbox: MailboxAddress) -> str:
        """The token to show now. Give it to a server only after its certificate was trusted.

        Raises:
            IdentityUnavailable: ``JETON_ABSENT``, ``JETON_EXPIRE`` or ``JETON_REFUSE``: waits for the next one.
        """
        with self._lock:
            drawer = self._drawer(mailbox)
            code = self._status(drawer).code
            if code:
                raise IdentityUnavailable(code, _DETAILS[code], WaitingFor.TOKEN)
            return drawer.token

    def refuse(self, mailbox: MailboxAddress, token: str) -> None:
        """The operator refused this token: it is never shown again; another one that came meanwhile stays."""
        with self._lock:
            drawer = self._drawer(mailbox)
            trace = _trace_of(token)
            if trace not in drawer.refused:  # one that is refused often must not push out the others
                drawer.refused.append(trace)
            if drawer.token == token:
                drawer.token, drawer.code = "", "JETON_REFUSE"

    def forget(self, mailbox: MailboxAddress) -> None:
        """Drop the token. Sessions that are open go on."""
        with self._lock:
            self._empty(mailbox)
        self._tell(mailbox)

    def close(self, mailbox: MailboxAddress) -> None:
        """Drop the token and end the sessions that were opened with one (Ref#2 ECO.1.2.6).

        They end within about a second; a message whose content is on its way is given to the end first.
        """
        with self._lock:
            self._empty(mailbox).sessions += 1
        self._tell(mailbox)

    def sessions(self, mailbox: MailboxAddress) -> int:
        """A number that changes when sessions opened before must end."""
        with self._lock:
            return self._drawer(mailbox).sessions

    def status(self, mailbox: MailboxAddress) -> TokenStatus:
        """How it stands."""
        with self._lock:
            return self._status(self._drawer(mailbox))

    def subscribe(self, listener: Callable[[MailboxAddress], None]) -> None:
        """Call ``listener`` after every change, on the thread that made it; it must neither block nor raise."""
        with self._lock:
            self._listeners.append(listener)

    def _drawer(self, mailbox: MailboxAddress) -> _Drawer:
        return self._drawers.setdefault(_key(mailbox), _Drawer())

    def _status(self, drawer: _Drawer) -> TokenStatus:
        if drawer.token and self._clock.monotonic() >= drawer.good_until:
            drawer.token, drawer.code = "", "JETON_EXPIRE"
        return TokenStatus(bool(drawer.token), drawer.expires_at, drawer.code)

    def _empty(self, mailbox: MailboxAddress) -> _Drawer:
        drawer = self._drawer(mailbox)
        drawer.token, drawer.code, drawer.expires_at = "", "JETON_ABSENT", None
        return drawer

    def _tell(self, mailbox: MailboxAddress) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(mailbox)


def _key(mailbox: MailboxAddress) -> MailboxAddress:
    return MailboxAddress(mailbox.local_part.casefold(), mailbox.domain.casefold())


def _trace_of(token: str) -> bytes:
    """Recognises a token without keeping it."""
    return sha256(token.encode()).digest()


def _seconds_left(token: str, now: float) -> float:
    """How long a token says that it lives, from now on.

    Its issuer's clock and ours may disagree: a token that has just come then counts for as long as it was made for.
    """
    claims = _claims(token)
    expires, issued = (_number(claims.get(name)) for name in ("exp", "iat"))
    if expires is None:
        return UNKNOWN_LIFE_SECONDS
    left = expires - now
    if issued is not None and not 0 < left <= expires - issued:
        left = expires - issued
    return min(left, LONGEST_CLAIM_SECONDS)


def _claims(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified; none for a token that is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.b64decode(parts[1] + "==", altchars=b"-_"))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e12 else None
