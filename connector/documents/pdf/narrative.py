"""The narrative of a section (``section/text``) as blocks: every word of it, in reading order.

Source rules: CDA R2 NarrativeBlock.xsd; Ref#2 ECO.2.1.5 (faithful rendering of the narrative). What the schema
does not know is read through: its text is never lost. Elements are taken by local name, whatever the namespace.

Depth is bounded twice: tables and lists inside each other beyond :data:`MAX_BLOCK_DEPTH`, and elements beyond
:data:`MAX_DEPTH`, become plain lines, so that no document can exhaust the stack of the typesetter or ours.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lxml import etree

from connector.documents.pdf.blocks import Block, Cell, ItemList, ListItem, Paragraph, Run, Table
from connector.documents.pdf.grid import GridReader
from connector.documents.pdf.markers import marker_of
from connector.documents.pdf.media import MediaIndex
from connector.documents.pdf.style import PLAIN, Style
from connector.documents.xml import SafeElement, local_name
from connector.domain.errors import InvalidSubmission

__all__ = ["MAX_BLOCK_DEPTH", "MAX_DEPTH", "MAX_PIECES", "NarrativeReader", "collapsed"]

MAX_BLOCK_DEPTH = 4  # tables and lists inside each other that are still drawn as such
MAX_DEPTH = 40  # elements inside each other
MAX_PIECES = 40_000
"""Most runs, paragraphs and cells of one document (20 000 cells: some 65 pages of table, 3 s and 600 MB in typst)."""

_BLANKS = re.compile("[ \t\r\n]+")  # XML white space only: a no-break space is a character
_BREAKS = frozenset({"paragraph", "td", "th", "tr", "item", "caption", "br", "list", "table", "text"})
_LINE_BREAK = Run("\n")
_ALIGNMENTS = frozenset({"left", "center", "right", "justify"})


def collapsed(text: str | None) -> str:
    """``text`` with XML white space collapsed to single blanks."""
    return _BLANKS.sub(" ", text or "")


@dataclass(slots=True)
class _Flow:
    """Collects inline runs and closes them into paragraphs whenever a block comes."""

    align: str = ""
    indented: bool = False
    blocks: list[Block] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    def text(self, text: str, style: Style) -> None:
        """Add inline text, already collapsed; a blank after a blank or at the start of a line goes."""
        if not self.runs or self.runs[-1].text.endswith((" ", "\n")):
            text = text.removeprefix(" ")
        if text:
            self.runs.append(Run(text, style))

    def line_break(self) -> None:
        """Start a new line in the same paragraph."""
        self.runs.append(_LINE_BREAK)

    def block(self, *blocks: Block) -> None:
        """Close the paragraph and add blocks after it."""
        self.close()
        self.blocks.extend(blocks)

    def close(self) -> None:
        """End the paragraph, if it holds anything to see."""
        runs = tuple(self.runs)
        self.runs.clear()
        while runs and not runs[-1].text.strip(" \n"):
            runs = runs[:-1]
        if any(run.text.strip(" \n") for run in runs):
            self.blocks.append(Paragraph(runs, self.align, self.indented))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the reader stands: the style that holds, and how deep."""

    style: Style = PLAIN
    depth: int = 0
    block_depth: int = 0

    def inside(self, element: SafeElement, marks: str = "") -> "_Place":
        style = self.style.marked(marks).with_codes(element.get("styleCode"))
        return _Place(style, self.depth + 1, self.block_depth)

    def inside_block(self, element: SafeElement) -> "_Place":
        return _Place(self.style.with_codes(element.get("styleCode")), self.depth + 1, self.block_depth + 1)


