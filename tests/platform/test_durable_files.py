"""Durable files: all or nothing, never through a link, never over another file."""

import errno
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from connector.domain.errors import InvalidSubmission, Unavailable
from connector.platform import files as files_room
from connector.platform.files import (
    fsync_folder,
    private_folder,
    read_regular_file,
    remove,
    rename_durable,
    unavailable,
    write_atomic,
)
from connector.platform.rename import _system_rename, exclusive_rename, rename_after_look
from connector.testing.faulty_files import Fault, FaultyFs

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")


def _busy(code: int = 32) -> OSError:
    error = OSError(errno.EACCES, "held by another program")
    error.winerror = code  # type: ignore[attr-defined] # as on Windows
    return error


# --- writing ---


def test_a_file_has_its_content_and_private_rights(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"new")
    write_atomic(tmp_path / "a", b"newer")
    assert (tmp_path / "a").read_bytes() == b"newer"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


@posix
def test_the_rights_asked_for_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_atomic(tmp_path / "a", b"x", mode=0o664)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o664


@pytest.mark.parametrize("operation", ["open", "write", "fsync", "rename"])
def test_a_failure_at_any_step_leaves_the_old_content_and_no_litter(tmp_path: Path, operation: str) -> None:
    write_atomic(tmp_path / "a", b"old")
    with FaultyFs(Fault(operation=operation, error=errno.ENOSPC)), pytest.raises(OSError, match="space"):  # type: ignore[arg-type] # a literal from the list above
        write_atomic(tmp_path / "a", b"new and longer")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@posix
def test_a_folder_that_cannot_be_synced_is_an_error(tmp_path: Path) -> None:
    with FaultyFs(Fault(operation="fsync", error=errno.EIO, at=2)), pytest.raises(OSError, match=r"[Ii]nput"):
        write_atomic(tmp_path / "a", b"new")


@posix
def test_a_file_system_that_knows_no_sync_of_folders_is_fine(tmp_path: Path) -> None:
    with FaultyFs(Fault(operation="fsync", error=errno.EINVAL)):
        fsync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        fsync_folder(tmp_path / "none")


def test_nothing_is_synced_in_folders_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    fsync_folder(tmp_path / "none")


def test_a_target_held_for_a_moment_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures, pauses = [_busy(32), _busy(5), _busy(33)], list[float]()
    original = os.replace

    def replace(source: str, target: Path) -> None:
        if failures:
            raise failures.pop()
        original(source, target)

    monkeypatch.setattr(os, "replace", replace)
    write_atomic(tmp_path / "a", b"x", sleep=pauses.append)
    assert (tmp_path / "a").read_bytes() == b"x"
    assert pauses == [0.05, 0.1, 0.2]


def test_a_target_held_for_long_is_given_up_after_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = list[float]()

    def busy(source: Path, target: Path) -> None:
        raise _busy()

    monkeypatch.setattr(files_room, "exclusive_rename", busy)
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="held"):
        rename_durable(tmp_path / "a", tmp_path / "b", sleep=pauses.append)
    assert sum(pauses) == pytest.approx(5.0, abs=0.06)
    assert max(pauses) <= 1.0


# --- renaming and removing ---


def test_a_file_moves_between_folders(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "a").write_bytes(b"x")
    rename_durable(tmp_path / "a", tmp_path / "to" / "b")
    assert (tmp_path / "to" / "b").read_bytes() == b"x"
    assert not (tmp_path / "a").exists()


