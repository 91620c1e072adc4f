"""Bytes to text and back, for files that never say what they are written in.

Source rules: folder conventions 1.4 (byte order mark, strict UTF-8, then the reading that looks most like French).
No character is ever replaced: what cannot be read or written for sure is an error, what was guessed is a warning.
"""

import codecs
import re
from dataclasses import dataclass, field
from enum import StrEnum
from html.entities import html5

from connector.documents.hprim.accents import repaired
from connector.documents.hprim.likeness import likeness
from connector.domain.errors import InvalidSubmission
from connector.domain.legacy_text import encode_text
from connector.domain.limits import Limits

__all__ = ["Decoded", "LineEnd", "OneForOne", "break_tags_undone", "check_size", "decode", "encode", "one_for_one"]

CANDIDATES = ("cp1252", "iso8859-15", "cp850", "mac_roman", "cp437")
"""Code pages in the order in which they win when nothing tells them apart."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PADDING = "\x00\x1a \t\r\n"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_TWO_BYTES = re.compile(rb"[\xc2\xc3][\x80-\xbf]")  # UTF-8 in a text of another code page
_CLEAR_LEAD = 2  # points: less is the weight of one doubtful letter; what Windows writes is likely by itself

_BREAK = re.compile(r"<br ?/?>[ \t]*(\r\n|\r|\n)?", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:([A-Za-z]{2,8}\d?)|#(\d{1,5})|#[xX]([0-9A-Fa-f]{1,4}));")


class LineEnd(StrEnum):
    """How a line ends in a file that we write."""

    CRLF = "crlf"
    LF = "lf"
    CR = "cr"

    @property
    def text(self) -> str:
        """The characters."""
        return {"crlf": "\r\n", "lf": "\n", "cr": "\r"}[self.value]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file as text."""

    text: str = field(repr=False)  # lines end with a line feed
    encoding: str  # the Python codec that it was read with
    warnings: tuple[str, ...] = ()  # codes of the catalogue


@dataclass(frozen=True, slots=True)
class OneForOne:
    """The bytes of a file as characters that can be turned back: for splitting, not for people."""

    text: str = field(repr=False)
    mark: bytes  # the byte order mark, which every part needs
    codec: str

    def part(self, text: str) -> bytes:
        """A piece of the text as a file."""
        return self.mark + text.encode(self.codec)


def check_size(data: bytes, limits: Limits) -> None:
    """Refuse a file over the bounds before it is looked at.

    Raises:
        InvalidSubmission: ``TROP_GROS`` over ``max_hprim_bytes``.
    """
    if len(data) > limits.max_hprim_bytes:
        detail = f"the file has {len(data)} bytes, {limits.max_hprim_bytes} are allowed"
        raise InvalidSubmission("TROP_GROS", detail)


def one_for_one(data: bytes) -> OneForOne:
    """The characters of UTF-16 with its mark; else one character for each byte.

    Raises:
        InvalidSubmission: ``ENCODAGE`` for broken UTF-16.
    """
    for mark, codec in zip(_UTF16, ("utf-16-le", "utf-16-be"), strict=True):
        if data.startswith(mark):
            return OneForOne(_strictly(data[len(mark) :], codec), mark, codec)
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    return OneForOne(data[len(mark) :].decode("latin-1"), mark, "latin-1")


