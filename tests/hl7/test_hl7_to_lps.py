"""Messages for the LPS: what came by mail is all there, and any parser reads it."""

import base64
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.documents.cda.parse import parse_cda
from connector.documents.hl7.flags import Flag
from connector.documents.hl7.message import Message
from connector.documents.hl7.order import Action, read_order
from connector.documents.hl7.participants import Hl7Participant
from connector.documents.hl7.text import decode, split_messages
from connector.documents.hl7.to_lps import LpsDelivery, LpsForm, LpsParties, write_to_lps
from tests.xdm.cda_samples import INS, LOCAL, cda, patient_ids

NOW = datetime(2026, 3, 10, 16, 15, tzinfo=UTC)
PARTIES = LpsParties(
    sending_application="CONNECTEUR", sending_facility="CABINET & CIE", receiving_application="LPS-EX",
    receiving_facility="CABINET-EX",
)  # fmt: skip
SENDER = Hl7Participant(
    address="claire.testeur@medecin.test.mssante.fr", person_id="899700000017", person_id_type="RPPS",
    family="TESTEUR", given="CLAIRE", organization="CABINET D'EXEMPLE", organization_id="1010000017",
    organization_id_type="FINEG",
)  # fmt: skip
RECIPIENT = Hl7Participant(
    address="uro@hopital.test.mssante.fr", organization="Urologie", organization_id="3435", organization_id_type="UF"
)


def delivery(content: bytes | None = None, action: Action = Action.FIRST) -> LpsDelivery:
    data = content or cda()
    return LpsDelivery(
        content=data, document=parse_cda(data), action=action, message_id="<20260310.1@medecin.test.mssante.fr>",
        subject="XDM/1.0/DDM+CR de l’examen | EXEMPLE ANNE", sender=SENDER, recipient=RECIPIENT,
        reply_to="secretariat@cabinet.test.mssante.fr", body="Bonjour,\nvoici le CR.",
        confidentiality=frozenset({Flag.INVISIBLE_PATIENT}),
    )  # fmt: skip


def written(given: LpsDelivery, *, charset: str = "UNICODE UTF-8", form: LpsForm = LpsForm.MDM) -> list[str]:
    data = write_to_lps(given, PARTIES, control_id="MSG0003", now=NOW, charset=charset, form=form)
    return decode(split_messages(data)[0]).text.split("\r")


def test_a_whole_message() -> None:
    data = base64.b64encode(cda()).decode()
    body = base64.b64encode(b"Bonjour,\nvoici le CR.").decode()
    yes, no = "Y^^expandedYes-NoIndicator||||||F", "N^^expandedYes-NoIndicator||||||F"
    assert "\r".join(written(delivery())) == (
        "MSH|^~\\&|CONNECTEUR|CABINET \\T\\ CIE|LPS-EX|CABINET-EX|20260310161500||MDM^T02^MDM_T02|MSG0003|P|2.6"
        "|||||FRA|UNICODE UTF-8|||1.1^CISIS_CDA_HL7_LPS\r"
        "EVN||20260310161500\r"
        "PID|||248066319988747^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.10&ISO^INS"
        "~IPP-0042^^^&1.2.250.1.999.1.1.2&ISO^PI||EXEMPLE^ANNE^ANNE MARIE^^^^L~DUPRES^ANNIE^^^^^D||19480615|F|||"
        "^^^^^^BDL^^63199||||||||||||||||||||N|VALI\r"
        "PV1|1|N\r"
        "ORC|NW\r"
        "OBR|1|||11488-4^Consultation^LN\r"
        "TXA|1|11488-4|TEXT|20260310151200||||||||1.2.250.1.999.1.1.7000.1|||||AU\r"
        f"OBX|1|ED|11488-4^Consultation^LN||^text^XML^Base64^{data}||||||F\r"
        "PRT||UC||SB^Send by^participation|"
        "899700000017^TESTEUR^CLAIRE^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS"
        "|||CABINET D'EXEMPLE^^^^^ASIP-SANTE-ST&1.2.250.1.71.4.2.2&ISO^FINEG^^^1010000017"
        "|||||||^^X.400^claire.testeur@medecin.test.mssante.fr\r"
        "PRT||UC||RCT^Result Copies To^participation||||Urologie^^^^^^UF^^^3435"
        "|||||||^^X.400^uro@hopital.test.mssante.fr\r"
        "PRT||UC||REPLY^Reply To^participation|||||||||||^^X.400^secretariat@cabinet.test.mssante.fr\r"
        "OBX|2|ED|<20260310.1@medecin.test.mssante.fr>^XDM/1.0/DDM+CR de l’examen \\F\\ EXEMPLE ANNE||"
        f"^text^^Base64^{body}||||||F\r"
        f"OBX|3|CWE|MASQUE_PS^Masqué aux professionnels de Santé^MetaDMPMSS||{no}\r"
        f"OBX|4|CWE|INVISIBLE_PATIENT^Document Non Visible par le patient^MetaDMPMSS||{yes}\r"
        f"OBX|5|CWE|INVISIBLE_REP_LEGAUX^Non visible par les représentants Légaux du patient^MetaDMPMSS||{no}\r"
        f"OBX|6|CWE|MODIF_CONF_CODE^Modification Confidentiality Code^MetaDMPMSS||{no}\r"
    )


