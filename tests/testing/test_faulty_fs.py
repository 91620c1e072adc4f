"""Files that fail on command, and only those of the room that is tested."""

import errno
import os
from pathlib import Path

import pytest

from connector.platform.files import remove, rename_durable, write_atomic
from connector.testing.faulty_files import Fault, FaultyFs


def test_without_a_fault_the_steps_are_only_written_down(tmp_path: Path) -> None:
    with FaultyFs() as fs:
        write_atomic(tmp_path / "a", b"contenu")

    assert (tmp_path / "a").read_bytes() == b"contenu"
    assert [step for step in fs.steps if step != "open"] == ["write", "fsync", "rename", "fsync"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(operation="write", error=errno.ENOSPC), id="disk-full"),
        pytest.param(Fault(operation="fsync", error=errno.EIO), id="disk-dying"),
        pytest.param(Fault(operation="rename", error=errno.EACCES), id="held"),
        pytest.param(Fault(operation="open", error=errno.EMFILE), id="too-many-files"),
    ],
)
def test_a_fault_reaches_the_caller_and_nothing_is_left(tmp_path: Path, fault: Fault) -> None:
    with FaultyFs(fault), pytest.raises(OSError) as failure:  # noqa: PT011 - the number is checked below
        write_atomic(tmp_path / "a", b"contenu")

    assert failure.value.errno == fault.error
    assert list(tmp_path.iterdir()) == []


def test_the_second_step_of_a_kind_can_fail(tmp_path: Path) -> None:
    with FaultyFs(Fault(operation="fsync", at=2)) as fs:
        with pytest.raises(OSError, match="Errno 5"):
            write_atomic(tmp_path / "a", b"contenu")
        write_atomic(tmp_path / "b", b"contenu")

    assert fs.steps.count("fsync") == 4


def test_a_fault_can_last(tmp_path: Path) -> None:
    fault = Fault(operation="unlink", error=errno.EACCES, at=2, times=None)

    assert [fault.hits("unlink", n) for n in (1, 2, 3, 99)] == [False, True, True, True]
    (tmp_path / "a").touch()
    with FaultyFs(Fault(operation="unlink", error=errno.EACCES, times=None)), pytest.raises(PermissionError):
        remove(tmp_path / "a")
    assert (tmp_path / "a").exists()


def test_an_exclusive_rename_can_fail(tmp_path: Path) -> None:
    (tmp_path / "a").touch()

    with FaultyFs(Fault(operation="rename", error=errno.ENOSPC)), pytest.raises(OSError, match="Errno 28"):
        rename_durable(tmp_path / "a", tmp_path / "b")

    assert (tmp_path / "a").exists()


def test_others_in_the_process_are_not_disturbed(tmp_path: Path) -> None:
    everything = [Fault(operation=kind, times=None) for kind in ("open", "write", "fsync", "rename", "unlink")]

    with FaultyFs(*everything) as fs:
        with os.fdopen(os.open(tmp_path / "a", os.O_CREAT | os.O_WRONLY), "wb") as file:
            file.write(b"x")
            os.fsync(file.fileno())
        (tmp_path / "a").rename(tmp_path / "b")
        (tmp_path / "b").unlink()

    assert fs.steps == []


def test_everything_is_as_before_afterwards(tmp_path: Path) -> None:
    before = os.fsync, os.replace, os.unlink, os.open, os.fdopen

    with FaultyFs(Fault(operation="write")):
        pass

    assert (os.fsync, os.replace, os.unlink, os.open, os.fdopen) == before
