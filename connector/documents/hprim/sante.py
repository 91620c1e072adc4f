"""HPRIM Santé (``H|``, ``P|`` … ``L|``): enough to recognise a file, show its patients, split it and forward it.

Source rules: folder conventions 2.1 (delimiters as declared, lines continued by ``A|``, fields of ``H``); ASTM E1394
for the fields of ``P``, which HPRIM Santé keeps.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from connector.documents.hprim.encoding import check_size, decode, one_for_one
from connector.documents.hprim.model import nir_is_valid
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits

__all__ = ["Delimiters", "HprimSante", "SantePatient", "read_sante", "split_patients"]

_START = re.compile(r"H([^0-9A-Za-z\s])([^0-9A-Za-z\s]{2,5}?)(?:\1|$)")
_DAY = re.compile(r"([0-9]{4})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])")
_BLANKS = " \t\x00\x1a"
_ENDS = "\r\n"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_PATIENTS_FIELD, _LINES_FIELD = 3, 4  # of L, from 0: how many patients and lines the file says it has


@dataclass(frozen=True, slots=True)
class Delimiters:
    """What separates, as the file itself declares it."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SantePatient:
    """A patient and everything that follows about this person."""

    ids: tuple[str, ...] = ()  # as the two sides number the patient
    nir: str = ""  # 15 characters whose key fits, where one is given; nobody's qualified INS
    family: str
    given: str
    birth_family: str = ""
    birth_date: str | None = None  # YYYY-MM-DD
    sex: str = ""  # M, F, U as written
    lines: tuple[str, ...] = field(default=(), repr=False)  # from ``P`` on, continuation lines glued


@dataclass(frozen=True, slots=True, kw_only=True)
class HprimSante:
    """The header of a file and its patients."""

    delimiters: Delimiters
    file_name: str = ""
    sender: tuple[str, ...] = ()  # code and label
    kind: str = ""  # ADM, ORM, ORU, FAC, REG, ERR, ORA
    receiver: tuple[str, ...] = ()
    processing: str = ""  # P or T
    version: str = ""  # H2.2
    date: str = ""  # as written: YYYYMMDD[hhmm[ss]]
    patients: tuple[SantePatient, ...] = ()
    is_closed: bool = False  # ``L`` is there
    encoding: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def is_test(self) -> bool:
        """True when the file says that it is no production."""
        return self.processing == "T"


def read_sante(data: bytes, limits: Limits = DEFAULT_LIMITS) -> HprimSante:
    """The header and the patients.

    Args:
        data: in any encoding and with any line ends that :func:`decode` knows.
        limits: ``max_hprim_bytes`` and ``max_hprim_records``.

    Raises:
        InvalidSubmission: ``HPRIM_SANTE_INVALIDE`` (no ``H`` first, delimiters not readable), ``ENCODAGE``,
            ``TROP_GROS``.
    """
    check_size(data, limits)
    decoded = decode(data)
    lines = [line.strip(_BLANKS) for line in decoded.text.split("\n")]
    rows = [line for line in lines if line]
    delimiters = _delimiters(rows[0] if rows else "")
    segments = _glued(rows, delimiters)
    header = _Fields(segments[0], delimiters)
    starts = [number for number, segment in enumerate(segments) if _kind(segment, delimiters) == "P"]
    _check_count(len(starts), limits)
    ends = [number for number, segment in enumerate(segments) if _kind(segment, delimiters) == "L"]
    last = next((end for end in ends if end > max(starts, default=0)), len(segments))
    own = [segments[start:end] for start, end in zip(starts, [*starts, last][1:], strict=True)]
    return HprimSante(
        delimiters=delimiters, file_name=header.text(2), sender=header.components(4), kind=header.first(6),
        receiver=header.components(9), processing=header.first(11).upper(), version=header.first(12),
        date=header.text(13), patients=tuple(_patient(lines, delimiters) for lines in own), is_closed=bool(ends),
        encoding=decoded.encoding, warnings=decoded.warnings,
    )  # fmt: skip


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.max_hprim_records:
        detail = f"the file has {count} patients, {limits.max_hprim_records} are allowed"
        raise InvalidSubmission("TROP_GROS", detail)


def _delimiters(header: str) -> Delimiters:
    """The characters behind ``H``; an escape or a sub-component that is not declared is the usual one."""
    found = _START.match(header)
    if found is None or len(set(found[1] + found[2])) != 1 + len(found[2]):
        raise InvalidSubmission("HPRIM_SANTE_INVALIDE", "the file does not begin with H and its delimiters")
    signs = f"{found[2]}&"[:4] if len(found[2]) > 2 else f"{found[2]}\\&"
    return Delimiters(found[1], *signs)


def _kind(segment: str, delimiters: Delimiters) -> str:
    return segment.partition(delimiters.field)[0].upper()


