"""Safe parsing of XML that comes from outside: CDA documents and XDM metadata.

No document type declaration is accepted, so no entity, no external file and no network can be reached by any
document; size and depth are bounded by :class:`~connector.domain.limits.Limits`. Comments and processing
instructions (``xml-stylesheet`` among them) are dropped while parsing: nothing in the product reads them.
"""

import re
from functools import lru_cache

from lxml import etree

from connector.domain.errors import ConnectorError, MalformedMessage
from connector.domain.limits import Limits

DEFAULT_LIMITS = Limits()
"""The bounds that the product sets when nobody says otherwise."""

__all__ = ["DEFAULT_LIMITS", "SafeElement", "local_name", "parse_xml"]

SafeElement = etree._Element  # lxml has no public name for the class of its elements
"""The type of the elements that :func:`parse_xml` returns."""

_UTF8_BOM = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\n\x0b\x0c"
_UTF16_STARTS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\x00": "utf-16-le", b"\x00<": "utf-16-be"}
_DECLARATION = re.compile(rb"<\?xml\s[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"'][^>]*>")
# What may stand before the root element besides a DOCTYPE (XML 1.0, production 22).
_PROLOG = re.compile(rb"(?:\s+|<\?(?:[^?]|\?(?!>))*+\?>|<!--(?:[^-]|-(?!->))*+-->)*+")
# Encodings in which an ASCII character is one byte of the same value, so that the prolog can be looked at as bytes.
_ASCII_BASED = re.compile(r"utf-?8|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?\d|(?:windows|cp)-?125\d|cp-?(?:850|437)")


def parse_xml(
    data: bytes,
    limits: Limits,
    *,
    error: type[ConnectorError] = MalformedMessage,
    code: str = "XML_INVALIDE",
) -> SafeElement:
    """Read an XML document, tolerant of what surrounds it and strict with what it can do.

    Args:
        data: the file; a byte order mark and blanks before the XML declaration are skipped, and the encoding
            that the declaration names is obeyed.
        limits: ``max_xml_bytes`` and ``max_xml_depth`` apply.
        error: what to raise, for callers on the sending side (``InvalidSubmission``) or the receiving side.
        code: the code of an ill-formed document.

    Returns:
        The root element; it holds neither comments nor processing instructions.

    Raises:
        ConnectorError: ``error`` with ``TROP_GROS`` (bounds), ``ENCODAGE`` (unusual character set) or ``code``
            (ill-formed, DOCTYPE, nothing but blanks).
    """
    if len(data) > limits.max_xml_bytes:
        raise error("TROP_GROS", f"the XML document has {len(data)} bytes, {limits.max_xml_bytes} are allowed")
    text, encoding = _to_ascii_based(data, error)
    start = _prolog_end(text)
    if text[start : start + 9].upper() == b"<!DOCTYPE":
        raise error(code, "a document type declaration is not accepted")
    parser = etree.XMLParser(
        encoding=encoding, resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError) as failure:
        raise error(code, f"not well-formed XML ({_position(failure)})") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise error(code, "a document type declaration is not accepted")
    if _deeper_than(limits.max_xml_depth)(root):
        raise error("TROP_GROS", f"elements are nested deeper than {limits.max_xml_depth}")
    return root


def local_name(element: SafeElement) -> str:
    """The name of an element without its namespace; empty for what is not an element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _to_ascii_based(data: bytes, error: type[ConnectorError]) -> tuple[bytes, str | None]:
    """The document from its first ``<`` on, and the encoding to impose on the parser (``None``: as declared)."""
    utf16 = _UTF16_STARTS.get(data[:2])
    if utf16 is not None:
        try:
            return data.decode(utf16).lstrip("\ufeff \t\r\n").encode("utf-8"), "utf-8"
        except UnicodeError:
            raise error("ENCODAGE", "the document is not the UTF-16 that it seems to be") from None
    start = data.lstrip(_BLANKS)
    if start.startswith(_UTF8_BOM):
        return start.removeprefix(_UTF8_BOM).lstrip(_BLANKS), "utf-8"
    declared = _DECLARATION.match(start[:300])
    if declared is None:
        return start, None
    name = declared[1].decode("ascii").lower()
    if name.startswith(("utf-16", "utf16")):
        return start, "utf-8"  # written by tools that convert the text and forget the declaration
    if not _ASCII_BASED.fullmatch(name.replace("_", "-")):
        raise error("ENCODAGE", "the declared character set is not one of those in use")
    return start, None


def _prolog_end(text: bytes) -> int:
    """Where the declarations, comments and instructions before the root element or DOCTYPE end."""
    prolog = _PROLOG.match(text)
    return prolog.end() if prolog else 0


def _position(failure: Exception) -> str:
    """Where the parser stopped; its own sentence may quote the document, so only the place is told."""
    line, column = getattr(failure, "position", (0, 0))
    return f"line {line}, column {column}"


@lru_cache(maxsize=4)
def _deeper_than(depth: int) -> etree.XPath:
    """An expression true for a document with more than ``depth`` levels; libxml2 walks, without recursion of ours."""
    return etree.XPath(f"boolean({'/*' * (depth + 1)})")
