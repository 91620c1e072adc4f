"""Inline styles of the narrative: ``styleCode`` and the elements that stand for one.

Source rules: CDA R2 NarrativeBlock.xsd, StyleCode. Codes beginning with ``x`` are local by the standard; those met
in the field name a colour (``xRed``, ``xFgColourRed``, ``xBgColourYellow``).
"""

import re
from dataclasses import dataclass, replace
from typing import Self

__all__ = ["BACKGROUNDS", "COLOURS", "PLAIN", "Style"]

_MARKS = {
    "bold": "b", "strong": "b", "b": "b",
    "italics": "i", "italic": "i", "emphasis": "i", "em": "i", "i": "i",
    "bolditalics": "bi", "bolditalic": "bi",
    "underline": "u", "u": "u", "strikethrough": "s", "strike": "s",
    "sup": "^", "sub": "_",
}  # fmt: skip

COLOURS = {  # dark enough to be read on white paper
    "red": "#c00000", "green": "#007000", "blue": "#0000c0", "orange": "#b85000", "purple": "#700070",
    "brown": "#703010", "gray": "#505050", "grey": "#505050", "navy": "#000080", "maroon": "#800000",
    "teal": "#006868", "olive": "#606000", "magenta": "#a00080", "pink": "#b03070", "cyan": "#006c88",
    "yellow": "#806000", "black": "#000000",
}  # fmt: skip
"""Colours of letters that a code may name."""
BACKGROUNDS = {  # light enough for black letters
    "red": "#ffd8d8", "green": "#d8f2d8", "blue": "#d8e4ff", "orange": "#ffe6cc", "purple": "#f0dcf0",
    "brown": "#ecdfd4", "gray": "#e4e4e4", "grey": "#e4e4e4", "pink": "#ffe0ec", "cyan": "#d8f4f8",
    "yellow": "#fff6b0", "lime": "#e4fbc8",
}  # fmt: skip
"""Colours of paper."""
_COLOUR = re.compile(r"xx?(fg|bg|text)?(?:col(?:ou?r)?)?[-_]?([a-z]+)")


@dataclass(frozen=True, slots=True)
class Style:
    """How a run of text looks: marks (b, i, u, s for struck out, ^ raised, _ lowered) and colours."""

    marks: str = ""
    colour: str = ""  # #rrggbb
    background: str = ""  # #rrggbb

    def with_codes(self, style_code: str | None) -> Self:
        """This style plus the tokens of a ``styleCode``; unknown tokens change nothing."""
        style = self
        for token in (style_code or "").lower().split():
            style = style.marked(_MARKS[token]) if token in _MARKS else style._coloured(token)
        return style

    def marked(self, marks: str) -> Self:
        """This style plus marks."""
        if set(marks) <= set(self.marks):
            return self
        return replace(self, marks="".join(sorted({*self.marks, *marks})))

    def without(self, mark: str) -> Self:
        """This style less one mark."""
        return replace(self, marks=self.marks.replace(mark, ""))

    def _coloured(self, token: str) -> Self:
        match = _COLOUR.fullmatch(token)
        if match is None:
            return self
        if match[1] == "bg":
            return replace(self, background=BACKGROUNDS.get(match[2], self.background))
        return replace(self, colour=COLOURS.get(match[2], self.colour))


PLAIN = Style()
"""Text without any style."""
