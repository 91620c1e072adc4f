"""The grid of a narrative table: which cell stands where, with spans resolved.

Source rules: CDA R2 NarrativeBlock.xsd, table (the HTML 4 model). Spans that overlap or run over the edge, which
the schema cannot forbid, are cut so that no cell is lost and none lies on another.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from connector.documents.pdf.blocks import Cell
from connector.documents.xml import SafeElement, local_name
from connector.domain.errors import InvalidSubmission

__all__ = ["MAX_COLUMNS", "GridReader", "Slot"]

MAX_COLUMNS = 100
"""Most columns of one table."""

_GROUPS = frozenset({"thead", "tbody", "tfoot"})
_KNOWN = frozenset({"caption", "col", "colgroup", "tr", *_GROUPS})
_RULES = {"lrule": "L", "rrule": "R", "toprule": "T", "botrule": "B"}
_WIDTH = re.compile(r"\s*(\d{1,5}(?:\.\d{1,4})?)\s*(%|px|pt|\*)?\s*")


@dataclass(frozen=True, slots=True)
class Slot:
    """A td or th element and its place; the cell's blocks are still empty."""

    cell: Cell
    element: SafeElement


class GridReader:
    """Reads the geometry of one ``table`` element."""

    def __init__(self, table: SafeElement) -> None:
        self._table = table
        self._rows = _rows_in_order(table)
        self.header_rows = _header_rows(self._rows)
        self._raw_columns = 0
        placed = list(self._place())
        self._starts = sorted({slot.cell.column for slot in placed})
        self._slots = [self._without_idle_columns(slot) for slot in placed]
        self.columns = len(self._starts)

    def slots(self) -> list[Slot]:
        """Every cell with its place, in reading order."""
        return self._slots

    def widths(self) -> tuple[float | None, ...]:
        """The share of the width that ``col`` and ``colgroup`` ask for, by column; empty when they do not."""
        asked: list[tuple[float, str] | None] = []
        for col in _cols(self._table):
            asked.extend([_width(col)] * min(_span(col, "span"), MAX_COLUMNS))
        known = [width for width in asked if width]
        units = {unit for _, unit in known}
        if len(units) != 1:
            return ()
        total = 100.0 if units == {"%"} else sum(value for value, _ in known)
        shares = [width[0] / total if width and total else None for width in asked]
        shares = (shares + [None] * self._raw_columns)[: self._raw_columns]
        groups = pairwise((*self._starts, self._raw_columns))
        return tuple(_sum(shares[first:last]) for first, last in groups)

    def _without_idle_columns(self, slot: Slot) -> Slot:
        """The slot in a grid of only those columns in which a cell begins: ``colspan="99"`` means the whole row."""
        first, last = slot.cell.column, slot.cell.column + slot.cell.columns
        column = bisect_left(self._starts, first)
        columns = bisect_left(self._starts, last) - column
        return Slot(replace(slot.cell, column=column, columns=columns), slot.element)

    @staticmethod
    def stray_texts(table: SafeElement) -> Iterator[str]:
        """Text that stands between cells, where the schema allows none."""
        for holder in (table, *_holders(table)):
            yield holder.text or ""
            yield from (child.tail or "" for child in holder)

    @staticmethod
    def stray_elements(table: SafeElement) -> Iterator[SafeElement]:
        """Elements that stand between rows or cells, where the schema allows none."""
        for holder in (table, *_holders(table)):
            allowed = {"td", "th"} if local_name(holder) == "tr" else _KNOWN
            yield from (child for child in holder if local_name(child) and local_name(child) not in allowed)

    def _place(self) -> Iterator[Slot]:
        taken: set[tuple[int, int]] = set()
        for index, row in enumerate(self._rows):
            last = self.header_rows if index < self.header_rows else len(self._rows)
            column = 0
            for element in _cells(row):
                while (index, column) in taken:
                    column += 1
                cell = self._cell(element, index, column, last, taken)
                yield Slot(cell, element)
                column += cell.columns

    def _cell(self, element: SafeElement, row: int, column: int, last: int, taken: set[tuple[int, int]]) -> Cell:
        if column >= MAX_COLUMNS:
            raise InvalidSubmission("TROP_GROS", f"a table has more than {MAX_COLUMNS} columns")
        columns = 1
        wanted = min(_span(element, "colspan"), MAX_COLUMNS - column)
        while columns < wanted and (row, column + columns) not in taken:
            columns += 1
        rows = min(_span(element, "rowspan") or last - row, last - row)
        taken.update((y, x) for y in range(row, row + rows) for x in range(column, column + columns))
        self._raw_columns = max(self._raw_columns, column + columns)
        return Cell(
            row=row, column=column, rows=rows, columns=columns, is_header=_is_header(element),
            align=_inherited(element, "align"), valign=_inherited(element, "valign"), rules=_rules(element),
        )  # fmt: skip


