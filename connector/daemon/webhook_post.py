"""One event to one receiver of this machine, over HTTP: signed, bounded in time, never led anywhere else."""

import asyncio
import hashlib
import hmac
import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from connector.domain.errors import Unavailable
from connector.settings.webhook import LoopbackUrl

__all__ = ["WHOLE_SECONDS", "Poster", "signature"]

WHOLE_SECONDS = 5.0
"""For connecting, sending and the head of the answer together; the stopping daemon waits twice as long."""
_CONNECT_SECONDS = 2.0


def signature(secret: str, body: bytes) -> str:
    """Value of ``MSS-Signature``: ``sha256=`` and the HMAC-SHA256 of the body in lower-case hexadecimal.

    Args:
        secret: shared with the receiver; its UTF-8 bytes are the key.
        body: exactly as it is sent.
    """
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


class Poster:
    """Sends events to one address. Each has a connection of its own; no proxy, no redirect, no cookie.

    Args:
        address: of the receiver.
        secret: ``None`` = unsigned.
        trust: PEM file for https; ``None`` = the authorities of the system.
        seconds: for one event.

    Raises:
        Unavailable: ``WEBHOOK_INJOIGNABLE``: the PEM file cannot be used.
    """

    def __init__(
        self, address: LoopbackUrl, *, secret: str | None = None, trust: Path | None = None,
        seconds: float = WHOLE_SECONDS,
    ) -> None:  # fmt: skip
        self._address = address
        self._secret = secret
        self._seconds = seconds
        self._tls = _tls(address, trust)

    def post(self, event: Mapping[str, Any]) -> None:
        """Send an event; when this returns the receiver has accepted it.

        Raises:
            Unavailable: ``WEBHOOK_INJOIGNABLE``: no answer in time; ``WEBHOOK_REFUSE``: another status than 2xx.
        """
        body = json.dumps(event, ensure_ascii=False).encode()
        try:
            status = asyncio.run(self._status(body))
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            detail = f"no answer from port {self._address.port} ({type(error).__name__})"
            raise Unavailable("WEBHOOK_INJOIGNABLE", detail) from error
        if not 200 <= status < 300:
            raise Unavailable("WEBHOOK_REFUSE", f"port {self._address.port} answers with status {status}")

    async def _status(self, body: bytes) -> int:
        timeout = httpx.Timeout(self._seconds, connect=_CONNECT_SECONDS)
        async with (
            asyncio.timeout(self._seconds),
            httpx.AsyncClient(verify=self._tls, timeout=timeout, trust_env=False, follow_redirects=False) as client,
        ):
            *others, last = _numeric(self._address.host)
            for host in others:
                try:
                    return await self._ask(client, host, body)
                except httpx.ConnectError:
                    continue  # nothing was sent
            return await self._ask(client, last, body)

    async def _ask(self, client: httpx.AsyncClient, host: str, body: bytes) -> int:
        """The status; whatever else is answered is not read."""
        where = self._address
        url = f"{where.scheme}://{host}:{where.port}{where.target}"
        named = {"sni_hostname": where.host}
        async with client.stream(
            "POST", url, content=body, headers=self._headers(body), extensions=named
        ) as answer:  # fmt: skip
            return answer.status_code

    def _headers(self, body: bytes) -> dict[str, str]:
        host = f"[{self._address.host}]" if ":" in self._address.host else self._address.host
        headers = {
            "Host": f"{host}:{self._address.port}", "Content-Type": "application/json", "Connection": "close",
            "User-Agent": "mssante-connector", "Accept-Encoding": "identity",
        }  # fmt: skip
        return headers if self._secret is None else {**headers, "MSS-Signature": signature(self._secret, body)}


def _numeric(host: str) -> tuple[str, ...]:
    """Where to connect: a name could lead elsewhere, whatever the system makes of it."""
    return ("127.0.0.1", "[::1]") if host == "localhost" else (f"[{host}]" if ":" in host else host,)


def _tls(address: LoopbackUrl, trust: Path | None) -> ssl.SSLContext:
    if address.scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, and is not used
    try:
        return ssl.create_default_context(cafile=trust)
    except OSError as error:  # ssl.SSLError is one
        detail = f"the file of trust of the receiver cannot be used ({type(error).__name__})"
        raise Unavailable("WEBHOOK_INJOIGNABLE", detail) from error
