"""Text for software that reads one byte per character, and notes that a person reads in such software.

Nothing is ever replaced by ``?``: typographic signs become what the code page has, then what ASCII has, and a text
that still does not fit is written in UTF-8 with a byte order mark instead of being damaged.
"""

import textwrap
import unicodedata

__all__ = ["NOTE_COLUMNS", "encode_text", "note", "one_line"]

NOTE_COLUMNS = 80
"""Old text viewers show no more."""

_CLOSEST = {
    "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‑": "-", "…": "...", "€": "EUR", "•": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
    "≤": "<=", "≥": ">=", "µ": "u", "μ": "u", "\u200b": "", "\ufeff": "",
}  # fmt: skip


def encode_text(text: str, encoding: str) -> tuple[bytes, str]:
    """Encode without losing a character.

    Args:
        text: any line ends; they become CRLF.
        encoding: a Python codec name, e.g. ``cp1252``.

    Returns:
        The bytes, and the encoding that was used: ``utf-8-sig`` when the one asked for cannot hold the text.
    """
    lines = "\r\n".join(unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    try:
        return "".join(_closest(character, encoding) for character in lines).encode(encoding), encoding
    except UnicodeEncodeError:
        return lines.encode("utf-8-sig"), "utf-8-sig"


def _closest(character: str, encoding: str) -> str:
    """The character itself when the code page has it, else what stands nearest to it."""
    if character.isascii() or _fits(character, encoding):
        return character
    if character in _CLOSEST:
        return _CLOSEST[character]
    bare = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return bare if bare and _fits(bare, encoding) else character


def _fits(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def one_line(text: str, columns: int) -> str:
    """The text without line ends, cut to ``columns`` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= columns else flat[: columns - 3].rstrip() + "..."


def note(*paragraphs: str) -> bytes:
    """A note for a person: CP1252, CRLF, wrapped at 80 columns, an empty line between paragraphs.

    Args:
        paragraphs: each may hold line ends of its own; its first line may be a heading.
    """
    blocks = ["\n".join(_wrapped(line) for line in paragraph.split("\n")) for paragraph in paragraphs]
    return encode_text("\n\n".join(blocks) + "\n", "cp1252")[0]


def _wrapped(line: str) -> str:
    indent = " " * (len(line) - len(line.lstrip(" ")))
    return "\n".join(textwrap.wrap(line.strip(), NOTE_COLUMNS, initial_indent=indent, subsequent_indent=indent)) or ""
