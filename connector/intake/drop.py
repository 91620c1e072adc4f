"""Grouping files into drops by base name: pure, so that any order of appearance gives the same groups.

``X.xml``, ``X.pdf``, ``X.mss.json`` and ``X.ok`` are one drop. Names are compared in NFC and without case, since
Macs decompose accents and old software changes case at will; yet two *documents* whose names differ only by that are
two drops. A sidecar that lists files (``fichiers``) makes them one drop whatever their names are; so does the index
of a batch (``X.mss.csv``), which also takes what is called like the files that it lists.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from connector.intake.scan import SIDECAR_SUFFIXES, Observation, is_flag

__all__ = ["Drop", "base_name", "group", "is_batch_index", "is_sidecar", "same_name"]

_BATCH_INDEX = ".mss.csv"
_DATA_SUFFIXES = frozenset({
    ".xml", ".cda", ".zip", ".pdf", ".hl7", ".er7", ".oru", ".hpr", ".hpm", ".hpm1", ".hpm2", ".hpm3", ".hprim",
    ".txt", ".csv", ".jpg", ".jpeg", ".png", ".tif", ".tiff",
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Files that belong together."""

    base: str  # name without suffix, NFC, case as the LPS wrote it
    data: tuple[Observation, ...] = ()
    sidecars: tuple[Observation, ...] = ()
    flags: tuple[Observation, ...] = ()
    missing: tuple[str, ...] = ()  # demanded by the sidecar, not there yet
    folder: str = ""  # profile "dossier": the drop is this folder

    @property
    def files(self) -> tuple[Observation, ...]:
        """All of them in the order in which they are claimed: data, sidecar, flag."""
        return self.data + self.sidecars + self.flags

    @property
    def index(self) -> Observation | None:
        """The index of a batch, when it is one."""
        return next((file for file in self.data if is_batch_index(file.name)), None)


def is_sidecar(name: str) -> bool:
    """True for ``X.mss.json``, ``X.mss.ini``, ``X.mss.xml``."""
    return name.casefold().endswith(SIDECAR_SUFFIXES)


def is_batch_index(name: str) -> bool:
    """True for ``X.mss.csv``, which makes one sending of each of its lines."""
    return name.casefold().endswith(_BATCH_INDEX)


def base_name(name: str) -> str:
    """What remains of a file name without the suffixes that only say what kind of file it is (NFC)."""
    text = unicodedata.normalize("NFC", name)
    folded = text.casefold()
    for suffix in (*SIDECAR_SUFFIXES, _BATCH_INDEX):
        if folded.endswith(suffix):
            return text[: -len(suffix)]
    if is_flag(text):
        rest = text.rpartition(".")[0]
        return _stem(rest) if _suffix(rest) in _DATA_SUFFIXES else rest
    return _stem(text)


