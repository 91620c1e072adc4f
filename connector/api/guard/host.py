"""``Host``: requests that name this machine and our port, and nothing else.

A page on the web can make the browser of this machine send requests here (DNS rebinding); it cannot make it send
our own ``Host``. Hosts are parsed, never compared by prefix: ``127.evil.example`` is not loopback, neither is
``::ffff:127.0.0.1`` nor ``0.0.0.0``, which reach us all the same.
"""

import ipaddress

from connector.api.guard.head import Refusal, RequestHead

__all__ = ["check_host", "is_loopback_host"]

_LOOPBACK = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))


def check_host(head: RequestHead) -> Refusal | None:
    """Exactly one ``Host``, naming this machine and our port."""
    hosts = head.all("host")
    if len(hosts) == 1 and is_loopback_host(hosts[0], head.port, head.default_port):
        return None
    return Refusal(
        "API_HOTE_REFUSE", 421, f"Host must be 127.0.0.1, [::1] or localhost, with port {head.port}, exactly once"
    )


def is_loopback_host(header: str, port: int, default_port: int = 80) -> bool:
    """True when a ``Host`` header names this machine and our port.

    Args:
        header: ``127.0.0.1:8723``, ``[::1]:8723``, ``localhost:8723``.
        port: the port that we listen on.
        default_port: the one that may be left out.
    """
    host, given_port = _split(header)
    if host is None or (given_port or default_port) != port:
        return False
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    bracketed = header.startswith("[")
    return address in _LOOPBACK and bracketed == (address.version == 6)


def _split(header: str) -> tuple[str | None, int | None]:
    """Host and port; ``(None, None)`` for anything that is not exactly one of each."""
    if header.startswith("["):
        host, closed, rest = header[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            return None, None
        colon, port = rest[:1], rest[1:]
    else:
        host, colon, port = header.partition(":")
    if colon and not port:
        return None, None
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5):
        return None, None
    return host, int(port) if port else None
