"""Durable files: written beside, synced, renamed; read through one handle; never through a link.

Four rules, each with its test:

1. A reader sees the old content or the new one, never half of it.
2. When a function returns, power may fail. A failing ``fsync`` is a failed write: the file is gone, the caller hears.
3. Nothing is ever overwritten except by :func:`write_atomic`, whose purpose it is.
4. A failure leaves no litter; what a killed process leaves is found by its name (:func:`remove_litter`).

Temporary names are ``.mss-….part``: a dot first and ``.part`` last, so that every scanner ignores them.
Windows facts: lps-folder-conventions 7.1 (``os.replace`` fails for a moment with 5, 32, 33 while another program
holds the file; a folder cannot be synced there).
"""

import errno
import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from connector.domain.errors import InvalidSubmission, Unavailable
from connector.platform.names import free_name, safe_name
from connector.platform.rename import exclusive_rename
from connector.platform.share import is_share

__all__ = [
    "free_name", "fsync_folder", "is_share", "private_folder", "read_regular_file", "remove", "remove_litter",
    "rename_durable", "safe_name", "unavailable", "write_atomic",
]  # fmt: skip

Sleep = Callable[[float], None]

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0
_BUSY = (5, 32, 33)  # ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION
_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP)  # file systems that know no sync of a folder (SMB, some FUSE)
_CHUNK_BYTES = 1 << 20
_LITTER = re.compile(r"\.mss-[a-z0-9_]{8}\.part")
_OPEN_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)  # fmt: skip

_T = TypeVar("_T")


def write_atomic(path: Path, data: bytes, *, mode: int = 0o600, sleep: Sleep = time.sleep) -> None:
    """Make ``path`` hold exactly ``data``, or leave it as it was.

    Args:
        path: target in an existing folder; an existing file is replaced.
        data: the whole content.
        mode: POSIX permissions from birth.
        sleep: for the pauses while another Windows program holds the target.

    Raises:
        OSError: nothing has changed; see :func:`unavailable`.
    """
    with _temporary(path.parent, mode) as (descriptor, temporary):
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _patiently(lambda: os.replace(temporary, path), sleep)  # noqa: PTH105 - a seam for tests
    fsync_folder(path.parent)


@contextmanager
def _temporary(folder: Path, mode: int) -> Iterator[tuple[int, str]]:
    """A new private file that is gone afterwards unless it was renamed."""
    descriptor, name = tempfile.mkstemp(prefix=".mss-", suffix=".part", dir=folder)
    try:
        if sys.platform != "win32":
            os.fchmod(descriptor, mode)
        yield descriptor, name
    except BaseException:
        with suppress(OSError):  # already closed by its file object
            os.close(descriptor)
        with suppress(OSError):
            Path(name).unlink()
        raise


def rename_durable(source: Path, target: Path, *, sleep: Sleep = time.sleep) -> None:
    """Move a file or folder to a free name of the same volume; when it returns, the move survives power loss.

    Raises:
        FileExistsError: the target exists; nothing has changed.
        OSError: still held by another program after 5 s (Windows), other volume, no right; nothing has changed,
            unless it comes from the sync of the folder.
    """
    _patiently(lambda: exclusive_rename(source, target), sleep)
    fsync_folder(target.parent)
    if source.parent != target.parent:
        fsync_folder(source.parent)


def remove(path: Path, *, sleep: Sleep = time.sleep) -> None:
    """Delete a file, durably; one that is gone already is fine.

    Raises:
        OSError: still held by another program after 5 s (Windows), or no right.
    """
    _patiently(lambda: path.unlink(missing_ok=True), sleep)
    fsync_folder(path.parent)


def remove_litter(folder: Path) -> int:
    """Delete the unfinished temporary files that a killed process left. Call it while nobody writes into ``folder``.

    Args:
        folder: looked at alone, without what is below it; one that is not there holds none.

    Returns:
        How many there were.

    Raises:
        OSError: the folder cannot be read, or a file not be deleted.
    """
    try:
        with os.scandir(folder) as found:
            litter = [entry.path for entry in found if _LITTER.fullmatch(entry.name)]
    except FileNotFoundError:
        return 0
    for path in litter:
        remove(Path(path))
    return len(litter)


