"""Patterns for names of files and folders: ``{prefixe}_{n:02}_{type}.pdf``. Pure.

A field that is empty goes with the ``_`` or ``-`` in front of it. What fills a field is made harmless before; what a
pattern gives is a name or a path of names, never a way out of the folder.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from connector.platform.names import safe_name

__all__ = ["FOLDER_FIELDS", "NAME_FIELDS", "BadPattern", "Pattern", "folder_parts"]

NAME_FIELDS = frozenset({"prefixe", "stamp", "id", "n", "type", "nom"})
"""What the name of a file may be made of."""
FOLDER_FIELDS = frozenset({"prefixe", "stamp", "id"})
"""What the name of a folder may be made of: nothing that differs between the files of a message."""

_FIELD = re.compile(r"\{([a-z]+)(?::0([2-6]))?\}")
_LITERAL = re.compile(r"[A-Za-z0-9_. -]*")
_MOST_PARTS = 3


class BadPattern(ValueError):
    """A pattern that gives no name; the message says why, in French and English."""

    def __init__(self, french: str, english: str) -> None:
        super().__init__(english)
        self.french = french
        self.english = english


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, read."""

    pieces: tuple[tuple[str, str, int], ...]  # (literal before, field or "", width)

    @classmethod
    def parse(cls, text: str, fields: frozenset[str] = NAME_FIELDS) -> Self:
        """Read a pattern.

        Args:
            text: with fields in braces.
            fields: those that may occur.

        Raises:
            BadPattern: an unknown field, a lone brace, or a character that no file name should have.
        """
        pieces: list[tuple[str, str, int]] = []
        at = 0
        for found in _FIELD.finditer(text):
            name, width = found.groups()
            if name not in fields or (width and name != "n"):
                known = ", ".join(sorted(f"{{{field}}}" for field in fields))
                raise BadPattern(f"{found[0]} n'est pas une variable ; connues : {known}",
                                 f"{found[0]} is no field; known: {known}")  # fmt: skip
            pieces.append((text[at : found.start()], name, int(width or 0)))
            at = found.end()
        pieces.append((text[at:], "", 0))
        if not all(_LITERAL.fullmatch(literal) for literal, _, _ in pieces):
            raise BadPattern(f"{text!r} contient un caractère interdit dans un nom de fichier",
                             f"{text!r} holds a character that no file name should have")  # fmt: skip
        return cls(tuple(pieces))

    @property
    def fields(self) -> frozenset[str]:
        """The fields that occur."""
        return frozenset(name for _, name, _ in self.pieces if name)

    def fill(self, values: Mapping[str, str | int]) -> str:
        """The text, every field replaced.

        >>> Pattern.parse("{prefixe}_{n:02}_{type}.pdf").fill({"prefixe": "P", "n": 3, "type": ""})
        'P_03.pdf'
        """
        written = ""
        for literal, name, width in self.pieces:
            written += literal
            if name:
                value = values[name]
                shown = f"{value:0{width}}" if isinstance(value, int) and width else str(value)
                written = written + shown if shown else written.rstrip("_-")
        return written


def folder_parts(text: str) -> tuple[Pattern, ...]:
    """A path of folders, from the outermost; empty for the LPS's folder itself.

    Raises:
        BadPattern: an absolute path, ``..``, a hidden or reserved name, more than three folders.
    """
    if not text:
        return ()
    parts = text.split("/")
    if len(parts) > _MOST_PARTS or any(_is_unsafe(part) for part in parts):
        raise BadPattern(f"{text!r} n'est pas un chemin de dossiers sous RECUS",
                         f"{text!r} is no path of folders below RECUS")  # fmt: skip
    return tuple(Pattern.parse(part, FOLDER_FIELDS) for part in parts)


def _is_unsafe(part: str) -> bool:
    bare = _FIELD.sub("x", part)
    return safe_name(bare) != bare
