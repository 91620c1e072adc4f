"""Names of delivered files: within the length and the alphabet that the software wants, and each once. Pure."""

import unicodedata
from collections.abc import Iterator
from itertools import count

from connector.platform.names import folded, safe_name
from connector.settings.lps import LpsOptions

__all__ = ["SHORT_NAME_CHARS", "NameShelf", "fitted", "numbered", "plain_word"]

SHORT_NAME_CHARS = 12
"""Eight, a dot, three."""

_LONGEST_EXTENSION = 8  # what is longer is part of the name
_SHORT_STEM = 8
_SHORT_EXTENSION = 3


def fitted(name: str, options: LpsOptions) -> str:
    """The name as the software wants it; never empty, hidden or a path."""
    stem, dot, extension = _divided(safe_name(name, max_chars=options.longueur_nom_max))
    if options.noms_8_3:
        stem, extension = plain_word(stem)[:_SHORT_STEM] or "_", plain_word(extension)[:_SHORT_EXTENSION]
        return f"{stem}{dot if extension else ''}{extension}".upper()
    stem = stem.rstrip("_-") or stem  # where it was cut
    return f"{stem}{dot}{extension.upper() if options.extensions_majuscules else extension}"


def _divided(name: str) -> tuple[str, str, str]:
    """Stem, dot and extension; the last two are empty when there is none."""
    stem, dot, extension = name.rpartition(".")
    return (stem, dot, extension) if stem and len(extension) <= _LONGEST_EXTENSION else (name, "", "")


def plain_word(text: str) -> str:
    """ASCII letters, digits and hyphens only, accents taken off."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    words = "".join(c if c.isascii() and c.isalnum() else " " for c in bare).split()
    return "-".join(words)


def numbered(name: str, longest: int) -> Iterator[str]:
    """The name, then with ``-2``, ``-3`` … before its extension, none longer than ``longest``."""
    yield name
    stem, dot, extension = _divided(name)
    for number in count(2):
        tail = f"-{number}{dot}{extension}"
        yield stem[: max(longest - len(tail), 1)] + tail


class NameShelf:
    """The names of one delivery, each once in its folder whatever its case; no file has the name of a folder."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def reserve(self, folder: str) -> None:
        """Keep the name of a folder, and of those around it."""
        while folder:
            self._taken.add(folded(folder))
            folder = folder.rpartition("/")[0]

    def place(self, folder: str, name: str, longest: int) -> str:
        """The path of a file, with a number when the name is in use.

        Args:
            folder: path of the folder; empty for the outermost.
            name: as it is wanted.
            longest: of the name.
        """
        paths = (f"{folder}/{one}" if folder else one for one in numbered(name, longest))
        path = next(path for path in paths if folded(path) not in self._taken)
        self._taken.add(folded(path))
        return path
