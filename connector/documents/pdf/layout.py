"""Blocks to the data that the template draws: widths of columns, size of pictures, breaks in words that are too long.

All measures are points (1/72 inch). The typesetter divides a table's width by what cells would like to have and lets
a word that does not fit run into the next cell; so widths are worked out here, from the advance widths of the font:
every column gets at least its longest word, the rest is shared by need. A table that cannot fit is set smaller,
then on a landscape page; only then are words cut.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from connector.documents.pdf.blocks import Block, Cell, Heading, ItemList, Paragraph, Picture, Run, Table
from connector.documents.pdf.glyphs import must_be_upright, printable
from connector.documents.pdf.metrics import text_width

__all__ = ["LANDSCAPE_WIDTH", "PORTRAIT_WIDTH", "Json", "laid_out", "runs_of"]

Json: TypeAlias = dict[str, Any]  # what json.dumps takes; its shape is that of template.typ

PORTRAIT_WIDTH = 501.0  # A4 less margins of 1.66 cm
LANDSCAPE_WIDTH = 748.0
_PICTURE_HEIGHT = 640.0
_LANDSCAPE_PICTURE_HEIGHT = 400.0
_CELL_PADDING = 7.0  # both sides together
_LONGEST_WORD = 115.0  # longer ones (addresses, identifiers) are cut rather than forcing a column open
_POINTS_PER_PIXEL = 0.75
_SCALES = (1.0, 0.92, 0.84)
_SMALLEST = 0.72
_KEPT_TOGETHER = 220.0  # a table lower than this is not broken over two pages
_TALLEST_HEADER = 180.0  # a higher one is not repeated on every page
_LINE_HEIGHT = 13.0
_INDENT = 16.0
_MARKER = 12.0
_BREAK = "\u200b"
_TOKENS = re.compile(r"[ \n]+")
_SPLIT = re.compile(r"([ \n]+)")


@dataclass(frozen=True, slots=True)
class _Room:
    """The space that a block has."""

    width: float
    scale: float = 1.0  # of the font
    is_page: bool = False  # not inside a cell or a list: may turn the page

    def narrower(self, by: float) -> "_Room":
        return _Room(max(20.0, self.width - by), self.scale)


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a column needs at least and would like to have."""

    least: float
    best: float


def laid_out(blocks: Iterable[Block], width: float = PORTRAIT_WIDTH) -> list[Json]:
    """The data of ``blocks`` for the template, on a page ``width`` points wide."""
    return _flipped([_block(block, _Room(width, is_page=True)) for block in blocks])


def runs_of(runs: Sequence[Run], width: float = PORTRAIT_WIDTH, scale: float = 1.0) -> list[list[str]]:
    """Runs as ``[text, marks, colour, background]``, only with characters that the fonts have."""
    clean = [_drawable(run) for run in runs]
    return [[run.text, run.style.marks, run.style.colour, run.style.background] for run in _cut(clean, width / scale)]


def _drawable(run: Run) -> Run:
    text = printable(run.text)
    return Run(text, run.style.without("i") if must_be_upright(text) else run.style)


def _block(block: Block, room: _Room) -> Json:
    match block:
        case Paragraph():
            return {
                "k": "p", "r": runs_of(block.runs, room.width - _INDENT * block.indented, room.scale),
                "a": block.align, "i": block.indented, "n": block.is_note,
            }  # fmt: skip
        case Heading():
            return {"k": "h", "r": runs_of(block.runs, room.width / 1.4), "l": min(block.level, 6)}
        case ItemList():
            marker = _marker_width(block) + 4
            inner = room.narrower(marker + _MARKER)
            items = [[printable(item.marker), [_block(each, inner) for each in item.blocks]] for item in block.items]
            return {"k": "l", "w": marker, "items": items}
        case Picture():
            return _picture(block, room)
        case _:
            return _table(block, room)


