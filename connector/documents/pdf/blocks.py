"""What a page holds, as values: the meeting point of the narrative (which makes them) and the layout.

Nothing here knows XML or typst.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from connector.documents.pdf.style import PLAIN, Style

__all__ = [
    "Block",
    "Cell",
    "Heading",
    "ItemList",
    "ListItem",
    "Paragraph",
    "Picture",
    "Run",
    "Table",
    "note",
    "plain",
]


class Run(NamedTuple):
    """Text of one style; a text of one line feed is a forced line break."""

    text: str
    style: Style = PLAIN


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines of text."""

    runs: tuple[Run, ...]
    align: str = ""  # left, center, right, justify; empty: that of the cell
    indented: bool = False
    is_note: bool = False  # said by the connector, not by the document


@dataclass(frozen=True, slots=True)
class Heading:
    """Title of a section; level 1 is the outermost."""

    runs: tuple[Run, ...]
    level: int


@dataclass(frozen=True, slots=True)
class ListItem:
    """One item: what stands in front of it, and its content."""

    marker: str
    blocks: tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class ItemList:
    """An ordered or unordered list."""

    items: tuple[ListItem, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """An image ready to be placed: a self-contained SVG around PNG or JPEG data without transparency."""

    svg: str = field(repr=False)
    width_px: int
    height_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell at its place in the grid."""

    row: int
    column: int
    rows: int = 1
    columns: int = 1
    blocks: tuple["Block", ...] = ()
    is_header: bool = False
    align: str = ""
    valign: str = ""
    rules: str = ""  # sides with a strong line: some of L, R, T, B


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its cells placed; ``header_rows`` are repeated on every page."""

    columns: int
    header_rows: int
    cells: tuple[Cell, ...]
    caption: tuple[Run, ...] = ()
    widths: tuple[float | None, ...] = ()  # shares of the width asked for by col elements, 0 to 1


Block: TypeAlias = Paragraph | Heading | ItemList | Picture | Table


def plain(text: str, style: Style = PLAIN) -> tuple[Run, ...]:
    """One run."""
    return (Run(text, style),) if text else ()


def note(text: str) -> Paragraph:
    """A remark of the connector in the flow of the document."""
    return Paragraph(plain(text, PLAIN.marked("i")), is_note=True)