def decode(data: bytes) -> Decoded:
    """The text of a file, in the encoding that it is most likely written in.

    Args:
        data: any line ends; a byte order mark, Ctrl-Z and padding at the end are taken off.

    Raises:
        InvalidSubmission: ``ENCODAGE``: control characters, replacement characters, broken UTF-16, or UTF-8
            mixed with another code page.
    """
    text, encoding, warnings = _as_written(data)
    text = text.rstrip(_PADDING).replace("\x1a", "")
    if _CONTROL.search(text):
        raise InvalidSubmission("ENCODAGE", "the file holds control characters: it is no text that we know")
    if "\ufffd" in text:
        raise InvalidSubmission("ENCODAGE", "characters of the file were lost before it came to us")
    text, was_html = _html_undone(text)
    text, accents = repaired(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "HPRIM_ACCENTS_REPARES" in accents:
        warnings = ()  # the encoding looked strange because of the damage
    found = [*warnings, *(["HPRIM_HTML"] if was_html else []), *accents]
    return Decoded(f"{text}\n" if text else "", encoding, tuple(found))


def _as_written(data: bytes) -> tuple[str, str, tuple[str, ...]]:
    if data.startswith(_UTF16):
        return _strictly(data, "utf-16"), "utf-16", ()
    if data.startswith(codecs.BOM_UTF8):
        return _strictly(data, "utf-8-sig"), "utf-8-sig", ()
    if data.isascii():
        return data.decode("ascii"), "ascii", ()
    try:
        return data.decode("utf-8"), "utf-8", ()
    except UnicodeDecodeError:
        return _best_guess(data)


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise InvalidSubmission("ENCODAGE", f"the file says {encoding} and is not") from None


def _best_guess(data: bytes) -> tuple[str, str, tuple[str, ...]]:
    """The candidate that looks most like French, the first one when several do; told when another one is as near."""
    readings = [(likeness(text), codec, text) for codec in CANDIDATES if (text := _reading(data, codec)) is not None]
    points, codec, text = max(readings, key=lambda reading: reading[0])
    if codec in CANDIDATES[:2] and _TWO_BYTES.search(data):
        raise InvalidSubmission("ENCODAGE", "the file mixes UTF-8 with another character set")
    others = (found for found, _, other in readings if other != text)
    lead = points - max(others, default=0)
    is_certain = points > 0 and lead >= (1 if codec == CANDIDATES[0] else _CLEAR_LEAD)
    return text, codec, () if is_certain else ("HPRIM_ENCODAGE_DEVINE",)


def _reading(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def break_tags_undone(text: str) -> str:
    """The text with a line end for each ``<br>``; one that ends a line already adds none."""
    return _BREAK.sub(lambda found: found[1] or "\n", text) if "<" in text else text


def _html_undone(text: str) -> tuple[str, bool]:
    """``<br />`` and character references as what they stand for, once; anything that is no letter or sign stays."""
    undone = break_tags_undone(text)
    if "&" in undone:
        undone = _ENTITY.sub(_character, undone)
    return undone, undone != text


def _character(entity: re.Match[str]) -> str:
    name, decimal, hexadecimal = entity.groups()
    if name:
        found = html5.get(f"{name};", "")
    else:
        found = chr(int(decimal) if decimal else int(hexadecimal, 16)) if int(decimal or "0") < 0x10000 else ""
    found = found.replace("\u00a0", " ")
    return (
        found if found in {"<", ">", "&", '"', "'", " "} or (found > "\u00a0" and found.isprintable()) else entity[0]
    )


def encode(text: str, encoding: str, line_end: LineEnd = LineEnd.CRLF) -> bytes:
    """The bytes of a text for software that reads one code page.

    Typographic signs become what the code page has, then what ASCII has; nothing is ever replaced by ``?``.

    Args:
        text: any line ends.
        encoding: a Python codec: ``cp1252``, ``cp850``, ``iso8859-1``, ``mac_roman``, ``utf-8``, ``utf-8-sig`` …
        line_end: of every line.

    Raises:
        InvalidSubmission: ``ENCODAGE`` when a character exists neither in the code page nor near to it.
    """
    content, used = encode_text(
        text.replace("\u03bc", "\u00b5"), encoding
    )  # the Greek mu of keyboards is the micro sign
    if used != encoding:
        raise InvalidSubmission("ENCODAGE", f"a character of the text does not exist in {encoding}")
    return content.decode(used).replace("\r\n", line_end.text).encode(used)
