"""Answers are written for every message, even an unreadable one, and read from every LPS."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents.hl7.answer import (
    Ack,
    AckProblem,
    Outcome,
    Zam,
    ZamError,
    ZamKind,
    read_ack,
    read_zam,
    write_ack,
    write_zam,
)  # fmt: skip
from connector.documents.hl7.errors import Err3, Hl7Error, Hl7Problem
from connector.documents.hl7.header import Hl7Header, peek_header
from connector.documents.hl7.order import read_order
from tests.hl7.hl7_messages import PROFESSIONAL_ADDRESS, mdm, problems_of

NOW = datetime(2026, 3, 10, 15, 15, 1, tzinfo=timezone(timedelta(hours=1)))
HEADER = read_order(mdm(event="T10")).header
VERSION = Hl7Problem("HL7_VERSION_INCONNUE", Err3.VERSION, "MSH^1^12", "MSH-12 is no version")


def test_an_acceptance_is_what_the_volet_shows() -> None:
    assert write_ack(HEADER, Outcome.AA, control_id="ACK0001", now=NOW).decode() == (
        "MSH|^~\\&|CONNECTEUR|CABINET-EX|LPS-EX|CABINET-EX|20260310151501||ACK^T10^ACK|ACK0001|P|2.6"
        "|||||FRA|UNICODE UTF-8\rMSA|AA|MSG0001\r"
    )


def test_a_refusal_says_what_where_and_in_french() -> None:
    lines = write_ack(HEADER, Outcome.AE, [VERSION], control_id="ACK0003", now=NOW).decode().split("\r")
    assert lines[1] == "MSA|AE|MSG0001"
    assert lines[2] == (
        "ERR||MSH^1^12|203^Unsupported version^messageErrorCondition|E|||HL7_VERSION_INCONNUE: MSH-12 is no version|"
        "La version HL7 du message (MSH-12) n'est pas prise en charge."
    )


def test_every_problem_has_its_err() -> None:
    with pytest.raises(Hl7Error) as error:
        read_order(mdm(document="@", replace={"|P|2.6": "|Q|9.9"}))
    answer = read_ack(write_ack(HEADER, Outcome.AE, error.value.problems, control_id="A", now=NOW))
    assert [(one.code, one.location, one.severity) for one in answer.problems] == [
        ("202", "MSH^1^11", "E"), ("203", "MSH^1^12", "E"), ("102", "OBX^1^5", "E"),
    ]  # fmt: skip
    assert (answer.code, answer.control_id, answer.is_positive, answer.may_be_sent_again) == (
        "AE", "MSG0001", False, False,
    )  # fmt: skip


def test_what_could_not_be_read_is_answered_all_the_same() -> None:
    answer = write_ack(None, Outcome.AR, [VERSION], control_id="ACK1", now=NOW, application="CO|NN", facility="CAB")
    assert answer.decode().startswith("MSH|^~\\&|CO\\F\\NN|CAB|||20260310151501||ACK|ACK1|P|2.5|||||FRA\rMSA|AR\r")
    assert read_ack(answer).may_be_sent_again


def test_parties_go_back_as_they_came_even_with_other_separators() -> None:
    header = peek_header(b"MSH#*~?%#LPS*1.2#CAB ?F? 1#X#Y#20260310##ORU*R01#7#P#2.5\rPID")
    assert header is not None
    assert (header.sending_application, header.control_id, header.type) == ("LPS^1.2", "7", "ORU")
    answer = write_ack(header, Outcome.AA, control_id="A", now=NOW).decode()
    assert answer.startswith("MSH|^~\\&|X|Y|LPS^1.2|CAB # 1|")


@pytest.mark.parametrize(
    ("charset", "codec", "stated"),
    [
        ("8859/15", "iso8859-15", "8859/15"),
        ("UTF-8", "utf-8", "UTF-8"),
        ("", "utf-8", "UNICODE UTF-8"),
        ("8859/7", "utf-8", "UNICODE UTF-8"),
        ("KLINGON", "utf-8", "UNICODE UTF-8"),
        ("UNICODE UTF-16", "utf-8", "UNICODE UTF-8"),
    ],
)
def test_an_answer_is_in_the_set_of_the_message_or_in_utf_8(charset: str, codec: str, stated: str) -> None:
    problem = Hl7Problem("HL7_CHAMP_ABSENT", Err3.FIELD_MISSING, "PID^1^3", "é")
    header = Hl7Header(type="ORU", event="R01", control_id="1", version="2.5", charset=charset)
    text = write_ack(header, Outcome.AE, [problem], control_id="A", now=NOW).decode(codec)
    assert f"|FRA|{stated}\r" in text
    assert text.endswith("Il manque une information obligatoire au message HL7.\r")


@pytest.mark.parametrize(
    ("data", "control_id"),
    [
        (b"\x0bMSH|^~\\&|A|B|C|D|||ADT^A01|42|P|9.9\rPID|\x1c\r", "42"),
        (b"garbage MSH|^~\\&|\xe9|B|C|D|||X|43|P", "43"),
        (b"\xef\xbb\xbfMSH|^~\\&|A|\xff\x81|C|D|||X|44", "44"),
    ],
)
def test_the_header_is_found_in_what_cannot_be_read(data: bytes, control_id: str) -> None:
    header = peek_header(data)
    assert header is not None
    assert header.control_id == control_id


@pytest.mark.parametrize("data", [b"", b"PID|1", b"MSH", b"MSHaaaa|"])
def test_what_has_no_header_has_none(data: bytes) -> None:
    assert peek_header(data) is None


@given(st.binary(max_size=80))
def test_looking_for_a_header_never_fails(data: bytes) -> None:
    for candidate in (data, b"MSH|^~\\&|" + data):
        header = peek_header(candidate)
        answer = write_ack(header, Outcome.AE, [VERSION], control_id="A", now=NOW)
        assert read_ack(answer).code == "AE"


@pytest.mark.parametrize(
    ("segments", "ack"),
    [
        ("MSA|AA|M3", Ack("AA", "M3")),
        ("MSA|CA|M3", Ack("CA", "M3")),
        ("MSA|AE|M3|Patient inconnu", Ack("AE", "M3", (), "Patient inconnu")),
        (
            "MSA|ae|M3\rERR||PID^1^3|207^Application error^x|E|902^Identifiant^applicationErrorCode",
            Ack("AE", "M3", (AckProblem("PID^1^3", "207", "Application error", "E", "902", "Identifiant"),)),
        ),
        (
            "MSA|AE|M3\rERR|||207|E|904^X^applicationErrorCondition\rERR|||100|W",
            Ack("AE", "M3", (AckProblem("", "207", "", "E", "904", "X"), AckProblem("", "100", "", "W"))),
        ),
    ],
)
def test_answers_of_an_lps_are_read(segments: str, ack: Ack) -> None:
    data = f"MSH|^~\\&|LPS|CAB|CO|CAB|20260310||ACK^T02^ACK|9|P|2.6\r{segments}\r".encode()
    assert read_ack(b"\x0b" + data + b"\x1c\r") == ack
    assert read_ack(data.replace(b"\r", b"\n")) == ack


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "HL7_ILLISIBLE"), (b"MSH|^~\\&|A\r", "HL7_SEGMENT_ABSENT"), (b"MSH|^~\\&|A\rMSA\r", "HL7_SEGMENT_ABSENT")],
)
def test_an_answer_that_says_nothing_is_an_error(data: bytes, code: str) -> None:
    with pytest.raises(Hl7Error) as refused:
        read_ack(data)
    assert refused.value.code == code


def test_a_business_acknowledgement_is_what_the_volet_shows() -> None:
    zam = Zam(kind=ZamKind.Z02, original_control_id="MSG0001", address=PROFESSIONAL_ADDRESS, person_id="899700000025")
    assert write_zam(zam, HEADER, control_id="ZAM0001", now=NOW).decode() == (
        "MSH|^~\\&|CONNECTEUR|CABINET-EX|LPS-EX|CABINET-EX|20260310151501||ZAM^Z02^ZAM_Z01|ZAM0001|P|2.6|||||FRA|"
        "UNICODE UTF-8|||2.1^CISIS_CDA_HL7_V2\r"
        "EVN||20260310151501\r"
        "OBX|1|CWE|ACK_RECEPTION_MSS^Accusé de réception MSSanté^AckMetierZAM|MSG0001|Y^^expandedYes-NoIndicator"
        "||||||F\r"
        f"OBX|2|XTN|DESTINATAIRE_MSS^Destinataire MSSanté^AckMetierZAM|899700000025|^^X.400^{PROFESSIONAL_ADDRESS}"
        "||||||F\r"
    )


@pytest.mark.parametrize("kind", list(ZamKind))
@pytest.mark.parametrize("error", [None, ZamError("550", "Boîte | pleine"), ZamError("902", "x", "autre")])
@pytest.mark.parametrize("charset", ["UNICODE UTF-8", "8859/15", "ASCII"])
def test_business_acknowledgements_go_there_and_back(kind: ZamKind, error: ZamError | None, charset: str) -> None:
    zam = Zam(kind=kind, original_control_id="M^1", address="a@b.fr", is_positive=error is None, error=error)
    header = Hl7Header(sending_application="LPS", processing_id="T", version="2.5", charset=charset)
    assert read_zam(write_zam(zam, header, control_id="Z", now=NOW)) == zam


def test_a_negative_acknowledgement_says_why() -> None:
    with pytest.raises(ValueError, match="why"):
        Zam(kind=ZamKind.Z03, original_control_id="1", address="a@b.fr", is_positive=False)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("MSH|^~\\&|||||||ACK^Z02|1", ("HL7_TYPE_INCONNU", 200, "MSH^1^9")),
        ("MSH|^~\\&|||||||ZAM^Z01|1", ("HL7_EVENEMENT_INCONNU", 201, "MSH^1^9")),
        ("MSH|^~\\&|||||||ZAM^Z02|1", ("HL7_SEGMENT_ABSENT", 100, "OBX^1")),
        ("MSH|^~\\&|||||||ZAM^Z02|1\rOBX|1|CWE|||N", ("HL7_SEGMENT_ABSENT", 100, "OBX^1")),
    ],
)
def test_what_is_no_business_acknowledgement_is_refused(text: str, problem: tuple[str, int, str]) -> None:
    with pytest.raises(Hl7Error) as refused:
        read_zam(text.encode())
    assert problems_of(refused.value) == [problem]


def test_python_hl7_reads_our_answers() -> None:
    library = pytest.importorskip("hl7")
    parsed = library.parse(write_ack(HEADER, Outcome.AE, [VERSION], control_id="A1", now=NOW).decode())
    assert parsed.extract_field("MSA", 1, 2, 1, 1, 1) == "MSG0001"
    assert parsed.extract_field("ERR", 1, 3, 1, 1, 1) == "203"
    assert parsed.extract_field("MSH", 1, 9, 1, 2, 1) == "T10"