def _flipped(blocks: Iterable[Json]) -> list[Json]:
    """Landscape tables that follow each other gathered on one landscape page, with the headings before them."""
    pages: list[Json] = []
    for block in blocks:
        if not block.get("land"):
            pages.append(block)
            continue
        headings: list[Json] = []
        while pages and pages[-1]["k"] == "h":
            headings.insert(0, pages.pop())
        if not (pages and pages[-1]["k"] == "f"):
            pages.append({"k": "f", "b": []})
        pages[-1]["b"].extend((*headings, block))
    return pages


def _marker_width(items: ItemList) -> float:
    return max((text_width(item.marker) for item in items.items), default=0.0)


def _picture(picture: Picture, room: _Room) -> Json:
    tallest = _PICTURE_HEIGHT if room.width <= PORTRAIT_WIDTH else _LANDSCAPE_PICTURE_HEIGHT
    width, height = picture.width_px * _POINTS_PER_PIXEL, picture.height_px * _POINTS_PER_PIXEL
    shrink = min(1.0, room.width / width, tallest / height)
    return {"k": "g", "svg": picture.svg, "w": round(width * shrink, 2), "h": round(max(1.0, height * shrink), 2)}


# --- tables ------------------------------------------------------------------------------------------


def _table(table: Table, room: _Room) -> Json:
    wishes = _wishes(table)
    scale, width = _fit(wishes, room)
    widths = _shares(table, wishes, scale, width)
    cells = [_cell(cell, widths, scale) for cell in table.cells]
    header = [cell for cell in table.cells if cell.row < table.header_rows]
    repeated = table.header_rows if _height(header, widths, scale) < _TALLEST_HEADER else 0
    caption = _lines(Paragraph(table.caption), width / scale) * _LINE_HEIGHT
    return {
        "k": "t", "w": [round(each, 2) for each in widths], "s": round(scale, 3), "land": width > room.width,
        "keep": caption + _height(table.cells, widths, scale) < _KEPT_TOGETHER,
        "cap": runs_of(table.caption, width),
        "head": [cell for cell in cells if cell["y"] < repeated],
        "body": [cell for cell in cells if cell["y"] >= repeated],
    }  # fmt: skip


def _height(cells: Iterable[Cell], widths: Sequence[float], scale: float) -> float:
    """About how tall the rows of these cells will be, rather too much; infinite with more than text in them."""
    rows: dict[int, float] = {}  # height of each; a cell over several rows counts in its first
    for cell in cells:
        width = (sum(widths[cell.column : cell.column + cell.columns]) - _CELL_PADDING) / scale
        lines = sum(_lines(block, width) for block in cell.blocks)
        rows[cell.row] = max(rows.get(cell.row, 0.0), lines * _LINE_HEIGHT + _CELL_PADDING)
    return sum(rows.values())


def _lines(block: Block, width: float) -> float:
    if not isinstance(block, Paragraph):
        return math.inf
    text = "".join(run.text for run in block.runs)
    return sum(math.ceil(1.3 * text_width(line) / width + 0.3) for line in text.split("\n")) + 0.5


def _fit(wishes: Sequence[_Wish], room: _Room) -> tuple[float, float]:
    """The size of the letters (1 is that of the text) and the width that the table takes."""
    least = sum(wish.least for wish in wishes)
    padding = _CELL_PADDING * len(wishes)
    pages = [room.width, LANDSCAPE_WIDTH] if room.is_page else [room.width]
    for page in pages:
        for scale in _SCALES:
            size = min(scale, room.scale)
            if least * size + padding <= page:
                return size, page
    return _SMALLEST, pages[-1]


def _shares(table: Table, wishes: Sequence[_Wish], scale: float, width: float) -> list[float]:
    """The width of each column; they add up to ``width``."""
    least = [wish.least * scale + _CELL_PADDING for wish in wishes]
    best = [wish.best * scale + _CELL_PADDING for wish in wishes]
    spare = width - sum(least)
    if spare <= 0:
        return [each * width / sum(least) for each in least]
    asked = _asked(table, least, width)
    if asked:
        return asked
    wants = [most - few for most, few in zip(best, least, strict=True)]
    if sum(wants) <= spare:  # everything fits on one line: share what is left by size
        return (
            [each * width / sum(best) for each in best]
            if sum(wants)
            else [each * width / sum(least) for each in least]
        )
    return [few + spare * want / sum(wants) for few, want in zip(least, wants, strict=True)]


