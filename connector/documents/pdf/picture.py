"""Images of the narrative, made fit for PDF/A-1: no transparency, no foreign colour profile, bounded size.

Source rules: CDA R2 observationMedia (B64 data of image/gif, image/jpeg, image/png, image/tiff), regionOfInterest
(overlay in pixels); ISO 19005-1 6.4 (no transparency).
"""

import base64
import io
import struct
import zlib
from collections.abc import Iterator, Sequence

from PIL import Image, ImageOps

from connector.documents.pdf.blocks import Picture

__all__ = ["MAX_PIXELS", "UnreadableImage", "pictures_of"]

MAX_PIXELS = 40_000_000
"""Most pixels that are decoded for one image (a 300 dpi A3 page has 17 million)."""

_MAX_FRAMES = 50  # pages of a TIFF
_FORMATS = ("PNG", "JPEG", "GIF", "TIFF", "BMP")
# What Pillow is known to raise on damaged data, beyond its own OSError family; Warning where warnings are errors.
_DAMAGE = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, OverflowError, MemoryError, AttributeError,
    ZeroDivisionError, struct.error, zlib.error, Image.DecompressionBombError, Warning,
)  # fmt: skip
_SIXTEEN_BITS = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})


class UnreadableImage(Exception):
    """The data is not an image that can be shown; the text says why, in French, for the page."""


def pictures_of(data: bytes, overlay: str = "") -> tuple[Picture, ...]:
    """The images in ``data``: one, or one for each page of a TIFF.

    Args:
        data: a PNG, JPEG, GIF, TIFF or BMP file.
        overlay: SVG shapes in pixel coordinates, made by us, drawn over the image.

    Raises:
        UnreadableImage: damaged, of another format, or over :data:`MAX_PIXELS`.
    """
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            return tuple(_picture(frame, data, overlay) for frame in _frames(image))
    except _DAMAGE as failure:
        raise UnreadableImage("image illisible") from failure


def _frames(image: Image.Image) -> Iterator[Image.Image]:
    frames = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    if frames > _MAX_FRAMES:
        raise UnreadableImage("image de trop de pages")
    for index in range(frames):
        if frames > 1:
            image.seek(index)
        if image.width * image.height > MAX_PIXELS:
            raise UnreadableImage(f"image trop grande ({image.width} × {image.height} pixels)")
        yield image


def _picture(image: Image.Image, data: bytes, overlay: str) -> Picture:
    if _can_be_kept(image):
        image.load()  # a truncated file is found here, not on the reader's screen
        return _wrap(image.size, "image/jpeg", data, overlay)
    flat = _flattened(ImageOps.exif_transpose(image))
    out = io.BytesIO()
    flat.save(out, "PNG", compress_level=1)  # typst compresses again
    return _wrap(flat.size, "image/png", out.getvalue(), overlay)


def _can_be_kept(image: Image.Image) -> bool:
    """True for a JPEG whose bytes may stand in a PDF/A-1 as they are: no loss by a second compression."""
    turned = image.getexif().get(0x0112, 1) != 1
    return image.format == "JPEG" and image.mode in {"L", "RGB"} and not turned and "icc_profile" not in image.info


def _flattened(image: Image.Image) -> Image.Image:
    """The image as grey or RGB pixels, transparent parts on white."""
    if image.mode in _SIXTEEN_BITS:
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in {"1", "L", "F"} and "transparency" not in image.info:
        return image.convert("L")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image.convert("RGB")


def _wrap(size: Sequence[int], media_type: str, data: bytes, overlay: str) -> Picture:
    width, height = size
    content = base64.b64encode(data).decode("ascii")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}" href="data:{media_type};base64,{content}"/>{overlay}</svg>'
    )
    return Picture(svg, width, height)
