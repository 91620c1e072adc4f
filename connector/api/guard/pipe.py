"""The body on its way in, counted and timed while it is read: nothing is parsed that is too big or too slow."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import Message, Receive, Send

from connector.api.guard.head import Refusal

__all__ = ["BodyRefused", "Pipe", "drain"]

_DRAINED_BYTES = 1024 * 1024
_DRAIN_SECONDS = 1.0


class BodyRefused(Exception):
    """Raised into whoever reads the body; :attr:`Pipe.refusal` says why."""


@dataclass(slots=True)
class Pipe:
    """Between the server and the application, for one request.

    Whatever the application makes of :class:`BodyRefused`, its answer is dropped unless it had begun: the caller of
    the application then answers with :attr:`refusal`.
    """

    receive: Receive
    send: Send
    limit_bytes: int
    seconds: float  # for the whole body
    refusal: Refusal | None = None
    has_started: bool = False
    _bytes: int = 0
    _is_complete: bool = False
    _deadline: float | None = None

    async def read(self) -> Message:
        """The next message for the application.

        Raises:
            BodyRefused: ``API_TROP_LENT``, ``API_CORPS_TROP_GROS``.
        """
        if self._is_complete:
            return await self.receive()  # waits for the end of the connection
        message = await self._next_in_time()
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._is_complete = not message.get("more_body", False)
            if self._bytes > self.limit_bytes:
                detail = f"at most {self.limit_bytes} bytes are read here"
                raise self._refused(Refusal("API_CORPS_TROP_GROS", 413, detail))
        return message

    async def _next_in_time(self) -> Message:
        loop = asyncio.get_running_loop()
        self._deadline = loop.time() + self.seconds if self._deadline is None else self._deadline
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self.receive()
        except TimeoutError:
            late = Refusal("API_TROP_LENT", 408, f"the body did not arrive within {self.seconds:g} s")
            raise self._refused(late) from None

    def _refused(self, refusal: Refusal) -> BodyRefused:
        self.refusal = refusal
        return BodyRefused(refusal.code)

    async def write(self, message: Message) -> None:
        """What the application answers."""
        if self.refusal is not None and not self.has_started:
            return
        self.has_started = True
        await self.send(message)


async def drain(receive: Callable[[], Awaitable[Message]]) -> None:
    """Read what a refused sender still has under way, within bounds.

    A connection that is closed with unread bytes in it is reset, and some systems then throw the answer away before
    the sender has read it.
    """
    left = _DRAINED_BYTES
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return
