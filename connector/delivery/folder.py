"""Handing the files of one message over to a folder that an LPS reads: whole, in order, once.

Who owns the bytes, step by step (the names in brackets are crash steps):

1. The journal owns the message (state *opened*). All files are written and synced in ``livraison/<incoming id>/``,
   invisible to the LPS; then the *receipt* ``.recu.json`` beside them is written durably: it holds the prefix and the
   names [``deliver.files_written``]. A crash before the receipt throws the folder away and begins again – nothing was
   visible. From the receipt on, nothing is ever written again: the files only move.
2. Each data file is renamed into the LPS's folder and is the LPS's from that moment [``deliver.data_renamed``]. What
   is no longer in ``livraison/<incoming id>/`` *has been given*: a replay renames only what is still there, so that a
   file which the LPS took and deleted in between does not come a second time.
3. The index is renamed [``deliver.index_renamed``], then the flag if one is wanted [``deliver.flag_written``]; the
   folder is synced, once: renames of one volume reach the disk in their order, and after a power loss what did not is
   still in ``livraison`` and is renamed by the replay. Only the receipt is left.
4. The caller commits the delivery to the journal. A crash before that commit replays :meth:`HandOver.hand_over`: the
   receipt says that all is done, whatever the LPS did with the files, and the same answer is given again.
5. After the commit the caller settles: the receipt goes. Receipts that a crash left are swept at the next start.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from connector.domain.errors import InvalidSubmission
from connector.domain.ports import reach
from connector.exchange.arrival import Delivered
from connector.platform.files import (
    fsync_folder,
    private_folder,
    read_regular_file,
    rename_durable,
    unavailable,
    write_atomic,
)
from connector.platform.names import free_name
from connector.platform.rename import exclusive_rename
from connector.platform.together import sync_descriptors

__all__ = ["HandOver", "Package"]

_RECEIPT = ".recu.json"
_MAX_COMPARED_BYTES = 200_000_000


@dataclass(frozen=True, slots=True)
class Package:
    """The files of one message, named."""

    prefix: str
    data: tuple[tuple[str, bytes], ...] = field(repr=False)
    last: tuple[tuple[str, bytes], ...] = field(repr=False)  # index, then flag: in this order, after all data


@dataclass(frozen=True, slots=True)
class _Receipt:
    prefix: str
    data: list[tuple[str, str]]  # (name, sha256)
    last: list[tuple[str, str]]

    def delivered(self) -> Delivered:
        return Delivered(self.prefix, tuple((name, digest) for name, digest in [*self.data, *self.last]))


class HandOver:
    """Gives packages to one folder.

    Args:
        target: what the LPS reads.
        work: ours, on the same volume.
    """

    def __init__(self, target: Path, work: Path) -> None:
        self._target = target
        self._work = work / "livraison"

    def hand_over(self, incoming_id: str, make: Callable[[], Package]) -> Delivered:
        """Deliver, or finish a delivery that was interrupted.

        Args:
            incoming_id: of the message, a ULID.
            make: makes the package; only called when nothing of it was given yet.

        Raises:
            Unavailable: ``DISQUE_PLEIN``, ``SPOOL_REFUSE``, ``SPOOL_ABSENT``: nothing half-visible, call again.
        """
        folder = self._work / incoming_id
        try:
            receipt = self._receipt(folder) or self._build(folder, make())
            self._rename(folder, receipt.data)
            reach("deliver.data_renamed")
            for file, step in zip(receipt.last, ("deliver.index_renamed", "deliver.flag_written"), strict=False):
                self._rename(folder, [file])
                reach(step)
            fsync_folder(self._target)
        except OSError as error:
            raise unavailable(error) from error
        return receipt.delivered()

    def settle(self, incoming_id: str) -> None:
        """The journal knows: forget the receipt.

        Raises:
            OSError: it stays, and :meth:`sweep` will find it.
        """
        folder = self._work / incoming_id
        (folder / _RECEIPT).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            folder.rmdir()

    def sweep(self, is_open: Callable[[str], bool]) -> int:
        """Settle what was delivered before a crash.

        Args:
            is_open: True for a message that the journal does not know as delivered.

        Returns:
            How many receipts went.
        """
        done = [name for name in self._begun() if not is_open(name)]
        for name in done:
            shutil.rmtree(self._work / name)
        return len(done)

    def _begun(self) -> list[str]:
        return sorted(entry.name for entry in self._work.iterdir()) if self._work.is_dir() else []

    def _receipt(self, folder: Path) -> _Receipt | None:
        try:
            values = json.loads((folder / _RECEIPT).read_text("utf-8"))
        except FileNotFoundError:
            return None
        return _Receipt(values["prefix"], _pairs(values["data"]), _pairs(values["last"]))

    def _build(self, folder: Path, package: Package) -> _Receipt:
        """Write everything where the LPS does not look."""
        if folder.exists():
            shutil.rmtree(folder)
        if not self._work.is_dir():
            private_folder(self._work)
        try:
            folder.mkdir(mode=0o700)
            fsync_folder(self._work)
            _write_all(folder, [*package.data, *package.last])
            receipt = _Receipt(package.prefix, _digests(package.data), _digests(package.last))
            values = {"prefix": receipt.prefix, "data": receipt.data, "last": receipt.last}
            write_atomic(folder / _RECEIPT, json.dumps(values, ensure_ascii=False).encode("utf-8"))
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        reach("deliver.files_written")
        return receipt

    def _rename(self, folder: Path, files: Iterable[tuple[str, str]]) -> None:
        """Give what is still here, in this order."""
        for name, digest in files:
            if (folder / name).exists():
                self._give(folder / name, digest)

    def _give(self, source: Path, digest: str) -> None:
        target = self._target / source.name
        try:
            exclusive_rename(source, target)
        except FileExistsError:
            if _has_digest(target, digest):
                source.unlink()  # delivered again on a person's wish, and not taken since
            else:
                rename_durable(source, free_name(self._target, source.name))


def _pairs(values: Iterable[Iterable[str]]) -> list[tuple[str, str]]:
    return [(name, digest) for name, digest in values]


def _write_all(folder: Path, files: Sequence[tuple[str, bytes]]) -> None:
    """Write and sync each file; their folder is synced with the receipt."""
    with ExitStack() as opened:
        sync_descriptors([_write(folder / name, content, opened) for name, content in files])


def _write(path: Path, content: bytes, opened: ExitStack) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    file = opened.enter_context(os.fdopen(os.open(path, flags, 0o600), "wb"))
    file.write(content)
    file.flush()
    return file.fileno()


def _digests(files: Sequence[tuple[str, bytes]]) -> list[tuple[str, str]]:
    return [(name, hashlib.sha256(content).hexdigest()) for name, content in files]


def _has_digest(path: Path, digest: str) -> bool:
    try:
        content = read_regular_file(path, max_bytes=_MAX_COMPARED_BYTES)
    except InvalidSubmission:  # a link or a folder has taken the name
        return False
    return hashlib.sha256(content).hexdigest() == digest
