"""A CDA document as harmless HTML for a page: built by us from header and narrative, nothing is passed through.

The same blocks that are typeset as PDF are written as elements and classes from the short lists in here, and every
text is escaped. So there is no script, style, address, event or element of the document's own, whatever it holds.
Images are data of the document that were decoded and made anew, and stand at addresses of the page.

Source rules: Ref#2 ECO.2.1.5 (what a reader must see); WCAG 2.2 (headings, tables with header cells and captions,
text for images).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

from connector.documents.cda.model import CdaDocument
from connector.documents.cda.parse import OpenedCda
from connector.documents.pdf.blocks import Block, Cell, Heading, ItemList, Paragraph, Picture, Run, Table, note
from connector.documents.pdf.body import body_blocks
from connector.documents.pdf.cover import Panel, further_panels_of, panels_of
from connector.documents.pdf.narrative import collapsed

__all__ = ["CLASSES", "CdaHtml", "cda_html"]

_DEEPEST_HEADING = 6
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,2}")
_MARKS = {"b": "strong", "i": "em", "u": "u", "s": "s", "^": "sup", "_": "sub"}
_ALIGN = frozenset({"left", "center", "right", "justify"})
_VALIGN = frozenset({"top", "middle", "bottom", "baseline"})
_RULES = {"L": "rule-left", "R": "rule-right", "T": "rule-top", "B": "rule-bottom"}

CLASSES = frozenset({
    "cda", "banner", "panels", "panel", "facts", "label", "note", "indented", "items", "marker", "picture", "scroll",
    *(f"align-{word}" for word in _ALIGN), *(f"valign-{word}" for word in _VALIGN), *_RULES.values(),
})  # fmt: skip
"""Every class that can occur, besides ``ink-rrggbb`` and ``paper-rrggbb`` for colours: the page's style sheet has
them all."""


@dataclass(frozen=True, slots=True)
class CdaHtml:
    """A document ready to stand in a page."""

    title: str  # plain text
    html: str = field(repr=False)
    images: tuple[str, ...] = field(repr=False)  # SVG, by the number that was given to ``image_url``


def cda_html(opened: OpenedCda, *, image_url: Callable[[int], str], heading: int = 2) -> CdaHtml:
    """The document as one ``article`` element.

    Args:
        opened: the document.
        image_url: address of the image with this number, from 0.
        heading: level of the document's title; sections are below it.

    Raises:
        InvalidSubmission: ``TROP_GROS``: narrative, tables or images over the bounds.
    """
    header = opened.document
    title = collapsed(header.title or header.code.display_name or "Document de santé").strip()
    writer = _Writer(image_url, heading)
    further = further_panels_of(opened.element, header)
    content = "".join([
        f"<h{heading}>{_escaped(title)}</h{heading}>",
        _banner(header),
        writer.panels(panels_of(opened.element, header)),
        writer.blocks(_body(opened)),
        *([writer.title("Autres informations du document"), writer.panels(further)] if further else []),
    ])  # fmt: skip
    language = header.language if _LANGUAGE.fullmatch(header.language) else "fr-FR"
    return CdaHtml(title, f'<article class="cda" lang="{language}">{content}</article>', tuple(writer.images))


def _body(opened: OpenedCda) -> Sequence[Block]:
    """The blocks; a level 1 body that is no text and no image stands beside the page, not in it."""
    body = opened.document.body
    if body is None or body.media_type == "text/plain" or body.media_type.startswith("image/"):
        return body_blocks(opened.element, opened.document)
    kind = "document PDF" if body.media_type == "application/pdf" else f"fichier de type {body.media_type}"
    return [note(f"[le contenu de ce document est un {kind}]")]


def _banner(header: CdaDocument) -> str:
    if header.replaces is None:
        return ""
    text = f"Annule et remplace la version précédente ({header.replaces.unique_id})"
    return f'<p class="banner">{_escaped(text)}</p>'


class _Writer:
    """Writes blocks, and collects the images on the way."""

    def __init__(self, image_url: Callable[[int], str], heading: int) -> None:
        self.images: list[str] = []
        self._image_url = image_url
        self._heading = heading

    def panels(self, panels: Sequence[Panel]) -> str:
        """Who, for whom, what, when."""
        return f'<div class="panels">{"".join(map(self._panel, panels))}</div>' if panels else ""

    def _panel(self, panel: Panel) -> str:
        lines = "".join(map(_fact, panel.lines))
        return f'<section class="panel">{self.title(panel.title)}<ul class="facts">{lines}</ul></section>'

    def title(self, text: str, level: int = 1) -> str:
        """A heading of ours below that of the document."""
        return self._headed(_escaped(text), level)

    def _headed(self, content: str, level: int) -> str:
        number = min(self._heading + level, _DEEPEST_HEADING)
        return f"<h{number}>{content}</h{number}>"

    def blocks(self, blocks: Sequence[Block]) -> str:
        """All of them, in order."""
        return "".join(map(self._block, blocks))

    def _block(self, block: Block) -> str:
        match block:
            case Paragraph():
                return f"<p{_paragraph_class(block)}>{_inline(block.runs)}</p>"
            case Heading():
                return self._headed(_inline(block.runs), block.level)
            case ItemList():
                return f'<ul class="items">{"".join(self._items(block))}</ul>'
            case Picture():
                return self._picture(block)
            case _:
                return self._table(block)

    def _items(self, block: ItemList) -> Iterator[str]:
        for item in block.items:
            marker = f'<span class="marker">{_escaped(item.marker)}</span>'
            yield f"<li>{marker}<div>{self.blocks(item.blocks)}</div></li>"

    def _picture(self, picture: Picture) -> str:
        number = len(self.images)
        self.images.append(picture.svg)
        address = escape(self._image_url(number), quote=True)
        size = f'width="{picture.width_px}" height="{picture.height_px}"'
        image = f'<img src="{address}" alt="Image {number + 1} du document" {size}>'
        return f'<figure class="picture">{image}</figure>'

    def _table(self, table: Table) -> str:
        """A region of its own, which the keyboard can scroll when it is wider than the window."""
        caption = f"<caption>{_inline(table.caption)}</caption>" if table.caption else ""
        rows = [list(cells) for _, cells in groupby(_in_order(table.cells), key=lambda cell: cell.row)]
        head = "".join(self._row(row, table) for row in rows if row[0].row < table.header_rows)
        body = "".join(self._row(row, table) for row in rows if row[0].row >= table.header_rows)
        content = f"{caption}{f'<thead>{head}</thead>' if head else ''}<tbody>{body}</tbody>"
        name = _escaped("".join(run.text for run in table.caption).strip() or "Tableau")
        return f'<div class="scroll" role="region" tabindex="0" aria-label="{name}"><table>{content}</table></div>'

    def _row(self, cells: Sequence[Cell], table: Table) -> str:
        return f"<tr>{''.join(self._cell(cell, table) for cell in cells)}</tr>"

    def _cell(self, cell: Cell, table: Table) -> str:
        in_head = cell.row < table.header_rows
        tag = "th" if cell.is_header else "td"
        scope = f' scope="{"col" if in_head else "row"}"' if cell.is_header else ""
        rows = f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
        columns = f' colspan="{cell.columns}"' if cell.columns > 1 else ""
        return f"<{tag}{scope}{rows}{columns}{_cell_class(cell)}>{self._cell_content(cell)}</{tag}>"

    def _cell_content(self, cell: Cell) -> str:
        """One plain paragraph needs no element of its own."""
        match cell.blocks:
            case (Paragraph(align="", indented=False, is_note=False) as only,):
                return _inline(only.runs)
        return self.blocks(cell.blocks)


def _fact(line: tuple[str, str]) -> str:
    label, value = line
    before = f'<span class="label">{_escaped(label)}</span> ' if label else ""
    return f"<li>{before}{_escaped(collapsed(value))}</li>"


def _in_order(cells: Sequence[Cell]) -> list[Cell]:
    return sorted(cells, key=lambda cell: (cell.row, cell.column))


def _paragraph_class(paragraph: Paragraph) -> str:
    words = [f"align-{paragraph.align}"] if paragraph.align in _ALIGN else []
    words += ["indented"] if paragraph.indented else []
    words += ["note"] if paragraph.is_note else []
    return f' class="{" ".join(words)}"' if words else ""


def _cell_class(cell: Cell) -> str:
    words = [f"align-{cell.align}"] if cell.align in _ALIGN else []
    words += [f"valign-{cell.valign}"] if cell.valign in _VALIGN else []
    words += [_RULES[side] for side in cell.rules if side in _RULES]
    return f' class="{" ".join(words)}"' if words else ""


def _inline(runs: Sequence[Run]) -> str:
    return "".join(map(_run, runs))


def _run(run: Run) -> str:
    if run.text == "\n":
        return "<br>"
    text = _escaped(run.text)
    for mark in run.style.marks:
        text = f"<{_MARKS[mark]}>{text}</{_MARKS[mark]}>"
    colours = [f"ink-{run.style.colour[1:]}"] if run.style.colour else []
    colours += [f"paper-{run.style.background[1:]}"] if run.style.background else []
    return f'<span class="{" ".join(colours)}">{text}</span>' if colours else text


def _escaped(text: str) -> str:
    return escape(text, quote=True)
