"""Orders: each form and volet gives what it asks for, and everything wrong with one is told at once."""

import base64

import pytest

from connector.documents.cda.model import InstanceId
from connector.documents.hl7.errors import Hl7Error
from connector.documents.hl7.order import Action, read_order
from connector.documents.hl7.participants import Hl7Participant
from connector.domain.catalogue.hl7 import HL7_CODES
from connector.domain.limits import Limits
from connector.domain.patient import PatientIdentifier
from tests.hl7.hl7_messages import (
    FLAGS,
    PATIENT_ADDRESS,
    PROFESSIONAL_ADDRESS,
    b64,
    classic_oru,
    mdm,
    n1_and_n3,
    oru,
    problems_of,
    rct,
)  # fmt: skip
from tests.xdm.cda_samples import cda

BOTH = FLAGS | {"INVISIBLE_PATIENT": "N", "DESTMSSANTEPAT": "Y"}
PATIENT_ONLY = BOTH | {"DESTMSSANTEPS": "N"}
PDF = b"%PDF-1.4\n%%EOF\n"


def refused(message: bytes, limits: Limits | None = None) -> list[tuple[str, int, str]]:
    with pytest.raises(Hl7Error) as error:
        read_order(message, limits or Limits())
    return problems_of(error.value)


def test_a_complete_mdm() -> None:
    order = read_order(mdm())
    assert order.action is Action.FIRST
    assert order.documents == (cda(),)
    assert (order.header.type, order.header.event, order.header.control_id) == ("MDM", "T02", "MSG0001")
    assert (order.header.sending_application, order.header.receiving_facility) == ("LPS-EX", "CABINET-EX")
    assert (order.profile, order.header.volet, order.header.sender_key) == (
        "2.1^CISIS_CDA_HL7_V2", "2.1", "LPS-EX|CABINET-EX",
    )  # fmt: skip
    assert order.document_id == InstanceId("1.2.250.1.999.1.1.7000.1")
    assert {stated.code for stated in order.document_types} == {"11488-4"}
    assert [stated.location for stated in order.document_types] == ["OBX^1^3", "TXA^1^2", "OBR^1^4"]
    assert order.document_label == "Consultation"
    assert not order.is_classic
    assert (order.wants_delivery_ack, order.wants_read_ack) == (True, False)
    assert order.warnings == ()


def test_the_patient_of_pid() -> None:
    patient = read_order(mdm()).patient
    assert patient.ids == (
        PatientIdentifier("1.2.250.1.213.1.4.10", "248066319988747"),
        PatientIdentifier("1.2.250.1.999.1.1.2", "IPP-0042"),
    )
    assert (patient.birth_family, patient.birth_given, patient.all_given) == ("EXEMPLE", "ANNE", "ANNE MARIE")
    assert (patient.used_family, patient.used_given) == ("DUPRES", "ANNIE")
    assert (patient.birth_date, patient.sex, patient.birth_place) == ("19480615", "F", "63199")
    assert (patient.is_validated, patient.is_unknown, patient.file_number) == (True, False, "DOS-7")


def test_sender_recipients_and_reply_address() -> None:
    professional = (
        "PRT||UC||RCT^^x|899700000025^DESTINATAIRE^PAUL^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^RPPS"
        f"||||||||||^NET^X.400^{PROFESSIONAL_ADDRESS}"
    )
    unit = "PRT||UC||RCT||||Urologie^^^^^120456789^UF^^^3435|||||||^^X.400^uro@hopital.test.mssante.fr"
    patient = f"PRT||UC||RCT|248^EX^A^^^^^^1.2.250.1.213.1.4.10^L^^^INS||||||||||^^X.400^{PATIENT_ADDRESS}"
    reply = rct("secretariat@cabinet.test.mssante.fr", role="REPLY")
    order = read_order(mdm(flags=BOTH, participants=(professional, unit, patient, rct(), reply)))
    assert [(one.address, one.is_patient) for one in order.recipients] == [
        (PROFESSIONAL_ADDRESS, False), ("uro@hopital.test.mssante.fr", False), (PATIENT_ADDRESS, True),
    ]  # fmt: skip
    first, second, third = order.recipients
    assert (first.person_id, first.person_id_type, first.family, first.given) == (
        "899700000025", "RPPS", "DESTINATAIRE", "PAUL",
    )  # fmt: skip
    assert (second.organization, second.organization_id, second.organization_id_type) == ("Urologie", "3435", "UF")
    assert third.person_authority == "1.2.250.1.213.1.4.10"
    assert order.reply_to == "secretariat@cabinet.test.mssante.fr"
    assert order.sender is None


