"""What a killed process leaves half-written is found and removed; nothing else ever is."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from connector.platform.files import remove_litter, write_atomic

DIES_BEFORE_THE_RENAME = """
import os, signal, sys
from pathlib import Path
from connector.platform.files import write_atomic
os.replace = lambda *_: os.kill(os.getpid(), getattr(signal, "SIGKILL", 9))
write_atomic(Path(sys.argv[1]), b"new")
"""


def test_the_half_written_file_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    target = tmp_path / "X.statut.json"
    write_atomic(target, b"old")
    root = Path(__file__).resolve().parents[2]
    died = subprocess.run(
        [sys.executable, "-c", DIES_BEFORE_THE_RENAME, str(target)], cwd=root, check=False, timeout=60
    )
    assert died.returncode == (-signal.SIGKILL if sys.platform != "win32" else 9)
    assert len(list(tmp_path.iterdir())) == 2
    assert remove_litter(tmp_path) == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {target.name: b"old"}


@pytest.mark.parametrize("name", ["X.part", ".X.part", ".mss-1.part", ".mss-abcdefgh.part.xml", "mss-abcdefgh.part"])
def test_files_of_others_stay(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert remove_litter(tmp_path) == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_only_the_folder_itself_is_looked_at(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (below / ".mss-abcdefgh.part").touch()
    assert remove_litter(tmp_path) == 0


def test_a_folder_that_is_not_there_holds_none(tmp_path: Path) -> None:
    assert remove_litter(tmp_path / "absent") == 0
