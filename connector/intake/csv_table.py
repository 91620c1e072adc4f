"""A table that somebody made with a spreadsheet: character set, separator, header, and what the spreadsheet damaged.

What goes wrong in the field (folder conventions §6): Windows-1252 or UTF-16 instead of UTF-8, ``;`` or tab instead of
``,``, ``sep=;`` before the header, names with quotes, and long numbers that became ``8,1E+10``: those can never be
repaired, since the digits are gone.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from connector.intake.problem import BadDrop

__all__ = ["Row", "Table", "is_damaged", "read_table"]

_SEPARATORS = (";", "\t", ",")
_ENCODINGS = ("utf-8-sig", "cp1252")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DAMAGED = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d{1,3}")
_FORMULA = re.compile(r'="(.*)"', re.DOTALL)  # how a spreadsheet is told to leave a number alone
_SEP_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        line: where it begins in the file, from 1.
        values: by column; blank ones are left out.
        is_too_long: it has more values than there are columns.
    """

    line: int
    values: Mapping[str, str]
    is_too_long: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Header and lines; blank lines are left out."""

    columns: tuple[str, ...]  # lower case, without accents
    rows: tuple[Row, ...]


def is_damaged(value: str) -> bool:
    """True for what a spreadsheet makes of a long number."""
    return _DAMAGED.fullmatch(value) is not None


def read_table(data: bytes, required: str) -> Table:
    """Read a whole table.

    Args:
        data: the file.
        required: a column that the header must have; it also tells which separator was meant.

    Raises:
        BadDrop: ``ENCODAGE``, ``SIDECAR_INVALIDE`` (no such header, a column twice, quotes that never end).
    """
    text = _decoded(data)
    told = _SEP_LINE.match(text)
    skipped = 1 if told else 0
    text = text[told.end() :] if told else text
    separator = _separator(text, required, (told[1],) if told else _SEPARATORS)
    lines = _lines(text, separator)
    _, header = next(lines)
    columns = tuple(_column(cell) for cell in header)
    named = [column for column in columns if column]
    if len(set(named)) < len(named):
        raise _bad(1 + skipped, "a column stands twice", "une colonne figure deux fois")
    rows = (_row(line + skipped, cells, columns) for line, cells in lines)
    return Table(tuple(named), tuple(row for row in rows if row.values or row.is_too_long))


def _decoded(data: bytes) -> str:
    encodings = ("utf-16",) if data.startswith(_UTF16) else _ENCODINGS
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadDrop(
        "ENCODAGE", "the table is neither UTF-8 nor CP1252", "Le fichier CSV n'est ni en UTF-8 ni en Windows-1252."
    )


def _separator(text: str, required: str, candidates: tuple[str, ...]) -> str:
    for separator in candidates:
        _, header = next(_lines(text, separator, strict=False))  # quotes stand oddly when it is another separator
        if required in map(_column, header):
            return separator
    raise _bad(1, "the header is missing", f"l'en-tête manque, ou n'a pas de colonne « {required} »")


def _lines(text: str, separator: str, *, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Each line with the number at which it begins; at least one."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)
    begins, is_empty = 1, True
    try:
        for cells in reader:
            yield begins, cells
            begins, is_empty = reader.line_num + 1, False
    except csv.Error:
        raise _bad(begins, "a line cannot be read", "guillemets mal fermés ou ligne illisible") from None
    if is_empty:
        yield 1, []


def _column(cell: str) -> str:
    """Lower case, without accents and blanks around."""
    bare = unicodedata.normalize("NFD", cell.strip().casefold())
    return "".join(c for c in bare if not unicodedata.combining(c))


def _row(line: int, cells: list[str], columns: tuple[str, ...]) -> Row:
    values = {column: _value(cell) for column, cell in zip(columns, cells, strict=False) if column and _value(cell)}
    return Row(line, values, any(cell.strip() for cell in cells[len(columns) :]))


def _value(cell: str) -> str:
    told = _FORMULA.fullmatch(cell.strip())
    return (told[1] if told else cell).strip()


def _bad(line: int, detail: str, french: str) -> BadDrop:
    return BadDrop("SIDECAR_INVALIDE", f"the table: {detail}, line {line}", f"Fichier CSV, ligne {line} : {french}.")