@pytest.mark.parametrize(
    ("action", "event", "order", "status"),
    [(Action.FIRST, "T02", "NW", "F"), (Action.REPLACE, "T10", "RO", "C"), (Action.DELETE, "T04", "CA", "D")],
)
def test_event_order_and_status_say_the_action(action: Action, event: str, order: str, status: str) -> None:
    lines = written(delivery(action=action))
    assert f"|MDM^{event}^MDM_T02|" in lines[0]
    assert lines[4] == f"ORC|{order}"
    assert lines[7].endswith(f"||||||{status}")
    assert lines[11].endswith("||||||F")
    oru = written(delivery(action=action), form=LpsForm.ORU)
    assert f"ORC|{order}" in oru
    assert any(line.startswith("OBR|") and line.endswith(f"|{status}") for line in oru)


def test_ids_with_extension_and_the_replaced_document() -> None:
    related = (
        '<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.3" extension="6"/></parentDocument>'
        "</relatedDocument>"
    )
    content = cda(document_id='<id root="1.2.3" extension="7"/>', related=related)
    assert "|7^^1.2.3^ISO|6^^1.2.3^ISO||||AU" in written(delivery(content, Action.REPLACE))[6]


def test_an_identity_without_ins_is_not_called_qualified() -> None:
    line = written(delivery(cda(ids=patient_ids(LOCAL))))[2]
    assert line.startswith("PID|||IPP-0042^^^&1.2.250.1.999.1.1.2&ISO^PI||")
    assert line.endswith("|N")
    nia = written(delivery(cda(ids=patient_ids(("1.2.250.1.213.1.4.9", INS[1])))))[2]
    assert "ASIP-SANTE-INS-NIA&1.2.250.1.213.1.4.9&ISO^INS" in nia


def test_a_stranger_as_sender_is_only_an_address() -> None:
    given = replace(delivery(), sender=Hl7Participant(address="248066319988747@patient.mssante.fr"), recipient=None)
    lines = [line for line in written(replace(given, reply_to="")) if line.startswith("PRT")]
    assert lines == [
        "PRT||UC||SB^Send by^participation|||||||||||^^X.400^248066319988747@patient.mssante.fr"
    ]  # fmt: skip


def test_an_organisation_may_have_no_identifier() -> None:
    given = replace(delivery(), recipient=Hl7Participant(address="a@b.mssante.fr", organization="Cabinet"))
    assert "PRT||UC||RCT^Result Copies To^participation||||Cabinet|||||||^^X.400^a@b.mssante.fr" in written(given)


def test_the_set_of_the_lps_is_used_when_it_can_be_and_stated_when_not() -> None:
    plain = replace(delivery(), subject="CR de l'été")
    assert "|FRA|8859/15|" in written(plain, charset="8859/15")[0]
    data = write_to_lps(plain, PARTIES, control_id="1", now=NOW, charset="8859/15")
    assert "l'été".encode("iso8859-15") in data
    assert "|FRA|UNICODE UTF-8|" in written(delivery(), charset="8859/15")[0]  # ’ is not in it


def test_the_oru_form_and_its_readable_copy() -> None:
    lines = written(replace(delivery(), pdf=b"%PDF-1.4\n"), form=LpsForm.ORU)
    assert lines[0].startswith(
        "MSH|^~\\&|CONNECTEUR|CABINET \\T\\ CIE|LPS-EX|CABINET-EX|20260310161500||ORU^R01^ORU_R01|"
    )
    assert lines[0].endswith("|P|2.5|||||FRA|UNICODE UTF-8")
    assert not any(line.startswith(("EVN", "TXA")) for line in lines)
    numbers = [line.split("|")[1] for line in lines if line.startswith("OBX")]
    assert numbers == ["1", "2", "3", "4", "5", "6", "7"]
    order = read_order("\r".join(lines[:-6]).encode())  # as any reader of a result would take it
    assert (order.documents, order.pdfs) == ((cda(),), (b"%PDF-1.4\n",))


def test_a_copy_is_not_added_to_the_form_of_the_volet() -> None:
    lines = written(replace(delivery(), pdf=b"%PDF-1.4\n"))
    assert [line.split("|")[1] for line in lines if line.startswith("OBX")] == ["1", "2", "3", "4", "5", "6"]


@pytest.mark.parametrize("form", list(LpsForm))
def test_our_own_splitter_gives_the_document_back(form: LpsForm) -> None:
    data = write_to_lps(delivery(), PARTIES, control_id="1", now=NOW, form=form)
    obx = Message.parse(decode(data).text).first("OBX")
    assert obx is not None
    assert base64.b64decode(obx.value(5, 5)) == cda()


@pytest.mark.parametrize("form", list(LpsForm))
def test_python_hl7_gives_the_document_back(form: LpsForm) -> None:
    library = pytest.importorskip("hl7")
    parsed = library.parse(write_to_lps(delivery(), PARTIES, control_id="1", now=NOW, form=form).decode())
    assert base64.b64decode(parsed.extract_field("OBX", 1, 5, 1, 5, 1)) == cda()
    assert parsed.extract_field("PID", 1, 3, 1, 1, 1) == INS[1]
    assert parsed.unescape(parsed.extract_field("MSH", 1, 4, 1, 1, 1)) == "CABINET & CIE"
    assert parsed.extract_field("PRT", 1, 15, 1, 4, 1) == SENDER.address
