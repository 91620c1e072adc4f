"""Several durable steps at once keep the rules of the single ones."""

import os
from pathlib import Path

import pytest

from connector.platform.together import fsync_folders, rename_together, sync_descriptors, write_together


def test_every_file_is_whole_private_and_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a.txt").write_bytes(b"old")
    write_together([(tmp_path / "a.txt", b"new"), (tmp_path / "b" / "c.txt", b"")])
    assert (tmp_path / "a.txt").read_bytes() == b"new"
    assert (tmp_path / "b" / "c.txt").read_bytes() == b""
    assert (tmp_path / "a.txt").stat().st_mode & 0o077 == 0


def test_nothing_to_write_is_fine(tmp_path: Path) -> None:
    write_together([])
    rename_together([])


def test_a_sync_that_fails_changes_nothing_and_leaves_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "a").write_bytes(b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            write_together([(tmp_path / "a", b"1"), (tmp_path / "b", b"2")])
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


def test_a_taken_name_is_never_overwritten(tmp_path: Path) -> None:
    for name in ("a", "b", "taken"):
        (tmp_path / name).write_bytes(name.encode())
    with pytest.raises(FileExistsError):
        rename_together([(tmp_path / "a", tmp_path / "moved"), (tmp_path / "b", tmp_path / "taken")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "moved", "taken"]
    assert (tmp_path / "taken").read_bytes() == b"taken"


def test_the_first_failing_sync_is_heard(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fsync_folders([tmp_path, tmp_path / "absent"])
    with pytest.raises(OSError, match="Bad file"):
        sync_descriptors([9998, 9999])
