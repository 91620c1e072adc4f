"""Rights of a folder on Windows, by SID, because account names are translated (lps-folder-conventions 7.3).

Only the outermost call, running a system program, is a seam; everything else is ours and tested everywhere.
"""

import csv
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["Run", "lock_folder", "protect_file"]

Run = Callable[[Sequence[str]], str]
"""Run a program (no shell) and give its output; ``OSError`` when it fails."""

_SYSTEM, _ADMINISTRATORS = "S-1-5-18", "S-1-5-32-544"
_SID = re.compile(r"S-1-[0-9-]+")
_LONGEST_SECONDS = 30


def _run(command: Sequence[str]) -> str:
    """The real seam."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs, no shell
            command, capture_output=True, check=True, timeout=_LONGEST_SECONDS, text=True, errors="replace"
        )
    except subprocess.SubprocessError as error:
        raise OSError(f"{command[0]} failed") from error
    return done.stdout


def lock_folder(path: Path, *, run: Run = _run) -> None:
    """Take inherited rights off a folder; grant it to the user, SYSTEM and Administrators only.

    Raises:
        OSError: a system program failed, or did not tell who we are.
    """
    _grant(path, "(OI)(CI)F", run)


def protect_file(path: Path, *, run: Run = _run) -> None:
    """The same for one file."""
    _grant(path, "F", run)


def _grant(path: Path, rights: str, run: Run) -> None:
    grants = [f"*{sid}:{rights}" for sid in dict.fromkeys((_user_sid(run), _SYSTEM, _ADMINISTRATORS))]
    run(["icacls", str(path), "/inheritance:r", "/grant:r", *grants, "/q"])


def _user_sid(run: Run) -> str:
    for row in csv.reader(run(["whoami", "/user", "/fo", "csv", "/nh"]).splitlines()):
        for cell in row:
            if _SID.fullmatch(cell):
                return cell
    raise OSError("whoami gave no SID")
