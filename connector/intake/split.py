"""How many sendings a drop means, and which files each of them has. Pure: no folder is needed, so every door uses it.

======================================  =================================================================
drop                                    parts
======================================  =================================================================
``X.mss.csv`` and its documents         one for each line, with the sidecar that the line amounts to
HL7 v2 file of several messages         one for each message; the sidecar of the drop is copied to each
HPRIM Médecin file of several reports   one for each report; the sidecar is copied
HPRIM Santé file of several patients    one for each patient; the sidecar is copied
several HL7 v2 or several HPRIM files   one for each file or record, with the PDF of the same base name
CDA documents of several patients       one for each patient, with the files of the same base names
anything else                           the drop as it is
======================================  =================================================================

CDA or HPRIM of several patients are split or refused as ``outbox.several_patients`` wants, and always refused when
the sidecar speaks of one patient; messages of HL7 v2 and lines of an index stand each for itself. What cannot be
given to one part for sure (a PDF beside several records) refuses the drop: nothing stays behind unseen.

The same drop always gives the same parts in the same order.
"""

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType

from connector.documents.cda.model import CdaDocument
from connector.documents.cda.parse import parse_cda
from connector.documents.hl7.text import split_messages
from connector.documents.hprim.medecin import read_medecin, split_records
from connector.documents.hprim.sante import read_sante, split_patients
from connector.documents.recognise import FileKind, recognise
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.submission import FileRole, SubmittedFile
from connector.intake.assemble import ClaimedDrop, as_file
from connector.intake.batch_index import IndexLine, read_index
from connector.intake.drop import base_name, is_batch_index, is_sidecar, same_name
from connector.intake.problem import BadDrop
from connector.intake.scan import SIDECAR_SUFFIXES, is_flag
from connector.intake.sidecar import Sidecar, read_sidecar
from connector.platform.names import safe_name
from connector.settings.model import MailboxSettings, SeveralPatients

__all__ = ["MOST_PARTS", "Part", "is_lot", "split", "split_index"]

MOST_PARTS = 20_000
"""A night of a big laboratory in one file."""

_MOST_BASE_CHARS = 100
_BESIDE = (FileRole.SIDECAR, FileRole.FLAG)

Splitter = Callable[[bytes, Limits], Sequence[bytes]]


def _hprim_records(data: bytes, limits: Limits) -> Sequence[bytes]:
    """By patient in HPRIM Santé, by report in HPRIM Médecin, where each names its own patient and recipient."""
    if recognise(data) is FileKind.HPRIM_SANTE:
        return split_patients(data, limits)
    return split_records(data, limits)


_RECORDS: Mapping[FileRole, Splitter] = MappingProxyType({
    FileRole.HL7: split_messages, FileRole.HPRIM: _hprim_records,
})  # fmt: skip
"""Formats in which one file may mean several sendings."""


@dataclass(frozen=True, slots=True)
class Part:
    """One sending of a drop.

    Attributes:
        base: what the LPS knows it by.
        kept: files of the drop that belong to this part alone, by name.
        made: files that were made for it, with their content.
        problem: why it is refused, when that is known already; the other parts leave all the same.
    """

    base: str
    kept: tuple[str, ...]
    made: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    problem: BadDrop | None = None

    def files(self, drop: ClaimedDrop) -> list[tuple[str, bytes]]:
        """Names and contents of everything that it has: documents, then sidecar and flag."""
        own = [(name, content) for name, content in drop.files if name in self.kept]
        return sorted([*own, *self.made], key=lambda file: (is_sidecar(file[0]), is_flag(file[0]), file[0]))


def is_lot(parts: Sequence[Part]) -> bool:
    """True unless the drop is one sending as it is."""
    return len(parts) != 1 or bool(parts[0].made) or parts[0].problem is not None


