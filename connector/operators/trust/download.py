"""Fetching a small public file: bounded in size and time, and never led to another host.

What comes back is believed by nobody before its fingerprint (an authority) or its signature (a list) was checked, so
plain HTTP is good enough; only what could hurt us by itself is looked at here.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from connector.domain.errors import Unavailable

if TYPE_CHECKING:
    import httpx

__all__ = ["Fetch", "fetch"]

Fetch = Callable[[str, int], bytes]
"""Address and largest size in bytes, to content; raises :class:`connector.domain.errors.Unavailable`."""

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 20.0
WHOLE_SECONDS = 180.0
MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {"User-Agent": "mssante-connector", "Accept-Encoding": "identity"}


def fetch(address: str, max_bytes: int) -> bytes:
    """The content behind an address.

    Args:
        address: http or https.
        max_bytes: more is refused as soon as it comes.

    Raises:
        Unavailable: ``TELECHARGEMENT``: no answer, another status than 200, too large, too slow, sent elsewhere.
    """
    import httpx  # noqa: PLC0415 - slow to import, and seldom needed

    timeout = httpx.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
    try:
        with httpx.Client(timeout=timeout, headers=_HEADERS, follow_redirects=False) as client:
            return _follow(client, address, max_bytes)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise _failed(address, type(error).__name__) from error


def _follow(client: "httpx.Client", address: str, max_bytes: int) -> bytes:
    where = address
    for _ in range(MAX_REDIRECTS + 1):
        with client.stream("GET", where) as answer:
            if answer.status_code == 200:
                return _read(answer, address, max_bytes)
            if answer.status_code not in _REDIRECTS:
                raise _failed(address, f"status {answer.status_code}")
            where = urljoin(where, answer.headers.get("location", ""))
        if urlsplit(where).hostname != urlsplit(address).hostname:
            raise _failed(address, "it leads to another host")
    raise _failed(address, "it leads in circles")


def _read(answer: "httpx.Response", address: str, max_bytes: int) -> bytes:
    until = time.monotonic() + WHOLE_SECONDS
    parts, size = [], 0
    for part in answer.iter_raw():
        size += len(part)
        if size > max_bytes:
            raise _failed(address, f"larger than {max_bytes} bytes")
        if time.monotonic() > until:
            raise _failed(address, f"it took more than {WHOLE_SECONDS:.0f} s")
        parts.append(part)
    return b"".join(parts)


def _failed(address: str, why: str) -> Unavailable:
    return Unavailable("TELECHARGEMENT", f"{address} cannot be had ({why})")
