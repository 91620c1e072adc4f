"""A CDA document as PDF/A-1b: header block, then every section with its narrative.

Source rules: Ref#2 ECO.2.1.1 and 2.1.5; ISO 19005-1 level B. The typesetter is typst. Nothing from outside is ever
source code: a fixed template draws data that arrives as JSON strings. It uses the fonts inside the typst wheel only,
and the only date in the file is the document's own, so the same document gives the same bytes on every machine.

:func:`render_cda_pdf` may be called from several threads at once; typst releases the GIL while it works.
"""

import json
import textwrap
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import chain

import typst

from connector.documents.cda.model import CdaDocument
from connector.documents.pdf.blocks import Block, Heading, Paragraph, Run, note, plain
from connector.documents.pdf.cover import Panel, footer_of, further_panels_of, panels_of
from connector.documents.pdf.french import instant_of
from connector.documents.pdf.glyphs import printable
from connector.documents.pdf.layout import Json, laid_out, runs_of
from connector.documents.pdf.media import MediaIndex, shown
from connector.documents.pdf.metrics import BODY_SIZE
from connector.documents.pdf.narrative import NarrativeReader, collapsed
from connector.documents.xml import SafeElement, local_name
from connector.domain.errors import InvalidSubmission

__all__ = ["render_cda_pdf"]

_V3 = "{urn:hl7-org:v3}"
_COPY_TEMPLATE = "1.2.250.1.213.1.1.2.243"
_COPY_CODE = "55108-5"
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
            font_paths=_fonts(),
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
def _fonts() -> typst.Fonts:
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
        "blocks": laid_out(_body(document, header)),
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


# --- body ----------------------------------------------------------------------------------------------------


def _body(document: SafeElement, header: CdaDocument) -> list[Block]:
    if header.body is not None:
        return _level_1(header.body.media_type, header.body.content)
    reader = NarrativeReader(MediaIndex(document))
    body = document.find(f"{_V3}component/{_V3}structuredBody")
    sections = [] if body is None else list(_sections(body))
    blocks = list(chain.from_iterable(_section(section, level, reader) for section, level in sections))
    return blocks or [note("[ce document ne contient aucune section]")]


def _level_1(media_type: str, content: bytes) -> list[Block]:
    """A body of plain text or an image; anything else has its own PDF or cannot have one."""
    if media_type == "text/plain":
        lines = content.decode("utf-8", "replace").splitlines()
        return [Paragraph((Run(collapsed(line)),)) for line in lines if line.strip()] or [note("[texte vide]")]
    if media_type.startswith("image/"):
        return list(shown(content, media_type))
    raise InvalidSubmission("PDF_INVALIDE", f"a level 1 body of type {media_type!r} is not rendered")


def _sections(body: SafeElement) -> Iterator[tuple[SafeElement, int]]:
    """Every section in reading order with its level, from 1; no recursion, as sections nest without bound."""
    waiting = [(section, 1) for section in reversed(_subsections(body))]
    while waiting:
        section, level = waiting.pop()
        yield section, level
        waiting.extend((inner, level + 1) for inner in reversed(_subsections(section)))


def _subsections(holder: SafeElement) -> list[SafeElement]:
    return holder.findall(f"{_V3}component/{_V3}section")


def _section(section: SafeElement, level: int, reader: NarrativeReader) -> list[Block]:
    """Title, narrative, or a note on what is there instead."""
    title = section.find(f"{_V3}title")
    heading = collapsed("".join(title.itertext())).strip() if title is not None else ""
    if not heading:
        code = section.find(f"{_V3}code")
        heading = code.get("displayName", "") if code is not None else ""
    blocks: list[Block] = [Heading(plain(heading or "Section sans titre"), level)]
    text = section.find(f"{_V3}text")
    content = reader.read(text) if text is not None else ()
    blocks.extend(content)
    if _is_pdf_copy(section):
        blocks.append(note("[copie PDF du document, contenue dans le fichier CDA]"))
    elif not content and not _subsections(section):
        blocks.append(note("[section sans texte]"))
    return blocks


def _is_pdf_copy(section: SafeElement) -> bool:
    if any(template.get("root") == _COPY_TEMPLATE for template in section.findall(f"{_V3}templateId")):
        return True
    return any(code.get("code") == _COPY_CODE for code in section if local_name(code) == "code")