def same_name(name: str) -> str:
    """The form in which two spellings of one name are equal."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def group(
    files: Iterable[Observation], lists: Mapping[str, Sequence[str]] | None = None, folder: str = ""
) -> list[Drop]:
    """The drops among ``files``, sorted by base name.

    Args:
        files: one listing, in any order.
        lists: for each sidecar or batch index that can be read, by its :attr:`Observation.name`: the files that it
            demands.
        folder: profile "dossier": everything in this folder is one drop.
    """
    ordered = sorted(files)
    if folder:
        missing = _missing(ordered, lists or {})
        return [_drop(folder, ordered, folder=folder, missing=missing)] if ordered else []
    pool = _Pool(ordered)
    drops = [_listed(pool, sidecar, names) for sidecar, names in sorted((lists or {}).items()) if names]
    groups: dict[str, list[Observation]] = defaultdict(list)
    for file in pool.files.values():
        groups[pool.base_of(file.name)].append(file)
    drops += [drop for members in groups.values() for drop in _separate_twins(members)]
    return sorted((drop for drop in drops if drop.files), key=lambda drop: (drop.base, drop.files))


class _Pool:
    """The files of one listing that no drop has yet, with the indexes that keep 3,000 files cheap."""

    def __init__(self, ordered: Sequence[Observation]) -> None:
        self.files = {file.name: file for file in ordered}
        self._spellings: dict[str, list[str]] = defaultdict(list)
        self._documents: dict[str, int] = defaultdict(int)  # how many of each base are left
        self._flags: dict[str, list[str]] = defaultdict(list)
        self._members: dict[str, list[str]] = defaultdict(list)  # documents of each base
        for name in self.files:
            self._spellings[same_name(name)].append(name)
            if is_flag(name):
                for key in _flag_keys(name):
                    self._flags[key].append(name)
                continue
            key = same_name(base_name(name))
            self._documents[key] += 1
            if not is_sidecar(name) and not is_batch_index(name):
                self._members[key].append(name)

    def take(self, name: str) -> Observation | None:
        """The file that a sidecar means: the exact spelling first, else another spelling of the same name."""
        spellings = [name, *self._spellings.get(same_name(name), ())]
        found = next((spelling for spelling in spellings if spelling in self.files), None)
        if found is None:
            return None
        self._documents[same_name(base_name(found))] -= 1
        return self.files.pop(found)

    def take_companions(self, name: str) -> list[Observation]:
        """What is left of the documents with the base of ``name``; another spelling of it is another document."""
        key = same_name(name)
        members = self._members.get(same_name(base_name(name)), ())
        found = [self.take(other) for other in members if other in self.files and same_name(other) != key]
        return [file for file in found if file is not None]

    def take_flags(self, base: str) -> list[Observation]:
        """The flags of a base of which no document is left."""
        if self._documents[base]:
            return []
        return [self.files.pop(name) for name in self._flags.get(base, ()) if name in self.files]

    def base_of(self, name: str) -> str:
        """The group of a file; a flag belongs to the very file that it names when that file is there."""
        if is_flag(name):
            rest = name.rpartition(".")[0]
            named = next(iter(self._spellings.get(same_name(rest), ())), None)
            if named is not None and not is_flag(named):
                return same_name(base_name(named))
            if self._documents.get(same_name(rest)):
                return same_name(rest)
        return same_name(base_name(name))


def _flag_keys(name: str) -> set[str]:
    """The bases that a flag may stand for: ``X.pdf.ok`` is for ``X.pdf`` or for ``X``."""
    rest = name.rpartition(".")[0]
    return {same_name(text) for text in (rest, base_name(name), _stem(rest), base_name(rest))}


def _listed(pool: _Pool, sidecar: str, names: Sequence[str]) -> Drop:
    """Take what a sidecar demands out of the pool, with the flags of those files."""
    own = pool.take(sidecar)
    if own is None:
        return Drop(base=base_name(sidecar))
    found = {name: pool.take(name) for name in dict.fromkeys(names) if same_name(name) != same_name(sidecar)}
    listed = [file for file in found.values() if file is not None]
    members = [own, *listed]
    if is_batch_index(sidecar):  # a line names one file and means what is called like it
        members += [other for file in listed for other in pool.take_companions(file.name)]
    bases = dict.fromkeys(same_name(base_name(file.name)) for file in members)
    flags = [flag for base in bases for flag in pool.take_flags(base)]
    missing = [name for name, file in found.items() if file is None]
    return _drop(base_name(sidecar), sorted([*members, *flags]), missing=missing)


def _missing(members: Sequence[Observation], lists: Mapping[str, Sequence[str]]) -> list[str]:
    present = {same_name(file.name) for file in members}
    return [name for names in lists.values() for name in names if same_name(name) not in present]


def _stem(name: str) -> str:
    stem, dot, _ = name.rpartition(".")
    return stem if dot and stem else name


def _suffix(name: str) -> str:
    return "." + name.rpartition(".")[2].casefold() if "." in name else ""


def _drop(base: str, members: Sequence[Observation], *, folder: str = "", missing: Sequence[str] = ()) -> Drop:
    sidecars = tuple(file for file in members if is_sidecar(file.name))
    flags = tuple(file for file in members if is_flag(file.name))
    data = tuple(file for file in members if file not in sidecars and file not in flags)
    return Drop(base=base, data=data, sidecars=sidecars, flags=flags, missing=tuple(missing), folder=folder)


def _separate_twins(members: Sequence[Observation]) -> list[Drop]:
    """One drop, or one per spelling when two documents of the group differ only by their spelling."""
    if not _has_twins(members):
        return [_drop(_base_of(members), members)]
    spellings: dict[str, list[Observation]] = defaultdict(list)
    for file in members:
        spellings[_raw_base(file.name)].append(file)
    return [drop for files in spellings.values() for drop in _one_each(files)]


def _one_each(files: Sequence[Observation]) -> list[Drop]:
    """``X.xml`` and ``X.XML``: the second document stands alone."""
    first: list[Observation] = []
    alone: list[Drop] = []
    for file in files:
        twin = any(same_name(file.name) == same_name(other.name) for other in first)
        if twin:
            alone.append(_drop(base_name(file.name), [file]))
        else:
            first.append(file)
    return [_drop(_base_of(first), first), *alone]


def _has_twins(members: Sequence[Observation]) -> bool:
    return len({same_name(file.name) for file in members}) < len(members)


def _base_of(members: Sequence[Observation]) -> str:
    """As the first document spells it, else as the first file does."""
    documents = [file for file in members if not is_flag(file.name) and not is_sidecar(file.name)]
    return base_name((documents or list(members))[0].name)


def _raw_base(name: str) -> str:
    """The base name as written on the disk, not normalised; suffixes are ASCII."""
    suffix = len(unicodedata.normalize("NFC", name)) - len(base_name(name))
    return name[: len(name) - suffix]