def _sum(shares: Sequence[float | None]) -> float | None:
    return sum(share or 0.0 for share in shares) if all(shares) else None


def _rows_in_order(table: SafeElement) -> list[SafeElement]:
    """The rows of thead, then of tbody or the table itself, then of tfoot, wherever they are written."""
    ranked: list[tuple[int, SafeElement]] = []
    for child in table:
        name = local_name(child)
        if name == "tr":
            ranked.append((1, child))
        elif name in _GROUPS:
            rank = {"thead": 0, "tfoot": 2}.get(name, 1)
            ranked.extend((rank, row) for row in child if local_name(row) == "tr")
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])]


def _header_rows(rows: list[SafeElement]) -> int:
    """Rows of thead; without one, the leading rows made of th only."""
    heads = sum(1 for row in rows if _parent_name(row) == "thead")
    if heads:
        return heads if heads < len(rows) else 0
    for index, row in enumerate(rows):
        cells = list(_cells(row))
        if not cells or any(local_name(cell) != "th" for cell in cells):
            return index
    return 0


def _holders(table: SafeElement) -> Iterator[SafeElement]:
    """The row groups of a table and all its rows."""
    for child in table:
        if local_name(child) in _GROUPS:
            yield child
            yield from (row for row in child if local_name(row) == "tr")
        elif local_name(child) == "tr":
            yield child


def _cells(row: SafeElement) -> Iterator[SafeElement]:
    return (cell for cell in row if local_name(cell) in {"td", "th"})


def _cols(table: SafeElement) -> Iterator[SafeElement]:
    """The elements that speak of one column or a run of columns."""
    for child in table:
        if local_name(child) == "col":
            yield child
        elif local_name(child) == "colgroup":
            inner = [col for col in child if local_name(col) == "col"]
            yield from inner or [child]


def _parent_name(element: SafeElement) -> str:
    parent = element.getparent()
    return local_name(parent) if parent is not None else ""


def _is_header(cell: SafeElement) -> bool:
    row = cell.getparent()
    return local_name(cell) == "th" or (row is not None and _parent_name(row) == "thead")


def _span(element: SafeElement, name: str) -> int:
    """A span of at least 1; 0 (to the end, in HTML 4) only for rowspan; nonsense counts as 1."""
    text = element.get(name, "1").strip()
    if not text.isdecimal() or len(text) > 6:
        return 1
    return int(text) if name == "rowspan" else max(1, int(text))


def _width(col: SafeElement) -> tuple[float, str] | None:
    match = _WIDTH.fullmatch(col.get("width", ""))
    if match is None or not float(match[1]):
        return None
    return float(match[1]), match[2] or "px"


def _inherited(cell: SafeElement, name: str) -> str:
    """An attribute of the cell, its row, its group or the row group's table, the nearest first."""
    for holder in (cell, *list(cell.iterancestors())[:2]):
        if value := holder.get(name, "").strip().lower():
            return value
    return ""


def _rules(cell: SafeElement) -> str:
    codes = (cell.get("styleCode") or "").lower().split()
    return "".join(side for code, side in _RULES.items() if code in codes)
