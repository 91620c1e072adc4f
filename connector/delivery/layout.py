"""A message and a profile become a package: every file under its name, in its folder, and an index. Pure.

Source rule: lps-folder-conventions 8.6.
"""

import hashlib
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace

from connector.delivery.coverage import leaves_out
from connector.delivery.index import IndexedFile, index_bytes
from connector.delivery.naming import SHORT_NAME_CHARS, NameShelf, fitted
from connector.delivery.package import Files, Package
from connector.delivery.pattern import Pattern
from connector.delivery.pieces import Owner, Piece, Wanted, pieces_of
from connector.delivery.profile import LpsProfile
from connector.exchange.arrival import Arrival, PartRole
from connector.settings.lps import FlagFor, LpsOptions

__all__ = ["Stamp", "index_path", "lay_out", "lay_out_aside"]

_OWN_FIELDS = frozenset({"prefixe", "id"})
_INDEX = ".mss.json"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the names of one message begin with."""

    time: str  # AAAAMMJJ-HHMMSS
    id: str  # last characters of our identifier

    def prefix(self, profile: LpsProfile) -> str:
        """As the profile writes it."""
        return profile.prefix.fill({"stamp": self.time, "id": self.id})

    def values(self, profile: LpsProfile) -> dict[str, str | int]:
        """For patterns."""
        return {"stamp": self.time, "id": self.id, "prefixe": self.prefix(profile)}


def lay_out(arrival: Arrival, stamp: Stamp, profile: LpsProfile, *, plat: LpsProfile, owner: Owner) -> Package:
    """The package of a message.

    What the profile would leave out is never lost: then the whole message stands also in the folder ``hors_profil``,
    in the form of ``plat``, and its index says so.

    Args:
        arrival: the message.
        stamp: for the names.
        profile: what the software wants.
        plat: the form of what does not fit.
        owner: of the mailbox.
    """
    wanted = Wanted(arrival=arrival, profile=profile, owner=owner)
    pieces = pieces_of(wanted)
    warnings = list(dict.fromkeys(wanted.warnings))
    packer = _Packer(arrival, stamp, profile, NameShelf())
    if not leaves_out(arrival, pieces, has_index=profile.options.index):
        return packer.package(pieces, warnings)
    told = [*warnings, "RECU_HORS_PROFIL"]
    if not pieces:
        return _aside(packer, plat, owner, told)
    package = packer.package(pieces, told)
    aside = _aside(packer, plat, owner, told)
    return replace(
        package, data=(*package.data, *aside.data), index=(*package.index, *aside.index), is_aside=True
    )  # fmt: skip


def lay_out_aside(
    arrival: Arrival, stamp: Stamp, profile: LpsProfile, *, plat: LpsProfile, owner: Owner, warnings: Sequence[str]
) -> Package:
    """The whole message in the folder ``hors_profil``, in the form of ``plat``.

    Args:
        arrival: the message.
        stamp: for the names.
        profile: what the software wants otherwise; text is written as it says.
        plat: the form.
        owner: of the mailbox.
        warnings: codes for the index: why it lies there.
    """
    return _aside(_Packer(arrival, stamp, profile, NameShelf()), plat, owner, warnings)


def index_path(stamp: Stamp, profile: LpsProfile) -> str:
    """Where the index stands, below the LPS's folder."""
    folder, _ = _folder(profile.index_folders, stamp.values(profile))
    return _joined(folder, _index_name(stamp, profile))


def _aside(packer: "_Packer", plat: LpsProfile, owner: Owner, warnings: Sequence[str]) -> Package:
    options = packer.profile.options
    text = {name: getattr(options, name) for name in ("encodage", "fin_de_ligne", "longueur_nom_max")}
    whole = plat.model_copy(update={"options": plat.options.model_copy(update=text)})
    pieces = pieces_of(Wanted(arrival=packer.arrival, profile=whole, owner=owner))
    beside = replace(packer, profile=whole, below=packer.profile.hors_profil)
    return replace(beside.package(pieces, warnings), is_aside=True)


