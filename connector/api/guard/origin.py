"""Where a request comes from: no page of the web, unless the settings list it.

Browsers say it twice: ``Origin`` (whoever sends more than a plain GET) and ``Sec-Fetch-Site`` (Fetch Metadata, every
request). Programs send neither. ``same-site`` is foreign too: for an IP address another *port* is the same site, and
any program of this machine can serve pages there.
"""

from collections.abc import Set
from urllib.parse import urlsplit

from connector.api.guard.head import Refusal, RequestHead
from connector.api.guard.host import is_loopback_host

__all__ = ["allowed_origin", "check_origin", "is_preflight"]

_READING = ("GET", "HEAD")


def check_origin(head: RequestHead, allowed: Set[str] = frozenset()) -> Refusal | None:
    """Programs, our own page, and the pages that are listed.

    Args:
        head: of the request.
        allowed: origins as browsers send them, ``https://lps.example`` or ``http://localhost:3000``.
    """
    origins = head.all("origin")
    if len(origins) > 1:
        return _foreign("several Origin headers")
    if origins:
        if origins[0] in allowed:
            return None
        if not _is_own(origins[0], head):
            return _foreign("the Origin is not listed in api.allowed_origins")
    return _check_fetch_metadata(head)


def _check_fetch_metadata(head: RequestHead) -> Refusal | None:
    sites, modes = head.all("sec-fetch-site"), head.all("sec-fetch-mode")
    if len(sites) > 1 or len(modes) > 1:
        return _foreign("several Sec-Fetch headers")
    site = sites[0] if sites else "same-origin"
    if site not in ("same-origin", "none"):
        return _foreign("Sec-Fetch-Site is neither same-origin nor none")
    if site == "none" and head.method not in _READING:
        return _foreign("only reading can start outside a page")
    if modes == ["navigate"] and head.method not in _READING and head.path.startswith("/api/"):
        return _foreign("a form cannot be sent to the API")
    return None


def _foreign(detail: str) -> Refusal:
    return Refusal("API_ORIGINE_REFUSEE", 403, detail)


def _is_own(origin: str, head: RequestHead) -> bool:
    """True for our own page; ``null`` (a sandboxed frame, a file) is not."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    own = f"{head.scheme}://{parts.netloc}"
    return origin == own and is_loopback_host(parts.netloc, head.port, head.default_port)


def allowed_origin(head: RequestHead, allowed: Set[str]) -> str | None:
    """The listed page that asks; ``None`` for everybody else. Call it after :func:`check_origin`."""
    origin = head.only("origin")
    return origin if origin in allowed else None


def is_preflight(head: RequestHead) -> bool:
    """True when a browser asks beforehand whether a page may send something (Fetch, CORS preflight)."""
    return head.method == "OPTIONS" and bool(head.all("access-control-request-method"))
