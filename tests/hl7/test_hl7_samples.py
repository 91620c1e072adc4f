"""The official messages: each gives what its name promises, or the error that it is there for."""

from pathlib import Path

import pytest

from connector.documents.cda.parse import parse_cda
from connector.documents.hl7.agreement import check_against_cda
from connector.documents.hl7.answer import ZamKind, read_ack, read_zam
from connector.documents.hl7.errors import Hl7Error
from connector.documents.hl7.message import Message
from connector.documents.hl7.order import Action, Hl7Order, read_order
from connector.documents.hl7.text import decode, split_messages
from tests.hl7.hl7_messages import problems_of
from tests.shared_data import sample_files

NO_XML = ("HL7_DOCUMENT_INVALIDE", 207)  # a sentence stands where the document should
FOR_LPS = ("HL7_PROFIL_RECEPTION", 207)
ALL = sample_files("hl7v2/*") + sample_files("synthetic/*.hl7")
REFUSED = {
    "lps_mdm_v1.0_b64_patient_mismatch.hl7": [FOR_LPS],
    "lps_mdm_v1.0_rplc_short.er7": [FOR_LPS],
    "lps_mdm_v1.0_short.hl7": [FOR_LPS],
    "lps_mdm_v1.1_init_b64.er7": [FOR_LPS],
    "lps_mdm_v1.1_init_short.er7": [FOR_LPS],
    "mdm_t02_to_lps.hl7": [FOR_LPS],
    "mdm_v2.0_del.er7": [NO_XML],
    "mdm_v2.0_init.er7": [NO_XML],
    "mdm_v2.1_init_short.er7": [NO_XML],
    "oru_v1.2_init.hl7": [NO_XML],
    "oru_v2.1_del_n1_n3.er7": [NO_XML, NO_XML],
    "oru_v2.1_init_n1_n3.hl7": [NO_XML, NO_XML],
    "oru_v2.1_rplc_n1_n3.er7": [NO_XML, NO_XML],
}
ACCEPTED = {
    "mdm_v2.1_rplc_b64.er7": (Action.REPLACE, ("HL7_DRAPEAUX_TOLERES", "HL7_DMP_IGNORE")),
    "oru_v2.1_init_n3_segur_b64.hl7": (Action.FIRST, ("HL7_DMP_IGNORE", "HL7_BASE64_TRONQUE")),
    "mdm_t10_sender.hl7": (Action.REPLACE, ()),
    "oru_r01_sender.hl7": (Action.REPLACE, ()),
}
AS_SENDER = (
    "OBX|20|CWE|CONNEXION_SECRETE||N\rOBX|21|CWE|DESTDMP||N\rOBX|22|CWE|DESTMSSANTEPS||Y\r"
    "OBX|23|CWE|DESTMSSANTEPAT||N\r"
)


def named(*names: str) -> list[Path]:
    return [path for path in ALL if path.name in names]


def disagreements(order: Hl7Order) -> list[tuple[str, int, str]]:
    found = check_against_cda(order, [parse_cda(content) for content in order.documents])
    return [(problem.code, int(problem.err3), problem.location) for problem in found]


@pytest.mark.parametrize("path", named(*ACCEPTED), ids=lambda path: path.name)
def test_a_complete_message_is_an_order(path: Path) -> None:
    order = read_order(path.read_bytes())
    assert (order.action, order.warnings) == ACCEPTED[path.name]
    assert disagreements(order) == []
    assert order.recipients
    assert order.body_professional


@pytest.mark.parametrize("path", named(*REFUSED), ids=lambda path: path.name)
def test_a_message_that_is_none_to_send_is_refused(path: Path) -> None:
    with pytest.raises(Hl7Error) as refused:
        read_order(path.read_bytes())
    assert [(code, err3) for code, err3, _ in problems_of(refused.value)] == REFUSED[path.name]


def as_from_a_sender(path: Path) -> bytes:
    """A message for an LPS, as the LPS would have to send it."""
    text = path.read_text("utf-8").replace("^CISIS_CDA_HL7_LPS", "^CISIS_CDA_HL7_V2")
    kept = [line for line in text.splitlines() if line and not line.startswith("OBX|2|ED")]  # the mail
    return "\r".join([*kept, AS_SENDER]).encode()


@pytest.mark.parametrize("path", named("lps_mdm_v1.0_b64_patient_mismatch.hl7"), ids=lambda path: path.name)
def test_a_document_of_another_patient_is_found(path: Path) -> None:
    found = disagreements(read_order(as_from_a_sender(path)))
    assert ("HL7_PATIENT_DIFFERENT", 207, "PID^1^3") in found
    assert ("HL7_PATIENT_DIFFERENT", 207, "PID^1^7") in found


@pytest.mark.parametrize("path", named("lps_mdm_v1.1_init_b64.er7", "mdm_t02_to_lps.hl7"), ids=lambda path: path.name)
def test_a_right_message_for_an_lps_agrees_with_its_document(path: Path) -> None:
    assert disagreements(read_order(as_from_a_sender(path))) == []


@pytest.mark.parametrize("path", [path for path in ALL if "ack" in path.name], ids=lambda path: path.name)
def test_the_answers_are_read(path: Path) -> None:
    answer = read_ack(path.read_bytes())
    if "error" in path.name:
        (problem,) = answer.problems
        assert (answer.code, problem.code, problem.application_code) == ("AE", "207", "902")
    else:
        assert (answer.code, answer.is_positive, answer.problems) == ("AA", True, ())
    assert answer.control_id in {"015", "MSG0001", "MSG0003"}


@pytest.mark.parametrize("path", [path for path in ALL if "zam_z0" in path.name], ids=lambda path: path.name)
def test_the_business_acknowledgements_are_read(path: Path) -> None:
    if "z01" in path.name:  # that of the DMP, which we do not feed
        with pytest.raises(Hl7Error) as refused:
            read_zam(path.read_bytes())
        assert refused.value.code == "HL7_EVENEMENT_INCONNU"
        return
    zam = read_zam(path.read_bytes())
    assert zam.kind is (ZamKind.Z03 if "z03" in path.name else ZamKind.Z02)
    assert (zam.is_positive, zam.error) == (True, None)
    assert "@" in zam.address


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_every_sample_is_split_as_python_hl7_splits_it(path: Path) -> None:
    library = pytest.importorskip("hl7")
    text = decode(split_messages(path.read_bytes())[0]).text
    theirs, ours = library.parse(text), Message.parse(text)
    assert ours.write() == text
    assert [segment.name for segment in ours.segments] == [str(segment[0]) for segment in theirs]
    for mine, other in zip(ours.segments[1:], list(theirs)[1:], strict=True):
        assert [mine.field(number) for number in range(1, len(other))] == [str(one) for one in list(other)[1:]]
