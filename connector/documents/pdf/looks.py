"""Do two drawings of the same pages show the same? For files that a converter has rewritten.

Letters may be drawn by another font of the same shape, and edges differ by a shade: what counts is that no word, line
or picture is gone, added or moved. So the grey of small squares (about 2 mm) is compared, not pixels.
"""

import io
from collections.abc import Sequence

from PIL import Image, ImageChops

__all__ = ["COMPARED_DPI", "same_look"]

COMPARED_DPI = 150
"""Dots per inch at which pages are to be drawn for :func:`same_look`."""

_SQUARE = 12  # dots: 2 mm
_MOST_DIFFERENCE = 30  # of 255; one digit less differs by 37, the same page drawn in another way by at most 24


def same_look(first: Sequence[bytes], second: Sequence[bytes]) -> bool:
    """True when both have as many pages, of the same sizes, and every page shows the same.

    Args:
        first: pages as images that Pillow can read, drawn at :data:`COMPARED_DPI`.
        second: so too.
    """
    return len(first) == len(second) and all(_same(one, other) for one, other in zip(first, second, strict=True))


def _same(first: bytes, second: bytes) -> bool:
    one, other = (Image.open(io.BytesIO(page)).convert("L") for page in (first, second))
    if abs(one.width - other.width) > 1 or abs(one.height - other.height) > 1:
        return False
    size = (max(one.width // _SQUARE, 1), max(one.height // _SQUARE, 1))
    squares = [page.resize(size, Image.Resampling.BOX) for page in (one, other)]
    return _largest(ImageChops.difference(squares[0], squares[1])) <= _MOST_DIFFERENCE


def _largest(image: Image.Image) -> int:
    return max(value for value, count in enumerate(image.histogram()) if count)
