"""What stands in front of list items: CDA R2 ``list/@listType`` and ``@styleCode`` (ListStyle)."""

from collections.abc import Callable

from connector.documents.xml import SafeElement

__all__ = ["marker_of"]

_BULLETS = {"disc": "•", "circle": "◦", "square": "▪"}
_BY_DEPTH = ("•", "◦", "▪")
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip


def marker_of(items: SafeElement, index: int, depth: int) -> str:
    """The marker of item ``index`` (from 0) of a ``list`` element that lies ``depth`` lists deep."""
    codes = (items.get("styleCode") or "").lower().split()
    style = next((code for code in codes if code in _BULLETS or code in _NUMBERS), "")
    if style in _BULLETS and items.get("listType") != "ordered":
        return _BULLETS[style]
    if style in _NUMBERS or items.get("listType") == "ordered":
        return f"{_NUMBERS.get(style, str)(index + 1)}."
    return _BY_DEPTH[depth % len(_BY_DEPTH)]


def _roman(number: int) -> str:
    letters = ""
    for value, sign in _ROMAN:
        letters += sign * (number // value)
        number %= value
    return letters


def _letters(number: int) -> str:
    """The letters a to z, then aa, ab and so on."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


_NUMBERS: dict[str, Callable[[int], str]] = {
    "arabic": str,
    "littleroman": _roman,
    "bigroman": lambda number: _roman(number).upper(),
    "littlealpha": _letters,
    "bigalpha": lambda number: _letters(number).upper(),
}
