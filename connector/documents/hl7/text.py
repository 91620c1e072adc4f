"""Bytes to text and back: where one message ends, and which character set it is really in.

Source rules: HL7 v2 chapter 2 (segments, batches, table 0211); MLLP release 1; the file habits of the folder
conventions (5.2). No character is ever replaced: a text that does not fit is an error.
"""

import codecs
import re
from dataclasses import dataclass

from connector.documents.hl7.errors import Err3, Hl7Error, Hl7Problem
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.limits import Limits

__all__ = ["UTF8_NAME", "Decoded", "decode", "encode", "split_messages"]

UTF8_NAME = "UNICODE UTF-8"
"""Table 0211's name of UTF-8."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BLANKS = b" \t\r\n\x00\x1a"
_LINE_ENDS = bytes.maketrans(b"\n\x0b\x1c", b"\r\r\r")  # MLLP frames may have stayed in a file
_START = re.compile(rb"(?:MSH|FHS|BHS)([^0-9A-Za-z\s])")
_MESSAGE = re.compile(rb"MSH[^0-9A-Za-z\s]")
_ENVELOPE = re.compile(rb"(FHS|BHS|BTS|FTS)(?:[^0-9A-Za-z]|\Z)")
_TRAILERS = {b"BHS": b"BTS", b"FHS": b"FTS"}
_TWO_BYTES = re.compile(rb"[\xc3-\xc5][\x80-\xbf]")  # accented letters of UTF-8
_C1 = re.compile(rb"[\x80-\x9f]")  # letters in Windows code pages, control characters in ISO 8859

_WIDE_NAMES = frozenset({"UNICODE UTF-16", "UNICODE UTF-32", "UTF-16"})  # split_messages made UTF-8 of them
_UTF8_NAMES = frozenset({"UNICODE UTF-8", "UNICODE UTF8", "UTF-8", "UTF8", "UNICODE"}) | _WIDE_NAMES
_OTHER_NAMES = {
    "WINDOWS-1252": "cp1252", "CP1252": "cp1252", "ANSI": "cp1252", "1252": "cp1252",
    "CP850": "cp850", "IBM850": "cp850", "MACROMAN": "mac-roman", "MACINTOSH": "mac-roman",
}  # fmt: skip
_ISO_8859 = re.compile(r"(?:ISO[ _-]?)?8859[/-](\d{1,2})")
_WESTERN = frozenset({"cp1252", "iso8859-1", "iso8859-15"})  # no word has a letter of _TWO_BYTES before a sign
_ASCII_NAMES = frozenset({"", "ASCII", "US-ASCII", "ISO IR6", "ISO-IR-6"})


@dataclass(frozen=True, slots=True)
class Decoded:
    """A message as text."""

    text: str
    charset: str  # the Python codec that it really was in
    warnings: tuple[str, ...] = ()


def split_messages(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[bytes, ...]:
    """The messages of a file or of an MLLP frame, each with CR line ends and nothing around it.

    Args:
        data: one message, several in a row, or a batch (FHS, BHS … BTS, FTS); MLLP bytes, byte order mark, blanks
            and a final Ctrl-Z are taken off; UTF-16 with a byte order mark becomes UTF-8.
        limits: ``max_hl7_bytes`` of the whole.

    Raises:
        Hl7Error: ``HL7_ILLISIBLE`` (something else than messages), ``HL7_LOT_INCOMPLET`` (trailer missing, or other
            count than it says), ``TROP_GROS``.
    """
    if len(data) > limits.max_hl7_bytes:
        detail = f"the file has {len(data)} bytes, {limits.max_hl7_bytes} are allowed"
        raise Hl7Error(Hl7Problem("TROP_GROS", Err3.OTHER, "", detail))
    lines = _lines(data)
    if not lines or not _START.match(lines[0]):
        raise Hl7Error(Hl7Problem("HL7_ILLISIBLE", Err3.SEGMENT_SEQUENCE, "MSH^1", "the file has no MSH first"))
    messages: list[list[bytes]] = []
    envelope: list[bytes] = []
    for line in lines:
        if _ENVELOPE.match(line):
            envelope.append(line)
        elif _MESSAGE.match(line):
            messages.append([line])
        elif messages:
            messages[-1].append(line)
        else:
            envelope.append(line)
    _check_envelope(envelope, len(messages))
    if not messages:
        raise Hl7Error(Hl7Problem("HL7_ILLISIBLE", Err3.SEGMENT_SEQUENCE, "MSH^1", "the batch holds no message"))
    return tuple(b"\r".join(message) + b"\r" for message in messages)


def _lines(data: bytes) -> list[bytes]:
    if data.startswith(_UTF16):
        try:
            data = data.decode("utf-16").encode("utf-8")
        except UnicodeError:
            detail = "the file is not the UTF-16 that it seems to be"
            raise Hl7Error(Hl7Problem("HL7_JEU_CARACTERES", Err3.DATA_TYPE, "MSH^1^18", detail)) from None
    bare = (
        data.translate(_LINE_ENDS).lstrip(_BLANKS).removeprefix(codecs.BOM_UTF8).lstrip(_BLANKS).rstrip(b"\r\x00\x1a")
    )
    return [line for line in bare.split(b"\r") if line.strip(_BLANKS)]


def _check_envelope(envelope: list[bytes], count: int) -> None:
    """Each header has its trailer, and the trailer of the batch says as many messages as there are."""
    names = [line[:3] for line in envelope]
    if any(names.count(header) != names.count(trailer) for header, trailer in _TRAILERS.items()):
        raise Hl7Error(Hl7Problem("HL7_LOT_INCOMPLET", Err3.SEGMENT_SEQUENCE, "BTS^1", "a batch has no end"))
    stated = [_count(line) for line in envelope if line.startswith(b"BTS")]
    if stated and None not in stated and sum(filter(None, stated)) != count:
        detail = f"the batch holds {count} messages, its end says another number"
        raise Hl7Error(Hl7Problem("HL7_LOT_INCOMPLET", Err3.CARDINALITY, "BTS^1^1", detail))


def _count(trailer: bytes) -> int | None:
    value = re.split(rb"[^0-9A-Za-z\s]", trailer[4:], maxsplit=1)[0].strip()
    return int(value) if value.isdigit() and len(value) < 9 else None


def decode(message: bytes) -> Decoded:
    """The text of one message, by MSH-18 and by what its bytes allow.

    ``8859/15`` and an absent name are tried as UTF-8 first, since they are often wrong; a message that says UTF-8 and
    is not is read as Windows-1252, unless it is a mixture of both. Every guess is a warning.

    Args:
        message: what :func:`split_messages` gave.

    Raises:
        Hl7Error: ``HL7_JEU_CARACTERES`` when no reading is sure, ``HL7_ILLISIBLE`` without MSH.
    """
    if message.isascii():
        return Decoded(message.decode("ascii"), "ascii")
    name = _stated_name(message)
    stated = _codec(name)
    try:
        text = message.decode("utf-8")
    except UnicodeDecodeError:
        return _single_byte(message, stated)
    return Decoded(text, "utf-8", () if stated == "utf-8" else ("HL7_JEU_DEVINE",))


def _single_byte(message: bytes, stated: str | None) -> Decoded:
    """A text that is not UTF-8, in the code page that it states or, for want of one, in Windows-1252."""
    codec = stated if stated and stated not in {"utf-8", "ascii"} else "cp1252"
    if stated is not None and codec.startswith("iso8859") and _C1.search(message):
        codec = "cp1252"
    is_mixture = codec in _WESTERN and _TWO_BYTES.search(message) is not None
    if not is_mixture and stated is not None:
        try:
            return Decoded(message.decode(codec), codec, () if codec == stated else ("HL7_JEU_DEVINE",))
        except UnicodeDecodeError:
            pass
    detail = "the bytes of the message fit neither the character set of MSH-18 nor the usual ones"
    raise Hl7Error(Hl7Problem("HL7_JEU_CARACTERES", Err3.DATA_TYPE, "MSH^1^18", detail))


def _stated_name(message: bytes) -> str:
    """First repetition of MSH-18."""
    if not _MESSAGE.match(message):
        raise Hl7Error(Hl7Problem("HL7_ILLISIBLE", Err3.SEGMENT_SEQUENCE, "MSH^1", "the message has no MSH"))
    fields = message.split(b"\r", 1)[0].split(message[3:4], 18)
    name = fields[17] if len(fields) > 17 else b""
    return name.split(b"~")[0].decode("latin-1")


def _bare_name(name: str) -> str:
    return " ".join(name.upper().split())


def _codec(name: str) -> str | None:
    """The Python codec of a name of table 0211; ``None`` for one that is not in use."""
    bare = _bare_name(name)
    if bare in _ASCII_NAMES:
        return "ascii"
    if bare in _UTF8_NAMES:
        return "utf-8"
    iso = _ISO_8859.fullmatch(bare)
    if iso and 1 <= int(iso[1]) <= 16 and int(iso[1]) != 12:
        return f"iso8859-{int(iso[1])}"
    return _OTHER_NAMES.get(bare)


def encode(text: str, msh18: str) -> bytes:
    """The bytes of a message in the character set that its MSH-18 names.

    Args:
        text: the whole message.
        msh18: a name of table 0211; an empty one is ASCII.

    Raises:
        Hl7Error: ``HL7_JEU_CARACTERES`` when the name is unknown or a character does not exist in that set.
    """
    codec = _codec(msh18)
    try:
        if codec is not None and _bare_name(msh18) not in _WIDE_NAMES:
            return text.encode(codec)
        detail = "MSH-18 names a character set that is not in use"
    except UnicodeEncodeError:
        detail = "a character of the message does not exist in the set of MSH-18"
    raise Hl7Error(Hl7Problem("HL7_JEU_CARACTERES", Err3.TABLE_VALUE, "MSH^1^18", detail))
