"""Who may talk to the local server: requests that name a loopback host, and nothing else.

A page on the web can make the browser of this machine send requests here (DNS rebinding); it cannot make it send
our own ``Host``. Hosts are parsed, never compared by prefix: ``127.evil.example`` is not loopback.
"""

import ipaddress

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HostGuard", "is_loopback_host"]


def is_loopback_host(header: str, port: int) -> bool:
    """True when a ``Host`` header names this machine and our port.

    Args:
        header: ``127.0.0.1:8723``, ``[::1]:8723``, ``localhost:8723``.
        port: the port that we listen on; port 80 may be left out.
    """
    host, given_port = _split(header)
    if host is None or (given_port or 80) != port:
        return False
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host) in (_LOOPBACK_4, _LOOPBACK_6)
    except ValueError:
        return False


_LOOPBACK_4 = ipaddress.ip_address("127.0.0.1")
_LOOPBACK_6 = ipaddress.ip_address("::1")


def _split(header: str) -> tuple[str | None, int | None]:
    """Host and port; ``(None, None)`` for anything that is not exactly one of each."""
    if header.startswith("["):
        host, closed, rest = header[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            return None, None
        port = rest[1:]
    else:
        host, colon, port = header.partition(":")
        if colon and not port:
            return None, None
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5):
        return None, None
    return host, int(port) if port else None


class HostGuard:
    """ASGI middleware: 421 for a request that names another host. ``port`` 0 is set once the socket is bound."""

    def __init__(self, app: ASGIApp, *, port: int) -> None:
        self.app = app
        self.port = port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] == "lifespan" or self._is_allowed(scope):
            await self.app(scope, receive, send)
            return
        body = b'{"title":"This host name is not served here.","status":421}'
        headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 421, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _is_allowed(self, scope: Scope) -> bool:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        port = self.port or (scope.get("server") or ("", 0))[1] or 0
        return len(hosts) == 1 and is_loopback_host(hosts[0], port)
