"""Multipart bodies (RFC 7578), read while they arrive and kept in memory: documents never touch a temporary file."""

from collections.abc import AsyncIterable
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

__all__ = ["BadMultipart", "Part", "read_multipart"]

_MOST_PARTS = 64
_MOST_HEADERS = 8


class BadMultipart(Exception):
    """The body is not what its type says."""


@dataclass(slots=True)
class Part:
    """One part."""

    name: str = ""
    file_name: str = ""
    content_type: str = ""
    content: bytearray = field(default_factory=bytearray, repr=False)


async def read_multipart(content_type: str, chunks: AsyncIterable[bytes]) -> list[Part]:
    """The parts of a body.

    Args:
        content_type: header of the request, with its ``boundary``.
        chunks: the body; its length is bounded by the gate.

    Raises:
        BadMultipart: no boundary, no parts, no end, or too many of something.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
    if not boundary:
        raise BadMultipart("no boundary")
    reader = _Reader()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": reader.begin, "on_part_data": reader.data, "on_header_field": reader.header_field,
                "on_header_value": reader.header_value, "on_header_end": reader.header_end,
                "on_headers_finished": reader.headers_finished, "on_end": reader.end,
            },
            max_header_count=_MOST_HEADERS,
        )  # fmt: skip
        async for chunk in chunks:
            parser.write(chunk)
        parser.finalize()
    except FormParserError as error:
        raise BadMultipart("malformed") from error
    if not reader.has_ended:
        raise BadMultipart("cut off")
    return reader.parts


class _Reader:
    """Callbacks of the parser."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.has_ended = False
        self._field, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}

    def begin(self) -> None:
        if len(self.parts) == _MOST_PARTS:
            raise BadMultipart("too many parts")
        self.parts.append(Part())
        self._headers = {}

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field, self._value = b"", b""

    def headers_finished(self) -> None:
        disposition, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if disposition != b"form-data" or b"name" not in options:
            raise BadMultipart("a part without a name")
        part = self.parts[-1]
        part.name, part.file_name = _text(options[b"name"]), _text(options.get(b"filename", b""))
        part.content_type = _text(self._headers.get(b"content-type", b""))

    def data(self, data: bytes, start: int, end: int) -> None:
        self.parts[-1].content += data[start:end]

    def end(self) -> None:
        self.has_ended = True


def _text(value: bytes) -> str:
    """UTF-8, as everybody sends it (RFC 7578 5.1); what is not is read byte for byte."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
