"""Claiming a drop: from the LPS's folder into ours, by renames only.

Who owns the bytes, step by step (the names in brackets are crash steps):

1. In ``A_ENVOYER``: the LPS.
2. ``.travail/<id>/`` is made [``claim.folder_made``], then every file is renamed into it, data first, sidecar, flag
   last [``claim.file_moved`` each, ``claim.renamed`` all]: the drop exists only for us, but the journal does not know
   it. A crash here gives the files back to ``A_ENVOYER`` at the next start, and they are taken again.
3. The journal commits the submission under the same id [``claim.taken``]: from now on the bytes are the journal's,
   and the files in ``.travail/<id>`` are the originals that the status reporter files at the end.

A file that changed between the scan and the rename (POSIX lets us rename what is still written) is given back.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from connector.domain.limits import Limits
from connector.domain.ports import reach
from connector.intake.drop import Drop, is_sidecar
from connector.intake.filing import PART_FILE, entries
from connector.intake.layout import BoxLayout
from connector.intake.scan import Observation, is_flag, list_folder
from connector.platform.files import fsync_folder, read_regular_file, remove, rename_durable
from connector.platform.together import rename_together

__all__ = ["Claims"]

_ULID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


class Claims:
    """The claims of one mailbox.

    Args:
        layout: its folders.
        limits: ``max_member_bytes`` bounds each file.
    """

    def __init__(self, layout: BoxLayout, limits: Limits) -> None:
        self._layout = layout
        self._limits = limits

    def folder(self, claim_id: str) -> Path:
        """Where the files of a claim are."""
        return self._layout.work / claim_id

    def begin(self, drop: Drop, claim_id: str) -> bool:
        """Take hold of a drop.

        Returns:
            False when a file of it is busy, gone or still changing; everything is back where it was.

        Raises:
            OSError: the work folder cannot be used.
        """
        folder = self.folder(claim_id)
        folder.mkdir(mode=0o700)
        reach("claim.folder_made")
        names = (drop.folder,) if drop.folder else tuple(file.name for file in drop.files)
        try:
            rename_together(self._moves(names, folder))
            fsync_folder(folder.parent)
        except OSError:
            self.give_back(claim_id)
            return False
        reach("claim.renamed")
        if self._is_unchanged(drop, folder):
            return True
        self.give_back(claim_id)
        return False

    def _moves(self, names: Sequence[str], folder: Path) -> Iterator[tuple[Path, Path]]:
        for name in names:
            yield self._layout.outbox / name, folder / name
            reach("claim.file_moved")  # the generator goes on when the move is done

    def give_back(self, claim_id: str) -> bool:
        """Return the files of a claim to the LPS's folder: data first, so that a flag never stands alone.

        Returns:
            False when a name is in use there by now: the claim stays, to be given back later. Never overwrites.
        """
        folder, outbox = self.folder(claim_id), self._layout.outbox
        names = sorted(entries(folder), key=_claim_order)
        if any((outbox / name).exists() for name in names):
            return False
        try:
            for name in names:
                rename_durable(folder / name, outbox / name)
        except FileExistsError:
            return False
        self.forget(claim_id)
        return True

    def forget(self, claim_id: str) -> None:
        """Remove the emptied folder of a claim; what is left in it stays."""
        folder = self.folder(claim_id)
        if not folder.is_dir() or entries(folder):
            return
        if (folder / PART_FILE).exists():
            remove(folder / PART_FILE)  # with the files it goes last, so that a part is never taken for a drop
        if not any(folder.iterdir()):
            folder.rmdir()

    def pending(self) -> list[str]:
        """Identifiers of all claims on the disk, oldest first."""
        return sorted(entry.name for entry in self._layout.work.iterdir() if _ULID.fullmatch(entry.name))

    def places(self, claim_id: str) -> dict[str, str]:
        """The name of every file of a claim, and where it is below the claim's folder, in the order of the claim."""
        folder = self.folder(claim_id)
        return {path.name: path.relative_to(folder).as_posix() for path in self._files(folder)}

    def read(self, claim_id: str, name: str) -> bytes:
        """One file of a claim.

        Raises:
            InvalidSubmission: ``TROP_GROS``, ``VIRUS_OU_TYPE_INTERDIT``.
            Unavailable: ``FICHIER_OCCUPE``.
            OSError: it cannot be read.
        """
        place = self.folder(claim_id) / self.places(claim_id)[name]
        return read_regular_file(place, max_bytes=self._limits.max_member_bytes)

    def content(self, claim_id: str) -> list[tuple[str, bytes]]:
        """Every file of a claim, sidecar and flags included, in the order in which it was claimed.

        Raises:
            InvalidSubmission: ``TROP_GROS``, ``VIRUS_OU_TYPE_INTERDIT``.
            Unavailable: ``FICHIER_OCCUPE``.
            OSError: it cannot be read.
        """
        files = self._files(self.folder(claim_id))
        return [(path.name, read_regular_file(path, max_bytes=self._limits.max_member_bytes)) for path in files]

    def _files(self, folder: Path) -> list[Path]:
        listing = list_folder(folder)
        paths = [folder / file.name for file in listing.files]
        for inner in listing.folders:  # profile "dossier": the drop's own folder
            paths += [folder / inner / file.name for file in list_folder(folder / inner).files]
        return sorted(paths, key=lambda path: _claim_order(path.name))

    def _is_unchanged(self, drop: Drop, folder: Path) -> bool:
        where = folder / drop.folder if drop.folder else folder
        seen = {file.name: _facts(file) for file in drop.files}
        found = {file.name: _facts(file) for file in list_folder(where).files}
        return seen == found


def _facts(file: Observation) -> tuple[int, int, int]:
    return file.size_bytes, file.mtime_ns, file.inode


def _claim_order(name: str) -> tuple[int, str]:
    """Data, then sidecar, then flag."""
    return (2 if is_flag(name) else 1 if is_sidecar(name) else 0), name
