r"""Kill the real process at a named step of a hand-over, or at a random moment, and see what a restart makes of it.

::

    python -m connector.testing.crash claim.renamed -- run --config C.toml        at the first reach
    python -m connector.testing.crash send.accepted:3 -- run …                    at the third
    python -m connector.testing.crash *:3 -- run …                                at the third step, whichever it is
    python -m connector.testing.crash --seed 7 --within 2.5 -- run …              at a random moment of 2.5 s
    python -m connector.testing.crash --record steps.txt -- run …                 only write down what is reached

The kill is SIGKILL (TerminateProcess on Windows): no handler, no ``finally``, no flush. Steps are those that
:func:`connector.domain.ports.reach` is called with; ``docs/architecture.md`` lists them.
"""

import argparse
import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from connector.domain.ports import watch_steps

__all__ = ["CrashPlan", "install", "kill_self", "main"]

Kill = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashPlan:
    """When to die.

    Args:
        step: name of the step; ``*`` = whichever it is; empty = at no step.
        reach: at its n-th reach in this process, from 1.
        record: file to which each step is appended, one name a line, before the kill.
        seed: makes the random moment repeatable; ``None`` = no random kill.
        within: seconds, upper bound of the random moment.
    """

    step: str = ""
    reach: int = 1
    record: Path | None = None
    seed: int | None = None
    within: float = 0.0


def kill_self() -> None:
    """End this process at once, without any clean-up."""
    os.kill(os.getpid(), getattr(signal, "SIGKILL", 9))  # on Windows any other number is TerminateProcess


def install(plan: CrashPlan, *, kill: Kill = kill_self) -> None:
    """Listen to the steps and start the random timer.

    Args:
        plan: when to die.
        kill: how; tests pass their own.
    """
    reached: Counter[str] = Counter()
    gate = threading.Lock()

    def observe(step: str) -> None:
        with gate:
            reached[step] += 1
            count = reached[step] if plan.step == step else reached.total()
            if plan.record is not None:
                _append(plan.record, step)
        if plan.step in (step, "*") and count == plan.reach:
            kill()

    watch_steps(observe)
    if plan.seed is not None:
        moment = random.Random(plan.seed).uniform(0, plan.within)  # noqa: S311 - repeatable, not secret
        timer = threading.Timer(moment, kill)
        timer.daemon = True
        timer.start()


def main(arguments: Sequence[str] | None = None) -> None:
    """Install the plan, then be ``mss-connector`` with what stands after ``--``.

    Args:
        arguments: command line without the program's name; ``None`` = that of the process.

    Raises:
        SystemExit: the exit code of ``mss-connector``, or 2 for a wrong plan.
    """
    plan, rest = _parse(list(sys.argv[1:] if arguments is None else arguments))
    from connector.cli.main import app  # noqa: PLC0415 - its import is slow, and a wrong plan needs none of it

    install(plan)
    app(args=rest, prog_name="mss-connector")


def _parse(arguments: list[str]) -> tuple[CrashPlan, list[str]]:
    parser = argparse.ArgumentParser(prog="python -m connector.testing.crash", usage=__doc__)
    parser.add_argument("step", nargs="?", default="")
    parser.add_argument("--record", type=Path)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--within", type=float, default=0.0)
    if "--" not in arguments:
        parser.error("no -- before the arguments of mss-connector")
    cut = arguments.index("--")
    options = parser.parse_args(arguments[:cut])
    step, _, reach = options.step.partition(":")
    if reach and not (reach.isdigit() and int(reach)):
        parser.error("STEP:N needs a number from 1")
    if (options.seed is None) != (options.within <= 0):
        parser.error("--seed and --within go together")
    if not (step or options.record or options.seed is not None):
        parser.error("nothing to do: neither STEP nor --record nor --seed")
    plan = CrashPlan(
        step=step, reach=int(reach or 1), record=options.record, seed=options.seed, within=options.within
    )
    return plan, arguments[cut + 1 :]


def _append(path: Path, step: str) -> None:
    """One unbuffered write, which a kill does not take back."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, step.encode("utf-8") + b"\n")
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    main()
