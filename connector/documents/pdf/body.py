"""The body of a CDA document as blocks, whatever then draws them.

Source rules: CDA R2 (sections nest without bound, every narrative is shown); Ref#2 ECO.2.1.5.
"""

from collections.abc import Iterator
from itertools import chain

from connector.documents.cda.model import CdaDocument
from connector.documents.pdf.blocks import Block, Heading, Paragraph, Run, note, plain
from connector.documents.pdf.media import MediaIndex, shown
from connector.documents.pdf.narrative import NarrativeReader, collapsed
from connector.documents.xml import SafeElement, local_name
from connector.domain.errors import InvalidSubmission

__all__ = ["body_blocks"]

_V3 = "{urn:hl7-org:v3}"
_COPY_TEMPLATE = "1.2.250.1.213.1.1.2.243"
_COPY_CODE = "55108-5"


def body_blocks(document: SafeElement, header: CdaDocument) -> list[Block]:
    """The body as blocks: level 1 text or images, else every section with title and narrative.

    Args:
        document: the ``ClinicalDocument`` element.
        header: its header, already parsed.

    Raises:
        InvalidSubmission: ``TROP_GROS``; ``PDF_INVALIDE`` for a level 1 body that is neither text nor an image.
    """
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