def _patiently(step: Callable[[], _T], sleep: Sleep) -> _T:
    """Try again while Windows says that another program holds the file: 50 ms, doubling to 1 s, 5 s in all."""
    pause, waited = _FIRST_PAUSE_SECONDS, 0.0
    while True:
        try:
            return step()
        except FileExistsError:
            raise
        except OSError as error:
            if getattr(error, "winerror", None) not in _BUSY or waited >= _PATIENCE_SECONDS:
                raise
        sleep(pause)
        waited += pause
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS, max(_PATIENCE_SECONDS - waited, _FIRST_PAUSE_SECONDS))


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Windows does it with the rename itself.

    Raises:
        OSError: the names may not survive power loss.
    """
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def read_regular_file(path: Path, *, max_bytes: int) -> bytes:
    """The content of a regular file, as it was at one moment, through one handle.

    Raises:
        InvalidSubmission: ``VIRUS_OU_TYPE_INTERDIT`` for a link, junction, pipe, device or folder; ``TROP_GROS``.
        Unavailable: ``FICHIER_OCCUPE`` when it changed while it was read.
        OSError: it cannot be opened; see :func:`unavailable`.
    """
    descriptor = _open_regular(path)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise InvalidSubmission("VIRUS_OU_TYPE_INTERDIT", "not a regular file")
        if before.st_size > max_bytes:
            raise InvalidSubmission("TROP_GROS", f"{before.st_size} bytes, at most {max_bytes} are read")
        content = _read_up_to(descriptor, before.st_size + 1)
        after = os.fstat(descriptor)
    finally:
        os.close(descriptor)
    if len(content) != before.st_size or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Unavailable("FICHIER_OCCUPE", "the file changed while it was read")
    return content


def _open_regular(path: Path) -> int:
    """Open without following a link; ``O_NONBLOCK`` keeps a pipe from holding us."""
    if getattr(os.lstat(path), "st_file_attributes", 0) & stat.FILE_ATTRIBUTE_REPARSE_POINT:  # no O_NOFOLLOW there
        raise InvalidSubmission("VIRUS_OU_TYPE_INTERDIT", "a link or junction is never followed")
    try:
        return os.open(path, _OPEN_FLAGS)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EMLINK):  # link, socket, link on FreeBSD
            raise InvalidSubmission("VIRUS_OU_TYPE_INTERDIT", "not a regular file") from error
        raise


def _read_up_to(descriptor: int, limit: int) -> bytes:
    chunks = []
    while limit > 0 and (chunk := os.read(descriptor, min(limit, _CHUNK_BYTES))):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)


def private_folder(path: Path) -> Path:
    """Make sure that a folder exists and that only its owner (on Windows also SYSTEM and Administrators) gets in.

    Returns:
        The path, for chaining.

    Raises:
        OSError: it cannot be made or its rights cannot be set.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if sys.platform == "win32":
        from connector.platform.windows import lock_folder  # noqa: PLC0415 - one operating system only

        lock_folder(path)
    elif stat.S_IMODE(path.stat().st_mode) & 0o077:
        path.chmod(0o700)
    return path


_CODES = {
    errno.ENOSPC: "DISQUE_PLEIN", errno.EDQUOT: "DISQUE_PLEIN",
    errno.EACCES: "SPOOL_REFUSE", errno.EPERM: "SPOOL_REFUSE", errno.EROFS: "SPOOL_REFUSE",
    errno.EBUSY: "FICHIER_OCCUPE", errno.ETXTBSY: "FICHIER_OCCUPE", errno.EAGAIN: "FICHIER_OCCUPE",
}  # fmt: skip


def unavailable(error: OSError) -> Unavailable:
    """What a failed file operation means to a person: disk full, no right, held by another program, share gone."""
    if getattr(error, "winerror", None) in _BUSY:
        code = "FICHIER_OCCUPE"
    else:
        code = _CODES.get(error.errno or 0, "SPOOL_ABSENT")
    return Unavailable(code, f"{type(error).__name__} errno {error.errno}")
