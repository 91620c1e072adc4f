"""Handing the files of one message over to a folder that an LPS reads: whole, in order, once.

Who owns the bytes, step by step (the names in brackets are crash steps):

1. The journal owns the message (state *opened*). All files are written and synced in ``livraison/<incoming id>/``,
   invisible to the LPS; then the *receipt* ``.recu.json`` beside them is written durably: it holds the prefix and the
   paths [``deliver.files_written``]. A crash before the receipt throws the folder away and begins again – nothing was
   visible. From the receipt on, nothing is ever written again: the files only move.
2. Each data file is renamed into the LPS's folder and is the LPS's from that moment; a folder that is the message's
   own is renamed with all that is in it, in one step [``deliver.data_renamed``]. What is no longer in
   ``livraison/<incoming id>/`` *has been given*: a replay renames only what is still there, so that a file which the
   LPS took and deleted in between does not come a second time.
3. The index is renamed [``deliver.index_renamed``], then the flags if some are wanted [``deliver.flag_written``]; the
   folders are synced, once: renames of one volume reach the disk in their order, and after a power loss what did not
   is still in ``livraison`` and is renamed by the replay. Only the receipt is left.
4. The caller commits the delivery to the journal. A crash before that commit replays :meth:`HandOver.hand_over`: the
   receipt says that all is done, whatever the LPS did with the files, and the same answer is given again.
5. After the commit the caller settles: the receipt goes. Receipts that a crash left are swept at the next start.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Self

from connector.delivery.naming import numbered
from connector.delivery.package import DEFAULT_LONGEST, Package
from connector.domain.errors import InvalidSubmission, Unavailable
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
from connector.platform.names import folded
from connector.platform.rename import exclusive_rename
from connector.platform.together import fsync_folders, sync_descriptors

__all__ = ["HandOver"]

_RECEIPT = ".recu.json"
_DOUBLE = ".double"
_MAX_COMPARED_BYTES = 200_000_000

Files = Sequence[tuple[str, bytes]]
Digests = list[tuple[str, str]]  # (path, sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Receipt:
    """What is given, path by path."""

    prefix: str
    data: Digests
    index: Digests
    flags: Digests
    whole: list[str]
    messages: list[str]
    longest: int

    @property
    def files(self) -> Digests:
        """All of them, in the order in which they appear."""
        return [*self.data, *self.index, *self.flags]

    def without(self, messages: Collection[str]) -> "_Receipt":
        """The same without files that are given otherwise."""
        return replace(self, data=[pair for pair in self.data if pair[0] not in messages])

    def unit_of(self, path: str) -> str:
        """What is renamed to give this file: the folder that appears with it, else the file itself."""
        return next((folder for folder in self.whole if path.startswith(f"{folder}/")), path)

    def written(self) -> bytes:
        values = {
            "prefix": self.prefix, "data": self.data, "last": self.index, "flags": self.flags, "whole": self.whole,
            "messages": self.messages, "longest": self.longest,
        }  # fmt: skip
        return json.dumps(values, ensure_ascii=False).encode("utf-8")

    @classmethod
    def read(cls, values: dict[str, Any]) -> Self:
        """Also of earlier versions, which wrote the flag behind the index and knew no folders."""
        last = _pairs(values["last"])
        flags = _pairs(values["flags"]) if "flags" in values else None
        return cls(
            prefix=values["prefix"], data=_pairs(values["data"]), index=last[:1] if flags is None else last,
            flags=last[1:] if flags is None else flags, whole=values.get("whole", []),
            messages=values.get("messages", []), longest=values.get("longest", DEFAULT_LONGEST),
        )  # fmt: skip


class HandOver:
    """Gives packages to one folder.

    Args:
        target: what the LPS reads.
        work: ours, on the same volume.
        name: of the folder in ``work`` where packages are built; each hand-over has one of its own.
        send: gives an HL7 v2 message to a software that listens, after which its file is gone; ``None`` = messages
            are files like others.
    """

    def __init__(
        self, target: Path, work: Path, name: str = "livraison", *, send: Callable[[Path], None] | None = None
    ) -> None:
        self._target = target
        self._work = work / name
        self._send = send

    def hand_over(self, incoming_id: str, make: Callable[[], Package]) -> Delivered:
        """Deliver, or finish a delivery that was interrupted.

        Args:
            incoming_id: of the message, a ULID.
            make: makes the package; only called when nothing of it was given yet.

        Raises:
            Unavailable: ``DISQUE_PLEIN``, ``SPOOL_REFUSE``, ``SPOOL_ABSENT``: nothing half-visible, call again; and
                what ``send`` raises.
        """
        folder = self._work / incoming_id
        try:
            receipt = self._receipt(folder) or self._build(folder, make())
            messages = receipt.messages if self._send else []
            receipt = receipt.without(messages)
            self._make_folders(receipt)
            self._give_all(folder, receipt, receipt.data, "deliver.data_renamed")
            if receipt.index:
                self._give_all(folder, receipt, receipt.index, "deliver.index_renamed")
            if receipt.flags:
                self._give_all(folder, receipt, receipt.flags, "deliver.flag_written")
            fsync_folders(self._target / parent for parent in _parents(receipt))
            self._send_all(folder, messages)
        except OSError as error:
            raise unavailable(error) from error
        return Delivered(receipt.prefix, tuple(receipt.files))

    def messages(self, incoming_id: str) -> list[Path]:
        """Where the HL7 v2 messages of a delivery are, or were before they were sent; nothing once it is settled."""
        folder = self._work / incoming_id
        receipt = self._receipt(folder)
        return [folder / path for path in receipt.messages] if receipt else []

    def settle(self, incoming_id: str) -> None:
        """The journal knows: forget the receipt.

        Raises:
            OSError: it stays, and :meth:`sweep` will find it.
        """
        folder = self._work / incoming_id
        (folder / _RECEIPT).unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)

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
            return _Receipt.read(json.loads((folder / _RECEIPT).read_text("utf-8")))
        except FileNotFoundError:
            return None

    def _build(self, folder: Path, package: Package) -> _Receipt:
        """Write everything where the LPS does not look."""
        if folder.exists():
            shutil.rmtree(folder)
        if not self._work.is_dir():
            private_folder(self._work)
        try:
            folder.mkdir(mode=0o700)
            fsync_folder(self._work)
            _write_all(folder, [*package.data, *package.index, *package.flags])
            receipt = _Receipt(
                prefix=package.prefix, data=_digests(package.data), index=_digests(package.index),
                flags=_digests(package.flags), whole=list(package.whole), messages=list(package.messages),
                longest=package.longest,
            )  # fmt: skip
            write_atomic(folder / _RECEIPT, receipt.written())
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        reach("deliver.files_written")
        return receipt

    def _send_all(self, folder: Path, messages: Sequence[str]) -> None:
        """Messages come last: a software that is away holds up nothing that lies in folders."""
        for path in messages:
            if self._send is not None and (folder / path).exists():
                self._send(folder / path)

    def _make_folders(self, receipt: _Receipt) -> None:
        """The folders that messages share, durably; never through a link.

        Raises:
            Unavailable: ``SPOOL_REFUSE``: a link has taken the name of one.
        """
        units = (receipt.unit_of(path) for path, _ in receipt.files)
        for shared in dict.fromkeys(parent for unit in units for parent in _folders_of(unit)):
            folder = self._target / shared
            if folder.is_symlink():
                raise Unavailable("SPOOL_REFUSE", "a folder below the one that is read is a link")
            if not folder.is_dir():
                private_folder(folder)
                fsync_folder(folder.parent)

    def _give_all(self, folder: Path, receipt: _Receipt, files: Digests, step: str) -> None:
        """Give what is still here, in this order; a folder of the message's own at once."""
        for path, digest in files:
            unit = receipt.unit_of(path)
            source = folder / unit
            if source.is_dir() and unit != path:
                inner = [(name, sha256) for name, sha256 in receipt.files if receipt.unit_of(name) == unit]
                self._give_folder(source, unit, inner, receipt.longest)
            elif unit == path and source.exists():
                self._give(source, self._target / path, digest, receipt.longest)
        reach(step)

    def _give(self, source: Path, target: Path, digest: str, longest: int) -> None:
        try:
            exclusive_rename(source, target)
        except FileExistsError:
            if _has_digest(target, digest):
                source.unlink()  # delivered again on a person's wish, and not taken since
            else:
                rename_durable(source, _free(target, longest))

    def _give_folder(self, source: Path, unit: str, inner: Digests, longest: int) -> None:
        target = self._target / unit
        try:
            exclusive_rename(source, target)
        except FileExistsError:
            if all(_has_digest(self._target / path, digest) for path, digest in inner):
                double = source.with_name(f"{source.name}{_DOUBLE}")  # what is called that has been given
                source.rename(double)
                shutil.rmtree(double)
            else:
                rename_durable(source, _free(target, longest))


