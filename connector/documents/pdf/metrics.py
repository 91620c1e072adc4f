"""Estimated widths of text, from the advance widths of Libertinus Serif (the wider of regular and bold)."""

__all__ = ["BODY_SIZE", "text_width"]

BODY_SIZE = 9.5
"""Size of the letters of the text, in points; template.typ takes it from the data."""

# Hundredths of the size, for U+0020 to U+007E.
_ASCII = (
    25, 29, 38, 51, 51, 64, 73, 22, 32, 32, 43, 55, 24, 36, 24, 32, 51, 51, 51, 51, 51, 51, 51, 51, 51, 51, 26, 26,
    55, 55, 55, 44, 99, 74, 65, 71, 73, 61, 55, 73, 82, 37, 37, 74, 58, 90, 74, 73, 61, 73, 72, 50, 65, 73, 70, 103,
    72, 62, 62, 40, 31, 40, 52, 49, 39, 51, 54, 46, 56, 49, 39, 52, 62, 32, 31, 61, 32, 90, 62, 55, 58, 57, 43, 43,
    36, 60, 53, 78, 56, 56, 45, 31, 22, 31, 47,
)  # fmt: skip
_ACCENTED = 60  # most letters of the Latin supplement; capitals are a little wider
_CAPITAL = 74
_OTHER = 70
_MARGIN = 1.02  # against rounding


def _advance(character: str) -> int:
    position = ord(character)
    if 32 <= position < 127:
        return _ASCII[position - 32]
    if 0xC0 <= position < 0x180:
        return _CAPITAL if character.isupper() else _ACCENTED
    return 0 if position == 0x200B else _OTHER


def text_width(text: str) -> float:
    """About how wide ``text`` is on one line, in points at :data:`BODY_SIZE`; never much too small."""
    return sum(map(_advance, text)) * BODY_SIZE * _MARGIN / 100
