"""What a file is, by its content; names and extensions lie too often to count.

Source rule: the sniffing rules of the folder conventions (HPRIM Santé starts with ``H`` and its delimiters, HL7 v2
with ``MSH``, zip with ``PK``, PDF within the first KiB, HPRIM Médecin by its tags or its dates).
"""

import io
import re
import zipfile
from enum import StrEnum

from connector.domain.submission import FileRole

__all__ = ["FileKind", "is_cda", "recognise", "role_of"]

_MLLP = b"\x0b\x1c\r\n \t\x00"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HL7 = re.compile(rb"(?:MSH|FHS|BHS)[^0-9A-Za-z\s]")
_HPRIM_SANTE = re.compile(rb"H([^0-9A-Za-z\s])[^0-9A-Za-z\s]{3,4}(?:\1|\r|\n)")
_HPRIM_TAG = re.compile(rb"^\*{4}(?:FIN|FINFICHIER|LAB)\*{3,4}[ \t]*\r?$", re.MULTILINE)
_FRENCH_DATE = re.compile(rb"\s*\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}\s*")
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
}


def recognise(data: bytes) -> FileKind:
    """The format of a whole file; nothing is parsed and nothing is expanded."""
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(data)
    start = data.lstrip(_MLLP)
    for mark in _BOMS:
        start = start.removeprefix(mark)
    start = start.lstrip(_MLLP)
    if not start:
        return FileKind.EMPTY
    if start.startswith(b"<"):
        return FileKind.CDA if is_cda(data) else FileKind.XML
    tests = {
        FileKind.HL7: _HL7.match(start) is not None,
        FileKind.PDF: b"%PDF-" in data[:1024],
        FileKind.HPRIM_SANTE: _HPRIM_SANTE.match(start) is not None,
    }
    found = next((kind for kind, holds in tests.items() if holds), None)
    return found or (FileKind.HPRIM_MEDECIN if _is_hprim_medecin(data) else FileKind.UNKNOWN)


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


def _is_hprim_medecin(data: bytes) -> bool:
    """By a tag of the format, or by the dates of its header: line 7 (birth) and line 10 (date of the file)."""
    if _HPRIM_TAG.search(data):
        return True
    lines = data.splitlines()[:13]
    return len(lines) >= 10 and all(_FRENCH_DATE.fullmatch(lines[number - 1]) for number in (7, 10))
