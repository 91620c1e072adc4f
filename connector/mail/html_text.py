"""The readable text of an HTML body. One pass over pieces, so that no input is slow; nothing is ever rendered."""

import html
import re

__all__ = ["html_to_text"]

MAX_HTML_CHARS = 2_000_000

_PIECE = re.compile(r"<!--|-->|</?[a-zA-Z!?][^<>]*>|[^<>-]+|.", re.DOTALL)
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]{0,20})")
_HIDDEN = frozenset({"head", "script", "style", "template", "title"})
_BREAKS = frozenset({
    "address", "blockquote", "br", "div", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "table", "tr", "ul",
})  # fmt: skip
_HUGE_REFERENCE = re.compile(r"&#x?[0-9a-fA-F]{9,};?")


def html_to_text(source: str) -> str:
    """Take the tags off; never fails. Over two million characters the end is left out.

    Scripts, styles, head and comments disappear; block elements become line ends, cells are set apart by a tab.
    """
    out: list[str] = []
    hidden = ""  # the element, or "!" for a comment, that hides what follows
    for piece in _PIECE.findall(source[:MAX_HTML_CHARS]):
        name = _tag_name(piece)
        if hidden:
            hidden = "" if _ends(hidden, piece, name) else hidden
        elif piece == "<!--":
            hidden = "!"
        elif name in _HIDDEN and not piece.startswith("</"):
            hidden = name
        else:
            out.append(_shown(piece, name))
    return _tidied(html.unescape(_HUGE_REFERENCE.sub("\ufffd", "".join(out))))


def _tag_name(piece: str) -> str:
    match = _TAG.match(piece)
    return match[1].lower() if match else ""


def _ends(hidden: str, piece: str, name: str) -> bool:
    if hidden == "!":
        return piece == "-->"
    return name == hidden and piece.startswith("</")


def _shown(piece: str, name: str) -> str:
    if name in _BREAKS:
        return "\n"
    if name in ("td", "th"):
        return "" if piece.startswith("</") else "\t"
    if piece.startswith("<") and len(piece) > 1:
        return ""
    return re.sub(r"\s+", " ", piece)


def _tidied(text: str) -> str:
    lines = [re.sub(r"[ \u00a0]+", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
