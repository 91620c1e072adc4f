"""Running the checks: in order, several at a time, each within its time. A check that crashes or hangs is a finding.

Every piece of work has a thread of its own that nobody waits for longer than its limit: a share that is gone may hold
a thread for ever, and only that one.
"""

import queue
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic

from connector.domain.errors import ConnectorError
from connector.support.doctor.check import Check, Need, Part
from connector.support.doctor.finding import Finding, error, refusal
from connector.support.doctor.world import World

__all__ = ["Examined", "LeftOut", "examine", "left_out"]

LANES = 6
"""How many pieces of work go on at once."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A check and what it has found."""

    check: Check
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A check that made no sense here."""

    check: Check
    need: Need


@dataclass(slots=True)
class _Job:
    """One part of one check, from the queue to its end."""

    check: Check
    part: Part
    until: float = 0.0  # monotonic; set when it starts
    is_over: bool = False
    findings: list[Finding] = field(default_factory=list)


_News = tuple[_Job, Finding | None]  # None: the job has ended


def left_out(checks: Sequence[Check], world: World) -> list[LeftOut]:
    """The checks that :func:`examine` does not run, and what each of them lacks."""
    return [LeftOut(check, need) for check in checks if (need := check.missing(world)) is not None]


def examine(
    checks: Sequence[Check], world: World, *, lanes: int = LANES, begun: Callable[[Check], None] = lambda _: None
) -> Iterator[Examined]:
    """Run every check that makes sense.

    Args:
        checks: in the order in which they are told.
        world: what they look at.
        lanes: how many parts run at once.
        begun: called when a part of a check starts.

    Yields:
        Each check with its findings, in the order of ``checks``, as soon as it and all before it are done.
    """
    runnable = [check for check in checks if check.missing(world) is None]
    jobs = {check.name: [_Job(check, part) for part in _parts(check, world)] for check in runnable}
    office = _Office([job for own in jobs.values() for job in own], lanes, begun)
    for check in runnable:
        own = jobs[check.name]
        office.work_until(partial(_are_over, own))
        yield Examined(check, tuple(finding for job in own for finding in job.findings))


def _are_over(jobs: list[_Job]) -> bool:
    return all(job.is_over for job in jobs)


def _parts(check: Check, world: World) -> list[Part]:
    try:
        return list(check.parts(world))
    except Exception as failure:  # noqa: BLE001 - a crashing check is itself a finding
        crashed = _crash(check, failure)
        return [lambda: [crashed]]


class _Office:
    """Starts jobs and takes in their news, on the caller's thread; nothing in here is shared but one queue."""

    def __init__(self, jobs: list[_Job], lanes: int, begun: Callable[[Check], None]) -> None:
        self._waiting = jobs
        self._running: list[_Job] = []
        self._lanes = lanes
        self._begun = begun
        self._news: queue.SimpleQueue[_News] = queue.SimpleQueue()

    def work_until(self, is_done: Callable[[], bool]) -> None:
        """Go on until the condition holds; every job ends, so it will."""
        while not is_done():
            self._start_some()
            self._take_news()
            self._give_up_overdue()

    def _start_some(self) -> None:
        while self._waiting and len(self._running) < self._lanes:
            job = self._waiting.pop(0)
            job.until = monotonic() + job.check.seconds
            self._running.append(job)
            self._begun(job.check)
            name = f"doctor-{job.check.name}"
            threading.Thread(target=_run, args=(job, self._news), name=name, daemon=True).start()

    def _take_news(self) -> None:
        """Wait for one piece of news until the next limit, then take whatever else is there.

        All of it, before anybody is called late: whoever reads the results may have taken a long time in between.
        """
        patience = max(0.0, min(job.until for job in self._running) - monotonic())
        with suppress(queue.Empty):
            self._take(*self._news.get(timeout=patience))
            while True:
                self._take(*self._news.get_nowait())

    def _take(self, job: _Job, found: Finding | None) -> None:
        if job.is_over:
            return  # too late
        if found is not None:
            job.findings.append(found)
        else:
            self._end(job)

    def _give_up_overdue(self) -> None:
        now = monotonic()
        for job in [job for job in self._running if job.until <= now]:
            text = f"no end after {job.check.seconds:g} s"
            job.findings.append(error("CONTROLE_TROP_LONG", job.check.name, text))
            self._end(job)

    def _end(self, job: _Job) -> None:
        job.is_over = True
        self._running.remove(job)


def _run(job: _Job, news: "queue.SimpleQueue[_News]") -> None:
    """The thread of a job."""
    try:
        for found in job.part():
            news.put((job, found))
    except ConnectorError as failure:
        news.put((job, refusal(failure, job.check.name)))
    except Exception as failure:  # noqa: BLE001 - a crashing check is itself a finding
        news.put((job, _crash(job.check, failure)))
    finally:
        news.put((job, None))


def _crash(check: Check, failure: Exception) -> Finding:
    """Where it happened, for the vendor: type, file and line, never a value."""
    frame = traceback.extract_tb(failure.__traceback__)[-1]
    text = f"{type(failure).__name__}, {Path(frame.filename).name}:{frame.lineno}"
    return error("CONTROLE_INTERROMPU", check.name, text)
