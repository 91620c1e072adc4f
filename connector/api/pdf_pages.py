"""Pages of a PDF as images: the browser gets no PDF to interpret, only pictures of it.

The drawing is done by another process (:mod:`connector.api.pdf_worker`), within a time: a PDF from outside must
not be able to hang, bloat or crash the connector.
"""

import struct
import subprocess
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from connector.domain.errors import MalformedMessage, Unavailable

__all__ = ["MOST_PAGES", "PdfPages"]

MOST_PAGES = 40
"""Pages that are shown; whoever needs the rest opens the file."""
CHUNK = 4  # pages drawn by one process
WIDTH_PIXELS = 1100
SECONDS = 30.0
MOST_PROCESSES = 2
KEPT_BYTES = 32_000_000
_WORKER = Path(__file__).with_name("pdf_worker.py")
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What one process gave."""

    pages: int  # of the document
    images: tuple[bytes, ...]


class PdfPages:
    """Draws pages, and keeps the ones drawn last. Thread-safe; blocks while a page is drawn.

    Args:
        seconds: longest time for one process.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._free = threading.Semaphore(MOST_PROCESSES)
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], _Drawn] = OrderedDict()

    def count(self, pdf: bytes) -> int:
        """How many pages it has.

        Raises:
            MalformedMessage: ``PDF_INVALIDE``: it cannot be drawn.
            Unavailable: ``API_OCCUPEE``.
        """
        return self._chunk(pdf, 0).pages

    def page(self, pdf: bytes, index: int) -> bytes:
        """One page as PNG.

        Raises:
            MalformedMessage: ``PDF_INVALIDE``: it cannot be drawn, or has no such page.
            Unavailable: ``API_OCCUPEE``.
        """
        if not 0 <= index < MOST_PAGES:
            raise MalformedMessage("PDF_INVALIDE", "no such page is shown")
        images = self._chunk(pdf, index - index % CHUNK).images
        if index % CHUNK >= len(images):
            raise MalformedMessage("PDF_INVALIDE", "no such page")
        return images[index % CHUNK]

    def _chunk(self, pdf: bytes, first: int) -> _Drawn:
        key = (sha256(pdf).hexdigest(), first)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        if not self._free.acquire(timeout=self._seconds):
            raise Unavailable("API_OCCUPEE", "other pages are being drawn")
        try:
            drawn = _draw(pdf, first, self._seconds)
        finally:
            self._free.release()
        self._keep(key, drawn)
        return drawn

    def _keep(self, key: tuple[str, int], drawn: _Drawn) -> None:
        with self._lock:
            self._kept[key] = drawn
            while len(self._kept) > 1 and sum(_size(each) for each in self._kept.values()) > KEPT_BYTES:
                self._kept.popitem(last=False)


def _size(drawn: _Drawn) -> int:
    return sum(map(len, drawn.images))


def _draw(pdf: bytes, first: int, seconds: float) -> _Drawn:
    command = [sys.executable, "-I", str(_WORKER), str(first), str(CHUNK), str(WIDTH_PIXELS)]
    try:
        done = subprocess.run(command, input=pdf, capture_output=True, timeout=seconds, check=True)  # noqa: S603 - our own interpreter and script
        return _read(done.stdout)
    except (subprocess.SubprocessError, struct.error) as failure:
        raise MalformedMessage("PDF_INVALIDE", f"it cannot be drawn ({type(failure).__name__})") from failure


def _read(data: bytes) -> _Drawn:
    (pages,) = _LENGTH.unpack_from(data)
    images, at = [], _LENGTH.size
    while at < len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        images.append(data[at + _LENGTH.size : at + _LENGTH.size + length])
        at += _LENGTH.size + length
    return _Drawn(pages, tuple(images))
