"""A CDA document as PDF/A-1b: header block, then every section with its narrative.

Source rules: Ref#2 ECO.2.1.1 and 2.1.5; ISO 19005-1 level B. The typesetter is typst. Nothing from outside is ever
source code: a fixed template draws data that arrives as JSON strings. It uses the fonts inside the typst wheel only,
and the only date in the file is the document's own, so the same document gives the same bytes on every machine.

:func:`render_cda_pdf` may be called from several threads at once; typst releases the GIL while it works.
"""

import json
import textwrap
from functools import cache
from importlib.resources import files

import typst

from connector.documents.cda.model import CdaDocument
from connector.documents.pdf.blocks import plain
from connector.documents.pdf.body import body_blocks
from connector.documents.pdf.cover import Panel, footer_of, further_panels_of, panels_of
from connector.documents.pdf.french import instant_of
from connector.documents.pdf.glyphs import printable
from connector.documents.pdf.layout import Json, laid_out, runs_of
from connector.documents.pdf.metrics import BODY_SIZE
from connector.documents.pdf.narrative import collapsed
from connector.documents.xml import SafeElement
from connector.domain.errors import InvalidSubmission

__all__ = ["bundled_fonts", "render_cda_pdf"]

_TEMPLATE = files("connector.documents.pdf").joinpath("template.typ").read_bytes()


def render_cda_pdf(document: SafeElement, header: CdaDocument) -> bytes:
    """The document as PDF/A-1b.

    Args:
        document: the ``ClinicalDocument`` element.
        header: its header, already parsed.

    Returns:
        The PDF; the same input always gives the same bytes (with the same version of typst).

    Raises:
        InvalidSubmission: ``TROP_GROS`` (narrative, table or images over the bounds), ``PDF_INVALIDE`` (a level 1
            body that is not text or an image: its PDF, if it is one, is the copy), ``CDA_INVALIDE`` (typst could
            not set the document, which is ours to look at).
    """
    data = _page_data(document, header)
    try:
        pdf = typst.compile(
            _TEMPLATE,
            font_paths=bundled_fonts(),
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
            pdf_standards=["a-1b"],
            timestamp=instant_of(header.effective_time),
            pdf_tags=False,  # five times the size, and level B does not ask for them
        )
    except typst.TypstError as failure:
        raise InvalidSubmission("CDA_INVALIDE", "the document could not be typeset") from failure
    return pdf


@cache
def bundled_fonts() -> typst.Fonts:
    """The fonts inside the wheel, read once (6 MB), when the first document needs them."""
    return typst.Fonts(include_system_fonts=False)


def _page_data(document: SafeElement, header: CdaDocument) -> Json:
    title = header.title or header.code.display_name or "Document de santé"
    authors = (author.entity.name for author in header.authors if author.entity.name)
    author = next((" ".join(part for part in (name.given, name.family) if part) for name in authors), "")
    return {
        "size": BODY_SIZE,
        "title": printable(collapsed(title)),
        "author": printable(collapsed(author)),
        "heading": runs_of(plain(collapsed(title)), 300.0),
        "banner": printable(_banner(header)),
        "footer": textwrap.shorten(printable(footer_of(header)), 180, placeholder=" …"),
        "panels": _columns(panels_of(document, header)),
        "blocks": laid_out(body_blocks(document, header)),
        "further-title": "Autres informations du document",
        "further": _columns(further_panels_of(document, header)),
    }


def _banner(header: CdaDocument) -> str:
    return f"Annule et remplace la version précédente ({header.replaces.unique_id})" if header.replaces else ""


def _columns(panels: tuple[Panel, ...]) -> list[list[Json]]:
    """Panels in two columns of about the same height, their order kept from top to bottom and left to right."""
    heights = [len(panel.lines) + 2 for panel in panels]
    columns: list[list[Json]] = [[], []]
    used = 0
    for panel, height in zip(panels, heights, strict=True):
        columns[used * 2 + height > sum(heights) and used > 0].append(_panel_data(panel))
        used += height
    return columns if panels else []


def _panel_data(panel: Panel) -> Json:
    lines = [[printable(label), _breakable(value)] for label, value in panel.lines]
    is_short = len(lines) < 25 and sum(len(value) for _, value in lines) < 1_500
    return {"title": printable(panel.title), "lines": lines, "keep": is_short}


def _breakable(value: str) -> str:
    return "".join(run[0] for run in runs_of(plain(collapsed(value)), 200.0))
