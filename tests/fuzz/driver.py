"""The loop: mutate, read, keep what is new; stop at time or count, within bounds of memory and of time per input."""

import hashlib
import random
import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from types import FrameType

from tests.fuzz.mutate import Mutator
from tests.fuzz.targets import Target, corpus_of, outcome

__all__ = ["Bound", "Finding", "Report", "TookTooLong", "bounded_time", "fuzz", "limit_memory", "unbounded"]

Bound = Callable[[], AbstractContextManager[None]]
"""What goes around each input."""

MAX_KEPT = 2000
MAX_KEPT_BYTES = 30_000  # of an input that is mutated further: large ones only cost time
KEPT_WORDS = 90  # characters of an outcome by which inputs are told apart


class TookTooLong(BaseException):
    """An input was not read in its time. No ``Exception``, so that no reader can swallow it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An input that was neither read nor refused."""

    data: bytes = field(repr=False)
    what: str  # the last line of the traceback
    trace: str = field(repr=False)

    @property
    def name(self) -> str:
        """A name for its file."""
        return f"finding-{hashlib.sha256(self.data).hexdigest()[:16]}.bin"


@dataclass(slots=True)
class Report:
    """What a run came to."""

    inputs: int = 0
    outcomes: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    slowest_seconds: float = 0.0


@contextmanager
def unbounded() -> Iterator[None]:
    """For a run inside a test."""
    yield


def bounded_time(seconds: float) -> Bound:
    """A bound for one input, by SIGALRM: main thread only; code in C is judged when it comes back."""

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise TookTooLong(f"an input took more than {seconds:g} s")

    @contextmanager
    def bound() -> Iterator[None]:
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    return bound


def limit_memory(mebibytes: int) -> None:
    """Bound the address space of this process: over it every reader gets ``MemoryError``, which is a finding."""
    resource.setrlimit(resource.RLIMIT_AS, (mebibytes << 20, mebibytes << 20))


def fuzz(
    name: str, target: Target, *, seed: int = 1, inputs: int | None = None, seconds: float | None = None,
    bound: Bound = unbounded, enough: int = 20,
) -> Report:  # fmt: skip
    """Read the corpus, then inputs made of it.

    Args:
        name: of the target, for its corpus.
        target: what reads.
        seed: of chance.
        inputs: stop after that many.
        seconds: stop after that long.
        bound: a context manager around each input.
        enough: stop after that many findings.
    """
    report = Report()
    corpus = corpus_of(name)
    mutator = Mutator(random.Random(seed), target.words)
    for data in list(corpus):
        _try(target, data, report, bound)
    end = time.monotonic() + seconds if seconds is not None else None
    while len(report.findings) < enough and _goes_on(report, inputs, end):
        data = mutator.next(corpus)
        if _try(target, data, report, bound) and len(corpus) < MAX_KEPT and len(data) < MAX_KEPT_BYTES:
            corpus.append(data)
    return report


def _goes_on(report: Report, inputs: int | None, end: float | None) -> bool:
    return (inputs is None or report.inputs < inputs) and (end is None or time.monotonic() < end)


def _try(target: Target, data: bytes, report: Report, bound: Bound) -> bool:
    """Read one input; true when something new became of it."""
    report.inputs += 1
    start = time.monotonic()
    try:
        with bound():
            word = outcome(target, data)[:KEPT_WORDS]
    except (Exception, TookTooLong) as error:  # noqa: BLE001 - that is what is looked for
        _note(report, data, error)
        return False
    finally:
        report.slowest_seconds = max(report.slowest_seconds, time.monotonic() - start)
    is_new = word not in report.outcomes
    report.outcomes.add(word)
    return is_new


def _note(report: Report, data: bytes, error: BaseException) -> None:
    """Each place of failure once."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__} at {last.filename.rpartition('/')[2]}:{last.lineno}"
    if what not in {finding.what for finding in report.findings}:
        report.findings.append(Finding(data, what, "".join(traceback.format_exception(error))))
