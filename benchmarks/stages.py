"""Where the time goes: stopwatches around named functions, each counting only its own time."""

import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from benchmarks.table import show

__all__ = ["Stages"]


@dataclass
class _Stage:
    wall: float = 0.0
    cpu: float = 0.0
    calls: int = 0


@dataclass
class Stages:
    """Measures the stages of a single-threaded run.

    Nested stages are subtracted from the one around them, so that the rows add up to the whole. What is in no stage
    is the row "everything else".
    """

    stages: dict[str, _Stage] = field(default_factory=dict)
    _inner: list[list[float]] = field(default_factory=list)  # wall and CPU of what was nested, per open stage
    _total: _Stage = field(default_factory=_Stage)

    @contextmanager
    def watching(self, places: dict[tuple[Any, str], str]) -> Iterator[None]:
        """Put a stopwatch around each ``(module or class, attribute)``; the value is the name of its stage."""
        patches = [
            mock.patch.object(where, name, self._timed(where, name, row)) for (where, name), row in places.items()
        ]
        for row in places.values():
            self.stages.setdefault(row, _Stage())
        for patch in patches:
            patch.start()
        try:
            with self._open(self._total):
                yield
        finally:
            for patch in patches:
                patch.stop()

    def show(self, title: str, count: int) -> None:
        """Print ms per document, wall clock and processor, and the share of the whole."""
        whole = sum(stage.wall for stage in self.stages.values()) + self._total.wall
        rows = [(name, stage) for name, stage in self.stages.items() if stage.calls]
        rows.append(("everything else", self._total))
        show(
            title,
            ["stage", "calls/doc", "ms/doc", "CPU ms/doc", "share"],
            [
                [name, s.calls / count, s.wall * 1000 / count, s.cpu * 1000 / count, f"{100 * s.wall / whole:.0f} %"]
                for name, s in rows
            ] + [["sum", "", whole * 1000 / count, self.cpu_seconds() * 1000 / count, "100 %"]],
        )  # fmt: skip

    def cpu_seconds(self) -> float:
        """Processor time of all stages and the rest."""
        return sum(stage.cpu for stage in self.stages.values()) + self._total.cpu

    def _timed(self, where: Any, name: str, row: str) -> Any:
        raw = inspect.getattr_static(where, name)
        is_static = isinstance(raw, staticmethod)
        original: Callable[..., Any] = raw.__func__ if is_static else raw
        stage = self.stages.setdefault(row, _Stage())
        if inspect.iscoroutinefunction(original):

            async def timed_coroutine(*args: Any, **named: Any) -> Any:
                with self._open(stage):
                    return await original(*args, **named)

            return timed_coroutine
        if inspect.isgeneratorfunction(original):

            def timed_generator(*args: Any, **named: Any) -> Iterator[Any]:
                produced = original(*args, **named)
                while True:
                    with self._open(stage):
                        try:
                            item = next(produced)
                        except StopIteration:
                            return
                    yield item

            return timed_generator

        def timed(*args: Any, **named: Any) -> Any:
            with self._open(stage):
                return original(*args, **named)

        return staticmethod(timed) if is_static else timed

    @contextmanager
    def _open(self, stage: _Stage) -> Iterator[None]:
        inner = [0.0, 0.0]
        self._inner.append(inner)
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            self._inner.pop()
            stage.wall += wall - inner[0]
            stage.cpu += cpu - inner[1]
            stage.calls += 1
            if self._inner:
                self._inner[-1][0] += wall
                self._inner[-1][1] += cpu
