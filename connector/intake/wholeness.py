"""Does a file look finished? A check of its end, made before it is claimed.

Only a *cut* file is held back here: one that is complete but wrong is whole, and is refused after the claim with the
code that says why.
"""

import io
import json
import re
import zipfile
from enum import Enum

from connector.documents.hprim.frames import Tag, tag_of
from connector.documents.xml import parse_xml
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits

__all__ = ["Whole", "sidecar_wholeness", "wholeness"]


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
_HL7_TRAILER = re.compile(rb"(?:BTS|FTS)(?:[^A-Za-z0-9\s].*)?")
_HPRIM_BREAK = re.compile(rb"<br ?/?>[ \t]*\Z", re.IGNORECASE)  # portals write HTML ends of lines into it
_LINE_ENDS = re.compile(rb"[\r\n]+")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PDF_LENGTH = re.compile(rb"/Linearized\b[^>]{0,200}?/L\s+(\d{1,12})")
_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_BEGINNINGS = (b"%PDF-", b"PK\x03\x04", _JPEG, _PNG, b"MSH|", b"FHS|", b"BHS|", b"H|~^")
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_HPRIM_SANTE = re.compile(rb"H[^A-Za-z0-9\s][~^\\&|]{2,4}")


def wholeness(data: bytes, limits: Limits) -> Whole:
    """Look at the end of a file; what kind it is, its first bytes say, never its name."""
    start = data.removeprefix(_BOM).lstrip(_BLANKS)
    if data and any(beginning.startswith(data) for beginning in _BEGINNINGS):
        return Whole.NO  # not even its kind is written yet
    return _utf16_wholeness(data, limits) if data[:2] in _UTF16 else _by_its_kind(data, start, limits)


def _by_its_kind(data: bytes, start: bytes, limits: Limits) -> Whole:
    if start.startswith(b"<"):
        return _told(is_whole=_xml_is_whole(data, start, limits))
    if data.startswith(b"PK"):
        return _told(is_whole=_zip_is_whole(data))
    if b"%PDF-" in data[:1024]:
        return _told(is_whole=_pdf_is_whole(data))
    if data.startswith((_JPEG, _PNG)):
        return _told(is_whole=_jpeg_is_whole(data) if data.startswith(_JPEG) else _PNG_END in data)
    return _wholeness_of_lines(data, start)


def sidecar_wholeness(name: str, data: bytes, limits: Limits) -> Whole:
    """The same for a sidecar: JSON and XML close what they open; of an INI half may look like a whole one."""
    if not data:
        return Whole.NO
    if name.casefold().endswith(".ini"):
        return Whole.CANNOT_TELL
    if name.casefold().endswith(".xml"):
        return wholeness(data, limits)
    return _told(is_whole=not _json_is_cut(data))


def _json_is_cut(data: bytes) -> bool:
    """True when more of it would have to follow; what is wrong otherwise is whole, and refused after the claim."""
    text = data.decode("utf-8-sig", "replace").rstrip()
    if not text.endswith("}"):
        return True
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text) or error.msg.startswith("Unterminated string")
    except RecursionError:
        return False
    return False


def _wholeness_of_lines(data: bytes, start: bytes) -> Whole:
    """HL7 v2 by its own frame only, HPRIM Santé by ``L``, HPRIM Médecin by ``****FINFICHIER****``."""
    if start.lstrip(b"\x0b")[:3] in (b"MSH", b"FHS", b"BHS"):
        return _hl7_wholeness(data, start.lstrip(b"\x0b"))
    if _HPRIM_SANTE.match(start):
        return _told(is_whole=_last_line(data).startswith(b"L"))
    return _hprim_wholeness(data) if b"***" in data else Whole.CANNOT_TELL


def _hl7_wholeness(data: bytes, start: bytes) -> Whole:
    """A message has no end of its own: after any segment, or in the middle of the last one, another may follow."""
    last = _last_line(data)
    if start[:3] in (b"FHS", b"BHS"):
        trailer = b"FTS" if start.startswith(b"FHS") else b"BTS"
        return _told(is_whole=_HL7_TRAILER.fullmatch(last) is not None and last.startswith(trailer))
    if data.rstrip(_BLANKS).endswith(b"\x1c"):
        return Whole.YES
    return Whole.CANNOT_TELL if _HL7_SEGMENT.fullmatch(last) else Whole.NO


def _hprim_wholeness(data: bytes) -> Whole:
    """After ``****FIN****`` another record may follow, yet some writers never close the file."""
    lines = [_HPRIM_BREAK.sub(b"", line) for line in _LINE_ENDS.split(data.rstrip(_BLANKS + b"\x00"))]
    tags = [tag_of(line.decode("latin-1")) for line in lines]
    if Tag.FILE_END in tags:
        return Whole.YES
    is_tag_begun = len(lines[-1]) > 4 and any(tag.startswith(lines[-1]) for tag in (b"****FINFICHIER", b"****LAB"))
    is_within = any(tags) and tags[-1] is not Tag.RECORD_END
    return Whole.NO if is_tag_begun or is_within else Whole.CANNOT_TELL


def _utf16_wholeness(data: bytes, limits: Limits) -> Whole:
    try:
        text = data.decode("utf-16").lstrip()
    except UnicodeDecodeError:
        return Whole.NO  # cut inside a character
    if text.startswith("<"):
        return _told(is_whole=_xml_is_whole(data, data, limits))
    inner = text.encode("utf-8")
    return _wholeness_of_lines(inner, inner)


def _pdf_is_whole(data: bytes) -> bool:
    """``%%EOF`` is near the end; a linearised file has one near its beginning too, and says its length there."""
    stated = _PDF_LENGTH.search(data, 0, 2048)
    return b"%%EOF" in data[-1024:] and (stated is None or len(data) >= int(stated[1]))


def _jpeg_is_whole(data: bytes) -> bool:
    """The end marker comes after the picture itself: one inside a preview, or what cameras append, does not count."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        kind = data[place + 1]
        if kind == 0xD9:
            return True
        if kind == 0xFF:  # fill byte
            place += 1
            continue
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if kind == 0xDA:
            place = _after_scan(data, place)
    return data[place : place + 2] == b"\xff\xd9"


def _after_scan(data: bytes, place: int) -> int:
    """The first marker after compressed data: not a stuffed 0xFF, not a restart."""
    while (place := data.find(b"\xff", place)) != -1 and place + 1 < len(data):
        if data[place + 1] == 0 or 0xD0 <= data[place + 1] <= 0xD7:
            place += 2
        else:
            return place
    return len(data)


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
