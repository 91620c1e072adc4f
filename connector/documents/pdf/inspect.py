"""Looking into a PDF that comes from outside: is it one, is it PDF/A-1, can it be opened.

Source rules: Ref#2 ECO.2.1.1 and 2.1.5 (one PDF/A-1 per CDA); ISO 19005-1 6.7.11 (the ``pdfaid`` marker in XMP).
Only the marker is looked at: a full check of conformity needs a validator and is not done here.
"""

import io
from dataclasses import dataclass
from xml.etree.ElementTree import ParseError

import pikepdf

__all__ = ["PdfFacts", "inspect_pdf"]

_MAGIC = b"%PDF-"
_MAGIC_WITHIN = 1024  # readers accept leading bytes before the header (ISO 32000-1 annex H, implementation note 13)
_MAX_XMP = 4 << 20  # bytes
_MAX_PACKED_XMP = 64 << 10  # bytes before expansion by at most 1 to 1032
_PDFAID = "{http://www.aiim.org/pdfa/ns/id/}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PdfFacts:
    """What can be said about the bytes of a PDF without trusting them."""

    is_pdf: bool  # begins like one
    is_readable: bool = False  # its structure could be opened (False for damage and for a password)
    is_encrypted: bool = False  # protected, even when it opens without a password; PDF/A forbids it
    pages: int = 0
    pdfa_part: int | None = None  # XMP pdfaid:part
    pdfa_conformance: str = ""  # XMP pdfaid:conformance, upper case: A, B, U
    problem: str = ""  # one English sentence when not readable; no content of the document

    @property
    def is_pdfa1(self) -> bool:
        """True when the file says of itself that it is PDF/A-1 and nothing visible speaks against it."""
        return self.is_readable and self.pdfa_part == 1 and not self.is_encrypted


def inspect_pdf(data: bytes) -> PdfFacts:
    """Facts about a PDF; damage is a fact, never an exception.

    Args:
        data: the file, as it will be attached.
    """
    if _MAGIC not in data[: _MAGIC_WITHIN + len(_MAGIC)]:
        return PdfFacts(is_pdf=False, problem="the file does not begin like a PDF")
    try:
        with pikepdf.open(io.BytesIO(data), suppress_warnings=True) as pdf:
            return _facts_of(pdf)
    except pikepdf.PasswordError:
        return PdfFacts(is_pdf=True, is_encrypted=True, problem="a password is needed")
    except (pikepdf.PdfError, ValueError, RuntimeError, TypeError, LookupError, AttributeError) as failure:
        # pikepdf maps most damage to PdfError, and some to the Python error nearest to it
        return PdfFacts(is_pdf=True, problem=f"the structure is damaged ({type(failure).__name__})")


def _facts_of(pdf: pikepdf.Pdf) -> PdfFacts:
    part, conformance = _pdfa_marker(pdf)
    pages = len(pdf.pages)
    return PdfFacts(
        is_pdf=True,
        is_readable=pages > 0,
        is_encrypted=pdf.is_encrypted,
        pages=pages,
        pdfa_part=part,
        pdfa_conformance=conformance,
        problem="" if pages else "it has no page",
    )


def _pdfa_marker(pdf: pikepdf.Pdf) -> tuple[int | None, str]:
    """``pdfaid:part`` and ``pdfaid:conformance``; XMP that cannot be read counts as absent."""
    if not _is_small(pdf.Root.get("/Metadata")):
        return None, ""
    try:
        metadata = pdf.open_metadata()
        part = str(metadata.get(f"{_PDFAID}part", "")).strip()
        conformance = str(metadata.get(f"{_PDFAID}conformance", "")).strip().upper()
    except (ParseError, ValueError, TypeError, LookupError, AttributeError, pikepdf.PdfError):
        return None, ""
    return (int(part) if part.isdecimal() and len(part) == 1 else None), conformance[:1]


def _is_small(metadata: pikepdf.Object | None) -> bool:
    """True for metadata that cannot expand beyond measure; PDF/A-1 itself forbids to compress it (6.7.2)."""
    if not isinstance(metadata, pikepdf.Stream):
        return False
    packed = metadata.get("/Filter") is not None
    if isinstance(metadata.get("/Filter"), pikepdf.Array) and len(metadata["/Filter"]) > 1:
        return False
    return len(metadata.read_raw_bytes()) <= (_MAX_PACKED_XMP if packed else _MAX_XMP)
