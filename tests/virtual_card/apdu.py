"""ISO 7816-4: commands as a card receives them, status words, and the tag-length-value coding of their data."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

__all__ = ["Command", "StatusWord", "answer", "tlv", "tlv_items"]


class StatusWord:
    """Status words of ISO 7816-4, as far as our cards say them."""

    SUCCESS = 0x9000
    MORE_DATA = 0x6100  # low byte: how much, 0 = 256 or more
    TRIES_LEFT = 0x63C0  # low digit: how many
    WRONG_LENGTH = 0x6700
    LAST_OF_CHAIN_EXPECTED = 0x6883
    SECURITY_NOT_SATISFIED = 0x6982
    PIN_BLOCKED = 0x6983
    WRONG_DATA = 0x6A80
    NOT_FOUND = 0x6A82
    WRONG_P1_P2 = 0x6A86
    REFERENCE_NOT_FOUND = 0x6A88
    UNKNOWN_INSTRUCTION = 0x6D00


@dataclass(frozen=True, slots=True)
class Command:
    """One command APDU, short or extended."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    expected: int = 0  # length of the answer that is asked for; 0 = none

    @property
    def chained(self) -> bool:
        """More of the same command follows (ISO 7816-4 §5.3.3)."""
        return bool(self.cla & 0x10)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Split the bytes of an APDU.

        Raises:
            ValueError: the lengths in it do not fit.
        """
        if len(raw) < 4:
            raise ValueError("an APDU has at least four bytes")
        header, body = raw[:4], raw[4:]
        extended = len(body) >= 3 and body[0] == 0
        data, rest = _split(body, 2) if extended else _split(body, 1)
        cla, ins, p1, p2 = header
        return cls(cla, ins, p1, p2, data, _expected(rest, extended=extended))


def _split(body: bytes, width: int) -> tuple[bytes, bytes]:
    """Data and the length field behind it; ``width`` bytes code a length."""
    start = 1 if width == 2 else 0
    if len(body) <= start + width:
        return b"", body[start:]
    length = int.from_bytes(body[start : start + width], "big")
    data, rest = body[start + width : start + width + length], body[start + width + length :]
    if len(data) != length or len(rest) not in (0, width):
        raise ValueError("the length of the data does not fit")
    return data, rest


def _expected(field: bytes, *, extended: bool) -> int:
    if not field:
        return 0
    return int.from_bytes(field, "big") or (0x10000 if extended else 0x100)


def answer(status: int, data: bytes = b"") -> bytes:
    """A response APDU: data, then the status word."""
    return data + status.to_bytes(2, "big")


def tlv(tag: int, value: bytes) -> bytes:
    """One BER-TLV data object."""
    length = len(value)
    if length < 0x80:
        coded = bytes([length])
    else:
        width = (length.bit_length() + 7) // 8
        coded = bytes([0x80 | width]) + length.to_bytes(width, "big")
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big") + coded + value


def tlv_items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The data objects with one-byte tags that stand one after the other in ``data``.

    Raises:
        ValueError: it ends in the middle of one.
    """
    at = 0
    while at < len(data):
        tag, at = data[at], at + 1
        length, at = _length(data, at)
        value = data[at : at + length]
        if len(value) != length:
            raise ValueError("a data object is cut off")
        yield tag, value
        at += length


def _length(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise ValueError("a data object has no length")
    if data[at] < 0x80:
        return data[at], at + 1
    width = data[at] & 0x7F
    return int.from_bytes(data[at + 1 : at + 1 + width], "big"), at + 1 + width
