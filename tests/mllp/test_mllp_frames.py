"""Frames of MLLP: whatever pieces they come in, whatever stands between them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.platform.mllp import FrameReader, OversizeFrame, frame

MESSAGE = st.binary(min_size=1, max_size=200).map(lambda raw: raw.translate(None, b"\x0b\x1c"))


@given(messages=st.lists(MESSAGE, max_size=6), cuts=st.lists(st.integers(1, 40), max_size=60))
def test_messages_are_found_whatever_the_pieces(messages: list[bytes], cuts: list[int]) -> None:
    wire = b"".join(frame(message) for message in messages)
    reader, found, at = FrameReader(1000), [], 0
    for size in [*cuts, len(wire)]:
        found += list(reader.feed(wire[at : at + size]))
        at += size
    assert found == messages
    assert not reader.is_within


@pytest.mark.parametrize("between", [b"", b"\r\n", b"\n\n", b"noise"])
def test_what_stands_between_two_frames_belongs_to_none(between: bytes) -> None:
    reader = FrameReader(100)
    assert list(reader.feed(frame(b"A") + between + b"\x0bB\x1c" + frame(b"C"))) == [b"A", b"B", b"C"]


def test_a_message_that_has_begun_is_known_to_be_unfinished() -> None:
    reader = FrameReader(100)
    assert list(reader.feed(b"\x0bMSH")) == []
    assert reader.is_within


@pytest.mark.parametrize("wire", [b"\x0b" + b"x" * 102, frame(b"y" * 101), b"z" * 5000])
def test_more_than_a_message_may_have_ends_the_connection(wire: bytes) -> None:
    with pytest.raises(OversizeFrame):
        list(FrameReader(100).feed(wire))
