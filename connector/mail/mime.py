"""The tree of a received message, cut on the raw bytes.

Own code beside the standard library's parser, for two reasons: that one builds the whole tree before anything can be
counted (10 000 parts, depth without end), and takes twice the time this whole room may take (2 ms for 137 kB here).

Source rules: RFC 5322, RFC 2045, RFC 2046; lenient towards line ends, missing boundaries and undeclared bytes.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from connector.domain.errors import MalformedMessage
from connector.domain.limits import Limits
from connector.mail.parameters import parse_parameters
from connector.mail.text import decode_text

__all__ = ["Headers", "Leaf", "header_block", "read_leaves"]

MAX_HEADER_BYTES = 262_144
MAX_BOUNDARY_CHARS = 200

_NAME = re.compile(rb"[!-9;-~]+")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_HEADER_END = re.compile(rb"\n\r?\n")
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_LIKELY_BOUNDARY = re.compile(rb"(?:^|\n)--([^\s\x00-\x1f\x7f-\xff]{1,70})[ \t]*\r?\ncontent-", re.IGNORECASE)
_BASE64_ALPHABET = re.compile(rb"[^A-Za-z0-9+/]")


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in order: lower-case names, unfolded values, encoded words still in place."""

    fields: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        """The first value of a header, ``""`` when absent; of duplicates only the first counts."""
        return next((value for key, value in self.fields if key == name), "")

    def get_all(self, name: str) -> tuple[str, ...]:
        """All values of a header."""
        return tuple(value for key, value in self.fields if key == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One part that holds content; a forwarded message is a leaf, and its own parts follow it."""

    headers: Headers
    media_type: str  # declared, lower case; text/plain when nothing is declared
    parameters: Mapping[str, str]  # of Content-Type
    disposition: str  # inline, attachment or ""
    file_name: str  # as declared, decoded, not yet made safe
    depth: int  # 0 for a message that is one leaf
    forwarded: bool  # stands inside a message/rfc822
    content: bytes = field(repr=False)  # transfer encoding taken off


def header_block(raw: bytes, *, start: int = 0, end: int | None = None) -> tuple[Headers, int]:
    """Read the headers of an entity.

    Args:
        raw: the buffer.
        start: where the entity begins.
        end: where it ends; default: at the end of the buffer.

    Returns:
        The headers, and where the body begins. Lines that are no header are ignored; text without any header line
        is all body.

    Raises:
        MalformedMessage: ``MESSAGE_ILLISIBLE`` over 256 kB of headers.
    """
    end = len(raw) if end is None else end
    first = raw[start : min(start + 2, end)]
    if first[:1] == b"\n" or first == b"\r\n":
        return Headers(()), start + (1 if first[:1] == b"\n" else 2)
    match = _HEADER_END.search(raw, start, end)
    stop, body = (match.start(), match.end()) if match else (end, end)
    if match is None and not _looks_like_header(raw, start, end):
        return Headers(()), start
    if stop - start > MAX_HEADER_BYTES:
        raise MalformedMessage("MESSAGE_ILLISIBLE", f"a header block of {stop - start} bytes")
    return Headers(tuple(_fields(raw[start:stop]))), body


def read_leaves(raw: bytes, limits: Limits) -> tuple[Headers, tuple[Leaf, ...]]:
    """Cut a message into its leaves, in document order.

    Raises:
        MalformedMessage: ``MESSAGE_ILLISIBLE`` over a limit.
    """
    if len(raw) > limits.max_mime_bytes:
        raise MalformedMessage("MESSAGE_ILLISIBLE", f"{len(raw)} bytes are more than is read")
    headers, _body = header_block(raw)
    walker = _Walker(limits)
    return headers, tuple(walker.entity(raw, (0, len(raw)), _Place(0, False, "text/plain")))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the tree an entity stands."""

    depth: int
    forwarded: bool
    default_type: str

    def below(self, *, forwarded: bool = False, default_type: str = "text/plain") -> "_Place":
        return _Place(self.depth + 1, self.forwarded or forwarded, default_type)


class _Walker:
    """Counts while it walks."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entities = 0
        self._bytes = 0

    def entity(self, raw: bytes, span: tuple[int, int], place: _Place) -> Iterator[Leaf]:
        """One entity: itself when it is a leaf, else what is in it."""
        self._count(place)
        start, end = span
        headers, body = header_block(raw, start=start, end=end)
        media_type, parameters = _content_type(headers.get("content-type"), place.default_type)
        if media_type.startswith("multipart/"):
            spans = self._parts(raw, (body, end), parameters.get("boundary", ""))
            if spans:
                default = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
                for child in spans:
                    yield from self.entity(raw, child, place.below(default_type=default))
                return
            media_type = "text/plain"
        leaf = _leaf(headers, media_type, parameters, place, raw[body:end])
        self._weigh(leaf)
        yield leaf
        if media_type == "message/rfc822":
            content = leaf.content
            yield from self.entity(content, (0, len(content)), place.below(forwarded=True))

    def _count(self, place: _Place) -> None:
        self._entities += 1
        if self._entities > self._limits.max_mime_parts:
            raise MalformedMessage("MESSAGE_ILLISIBLE", f"more than {self._limits.max_mime_parts} parts")
        if place.depth > self._limits.max_mime_depth:
            raise MalformedMessage("MESSAGE_ILLISIBLE", f"nested over {self._limits.max_mime_depth} levels")

    def _weigh(self, leaf: Leaf) -> None:
        """Forwards in forwards are kept once per level: bound their sum."""
        self._bytes += len(leaf.content)
        if self._bytes > self._limits.max_expanded_bytes:
            raise MalformedMessage("MESSAGE_ILLISIBLE", f"over {self._limits.max_expanded_bytes} bytes of content")

    def _parts(self, raw: bytes, span: tuple[int, int], boundary: str) -> list[tuple[int, int]]:
        """The parts by their boundary; when that is missing or wrong, by the line that is most likely meant."""
        found = self._children(raw, span, boundary)
        if not found and (likely := _LIKELY_BOUNDARY.search(raw, *span)):
            return self._children(raw, span, likely[1].decode("ascii"))
        return found

    def _children(self, raw: bytes, span: tuple[int, int], boundary: str) -> list[tuple[int, int]]:
        """Where the parts are; preamble and epilogue left out, a missing closing line forgiven."""
        start, end = span
        bare = boundary.rstrip()
        if not bare or len(bare) > MAX_BOUNDARY_CHARS:
            return []
        line = re.compile(rb"\n--" + re.escape(bare.encode("utf-8", "replace")) + rb"(--)?[ \t]*\r?(?:\n|\Z)")
        spans: list[tuple[int, int]] = []
        opened, position = -1, max(start - 1, 0)
        while match := line.search(raw, position, end):
            if opened >= 0:
                cut = match.start()
                spans.append((opened, max(opened, cut - 1 if raw[cut - 1 : cut] == b"\r" else cut)))
            if match[1] or len(spans) > self._limits.max_mime_parts:
                return spans
            # an empty part: its line end is also the one in front of the next boundary
            opened, position = match.end(), match.end() - 1
        if opened >= 0:
            spans.append((opened, end))
        return spans


def _looks_like_header(raw: bytes, start: int, end: int) -> bool:
    name, colon, _rest = raw[start : min(start + 200, end)].partition(b":")
    return bool(colon) and _NAME.fullmatch(name) is not None


def _fields(block: bytes) -> Iterator[tuple[str, str]]:
    for line in _FOLD.sub(b"", block).split(b"\n"):
        name, colon, value = line.partition(b":")
        name = name.rstrip(b" \t")
        if colon and _NAME.fullmatch(name):
            yield name.decode("ascii").lower(), decode_text(value.strip()).replace("\0", "")


def _content_type(value: str, default: str) -> tuple[str, Mapping[str, str]]:
    media_type, parameters = parse_parameters(value)
    if not value:
        return default, parameters
    return media_type if _TYPE.fullmatch(media_type) else "application/octet-stream", parameters


def _leaf(headers: Headers, media_type: str, parameters: Mapping[str, str], place: _Place, encoded: bytes) -> Leaf:
    disposition, described = parse_parameters(headers.get("content-disposition"))
    return Leaf(
        headers=headers,
        media_type=media_type,
        parameters=parameters,
        disposition=disposition,
        file_name=described.get("filename") or parameters.get("name", ""),
        depth=place.depth,
        forwarded=place.forwarded,
        content=_decoded(encoded, headers.get("content-transfer-encoding")),
    )


def _decoded(encoded: bytes, encoding: str) -> bytes:
    """Take off the transfer encoding; an unknown one is left as it is."""
    match encoding.strip().lower():
        case "base64":
            return _from_base64(encoded)
        case "quoted-printable":
            return binascii.a2b_qp(encoded)
        case _:
            return encoded


def _from_base64(encoded: bytes) -> bytes:
    try:
        return binascii.a2b_base64(encoded)
    except binascii.Error:  # cut short, or without its padding: keep every whole byte
        bare = _BASE64_ALPHABET.sub(b"", encoded)
        whole = bare[: len(bare) - (1 if len(bare) % 4 == 1 else 0)]
        return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
