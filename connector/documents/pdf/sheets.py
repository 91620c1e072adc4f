"""Images and plain text as PDF/A-1b, for documents that do not come as PDF.

Source rules: Ref#2 ECO.2.1.1 and 2.1.5 (the copy beside the package is PDF/A-1, and for a level 1 document it is the
body byte for byte: so images and texts become a PDF before the document is made, although the profile would let them
stand in it as they are). Nothing is lost: JPEG data are kept, other images are stored without loss on white, text
keeps its columns. Like :mod:`connector.documents.pdf.render`, the same input gives the same bytes.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

import typst

from connector.documents.pdf.blocks import Picture
from connector.documents.pdf.glyphs import printable
from connector.documents.pdf.picture import UnreadableImage, pictures_of
from connector.documents.pdf.render import bundled_fonts
from connector.domain.errors import InvalidSubmission

__all__ = ["Sheet", "image_to_pdf", "sheets_to_pdf", "text_to_pdf"]

_TEMPLATE = files("connector.documents.pdf").joinpath("sheets.typ").read_bytes()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_A4 = (595.28, 841.89)  # points
_EDGE = 20.0  # points around an image that has not the shape of a page
_SAME_SHAPE = 0.02
_MAX_SHEETS = 300
_MAX_LINES = 20_000
_TAB = 8
_ADVANCE = 0.602  # of DejaVu Sans Mono, in parts of its size
_LINE = 1.25  # of the size; sheets.typ draws lines of that height
_SIZES = (9.5, 8.5, 7.5, 6.5)
_MARGIN = 42.0
_ROOM = _A4[1] - 42 - 50  # between the margins of sheets.typ
_LINE_END = re.compile(r"\r\n|[\r\n\x0b\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page that is one picture, and its size in points."""

    picture: Picture
    width: float
    height: float


def image_to_pdf(images: Sequence[bytes], title: str) -> bytes:
    """JPEG, PNG, TIFF, GIF or BMP files as one PDF/A-1b on A4, upright or across as each image is.

    Args:
        images: at least one file; each page of a TIFF is a page.
        title: of the document, for the metadata.

    Raises:
        InvalidSubmission: ``IMAGE_ILLISIBLE``; ``TROP_GROS`` (more than 300 pages).
    """
    try:
        pictures = [picture for data in images for picture in pictures_of(data)]
    except UnreadableImage as failure:
        raise InvalidSubmission(
            "IMAGE_ILLISIBLE", "an image is damaged, too large or of an unknown format"
        ) from failure
    return sheets_to_pdf([_on_a4(picture) for picture in pictures], title)


def sheets_to_pdf(sheets: Sequence[Sheet], title: str, *, edge: float = _EDGE) -> bytes:
    """Pages of any size, each filled by its picture, as PDF/A-1b.

    Args:
        sheets: at least one.
        title: for the metadata.
        edge: points left white around a picture that has not the shape of its page.

    Raises:
        InvalidSubmission: ``IMAGE_ILLISIBLE`` (no page), ``TROP_GROS``.
    """
    if not sheets:
        raise InvalidSubmission("IMAGE_ILLISIBLE", "there is no image")
    if len(sheets) > _MAX_SHEETS:
        raise InvalidSubmission("TROP_GROS", f"{len(sheets)} pages of images are too many")
    return _compiled(title, sheets=[_sheet_data(sheet, edge) for sheet in sheets])


def text_to_pdf(text: str, title: str) -> bytes:
    """Plain text as PDF/A-1b on A4 with letters of one width, so that columns made of blanks stay columns.

    Letters get smaller, down to 6.5 points, for lines that would not fit; those too long even so are wrapped. A form
    feed begins a page. Characters that no bundled font has are shown by their code point.

    Args:
        text: any line ends; tabs every 8 columns.
        title: for the metadata and the foot of each page.

    Raises:
        InvalidSubmission: ``TROP_GROS`` (more than 20 000 lines).
    """
    parts = [_LINE_END.split(_CONTROL.sub("", part)) for part in text.removesuffix("\f").split("\f")]
    lines = [[printable(line.expandtabs(_TAB)).rstrip() for line in part] for part in parts]
    size = _size_for([len(line) for part in lines for line in part])
    pages = [page for part in lines for page in _pages(part, size)]
    return _compiled(title, pages=pages, size=size)


def _on_a4(picture: Picture) -> Sheet:
    width, height = _A4
    is_across = picture.width_px > picture.height_px
    return Sheet(picture, height, width) if is_across else Sheet(picture, width, height)


def _sheet_data(sheet: Sheet, edge: float) -> dict[str, object]:
    """The picture as large as the page allows; one of the page's own shape fills it to the border."""
    shape = sheet.picture.width_px / max(sheet.picture.height_px, 1)
    fills = abs(shape / (sheet.width / sheet.height) - 1) <= _SAME_SHAPE
    room = (sheet.width, sheet.height) if fills else (sheet.width - 2 * edge, sheet.height - 2 * edge)
    across = min(room[0], room[1] * shape)
    return {
        "width": sheet.width, "height": sheet.height, "svg": sheet.picture.svg,
        "across": room[0] if fills else across, "high": room[1] if fills else across / shape,
    }  # fmt: skip


def _size_for(lengths: list[int]) -> float:
    """The largest letters in which every line fits that fits in the smallest ones."""
    longest = max((length for length in lengths if length <= _columns(_SIZES[-1])), default=0)
    return next(size for size in _SIZES if longest <= _columns(size))


def _columns(size: float) -> int:
    return int((_A4[0] - 2 * _MARGIN) / (_ADVANCE * size))


def _pages(lines: list[str], size: float) -> list[list[str]]:
    width, length = _columns(size), int(_ROOM / (_LINE * size))
    cut = [line[at : at + width] for line in lines for at in range(0, max(len(line), 1), width)]
    if len(cut) > _MAX_LINES:
        raise InvalidSubmission("TROP_GROS", f"{len(cut)} lines of text are too many")
    return [cut[at : at + length] for at in range(0, len(cut), length)]


def _compiled(title: str, *, sheets: object = (), pages: object = (), size: float = _SIZES[0]) -> bytes:
    name = printable(" ".join(title.split())) or "Document"
    data = {"title": name, "footer": name[:100], "sheets": sheets, "pages": pages, "size": size, "margin": _MARGIN}
    try:
        return typst.compile(
            _TEMPLATE,
            font_paths=bundled_fonts(),
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
            pdf_standards=["a-1b"],
            timestamp=_EPOCH,
            pdf_tags=False,
        )
    except typst.TypstError as failure:
        raise InvalidSubmission("IMAGE_ILLISIBLE", "the pages could not be typeset") from failure
