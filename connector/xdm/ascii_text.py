"""French text as 7-bit ASCII, for the parts of a package that IHE wants readable everywhere."""

import re
import unicodedata

__all__ = ["fold"]

_LIGATURES = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"'}
    | dict.fromkeys("–—‐‑", "-")
)
_NOT_PRINTABLE = re.compile("[^!-~]+")


def fold(text: str) -> str:
    """Accents and what else is not ASCII taken off, blanks collapsed.

    >>> fold("Hôpital  Européen – Cœur")
    'Hopital Europeen - Coeur'
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_LIGATURES)).encode("ascii", "ignore").decode("ascii")
    return _NOT_PRINTABLE.sub(" ", text).strip()