def test_a_folder_moves_whole(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "f").touch()
    rename_durable(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b" / "f").exists()


@pytest.mark.parametrize("way", ["system", "look", "unsupported"])
def test_nothing_is_ever_overwritten(tmp_path: Path, way: str) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    rename: Callable[[Path, Path], None] = {
        "system": rename_durable,
        "look": rename_after_look,
        "unsupported": lambda source, target: exclusive_rename(source, target, system=lambda s, t: errno.EINVAL),
    }[way]
    with pytest.raises(FileExistsError):
        rename(tmp_path / "a", tmp_path / "b")
    assert ((tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (b"a", b"b")


@posix
def test_a_dangling_link_counts_as_taken(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").symlink_to("nowhere")
    for rename in (rename_after_look, exclusive_rename):
        with pytest.raises(FileExistsError):
            rename(tmp_path / "a", tmp_path / "b")


def test_where_the_kernel_cannot_we_look_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").touch()
    exclusive_rename(tmp_path / "a", tmp_path / "b", system=lambda source, target: errno.ENOSYS)
    monkeypatch.setattr("connector.platform.rename._system_rename", lambda platform: None)
    exclusive_rename(tmp_path / "b", tmp_path / "c")
    assert (tmp_path / "c").exists()


def test_other_errors_of_the_kernel_keep_their_type(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        exclusive_rename(tmp_path / "none", tmp_path / "b")


def test_platforms_without_an_exclusive_rename_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _system_rename("win32") is None
    assert _system_rename("darwin") is None or sys.platform == "darwin"


def test_removing_twice_is_fine(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    remove(tmp_path / "a")
    remove(tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


# --- reading ---


def test_a_regular_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 3_000_000)
    assert read_regular_file(tmp_path / "a", max_bytes=3_000_000) == b"x" * 3_000_000
    (tmp_path / "empty").touch()
    assert read_regular_file(tmp_path / "empty", max_bytes=0) == b""


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1234")
    with pytest.raises(InvalidSubmission) as caught:
        read_regular_file(tmp_path / "a", max_bytes=3)
    assert caught.value.code == "TROP_GROS"


@posix
@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "device"])
def test_only_regular_files_are_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a"
    if kind == "link":
        (tmp_path / "secret").write_bytes(b"secret")
        path.symlink_to(tmp_path / "secret")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = Path("/dev/null")
    with pytest.raises(InvalidSubmission) as caught:
        read_regular_file(path, max_bytes=100)
    assert caught.value.code == "VIRUS_OU_TYPE_INTERDIT"


def test_a_junction_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").touch()

    class Junction:
        st_file_attributes = stat.FILE_ATTRIBUTE_REPARSE_POINT

    monkeypatch.setattr(os, "lstat", lambda path: Junction())
    with pytest.raises(InvalidSubmission):
        read_regular_file(tmp_path / "a", max_bytes=10)


@pytest.mark.parametrize("added", [b"", b"more"])
def test_a_file_that_changes_while_it_is_read_is_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, added: bytes
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"begin")
    original = os.read

    def read(descriptor: int, size: int) -> bytes:
        chunk = original(descriptor, size)
        if not chunk or not added:
            return chunk
        path.write_bytes(b"begin" + added)
        return chunk

    if added:
        monkeypatch.setattr(os, "read", read)
        with pytest.raises(Unavailable) as caught:
            read_regular_file(path, max_bytes=100)
        assert caught.value.code == "FICHIER_OCCUPE"
    else:
        assert read_regular_file(path, max_bytes=100) == b"begin"


def test_a_file_that_is_gone_or_closed_to_us_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular_file(tmp_path / "none", max_bytes=10)
    (tmp_path / "a").touch()

    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(PermissionError):
        read_regular_file(tmp_path / "a", max_bytes=10)


# --- folders and meanings ---


@posix
def test_a_private_folder_lets_nobody_else_in(tmp_path: Path) -> None:
    assert private_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    (tmp_path / "a" / "b").chmod(0o755)
    private_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_on_windows_the_rights_are_set_by_sid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = list[Path]()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr("connector.platform.windows.lock_folder", locked.append)
    private_folder(tmp_path / "a")
    assert locked == [tmp_path / "a"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, ""), "DISQUE_PLEIN"), (PermissionError(errno.EACCES, ""), "SPOOL_REFUSE"),
        (OSError(errno.EBUSY, ""), "FICHIER_OCCUPE"), (_busy(), "FICHIER_OCCUPE"),
        (FileNotFoundError(errno.ENOENT, ""), "SPOOL_ABSENT"), (OSError("odd"), "SPOOL_ABSENT"),
    ],
)  # fmt: skip
def test_an_error_of_the_file_system_means_something_to_a_person(error: OSError, code: str) -> None:
    assert unavailable(error).code == code
