"""Does a file look finished? A check of its end, made before it is claimed.

Only a *cut* file is held back here: one that is complete but wrong is whole, and is refused after the claim with the
code that says why.
"""

import io
import re
import zipfile
from enum import Enum

from connector.documents.xml import parse_xml
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits

__all__ = ["Whole", "wholeness"]


class Whole(Enum):
    """What the end of a file tells."""

    YES = "yes"  # its format has an end, and it is there
    NO = "no"  # its format has an end, and it is not there
    CANNOT_TELL = "cannot_tell"  # its format has no end


_BLANKS = b" \t\r\n\x1a"
_BOM = b"\xef\xbb\xbf"
_ROOT = re.compile(rb"<([A-Za-z_][\w.:-]*)")
_PROLOG = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->|<![^>\[]*(?:\[.*?\]\s*)?>)*", re.DOTALL)
_HL7_SEGMENT = re.compile(rb"[A-Z][A-Z0-9]{2}[^A-Za-z0-9\s].+")
_HPRIM_SANTE = re.compile(rb"H[^A-Za-z0-9\s][~^\\&|]{2,4}")


def wholeness(data: bytes, limits: Limits) -> Whole:
    """Look at the end of a file; what kind it is, its first bytes say, never its name."""
    start = data.removeprefix(_BOM).lstrip(_BLANKS)
    if start.startswith(b"<") or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _told(is_whole=_xml_is_whole(data, start, limits))
    if data.startswith(b"PK"):
        return _told(is_whole=_zip_is_whole(data))
    if b"%PDF-" in data[:1024]:
        return _told(is_whole=b"%%EOF" in data[-1024:])
    return _wholeness_of_lines(data, start)


def _wholeness_of_lines(data: bytes, start: bytes) -> Whole:
    """HL7 v2 ends with a segment that says something, HPRIM Santé with ``L``, HPRIM Médecin with ``****FIN``."""
    if start.lstrip(b"\x0b")[:3] in (b"MSH", b"FHS", b"BHS"):
        return _told(is_whole=_HL7_SEGMENT.fullmatch(_last_line(data)) is not None)
    if _HPRIM_SANTE.match(start):
        return _told(is_whole=_last_line(data).startswith(b"L"))
    if b"****LAB****" in data or b"****FIN" in data:
        return _told(is_whole=_last_line(data).startswith(b"****FIN"))
    return Whole.CANNOT_TELL


def _told(*, is_whole: bool) -> Whole:
    return Whole.YES if is_whole else Whole.NO


def _xml_is_whole(data: bytes, start: bytes, limits: Limits) -> bool:
    """The last tag closes the root; only a document that ends otherwise has to be parsed."""
    root = _ROOT.match(start, _prolog_end(start))
    if root is not None and b"\x00" not in data:
        end = start.rstrip(_BLANKS)
        if end.endswith(b">") and end[:-1].rstrip().endswith(b"</" + root[1]):
            return True
    try:
        parse_xml(data, limits, error=InvalidSubmission)
    except InvalidSubmission as error:
        return error.code != "XML_INVALIDE"  # over the bounds or in an odd character set: refused later, not cut
    return True


def _prolog_end(start: bytes) -> int:
    prolog = _PROLOG.match(start)
    return prolog.end() if prolog else 0


def _zip_is_whole(data: bytes) -> bool:
    """The central directory, which stands at the end, can be read. Nothing is expanded."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        return False
    return True


def _last_line(data: bytes) -> bytes:
    lines = data.rstrip(_BLANKS + b"\x1c").replace(b"\r", b"\n").rsplit(b"\n", 1)
    return lines[-1].strip()
