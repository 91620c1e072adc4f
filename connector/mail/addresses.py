"""Addresses in received headers. Own code: the standard library's recurses on nested comments.

Source rule: RFC 5322 3.4, read leniently.
"""

import re
from dataclasses import dataclass

from connector.mail.text import clean_line
from connector.mail.words import decode_words

__all__ = ["Contact", "parse_contacts"]

MAX_VALUE_CHARS = 65_536
MAX_CONTACTS = 1_000

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"?|<[^<>]*>?|[(),;:]|[^"<(),;:]+|.', re.DOTALL)
_QUOTED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody in a received header: data from outside, for display and comparison."""

    name: str  # display name, decoded; may be empty
    address: str  # ``local@domain``, domain in lower case; "" when there is none

    @property
    def domain(self) -> str:
        """What stands behind the last ``@``."""
        return self.address.rpartition("@")[2]


class _Collector:
    """Gathers the tokens of one mailbox until a comma ends it."""

    def __init__(self) -> None:
        self.contacts: list[Contact] = []
        self._clear()

    def _clear(self) -> None:
        self._words: list[str] = []
        self._comment: list[str] = []
        self._angle: str | None = None

    def word(self, piece: str) -> None:
        if piece.startswith('"'):
            piece = _QUOTED.sub(r"\1", piece[1:].removesuffix('"'))
        self._words.append(piece)

    def angle(self, piece: str) -> None:
        self._angle = piece.strip("<>")

    def comment(self, piece: str) -> None:
        self._comment.append(piece)

    def group(self) -> None:
        """A group's name, or a route: not a mailbox."""
        self._words = []

    def finish(self) -> None:
        words, comment = "".join(self._words), "".join(self._comment)
        bare = words if self._angle is None else self._angle
        address = _address(bare)
        name = words if self._angle is not None else ("" if address else words)
        shown = clean_line(decode_words(clean_line(name or comment)))
        if shown or address:
            self.contacts.append(Contact(shown, address))
        self._clear()


def parse_contacts(value: str) -> tuple[Contact, ...]:
    """Read the mailboxes of a header value, groups opened; never fails.

    Args:
        value: unfolded, not yet decoded from RFC 2047.

    Returns:
        At most 1 000 contacts, in order; what has neither name nor address is left out.
    """
    collector = _Collector()
    depth = 0
    for piece in _PIECE.findall(value[:MAX_VALUE_CHARS]):
        if piece in "()":
            depth = max(0, depth + (1 if piece == "(" else -1))
        elif depth:
            collector.comment(piece)
        elif piece in ",;":
            collector.finish()
        else:
            _add(collector, piece)
        if len(collector.contacts) >= MAX_CONTACTS:
            return tuple(collector.contacts)
    collector.finish()
    return tuple(collector.contacts)


def _add(collector: _Collector, piece: str) -> None:
    if piece == ":":
        collector.group()
    elif piece.startswith("<"):
        collector.angle(piece)
    else:
        collector.word(piece)


def _address(text: str) -> str:
    bare = re.sub(r"\s", "", clean_line(text))
    local, at, domain = bare.rpartition("@")
    return f"{local}@{domain.lower()}" if at and local and domain else ""