def test_the_sender_is_the_author_of_the_submission() -> None:
    sender = read_order(mdm()).sender
    assert sender == Hl7Participant(
        person_id="899700000017", person_authority="1.2.250.1.71.4.2.1", person_id_type="RPPS", family="TESTEUR",
        given="CLAIRE", organization="CABINET D'EXEMPLE", organization_id="1010000017", organization_id_type="FINEG",
    )  # fmt: skip


@pytest.mark.parametrize("field", [14, 15, 16, 17])
def test_an_address_in_a_neighbouring_field_is_found(field: int) -> None:
    order = read_order(mdm(participants=(rct(field=field),)))
    assert [one.address for one in order.recipients] == [PROFESSIONAL_ADDRESS]


@pytest.mark.parametrize(
    ("event", "action"), [("T02", Action.FIRST), ("T10", Action.REPLACE), ("T04", Action.DELETE)]
)
def test_the_event_of_an_mdm_is_its_action(event: str, action: Action) -> None:
    order = read_order(mdm(event=event, txa_13="1.2.250.1.999.1.1.6999"))
    assert (order.action, order.replaced_id) == (action, InstanceId("1.2.250.1.999.1.1.6999"))


@pytest.mark.parametrize(
    ("order", "status", "action"),
    [
        ("NW", "F", Action.FIRST), ("RO", "C", Action.REPLACE), ("CA", "D", Action.DELETE), ("SC", "F", Action.FIRST),
        ("SC", "C", Action.REPLACE), ("", "D", Action.DELETE),
    ],
)  # fmt: skip
def test_order_and_status_of_an_oru_are_its_action(order: str, status: str, action: Action) -> None:
    assert read_order(oru(order=order, status=status)).action is action


@pytest.mark.parametrize(
    "message",
    [
        mdm(replace={"ORC|NW": "ORC|RO"}),
        mdm(replace={"||||||F\rPRT": "||||||C\rPRT"}),
        mdm(event="T10", txa_13="1.2", replace={"ORC|RO": "ORC|CA"}),
        oru(order="NW", status="D"),
        oru(order="RO", status="F"),
    ],
)
def test_contradicting_actions_are_refused(message: bytes) -> None:
    assert refused(message) == [("HL7_ACTION_INCOHERENTE", 207, "OBX^1^11")]


def test_a_replacement_that_names_nothing_is_told() -> None:
    order = read_order(mdm(event="T10"))
    assert order.replaced_id is None
    assert order.warnings == ("HL7_ID_REMPLACE_ABSENT",)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1.2.3", InstanceId("1.2.3")),
        ("77^^1.2.3^ISO", InstanceId("1.2.3", "77")),
        ("1.2.3^Organisation-Y", InstanceId("1.2.3")),
    ],
)
def test_the_forms_of_a_document_id(written: str, meant: InstanceId) -> None:
    assert read_order(mdm(txa_12=written)).document_id == meant


def test_an_oru_may_carry_two_documents_and_a_third_is_refused() -> None:
    pair = n1_and_n3()
    assert read_order(oru(documents=pair)).documents == pair
    assert refused(oru(documents=(*pair, cda()))) == [("HL7_CARDINALITE", 198, "OBX^3^5")]


