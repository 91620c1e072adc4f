"""Fixtures of the folder tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.intake.bench import Bench


class MakeBench(Protocol):
    def __call__(self, **outbox: Any) -> Bench: ...


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[MakeBench]:
    made: list[Bench] = []

    def make(**outbox: Any) -> Bench:
        made.append(Bench.make(tmp_path, **outbox))
        return made[-1]

    yield make
    for bench in made:
        bench.journal.close()


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()
