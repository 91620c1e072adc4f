"""Waiting for news with IDLE (RFC 2177), without ever trusting a silent line."""

import contextlib
import re
import ssl
import time
from collections.abc import Callable, Iterable

from imapclient.exceptions import IMAPClientError

from connector.operators.errors import ConnectionFailed
from connector.operators.smtp_imap.answer import clean
from connector.operators.smtp_imap.imap import ImapConnection

__all__ = ["idle", "pause"]

SLICE_SECONDS = 1.0  # how often stop() is asked
DONE_SECONDS = 10.0  # a server that does not answer DONE within this is gone
_NEWS = frozenset({b"EXISTS", b"RECENT"})
_NEWS_LINE = re.compile(rb"\* \d+ (EXISTS|RECENT)\b", re.IGNORECASE)

_Monotonic = Callable[[], float]


def idle(client: ImapConnection, *, seconds: float, stop: Callable[[], bool], answer_seconds: float) -> bool:
    """Wait in the selected folder until the server tells of a new message.

    Args:
        client: a connection that has just selected the folder.
        seconds: longest wait.
        stop: asked at least once a second; true ends the wait.
        answer_seconds: time-out of the connection, set again at the end.

    Returns:
        True when a message arrived.

    Raises:
        OSError, IMAPClientError: the connection is dead; :func:`connector.operators.smtp_imap.imap.failures` maps it.
    """
    until = time.monotonic() + seconds
    _start(client)
    news = _is_news_buffered(client, answer_seconds)
    while not news and not stop() and (left := until - time.monotonic()) > 0:
        asked = min(SLICE_SECONDS, left)
        before = time.monotonic()
        lines = client.idle_check(timeout=asked)
        news = _has_news(lines)
        _check_farewell(lines)
        if not lines and time.monotonic() - before < asked / 2:
            break  # readable without a line: the end of the connection, which DONE will show
    client.socket().settimeout(min(DONE_SECONDS, answer_seconds))
    _, last = client.idle_done()
    client.socket().settimeout(answer_seconds)
    return _has_news(last) or news


def pause(*, seconds: float, stop: Callable[[], bool]) -> None:
    """Wait without IDLE."""
    until = time.monotonic() + seconds
    while not stop() and (left := until - time.monotonic()) > 0:
        time.sleep(min(SLICE_SECONDS, left))


def _start(client: ImapConnection) -> None:
    """Imapclient takes anything but "+" for an error and then no longer knows where the conversation stands."""
    try:
        client.idle()
    except IMAPClientError as error:
        raise ConnectionFailed("OPERATEUR_INJOIGNABLE", clean(f"no IDLE: {error}")) from error


def _is_news_buffered(client: ImapConnection, answer_seconds: float) -> bool:
    """Read what came together with the server's "+": the socket would not announce it any more."""
    connection = client.socket()
    news = False
    while _is_line_buffered(client):
        connection.settimeout(answer_seconds)
        news = bool(_NEWS_LINE.match(client._imap._get_line())) or news
    return news


def _is_line_buffered(client: ImapConnection) -> bool:
    client.socket().settimeout(0)
    with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
        return bool(client._imap.file.peek(1))
    return False


def _has_news(lines: Iterable[object]) -> bool:
    return any(isinstance(line, tuple) and len(line) > 1 and line[1] in _NEWS for line in lines)


def _check_farewell(lines: Iterable[object]) -> None:
    if any(isinstance(line, tuple) and line and line[0] == b"BYE" for line in lines):
        raise ConnectionFailed("OPERATEUR_INJOIGNABLE", "the IMAP server said BYE")