def test_an_mdm_carries_one_document() -> None:
    second = f"OBX|20|ED|11488-4^x^LN||^text^XML^Base64^{b64(cda())}||||||F"
    assert refused(mdm(more=(second,))) == [("HL7_CARDINALITE", 198, "OBX^12^5")]


def test_bodies_for_professionals_and_for_the_patient() -> None:
    professional = b64("Cher confrère,\r\nvoici.".encode())
    bodies = (
        f"OBX|12|ED|CORPSMAIL_PS^x^MetaDMPMSS||^TEXT^^Base64^{professional}||||||F",
        f"OBX|13|ED|CORPSMAIL_PATIENT^x^MetaDMPMSS||^TEXT^^Base64^{b64('Très clair, santé'.encode('cp1252'))}||||||F",
    )
    order = read_order(oru(flags=BOTH, participants=(rct(), rct(PATIENT_ADDRESS)), more=bodies))
    assert (order.body_professional, order.body_patient) == ("Cher confrère,\nvoici.", "Très clair, santé")


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (r"OBX|12|FT|CORPSMAIL_PS||Bonjour\.br\voici A\T\B~Fin", "Bonjour\nvoici A&B\nFin"),
        ("OBX|12|ED|CORPSMAIL_PS||^TEXT^^^Bonjour", "Bonjour"),
        ("OBX|12|TX|CORPSMAIL_PS||Bonjour", "Bonjour"),
        ("OBX|12|ED|CORPSMAIL_PS||^TEXT^^Base64^" + b64("Bonne santé".encode("cp1252")), "Bonne santé"),
        ("OBX|12|ED|CORPSMAIL_PS||^TEXT^^Base64^" + b64("Fini é".encode())[:-1] + "", "Fini é"),
    ],
)
def test_bodies_of_senders_that_ignore_the_rule(row: str, text: str) -> None:
    assert read_order(mdm(more=(row,))).body_professional == text


@pytest.mark.parametrize("data", ["@@@@", b64(b"\xe9\x81")])
def test_a_body_that_cannot_be_read_is_told_and_left_out(data: str) -> None:
    order = read_order(mdm(more=(f"OBX|12|ED|CORPSMAIL_PS||^TEXT^^Base64^{data}",)))
    assert (order.body_professional, order.warnings) == ("", ("HL7_CORPS_ILLISIBLE",))


def test_a_cut_last_letter_does_not_spoil_the_body() -> None:
    cut = base64.b64encode("Déjà".encode()[:-1]).decode()
    order = read_order(mdm(more=(f"OBX|12|ED|CORPSMAIL_PS||^TEXT^^Base64^{cut}",)))
    assert order.body_professional == "Déj"


@pytest.mark.parametrize("position", [3, 4])
def test_the_end_of_the_exchange_is_asked_for_under_the_patient_row(position: int) -> None:
    fin = "NTE" + "|" * position + "FIN"
    people = (rct(PATIENT_ADDRESS),)
    to_patient = oru(
        flags=PATIENT_ONLY, participants=people, replace={"OBX|10|CE|ACK_REC": f"{fin}\rOBX|10|CE|ACK_REC"}
    )
    assert read_order(to_patient).no_reply_from_patient
    elsewhere = oru(flags=PATIENT_ONLY, participants=people, more=(fin,))
    assert not read_order(elsewhere).no_reply_from_patient
    to_nobody = read_order(oru(replace={"OBX|10|CE|ACK_REC": f"{fin}\rOBX|10|CE|ACK_REC"}))
    assert (to_nobody.no_reply_from_patient, to_nobody.warnings) == (False, ("HL7_FIN_SANS_PATIENT",))


def test_a_recipient_whom_the_flags_leave_out_is_not_there() -> None:
    order = read_order(mdm(participants=(rct(), rct(PATIENT_ADDRESS))))
    assert [one.address for one in order.recipients] == [PROFESSIONAL_ADDRESS]
    assert order.warnings == ("HL7_DESTINATAIRE_ECARTE",)
    person = f"PRT||UC||RCT|248^A^B^^^^^^^D^^^INS||||||||||^^X.400^{PROFESSIONAL_ADDRESS}"
    assert refused(mdm(participants=(person,))) == [("HL7_CHAMP_ABSENT", 101, "PRT^1^15")]


