"""Several durable steps for the price of one: what is synced side by side shares the disk's commits.

Measured on ext4: seven files of 30 kB synced one after the other take 2.8 ms, side by side 1.0 ms. The rules are
those of :mod:`connector.platform.files`.
"""

import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from connector.platform.files import Sleep, _patiently, _temporary, fsync_folder
from connector.platform.rename import exclusive_rename

__all__ = ["fsync_folders", "rename_exclusive", "rename_together", "sync_descriptors", "write_together"]


def write_together(files: Sequence[tuple[Path, bytes]], *, mode: int = 0o600, sleep: Sleep = time.sleep) -> None:
    """As :func:`connector.platform.files.write_atomic` for several files, which appear in the order given.

    Each file is whole or as it was; after an error some may be new and others as they were.

    Args:
        files: targets in existing folders, with their content.
        mode: POSIX permissions from birth.
        sleep: for the pauses while another Windows program holds a target.

    Raises:
        OSError: some of the files have not changed; none is half-written, and no litter is left.
    """
    with ExitStack() as stack:
        written = []
        for path, data in files:
            descriptor, temporary = stack.enter_context(_temporary(path.parent, mode))
            file = stack.enter_context(os.fdopen(descriptor, "wb"))
            file.write(data)
            file.flush()
            written.append((file, temporary, path))
        sync_descriptors([file.fileno() for file, _, _ in written])
        for file, temporary, path in written:
            file.close()
            _replace(temporary, path, sleep)
    fsync_folders(path.parent for path, _ in files)


def _replace(temporary: str, path: Path, sleep: Sleep) -> None:
    _patiently(lambda: os.replace(temporary, path), sleep)  # noqa: PTH105 - as in write_atomic


def rename_together(pairs: Iterable[tuple[Path, Path]], *, sleep: Sleep = time.sleep) -> None:
    """Move several files or folders to free names of the same volume, in order; durable when it returns.

    Raises:
        FileExistsError: a target exists; those before it have moved.
        OSError: as from :func:`connector.platform.files.rename_durable`; those before it have moved.
    """
    folders: dict[Path, None] = {}
    for source, target in pairs:
        rename_exclusive(source, target, sleep=sleep)
        folders |= {target.parent: None, source.parent: None}
    fsync_folders(folders)


def rename_exclusive(source: Path, target: Path, *, sleep: Sleep = time.sleep) -> None:
    """Move to a free name; durable only after a sync of both folders (:func:`fsync_folders`).

    Raises:
        FileExistsError: the target exists; nothing has changed.
        OSError: as from :func:`connector.platform.files.rename_durable`.
    """
    _patiently(lambda: exclusive_rename(source, target), sleep)


def fsync_folders(folders: Iterable[Path]) -> None:
    """Make the names in several folders durable.

    Raises:
        OSError: of the first that failed.
    """
    once = list(dict.fromkeys(folders))
    if len(once) == 1:
        fsync_folder(once[0])
    else:
        list(_syncers().map(fsync_folder, once))


def sync_descriptors(descriptors: Sequence[int]) -> None:
    """Sync open files.

    Raises:
        OSError: of the first that failed: a failed sync is a failed write.
    """
    if len(descriptors) == 1:
        os.fsync(descriptors[0])
    else:
        list(_syncers().map(os.fsync, descriptors))


@cache
def _syncers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(8, thread_name_prefix="sync")
