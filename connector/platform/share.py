"""Whether a folder is on a network share, where events get lost and files settle slowly."""

import ctypes
import sys
from pathlib import Path

__all__ = ["is_share"]

_NETWORK_TYPES = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "9p", "davfs", "vboxsf", "fuse.sshfs", "fuse.davfs2",
    "fuse.gvfsd-fuse", "fuse.rclone", "fuse.glusterfs", "fuse.vmhgfs-fuse", "ncpfs",
})  # fmt: skip
_DRIVE_REMOTE = 4  # GetDriveTypeW


def is_share(path: Path, *, mounts: str | None = None) -> bool:
    """True when the path is likely to be on another machine: UNC, mapped drive, NFS, SMB.

    A heuristic: the setting ``spool.share`` overrules it. macOS shares are told by the setting only.

    Args:
        path: need not exist.
        mounts: the text of ``/proc/self/mounts``, for tests.
    """
    if str(path).startswith(("\\\\", "//")):
        return True
    if sys.platform == "win32":
        root = str(path.absolute().anchor)
        return bool(ctypes.windll.kernel32.GetDriveTypeW(root) == _DRIVE_REMOTE)
    return _file_system_of(path, _mounts() if mounts is None else mounts) in _NETWORK_TYPES


def _mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""  # macOS


def _file_system_of(path: Path, mounts: str) -> str:
    """The type of the innermost mount that holds the path; a later line covers an earlier one."""
    resolved = path.expanduser().resolve()
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"))
        if resolved.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[2]
    return kind
