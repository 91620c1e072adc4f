"""A rename that never overwrites, on each operating system: the seam below :mod:`connector.platform.files`.

POSIX ``rename`` replaces an existing file silently. Linux (``renameat2``) and macOS (``renamex_np``) can refuse to in
the same atomic step; Windows always refuses. Where the kernel or the file system cannot (old NFS, some FUSE), we look
first and rename then: the gap between the two is only safe against ourselves, not against another program.
"""

import ctypes
import errno
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

__all__ = ["ExclusiveRename", "exclusive_rename", "rename_after_look"]

ExclusiveRename = Callable[[bytes, bytes], int]
"""(source, target) to 0 or the errno."""

_AT_FDCWD = -100
_RENAME_NOREPLACE = 1  # linux/fs.h
_RENAME_EXCL = 4  # sys/stdio.h of macOS
_CANNOT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def exclusive_rename(source: Path, target: Path, *, system: ExclusiveRename | None = None) -> None:
    """Give ``source`` the name ``target``, which must be free.

    Args:
        source: file or folder.
        target: new name on the same volume.
        system: the kernel's call, for tests; default: that of this platform.

    Raises:
        FileExistsError: the target exists.
        OSError: as from :func:`os.rename`.
    """
    call = system or _system_rename(sys.platform)
    if call is None:
        return rename_after_look(source, target)
    number = call(os.fsencode(source), os.fsencode(target))
    if number in _CANNOT:
        return rename_after_look(source, target)
    if number:
        raise OSError(number, os.strerror(number), str(source), None, str(target))
    return None


def rename_after_look(source: Path, target: Path) -> None:
    """Look whether the target is free, then rename."""
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(source), None, str(target))
    os.rename(source, target)  # noqa: PTH104 - on Windows os.rename refuses to overwrite, as Path.replace would not


@cache
def _system_rename(platform: str) -> ExclusiveRename | None:
    """The kernel's own exclusive rename, or nothing."""
    if platform not in ("linux", "darwin"):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    name = "renameat2" if platform == "linux" else "renamex_np"
    function = getattr(library, name, None)  # musl before 1.2.5 and old macOS lack it
    if function is None:
        return None

    def call(source: bytes, target: bytes) -> int:
        if platform == "linux":
            failed = function(_AT_FDCWD, source, _AT_FDCWD, target, _RENAME_NOREPLACE)
        else:
            failed = function(source, target, _RENAME_EXCL)
        return ctypes.get_errno() if failed else 0

    return call