@dataclass(frozen=True, slots=True)
class _Packer:
    """Gives files their names."""

    arrival: Arrival
    stamp: Stamp
    profile: LpsProfile
    shelf: NameShelf  # of the whole delivery
    below: str = ""  # folder of everything

    def package(self, pieces: Sequence[Piece], warnings: Sequence[str]) -> Package:
        """The files, their index when there is one, and the flags."""
        options, prefix = self.profile.options, self.stamp.prefix(self.profile)
        places = [self._place(piece.rule.folders) for piece in pieces]
        home, whole = self._place(self.profile.index_folders)
        for folder, _ in (*places, (home, whole)):
            self.shelf.reserve(folder)
        path = self._named(home, _index_name(self.stamp, self.profile)) if options.index else ""
        flags = self._flag_of_message(home)
        named = self._data(pieces, [folder for folder, _ in places])
        told = _with_duplicates([_seen_from(path, file) for file, _ in named])
        return Package(
            prefix=prefix, data=tuple((file.name, content) for file, content in named),
            index=((path, index_bytes(self.arrival, prefix, told, warnings)),) if path else (),
            flags=flags or self._flags_of_files([file.name for file, _ in named]),
            whole=tuple(dict.fromkeys(filter(None, [own for _, own in places] + [whole]))), longest=self._longest,
            messages=tuple(file.name for file, _ in named if file.role is PartRole.HL7),
        )  # fmt: skip

    def _place(self, parts: Sequence[Pattern]) -> tuple[str, str]:
        """The path of a folder, and how much of it appears whole."""
        folder, whole = _folder(parts, self.stamp.values(self.profile))
        return _joined(self.below, folder), _joined(self.below, whole) if whole else ""

    def _named(self, folder: str, name: str) -> str:
        return self.shelf.place(folder, name, self._longest)

    @property
    def _longest(self) -> int:
        options = self.profile.options
        return SHORT_NAME_CHARS if options.noms_8_3 else options.longueur_nom_max

    def _data(self, pieces: Sequence[Piece], folders: Sequence[str]) -> list[tuple[IndexedFile, bytes]]:
        named, number = [], 1
        for piece, folder in zip(pieces, folders, strict=True):
            pattern, values = piece.rule.pattern, self.stamp.values(self.profile)
            values |= {"n": number, "type": piece.label, "nom": piece.own_name}
            number += "n" in pattern.fields
            path = self._named(folder, fitted(pattern.fill(values), self.profile.options))
            named.append((replace(piece.file, name=path), piece.content))
        return named

    def _flag_of_message(self, folder: str) -> Files:
        options = self.profile.options
        if not options.drapeau or options.drapeau_par is FlagFor.FILE:
            return ()
        name = self.stamp.prefix(self.profile) + _cased(options.drapeau, options)
        return ((self._named(folder, name), b""),)

    def _flags_of_files(self, paths: Sequence[str]) -> Files:
        options = self.profile.options
        if not options.drapeau or options.drapeau_par is FlagFor.MESSAGE:
            return ()
        extension = _cased(options.drapeau, options)
        stems = dict.fromkeys(posixpath.splitext(path)[0] for path in paths)
        return tuple((self._named(posixpath.dirname(s), posixpath.basename(s) + extension), b"") for s in stems)


def _index_name(stamp: Stamp, profile: LpsProfile) -> str:
    return stamp.prefix(profile) + _cased(_INDEX, profile.options)


def _seen_from(index: str, file: IndexedFile) -> IndexedFile:
    """A file with its path from the folder of the index, whatever becomes of that folder."""
    return replace(file, name=posixpath.relpath(file.name, posixpath.dirname(index) or "."))


def _folder(parts: Sequence[Pattern], values: dict[str, str | int]) -> tuple[str, str]:
    """The path of a folder, and how much of it is the message's own: up to the first name that is."""
    path, whole = "", ""
    for part in parts:
        path = _joined(path, part.fill(values))
        if not whole and part.fields & _OWN_FIELDS:
            whole = path
    return path, whole


def _joined(folder: str, name: str) -> str:
    return "/".join(filter(None, (folder, name)))


def _cased(extension: str, options: LpsOptions) -> str:
    return extension.upper() if options.extensions_majuscules or options.noms_8_3 else extension


def _with_duplicates(files: Sequence[IndexedFile]) -> list[IndexedFile]:
    """Mark what has the same content as a file before it, or as the PDF inside a document."""
    first: dict[str, str] = {}
    has_pdf = any(file.role is PartRole.PDF for file in files)
    if has_pdf:
        for file in files:
            if file.document is not None and file.document.pdf:
                first.setdefault(hashlib.sha256(file.document.pdf).hexdigest(), file.name)
    marked = []
    for file in files:
        earlier = first.setdefault(file.sha256, file.name)
        marked.append(file if earlier == file.name else replace(file, duplicate_of=earlier))
    return marked
