"""HL7 v2 values in metadata: times, identifiers, names."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents.cda.model import AssignedEntity, Author, Code, InstanceId, Organization, PersonName
from connector.domain.patient import PatientIdentifier
from connector.xdm import hl7_values

RPPS = InstanceId("1.2.250.1.71.4.2.1", "899700000017")
NAME = PersonName(family="TESTEUR", given="CLAIRE")


@pytest.mark.parametrize(
    ("cda", "xds"),
    [
        ("20190218094914+0100", "20190218084914"),
        ("201907011649+0200", "20190701144900"),
        ("2021010409+0100", "20210104080000"),
        ("20240101003000+0100", "20231231233000"),  # over midnight and over the year
        ("20231231233000-0100", "20240101003000"),
        ("20210108101700+0000", "20210108101700"),
        ("20210108101700Z", "20210108101700"),
        ("20210108101700+01:00", "20210108091700"),
        ("20210108101700+01", "20210108091700"),
        ("20210108101700.123+0100", "20210108091700"),
        (" 20210108101700+0100 ", "20210108091700"),
        ("20210108101700", "20210108101700"),  # no zone: nothing to convert with
        ("20260310", "20260310"),
        ("202603", "202603"),
        ("2026", "2026"),
        ("20260310+0100", "20260310"),
    ],
)
def test_times_become_utc_with_fourteen_digits_and_days_stay_days(cda: str, xds: str) -> None:
    assert hl7_values.to_utc(cda) == xds


@pytest.mark.parametrize(
    "cda", ["", "x", "20261310", "20260230120000", "20260310150", "20260310256000", "00010101000000+0100"]
)
def test_impossible_times_are_left_out(cda: str) -> None:
    assert hl7_values.to_utc(cda) == ""


@given(st.integers(0, 150 * 365 * 86_400), st.integers(-14 * 60, 14 * 60))
def test_every_time_with_zone_is_converted_exactly(seconds: int, minutes: int) -> None:
    aware = datetime(1900, 1, 2, tzinfo=timezone(timedelta(minutes=minutes))) + timedelta(seconds=seconds)
    assert hl7_values.to_utc(aware.strftime("%Y%m%d%H%M%S%z")) == hl7_values.utc_time(aware)


@given(st.text(max_size=30))
def test_any_text_gives_a_time_or_nothing(text: str) -> None:
    assert re.fullmatch(r"|\d{4}|\d{6}|\d{8}|\d{14}", hl7_values.to_utc(text))


def test_patient_identifiers() -> None:
    ins = PatientIdentifier("1.2.250.1.213.1.4.10", "248066319988747")
    local = PatientIdentifier("1.2.3", "IPP")
    assert hl7_values.patient_identifier(ins) == "248066319988747^^^&1.2.250.1.213.1.4.10&ISO^NH"
    assert hl7_values.patient_identifier(local) == "IPP^^^&1.2.3&ISO^PI"


def test_reference_identifiers() -> None:
    assert hl7_values.reference_identifier(InstanceId("1.2", "A1"), "accession") == (
        "A1^^^&1.2&ISO^urn:ihe:iti:xds:2013:accession"
    )
    assert hl7_values.reference_identifier(InstanceId("1.2"), "order") == "1.2^^^^urn:ihe:iti:xds:2013:order"


def test_a_professional() -> None:
    assert hl7_values.person(AssignedEntity(ids=(RPPS,), name=NAME)) == (
        "899700000017^TESTEUR^CLAIRE^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
    )


def test_an_author_with_an_internal_identifier() -> None:
    entity = AssignedEntity(ids=(InstanceId("1.2.250.1.71.4.2.1", "3750100125/12"),), name=NAME)
    assert hl7_values.author_person(Author(entity=entity)).endswith("&ISO^D^^^EI")


def test_a_patient_as_author() -> None:
    entity = AssignedEntity(ids=(InstanceId("1.2.250.1.213.1.4.10", "248066319988747"),), name=NAME)
    assert hl7_values.author_person(Author(entity=entity)) == (
        "248066319988747^TESTEUR^CLAIRE^^^^^^&1.2.250.1.213.1.4.10&ISO^D^^^NH"
    )


def test_a_device_as_author() -> None:
    device = Author(entity=AssignedEntity(ids=(RPPS,)), device_model=".", device_software="Dossier")
    assert hl7_values.author_person(device) == "899700000017^Dossier^.^^^^^^&1.2.250.1.71.4.2.1&ISO^U^^^RI"
    assert hl7_values.author_person(Author(entity=AssignedEntity(), device_software="D")) == "^D^^^^^^^^U"


def test_a_person_without_identifier_or_without_anything() -> None:
    assert hl7_values.person(AssignedEntity(name=NAME)) == "^TESTEUR^CLAIRE^^^^^^^D"
    assert hl7_values.person(AssignedEntity(ids=(RPPS,))) == "899700000017^^^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"
    assert hl7_values.person(AssignedEntity(code=Code("x"))) == ""


@pytest.mark.parametrize(
    ("organization", "xon"),
    [
        (None, ""),
        (Organization(name="CABINET"), "CABINET"),
        (Organization(ids=(InstanceId("1.2", "3"),)), ""),
        (
            Organization(ids=(InstanceId("1.2.250.1.71.4.2.2", "1010000017"),), name="CABINET"),
            "CABINET^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^1010000017",
        ),
        (
            Organization(ids=(InstanceId("1.3.2", "552100554"),), name="SERVICE"),
            "SERVICE^^^^^&1.3.2&ISO^SIREN^^^552100554",
        ),
    ],
    ids=["none", "name", "identifier", "structure", "digital-service"],
)
def test_institutions(organization: Organization | None, xon: str) -> None:
    assert hl7_values.institution(organization) == xon


@given(st.text())
def test_no_text_breaks_out_of_its_component(text: str) -> None:
    assert not set(hl7_values.escape(text)) & set("^&~|")
