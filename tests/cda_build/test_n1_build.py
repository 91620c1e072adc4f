"""A level 1 document says what was asked, and nothing that must not leave."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from connector.documents.cda.build import build_n1
from connector.documents.cda.identifiers import local_patient_id, professional_id, structure_id
from connector.documents.cda.model import CdaDocument, Code, InstanceId, PersonName, UnstructuredBody
from connector.documents.cda.parse import parse_cda
from connector.documents.cda.request import N1Request
from connector.domain.errors import InvalidSubmission
from connector.domain.patient import PatientIdentifier
from tests.cda_build.n1_samples import (
    AUTHOR,
    INS,
    LOCAL,
    PATIENT,
    PDF,
    REPLACING,
    REQUEST,
    STRUCTURE,
    UNQUALIFIED,
)


def read_back(request: N1Request) -> CdaDocument:
    return parse_cda(build_n1(request))


def refusal(request: N1Request) -> tuple[str, str]:
    with pytest.raises(InvalidSubmission) as caught:
        build_n1(request)
    return caught.value.code, caught.value.detail


def test_the_same_request_gives_the_same_bytes() -> None:
    assert build_n1(REQUEST) == build_n1(REQUEST)


def test_the_header_says_what_was_asked() -> None:
    header = read_back(REQUEST)
    assert (header.id, header.set_id, header.version) == (REQUEST.id, REQUEST.set_id, 1)
    assert (header.code, header.title) == (REQUEST.type, REQUEST.title)
    assert (header.effective_time, header.language) == ("20260310151200+0100", "fr-FR")
    assert header.confidentiality == Code("N", "2.16.840.1.113883.5.25", "Normal")
    assert header.facility == STRUCTURE.facility
    assert header.body == UnstructuredBody("application/pdf", PDF)
    assert header.template_ids == (
        "2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.2.20",
    )  # fmt: skip
    assert header.parent is None


def test_the_patient_has_every_name_under_its_qualifier() -> None:
    patient = read_back(REQUEST).patient
    assert (patient.birth_family, patient.used_family) == ("EXEMPLE", "DUPRÉS")
    assert (patient.all_given, patient.birth_given, patient.used_given) == ("ANNE MARIE", "ANNE", "ANNIE")
    assert (patient.gender, patient.birth_time, patient.birth_place) == ("F", "19480615", "63199")
    assert patient.ids == (PatientIdentifier(INS.oid, INS.value), LOCAL)
    assert patient.address_lines == PATIENT.address_lines
    assert patient.telecoms == PATIENT.telecoms


def test_the_matricule_of_an_unqualified_identity_is_nowhere_in_the_document() -> None:
    document = build_n1(replace(REQUEST, patient=UNQUALIFIED))
    assert INS.value.encode() not in document
    assert INS.oid.encode() not in document
    assert parse_cda(document).patient.ids == (LOCAL,)


def test_a_matricule_among_the_local_numbers_is_not_written_either() -> None:
    smuggled = PatientIdentifier(INS.oid, INS.value)
    document = build_n1(replace(REQUEST, patient=replace(UNQUALIFIED, ids=(smuggled, LOCAL))))
    assert INS.value.encode() not in document


def test_one_professional_is_author_authenticator_and_performer() -> None:
    header = read_back(REQUEST)
    author = header.authors[0].entity
    performer = header.main_act.performer if header.main_act else None
    assert author.ids == (InstanceId("1.2.250.1.71.4.2.1", "899700000017"),)
    assert author.code == AUTHOR.specialty
    assert author.name == PersonName(prefix="MME", given="CLAIRE", family="TESTEUR", suffix="DR")
    assert header.legal_authenticator
    assert header.legal_authenticator.name == author.name
    assert performer
    assert performer.name == author.name


def test_the_structure_keeps_the_document_and_gives_the_frame_of_care() -> None:
    header = read_back(REQUEST)
    assert header.custodian
    assert header.custodian.ids == (STRUCTURE.id,)
    assert header.custodian.organization.name == STRUCTURE.name
    assert header.main_act
    assert header.main_act.low == "20260310"
    assert header.main_act.performer
    assert header.main_act.performer.organization
    assert header.main_act.performer.organization.standard_industry_class == STRUCTURE.setting


def test_a_new_version_names_the_one_before_it() -> None:
    header = read_back(REPLACING)
    assert (header.version, header.set_id, header.replaces) == (2, REQUEST.set_id, REQUEST.id)
    assert header.orders == ((InstanceId("1.2.250.1.999.1.1.9", "P-1"), "order"),)
    assert header.encounter_code == REPLACING.encounter
    assert header.main_act
    assert (header.main_act.low, header.main_act.high) == ("20260310073000+0000", "20260310074000+0000")


def test_breaks_and_runs_of_blanks_become_one_blank() -> None:
    assert read_back(replace(REQUEST, title="  Compte\r\n rendu \t du jour ")).title == "Compte rendu du jour"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"birth_family": " "}, "patient.nom_naissance"),
        ({"all_given": (), "birth_given": ""}, "patient.prenoms"),
        ({"birth_date": None}, "patient.naissance"),
        ({"gender": "H"}, "patient.sexe"),
        ({"birth_place": "631"}, "patient.lieu_naissance"),
        ({"ids": ()}, "patient.ins"),
        ({"ids": (PatientIdentifier("IPP", "1"),)}, "patient.identifiant"),
        ({"telecoms": ("0100000000",)}, "patient.telecom"),
        ({"address_lines": ("x",) * 8}, "patient.address"),
    ],
)
def test_what_the_patient_lacks_is_named(change: dict[str, object], place: str) -> None:
    request = replace(REQUEST, patient=replace(UNQUALIFIED, **change))  # type: ignore[arg-type]
    assert refusal(request) == ("PATIENT_INCOMPLET", f"missing or wrong: {place}")


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"gender": "UN"}, "patient.sexe"),
        ({"birth_place": ""}, "patient.lieu_naissance"),
        ({"all_given": ()}, "patient.prenoms"),
        ({"birth_given": "MARIE"}, "patient.prenom"),
    ],
)
def test_a_matricule_leaves_with_all_its_traits_or_not_at_all(change: dict[str, object], place: str) -> None:
    request = replace(REQUEST, patient=replace(PATIENT, **change))  # type: ignore[arg-type]
    assert refusal(request) == ("INS_SANS_TRAITS", f"missing or wrong: {place}")


def test_the_first_name_opens_the_list_whatever_its_spelling() -> None:
    patient = replace(PATIENT, all_given=("Jean-Noël", "Émile"), birth_given="JEAN NOEL")
    assert read_back(replace(REQUEST, patient=patient)).patient.birth_given == "JEAN NOEL"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"title": "\n"}, "titre"),
        ({"created": datetime(2026, 3, 10, 15)}, "date (zone)"),  # noqa: DTZ001 - the very mistake
        ({"act_start": datetime(2026, 3, 10, 15)}, "date (zone)"),  # noqa: DTZ001
        ({"version": 2}, "version"),
        ({"replaces": InstanceId("1.2.3")}, "version"),
        ({"version": 2, "replaces": REQUEST.id}, "remplace"),
        ({"id": InstanceId("abc")}, "identifiant"),
        ({"id": InstanceId("1.02.3")}, "identifiant"),
        ({"id": InstanceId("1." + "9" * 63)}, "identifiant"),
        ({"confidentiality": "X"}, "confidentialite"),
        ({"body": UnstructuredBody("text/html", b"x")}, "fichier"),
        ({"body": UnstructuredBody("application/pdf", b"")}, "fichier"),
        ({"author": replace(AUTHOR, family="")}, "author.family"),
        ({"author": replace(AUTHOR, prefix="MLLE")}, "author.prefix"),
        ({"author": replace(AUTHOR, suffix="Dr")}, "author.suffix"),
        ({"author": replace(AUTHOR, id=InstanceId("1.2.3"))}, "author.id"),
        ({"structure": replace(STRUCTURE, name="")}, "structure.name"),
        ({"structure": replace(STRUCTURE, id=InstanceId("1.2.3"))}, "structure.id"),
        ({"structure": replace(STRUCTURE, telecoms=("tel:01 02",))}, "structure.telecom"),
    ],
)
def test_what_the_document_lacks_is_named(change: dict[str, object], place: str) -> None:
    assert refusal(replace(REQUEST, **change)) == ("DOCUMENT_INCOMPLET", f"missing or wrong: {place}")  # type: ignore[arg-type]


def test_everything_that_is_missing_is_named_at_once() -> None:
    patient = replace(UNQUALIFIED, birth_family="", birth_date=None)
    assert refusal(replace(REQUEST, patient=patient))[1].endswith("patient.nom_naissance, patient.naissance")


@pytest.mark.parametrize("text", ["\x00", "a\x0b", "\ud800", "\ufffe"])
def test_a_character_that_xml_cannot_hold_is_refused(text: str) -> None:
    assert refusal(replace(REQUEST, title=text)) == ("TEXTE_INTERDIT", "missing or wrong: titre")


def test_a_year_has_four_digits() -> None:
    patient = replace(UNQUALIFIED, birth_date=date(900, 1, 2))
    assert read_back(replace(REQUEST, patient=patient)).patient.birth_time == "09000102"


@pytest.mark.parametrize(
    ("given", "extension"),
    [("99700000017", "899700000017"), ("899700000017", "899700000017"), ("012345678", "0012345678")],
)
def test_a_professional_is_known_by_any_of_their_numbers(given: str, extension: str) -> None:
    assert professional_id(given) == InstanceId("1.2.250.1.71.4.2.1", extension)


@pytest.mark.parametrize(
    ("kind", "number", "extension"),
    [
        ("finess", "010000017", "1010000017"),
        ("siren", "111 111 118", "2111111118"),
        ("siret", "11111111100018", "311111111100018"),
        ("national_id", "499700000017001", "499700000017001"),
    ],
)
def test_a_structure_is_known_by_its_number(kind: str, number: str, extension: str) -> None:
    assert structure_id(kind, number) == InstanceId("1.2.250.1.71.4.2.2", extension)


def test_the_numbers_of_one_practice_have_one_authority_and_those_of_another_a_different_one() -> None:
    first, second = (local_patient_id(STRUCTURE.id, number) for number in ("1", "2"))
    elsewhere = local_patient_id(structure_id("finess", "010000025"), "1")
    assert first.root == second.root != elsewhere.root
    assert len(first.root) <= 64
    assert local_patient_id(STRUCTURE.id, "1", "1.2.3") == PatientIdentifier("1.2.3", "1")
