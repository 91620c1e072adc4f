"""Calls that may block for long – a card signs, a person types at the reader – without holding anybody else up.

They run on threads of their own, not in the common pool, which serves the quick questions to the journal. The threads
die with the process: a card that never answers must not keep the connector from stopping.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from connector.domain.errors import Unavailable

__all__ = ["Blocking"]

_Result = TypeVar("_Result")

_MOST_CALLS = 4


class Blocking:
    """A few long calls at a time; one more is told to come back instead of queueing behind them.

    Args:
        most: how many at a time.
    """

    def __init__(self, most: int = _MOST_CALLS) -> None:
        self._free = threading.Semaphore(most)

    async def run(self, call: Callable[[], _Result], seconds: float) -> _Result:
        """What ``call`` gives back or raises.

        Args:
            call: runs on a thread.
            seconds: longest wait; ``call`` itself goes on, and its result is dropped.

        Raises:
            Unavailable: ``API_OCCUPEE``, ``API_DELAI``.
        """
        if not self._free.acquire(blocking=False):
            raise Unavailable("API_OCCUPEE", "too many long operations are going on")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()

        def work() -> None:
            settle: Callable[[], None]
            try:
                settle = partial(future.set_result, call())
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where it is awaited
                settle = partial(future.set_exception, error)
            finally:
                self._free.release()
            with suppress(RuntimeError):  # the loop has been closed meanwhile: nobody waits any more
                loop.call_soon_threadsafe(_settle, future, settle)

        threading.Thread(target=work, name="api-long-call", daemon=True).start()
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            raise Unavailable("API_DELAI", f"no result within {seconds:g} s") from None


def _settle(future: "asyncio.Future[Any]", settle: Callable[[], None]) -> None:
    """Give the outcome to whoever still waits for it."""
    if not future.done():
        settle()
