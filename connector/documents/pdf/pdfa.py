"""Is a PDF really PDF/A-1b? What it says of itself, and what can be seen in its objects.

Source rules: ISO 19005-1:2005 with its corrigenda, level B; Ref#2 ECO.2.1.1 and 2.1.5 ask for PDF/A-1 copies. This is
not a full validator: :data:`CHECKED` and :data:`NOT_CHECKED` say what was looked at. A file without findings breaks
none of the rules that ordinary software breaks; a file with a finding is certainly not PDF/A-1b, but for the two
cases that the texts name (``INTENTION_ABSENTE``, ``POLICE_NON_EMBARQUEE``).
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf

from connector.documents.pdf.inspect import inspect_pdf
from connector.documents.pdf.pdfa_objects import findings_of_objects

__all__ = ["CHECKED", "NOT_CHECKED", "PdfA", "PdfAFinding", "check_pdfa_1b", "claims_pdfa", "is_signed"]

CHECKED = (
    "header, trailer, end of file (6.1.2, 6.1.3)", "cross-reference table, no object streams (6.1.4)",
    "filters and external streams (6.1.7, 6.1.10)", "embedded files (6.1.11)", "optional content (6.1.13)",
    "output intent (6.2.2)", "images, PostScript, transfer functions (6.2.4 to 6.2.8)",
    "embedded fonts, maps of composite fonts (6.3.3, 6.3.4)", "transparency (6.4)", "annotations (6.5)",
    "actions (6.6)", "XMP metadata and the PDF/A marker (6.7)", "forms (6.9)",
)  # fmt: skip
"""Rules that :func:`check_pdfa_1b` looks at, with their clause of ISO 19005-1."""

NOT_CHECKED = (
    "operators and colours inside content streams (6.2.3, 6.2.10)", "widths and glyphs of fonts (6.3.5 to 6.3.7)",
    "validity of colour profiles (6.2.2)", "schemas of XMP beyond the marker (6.7.9)",
    "implementation limits (6.1.12)",
)  # fmt: skip
"""Rules that need a validator."""

_TEXTS = {
    "ILLISIBLE": "the file cannot be opened",
    "CHIFFREMENT": "the file is encrypted (6.1.3)",
    "ENTETE": "the header is not at the start, or no binary comment follows it (6.1.2)",
    "FIN": "data follow the end of the file (6.1.3)",
    "IDENTIFIANT_ABSENT": "the trailer has no ID (6.1.3)",
    "FLUX_DE_REFERENCES": "the cross-reference is a stream, which PDF 1.4 does not have (6.1.4)",
    "FICHIER_EMBARQUE": "a file is embedded (6.1.11)",
    "FLUX_EXTERNE": "a stream lies in another file (6.1.7)",
    "LZW": "a stream is compressed with LZW (6.1.10)",
    "CONTENU_OPTIONNEL": "the document has optional content (6.1.13)",
    "INTENTION_ABSENTE": "no output intent with a colour profile (6.2.2; not needed when no device colour is used)",
    "IMAGE": "an image has alternates, OPI data or interpolation (6.2.4)",
    "POSTSCRIPT": "PostScript is embedded (6.2.5, 6.2.7)",
    "REFERENCE": "a part of a page lies in another document (6.2.6)",
    "TRANSFERT": "a graphics state has a transfer function (6.2.8)",
    "POLICE_NON_EMBARQUEE": "a font is not embedded (6.3.4; allowed when only invisible text uses it)",
    "POLICE_COMPOSITE": "a composite font has no glyph map or a map outside the file (6.3.3)",
    "TRANSPARENCE": "the document uses transparency (6.4)",
    "ANNOTATION": "an annotation is of a forbidden kind, or not printed, or hidden (6.5.2, 6.5.3)",
    "JAVASCRIPT": "the document has JavaScript (6.6.1)",
    "ACTION": "an action is of a forbidden kind (6.6.1)",
    "ACTION_AUTOMATIQUE": "something acts by itself when a page or field is used (6.6.2)",
    "METADONNEES": "the XMP metadata are absent, compressed or unreadable (6.7.2)",
    "METADONNEES_INCOHERENTES": "the document information and the XMP metadata differ (6.7.3)",
    "MARQUEUR": "the file does not say that it is PDF/A-1 (6.7.11)",
    "FORMULAIRE": "the form needs a program to show it (6.9)",
    "TROP_D_OBJETS": "the file has too many objects to look at all of them",
}
_XREF = re.compile(rb"startxref\s+(\d{1,12})")
_BINARY_COMMENT = re.compile(rb"%PDF-1\.\d[ \t]*(?:\r\n|\r|\n)%[\x80-\xff]{4}")
_INFO = {
    "/Title": "{http://purl.org/dc/elements/1.1/}title",
    "/Producer": "{http://ns.adobe.com/pdf/1.3/}Producer",
    "/Creator": "{http://ns.adobe.com/xap/1.0/}CreatorTool",
}
_DAMAGE = (pikepdf.PdfError, ValueError, RuntimeError, TypeError, LookupError, AttributeError, SyntaxError)
# pikepdf maps most damage to PdfError, and some to the Python error nearest to it


@dataclass(frozen=True, slots=True)
class PdfA:
    """What a file says of itself."""

    part: int
    conformance: str  # A, B, U; empty when it does not say


@dataclass(frozen=True, slots=True)
class PdfAFinding:
    """One rule that a file breaks."""

    code: str  # stable
    where: str  # number of the first object that breaks it, or empty
    text: str  # one English sentence without content of the document


def claims_pdfa(pdf: bytes) -> PdfA | None:
    """The PDF/A marker of a file; ``None`` without one, and for what cannot be opened."""
    facts = inspect_pdf(pdf)
    return PdfA(facts.pdfa_part, facts.pdfa_conformance) if facts.pdfa_part is not None else None


def check_pdfa_1b(pdf: bytes) -> tuple[PdfAFinding, ...]:
    """What speaks against PDF/A-1b, each rule once with the first object that breaks it; damage is a finding too.

    Args:
        pdf: the file, as it will be attached.
    """
    found: dict[str, str] = {}
    try:
        with pikepdf.open(io.BytesIO(pdf), suppress_warnings=True) as opened:
            for code, where in _findings(pdf, opened):
                found.setdefault(code, where)
    except pikepdf.PasswordError:
        found["CHIFFREMENT"] = ""
    except _DAMAGE:
        found["ILLISIBLE"] = ""
    return tuple(PdfAFinding(code, where, _TEXTS[code]) for code, where in found.items())


def is_signed(pdf: bytes) -> bool:
    """True when the file has a digital signature, which any change of its bytes breaks."""
    try:
        with pikepdf.open(io.BytesIO(pdf), suppress_warnings=True) as opened:
            form = opened.Root.get("/AcroForm")
            flags = int(form.get("/SigFlags", 0)) if isinstance(form, pikepdf.Dictionary) else 0
    except _DAMAGE:
        return False
    return bool(flags & 1)


def _findings(data: bytes, pdf: pikepdf.Pdf) -> Iterator[tuple[str, str]]:
    yield from ((code, "") for code in _file(data, pdf))
    yield from ((code, "") for code in _metadata(data, pdf))
    yield from findings_of_objects(pdf)


def _file(data: bytes, pdf: pikepdf.Pdf) -> Iterator[str]:
    if pdf.is_encrypted:
        yield "CHIFFREMENT"
    if _BINARY_COMMENT.match(data) is None:
        yield "ENTETE"
    if not data.rstrip(b"\r\n").endswith(b"%%EOF"):
        yield "FIN"
    if "/ID" not in pdf.trailer:
        yield "IDENTIFIANT_ABSENT"
    places = [int(match[1]) for match in _XREF.finditer(data)]
    if any(place and not data[place : place + 8].lstrip().startswith(b"xref") for place in places):
        yield "FLUX_DE_REFERENCES"


def _metadata(data: bytes, pdf: pikepdf.Pdf) -> Iterator[str]:
    stream = pdf.Root.get("/Metadata")
    if not isinstance(stream, pikepdf.Stream) or "/Filter" in stream:
        yield "METADONNEES"
    claim = claims_pdfa(data)
    if claim is None or claim.part != 1:
        yield "MARQUEUR"
    elif _differs(pdf):
        yield "METADONNEES_INCOHERENTES"


def _differs(pdf: pikepdf.Pdf) -> bool:
    """True when an entry of the information dictionary is not what the metadata say."""
    metadata, info = pdf.open_metadata(), pdf.trailer.get("/Info", pikepdf.Dictionary())
    pairs = [(str(info[key]), str(metadata.get(name, ""))) for key, name in _INFO.items() if key in info]
    return any(said.strip() and said.strip() != repeated.strip() for said, repeated in pairs)
