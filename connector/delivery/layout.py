"""A message and a profile become a package: every file under its name, in its folder, and an index. Pure.

Source rule: lps-folder-conventions 8.6.
"""

import hashlib
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

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


@dataclass(frozen=True, slots=True)
class _Named:
    """A file with its path, and the folder that appears with it, if there is one."""

    file: IndexedFile
    content: bytes = field(repr=False)
    whole: str = ""


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
    if not leaves_out(arrival, pieces, has_index=profile.options.index):
        return _package(arrival, pieces, stamp, profile, warnings)
    told = [*warnings, "RECU_HORS_PROFIL"]
    aside = lay_out_aside(arrival, stamp, profile, plat=plat, owner=owner, warnings=told)
    if not pieces:
        return aside
    package = _package(arrival, pieces, stamp, profile, told)
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
    text = {name: getattr(profile.options, name) for name in ("encodage", "fin_de_ligne", "longueur_nom_max")}
    whole = plat.model_copy(update={"options": plat.options.model_copy(update=text)})
    pieces = pieces_of(Wanted(arrival=arrival, profile=whole, owner=owner))
    package = _package(arrival, pieces, stamp, whole, warnings)
    below = partial(_below, profile.hors_profil)
    return replace(package, data=below(package.data), index=below(package.index), is_aside=True)


def _below(folder: str, files: Files) -> Files:
    return tuple((f"{folder}/{name}", content) for name, content in files)


def index_path(stamp: Stamp, profile: LpsProfile) -> str:
    """Where the index stands, below the LPS's folder."""
    folder, _ = _folder(profile.index_folders, stamp.values(profile))
    return _joined(folder, stamp.prefix(profile) + _cased(_INDEX, profile.options))


def _package(
    arrival: Arrival, pieces: Sequence[Piece], stamp: Stamp, profile: LpsProfile, warnings: Sequence[str]
) -> Package:
    options = profile.options
    longest = SHORT_NAME_CHARS if options.noms_8_3 else options.longueur_nom_max
    named = _named(pieces, stamp, profile, NameShelf(longest))
    prefix, path = stamp.prefix(profile), index_path(stamp, profile)
    whole = [one.whole for one in named if one.whole]
    _, own = _folder(profile.index_folders, stamp.values(profile))
    index: Files = ()
    if options.index:
        told = _with_duplicates([_seen_from(path, one.file) for one in named])
        index = ((path, index_bytes(arrival, prefix, told, warnings)),)
        whole += [own] if own else []
    return Package(
        prefix=prefix, data=tuple((one.file.name, one.content) for one in named), index=index,
        flags=_flags([one.file.name for one in named], path, options), whole=tuple(dict.fromkeys(whole)),
        longest=longest, messages=tuple(one.file.name for one in named if one.file.role is PartRole.HL7),
    )  # fmt: skip


def _seen_from(index: str, file: IndexedFile) -> IndexedFile:
    """A file with its path from the folder of the index, whatever becomes of that folder."""
    return replace(file, name=posixpath.relpath(file.name, posixpath.dirname(index) or "."))


def _named(pieces: Sequence[Piece], stamp: Stamp, profile: LpsProfile, shelf: NameShelf) -> list[_Named]:
    named, number = [], 1
    for piece in pieces:
        pattern, values = piece.rule.pattern, stamp.values(profile)
        values |= {"n": number, "type": piece.label, "nom": piece.own_name}
        number += "n" in pattern.fields
        folder, whole = _folder(piece.rule.folders, values)
        path = shelf.place(folder, fitted(pattern.fill(values), profile.options))
        named.append(_Named(replace(piece.file, name=path), piece.content, whole))
    return named


def _folder(parts: Sequence[Pattern], values: dict[str, str | int]) -> tuple[str, str]:
    """The path of a folder, and how much of it is the message's own: up to the first name that is."""
    path, whole = "", ""
    for part in parts:
        path = _joined(path, part.fill(values))
        if not whole and part.fields & _OWN_FIELDS:
            whole = path
    return path, whole


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _flags(names: Sequence[str], index: str, options: LpsOptions) -> Files:
    if not options.drapeau:
        return ()
    extension = _cased(options.drapeau, options)
    if options.drapeau_par is FlagFor.MESSAGE:
        return ((index[: -len(_INDEX)] + extension, b""),)
    return tuple((name, b"") for name in dict.fromkeys(_stem(name) + extension for name in names))


def _stem(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return folder + slash + (name.rpartition(".")[0] or name)


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
