"""Bytes of HL7 v2: where a message ends, and in which character set it is."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.documents.hl7.errors import Err3, Hl7Error
from connector.documents.hl7.message import Message, Segment, escape
from connector.documents.hl7.text import Decoded, decode, encode, split_messages
from connector.domain.limits import Limits
from tests.hl7.hl7_messages import problems_of

ONE = b"MSH|^~\\&|A\rPID|1\r"
TWO = b"MSH|^~\\&|B\rPID|2\r"


def named(charset: str, text: str, codec: str) -> bytes:
    return f"MSH|^~\\&|A|B|C|D|||ORU^R01|1|P|2.5|||||FRA|{charset}\rPID|||||{text}\r".encode(codec)


@pytest.mark.parametrize(
    "data",
    [
        ONE,
        ONE.replace(b"\r", b"\n"),
        ONE.replace(b"\r", b"\r\n"),
        b"\xef\xbb\xbf" + ONE,
        b"\x0b" + ONE + b"\x1c\r",
        b"\r\n\n" + ONE + b"\n\n\x1a",
        b"\x0b\xef\xbb\xbf" + ONE + b"\x1c\r",
        ONE.decode().encode("utf-16"),
        b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + ONE + b"BTS|1\rFTS|1\r",
        b"BHS|^~\\&\r" + ONE + b"BTS",
        b"BHS|^~\\&\rsuite de l'en-tete\r" + ONE + b"BTS|1\r",
    ],
)
def test_a_message_is_found_in_whatever_surrounds_it(data: bytes) -> None:
    assert split_messages(data) == (ONE,)


@pytest.mark.parametrize(
    "data",
    [
        ONE + TWO,
        b"\x0b" + ONE + b"\x1c\r\x0b" + TWO + b"\x1c\r",
        ONE + b"\r\n\r\n" + TWO,
        b"FHS|^~\\&\rBHS|^~\\&\r" + ONE + TWO + b"BTS|2|fin\rFTS|1\r",
        b"FHS|^~\\&\rBHS|^~\\&\r" + ONE + b"BTS|1\rBHS|^~\\&\r" + TWO + b"BTS|1\rFTS|2\r",
    ],
)
def test_several_messages_of_one_file_are_told_apart(data: bytes) -> None:
    assert split_messages(data) == (ONE, TWO)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "HL7_ILLISIBLE"),
        (b" \r\n\x00", "HL7_ILLISIBLE"),
        (b"PID|1\r" + ONE, "HL7_ILLISIBLE"),
        (b"MSHX", "HL7_ILLISIBLE"),
        (b"BHS|^~\\&\rBTS|0\r", "HL7_ILLISIBLE"),
        (b"BHS|^~\\&\r" + ONE + TWO, "HL7_LOT_INCOMPLET"),
        (b"FHS|^~\\&\r" + ONE + b"BTS|1\r", "HL7_LOT_INCOMPLET"),
        (b"BHS|^~\\&\r" + ONE + b"BTS|2\r", "HL7_LOT_INCOMPLET"),
        (b"\xff\xfe" + b"M\x00S\x00\x00\xd8", "HL7_JEU_CARACTERES"),
    ],
)
def test_what_is_no_message_or_half_a_batch_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Hl7Error) as refused:
        split_messages(data)
    assert refused.value.code == code


def test_a_file_over_the_bound_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(Hl7Error) as refused:
        split_messages(ONE, Limits(max_hl7_bytes=len(ONE) - 1))
    assert problems_of(refused.value) == [("TROP_GROS", Err3.OTHER, "")]


@pytest.mark.parametrize(
    ("charset", "codec", "read_as", "warnings"),
    [
        ("UNICODE UTF-8", "utf-8", "utf-8", ()),
        ("utf-8", "utf-8", "utf-8", ()),
        ("UNICODE", "utf-8", "utf-8", ()),
        ("8859/15", "iso8859-15", "iso8859-15", ()),
        ("8859/1", "iso8859-1", "iso8859-1", ()),
        ("ISO-8859-1", "iso8859-1", "iso8859-1", ()),
        ("8859/2", "iso8859-2", "iso8859-2", ()),
        ("8859/15~ISO IR87", "iso8859-15", "iso8859-15", ()),
        ("windows-1252", "cp1252", "cp1252", ()),
        ("CP850", "cp850", "cp850", ()),
        ("8859/15", "utf-8", "utf-8", ("HL7_JEU_DEVINE",)),
        ("", "utf-8", "utf-8", ("HL7_JEU_DEVINE",)),
        ("ASCII", "cp1252", "cp1252", ("HL7_JEU_DEVINE",)),
        ("", "cp1252", "cp1252", ("HL7_JEU_DEVINE",)),
        ("UNICODE UTF-8", "cp1252", "cp1252", ("HL7_JEU_DEVINE",)),
        ("UNICODE UTF-16", "utf-8", "utf-8", ()),
    ],
)
def test_the_character_set_is_the_stated_one_or_the_one_that_it_really_is(
    charset: str, codec: str, read_as: str, warnings: tuple[str, ...]
) -> None:
    decoded = decode(named(charset, "MÜLLÉR ééç", codec))
    assert decoded.text.endswith("|MÜLLÉR ééç\r")
    assert (decoded.charset, decoded.warnings) == (read_as, warnings)


def test_signs_of_windows_under_an_iso_name_are_read_as_windows() -> None:
    decoded = decode(named("8859/15", "l’œil coûte 3 €", "cp1252"))
    assert decoded.text.endswith("|l’œil coûte 3 €\r")
    assert decoded.warnings == ("HL7_JEU_DEVINE",)


def test_plain_ascii_needs_no_name() -> None:
    assert decode(ONE) == Decoded(ONE.decode(), "ascii")


@pytest.mark.parametrize(
    "message",
    [
        named("UNICODE UTF-8", "ÉLÉONORE", "utf-8") + b"NTE|\xe9\r",  # a mixture: nobody knows
        named("8859/15", "été", "utf-8") + b"NTE|\xe9\r",
        named("ISO IR87", "é", "cp1252"),
        named("8859/99", "é", "cp1252"),
        named("", "é", "cp1252") + b"NTE|\x81\r",
    ],
)
def test_no_character_is_guessed_when_no_reading_is_sure(message: bytes) -> None:
    with pytest.raises(Hl7Error) as refused:
        decode(message)
    assert problems_of(refused.value) == [("HL7_JEU_CARACTERES", Err3.DATA_TYPE, "MSH^1^18")]


def test_decoding_wants_a_message() -> None:
    with pytest.raises(Hl7Error) as refused:
        decode(b"\xe9")
    assert refused.value.code == "HL7_ILLISIBLE"


@pytest.mark.parametrize(("text", "name"), [("œ", "8859/1"), ("é", ""), ("a", "KLINGON"), ("a", "UNICODE UTF-16")])
def test_encoding_never_replaces_a_character(text: str, name: str) -> None:
    with pytest.raises(Hl7Error) as refused:
        encode(text, name)
    assert (refused.value.code, refused.value.err3) == ("HL7_JEU_CARACTERES", Err3.TABLE_VALUE)


FRENCH = st.text("abcXYZ àâçéèêëîïôûùüÿœæÀÉÈÇŒ€°'-|^~\\&\n", max_size=60)


@given(FRENCH, st.sampled_from(["UNICODE UTF-8", "8859/15", "windows-1252"]))
def test_any_french_text_goes_there_and_back_in_every_set_that_has_it(text: str, name: str) -> None:
    head = Segment.build("MSH", {1: "|", 2: "^~\\&", 18: name})
    note = Segment.build("NTE", {3: escape(text)})
    written = encode(Message((head, note)).write(), name)
    assume(name == "UNICODE UTF-8" or written.isascii() or not _is_utf8(written))
    (message,) = split_messages(b"\x0b" + written + b"\x1c\r")
    read = Message.parse(decode(message).text).first("NTE")
    assert read is not None
    assert read.text(3) == text


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
