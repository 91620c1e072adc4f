"""Where the records of an HPRIM Médecin file begin and end.

It works on the lines of a decoded text and just as well on bytes read one for one (``latin-1``): only ASCII counts.

Source rule: folder conventions 1.1 and its tolerances (tags damaged or missing, blank lines, shifted header).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connector.documents.hprim.dates import birth_date, holds_date
from connector.documents.hprim.model import nir_is_valid

__all__ = ["HEADER_LINES", "Frame", "Frames", "Tag", "find_frames", "header_shift", "is_blank", "looks_like_medecin",
           "tag_of"]  # fmt: skip

HEADER_LINES = 12
"""Lines of a header; a thirteenth, empty one is common."""

_BLANKS = " \t\x00\x1a\r\n"
_TAG = re.compile(r"\*{3,6}[ \t]*(FIN[ _]?FICHIER|FIN|LAB)[ \t]*\*{2,6}[ \t\x00\x1a\r\n]*", re.IGNORECASE)
_BIRTH = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}")
_NAME = re.compile(r"[^0-9|*:=<>()]{1,60}")
_TOWN = re.compile(r"[0-9][0-9AB][0-9]{3}(?![0-9])")
_PARTY = re.compile(r"(?=[ \t].{9}[ \t])[ \t]{1,9}\S{1,9}[ \t]+\S")  # a code right-aligned in ten columns, a name
_LEAST_LINES = 8  # of anything that may be a record: up to the birth date and the NIR


class Tag(StrEnum):
    """A line of the format itself."""

    CODED = "lab"
    RECORD_END = "fin"
    FILE_END = "finfichier"


@dataclass(frozen=True, slots=True)
class Frame:
    """The lines of one record, its closing tag excluded."""

    start: int  # first line, blank lines before the header included
    end: int  # one after the last
    coded: int | None  # the line of ``****LAB****``
    is_closed: bool  # by a tag of its own
    has_two: bool = False  # a second ``****LAB****``: an end tag is missing, and the results may be of two patients


@dataclass(frozen=True, slots=True)
class Frames:
    """Every record of a file."""

    records: tuple[Frame, ...]
    is_closed: bool  # ``****FINFICHIER****`` is there
    has_rest: bool  # something that is no record stands behind the last one


def is_blank(line: str) -> bool:
    """True for a line with nothing to see."""
    return not line.strip(_BLANKS)


def tag_of(line: str) -> Tag | None:
    """The tag that a line is; also one with a star too few, another case or blanks behind it."""
    found = _TAG.fullmatch(line) if line.startswith("***") else None
    if found is None:
        return None
    name = found[1].upper()
    return Tag.FILE_END if len(name) > 3 else Tag.CODED if name == "LAB" else Tag.RECORD_END


def find_frames(lines: Sequence[str]) -> Frames:
    """The records, in order.

    A header in the middle of a record, beyond doubt one (names, two dates, town or codes at their places), begins a
    record of its own: a missing end tag never gives a patient the results of the next one.
    """
    found = _Finder(lines)
    for number, line in enumerate(lines):
        tag = tag_of(line)
        if tag is Tag.CODED:
            found.code(number)
        elif tag is not None:
            found.close(number, tag)
        elif number >= found.start + HEADER_LINES and _is_header(lines, number):
            found.close(number, None)
    found.close(len(lines), None)
    return Frames(tuple(found.records), found.is_closed, found.has_rest)


class _Finder:
    """Collects the frames of one file."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.records: list[Frame] = []
        self.start = 0
        self.coded: int | None = None
        self.has_two = False
        self.is_closed = False
        self.has_rest = False
        self._lines = lines

    def code(self, number: int) -> None:
        """A coded part begins."""
        self.has_two = self.coded is not None
        self.coded = number if self.coded is None else self.coded

    def close(self, end: int, tag: Tag | None) -> None:
        """End what was open, if it holds anything."""
        lines = self._lines[self.start : end]
        if not all(map(is_blank, lines)):
            self._keep(lines, end, is_closed=tag is Tag.RECORD_END)
        self.is_closed = self.is_closed or tag is Tag.FILE_END
        self.start = end if tag is None else end + 1
        self.coded, self.has_two = None, False

    def _keep(self, lines: Sequence[str], end: int, *, is_closed: bool) -> None:
        """The first record counts whatever it is; behind it, what has neither a header nor an end is a rest."""
        if self.records and not is_closed and not _plausibility(lines, header_shift(lines)):
            self.has_rest = True
        else:
            self.records.append(Frame(self.start, end, self.coded, is_closed, self.has_two))


def header_shift(lines: Sequence[str]) -> int:
    """How many blank lines stand in front of a header, by where its two dates then are.

    Args:
        lines: of one record.
    """
    blanks = next((number for number, line in enumerate(lines) if not is_blank(line)), 0)
    shifts = (0, *range(max(1, blanks - HEADER_LINES), blanks + 1))
    best: int = max(shifts, key=lambda shift: (_plausibility(lines, shift), -shift))
    if best == 0 and blanks > 1 and not _plausibility(lines, 0):
        return blanks
    return best


def _plausibility(lines: Sequence[str], shift: int) -> int:
    """0 to 2: a date of birth at line 7, a date at line 10."""
    if len(lines) < shift + _LEAST_LINES - 1:
        return 0
    at_seven, at_ten = lines[shift + 6], lines[shift + 9] if len(lines) > shift + 9 else ""
    return int(_is_birth(at_seven)) + int(holds_date(at_ten))


def _is_birth(line: str) -> bool:
    bare = line.strip(_BLANKS)
    return bare[:1].isdigit() and len(bare) <= 20 and (birth_date(bare) is not None or bool(_BIRTH.fullmatch(bare)))


def _is_header(lines: Sequence[str], start: int) -> bool:
    """True when the lines from ``start`` on are a header beyond doubt."""
    if len(lines) < start + HEADER_LINES or not _is_birth(lines[start + 6]) or not holds_date(lines[start + 9]):
        return False
    names = (lines[start + 1].strip(_BLANKS), lines[start + 2].strip(_BLANKS))
    return all(map(_NAME.fullmatch, names)) and _has_town_or_codes(lines[start : start + HEADER_LINES])


def _has_town_or_codes(header: Sequence[str]) -> bool:
    """Where the town is not known, the NIR or the two codes tell a header from a column of dates in a text."""
    if _TOWN.match(header[5].strip(_BLANKS)):
        return True
    nir = re.sub(r"[\s.]", "", header[7]).upper()
    return nir_is_valid(nir) or all(_PARTY.match(line) for line in header[10:12])


def looks_like_medecin(lines: Sequence[str]) -> bool:
    """True when the dates of a header stand at their places in the first lines of a file."""
    return _plausibility(lines, header_shift(lines)) == 2
