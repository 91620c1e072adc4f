"""The doctor: one run at a time, in the background, told as it goes on; the support bundle made of it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connector.support.bundle import make_bundle
from connector.support.doctor import CHECKS, Check, Examined, World, examine, left_out
from connector.support.doctor.report import Report

__all__ = ["Checkup", "CheckupState"]


@dataclass(frozen=True, slots=True)
class CheckupState:
    """How far a run is."""

    is_running: bool = False
    done: int = 0
    number: int = 0
    current: str = ""  # name of the check that began last
    report: Report | None = None  # of this run as far as it is, or of the last one
    ended_at: datetime | None = None


class Checkup:
    """Runs the doctor. Thread-safe.

    Args:
        world: gathers what there is to look at, anew for each run.
        checks: to run.
    """

    def __init__(self, world: Callable[[], World], checks: Sequence[Check] = CHECKS) -> None:
        self._world = world
        self._checks = checks
        self._lock = threading.Lock()
        self._state = CheckupState()

    def state(self) -> CheckupState:
        """Where it stands; never blocks."""
        return self._state

    def start(self) -> bool:
        """Begin a run; False when one is going on."""
        with self._lock:
            if self._state.is_running:
                return False
            self._state = CheckupState(is_running=True)
        threading.Thread(target=self._run, name="checkup", daemon=True).start()
        return True

    def bundle(self) -> bytes:
        """The support bundle as a zip archive, with a fresh look at everything; blocks for seconds."""
        world = self._world()
        report = Report.of(examine(self._checks, world), left_out(self._checks, world))
        return make_bundle(world, report).zipped()

    def _run(self) -> None:
        examined: list[Examined] = []
        try:
            world = self._world()
            skipped = left_out(self._checks, world)
            self._tell(number=len(self._checks) - len(skipped))
            for one in examine(self._checks, world, begun=lambda check: self._tell(current=check.name)):
                examined.append(one)
                self._tell(done=len(examined), report=Report(tuple(examined), skipped))
            self._tell(ended_at=world.clock.now())
        finally:
            self._tell(is_running=False, current="")

    def _tell(self, **news: object) -> None:
        with self._lock:
            self._state = replace(self._state, **news)  # type: ignore[arg-type]  # names and types are those of the class
