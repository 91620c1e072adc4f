"""What follows from a CDA header."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from connector.documents.cda.parse import parse_cda
from connector.documents.xml import DEFAULT_LIMITS, parse_xml
from connector.domain.errors import ConfigurationError, InvalidSubmission
from connector.domain.patient import key_of
from connector.xdm.derive import derive_entry, derive_submission_set, new_oid
from connector.xdm.ebrim_schema import violations
from connector.xdm.ebrim_writer import write_metadata
from connector.xdm.model import CodedValue, DocumentEntry, Metadata, SubmissionSet
from tests.xdm.cda_samples import INS, LOCAL, NOW, CountingIds, author, cda, level_1, patient_ids, service_event


def entry_of(data: bytes) -> DocumentEntry:
    return derive_entry(parse_cda(data), data, entry_uuid="urn:uuid:1", uri="DOC0001.XML")


def set_of(data: bytes, oid_root: str = "") -> SubmissionSet:
    return derive_submission_set([entry_of(data)], [parse_cda(data)], now=NOW, ids=CountingIds(), oid_root=oid_root)


def test_every_attribute_of_a_complete_document() -> None:
    data = cda()
    entry = entry_of(data)
    assert entry.unique_id == "1.2.250.1.999.1.1.7000.1"
    assert entry.hash == hashlib.sha1(data, usedforsecurity=False).hexdigest().upper()
    assert (entry.size, entry.size_in_bytes) == (str(len(data)), len(data))
    assert (entry.mime_type, entry.uri, entry.language_code) == ("text/xml", "DOC0001.XML", "fr-FR")
    assert (entry.creation_time, entry.service_start_time) == ("20260310141200", "20260310133000")
    assert entry.service_stop_time == ""
    assert entry.legal_authenticator == "899700000017^TESTEUR^CLAIRE^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
    assert entry.patient_id == "248066319988747^^^&1.2.250.1.213.1.4.10&ISO^NH"
    assert entry.source_patient_id == "IPP-0042^^^&1.2.250.1.999.1.1.2&ISO^PI"
    assert entry.source_patient_info == (
        "PID-5|EXEMPLE^ANNE^ANNE MARIE^^^^L",
        "PID-5|DUPRES^ANNIE^^^^^D",
        "PID-7|19480615",
        "PID-8|F",
        "PID-11|^^^^^^BDL^^63199",
    )
    assert entry.title == "Compte rendu de consultation"
    assert entry.class_code == CodedValue("10", "1.2.250.1.213.1.1.4.1", "Compte rendu")
    assert entry.type_code == CodedValue(
        "11488-4", "2.16.840.1.113883.6.1", "CR ou fiche de consultation ou de visite"
    )
    assert entry.format_code is not None
    assert entry.format_code.code == "urn:ihe:iti:xds-sd:pdf:2008"
    assert entry.healthcare_facility_type_code == CodedValue("SA07", "1.2.250.1.71.4.2.4", "Cabinet individuel")
    assert entry.practice_setting_code == CodedValue("AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire")
    assert entry.confidentiality_codes == (CodedValue("N", "2.16.840.1.113883.5.25", "Normal"),)
    assert (entry.event_code_list, entry.reference_id_list, entry.action) == ((), (), "")
    (first,) = entry.authors
    assert first.institutions == ("CABINET D'EXEMPLE^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1010000017",)
    assert first.specialties == ("G15_10/SM54^Médecin - Médecine Générale (SM)^1.2.250.1.213.1.1.4.5",)
    assert first.roles == ()


def test_endless_texts_stay_within_the_schema() -> None:
    endless = "x" * 3000
    who = f"<assignedPerson><name><family>{endless}</family><given>{endless}</given></name></assignedPerson>"
    organization = f'<id root="1.2.250.1.71.4.2.2" extension="1010000017"/><name>{endless}</name>'
    code = f'<code code="G15_10" displayName="{endless}" codeSystem="1.2.250.1.213.1.1.4.5"/>'
    function = f'<functionCode code="PCP" displayName="{endless}"/>'
    data = cda(
        title=f"<title>{endless}</title>",
        authors=author(who=who, organization=organization, code=code, function=function),
        acts=service_event(code=f'<code code="A" displayName="{endless}"/>'),
        patient=f"<patient><name><family>{endless}</family><given>{endless}</given></name></patient>",
    )
    metadata = write_metadata(Metadata(document_entries=(entry_of(data),)))
    assert violations(parse_xml(metadata, DEFAULT_LIMITS)) == []


def test_several_authors_with_roles() -> None:
    function = '<functionCode code="PCP" displayName="Médecin traitant" codeSystem="2.16.840.1.113883.5.88"/>'
    authors = author(function=function) + author(code="", organization="")
    first, second = entry_of(cda(authors=authors)).authors
    assert first.roles == ("Médecin traitant",)
    assert (second.institutions, second.specialties) == ((), ())


def test_an_identifier_with_extension_gives_the_two_part_unique_id() -> None:
    assert entry_of(cda(document_id='<id root="1.2.3" extension="A-7"/>')).unique_id == "1.2.3^A-7"


def test_a_production_ins_goes_before_a_test_one() -> None:
    nir = f"2480663199887{key_of('2480663199887'):02d}"
    entry = entry_of(cda(ids=patient_ids(INS, ("1.2.250.1.213.1.4.8", nir))))
    assert entry.patient_id == f"{nir}^^^&1.2.250.1.213.1.4.8&ISO^NH"
    assert entry.source_patient_id == entry.patient_id


def test_a_patient_with_local_identifiers_only() -> None:
    entry = entry_of(cda(ids=patient_ids(("1.2.250.1.213.1.4.2", "0123456789"), LOCAL, ("1.2.3", "B"))))
    assert entry.patient_id == "0123456789^^^&1.2.250.1.213.1.4.2&ISO^PI"
    assert entry.source_patient_id == "IPP-0042^^^&1.2.250.1.999.1.1.2&ISO^PI"
    assert "PID-3|B^^^&1.2.3&ISO^PI" in entry.source_patient_info


def test_a_patient_without_identifier_cannot_be_sent() -> None:
    with pytest.raises(InvalidSubmission) as caught:
        entry_of(cda(ids='<id root="1.2.3"/><id nullFlavor="UNK"/>'))
    assert caught.value.code == "CDA_INVALIDE"


@pytest.mark.parametrize(
    ("patient", "lines"),
    [
        ("", ()),
        (
            """<patient><name><family>EXEMPLE</family><given>ANNE</given></name>
            <administrativeGenderCode code="UN"/></patient>""",
            ("PID-5|EXEMPLE^ANNE^ANNE^^^^L", "PID-8|U"),
        ),
        (
            """<patient><name><family qualifier="BR">A</family><family qualifier="CL">B</family>
            <given qualifier="BR">RUTH</given></name></patient>""",
            ("PID-5|A^RUTH^^^^^L", "PID-5|B^RUTH^^^^^D"),
        ),
        (
            '<patient><name><family qualifier="CL">B^C</family></name></patient>',
            ("PID-5|B\\S\\C^^^^^^D",),
        ),
    ],
    ids=["nothing", "older", "no-used-first-name", "used-name-only"],
)
def test_patient_lines_say_only_what_is_known(patient: str, lines: tuple[str, ...]) -> None:
    assert entry_of(cda(patient=patient)).source_patient_info == lines


def test_the_label_of_the_type_is_that_of_the_value_set_and_an_unknown_type_keeps_its_own() -> None:
    entry = entry_of(
        cda(code='<code code="00000-0" displayName=" Nouveau type " codeSystem="2.16.840.1.113883.6.1"/>')
    )
    assert entry.type_code == CodedValue("00000-0", "2.16.840.1.113883.6.1", "Nouveau type")
    assert entry.class_code is not None
    assert entry.class_code.code == "10"


@pytest.mark.parametrize(
    ("templates", "code"),
    [
        (("1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.3.3", "1.2.250.1.213.1.1.1.55"), "urn:ihe:lab:xd-lab:2008"),
        (("1.2.250.1.213.1.1.1.29", "9.9.9"), "urn:asip:ci-sis:ldl-ses:2017"),
        (("9.9.9",), "urn:asipSante:modelesHorsProfils:2011"),
    ],
)
def test_the_format_of_a_structured_document_is_that_of_its_last_known_model(
    templates: tuple[str, ...], code: str
) -> None:
    marks = "".join(f'<templateId root="{root}"/>' for root in templates)
    entry = entry_of(cda(templates=marks, body="<component><structuredBody/></component>"))
    assert entry.format_code is not None
    assert entry.format_code.code == code
    assert entry.format_code.display_name


@pytest.mark.parametrize(
    ("media_type", "code"),
    [
        ("text/plain", "urn:ihe:iti:xds-sd:text:2008"),
        ("text/rtf", "urn:ihe:iti-fr:xds-sd:rtf:2010"),
        ("image/jpeg", "urn:ihe:iti-fr:xds-sd:jpeg:2010"),
        ("IMAGE/TIFF; x=1", "urn:ihe:iti-fr:xds-sd:tiff:2010"),
        ("application/zip", "urn:asipSante:modelesHorsProfils:2011"),
    ],
)
def test_the_format_of_a_level_1_document_is_that_of_its_body(media_type: str, code: str) -> None:
    entry = entry_of(cda(body=level_1("AAAA", media_type)))
    assert entry.format_code is not None
    assert entry.format_code.code == code


def test_events_carry_the_translations_of_their_codes() -> None:
    imaging = '<code code="24727-0"><translation code="ACQH004"/><translation code="CT"/></code>'
    acts = service_event(code=imaging) + service_event(code='<code code="Z13.9"/>', low="", practice="")
    assert [code.code for code in entry_of(cda(acts=acts)).event_code_list] == ["24727-0", "ACQH004", "CT", "Z13.9"]


def test_orders_become_references() -> None:
    orders = (
        '<inFulfillmentOf><order><id root="1.2.3"/><ps3-20:accessionNumber root="1.2.4" extension="A1"/></order>'
        "</inFulfillmentOf>"
    )
    assert entry_of(cda(orders=orders)).reference_id_list == (
        "1.2.3^^^^urn:ihe:iti:xds:2013:order",
        "A1^^^&1.2.4&ISO^urn:ihe:iti:xds:2013:accession",
    )


RPLC = '<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2"/></parentDocument></relatedDocument>'
APND = RPLC.replace("RPLC", "APND")


@pytest.mark.parametrize(
    ("version", "related", "action"),
    [("1", "", ""), ("2", "", "C"), ("2", RPLC, "C"), ("1", RPLC, "C"), ("1", APND, ""), ("x", "", "")],
)
def test_the_action_slot(version: str, related: str, action: str) -> None:
    assert entry_of(cda(version=f'<versionNumber value="{version}"/>', related=related)).action == action


def test_what_the_header_lacks_is_absent() -> None:
    entry = entry_of(cda(authors="", legal="", acts="", facility="", title="", time=""))
    assert (entry.authors, entry.legal_authenticator, entry.title, entry.creation_time) == ((), "", "", "")
    assert (entry.service_start_time, entry.service_stop_time) == ("", "")
    assert (entry.healthcare_facility_type_code, entry.practice_setting_code) == (None, None)


def test_a_document_without_confidentiality_has_no_code() -> None:
    data = cda().replace(b'<confidentialityCode code="N"', b'<confidentialityCode nullFlavor="UNK"')
    assert entry_of(data).confidentiality_codes == ()


def test_the_submission_set_repeats_the_document() -> None:
    submission_set = set_of(cda())
    entry = entry_of(cda())
    assert submission_set.title == entry.title
    assert submission_set.authors == entry.authors
    assert submission_set.content_type_code == entry.healthcare_facility_type_code
    assert submission_set.patient_id == entry.patient_id
    assert submission_set.submission_time == "20260310141530"
    assert submission_set.source_id == "1.2.250.1.71.4.2.2.1010000017"
    assert submission_set.unique_id.startswith("2.25.")
    assert len(submission_set.unique_id) <= 64


def test_several_titles_are_summed_up() -> None:
    document = parse_cda(cda())
    entry = entry_of(cda())
    entries = [entry, replace(entry, title="Autre")]
    assert derive_submission_set(entries, [document] * 2, now=NOW, ids=CountingIds()).title == "2 documents"


@pytest.mark.parametrize(
    ("custodian", "oid_root", "expected"),
    [
        ('<id root="1.2.9" extension="12"/>', "1.9", lambda value: value == "1.2.9.12"),
        ('<id root="1.2.9" extension="A/1"/>', "1.9", lambda value: value == "1.2.9"),
        ("<name>X</name>", "1.9", lambda value: value == "1.9"),
        ("<name>X</name>", "", lambda value: value.startswith("2.25.")),
    ],
)
def test_the_source_is_the_custodian_else_the_sender(
    custodian: str, oid_root: str, expected: Callable[[str], bool]
) -> None:
    wrapped = (
        f"<custodian><assignedCustodian><representedCustodianOrganization>{custodian}"
        "</representedCustodianOrganization></assignedCustodian></custodian>"
    )
    assert expected(set_of(cda(custodian=wrapped), oid_root).source_id)


def test_identifiers_fit_in_64_characters() -> None:
    ids = CountingIds()
    assert new_oid(ids, "1.2.250.1.999") != new_oid(ids, "1.2.250.1.999")
    assert all(len(new_oid(ids, root)) <= 64 for root in ("", "1.2", "1." * 25 + "1"))
    with pytest.raises(ConfigurationError) as caught:
        new_oid(ids, "1." * 30 + "1")
    assert caught.value.code == "REGLAGE_INVALIDE"