def split(
    drop: ClaimedDrop, mailbox: MailboxSettings, limits: Limits, said: Sidecar | None = None
) -> tuple[Part, ...]:
    """The parts of a drop.

    Args:
        drop: names and bytes.
        mailbox: ``outbox.several_patients``.
        limits: bounds of reading.
        said: what was said of the whole drop, by a door that has no sidecars.

    Raises:
        InvalidSubmission: the drop as a whole cannot be taken: ``PATIENTS_MULTIPLES``, ``PDF_SANS_DOCUMENT``,
            ``TROP_GROS``, and what reading its sidecar, its index or its messages raises.
    """
    for name, content in drop.files if said is None else ():
        if is_batch_index(name):
            return split_index(content, [other for other, _ in drop.files if other != name], limits)
    files = [replace(as_file(name, content), name=name) for name, content in drop.files]  # as on the disk
    may_split = partial(_check_may_split, files, mailbox, limits, said)
    data = [file for file in files if file.role not in _BESIDE]
    roles = {file.role for file in data}
    as_it_is = (Part(drop.base, tuple(name for name, _ in drop.files)),)
    if len(roles & _RECORDS.keys()) == 1 and roles <= {*_RECORDS, FileRole.PDF}:
        return _bounded(_of_records(files, data, may_split, limits)) or as_it_is
    if [file.role for file in data].count(FileRole.CDA) > 1 and FileRole.XDM not in roles:
        return _of_patients(drop, files, may_split, limits) or as_it_is
    return as_it_is


def split_index(
    index: bytes, others: Sequence[str], limits: Limits, *, cut: Collection[str] = ()
) -> tuple[Part, ...]:
    """The parts of a batch with an index, from the names of its files alone: their content is not needed.

    Args:
        index: the content of ``X.mss.csv``.
        others: names of all other files of the drop.
        limits: bounds of reading.
        cut: those of them whose end never came.

    Raises:
        BadDrop: nothing of the index can be used, or a sidecar beside it would say otherwise.
    """
    if any(map(is_sidecar, others)):
        raise BadDrop(
            "SIDECAR_INVALIDE", "an index and a sidecar in one drop",
            "Le dépôt contient un index de lot (CSV) et un autre fichier d'accompagnement ; n'en gardez qu'un.",
        )  # fmt: skip
    shelf = _Shelf([name for name in others if not is_flag(name)])
    own = [_of_line(line, shelf) for line in read_index(index, limits)]
    parts = [replace(part, kept=(*part.kept, *shelf.companions(part.kept))) for part in own]
    parts += [_of_nobody(name) for name in shelf.left()]
    return tuple(_checked(part, cut) for part in parts)