def _parents(receipt: _Receipt) -> list[str]:
    """The folders that what is given goes into, below the LPS's own."""
    parents = (PurePosixPath(receipt.unit_of(path)).parent.as_posix() for path, _ in receipt.files)
    return list(dict.fromkeys(parents))


def _free(target: Path, longest: int) -> Path:
    """The path with a number, which nothing in its folder has."""
    used = {folded(entry.name) for entry in target.parent.iterdir()}
    return target.with_name(next(name for name in numbered(target.name, longest) if folded(name) not in used))


def _pairs(values: Iterable[Iterable[str]]) -> Digests:
    return [(name, digest) for name, digest in values]


def _write_all(folder: Path, files: Files) -> None:
    """Write and sync each file and the folders between; the outermost is synced with the receipt."""
    between = dict.fromkeys(parent for name, _ in files for parent in _folders_of(name))
    for inner in between:
        (folder / inner).mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as opened:
        sync_descriptors([_write(folder / name, content, opened) for name, content in files])
    if between:
        fsync_folders(folder / inner for inner in between)


def _folders_of(name: str) -> Iterator[str]:
    """From the outermost."""
    return (parent.as_posix() for parent in reversed(PurePosixPath(name).parents) if parent.name)


def _write(path: Path, content: bytes, opened: ExitStack) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    file = opened.enter_context(os.fdopen(os.open(path, flags, 0o600), "wb"))
    file.write(content)
    file.flush()
    return file.fileno()


def _digests(files: Files) -> Digests:
    return [(name, hashlib.sha256(content).hexdigest()) for name, content in files]


def _has_digest(path: Path, digest: str) -> bool:
    try:
        content = read_regular_file(path, max_bytes=_MAX_COMPARED_BYTES)
    except (InvalidSubmission, FileNotFoundError):  # a link or a folder has taken the name, or nothing has
        return False
    return hashlib.sha256(content).hexdigest() == digest
