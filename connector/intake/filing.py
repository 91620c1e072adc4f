"""Where the files of a drop end: names that never overwrite, and one move that can be begun again.

A name that is in use gets ``-2``, ``-3`` … after its base, the same number for all files of one drop
(``X-2.xml``, ``X-2.mss.json``). The names are chosen and written down before the first file moves, so that a crash
between two moves is finished under the same names.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from connector.intake.drop import base_name
from connector.platform.together import fsync_folders, rename_exclusive

__all__ = ["LOT_FILE", "PART_FILE", "STAGE", "VERDICT_FILE", "entries", "free_number", "move_all", "numbered"]

VERDICT_FILE = ".refus.json"
"""In a claim: why it is refused (:mod:`connector.intake.refusal`)."""
LOT_FILE = ".lot.json"
"""In a claim: which parts it was split into (:mod:`connector.intake.lot`)."""
PART_FILE = ".part.json"
"""In a claim: which lot it is a part of."""
STAGE = ".lot"
"""In a claim: the folder in which its parts are made."""

_OURS = frozenset({VERDICT_FILE, LOT_FILE, PART_FILE, STAGE})  # the scanner never takes names that start with a dot


def numbered(name: str, number: int) -> str:
    """``X.mss.json`` as the ``number``-th of its name: ``X-2.mss.json``; number 1 changes nothing."""
    if number == 1:
        return name
    base = base_name(name)
    kept = len(base) if name.startswith(base) else max(name.find("."), 1)
    return f"{name[:kept]}-{number}{name[kept:]}"


def free_number(candidates: Callable[[int], Iterable[Path]]) -> int:
    """The smallest number from 1 on for which none of the candidates exists."""
    number = 1
    while any(path.exists() or path.is_symlink() for path in candidates(number)):
        number += 1
    return number


def entries(folder: Path) -> list[str]:
    """Names of what the LPS gave in a claim; empty when the claim is gone."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(name for name in names if name not in _OURS)


def move_all(sources: Collection[Path], target: Path, names: Mapping[str, str]) -> dict[str, str]:
    """Move what is still there of each file to ``target``.

    Args:
        sources: folders in which a file may still be, the likeliest first.
        target: where all go.
        names: name in the source to name in the target.

    Returns:
        The names under which they really stand: a name that someone else took in between gets the next number.
    """
    final = dict(names)
    folders: dict[Path, None] = {}
    for name, wished in names.items():
        for source in sources:
            if (source / name).exists() and source / name != target / wished:
                final[name] = _move(source / name, target, wished)
                folders |= {target: None, source: None}
                break
    fsync_folders(folders)
    return final


def _move(source: Path, target: Path, wished: str) -> str:
    name, number = wished, 1
    while True:
        try:
            rename_exclusive(source, target / name)
        except FileExistsError:
            number += 1
            name = numbered(wished, number)
        else:
            return name
