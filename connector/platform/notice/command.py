"""Running the system's own program for notices."""

import os
import subprocess
from collections.abc import Mapping, Sequence

__all__ = ["one_line", "ran"]

SECONDS = 10.0
LONGEST = 250  # characters; desktops cut what is longer


def ran(command: Sequence[str], environment: Mapping[str, str] | None = None) -> bool:
    """True when the program did its work.

    Args:
        command: program and arguments; no shell.
        environment: added to ours.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program of the system, texts are arguments
            command, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=SECONDS, check=False,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def one_line(text: str) -> str:
    """A text that every desktop can show: one line, without control characters, of bounded length."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:LONGEST]