def test_flags_without_their_recipients_are_refused_from_volet_2_on() -> None:
    assert refused(mdm(flags=BOTH)) == [("HL7_CHAMP_ABSENT", 101, "PRT^1^15")]
    assert refused(mdm(participants=(), profile="2.0^CISIS_CDA_HL7_V2")) == [("HL7_CHAMP_ABSENT", 101, "PRT^1^15")]


def test_volet_1_takes_its_recipients_from_the_cda() -> None:
    order = read_order(oru(order="SC", participants=(), profile="1.2^ CISIS_CDA_HL7_V1", flags=BOTH))
    assert order.recipients == ()
    assert order.destinations is not None
    assert (order.destinations.professionals, order.destinations.patient) == (True, True)
    assert order.header.volet == "1.2"
    assert [stated.location for stated in order.document_types] == ["OBX^1^3"]  # OBR-4 was the act


def test_lots_of_volet_1_are_no_documents() -> None:
    lot = "OBX|11|ED|COMP_LOT^x||1.2.250.1.213.1.1.8^CDAN1||||||F"
    assert len(read_order(oru(profile="1.2^CISIS_CDA_HL7_V1", more=(lot,))).documents) == 1


def test_volet_2_0_has_neither_orc_nor_obr() -> None:
    order = read_order(mdm(profile="2.0^CISIS_CDA_HL7_V2", replace={"ORC|NW\rOBR|1|||11488-4^Consultation^LN\r": ""}))
    assert (order.action, order.warnings) == (Action.FIRST, ())


@pytest.mark.parametrize(("cut", "warnings"), [(1, ("HL7_BASE64_REPARE",)), (2, ("HL7_BASE64_REPARE",)), (0, ())])
def test_missing_padding_is_put_right(cut: int, warnings: tuple[str, ...]) -> None:
    content = cda() + b"\n" * ((cut - len(cda())) % 3 if cut else -len(cda()) % 3)
    order = read_order(mdm(document=b64(content).rstrip("=")))
    assert (order.documents, order.warnings) == ((content,), warnings)


def test_a_stray_last_character_is_left_out() -> None:
    content = cda() + b"\n" * (-len(cda()) % 3)
    order = read_order(mdm(document=b64(content) + "P"))
    assert (order.documents, order.warnings) == ((content,), ("HL7_BASE64_TRONQUE",))


