"""Sessions of the page: opened by a one-time link, kept in memory, ended by the person, by time or with the process.

A session is two secrets that travel on different ways: a cookie (``HttpOnly``, ``SameSite=Strict``) and a key in the
path of every address. Cookies do not know ports: a browser shows ours to whatever another user of this machine serves
on ``127.0.0.1``. The key is what such a server never sees, and the cookie's own ``Path`` keeps it from being sent
there in the first place. A form carries a third one (:attr:`PageSession.form_token`).

Rules, each with its test: a link opens one session, once, for a minute; no session id ever comes from outside; a
session that is old or not used for a while is gone, and so is the one that a fresh link replaces in its browser. A
link that is shown twice ends the session that it opened: a browser is started with the link on its command line,
where other users of the machine can read it, and whoever is quicker than the browser must not keep what they got.
"""

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from connector.domain.ports import Clock

__all__ = ["COOKIE", "LINK_SECONDS", "PageSession", "Sessions"]

COOKIE = "mss_page"
LINK_SECONDS = 60.0
IDLE_SECONDS = 8 * 3600.0  # a working day with the page open, which asks for news by itself
LONGEST_SECONDS = 24 * 3600.0
MOST_LINKS = 16
MOST_SESSIONS = 32
MOST_NOTES = 5
_SECRET_BYTES = 32
_KEY_BYTES = 16


@dataclass(slots=True)
class PageSession:
    """One browser of the person."""

    key: str = field(repr=False)  # in the path
    form_token: str = field(repr=False)  # in every form
    opened_at: float  # monotonic seconds
    used_at: float
    language: str = ""  # "fr", "en"; empty = what the browser prefers
    notes: list[tuple[str, str]] = field(default_factory=list)  # (kind, text) to show once, on the next page

    def accepts(self, form_token: str) -> bool:
        """True for a form that came from a page of this session."""
        return hmac.compare_digest(form_token.encode(), self.form_token.encode())

    def note(self, kind: str, text: str) -> None:
        """Have something told on the next page.

        Args:
            kind: ``done`` or ``problem``.
            text: in the language of the person.
        """
        self.notes = [*self.notes, (kind, text)][-MOST_NOTES:]

    def take_notes(self) -> list[tuple[str, str]]:
        """What is to be told now."""
        notes, self.notes = self.notes, []
        return notes


class Sessions:
    """All sessions and links. Not thread-safe: lives on the server's event loop.

    Args:
        clock: monotonic time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._links: OrderedDict[str, float] = OrderedDict()  # hash to monotonic end
        self._used: OrderedDict[str, str] = OrderedDict()  # hash of a used link to that of its session's cookie
        self._sessions: OrderedDict[str, PageSession] = OrderedDict()  # by hash of the cookie

    def new_link(self) -> str:
        """A secret that opens one session within :data:`LINK_SECONDS`."""
        link = secrets.token_urlsafe(_SECRET_BYTES)
        self._links[_digest(link)] = self._clock.monotonic() + LINK_SECONDS
        _shorten(self._links, MOST_LINKS)
        return link

    def open(self, link: str, replaced: Iterable[str] = ()) -> tuple[str, PageSession] | None:
        """Use a link up.

        Args:
            link: from :meth:`new_link`.
            replaced: cookies that the browser had: their sessions end.

        Returns:
            The value of the cookie and the session; ``None`` for a link that is unknown, used or too old.
        """
        until, now = self._links.pop(_digest(link), None), self._clock.monotonic()
        if until is None or until < now:
            self._sessions.pop(self._used.pop(_digest(link), ""), None)
            return None
        for old in replaced:
            self.end(old)
        cookie = secrets.token_urlsafe(_SECRET_BYTES)
        session = PageSession(
            key=secrets.token_urlsafe(_KEY_BYTES), form_token=secrets.token_urlsafe(_SECRET_BYTES), opened_at=now,
            used_at=now,
        )  # fmt: skip
        self._sessions[_digest(cookie)] = session
        self._used[_digest(link)] = _digest(cookie)
        _shorten(self._sessions, MOST_SESSIONS)
        _shorten(self._used, MOST_LINKS)
        return cookie, session

    def find(self, key: str, cookies: Iterable[str]) -> PageSession | None:
        """The session of a request.

        Args:
            key: in its path.
            cookies: every value of :data:`COOKIE` that came: another program of this machine may have added one.
        """
        for cookie in cookies:
            session = self._living(_digest(cookie))
            if session is not None and hmac.compare_digest(session.key.encode(), key.encode()):
                session.used_at = self._clock.monotonic()
                return session
        return None

    def end(self, cookie: str) -> None:
        """Forget a session; one that is not known changes nothing."""
        self._sessions.pop(_digest(cookie), None)

    def _living(self, digest: str) -> PageSession | None:
        session, now = self._sessions.get(digest), self._clock.monotonic()
        if session is None:
            return None
        if now - session.used_at > IDLE_SECONDS or now - session.opened_at > LONGEST_SECONDS:
            del self._sessions[digest]
            return None
        return session


def _shorten(kept: OrderedDict[str, Any], most: int) -> None:
    """Let go of the oldest."""
    while len(kept) > most:
        kept.popitem(last=False)


def _digest(secret: str) -> str:
    """Looked up by hash, so that comparing secrets takes the same time wherever they differ."""
    return sha256(secret.encode()).hexdigest()
