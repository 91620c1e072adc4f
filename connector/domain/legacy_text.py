"""Text for software that reads one byte per character, and notes that a person reads in such software.

Nothing is ever replaced by ``?``: typographic signs become what the code page has, then what ASCII has, and a text
that still does not fit is written in UTF-8 with a byte order mark instead of being damaged. A sign that has no
neighbour of the same meaning stays: ``10⁹`` is never ``109``, and ``≠`` is never ``=``.
"""

import re
import textwrap
import unicodedata

__all__ = ["NOTE_COLUMNS", "encode_text", "note", "one_line"]

NOTE_COLUMNS = 80
"""Old text viewers show no more."""

_CLOSEST = {
    "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "–": "-", "—": "-", "‑": "-", "…": "...", "€": "EUR", "•": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
    "≤": "<=", "≥": ">=", "µ": "u", "μ": "u", "\u200b": "", "\ufeff": "", "\u2212": "-", "\u2010": "-", "′": "'",
    "″": '"', "→": "->", "←": "<-", "≈": "~", "◦": "-", "▪": "-", "■": "-", "●": "-", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D", "ß": "ss",
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "κ": "kappa", "λ": "lambda", "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "χ": "chi",
    "ψ": "psi", "ω": "omega", "Α": "Alpha", "Β": "Beta", "Γ": "Gamma", "Δ": "Delta", "Λ": "Lambda", "Σ": "Sigma",
    "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip

_RAISED = re.compile("[²³¹⁰ⁱ⁴-ⁿ]+")


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
        level = _RAISED.sub(lambda raised: _levelled(raised, encoding), lines)
        return "".join(_closest(character, encoding) for character in level).encode(encoding), encoding
    except UnicodeEncodeError:
        return lines.encode("utf-8-sig"), "utf-8-sig"


def _levelled(raised: re.Match[str], encoding: str) -> str:
    """``10⁹`` as ``10^9`` where the code page lacks one of the signs; behind a letter the sign alone (``Ca2+``)."""
    if _fits(raised[0], encoding):
        return raised[0]
    before = raised.string[max(raised.start() - 1, 0) : raised.start()]
    level = unicodedata.normalize("NFKD", raised[0]).replace("\u2212", "-")
    return level if before.isalpha() else f"^{level}"


def _closest(character: str, encoding: str) -> str:
    """The character itself when the code page has it, else what stands nearest to it."""
    if character.isascii() or _fits(character, encoding):
        return character
    if character in _CLOSEST:
        return _CLOSEST[character]
    parts = unicodedata.normalize("NFKD", character)
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    is_same = character.isalpha() or bare == parts  # an accent may go, the stroke of a sign may not
    return bare if bare and is_same and _fits(bare, encoding) else character


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