def _glued(rows: Sequence[str], delimiters: Delimiters) -> list[str]:
    """Segments: what stands behind ``A|`` goes on where the line before it was cut."""
    segments: list[list[str]] = []
    for row in rows:
        if segments and _kind(row, delimiters) == "A" and delimiters.field in row:
            segments[-1].append(row.partition(delimiters.field)[2])
        else:
            segments.append([row])
    return ["".join(parts) for parts in segments]


class _Fields:
    """The fields of one segment, counted from 0 with the segment's name; what is not there is empty."""

    def __init__(self, segment: str, delimiters: Delimiters) -> None:
        self._delimiters = delimiters
        self._fields = segment.split(delimiters.field)

    def text(self, number: int) -> str:
        """A field as it is, trimmed."""
        return self._fields[number].strip(_BLANKS) if number < len(self._fields) else ""

    def components(self, number: int) -> tuple[str, ...]:
        """The components of its first repetition."""
        first = self.text(number).split(self._delimiters.repetition)[0]
        return tuple(part.strip(_BLANKS) for part in first.split(self._delimiters.component)) if first else ()

    def first(self, number: int) -> str:
        """The first component."""
        return next(iter(self.components(number)), "")

    def parts(self, *numbers: int) -> list[str]:
        """Every component of every repetition of some fields."""
        marks = re.escape(f"{self._delimiters.component}{self._delimiters.repetition}{self._delimiters.subcomponent}")
        found = [part.strip(_BLANKS) for number in numbers for part in re.split(f"[{marks}]", self.text(number))]
        return [part for part in found if part]

    def count(self) -> int:
        """How many fields there are."""
        return len(self._fields)


def _patient(lines: Sequence[str], delimiters: Delimiters) -> SantePatient:
    fields = _Fields(lines[0], delimiters)
    name = (*fields.components(5), "", "")
    ids = tuple(found for number in (2, 3, 4) if (found := fields.first(number)))
    born = _DAY.match(fields.text(7))
    return SantePatient(
        ids=tuple(dict.fromkeys(ids)), nir=_nir(lines, delimiters), family=name[0], given=name[1],
        birth_family=fields.first(6), birth_date="-".join(born.groups()) if born else None,
        sex=fields.first(8).upper(), lines=tuple(lines),
    )  # fmt: skip


def _nir(lines: Sequence[str], delimiters: Delimiters) -> str:
    """The first number with a right key among the patient's numbers, or else in the insurance segments."""
    fields = _Fields(lines[0], delimiters)
    found = fields.parts(2, 3, 4)
    for line in lines[1:]:
        if _kind(line, delimiters) in {"AP", "AC"}:
            insurance = _Fields(line, delimiters)
            found += insurance.parts(*range(1, insurance.count()))
    return next((bare for part in found if nir_is_valid(bare := re.sub(r"\s", "", part).upper())), "")


def split_patients(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[bytes, ...]:
    """One whole file (``H`` … ``L``) for each patient, in the encoding and with the lines of the original.

    Args:
        data: HPRIM Santé.
        limits: ``max_hprim_bytes`` and ``max_hprim_records``.

    Returns:
        The file itself when it has one patient or none. A closing segment that counts patients and lines counts those
        of its own file.

    Raises:
        InvalidSubmission: ``HPRIM_SANTE_INVALIDE``, ``ENCODAGE``, ``TROP_GROS``.
    """
    read = read_sante(data, limits)
    if len(read.patients) < 2:
        return (data,)
    whole = one_for_one(data)
    lines = [line for line in _LINE.findall(whole.text) if line.strip(_BLANKS + _ENDS)]
    kinds = [_kind(line.strip(_BLANKS + _ENDS), read.delimiters) for line in lines]
    starts = [number for number, kind in enumerate(kinds) if kind == "P"]
    last = max((number for number, kind in enumerate(kinds) if kind == "L"), default=len(lines))
    closing = _closing(lines, last, read.delimiters.field)
    parts = []
    for start, stop in zip(starts, [*starts[1:], last], strict=True):
        body = [*lines[: starts[0]], *lines[start:stop]]
        counted = _counted(closing, read.delimiters.field, len(starts), len(lines), len(body) + 1)
        parts.append(whole.part("".join([*body, counted])))
    return tuple(parts)


def _closing(lines: Sequence[str], last: int, mark: str) -> str:
    """The segment ``L`` of the file, or one of ours; it ends like the first line."""
    end = lines[0][len(lines[0].rstrip(_ENDS)) :] or "\r\n"
    return (lines[last].rstrip(_ENDS) if last < len(lines) else f"L{mark}1") + end


def _counted(closing: str, mark: str, patients: int, lines: int, own_lines: int) -> str:
    """``L`` with the counts of one part, where it had those of the whole."""
    fields = closing.split(mark)
    for place, stated, own in ((_PATIENTS_FIELD, patients, 1), (_LINES_FIELD, lines, own_lines)):
        if place < len(fields) and fields[place].strip() == str(stated):
            fields[place] = fields[place].replace(str(stated), str(own))
    return mark.join(fields)
