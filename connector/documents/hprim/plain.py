"""The body of a CDA document as plain text in columns, for readers that know no more than that.

Source rule: folder conventions 8.6 (synthesis: the narrative text; 80 columns). No word is lost and no word or number
is ever cut in two: a table that would need that becomes one line for each cell.
"""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from connector.documents.pdf.blocks import Block, Cell, Heading, ItemList, Paragraph, Picture, Run, Table

__all__ = ["text_of_blocks"]

_GAP = "  "
_NUMBER_LIKE = re.compile(r"[-+\u2212]?[0-9]")  # not the sign of an ion alone
_LEAST_COLUMNS = 20  # of an inner block, however deep it stands


def text_of_blocks(blocks: Iterable[Block], columns: int = 80) -> str:
    """The text; blocks are separated by an empty line.

    Args:
        blocks: in reading order.
        columns: at most so many characters in a line, unless one word alone is longer.
    """
    return "\n\n".join(filter(None, ("\n".join(_lines(block, columns)) for block in blocks)))


def _lines(block: Block, columns: int) -> list[str]:
    match block:
        case Paragraph():
            return _wrapped(_text(block.runs), columns)
        case Heading():
            title = _wrapped(_text(block.runs), columns)
            return [*title, ("=" if block.level == 1 else "-") * max(map(len, title), default=0)]
        case ItemList():
            return list(_items(block, columns))
        case Picture():
            return _wrapped("[image : voir le document]", columns)
        case _:
            return _table(block, columns)


def _text(runs: Sequence[Run]) -> str:
    """Text that was struck out stays recognisable, and a number that was raised or lowered behind another one too."""
    text = ""
    for run in runs:
        text += _run(run, text[-1:])
    return text


def _run(run: Run, before: str) -> str:
    """``10^9``, not ``109``; a footnote behind a value is no digit of it."""
    if "s" in run.style.marks and run.text.strip():
        return f"[supprimé : {run.text}]"
    mark = next((mark for mark in "^_" if mark in run.style.marks), "")
    is_number = before.isdigit() and _NUMBER_LIKE.match(run.text)
    return f"{mark}{run.text}" if mark and is_number else run.text


def _wrapped(text: str, columns: int) -> list[str]:
    """Lines as they are, the long ones wrapped between words."""
    lines = [line.strip() for line in text.split("\n")]
    return [
        piece
        for line in lines
        for piece in textwrap.wrap(line, columns, break_long_words=False, break_on_hyphens=False) or [""]
    ]


def _items(block: ItemList, columns: int) -> Iterator[str]:
    for item in block.items:
        marker = f"{item.marker} "
        inner = _flat(item.blocks, max(columns - len(marker), _LEAST_COLUMNS)) or [""]
        yield f"{marker}{inner[0]}".rstrip()
        yield from (f"{' ' * len(marker)}{line}".rstrip() for line in inner[1:])


def _flat(blocks: Sequence[Block], columns: int) -> list[str]:
    return [line for block in blocks for line in _lines(block, columns)]


# --- tables -------------------------------------------------------------------------------------------------------


def _table(table: Table, columns: int) -> list[str]:
    """Aligned columns where they fit, else the cells one below the other."""
    caption = _wrapped(_text(table.caption), columns) if table.caption else []
    widths = _widths(table, columns)
    rows = _in_columns(table, widths) if widths else _one_by_one(table, columns)
    return [*caption, *rows]


def _widths(table: Table, columns: int) -> list[int] | None:
    """As wide as the widest cell; where that is too much, the widest columns give way down to their longest word."""
    natural, least = [0] * table.columns, [0] * table.columns
    for cell in sorted(table.cells, key=lambda one: one.columns):
        lines = _flat(cell.blocks, columns)
        last = cell.column + cell.columns - 1  # of several columns the last one makes room
        natural[last] += max(max(map(len, lines), default=0) - _span(natural, cell), 0)
        least[last] += max(_longest_word(lines) - _span(least, cell), 0)
    room = columns - len(_GAP) * (table.columns - 1)
    has_blocks = any(isinstance(block, (Table, ItemList)) for cell in table.cells for block in cell.blocks)
    if has_blocks or sum(least) > room:
        return None
    while sum(natural) > room:
        widest = max(range(table.columns), key=lambda place: natural[place] - least[place])
        natural[widest] -= 1
    return natural


def _longest_word(lines: Iterable[str]) -> int:
    return max((len(word) for line in lines for word in line.split()), default=0)


def _span(widths: Sequence[int], cell: Cell) -> int:
    """The room of a cell with the gaps between the columns that it spans."""
    own = widths[cell.column : cell.column + cell.columns]
    return sum(own) + len(_GAP) * (len(own) - 1)


def _in_columns(table: Table, widths: Sequence[int]) -> list[str]:
    """Row by row; a line of dashes below the header rows."""
    lines: list[str] = []
    for row, cells in _rows(table):
        lines += _row(cells, widths)
        if row == table.header_rows - 1:
            lines.append(_GAP.join("-" * width for width in widths).rstrip())
    return lines


def _rows(table: Table) -> list[tuple[int, list[Cell]]]:
    """The cells of each row from left to right; a cell of several rows stands in its first one."""
    found: dict[int, list[Cell]] = {}
    for cell in sorted(table.cells, key=lambda one: (one.row, one.column)):
        found.setdefault(cell.row, []).append(cell)
    return list(found.items())


def _row(cells: Sequence[Cell], widths: Sequence[int]) -> Iterator[str]:
    contents = {cell.column: _flat(cell.blocks, max(_span(widths, cell), 1)) for cell in cells}
    height = max(map(len, contents.values()), default=0)
    starts = [sum(widths[:place]) + len(_GAP) * place for place in range(len(widths))]
    for number in range(height):
        line = ""
        for cell in cells:
            content = contents[cell.column]
            if number < len(content) and content[number]:
                line = (f"{line}{_GAP}" if line else "").ljust(starts[cell.column]) + content[number]
        yield line.rstrip()


def _one_by_one(table: Table, columns: int) -> list[str]:
    """``column title : value`` for each cell, an empty line between rows."""
    titles = {
        cell.column: " ".join(_flat(cell.blocks, columns)).strip()
        for cell in table.cells if cell.row < table.header_rows
    }  # fmt: skip
    lines: list[str] = []
    for row, cells in _rows(table):
        if row < table.header_rows:
            continue
        lines += [""] if lines else []
        lines += [line for cell in cells for line in _told(titles.get(cell.column, ""), cell, columns)]
    return lines or list(titles.values())


def _told(title: str, cell: Cell, columns: int) -> list[str]:
    content = _flat(cell.blocks, columns - len(_GAP))
    joined = f"{title} : {content[0]}" if title and content else ""
    if len(content) == 1 and joined and len(joined) <= columns:
        return [joined]
    return [*([f"{title} :"] if title and content else []), *(f"{_GAP if title else ''}{line}" for line in content)]