def _asked(table: Table, least: Sequence[float], width: float) -> list[float]:
    """The widths that the document asks for, when each leaves room for the longest word."""
    shares = [share for share in table.widths if share]
    if not shares or sum(shares) > 1.001:
        return []
    others = table.columns - len(shares)
    rest = (1 - sum(shares)) / others if others else 0.0
    total = sum(shares) + rest * others
    widths = [width * (share or rest) / total for share in (table.widths or [None] * table.columns)]
    return widths if all(has >= needs for has, needs in zip(widths, least, strict=True)) else []


def _wishes(table: Table) -> list[_Wish]:
    """What each column needs; a cell over several columns adds only what these lack together."""
    least, best = [4.0] * table.columns, [8.0] * table.columns
    for cell in sorted(table.cells, key=lambda each: each.columns):
        wish = _wish_of(cell.blocks)
        span = range(cell.column, cell.column + cell.columns)
        for have, need in ((least, wish.least), (best, wish.best)):
            lack = need - sum(have[column] for column in span) - _CELL_PADDING * (cell.columns - 1)
            for column in span:
                have[column] += max(0.0, lack) / cell.columns
    return [_Wish(few, max(few, most)) for few, most in zip(least, best, strict=True)]


def _wish_of(blocks: Iterable[Block]) -> _Wish:
    wishes = [_wish(block) for block in blocks]
    return _Wish(max((wish.least for wish in wishes), default=0.0), max((wish.best for wish in wishes), default=0.0))


def _wish(block: Block) -> _Wish:
    match block:
        case Paragraph() | Heading():
            return _text_wish(block.runs)
        case ItemList():
            inner = _wish_of(each for item in block.items for each in item.blocks)
            marker = _marker_width(block) + 4 + _MARKER
            return _Wish(inner.least + marker, inner.best + marker)
        case Picture():
            wide = block.width_px * _POINTS_PER_PIXEL
            return _Wish(min(60.0, wide), min(wide, 300.0))
        case _:
            columns = _wishes(block)
            padding = _CELL_PADDING * len(columns)
            return _Wish(sum(wish.least for wish in columns) + padding, sum(wish.best for wish in columns) + padding)


def _text_wish(runs: Iterable[Run]) -> _Wish:
    text = printable("".join(run.text for run in runs))
    words = [text_width(word) for word in _TOKENS.split(text)]
    lines = [text_width(line) for line in text.split("\n")]
    return _Wish(min(_LONGEST_WORD, max(words)), max(lines))


def _cell(cell: Cell, widths: Sequence[float], scale: float) -> Json:
    width = sum(widths[cell.column : cell.column + cell.columns]) - _CELL_PADDING
    room = _Room(width, scale)
    return {
        "x": cell.column, "y": cell.row, "c": cell.columns, "r": cell.rows, "h": cell.is_header,
        "a": cell.align, "v": cell.valign, "u": cell.rules, "b": [_block(block, room) for block in cell.blocks],
    }  # fmt: skip


# --- words that are too long ------------------------------------------------------------------------------------


def _cut(runs: Sequence[Run], width: float) -> list[Run]:
    """Runs with places to break inside words wider than ``width``; words may span several runs."""
    if not _has_long_word(runs, width):
        return list(runs)
    cut, used = [], 0.0
    for run in runs:
        pieces: list[str] = []
        for character in run.text:
            advance = text_width(character)
            if character in " \n":
                used = 0.0
            elif used + advance > width:
                pieces.append(_BREAK)
                used = advance
            else:
                used += advance
            pieces.append(character)
        cut.append(Run("".join(pieces), run.style))
    return cut


def _has_long_word(runs: Sequence[Run], width: float) -> bool:
    text = "".join(run.text for run in runs)
    return any(text_width(word) > width for word in _SPLIT.split(text))
