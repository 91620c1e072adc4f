"""What is new, for everybody who listens: one look at the journal for all of them, while anybody listens.

News are numbered by the trace, so the numbers survive a restart and a listener that was away asks for what came after
its last one. What is not in the trace (a card is pulled, a server does not answer) is told by a pulse: a short text
that changes whenever it changes.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from anyio import to_thread

from connector.domain.errors import Unavailable

__all__ = ["LOOK_SECONDS", "Feed", "Mark"]

LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Mark:
    """How far somebody has read."""

    number: int  # of the newest entry of the trace
    pulse: str = ""


class Feed:
    """Tells listeners of changes. Lives on the server's event loop.

    Args:
        look: the newest mark; blocks for milliseconds, so it runs on a thread.
        seconds: between two looks.
    """

    def __init__(self, look: Callable[[], Mark], *, seconds: float = LOOK_SECONDS) -> None:
        self._look = look
        self._seconds = seconds
        self._changed = asyncio.Condition()
        self._mark: Mark | None = None
        self._listeners = 0
        self._looker: asyncio.Task[None] | None = None
        self.is_closed = False
        """True once the server stops: listeners then end their streams."""

    async def close(self) -> None:
        """Send every listener home."""
        self.is_closed = True
        async with self._changed:
            self._changed.notify_all()

    async def wait(self, seen: Mark | None, seconds: float) -> Mark | None:
        """The newest mark, as soon as it is another one than ``seen``.

        Args:
            seen: up to where the listener has read; ``None`` = it wants to know where we are.
            seconds: longest wait.

        Returns:
            ``None`` when nothing changed for that long, or when the feed is closed.
        """
        self._listeners += 1
        if self._looker is None or self._looker.done():
            self._mark = None
            self._looker = asyncio.create_task(self._look_on())
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.is_closed or self._mark not in (None, seen))
                return None if self.is_closed else self._mark
        except TimeoutError:
            return None
        finally:
            self._listeners -= 1

    async def _look_on(self) -> None:
        """Look until nobody listens any more; a journal that is busy is asked again next time."""
        while self._listeners and not self.is_closed:
            with suppress(Unavailable):
                mark = await to_thread.run_sync(self._look)
                if mark != self._mark:
                    async with self._changed:
                        self._mark = mark
                        self._changed.notify_all()
            await asyncio.sleep(self._seconds)
