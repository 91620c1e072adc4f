"""One look at a drop folder: what is there, without opening anything.

The scan is the truth; file events (:mod:`connector.intake.watch`) only make it come sooner. Links are never followed
and what is not a regular file is left out (it is told in :attr:`Listing.ignored`).
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "FLAG_SUFFIXES", "SIDECAR_SUFFIXES", "Listing", "Observation", "is_flag", "is_litter", "list_folder",
]  # fmt: skip

FLAG_SUFFIXES = (".ok", ".fin", ".end", ".trg", ".rdy", ".flag")
"""Ready markers met in the field; ``X.ok`` is the documented one."""

SIDECAR_SUFFIXES = (".mss.json", ".mss.ini", ".mss.xml")
"""What follows the base name in that of a sidecar."""

_LITTER_NAMES = frozenset({"thumbs.db", "desktop.ini", ".ds_store"})
_LITTER_STARTS = (".", "~$", "._")
_LITTER_SUFFIXES = (
    ".tmp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".lock", ".swp", ".writing", ".~",
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Observation:
    """One file as one scan saw it; two equal observations mean that nothing happened to it in between."""

    name: str  # exactly as on the disk
    size_bytes: int
    mtime_ns: int
    inode: int
    folder: str = ""  # name of the drop's own folder in profile "dossier"

    @property
    def place(self) -> str:
        """Where it stands under the scanned folder."""
        return f"{self.folder}/{self.name}" if self.folder else self.name


@dataclass(frozen=True, slots=True)
class Listing:
    """What one scan found."""

    files: tuple[Observation, ...]
    folders: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()  # links, devices: neither file nor folder


def is_litter(name: str) -> bool:
    """True for temporary files of writers and for what operating systems leave in folders."""
    folded = name.casefold()
    return folded in _LITTER_NAMES or folded.startswith(_LITTER_STARTS) or folded.endswith(_LITTER_SUFFIXES)


def is_flag(name: str) -> bool:
    """True for the name of a ready marker."""
    return name.casefold().endswith(FLAG_SUFFIXES)


def list_folder(path: Path, *, folder: str = "") -> Listing:
    """List one folder, sorted by name.

    Args:
        path: the folder.
        folder: what :attr:`Observation.folder` shall say.

    Returns:
        Regular files (empty ones only when they are flags, or sidecars: their documents must not leave without what
        is about to be written there), folders, and what was left out.

    Raises:
        OSError: the folder cannot be listed; its content is then unknown, never "empty".
    """
    files: list[Observation] = []
    folders: list[str] = []
    ignored: list[str] = []
    with os.scandir(path) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if is_litter(entry.name):
                continue
            facts = _facts(entry)
            if facts is None:
                continue
            if stat.S_ISREG(facts.st_mode):
                if facts.st_size or entry.name.casefold().endswith((*FLAG_SUFFIXES, *SIDECAR_SUFFIXES)):
                    files.append(_observation(entry.name, facts, folder))
            elif stat.S_ISDIR(facts.st_mode) and not _is_junction(facts):
                folders.append(entry.name)
            else:
                ignored.append(entry.name)
    return Listing(tuple(files), tuple(folders), tuple(ignored))


def _facts(entry: os.DirEntry[str]) -> os.stat_result | None:
    """What the system says of the entry itself; ``None`` when it vanished since it was listed."""
    try:
        # not entry.stat(): on Windows that answers from the listing, in which sizes lag behind the writer
        return Path(entry.path).lstat()
    except FileNotFoundError:
        return None


def _observation(name: str, facts: os.stat_result, folder: str) -> Observation:
    return Observation(name, facts.st_size, facts.st_mtime_ns, facts.st_ino, folder)


def _is_junction(facts: os.stat_result) -> bool:
    """A Windows reparse point looks like a folder and leads elsewhere."""
    return bool(getattr(facts, "st_file_attributes", 0) & stat.FILE_ATTRIBUTE_REPARSE_POINT)
