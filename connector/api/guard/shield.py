"""What every answer tells a browser: run nothing, embed nothing, guess nothing, keep nothing."""

from collections.abc import Collection

__all__ = ["preflight_headers", "security_headers"]

_API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""For data; a page brings a policy of its own."""

_ALWAYS = {
    "Content-Security-Policy": _API_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_READABLE = "Content-Language, Idempotent-Replay, Location, Preview-Pages, Retry-After, WWW-Authenticate"
_ASKABLE = "Accept-Language, Authorization, Content-Type, Idempotency-Key, Last-Event-ID"
_PREFLIGHT_SECONDS = "600"


def security_headers(present: Collection[str], origin: str | None) -> dict[str, str]:
    """The headers to add to an answer.

    Args:
        present: lower-case names of those that the route has set: it knows better.
        origin: of the listed page that asked; ``None`` for everybody else, who then gets no CORS at all.
    """
    added = {name: value for name, value in _ALWAYS.items() if name.lower() not in present}
    if origin is not None:
        added |= {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": _READABLE}
    return {**added, "Vary": "Accept-Language, Origin"}


def preflight_headers() -> dict[str, str]:
    """What a listed page may send. Credentials are never allowed: a token comes in a header."""
    return {
        "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE",
        "Access-Control-Allow-Headers": _ASKABLE,
        "Access-Control-Allow-Private-Network": "true",
        "Access-Control-Max-Age": _PREFLIGHT_SECONDS,
    }
