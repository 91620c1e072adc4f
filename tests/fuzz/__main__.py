"""``python -m tests.fuzz TARGET [--minutes N]``: look for inputs that a reader neither reads nor refuses."""

import argparse
import sys
from pathlib import Path

from tests.fuzz.guided import is_available, run_guided

_NAMES = ("mime", "zip", "ebxml", "cda", "hl7", "hprim")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=_NAMES)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long")
    parser.add_argument("--seed", type=int, default=1, help="another one makes other inputs")
    parser.add_argument("--memory", type=int, default=2048, metavar="MIB", help="bound of the whole process")
    parser.add_argument("--input-seconds", type=float, default=10.0, help="bound of one input")
    parser.add_argument("--engine", choices=("own", "atheris"), default="own")
    parser.add_argument("--findings", type=Path, default=Path("fuzz-findings"), help="folder for what is found")
    return parser.parse_args()


def main() -> int:
    """Run; 0 when nothing was found."""
    chosen = _arguments()
    if chosen.engine == "atheris":
        if not is_available():
            sys.stderr.write("atheris is not installed\n")
            return 2
        chosen.findings.mkdir(parents=True, exist_ok=True)
        run_guided(
            chosen.target, seconds=int(chosen.minutes * 60), mebibytes=chosen.memory,
            input_seconds=int(chosen.input_seconds), folder=str(chosen.findings),
        )  # fmt: skip
        return 0
    return _own(chosen)


def _own(chosen: argparse.Namespace) -> int:
    from tests.fuzz.driver import bounded_time, fuzz, limit_memory
    from tests.fuzz.targets import TARGETS

    limit_memory(chosen.memory)
    report = fuzz(
        chosen.target, TARGETS[chosen.target], seed=chosen.seed, seconds=chosen.minutes * 60,
        bound=bounded_time(chosen.input_seconds),
    )  # fmt: skip
    sys.stdout.write(
        f"{chosen.target}: {report.inputs} inputs, {len(report.outcomes)} outcomes, "
        f"slowest {report.slowest_seconds:.2f} s, {len(report.findings)} findings\n"
    )
    for finding in report.findings:
        chosen.findings.mkdir(parents=True, exist_ok=True)
        (chosen.findings / finding.name).write_bytes(finding.data)
        sys.stdout.write(f"\n{finding.what}: {chosen.findings / finding.name}\n{finding.trace}\n")
    return 1 if report.findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