class NarrativeReader:
    """Reads the narratives of one document; footnotes are numbered over all of it.

    Args:
        media: what ``renderMultiMedia`` may point at.
    """

    def __init__(self, media: MediaIndex) -> None:
        self._media = media
        self._pieces = 0
        self._notes: list[tuple[int, tuple[Block, ...]]] = []  # of the section being read
        self._note_numbers: dict[str, int] = {}
        self._note_count = 0
        self._handlers: dict[str, Callable[[SafeElement, _Flow, _Place], None]] = {
            "br": lambda _element, flow, _place: flow.line_break(),
            "paragraph": self._paragraph, "p": self._paragraph, "div": self._paragraph,
            "caption": self._caption,
            "list": self._list, "table": self._table,
            "renderMultiMedia": self._multimedia,
            "linkHtml": self._link,
            "footnote": self._footnote, "footnoteRef": self._footnote_reference,
            "content": self._content,
        }  # fmt: skip

    def read(self, text: SafeElement) -> tuple[Block, ...]:
        """The blocks of one ``section/text``, its footnotes at the end.

        Raises:
            InvalidSubmission: ``TROP_GROS`` beyond :data:`MAX_PIECES` or too many images.
        """
        blocks = self._blocks(text, _Place(PLAIN.with_codes(text.get("styleCode"))))
        return (*blocks, *self._footnotes())

    def _blocks(self, element: SafeElement, place: _Place, flow: _Flow | None = None) -> tuple[Block, ...]:
        flow = flow or _Flow()
        self._children(element, flow, place)
        flow.close()
        return tuple(flow.blocks)

    def _children(self, element: SafeElement, flow: _Flow, place: _Place) -> None:
        """Text, child, tail, child, tail."""
        if place.depth > MAX_DEPTH:
            self._flat(element, flow, place.style)
            return
        self._text(element.text, flow, place.style)
        for child in element:
            name = local_name(child)
            if name:
                self._handlers.get(name, self._unknown)(child, flow, place)
            self._text(child.tail, flow, place.style)

    def _text(self, text: str | None, flow: _Flow, style: Style) -> None:
        if text:
            self._count()
            flow.text(collapsed(text), style)

    def _count(self, pieces: int = 1) -> None:
        self._pieces += pieces
        if self._pieces > MAX_PIECES:
            raise InvalidSubmission("TROP_GROS", f"the narrative has more than {MAX_PIECES} pieces")

    def _flat(self, element: SafeElement, flow: _Flow, style: Style) -> None:
        """Everything below ``element`` as lines, without recursion."""
        for event, node in _walk(element):
            if local_name(node) in _BREAKS and node is not element:
                flow.close()
            if event == "start" and local_name(node) == "renderMultiMedia":
                flow.block(*self._media.blocks_of(node.get("referencedObject", "")))
            self._text(node.text if event == "start" else node.tail, flow, style)

    # --- inline ------------------------------------------------------------------------------------------

    def _unknown(self, element: SafeElement, flow: _Flow, place: _Place) -> None:
        """Elements that stand for a style, and those that the schema does not know: read through."""
        name = local_name(element)
        marks = {"sup": "^", "sub": "_", "b": "b", "strong": "b", "i": "i", "em": "i", "u": "u"}.get(name, "")
        self._children(element, flow, place.inside(element, marks))

    def _content(self, element: SafeElement, flow: _Flow, place: _Place) -> None:
        """Revised text stays readable: inserted underlined, deleted struck out."""
        marks = {"insert": "u", "delete": "s"}.get(element.get("revised", ""), "")
        self._children(element, flow, place.inside(element, marks))

    def _link(self, element: SafeElement, flow: _Flow, place: _Place) -> None:
        """The text and, unless it says so already, the address; no active link in a document from outside."""
        self._children(element, flow, place.inside(element))
        address = element.get("href", "").strip()
        if address and address not in "".join(element.itertext()):
            self._text(f" ({address})", flow, place.style)

    def _footnote(self, element: SafeElement, flow: _Flow, place: _Place) -> None:
        self._note_count += 1
        number = self._note_count
        self._note_numbers[element.get("ID", "")] = number
        flow.text(f"[{number}]", place.style.marked("^"))
        blocks = self._blocks(element, _Place(depth=place.depth + 1, block_depth=MAX_BLOCK_DEPTH))
        self._notes.append((number, blocks))

    def _footnote_reference(self, element: SafeElement, flow: _Flow, place: _Place) -> None:
        number = self._note_numbers.get(element.get("IDREF", ""))
        flow.text(f"[{number or '?'}]", place.style.marked("^"))
        self._children(element, flow, place.inside(element))

    def _footnotes(self) -> tuple[Block, ...]:
        notes, self._notes = self._notes, []
        items = tuple(ListItem(f"[{number}]", blocks) for number, blocks in sorted(notes, key=lambda pair: pair[0]))
        return (ItemList(items),) if items else ()

    # --- blocks ------------------------------------------------------------------------------------------

    def _paragraph(self, element: SafeElement, flow: _Flow, place: _Place) -> None:
        codes = element.get("styleCode", "").lower().split()
        align = next((code for code in (element.get("align", ""), *codes) if code in _ALIGNMENTS), flow.align)
        indented = flow.indented or "xallindent" in codes
        flow.block(*self._blocks(element, place.inside(element), _Flow(align, indented)))

    def _caption(self, element: SafeElement, flow: _Flow, place: _Place) -> None:
        flow.block(*self._blocks(element, place.inside(element, "b"), _Flow(flow.align, flow.indented)))

    def _multimedia(self, element: SafeElement, flow: _Flow, place: _Place) -> None:
        self._count(20)
        flow.block(*self._media.blocks_of(element.get("referencedObject", "")))
        flow.block(*self._blocks(element, place.inside(element, "i")))

    def _list(self, element: SafeElement, flow: _Flow, place: _Place) -> None:
        if place.block_depth >= MAX_BLOCK_DEPTH:
            flow.close()
            self._flat(element, flow, place.style)
            flow.close()
            return
        inner = place.inside_block(element)
        items: list[ListItem] = []
        before = _Flow()
        self._text(element.text, before, inner.style)
        for child in element:
            if local_name(child) == "item":
                self._count()
                marker = marker_of(element, len(items), place.block_depth)
                items.append(ListItem(marker, self._blocks(child, inner.inside(child))))
            elif local_name(child):
                self._handlers.get(local_name(child), self._unknown)(child, before, inner)
            self._text(child.tail, before, inner.style)
        before.close()
        flow.block(*before.blocks, *([ItemList(tuple(items))] if items else []))

    def _table(self, element: SafeElement, flow: _Flow, place: _Place) -> None:
        if place.block_depth >= MAX_BLOCK_DEPTH:
            flow.close()
            self._flat(element, flow, place.style)
            flow.close()
            return
        inner = place.inside_block(element)
        grid = GridReader(element)
        caption, before = self._captions(element, inner)
        flow.block(*before, *self._around_table(element, inner))
        cells = []
        for slot in grid.slots():
            self._count()
            cells.append(self._cell(slot.cell, slot.element, inner))
        if cells:
            flow.block(Table(grid.columns, grid.header_rows, tuple(cells), caption, grid.widths()))
        elif caption:
            flow.block(Paragraph(caption))

    def _cell(self, cell: Cell, element: SafeElement, place: _Place) -> Cell:
        row = element.getparent()
        group = row.getparent() if row is not None else None
        style = place.style
        for holder in (group, row, element):
            style = style.with_codes(holder.get("styleCode") if holder is not None else None)
        marked = style.marked("b") if cell.is_header else style
        blocks = self._blocks(element, _Place(marked, place.depth + 3, place.block_depth))
        return Cell(
            row=cell.row, column=cell.column, rows=cell.rows, columns=cell.columns, blocks=blocks,
            is_header=cell.is_header, align=cell.align, valign=cell.valign, rules=cell.rules,
        )  # fmt: skip

    def _captions(self, table: SafeElement, place: _Place) -> tuple[tuple[Run, ...], tuple[Block, ...]]:
        """The caption as runs when it is only text; else as blocks that go before the table."""
        captions = [child for child in table if local_name(child) == "caption"]
        blocks = tuple(block for each in captions for block in self._blocks(each, place.inside(each, "b")))
        runs: list[Run] = []
        for block in blocks:
            if not isinstance(block, Paragraph):
                return (), blocks
            runs.extend((_LINE_BREAK, *block.runs))
        return tuple(runs[1:]), ()

    def _around_table(self, table: SafeElement, place: _Place) -> tuple[Block, ...]:
        """Text where the schema allows none (directly in table, tbody or tr): shown before the table."""
        flow = _Flow()
        for text in GridReader.stray_texts(table):
            self._text(text, flow, place.style)
        for element in GridReader.stray_elements(table):
            self._handlers.get(local_name(element), self._unknown)(element, flow, place)
        flow.close()
        return tuple(flow.blocks)


def _walk(element: SafeElement) -> Iterable[tuple[str, SafeElement]]:
    """Start and end of every element below and including ``element``; the tail of ``element`` is not its own."""
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if event == "start" or node is not element:
            yield event, node
