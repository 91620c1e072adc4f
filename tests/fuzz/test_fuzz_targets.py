"""The bounded run of the fuzz targets; the long one is in ``docs/fuzzing.md``."""

import random
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from connector.domain.errors import MalformedMessage
from tests.fuzz.driver import Report, TookTooLong, bounded_time, fuzz
from tests.fuzz.mutate import MAX_BYTES, Mutator
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS, Target, corpus_of, outcome

ROOT = Path(__file__).resolve().parents[2]
INPUTS = 400


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_breaks_a_reader(name: str) -> None:
    report = fuzz(name, TARGETS[name], seed=20261129, inputs=INPUTS)
    assert [finding.trace for finding in report.findings] == []
    assert report.inputs == INPUTS
    assert len(report.outcomes) > 5, "the inputs reach more than the first check"


@pytest.mark.parametrize("name", TARGETS)
def test_the_kept_corpus_is_small_and_read(name: str) -> None:
    kept = corpus_of(name)
    assert len(kept) >= len(list(SEEDS[name]()))
    assert all(len(content) < 20_000 for content in kept)
    words = [outcome(TARGETS[name], content) for content in kept]
    assert [word for word in words if not word.partition(" ")[0].isupper()], "not all of them are refused"


def test_every_seed_is_kept_as_it_is_made() -> None:
    for name, seeds in SEEDS.items():
        kept = set(corpus_of(name))
        assert [number for number, content in enumerate(seeds(), start=1) if content not in kept] == []


# --- the driver finds what it should ---


def breaking(data: bytes) -> str:
    if b"\xfe" in data:
        raise ZeroDivisionError
    if len(data) > 4000:
        raise MalformedMessage("TROP_GROS", "x")
    return "read"


def run(target: Target, **options: int) -> Report:
    return fuzz("hprim", target, **options)  # type: ignore[arg-type]


def test_a_crash_is_found_once_and_its_input_given() -> None:
    report = run(Target(breaking, (b"\xfe",)), inputs=300)
    (finding,) = report.findings
    assert b"\xfe" in finding.data
    assert finding.what.startswith("ZeroDivisionError at test_fuzz_targets.py:")
    assert finding.name.startswith("finding-")


def test_memory_over_its_bound_is_a_finding() -> None:
    def greedy(_data: bytes) -> str:
        raise MemoryError

    assert [finding.what.split()[0] for finding in run(Target(greedy, (b"x",)), inputs=10).findings] == [
        "MemoryError"
    ]


def test_a_reader_that_never_ends_is_interrupted() -> None:
    def endless(_data: bytes) -> str:
        while True:
            with suppress(Exception):  # a reader that swallows everything
                sum(range(1000))

    report = fuzz("hprim", Target(endless, (b"x",)), inputs=1, bound=bounded_time(0.01))
    assert report.findings[0].what.startswith(TookTooLong.__name__)


def test_the_same_seed_makes_the_same_inputs() -> None:
    def inputs(seed: int) -> list[bytes]:
        mutator = Mutator(random.Random(seed), TARGETS["zip"].words)
        return [mutator.next(corpus_of("zip")) for _ in range(50)]

    assert inputs(1) == inputs(1) != inputs(2)
    assert all(len(data) <= MAX_BYTES for data in inputs(3))


def test_a_broken_zip_is_mutated_as_bytes() -> None:
    mutator = Mutator(random.Random(4), (b"x",))
    assert len({mutator.next([b"PK\x03\x04 broken"]) for _ in range(30)}) > 10


def test_it_stops_at_enough_findings() -> None:
    always = replace(TARGETS["hprim"], run=lambda data: str(1 // (len(data) * 0)))
    assert len(run(always, inputs=500, enough=1).findings) == 1


@pytest.mark.parametrize("engine", ["own", "atheris"])
def test_the_command_runs_within_its_bounds(tmp_path: Path, engine: str) -> None:
    if engine == "atheris":
        pytest.importorskip("atheris", reason="the guided engine is a package of its own")
    command = [sys.executable, "-m", "tests.fuzz", "hprim", "--engine", engine]
    bounds = ["--minutes", "0.02", "--memory", "2048", "--findings", str(tmp_path / "found")]
    ended = subprocess.run([*command, *bounds], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "0 findings" in ended.stdout if engine == "own" else "Done" in ended.stderr