@pytest.mark.parametrize("end", ["\r\n", "\n", " ", r"\.br" + "\\"])
def test_base64_in_lines_is_one_document(end: str) -> None:
    text = base64.encodebytes(cda()).decode().replace("\n", end)
    assert read_order(mdm(document=text)).documents == (cda(),)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("@@@@", ("HL7_VALEUR_INVALIDE", 102, "OBX^1^5")),
        ("", ("HL7_VALEUR_INVALIDE", 102, "OBX^1^5")),
        (b64(b"Document medical"), ("HL7_DOCUMENT_INVALIDE", 207, "OBX^1^5")),
        (b64(cda()[:-30]), ("HL7_DOCUMENT_INVALIDE", 207, "OBX^1^5")),
        (b64(b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
         ("HL7_DOCUMENT_INVALIDE", 207, "OBX^1^5")),
    ],
)  # fmt: skip
def test_a_document_that_is_none_is_refused(data: str, problem: tuple[str, int, str]) -> None:
    assert refused(mdm(document=data)) == [problem]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("MDM^T02", "ADT^A01", ("HL7_TYPE_INCONNU", 200, "MSH^1^9")),
        ("MDM^T02", "MDM^T06", ("HL7_EVENEMENT_INCONNU", 201, "MSH^1^9")),
        ("MDM^T02", "MDM", ("HL7_EVENEMENT_INCONNU", 201, "MSH^1^9")),
        ("|P|2.6", "|X|2.6", ("HL7_TRAITEMENT_INCONNU", 202, "MSH^1^11")),
        ("|P|2.6", "|P|3.0", ("HL7_VERSION_INCONNUE", 203, "MSH^1^12")),
        ("|MSG0001|", "||", ("HL7_CHAMP_ABSENT", 101, "MSH^1^10")),
        ("CDA_HL7_V2", "CDA_HL7_LPS", ("HL7_PROFIL_RECEPTION", 207, "MSH^1^21")),
        ("\rPID|", "\rPIX|", ("HL7_SEGMENT_ABSENT", 100, "PID^1")),
        ("\rPV1|1|N", "\rPID|||1||B", ("PATIENTS_MULTIPLES", 198, "PID^2")),
        ("~DUPRES^ANNIE^^^^^D", "~^^^^^^D", None),
        ("EXEMPLE^ANNE^ANNE MARIE^^^^L~DUPRES", "^^^^^^L~DUPRES", ("HL7_CHAMP_ABSENT", 101, "PID^1^5")),
        ("|19480615|", "|15/06/1948|", ("HL7_VALEUR_INVALIDE", 102, "PID^1^7")),
        ("|19480615|", "|19481315|", ("HL7_VALEUR_INVALIDE", 102, "PID^1^7")),
        ("|19480615|F|", "|19480615|2|", ("HL7_CODE_INCONNU", 103, "PID^1^8")),
        ("ORC|NW", "ORC|XX", ("HL7_CODE_INCONNU", 103, "ORC^1^1")),
        ("||||||F\rPRT", "||||||P\rPRT", ("HL7_CODE_INCONNU", 103, "OBX^1^11")),
        ("11488-4", "", ("HL7_CHAMP_ABSENT", 101, "OBX^1^3")),
        ("OBX|1|ED", "OBX|1|ST", ("HL7_SEGMENT_ABSENT", 100, "OBX^1")),
        ("^^X.400^paul.destinataire@medecin.test.mssante.fr", "^^X.400^", ("HL7_CHAMP_ABSENT", 101, "PRT^2^15")),
        ("paul.destinataire@medecin", "paul..destinataire@medecin", ("DESTINATAIRE_INVALIDE", 102, "PRT^2^15")),
        ("MASQUE_PS^libellé^MetaDMPMSS||N", "MASQUE_PS^libellé^MetaDMPMSS||Y", ("HL7_DOCUMENT_MASQUE", 207, "")),
    ],
)
def test_each_defect_has_its_code_its_condition_and_its_place(
    old: str, new: str, problem: tuple[str, int, str] | None
) -> None:
    message = mdm(replace={old: new})
    if problem is None:
        assert read_order(message).warnings == ()
    else:
        assert problem in refused(message)


def test_everything_wrong_is_told_at_once() -> None:
    message = mdm(
        document="@", flags=FLAGS | {"DESTMSSANTEPS": "N", "DESTDMP": "Y"},
        replace={"|P|2.6": "|Q|1.0", "|19480615|F|": "|hier|F|", "ORC|NW": "ORC|RO"},
    )  # fmt: skip
    assert [code for code, _, _ in refused(message)] == [
        "HL7_TRAITEMENT_INCONNU", "HL7_VERSION_INCONNUE", "HL7_VALEUR_INVALIDE", "HL7_VALEUR_INVALIDE",
        "HL7_ACTION_INCOHERENTE", "HL7_DMP_SEUL",
    ]  # fmt: skip


def test_a_refusal_repeats_nothing_of_the_patient() -> None:
    with pytest.raises(Hl7Error) as error:
        read_order(mdm(document=b64(b"<a>EXEMPLE"), replace={"|19480615|F|": "|EXEMPLE|EXEMPLE|", "|MSG0001|": "||"}))
    assert len(error.value.problems) == 4
    assert not any("EXEMPLE" in problem.detail or "2480" in problem.detail for problem in error.value.problems)
    assert "EXEMPLE" not in str(error.value)


