"""Documents of a message as they are looked at: each file once, archives opened, each with a way to look at it.

Nothing here runs anything: a CDA becomes HTML of our own, a PDF becomes pictures, text stays text, images are decoded
and made anew. Everything else can only be saved.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from connector.documents.cda.html import CdaHtml, cda_html
from connector.documents.cda.parse import embedded_pdf_copy, open_cda
from connector.documents.pdf.blocks import Picture
from connector.documents.pdf.media import shown
from connector.documents.recognise import role_of
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.errors import MalformedMessage
from connector.domain.submission import FileRole
from connector.exchange.arrival import Arrival
from connector.xdm.package_reader import read_xdm

__all__ = [
    "Piece",
    "View",
    "cda_pdf",
    "cda_view",
    "images_of",
    "pdf_of",
    "pieces_of_arrival",
    "pieces_of_files",
    "text_of",
]

MOST_TEXT_CHARS = 200_000
_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8")


class View(StrEnum):
    """How a piece can be looked at."""

    CDA = "cda"
    PDF = "pdf"
    TEXT = "text"
    IMAGE = "image"
    NONE = "none"


_KIND_WORDS = {
    FileRole.CDA: "CDA", FileRole.PDF: "PDF", FileRole.XDM: "IHE_XDM", FileRole.HPRIM: "HPRIM", FileRole.HL7: "HL7",
    FileRole.TEXT: "Texte", FileRole.IMAGE: "Image",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """One file."""

    name: str  # data: shown, and offered as the name of a saved file
    content: bytes = field(repr=False)
    role: FileRole
    view: View

    @property
    def kind(self) -> str:
        """A short word for its format."""
        return _KIND_WORDS.get(self.role, "")

    @property
    def size_bytes(self) -> int:
        """Its length."""
        return len(self.content)


def pieces_of_files(files: Iterable[tuple[str, bytes]]) -> tuple[Piece, ...]:
    """The pieces of what the LPS gave.

    Args:
        files: name and content of each.
    """
    return _once(piece for name, content in files for piece in _expanded(name, content))


def pieces_of_arrival(arrival: Arrival) -> tuple[Piece, ...]:
    """The pieces of a received message: its documents first, then what came beside them."""
    documents = [_piece(document.file_name, document.content) for document in arrival.documents]
    parts = [_piece(part.name, part.content) for part in arrival.parts]
    ordered = sorted(parts, key=lambda piece: piece.view is View.NONE)
    return _once([*documents, *ordered])


def _expanded(name: str, content: bytes) -> Iterator[Piece]:
    """The file, after what is in it when it is an archive."""
    piece = _piece(name, content)
    if piece.role is FileRole.XDM:
        for package in read_xdm(content, DEFAULT_LIMITS):
            yield from (_piece(each.name.rpartition("/")[2], each.content) for each in package.documents)
    yield piece


def _once(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    return tuple({sha256(piece.content).digest(): piece for piece in reversed(list(pieces))}.values())[::-1]


def _piece(name: str, content: bytes) -> Piece:
    role = role_of(content)
    return Piece(name, content, role, _view(role, content))


def _view(role: FileRole, content: bytes) -> View:
    if role is FileRole.CDA:
        return View.CDA
    if role is FileRole.PDF:
        return View.PDF
    if content.startswith(_IMAGES):
        return View.IMAGE
    return View.TEXT if role is not FileRole.XDM and text_of(content) else View.NONE


def text_of(content: bytes) -> str:
    """The text of a piece, cut when it is long; empty when it is none."""
    head = content[: MOST_TEXT_CHARS * 4]
    if b"\x00" in head:
        return ""
    for encoding in ("utf-8", "cp1252"):
        try:
            return head.decode(encoding)[:MOST_TEXT_CHARS]
        except UnicodeDecodeError as error:
            if encoding == "utf-8" and error.start > len(head) - 4 and len(head) < len(content):
                return head[: error.start].decode()[:MOST_TEXT_CHARS]  # cut inside a character
    return ""


def cda_view(piece: Piece, image_url: Callable[[int], str]) -> CdaHtml:
    """A CDA document as HTML.

    Raises:
        MalformedMessage, InvalidSubmission: it cannot be read, or is over the bounds.
    """
    return cda_html(open_cda(piece.content, error=MalformedMessage), image_url=image_url)


def cda_pdf(piece: Piece) -> bytes | None:
    """The PDF that a CDA document is, or carries as a copy of itself."""
    opened = open_cda(piece.content, error=MalformedMessage)
    body = opened.document.body
    if body is not None:
        return body.content if body.media_type == "application/pdf" else None
    return embedded_pdf_copy(opened.element)


def pdf_of(piece: Piece) -> bytes | None:
    """What of a piece is drawn page by page; ``None`` when nothing is.

    Raises:
        MalformedMessage: a CDA document that cannot be read.
    """
    if piece.view is View.PDF:
        return piece.content
    return cda_pdf(piece) if piece.view is View.CDA else None


def images_of(piece: Piece) -> Sequence[str]:
    """The pictures of a piece as SVG around decoded data: those in a CDA, or the pages of an image file."""
    if piece.view is View.CDA:
        return cda_view(piece, str).images
    return [block.svg for block in shown(piece.content, "") if isinstance(block, Picture)]
