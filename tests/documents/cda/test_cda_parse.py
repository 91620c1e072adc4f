"""CDA headers: what a document says becomes values, and what it lacks stays absent."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents.cda.model import Code, InstanceId, PersonName
from connector.documents.cda.parse import clinical_document, embedded_pdf_copy, open_cda, parse_cda
from connector.domain.errors import InvalidSubmission, MalformedMessage
from connector.domain.patient import PatientIdentifier
from tests.our_errors import only_our_errors
from tests.shared_data import sample_files
from tests.xdm.cda_samples import author, cda, level_1, service_event

OFFICIAL = sample_files("cda/*.xml") + sample_files("synthetic/minimal*.xml")
PDF = b"%PDF-1.4\n%%EOF"


def structured(sections: str) -> bytes:
    body = f"<component><structuredBody>{sections}</structuredBody></component>"
    return cda(body=body, templates='<templateId root="1.2.250.1.213.1.1.1.29"/>')


def copy_section(*, marks: str, value: str, media: str = "application/pdf") -> str:
    return (
        f"<component><section>{marks}<entry><organizer><component><observationMedia>"
        f'<value mediaType="{media}" representation="B64">{value}</value>'
        "</observationMedia></component></organizer></entry></section></component>"
    )


def test_the_header_of_a_complete_document() -> None:
    document = parse_cda(cda())
    assert document.id == InstanceId("1.2.250.1.999.1.1.7000.1")
    assert document.code == Code("11488-4", "2.16.840.1.113883.6.1", "Consultation")
    assert (document.title, document.effective_time) == ("Compte rendu de consultation", "20260310151200+0100")
    assert document.confidentiality == Code("N", "2.16.840.1.113883.5.25", "Normal")
    assert (document.language, document.version) == ("fr-FR", 1)
    assert document.set_id == InstanceId("1.2.250.1.999.1.1.7000")
    assert document.template_ids == ("1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.2.20")
    assert (document.patients_count, document.is_self_presenting, document.replaces) == (1, False, None)
    assert document.facility == Code("SA07", "1.2.250.1.71.4.2.4", "Cabinet individuel")
    assert document.encounter_code == Code("AMB", "2.16.840.1.113883.5.4")
    assert document.body is not None
    assert (document.body.media_type, document.body.content) == ("application/pdf", b"%PDF-1.4\n")
    assert document.is_level_1


def test_the_strict_traits_of_the_patient() -> None:
    patient = parse_cda(cda()).patient
    assert (patient.birth_family, patient.used_family) == ("EXEMPLE", "DUPRES")
    assert (patient.all_given, patient.birth_given, patient.used_given) == ("ANNE MARIE", "ANNE", "ANNIE")
    assert (patient.gender, patient.birth_time, patient.birth_place) == ("F", "19480615", "63199")
    assert patient.ins == PatientIdentifier("1.2.250.1.213.1.4.10", "248066319988747")
    assert patient.has_qualified_ins


def test_author_custodian_and_authenticator() -> None:
    document = parse_cda(cda())
    (first,) = document.authors
    assert first.entity.ids == (InstanceId("1.2.250.1.71.4.2.1", "899700000017"),)
    assert first.entity.name == PersonName(prefix="MME", given="CLAIRE", family="TESTEUR", suffix="DR")
    assert first.entity.organization is not None
    assert first.entity.organization.address_lines == ("1 RUE DE L'EXEMPLE", "63000 CLERMONT-FERRAND")
    assert first.entity.organization.telecoms == ("tel:0100000000",)
    assert not first.is_device
    assert document.custodian is not None
    assert document.custodian.organization.name == "CABINET D'EXEMPLE"
    assert document.legal_authenticator is not None
    assert document.legal_authenticator.organization is None


def test_a_device_as_author() -> None:
    device = (
        "<assignedAuthoringDevice><manufacturerModelName>.</manufacturerModelName>"
        "<softwareName>Dossier</softwareName></assignedAuthoringDevice>"
    )
    (first,) = parse_cda(cda(authors=author(who=device))).authors
    assert (first.is_device, first.device_model, first.device_software) == (True, ".", "Dossier")


def test_an_older_header_is_read_with_what_it_has() -> None:
    document = parse_cda(
        cda(
            patient="<patient><name><given> Anne </given><given>Marie</given><family>Exemple</family></name>"
            "</patient>",
            version="", authors="", custodian="", legal="", acts="", facility="", body="", templates="",
        )
    )  # fmt: skip
    patient = document.patient
    assert (patient.family, patient.given, patient.all_given) == ("Exemple", "Anne", "Anne Marie")
    assert (patient.birth_family, patient.unqualified_family, patient.gender) == ("", "Exemple", "")
    assert (document.version, document.set_id, document.custodian, document.legal_authenticator) == (None,) * 4
    assert (document.authors, document.service_events, document.facility, document.body) == ((), (), None, None)
    assert not patient.has_qualified_ins


def test_a_document_without_patient_element_or_names() -> None:
    patient = parse_cda(cda(patient="")).patient
    assert (patient.family, patient.given, patient.birth_time) == ("", "", "")


def test_an_unstructured_name_is_the_family_name() -> None:
    who = "<assignedPerson><name>Dr Claire TESTEUR</name></assignedPerson>"
    (first,) = parse_cda(cda(authors=author(who=who))).authors
    assert first.entity.name is not None
    assert (first.entity.name.family, first.entity.name.given) == ("Dr Claire TESTEUR", "")


@pytest.mark.parametrize("value", ["", "x", "-1", "1234567890123"])
def test_a_version_that_is_no_number_is_absent(value: str) -> None:
    assert parse_cda(cda(version=f'<versionNumber value="{value}"/>')).version is None


def test_the_main_act_comes_first_wherever_it_stands() -> None:
    chapter = service_event(code='<code code="18719-5" codeSystem="2.16.840.1.113883.6.1"/>', low="", practice="")
    document = parse_cda(cda(acts=chapter + service_event(high="20260310150000+0100") + chapter))
    assert document.main_act is not None
    assert (document.main_act.low, document.main_act.high) == ("20260310143000+0100", "20260310150000+0100")
    assert [event.code.code if event.code else "" for event in document.service_events] == ["", "18719-5", "18719-5"]


def test_without_a_complete_act_the_first_counts() -> None:
    acts = service_event(code='<code code="A"/>', practice="") + service_event(code='<code code="B"/>', low="")
    document = parse_cda(cda(acts=acts + "<documentationOf/>"))
    assert [event.code.code for event in document.service_events if event.code] == ["A", "B"]


def test_an_act_at_one_moment_starts_then() -> None:
    act = '<documentationOf><serviceEvent><effectiveTime value="20260310"/></serviceEvent></documentationOf>'
    document = parse_cda(cda(acts=act))
    assert document.main_act is not None
    assert (document.main_act.low, document.main_act.performer) == ("20260310", None)


def test_translations_of_an_act_are_kept() -> None:
    code = '<code code="A"><translation code="B" codeSystem="1.2"/><translation nullFlavor="NA"/></code>'
    document = parse_cda(cda(acts=service_event(code=code)))
    assert document.service_events[0].translations == (Code("B", "1.2"),)


def test_orders_and_accession_numbers() -> None:
    orders = (
        '<inFulfillmentOf><order><id root="1.2.3" extension="P1"/>'
        '<ps3-20:accessionNumber root="1.2.4" extension="A1"/></order></inFulfillmentOf>'
        '<inFulfillmentOf><order><id nullFlavor="NA"/></order></inFulfillmentOf><inFulfillmentOf/>'
    )
    assert parse_cda(cda(orders=orders)).orders == (
        (InstanceId("1.2.3", "P1"), "order"),
        (InstanceId("1.2.4", "A1"), "accession"),
    )


def test_the_replaced_document_is_found_among_the_related_ones() -> None:
    def related(kind: str, root: str) -> str:
        parent = f'<parentDocument><id root="{root}"/></parentDocument>'
        return f'<relatedDocument typeCode="{kind}">{parent}</relatedDocument>'

    assert parse_cda(cda(related=related("APND", "1.1") + related("RPLC", "1.2"))).replaces == InstanceId("1.2")
    appended = parse_cda(cda(related=related("APND", "1.1") + "<relatedDocument/>"))
    assert (appended.replaces, appended.parent and appended.parent.id) == (None, InstanceId("1.1"))


def test_mail_addresses_of_correspondents_are_collected_once() -> None:
    recipient = (
        '<informationRecipient><intendedRecipient><telecom value="mailto:a@x.fr"/><telecom value="tel:01"/>'
        '<receivedOrganization><telecom value="MAILTO:b@x.fr"/></receivedOrganization>'
        "</intendedRecipient></informationRecipient><informationRecipient/>"
        '<participant typeCode="INF"><associatedEntity><telecom value="mailto:a@x.fr"/></associatedEntity>'
        "</participant>"
    )
    assert parse_cda(cda(participants=recipient)).informant_addresses == ("a@x.fr", "b@x.fr")


def test_addresses_of_every_shape_become_lines() -> None:
    address = (
        '<id root="1.2" extension="3"/><name>N</name><addr><streetAddressLine>BP 12</streetAddressLine>'
        "<postalCode>63000</postalCode><city>X</city><delimiter/><country>FRANCE</country></addr>"
    )
    (first,) = parse_cda(cda(authors=author(organization=address))).authors
    assert first.entity.organization is not None
    assert first.entity.organization.address_lines == ("BP 12", "63000 X", "FRANCE")


def test_a_title_over_several_lines_is_one_line() -> None:
    assert parse_cda(cda(title="<title>\n   Compte rendu\n   de <b>x</b> consultation\n</title>")).title == (
        "Compte rendu de x consultation"
    )


def test_a_prefixed_document_is_the_same_document() -> None:
    plain = cda().decode()
    prefixed = (
        plain.replace("</", "\0").replace("<", "<c:").replace("\0", "</c:").replace("<c:?", "<?")
        .replace(' xmlns="', ' xmlns:c="')
    )  # fmt: skip
    assert parse_cda(prefixed.encode()) == parse_cda(plain.encode())


@pytest.mark.parametrize("element", ["Contenu", "Autre"])
def test_a_self_presenting_document_is_unwrapped_and_never_run(element: str) -> None:
    inner = cda(prolog="").decode()
    wrapped = (
        '<?xml version="1.0"?><?xml-stylesheet type="text/xsl" href="#"?>'
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" '
        'xmlns:a="urn:asip-sante:ci-sis">'
        f'<xsl:include href="file:///nowhere.xsl"/><a:{element}>{inner}</a:{element}></xsl:stylesheet>'
    )
    document = parse_cda(wrapped.encode())
    assert document.is_self_presenting
    assert document.id == parse_cda(inner.encode()).id
    assert clinical_document(wrapped.encode()).tag == "{urn:hl7-org:v3}ClinicalDocument"


def test_the_opened_document_keeps_the_very_bytes() -> None:
    data = b"\xef\xbb\xbf" + cda()
    opened = open_cda(data)
    assert opened.content is data
    assert opened.document == parse_cda(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<a/>", "CDA_INVALIDE"),
        (b"<ClinicalDocument/>", "CDA_INVALIDE"),
        (cda(document_id=""), "CDA_INVALIDE"),
        (cda(code='<code nullFlavor="UNK"/>'), "CDA_INVALIDE"),
        (cda().replace(b"patientRole", b"otherRole"), "CDA_INVALIDE"),
        (b"<a>", "XML_INVALIDE"),
    ],
    ids=["other", "no-namespace", "no-id", "no-type", "no-patient", "ill-formed"],
)
def test_what_is_not_a_usable_cda_is_refused_with_a_code(data: bytes, code: str) -> None:
    with pytest.raises(InvalidSubmission) as caught:
        parse_cda(data)
    assert caught.value.code == code
    with pytest.raises(MalformedMessage):
        parse_cda(data, error=MalformedMessage)


@pytest.mark.parametrize("text", ["JVBERi0xLjQK", " JVBE\n\tRi0x\r\nLjQK ", "JVBERi0xLjQ", "JVBERi0xLjQ="])
def test_the_body_is_decoded_whatever_its_blanks_and_padding(text: str) -> None:
    document = parse_cda(cda(body=level_1(text)))
    assert document.body is not None
    assert document.body.content.startswith(b"%PDF-1.4")


def test_a_body_that_is_not_base64_is_refused() -> None:
    with pytest.raises(InvalidSubmission) as caught:
        parse_cda(cda(body=level_1("%%% é")))
    assert caught.value.code == "CDA_INVALIDE"


def test_a_plain_text_body_is_utf8() -> None:
    document = parse_cda(cda(body="<component><nonXMLBody><text>Bonjour é</text></nonXMLBody></component>"))
    assert document.body is not None
    assert (document.body.media_type, document.body.content) == ("text/plain", "Bonjour é".encode())


@pytest.mark.parametrize("marks", ['<templateId root="1.2.250.1.213.1.1.2.243"/>', '<code code="55108-5"/>'])
def test_the_copy_inside_a_structured_document_is_found(marks: str) -> None:
    value = base64.encodebytes(PDF).decode()
    data = structured(copy_section(marks='<code code="other"/>', value="x") + copy_section(marks=marks, value=value))
    assert embedded_pdf_copy(clinical_document(data)) == PDF


@pytest.mark.parametrize(
    "section",
    [
        "",
        copy_section(marks='<code code="55108-5"/>', value="%%%"),
        copy_section(marks='<code code="55108-5"/>', value=""),
        copy_section(marks='<code code="55108-5"/>', value="AAAA", media="image/png"),
        copy_section(marks='<code code="1"/>', value=base64.b64encode(PDF).decode()),
    ],
    ids=["none", "not-base64", "empty", "picture", "other-section"],
)
def test_without_a_usable_copy_there_is_none(section: str) -> None:
    assert embedded_pdf_copy(clinical_document(structured(section))) is None


@pytest.mark.parametrize("path", OFFICIAL, ids=lambda path: path.name)
def test_official_documents_are_complete(path: Path) -> None:
    document = parse_cda(path.read_bytes())
    assert document.patients_count == 1
    assert document.authors
    assert document.custodian is not None
    assert document.legal_authenticator is not None
    assert document.main_act is not None
    assert document.main_act.low
    assert document.facility is not None
    assert document.patient.ids
    assert document.patient.birth_family
    assert not document.is_self_presenting


@given(st.integers(0, 4000), st.binary(max_size=12))
def test_a_damaged_document_raises_nothing_but_our_errors(position: int, noise: bytes) -> None:
    data = cda()
    damaged = data[: position % len(data)] + noise + data[position % len(data) + len(noise) :]
    with only_our_errors(InvalidSubmission, "CDA_INVALIDE", "XML_INVALIDE", "ENCODAGE"):
        parse_cda(damaged)
