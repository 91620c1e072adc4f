"""Message and document must say the same: patient first, then type, identifiers and version."""

import pytest

from connector.documents.cda.parse import parse_cda
from connector.documents.hl7.agreement import check_against_cda
from connector.documents.hl7.order import Hl7Order, read_order
from tests.hl7.hl7_messages import mdm, n1_and_n3, oru
from tests.xdm.cda_samples import INS, LOCAL, cda, patient_ids

RPLC = (
    '<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.250.1.999.1.1.6999"/></parentDocument>'
    "</relatedDocument>"
)
SECOND_VERSION = '<setId root="1.2.250.1.999.1.1.7000"/><versionNumber value="2"/>'
OTHER_INS = ("1.2.250.1.213.1.4.10", "190017599999849")


def found(order: Hl7Order) -> list[tuple[str, str]]:
    problems = check_against_cda(order, [parse_cda(content) for content in order.documents])
    assert all(problem.err3 == 207 for problem in problems)
    return [(problem.code, problem.location) for problem in problems]


def test_message_and_document_that_agree() -> None:
    assert found(read_order(mdm())) == []
    assert found(read_order(oru(documents=n1_and_n3()))) == []
    replacing = cda(related=RPLC, version=SECOND_VERSION)
    assert found(read_order(mdm(event="T10", txa_13="1.2.250.1.999.1.1.6999", document=replacing))) == []
    assert found(read_order(mdm(event="T10", document=replacing))) == []
    assert found(read_order(mdm(event="T04"))) == []


@pytest.mark.parametrize(
    "ids",
    [
        patient_ids(OTHER_INS, LOCAL),  # the local number agrees, the INS does not
        patient_ids(INS, (LOCAL[0], "IPP-0043")),
        patient_ids(("1.2.250.1.213.1.4.8", INS[1])),  # the same number under another authority
        patient_ids(("1.2.3", "IPP-0042")),
    ],
)
def test_another_patient_is_refused(ids: str) -> None:
    assert found(read_order(mdm(document=cda(ids=ids)))) == [("HL7_PATIENT_DIFFERENT", "PID^1^3")]


@pytest.mark.parametrize("ids", [patient_ids(INS), patient_ids(LOCAL), patient_ids(INS, ("1.2.3", "another"))])
def test_one_common_identifier_is_enough_when_none_contradicts(ids: str) -> None:
    assert found(read_order(mdm(document=cda(ids=ids)))) == []


def test_another_birth_date_is_another_patient() -> None:
    assert found(read_order(mdm(replace={"|19480615|": "|19480616|"}))) == [("HL7_PATIENT_DIFFERENT", "PID^1^7")]
    assert found(read_order(mdm(replace={"|19480615|": "|1948|"}))) == []
    assert found(read_order(mdm(replace={"|19480615|": "||"}))) == []


def test_a_document_about_two_patients_is_refused() -> None:
    more = f"<recordTarget><patientRole>{patient_ids(INS)}</patientRole></recordTarget>"
    assert found(read_order(mdm(document=cda(more_patients=more)))) == [("PATIENTS_MULTIPLES", "OBX^1^5")]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("OBR|1|||11488-4", "OBR|1|||11502-2", "OBR^1^4"),
        ("TXA|1|11488-4", "TXA|1|11502-2", "TXA^1^2"),
        ("OBX|1|ED|11488-4", "OBX|1|ED|11502-2", "OBX^1^3"),
    ],
)
def test_another_type_is_refused_where_it_stands(old: str, new: str, place: str) -> None:
    assert found(read_order(mdm(replace={old: new}))) == [("HL7_DOCUMENT_DIFFERENT", place)]


def test_the_ids_of_txa_are_those_of_the_document() -> None:
    assert found(read_order(mdm(txa_12="1.2.3"))) == [("HL7_DOCUMENT_DIFFERENT", "TXA^1^12")]
    replacing = cda(related=RPLC, version=SECOND_VERSION)
    other = read_order(mdm(event="T10", txa_13="1.2.3", document=replacing))
    assert found(other) == [("HL7_DOCUMENT_DIFFERENT", "TXA^1^13")]


@pytest.mark.parametrize("written", ["77^^1.2.3^ISO", "1.2.3.77", "1.2.3.77^Organisation-Y", "77"])
def test_an_id_with_extension_in_each_of_its_forms(written: str) -> None:
    document = cda(document_id='<id root="1.2.3" extension="77"/>')
    assert found(read_order(mdm(document=document, txa_12=written))) == []


def test_the_action_is_that_of_the_document() -> None:
    replacing = cda(related=RPLC, version=SECOND_VERSION)
    place = [("HL7_ACTION_INCOHERENTE", "ORC^1^1")]
    assert found(read_order(mdm(document=replacing))) == place
    assert found(read_order(mdm(event="T10"))) == place
    assert found(read_order(mdm(event="T10", document=cda(related=RPLC)))) == place


@pytest.mark.parametrize(
    ("second", "code"),
    [
        ({"ids": patient_ids(OTHER_INS, LOCAL)}, "HL7_PATIENT_DIFFERENT"),
        ({"code": '<code code="11502-2" codeSystem="2.16.840.1.113883.6.1"/>'}, "HL7_DOCUMENT_DIFFERENT"),
        ({"document_id": '<id root="1.2.250.1.999.1.1.7000.1"/>'}, "HL7_DOCUMENT_DIFFERENT"),
        ({"body": "<component><nonXMLBody><text>x</text></nonXMLBody></component>"}, "HL7_DOCUMENT_DIFFERENT"),
    ],
)
def test_two_documents_are_two_forms_of_one(second: dict[str, str], code: str) -> None:
    assert (code, "OBX^2^5") in found(read_order(oru(documents=n1_and_n3(**second))))
