"""The one thread that touches the middleware.

python-pkcs11 calls ``C_Initialize(NULL)``, which promises that no two threads call the module at once, and releases
the interpreter's lock around each call. So everything – looking, PIN, signing, closing – runs here, one after the
other. Who waits does so with a limit: a reader that hangs must not take a mailbox with it.

The process must not fork after the first call (a forked child has the module but not the thread); starting programs
with :mod:`subprocess` is no fork in this sense.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from connector.identities.card.errors import failing

__all__ = ["CardThread"]

_Result = TypeVar("_Result")


@dataclass(eq=False, slots=True)
class _Job:
    work: Callable[[], Any]
    seconds: float
    started: float | None = None
    done: bool = False
    result: Any = None
    error: BaseException | None = None


class CardThread:
    """Runs calls one after the other. Thread-safe.

    A call that takes longer than its limit is given up: from then on nothing is queued, and every call fails at once,
    until that one comes back. Its result is dropped. A second thread would break the promise made to the module.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str = "card") -> None:
        self._name = name
        self._changed = threading.Condition()
        self._queue: deque[_Job] = deque()
        self._running: _Job | None = None
        self._given_up: _Job | None = None
        self._revivals = 0
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._closed = False

    @property
    def revivals(self) -> int:
        """How often a call came back after it had been given up: what was open before then cannot be relied on."""
        return self._revivals

    @property
    def is_stuck(self) -> bool:
        """True while a call is over its limit."""
        with self._changed:
            return self._given_up is not None or self._seconds_left() <= 0

    def call(self, work: Callable[[], _Result], *, seconds: float, urgent: bool = False) -> _Result:
        """Run ``work`` on the thread and wait for it.

        Args:
            work: gives the result, or raises what the caller gets.
            seconds: how long ``work`` itself may take; waiting for its turn is bounded by the limits of the others.
            urgent: before everything that waits.

        Raises:
            Unavailable: ``CARTE_DEFAILLANTE``: it, or what ran before it, does not come back; closed; forked.
        """
        job = _Job(work, seconds)
        with self._changed:
            self._check()
            self._start()
            (self._queue.appendleft if urgent else self._queue.append)(job)
            self._changed.notify_all()
            try:
                self._wait_for(job)
            finally:
                if job in self._queue:
                    self._queue.remove(job)
        if job.error is not None:
            raise job.error
        return cast("_Result", job.result)

    def close(self, work: Callable[[], object] = lambda: None, *, seconds: float = 5.0) -> None:
        """Run ``work`` as the last call and end the thread; a thread that hangs is left behind.

        Args:
            work: e.g. closing the module; what it raises is raised.
            seconds: limit of ``work``.

        Raises:
            Unavailable: as :meth:`call`.
        """
        try:
            if self._thread is not None and not self._closed:
                self.call(work, seconds=seconds)
        finally:
            with self._changed:
                self._closed = True
                self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)

    def _check(self) -> None:
        if os.getpid() != self._process:
            raise failing("the process was forked; a card cannot be used in the child")
        if self._closed:
            raise failing("the card room is closed")
        if self._given_up is not None or self._seconds_left() <= 0:
            self._given_up = self._running
            raise failing("the card or the middleware does not come back from a call")

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def _wait_for(self, job: _Job) -> None:
        while not job.done:
            if self._closed:
                raise failing("the card room is closed")
            if self._given_up is not None or self._seconds_left() <= 0:
                self._given_up = self._running
                raise failing("the card or the middleware did not come back in time")
            self._changed.wait(self._seconds_left())

    def _seconds_left(self) -> float:
        """Of the call that runs now; of what has not begun nothing has passed."""
        running = self._running
        if running is None or running.started is None:
            return threading.TIMEOUT_MAX
        return running.started + running.seconds - time.monotonic()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                job.result = job.work()
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits
                job.error = error
            self._finish(job)
            del job

    def _next(self) -> _Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            if not self._queue:
                return None
            self._running = job = self._queue.popleft()
            job.started = time.monotonic()
            self._changed.notify_all()  # who waits knows now how long at most
            return job

    def _finish(self, job: _Job) -> None:
        with self._changed:
            if self._given_up is job:
                self._given_up = None
                self._revivals += 1
            self._running = None
            job.done = True
            self._changed.notify_all()
