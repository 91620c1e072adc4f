"""How much: number and length of headers, length of a body as announced; what is read is counted by the pipe."""

import re
from collections.abc import Mapping

from connector.api.guard.head import Refusal, RequestHead

__all__ = ["SMALL_BODY_BYTES", "body_limit", "check_framing", "check_headers", "check_length"]

SMALL_BODY_BYTES = 64 * 1024
"""What a request may carry where nothing else is said: a PIN, a token, a decision."""

_ULID = re.compile(r"(?<=/)[0-9A-Z]{26}(?=/|$)")
_MOST_HEADERS = 64
_LONGEST_HEAD_CHARS = 16 * 1024


def check_headers(head: RequestHead) -> Refusal | None:
    """Bounds that no honest client reaches. The parser's own bound holds only for a head that comes in pieces."""
    size = len(head.path) + sum(len(name) + len(value) for name, value in head.headers)
    if len(head.headers) <= _MOST_HEADERS and size <= _LONGEST_HEAD_CHARS:
        return None
    detail = f"at most {_MOST_HEADERS} headers, and {_LONGEST_HEAD_CHARS} characters with the path"
    return Refusal("API_ENTETES_TROP_GROS", 431, detail)


def check_framing(head: RequestHead) -> Refusal | None:
    """One way to tell where the body ends (RFC 9112 6.3), one token, one type: never two to choose from."""
    if head.all("content-length") and head.all("transfer-encoding"):
        return Refusal("API_ENTETE_AMBIGU", 400, "both Content-Length and Transfer-Encoding")
    for name in ("content-length", "authorization", "idempotency-key", "last-event-id"):
        if len(head.all(name)) > 1:
            return Refusal("API_ENTETE_AMBIGU", 400, f"several {name} headers")
    return None


def check_length(head: RequestHead, limit: int) -> Refusal | None:
    """The announced length, before a single byte is read."""
    announced = head.only("content-length")
    if announced is None:
        return None
    if not (announced.isascii() and announced.isdigit()):
        return Refusal("API_ENTETE_AMBIGU", 400, "Content-Length is not a number")
    if len(announced) > 18 or int(announced) > limit:
        return Refusal("API_CORPS_TROP_GROS", 413, f"at most {limit} bytes are read here")
    return None


def body_limit(head: RequestHead, large: Mapping[str, int]) -> int:
    """How many bytes a request may carry.

    Args:
        head: of the request.
        large: paths that take documents, with their limits; ``{id}`` stands for any ULID.
    """
    path = _ULID.sub("{id}", head.path.rstrip("/"))
    return large.get(path, SMALL_BODY_BYTES) if head.method == "POST" else SMALL_BODY_BYTES
