"""Whatever happens to a message on its way: an order, or our own error with codes that people can read about."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from connector.documents.cda.parse import parse_cda
from connector.documents.hl7.agreement import check_against_cda
from connector.documents.hl7.answer import read_ack, read_zam
from connector.documents.hl7.errors import Hl7Error
from connector.documents.hl7.order import read_order
from connector.documents.hl7.text import split_messages
from connector.domain.catalogue import CATALOGUE
from connector.domain.errors import InvalidSubmission
from tests.hl7.hl7_messages import FLAGS, PATIENT_ADDRESS, classic_oru, mdm, n1_and_n3, oru, rct

VALID = [
    mdm(),
    oru(documents=n1_and_n3(), flags=FLAGS | {"INVISIBLE_PATIENT": "N", "DESTMSSANTEPAT": "Y"},
        participants=(rct(), rct(PATIENT_ADDRESS)), more=("NTE||||FIN", "OBX|14|ED|CORPSMAIL_PS||^^^Base64^QQ==")),
    mdm(document="PGEvPg==", charset="8859/15", codec="iso8859-15"),
    classic_oru("^AP^PDF^Base64^JVBERi0xLjQK"),
]  # fmt: skip
PIECES = st.sampled_from([
    b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b"\x0b", b"\x1c", b"\x00", b"\xff", b"\xc3", b"\xe9", b"MSH",
    b"MSH|", b"PID|", b"OBX|1|ED|", b"PRT|", b"|" * 300, b"~" * 300, b"^" * 300, b"\\X", b"@", b"BHS|", b"BTS|3",
    b"=", b"Y", b"",
])  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid message with pieces taken out, put in, doubled or cut off."""
    data = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        how = draw(st.sampled_from(["put", "put", "cut", "double", "swap"]))
        if how == "cut":
            data = data[:start]
        elif how == "double":
            data = data[:end] + data[start:]
        elif how == "swap":
            data = data[:start] + draw(st.binary(max_size=6)) + data[end:]
        else:
            data = data[:start] + draw(PIECES) + data[end:]
    return data


def read_everything(data: bytes) -> None:
    """Every reader of the room; only its own error may come out, complete."""
    for message in split_messages(data):
        order = read_order(message)
        assert order.documents or order.pdfs or order.is_classic
        assert set(order.warnings) <= set(CATALOGUE)
        try:
            headers = [parse_cda(document) for document in order.documents]
        except InvalidSubmission:
            continue
        for problem in check_against_cda(order, headers):
            assert problem.code in CATALOGUE


def refusal_of(reader: Callable[[bytes], object], data: bytes) -> Hl7Error | None:
    """What a reader refuses with; any other exception goes through and fails the test."""
    try:
        reader(data)
    except Hl7Error as refusal:
        return refusal
    return None


@given(damaged())
def test_a_damaged_message_is_an_order_or_a_clear_refusal(data: bytes) -> None:
    refusal = refusal_of(read_everything, data)
    assert refusal is None or {problem.code for problem in refusal.problems} <= set(CATALOGUE)


@given(st.binary(max_size=200) | damaged())
def test_every_reader_takes_any_bytes(data: bytes) -> None:
    for reader in (read_order, read_ack, read_zam, split_messages):
        for candidate in (data, b"MSH|^~\\&|" + data):
            refusal = refusal_of(reader, candidate)
            assert refusal is None or refusal.code in CATALOGUE


def test_the_messages_that_are_damaged_are_valid_ones() -> None:
    for data in VALID:
        read_everything(data)
