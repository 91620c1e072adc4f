"""Names that come from outside become names of files: nothing else of them survives.

Source: lps-folder-conventions 7.1 (Windows names, also applied elsewhere, because the folder may be a share).
"""

import os
import re
import unicodedata
from collections.abc import Collection
from pathlib import Path

__all__ = ["folded", "free_name", "safe_name"]

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+')
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³]) *(?=\.|$)", re.IGNORECASE)
_MAX_BYTES = 240  # most file systems stop at 255 bytes; room for "-999" and a temporary suffix
_MAX_EXTENSION_CHARS = 16


def safe_name(text: str, *, max_chars: int = 80) -> str:
    """One harmless file name made from any text: never empty, never hidden, never a path.

    The result is NFC and holds no control or direction characters, no separators, no ``:`` (NTFS streams), no
    trailing dots or blanks, and is no reserved Windows device. The extension is kept when the name is shortened.
    Applying it twice changes nothing.

    Args:
        text: a name from a sidecar, an archive, a header.
        max_chars: longest result, at least 8.
    """
    printable = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates
    name = _shortened(_tidy(_FORBIDDEN.sub("_", unicodedata.normalize("NFC", printable))), max_chars)
    if _RESERVED.match(name):
        name = _shortened(f"_{name}", max_chars)
    return name or "document"


def _tidy(name: str) -> str:
    """Without leading dots, blanks and hyphens (hidden, or an option on a command line), trailing dots and blanks."""
    return name.strip().lstrip("-. ~").rstrip(". ")


def _shortened(name: str, max_chars: int) -> str:
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension) > min(_MAX_EXTENSION_CHARS, max_chars // 2):
        stem, dot, extension = name, "", ""
    room = max_chars - len(dot + extension)
    while len(stem) > room or len((stem + dot + extension).encode()) > _MAX_BYTES:
        stem = stem[: min(room, len(stem) - 1)]
    return unicodedata.normalize("NFC", stem.rstrip(". ") + dot + extension)


def folded(name: str) -> str:
    """What two names have in common when a Windows or macOS folder takes them for one."""
    return unicodedata.normalize("NFC", name).casefold()


def free_name(folder: Path, name: str, *, taken: Collection[str] | None = None) -> Path:
    """``folder / name``, with ``-2``, ``-3`` … before the extension while the name is in use.

    Names that differ by case or by Unicode form only count as the same. It says what is free now; make it yours with
    :func:`connector.platform.files.rename_durable`, which never overwrites.

    Args:
        folder: an existing folder.
        name: a safe name.
        taken: the :func:`folded` names in use when the caller knows them; else the folder is listed.
    """
    used = {folded(entry) for entry in os.listdir(folder)} if taken is None else taken  # noqa: PTH208 - names only
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    candidate, number = name, 2
    while folded(candidate) in used:
        candidate = f"{stem}-{number}{dot}{extension}"
        number += 1
    return folder / candidate
