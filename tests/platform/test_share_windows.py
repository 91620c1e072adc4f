"""Shares and Windows rights; only the outermost system calls are doubled."""

import ctypes
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from connector.platform.share import is_share
from connector.platform.windows import _run, lock_folder, protect_file

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
proc /proc proc rw 0 0
//nas/cabinet /mnt/nas\\040cabinet cifs rw 0 0
nas:/export /mnt/nfs nfs4 rw 0 0
/dev/sdb1 /mnt/nfs/local ext4 rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/x", False), ("/mnt/nas cabinet/box", True), ("/mnt/nfs", True), ("/mnt/nfs/local/box", False),
        ("/mnt/nfsother", False), ("\\\\nas\\cabinet", True), ("//nas/cabinet", True),
    ],
)  # fmt: skip
def test_a_folder_on_another_machine_is_recognised(path: str, expected: bool) -> None:
    assert is_share(Path(path), mounts=MOUNTS) is expected


def test_this_machine_s_own_folder_is_no_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_share(tmp_path)

    def missing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert not is_share(tmp_path)


@pytest.mark.parametrize(("kind", "expected"), [(4, True), (3, False)])
def test_a_mapped_drive_is_a_share(monkeypatch: pytest.MonkeyPatch, kind: int, expected: bool) -> None:
    kernel = SimpleNamespace(kernel32=SimpleNamespace(GetDriveTypeW=lambda root: kind))
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "windll", kernel, raising=False)
    assert is_share(Path("/x")) is expected


class Recorder:
    """Programs that were run; ``whoami`` answers in French as a French Windows does."""

    def __init__(self, answer: str = '"cabinet\\dr modèle","S-1-5-21-1-2-3-1001"\n') -> None:
        self.commands: list[list[str]] = []
        self.answer = answer

    def __call__(self, command: Sequence[str]) -> str:
        self.commands.append(list(command))
        return self.answer if command[0] == "whoami" else ""


def test_rights_are_granted_by_sid_and_inheritance_is_taken_off() -> None:
    run = Recorder()
    lock_folder(Path("C:/MSS"), run=run)
    protect_file(Path("C:/MSS/key"), run=run)
    folder, file = (command for command in run.commands if command[0] == "icacls")
    assert folder[1:] == [
        str(Path("C:/MSS")), "/inheritance:r", "/grant:r", "*S-1-5-21-1-2-3-1001:(OI)(CI)F", "*S-1-5-18:(OI)(CI)F",
        "*S-1-5-32-544:(OI)(CI)F", "/q",
    ]  # fmt: skip
    assert "*S-1-5-21-1-2-3-1001:F" in file


def test_the_system_account_is_granted_once() -> None:
    run = Recorder('"nt\\system","S-1-5-18"\n')
    lock_folder(Path("C:/MSS"), run=run)
    assert sum("S-1-5-18" in argument for argument in run.commands[-1]) == 1


def test_without_a_sid_nothing_is_changed() -> None:
    run = Recorder("?")
    with pytest.raises(OSError, match="SID"):
        lock_folder(Path("C:/MSS"), run=run)
    assert [command[0] for command in run.commands] == ["whoami"]


def test_a_program_that_fails_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run([sys.executable, "-c", "print('ok')"]).strip() == "ok"
    with pytest.raises(OSError, match="failed"):
        _run([sys.executable, "-c", "raise SystemExit(3)"])

    def slow(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("x", 1)

    monkeypatch.setattr(subprocess, "run", slow)
    with pytest.raises(OSError, match="failed"):
        _run(["x"])
