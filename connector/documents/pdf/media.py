"""What ``renderMultiMedia`` points at: observationMedia and regionOfInterest, by their ID.

Source rules: CDA R2 4.3.5.6 (renderMultiMedia), 4.3.6.5 (observationMedia), 4.3.6.6 (regionOfInterest).
"""

import base64
import binascii
import math
from collections.abc import Callable

from lxml import etree

from connector.documents.pdf.blocks import Block, note
from connector.documents.pdf.picture import UnreadableImage, pictures_of
from connector.documents.xml import SafeElement, local_name
from connector.domain.errors import InvalidSubmission

__all__ = ["MAX_IMAGES", "MediaIndex", "shown"]

MAX_IMAGES = 100
"""Most images drawn for one document, repetitions included."""

_V3 = "{urn:hl7-org:v3}"
_MAX_POINTS = 2_000


class MediaIndex:
    """The media of one document; counts what is drawn, so that repetition cannot blow a page up."""

    def __init__(self, document: SafeElement) -> None:
        self._by_id: dict[str, SafeElement] = {}
        for tag in ("observationMedia", "regionOfInterest"):
            for element in document.iter(f"{_V3}{tag}"):
                self._by_id.setdefault(element.get("ID", ""), element)
        self._drawn = 0

    def blocks_of(self, references: str) -> tuple[Block, ...]:
        """What stands for a ``referencedObject``: pictures, or a visible remark on each that cannot be shown.

        Args:
            references: one or more IDs, separated by blanks.

        Raises:
            InvalidSubmission: ``TROP_GROS`` after :data:`MAX_IMAGES`.
        """
        blocks: list[Block] = []
        for reference in references.split():
            blocks.extend(self._resolve(reference))
        return tuple(blocks) or (note("[image sans référence]"),)

    def _resolve(self, reference: str) -> tuple[Block, ...]:
        element = self._by_id.get(reference)
        if element is None:
            return (note(f"[objet « {reference} » absent du document]"),)
        self._drawn += 1
        if self._drawn > MAX_IMAGES:
            raise InvalidSubmission("TROP_GROS", f"more than {MAX_IMAGES} images are shown")
        if local_name(element) == "observationMedia":
            return _media_blocks(element, "")
        media = next(element.iter(f"{_V3}observationMedia"), None)
        if media is None:
            return (note(f"[région « {reference} » sans image]"),)
        return _media_blocks(media, _overlay(element))


def shown(data: bytes, media_type: str, overlay: str = "") -> tuple[Block, ...]:
    """The pictures in ``data``, or a remark when there is none to show."""
    if media_type == "application/pdf":
        return (note("[document PDF joint au document CDA, non reproduit ici]"),)
    try:
        return pictures_of(data, overlay)
    except UnreadableImage as reason:
        return (note(f"[{reason} : voir le document CDA]"),)


def _media_blocks(media: SafeElement, overlay: str) -> tuple[Block, ...]:
    value = media.find(f"{_V3}value")
    if value is None:
        return (note("[image sans contenu]"),)
    reference = value.find(f"{_V3}reference")
    content = "".join(value.itertext(etree.Element)).strip() if reference is None else ""
    if reference is not None and not content:
        return (note(f"[image hors du document : {reference.get('value', '')}]"),)
    try:
        data = base64.b64decode("".join(content.split()))
    except (binascii.Error, ValueError):
        return (note("[image illisible : voir le document CDA]"),)
    return shown(data, value.get("mediaType", ""), overlay)


def _overlay(region: SafeElement) -> str:
    """The region as SVG; every number in it has been through ``int``."""
    code = region.find(f"{_V3}code")
    numbers = _coordinates(region)
    fewest, draw = _SHAPES.get(code.get("code", "") if code is not None else "", _UNKNOWN_SHAPE)
    if draw is None or len(numbers) < fewest:
        return ""
    return f'<g fill="none" stroke="#d00000" stroke-width="3">{draw(numbers)}</g>'


def _coordinates(region: SafeElement) -> list[int]:
    numbers = []
    for value in region.findall(f"{_V3}value")[:_MAX_POINTS]:
        try:
            numbers.append(max(-100_000, min(100_000, int(value.get("value", "")))))
        except ValueError:
            return []
    return numbers


def _distance(numbers: list[int]) -> int:
    return round(math.hypot(numbers[0] - numbers[2], numbers[1] - numbers[3]))


def _circle(numbers: list[int]) -> str:
    """Centre, then a point on the line."""
    return f'<circle cx="{numbers[0]}" cy="{numbers[1]}" r="{_distance(numbers)}"/>'


def _ellipse(numbers: list[int]) -> str:
    """Two ends of one axis, then two ends of the other; drawn upright."""
    xs, ys = numbers[0:8:2], numbers[1:8:2]
    middle_x, middle_y = (min(xs) + max(xs)) // 2, (min(ys) + max(ys)) // 2
    radii = f'rx="{(max(xs) - min(xs)) // 2}" ry="{(max(ys) - min(ys)) // 2}"'
    return f'<ellipse cx="{middle_x}" cy="{middle_y}" {radii}/>'


def _points(numbers: list[int]) -> str:
    pairs = zip(numbers[::2], numbers[1::2], strict=False)
    return "".join(f'<circle cx="{x}" cy="{y}" r="5"/>' for x, y in pairs)


def _polygon(numbers: list[int]) -> str:
    pairs = zip(numbers[::2], numbers[1::2], strict=False)
    return f'<polyline points="{" ".join(f"{x},{y}" for x, y in pairs)}"/>'


# Fewest numbers, and how to draw them.
_SHAPES: dict[str, tuple[int, Callable[[list[int]], str]]] = {
    "CIRCLE": (4, _circle),
    "ELLIPSE": (8, _ellipse),
    "POINT": (2, _points),
    "POLY": (4, _polygon),
}
_UNKNOWN_SHAPE = (0, None)
