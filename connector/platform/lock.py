"""One connector per data folder: the operating system holds the lock, so that it ends with the process."""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from connector.domain.errors import ConnectorError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["AlreadyRunning", "InstanceLock"]

_LOCKED_BYTE = 1 << 30  # Windows locks are mandatory: far behind the text, so that others can read who holds it


class AlreadyRunning(ConnectorError):
    """Another process holds the lock; ``pid`` is its process id, or ``None`` when it did not say."""

    def __init__(self, pid: int | None) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__("DEJA_LANCE", f"{holder} holds the lock of this data folder")
        self.pid = pid


class InstanceLock:
    """A context manager around ``<data_dir>/lock``.

    The file stays after the end: deleting it would let two processes hold two files of the same name.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> Self:
        """Take the lock and write our process id into it.

        Raises:
            AlreadyRunning: ``DEJA_LANCE``.
            OSError: the file cannot be made.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            _lock(descriptor)
        except OSError:
            os.close(descriptor)
            raise AlreadyRunning(self.holder()) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return self

    def holder(self) -> int | None:
        """The process id in the file, of the one who holds the lock or held it last."""
        try:
            return int(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def release(self) -> None:
        """Give the lock back; doing it twice is harmless."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _lock(descriptor: int) -> None:
    """Lock without waiting, or raise ``OSError``."""
    if sys.platform == "win32":
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
