"""All pages of a PDF as pictures, drawn by another process (:mod:`connector.platform.raster_worker`)."""

import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["DrawnPage", "draw_pages"]

_WORKER = Path(__file__).with_name("raster_worker.py")
_HEAD = struct.Struct(">ddI")
_MOST_PAGES = 200


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """One page: its size in points and its picture, grey or in colours."""

    width: float
    height: float
    png: bytes = field(repr=False)


def draw_pages(pdf: bytes, *, dpi: int, seconds: float = 120.0) -> tuple[DrawnPage, ...] | None:
    """Every page as it is printed; ``None`` when it cannot be drawn, takes too long or has more than 200 pages.

    Args:
        pdf: the file; an encrypted one that opens without a password is drawn.
        dpi: dots per inch.
        seconds: longest time for the whole document.
    """
    command = [sys.executable, "-I", str(_WORKER), str(dpi), str(_MOST_PAGES)]
    try:
        done = subprocess.run(command, input=pdf, capture_output=True, timeout=seconds, check=True)  # noqa: S603 - our own interpreter and script
        return _read(done.stdout) or None
    except (OSError, subprocess.SubprocessError, struct.error):
        return None


def _read(data: bytes) -> tuple[DrawnPage, ...]:
    pages, at = [], 0
    while at < len(data):
        width, height, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size + length
        pages.append(DrawnPage(width, height, data[at - length : at]))
    return tuple(pages)
