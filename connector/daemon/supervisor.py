"""Worker threads under supervision.

A worker that crashes is restarted with growing pauses, and that shows in the health tree; it never takes another
one with it. A worker that returns by itself has ended. All of them stop when asked, within a common deadline.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from connector.domain.ports import Clock
from connector.support.health import Component, Condition

__all__ = ["Bell", "Supervisor"]

_log = structlog.get_logger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
RING_AGAIN_SECONDS = 0.2
CALM_SECONDS = 300.0  # a worker that ran this long starts again with the first pause


class Bell:
    """Wakes one worker, from any thread; a ring while it works is not lost."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        """Let the next (or the current) :meth:`wait` return at once."""
        self._rung.set()

    def wait(self, seconds: float) -> bool:
        """Sleep until the bell rings, at most ``seconds``; true when it rang."""
        rang = self._rung.wait(seconds)
        self._rung.clear()
        return rang

    @property
    def is_rung(self) -> bool:
        """True when somebody rang since the last :meth:`wait`."""
        return self._rung.is_set()


@dataclass
class _Worker:
    name: str
    run: Callable[[], None]
    bell: Bell
    thread: threading.Thread | None = None
    restarts: int = 0
    error: str | None = None
    since: str | None = None
    pause: threading.Event = field(default_factory=threading.Event)


class Supervisor:
    """Starts, watches, restarts and stops the workers.

    Args:
        clock: for pauses and for "since when".
        first_pause_seconds: pause after the first crash; tests make it short.
    """

    def __init__(self, clock: Clock, *, first_pause_seconds: float = FIRST_PAUSE_SECONDS) -> None:
        self._clock = clock
        self._first_pause = first_pause_seconds
        self._workers: list[_Worker] = []
        self._stopping = threading.Event()

    @property
    def stopping(self) -> bool:
        """True once :meth:`stop` was called; workers look at it between two steps."""
        return self._stopping.is_set()

    def add(self, name: str, run: Callable[[], None], bell: Bell) -> None:
        """Register a worker; ``run`` loops until :attr:`stopping`, waiting on ``bell`` when idle."""
        self._workers.append(_Worker(name, run, bell))

    def start(self) -> None:
        """Start every worker."""
        for worker in self._workers:
            worker.thread = threading.Thread(target=self._watch, args=(worker,), name=worker.name, daemon=True)
            worker.thread.start()

    def stop(self, seconds: float) -> list[str]:
        """Ask all workers to stop and wait for them together.

        Returns:
            Names of the workers that did not stop in time.
        """
        self._stopping.set()
        for worker in self._workers:
            worker.pause.set()
        deadline = self._clock.monotonic() + seconds
        late = self._ring_the_living()
        while late and self._clock.monotonic() < deadline:
            self._join_first(late, deadline)
            late = self._ring_the_living()
        return [worker.name for worker in late]

    def _ring_the_living(self) -> list[_Worker]:
        """Ring again, since a worker may have taken the last ring for something else."""
        living = [worker for worker in self._workers if worker.thread and worker.thread.is_alive()]
        for worker in living:
            worker.bell.ring()
        return living

    def _join_first(self, living: list[_Worker], deadline: float) -> None:
        thread = living[0].thread
        if thread is not None:
            thread.join(min(RING_AGAIN_SECONDS, max(0.0, deadline - self._clock.monotonic())))

    def health(self) -> Component:
        """One node per worker."""
        return Component("workers", parts=tuple(self._component(worker) for worker in self._workers))

    def _component(self, worker: _Worker) -> Component:
        if worker.error is None:
            return Component(worker.name)
        detail = f"{worker.error} (restarted {worker.restarts} times)"
        return Component(worker.name, Condition.ERROR, "INTERNE", worker.since, detail)

    def _watch(self, worker: _Worker) -> None:
        failures = 0
        while not self.stopping:
            started = self._clock.monotonic()
            try:
                worker.run()
            except Exception as error:  # noqa: BLE001 - the one place where a crash of any kind is contained
                if self._clock.monotonic() - started > CALM_SECONDS:
                    failures = 0
                failures += 1
                self._note(worker, error)
                worker.pause.wait(min(self._first_pause * 2 ** (failures - 1), LONGEST_PAUSE_SECONDS))
            else:
                return

    def _note(self, worker: _Worker, error: Exception) -> None:
        worker.restarts += 1
        worker.error = type(error).__name__
        worker.since = self._clock.now().isoformat()
        _log.error("worker_crashed", worker=worker.name, restarts=worker.restarts, exc_info=error)