def test_two_messages_are_not_one() -> None:
    assert refused(mdm() + mdm()) == [("HL7_CARDINALITE", 198, "MSH^2")]


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(max_hl7_bytes=500), "TROP_GROS"),
        (Limits(max_hl7_segments=5), "TROP_GROS"),
        (Limits(max_hl7_fields=12), "TROP_GROS"),
        (Limits(max_xml_bytes=100), "HL7_DOCUMENT_INVALIDE"),
    ],
)
def test_sizes_are_bounded(limits: Limits, code: str) -> None:
    assert [found for found, _, _ in refused(mdm(), limits)] == [code]


@pytest.mark.parametrize(("charset", "codec"), [("8859/15", "iso8859-15"), ("8859/15", "utf-8"), ("", "cp1252")])
def test_names_are_right_in_every_character_set(charset: str, codec: str) -> None:
    message = mdm(charset=charset, codec=codec, replace={"EXEMPLE^ANNE^ANNE MARIE": "LŒUF^ZOÉ^ZOÉ"})
    assert (read_order(message).patient.birth_family, read_order(message).patient.birth_given) == ("LŒUF", "ZOÉ")


def test_profile_and_version_that_are_not_those_of_the_volet_are_told() -> None:
    assert read_order(mdm(profile="")).warnings == ("HL7_PROFIL_INCONNU",)
    assert read_order(mdm(version="2.5")).warnings == ("HL7_VERSION_INATTENDUE",)


# --- classic messages ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        f"^AP^PDF^Base64^{b64(PDF)}",
        f"^application^pdf^Base64^{b64(PDF)}",
        f"LABO^TEXT^PDF^BASE64^{b64(PDF)}",
        f"application^pdf^Base64^{b64(PDF)}",
        b64(PDF),
    ],
)
def test_a_classic_oru_gives_its_pdf(value: str) -> None:
    order = read_order(classic_oru(value))
    assert (order.pdfs, order.documents, order.action) == ((PDF,), (), Action.FIRST)
    assert order.is_classic
    assert (order.destinations, order.recipients, order.warnings) == (None, (), ())
    assert order.patient_ids == (PatientIdentifier("LABO", "4711"),)
    assert [(one.person_id, one.family) for one in order.correspondents] == [
        ("899700000025", "DESTINATAIRE"), ("899700000017", "TESTEUR"), ("899700000033", "REFERENT"),
    ]  # fmt: skip


@pytest.mark.parametrize(("status", "action"), [("P", Action.FIRST), ("C", Action.REPLACE), ("D", Action.DELETE)])
def test_the_status_of_a_classic_oru_is_its_action(status: str, action: Action) -> None:
    assert read_order(classic_oru(f"^AP^PDF^Base64^{b64(PDF)}", status=status)).action is action


def test_a_classic_oru_with_addresses_has_recipients() -> None:
    order = read_order(classic_oru(f"^AP^PDF^Base64^{b64(PDF)}", more=(rct(),)))
    assert [one.address for one in order.recipients] == [PROFESSIONAL_ADDRESS]


def test_a_classic_oru_with_something_else_is_refused() -> None:
    assert refused(classic_oru(f"^image^jpeg^Base64^{b64(b'JFIF')}")) == [("HL7_DOCUMENT_INVALIDE", 207, "OBX^2^5")]
    assert refused(classic_oru(f"^AP^PDF^Base64^{b64(PDF)}", status="W")) == [("HL7_CODE_INCONNU", 103, "OBX^2^11")]


def test_codes_used_and_codes_explained_are_the_same() -> None:
    import re
    from pathlib import Path

    import connector

    rooms = [path for path in Path(next(iter(connector.__path__))).rglob("*.py") if path.parent.name != "catalogue"]
    source = "".join(path.read_text("utf-8") for path in rooms)
    constants = {"HL7_V3"}  # the namespace of CDA
    assert set(re.findall(r'"(HL7_[A-Z0-9_]+)"', source)) - constants == set(HL7_CODES)
