"""The same targets under atheris: libFuzzer with the coverage of our code, where that package is installed."""

import importlib
import importlib.util
import sys
from typing import Any

__all__ = ["is_available", "run_guided"]


def is_available() -> bool:
    """Whether atheris is installed."""
    return importlib.util.find_spec("atheris") is not None


def run_guided(name: str, *, seconds: int, mebibytes: int, input_seconds: int, folder: str) -> None:
    """Fuzz one target until the time is over or something is found; ends the process, as libFuzzer does.

    Args:
        name: of the target.
        seconds: for the whole.
        mebibytes: bound of memory.
        input_seconds: bound of one input.
        folder: where an input that is a finding is written.
    """
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["connector"]):
        targets: Any = importlib.import_module("tests.fuzz.targets")
    target = targets.TARGETS[name]

    def one_input(data: bytes) -> None:
        targets.outcome(target, data)

    options = [
        f"-max_total_time={seconds}", f"-rss_limit_mb={mebibytes}", f"-timeout={input_seconds}", "-max_len=200000",
        f"-artifact_prefix={folder}/", str(targets.CORPUS / name),
    ]  # fmt: skip
    # a first folder of its own, so that what libFuzzer keeps does not go into the repository
    atheris.Setup([sys.argv[0], *options[:-1], folder, options[-1]], one_input)
    atheris.Fuzz()
