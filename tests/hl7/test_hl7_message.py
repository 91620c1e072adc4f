"""The splitter: what is written is read again, whatever the separators; hostile input stays within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents.hl7.errors import Hl7Error
from connector.documents.hl7.message import (
    STANDARD,
    Message,
    Segment,
    Separators,
    composite,
    escape,
    repeated,
    unescape,
)  # fmt: skip
from connector.domain.limits import Limits

PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=12).map(str.strip)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SEPARATORS = st.permutations("|^~\\&$%!*+").map(lambda marks: Separators(*marks[:5]))


def test_fields_count_from_one_and_msh_1_is_the_separator() -> None:
    message = Message.parse("MSH|^~\\&|LPS|CAB\rPID|1||A^B&C~D\rPID|2\r")
    msh, first, second = message.segments
    assert (msh.field(1), msh.field(2), msh.field(3), msh.field(4), msh.field(5)) == ("|", "^~\\&", "LPS", "CAB", "")
    assert first.repetitions(3) == ("A^B&C", "D")
    assert (first.value(3), first.value(3, 2), first.value(3, 2, 2), first.value(3, 9)) == ("A", "B", "C", "")
    assert (second.number, second.place(3)) == (2, "PID^2^3")
    assert (message.first("PID"), message.first("OBX"), message.all("PID")) == (first, None, (first, second))


def test_the_separators_are_those_of_the_message() -> None:
    message = Message.parse("MSH#*!?+#LPS\nPID###A*B+C!D ?S? E\n")
    pid = message.segments[1]
    assert (pid.value(3), pid.value(3, 2, 2)) == ("A", "C")
    assert pid.part(pid.repetitions(3)[1]) == "D * E"


def test_a_message_may_define_fewer_separators() -> None:
    pid = Message.parse("MSH|^\rPID|||A^B~C\\T\\\r").segments[1]
    assert (pid.value(3), pid.value(3, 2), pid.repetitions(3)) == ("A", "B~C\\T\\", ("A^B~C\\T\\",))


@pytest.mark.parametrize("line", ["MSH", "MSH|", "MSH||", "MSH|^^\\&", "MSH|a~\\&", "MSH |~\\&", "PID|1", ""])
def test_a_header_without_separators_is_refused(line: str) -> None:
    with pytest.raises(Hl7Error) as refused:
        Message.parse(line)
    assert refused.value.code == "HL7_ILLISIBLE"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", r"a|b^c&d~e\f"),
        (r"un\.br\deux\.sp\trois\.br+2\quatre", "un\ndeux\ntrois\nquatre"),
        (r"\H\gras\N\ \.in+4\x", "gras x"),
        (r"\X41\\XC3A9\\XE9\.", "Aéé."),
        (r"\\server\part\x", r"\\server\part\x"),
        (r"C:\temp", r"C:\temp"),
        (r"\F", r"\F"),
        (r"\X4\ \Xzz\ \Q\ ", r"\X4\ \Xzz\ \Q\ "),
        ("", ""),
    ],
)
def test_escape_sequences_and_what_only_looks_like_one(raw: str, text: str) -> None:
    assert unescape(raw) == text


@given(ANY_TEXT)
def test_every_text_can_stand_in_a_component(text: str) -> None:
    raw = escape(text)
    assert not set(raw) & set("|^~&\r\n\x0b\x1c")
    assert unescape(raw) == text.replace("\r\n", "\n").replace("\r", "\n")


@given(SEPARATORS, st.lists(st.lists(st.lists(st.lists(PLAIN, min_size=1, max_size=3), min_size=1, max_size=3),
                                     min_size=1, max_size=3), min_size=1, max_size=4))  # fmt: skip
def test_what_is_written_is_read_again(separators: Separators, fields: list[list[list[list[str]]]]) -> None:
    written = [
        repeated(*(composite(*map(tuple, one), separators=separators) for one in field), separators=separators)
        for field in fields
    ]
    head = Segment("MSH", (separators.field, separators.encoding), separators)
    message = Message((head, Segment("ZZZ", tuple(written), separators)))
    parsed = Message.parse(message.write())
    assert parsed.write() == message.write()
    segment = parsed.segments[1]
    for number, field in enumerate(fields, 1):
        kept = [one for one in field if any(part for component in one for part in component)]
        assert len(segment.repetitions(number)) == len(kept)
        for raw, one in zip(segment.repetitions(number), kept, strict=True):
            for at, component in enumerate(one, 1):
                assert [segment.part(raw, at, sub) for sub in range(1, len(component) + 1)] == component


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_reading_and_writing_change_nothing(body: str) -> None:
    text = f"MSH|^~\\&|A\rZZZ|{body}"
    once = Message.parse(text).write()
    assert Message.parse(once).write() == once


def test_line_ends_inside_a_field_are_joined_again() -> None:
    message = Message.parse("MSH|^~\\&|A\nOBX|1|ED|||^^^^AAAA\nBBBB\nCC==||F\nORC\n")
    assert message.has_broken_lines
    assert message.segments[1].value(5, 5) == "AAAA\nBBBB\nCC=="
    assert [segment.name for segment in message.segments] == ["MSH", "OBX", "ORC"]


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("MSH|^~\\&\r" + "NTE|1\r" * 10, Limits(max_hl7_segments=10)),
        ("MSH|^~\\&\rNTE" + "|" * 11, Limits(max_hl7_fields=10)),
    ],
)
def test_segments_and_fields_are_bounded(text: str, limits: Limits) -> None:
    with pytest.raises(Hl7Error) as refused:
        Message.parse(text, limits)
    assert refused.value.code == "TROP_GROS"


def test_repetitions_are_bounded() -> None:
    segment = Message.parse("MSH|^~\\&\rPID|||" + "~" * 300).segments[1]
    with pytest.raises(Hl7Error) as refused:
        segment.repetitions(3)
    assert refused.value.location == "PID^1^3"


def test_building_fills_the_gaps_and_leaves_trailing_ones_out() -> None:
    assert Segment.build("PV1", {1: "1", 3: composite("UF", "", "")}).write() == "PV1|1||UF"
    assert Segment.build("ORC", {}).write() == "ORC"
    assert composite("", ("", "")) == ""
    assert STANDARD.encoding == "^~\\&"


def test_components_of_a_hostile_field_are_not_all_made() -> None:
    segment = Message.parse("MSH|^~\\&\rPID|||" + "^" * 100_000 + "x").segments[1]
    assert len(segment.components(segment.field(3))) == 50
    assert segment.value(3, 5) == ""


def test_our_own_splitter_sees_what_python_hl7_sees() -> None:
    library = pytest.importorskip("hl7")
    text = "MSH|^~\\&|LPS|CAB|||20260310||ORU^R01^ORU_R01|17|P|2.5\rPID|||A^B&C~D||E\\T\\F^G\rOBX|1|ED|X^Y||^a^b\r"
    theirs, ours = library.parse(text), Message.parse(text)
    for name, field, component in (("MSH", 9, 2), ("MSH", 10, 1), ("PID", 3, 1), ("PID", 5, 2), ("OBX", 5, 3)):
        segment = ours.first(name)
        assert segment is not None
        assert segment.value(field, component) == theirs.extract_field(name, 1, field, 1, component, 1)
    assert ours.segments[1].value(5) == theirs.unescape(theirs.extract_field("PID", 1, 5, 1, 1, 1)) == "E&F"