class _Shelf:
    """The documents of a batch that no line has yet."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = dict.fromkeys(names)
        self._spellings: dict[str, list[str]] = {}
        self._by_base: dict[str, list[str]] = {}
        for name in names:
            self._spellings.setdefault(same_name(name), []).append(name)
            self._by_base.setdefault(same_name(base_name(name)), []).append(name)

    def take(self, wanted: str) -> str | None:
        """The file that a line means, as on the disk: its very spelling first."""
        spellings = [name for name in self._spellings.get(same_name(wanted), ()) if name in self._names]
        found = min(spellings, key=lambda name: unicodedata.normalize("NFC", name) != wanted, default=None)
        if found is not None:
            del self._names[found]
        return found

    def companions(self, kept: Sequence[str]) -> list[str]:
        """What is called like the file of a line, and that no line names."""
        names = self._by_base.get(same_name(base_name(kept[0])), []) if kept else []
        found = [name for name in names if name in self._names and same_name(name) != same_name(kept[0])]
        for name in found:
            del self._names[name]
        return found

    def left(self) -> list[str]:
        """What nobody has."""
        return list(self._names)


def _of_line(line: IndexLine, shelf: _Shelf) -> Part:
    """The file of a line; of two lines with one file, the first one has it."""
    base = safe_name(base_name(line.file) if line.file else f"ligne-{line.line}", max_chars=_MOST_BASE_CHARS)
    found = shelf.take(line.file) if line.file else None
    problem = line.problem
    if found is None and problem is None:
        problem = BadDrop(
            "INCOMPLET", "a file of the index never came",
            f"Ligne {line.line} de l'index : le fichier « {line.file} » n'est jamais arrivé.",
        )  # fmt: skip
    return Part(base, (found,) if found else (), ((f"{base}.mss.json", line.sidecar),), problem)


def _of_nobody(name: str) -> Part:
    problem = BadDrop(
        "SIDECAR_INVALIDE", "no line of the index names this file",
        f"Fichier « {name} » : aucune ligne de l'index du lot ne le nomme.",
    )  # fmt: skip
    return Part(safe_name(base_name(name), max_chars=_MOST_BASE_CHARS), (name,), (), problem)


def _checked(part: Part, cut: Collection[str]) -> Part:
    """A part with a file whose end never came does not leave."""
    name = next((name for name in part.kept if name in cut), None)
    if part.problem is not None or name is None:
        return part
    french = f"Fichier « {name} » : la fin n'est jamais arrivée."
    return replace(part, problem=BadDrop("INCOMPLET", "the end of a file of the index never came", french))


def _of_records(
    files: Sequence[SubmittedFile], data: Sequence[SubmittedFile], may_split: Callable[[], None], limits: Limits
) -> tuple[Part, ...]:
    """Nothing when the drop is one record as it is."""
    holders = [file for file in data if file.role in _RECORDS]
    records = {file.name: _RECORDS[file.role](file.content, limits) for file in holders}
    if sum(map(len, records.values())) == 1:
        return ()
    if len({who for file in holders if file.role is FileRole.HPRIM for who in _hprim_patients(file, limits)}) > 1:
        may_split()
    pdfs = _companions([file for file in data if file.role is FileRole.PDF], [holder.name for holder in holders])
    parts: list[Part] = []
    for file in holders:
        beside = [pdf.name for pdf in pdfs.get(same_name(base_name(file.name)), ())]
        if len(records[file.name]) == 1:
            base = base_name(file.name)
            parts.append(Part(base, (file.name, *beside), _sidecars(files, base)))
        elif beside:
            raise _pdf_of_nobody(beside[0])
        else:
            parts += _slices(file, records[file.name], files)
    return tuple(parts)


def _hprim_patients(file: SubmittedFile, limits: Limits) -> list[tuple[str | None, ...]]:
    """Who is in a file, as it names them."""
    if recognise(file.content) is FileKind.HPRIM_SANTE:
        everybody = read_sante(file.content, limits).patients
        return [(one.family, one.given, one.birth_date, *one.ids) for one in everybody]
    records = read_medecin(file.content, limits).records
    return [(one.family.casefold(), one.given.casefold(), one.birth_raw, one.nir) for one in records]


def _slices(file: SubmittedFile, records: Sequence[bytes], files: Sequence[SubmittedFile]) -> list[Part]:
    stem = base_name(file.name)
    suffix = unicodedata.normalize("NFC", file.name)[len(stem) :]
    bases = _numbered(stem, len(records))
    return [
        Part(base, (), ((f"{base}{suffix}", record), *_sidecars(files, base)))
        for base, record in zip(bases, records, strict=True)
    ]


def _numbered(base: str, count: int) -> list[str]:
    """``LOT_01``, ``LOT_02`` …: sorted by name they keep their order."""
    short = safe_name(base, max_chars=_MOST_BASE_CHARS)
    return [f"{short}_{number:0{len(str(count))}}" for number in range(1, count + 1)]


def _sidecars(files: Sequence[SubmittedFile], base: str) -> tuple[tuple[str, bytes], ...]:
    """The sidecar of the drop under the name of a part."""
    own = [file for file in files if file.role is FileRole.SIDECAR]
    return tuple((f"{base}{_suffix(file.name)}", file.content) for file in own)


def _suffix(name: str) -> str:
    return next(suffix for suffix in SIDECAR_SUFFIXES if name.casefold().endswith(suffix))


def _companions(files: Sequence[SubmittedFile], names: Sequence[str]) -> dict[str, list[SubmittedFile]]:
    """Files by the base name that they share with one of ``names``.

    Raises:
        BadDrop: ``PDF_SANS_DOCUMENT`` for one that belongs to none.
    """
    found: dict[str, list[SubmittedFile]] = {same_name(base_name(name)): [] for name in names}
    for file in files:
        key = same_name(base_name(file.name))
        if key not in found:
            raise _pdf_of_nobody(file.name)
        found[key].append(file)
    return found


def _pdf_of_nobody(name: str) -> BadDrop:
    return BadDrop(
        "PDF_SANS_DOCUMENT", "a file beside several records or documents belongs to none of them for sure",
        f"Fichier « {name} » : le dépôt contient plusieurs comptes rendus, et rien ne dit duquel il est la copie.",
    )  # fmt: skip


def _of_patients(
    drop: ClaimedDrop, files: Sequence[SubmittedFile], may_split: Callable[[], None], limits: Limits
) -> tuple[Part, ...]:
    """Nothing when the documents are of one patient, or when that cannot be known: sending then looks closer."""
    documents = [file for file in files if file.role is FileRole.CDA]
    try:
        patients = _by_patient([parse_cda(file.content, limits) for file in documents])
    except InvalidSubmission:
        return ()
    if len(set(patients)) == 1:
        return ()
    may_split()
    others = [file for file in files if file.role not in (*_BESIDE, FileRole.CDA)]
    beside = _companions(others, [file.name for file in documents])
    kept: dict[int, list[str]] = {}
    for file, patient in zip(documents, patients, strict=True):
        key = same_name(base_name(file.name))
        kept.setdefault(patient, []).extend(f.name for f in (file, *beside.pop(key, ())))
    bases = _numbered(drop.base, len(kept))
    return tuple(
        Part(base, tuple(names), _sidecars(files, base)) for base, names in zip(bases, kept.values(), strict=True)
    )


def _by_patient(documents: Sequence[CdaDocument]) -> list[int]:
    """For each document the number of the first one of the same patient."""
    first: list[int] = []
    for number, document in enumerate(documents):
        same = (other for other in range(number) if _is_same_patient(document, documents[other]))
        first.append(next((first[other] for other in same), number))
    return first


def _is_same_patient(one: CdaDocument, other: CdaDocument) -> bool:
    """By the matricule when both have one, else by any identifier that they share."""
    if one.patient.ins and other.patient.ins:
        return one.patient.ins.extension == other.patient.ins.extension
    return not set(one.patient.ids).isdisjoint(other.patient.ids)


def _check_may_split(
    files: Sequence[SubmittedFile], mailbox: MailboxSettings, limits: Limits, said: Sidecar | None
) -> None:
    sidecars = [read_sidecar(file.name, file.content, limits) for file in files if file.role is FileRole.SIDECAR]
    sidecars += [said] if said is not None else []
    if mailbox.outbox.several_patients is SeveralPatients.REFUSE:
        raise BadDrop("PATIENTS_MULTIPLES", "the drop is about several patients", "Réglage « several_patients ».")
    if any(map(_speaks_of_one, sidecars)):
        raise BadDrop(
            "PATIENTS_MULTIPLES", "the sidecar speaks of one patient, the drop holds several",
            "Le fichier d'accompagnement décrit un patient, les documents en concernent plusieurs.",
        )  # fmt: skip


def _speaks_of_one(sidecar: Sidecar) -> bool:
    """True when what is said cannot hold for two patients."""
    who = sidecar.patient
    named = who is not None and any((who.ins, who.birth_family, who.used_family, who.given, who.birth_date))
    return bool(named or sidecar.options.file_number or sidecar.replaces or sidecar.withdraws)


def _bounded(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    if len(parts) > MOST_PARTS:
        raise BadDrop("TROP_GROS", f"{len(parts)} records in one drop", f"Plus de {MOST_PARTS} comptes rendus.")
    return parts
