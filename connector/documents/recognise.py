"""What a file is, by its content; names and extensions lie too often to count.

Source rule: the sniffing rules of the folder conventions (HPRIM Santé starts with ``H`` and its delimiters, HL7 v2
with ``MSH``, zip with ``PK``, PDF within the first KiB, HPRIM Médecin by its tags or its dates). What is none of that
and can be read by a person from end to end is text.
"""

import codecs
import contextlib
import io
import re
import zipfile
from collections.abc import Callable
from enum import StrEnum

from connector.documents.hprim.frames import looks_like_medecin
from connector.domain.submission import FileRole

__all__ = ["FileKind", "is_cda", "recognise", "role_of"]

_MLLP = b"\x0b\x1c\r\n \t\x00"
_PADDING = b"\x00\x1a \t\r\n"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HL7 = re.compile(rb"(?:MSH|FHS|BHS)[^0-9A-Za-z\s]")
_HPRIM_SANTE = re.compile(rb"H([^0-9A-Za-z\s])[^0-9A-Za-z\s]{3,4}(?:\1|\r|\n)")
_HPRIM_TAG = re.compile(
    rb"(?:\A|[\r\n])\*{3,6}[ \t]*(?:FIN[ _]?FICHIER|FIN|LAB)[ \t]*\*{2,6}[ \t\x00\x1a]*(?:<br ?/?>[ \t]*)?"
    rb"(?:[\r\n]|\Z)",
    re.IGNORECASE,
)
_HPRIM_HEAD = 1 << 13  # the header and what may stand in front of it
_LINE_END = re.compile(r"\r\n|\r|\n")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_NOT_FOR_PEOPLE = (b"{", b"%!", b"-----BEGIN ")  # JSON and RTF, PostScript, PEM: text for programs
_IMAGES = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"II*\x00", "tiff"), (b"MM\x00*", "tiff"))
_CDA = re.compile(rb"<(?:[A-Za-z_][\w.-]*:)?ClinicalDocument[\s>]")
_CDA_NAMESPACE = b"urn:hl7-org:v3"
_XML_HEAD = 1 << 18  # a self-presenting document has its style sheet first, so more than this is looked at if need be


class FileKind(StrEnum):
    """The formats we know one from the other."""

    CDA = "cda"
    XDM = "xdm"
    PDF = "pdf"
    HL7 = "hl7"
    HPRIM_SANTE = "hprim_sante"
    HPRIM_MEDECIN = "hprim_medecin"
    TEXT = "text"
    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"
    ZIP = "zip"
    XML = "xml"
    EMPTY = "empty"
    UNKNOWN = "unknown"


_ROLES = {
    FileKind.CDA: FileRole.CDA,
    FileKind.XDM: FileRole.XDM,
    FileKind.PDF: FileRole.PDF,
    FileKind.HL7: FileRole.HL7,
    FileKind.HPRIM_SANTE: FileRole.HPRIM,
    FileKind.HPRIM_MEDECIN: FileRole.HPRIM,
    FileKind.TEXT: FileRole.TEXT,
    FileKind.JPEG: FileRole.IMAGE,
    FileKind.PNG: FileRole.IMAGE,
    FileKind.TIFF: FileRole.IMAGE,
}


def recognise(data: bytes) -> FileKind:
    """The format of a whole file; nothing is parsed and nothing is expanded."""
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(data)
    image = next((kind for mark, kind in _IMAGES if data.startswith(mark)), None)
    return FileKind(image) if image is not None else _kind_of(data, _beginning(data))


def _kind_of(data: bytes, start: bytes) -> FileKind:
    if start.startswith(b"<"):
        return FileKind.CDA if is_cda(data) else FileKind.XML
    tests: tuple[tuple[FileKind, Callable[[], bool]], ...] = (
        (FileKind.EMPTY, lambda: not start),
        (FileKind.HL7, lambda: _HL7.match(start) is not None),
        (FileKind.PDF, lambda: b"%PDF-" in data[:1024]),
        (FileKind.HPRIM_SANTE, lambda: _HPRIM_SANTE.match(start) is not None),
        (FileKind.HPRIM_MEDECIN, lambda: _is_hprim_medecin(start)),
        (FileKind.TEXT, lambda: _is_text(data, start)),
    )
    return next((kind for kind, holds in tests if holds()), FileKind.UNKNOWN)


def _beginning(data: bytes) -> bytes:
    """The content without frame, byte order mark and blanks in front; UTF-16 becomes UTF-8."""
    if data.startswith(_UTF16):
        with contextlib.suppress(UnicodeError):  # not what its first bytes say
            data = data.decode("utf-16").encode("utf-8")
    start = data.lstrip(_MLLP)
    for mark in _BOMS:
        start = start.removeprefix(mark)
    return start.lstrip(_MLLP)


def role_of(data: bytes) -> FileRole:
    """What a submitted file is for us; an archive, an XML file or anything else without a role is ``UNKNOWN``."""
    return _ROLES.get(recognise(data), FileRole.UNKNOWN)


def is_cda(data: bytes) -> bool:
    """True when the file looks like a CDA document, plain, prefixed or inside its style sheet."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<"}:
        data = data.replace(b"\x00", b"")  # UTF-16: only ASCII names are looked for
    return any(bool(_CDA.search(part)) and _CDA_NAMESPACE in part for part in (data[:_XML_HEAD], data))


def _zip_kind(data: bytes) -> FileKind:
    """XDM by an entry METADATA.XML or a folder IHE_XDM; only the directory of the zip is read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name.upper().replace("\\", "/") for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, OverflowError):
        return FileKind.ZIP
    real = [f"/{name}" for name in names if "__MACOSX/" not in name]
    return (
        FileKind.XDM if any("/IHE_XDM/" in name or name.endswith("/METADATA.XML") for name in real) else FileKind.ZIP
    )


def _is_hprim_medecin(start: bytes) -> bool:
    """By a tag of the format, or by the dates of its header: line 7 (birth) and line 10 (date of the file)."""
    if _HPRIM_TAG.search(start):
        return True
    return looks_like_medecin(_LINE_END.split(start[:_HPRIM_HEAD].decode("latin-1")))


def _is_text(data: bytes, start: bytes) -> bool:
    """True for UTF-8, UTF-16 with its mark, or Windows-1252, without control characters and written for people."""
    is_broken_utf16 = data.startswith(_UTF16) and b"\x00" in start
    if is_broken_utf16 or data.startswith(b"\x00") or start.startswith(_NOT_FOR_PEOPLE):
        return False
    for codec in ("utf-8", "cp1252"):
        try:
            return _CONTROL.search(start.rstrip(_PADDING).decode(codec)) is None
        except UnicodeDecodeError:
            continue
    return False
