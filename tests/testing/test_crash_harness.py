"""The crash harness: it kills where it is told to, and says what it saw."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connector.domain.ports import reach, watch_steps
from connector.testing.crash import CrashPlan, install, main

KILLED = -signal.SIGKILL if sys.platform != "win32" else 9
PROGRAM = """
import sys, types
import connector.testing.crash as crash
from connector.domain.ports import reach

def app(args, prog_name):
    for step in args:
        reach(step)
        print(step, flush=True)

sys.modules["connector.cli.main"] = types.ModuleType("connector.cli.main")
sys.modules["connector.cli.main"].app = app
crash.main()
"""


@pytest.fixture(autouse=True)
def _nobody_listens_afterwards() -> Iterator[None]:
    yield
    watch_steps(None)


class Kills:
    """Counts kills instead of dying."""

    def __init__(self) -> None:
        self.count = 0
        self.happened = threading.Event()

    def __call__(self) -> None:
        self.count += 1
        self.happened.set()


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_process_dies_at_the_first_reach() -> None:
    result = run("claim.renamed", "--", "a", "claim.renamed", "b")

    assert result.returncode == KILLED
    assert result.stdout.split() == ["a"]


def test_the_process_dies_at_the_nth_reach() -> None:
    result = run("a:2", "--", "a", "b", "a", "c")

    assert result.returncode == KILLED
    assert result.stdout.split() == ["a", "b"]


def test_the_process_dies_at_the_nth_step_whichever_it_is() -> None:
    result = run("*:2", "--", "a", "b", "c")
    assert (result.returncode, result.stdout.split()) == (KILLED, ["a"])


def test_a_step_that_is_never_reached_kills_nobody() -> None:
    result = run("nowhere", "--", "a", "b")

    assert (result.returncode, result.stdout.split()) == (0, ["a", "b"])


def test_what_was_reached_is_written_down_also_when_it_dies(tmp_path: Path) -> None:
    record = tmp_path / "steps.txt"

    run("b", "--record", str(record), "--", "a", "b", "c")

    assert record.read_text().split() == ["a", "b"]


def test_a_random_moment_comes_within_its_bound() -> None:
    kills = Kills()

    install(CrashPlan(seed=7, within=0.01), kill=kills)

    assert kills.happened.wait(10)


def test_each_step_counts_for_itself(tmp_path: Path) -> None:
    kills = Kills()
    install(CrashPlan(step="b", reach=2, record=tmp_path / "r"), kill=kills)

    for step in ("a", "b", "a", "b", "b"):
        reach(step)

    assert kills.count == 1
    assert (tmp_path / "r").read_text().split() == ["a", "b", "a", "b", "b"]


def test_the_arguments_after_the_dashes_go_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    commands = ModuleType("connector.cli.main")
    vars(commands)["app"] = lambda **arguments: given.update(arguments)
    monkeypatch.setitem(sys.modules, "connector.cli.main", commands)

    main(["send.accepted", "--", "run", "--config", "c.toml"])

    assert given == {"args": ["run", "--config", "c.toml"], "prog_name": "mss-connector"}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["a"], id="no-dashes"),
        pytest.param(["--", "run"], id="nothing-to-do"),
        pytest.param(["a:0", "--", "run"], id="reach-zero"),
        pytest.param(["a:x", "--", "run"], id="reach-not-a-number"),
        pytest.param(["--seed", "1", "--", "run"], id="seed-without-bound"),
        pytest.param(["--within", "1", "--", "run"], id="bound-without-seed"),
    ],
)
def test_a_wrong_plan_is_refused_before_anything_runs(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)

    assert end.value.code == 2
    assert "error" in capsys.readouterr().err
