"""The connection below the gate: heads that never end (slow-loris), too many connections, surprises of the protocol.

uvicorn times out idle connections but not a head that trickles in; this protocol does. Whatever arrives outside a
request – the first head, the next one, the rest of a body that was refused – has ``HEAD_SECONDS`` to become one.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast

import uvicorn
from anyio import to_thread
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

__all__ = ["HEAD_SECONDS", "THREADS", "Server", "TimedProtocol", "server_for"]

HEAD_SECONDS = 10.0
THREADS = 8
"""Answers that are worked out at a time. One interpreter computes one at a time anyway, so more threads only wait for
each other; and each one beyond the connections that the journal keeps open opens one for itself, for one question."""
_LONGEST_HEAD_BYTES = 32 * 1024
_MOST_CONNECTIONS = 512
_IDLE_SECONDS = 15
_GRACE_SECONDS = 3  # for answers under way when we stop


class TimedProtocol(H11Protocol):
    """HTTP/1.1 with a limit on the time that a head may take."""

    head_seconds = HEAD_SECONDS
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """The clock starts with the connection.

        asyncio does this only for sockets that were made with ``IPPROTO_TCP``. Without it head and body of an answer
        wait for each other: 40 ms on a connection that is kept (Nagle's algorithm and the delayed ACK of the client).
        """
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._start()

    def data_received(self, data: bytes) -> None:
        """Bytes outside a request start the clock, a complete head stops it."""
        if not self._is_in_request():
            self._start()
        super().data_received(data)
        if self._is_in_request():
            self._stop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is left to wait for."""
        self._stop()
        super().connection_lost(exc)

    def _is_in_request(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # uvicorn says it is always there; it is not
        return cycle is not None and not cycle.response_complete

    def _start(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _stop(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


BeforeStop = Callable[[], Awaitable[None]]
"""Ends what would otherwise never end by itself: the streams."""


class Server(uvicorn.Server):
    """Works on few threads; ends the streams before it waits for the answers under way.

    Args:
        config: of uvicorn.
        before_stop: called on the event loop of the server.
    """

    def __init__(self, config: uvicorn.Config, before_stop: BeforeStop) -> None:
        super().__init__(config)
        self._before_stop = before_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start."""
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop."""
        await self._before_stop()
        await super().shutdown(sockets)


def server_for(app: Starlette, *, before_stop: BeforeStop | None = None, **options: Any) -> uvicorn.Server:
    """A server with the limits of this module; hand it a bound loopback socket with ``run(sockets=[…])``.

    Args:
        app: the guarded application.
        before_stop: ends the streams; default: what the application carries as ``state.before_stop``.
        options: further ones of ``uvicorn.Config``, such as a certificate.
    """
    before_stop = before_stop or app.state.before_stop
    config = uvicorn.Config(
        app, http=TimedProtocol, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False,
        proxy_headers=False, limit_concurrency=_MOST_CONNECTIONS, timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS, h11_max_incomplete_event_size=_LONGEST_HEAD_BYTES, **options,
    )  # fmt: skip
    return Server(config, before_stop)
