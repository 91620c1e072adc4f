"""Whose card it is, and how long it is good."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from connector.identities.card.subject import describe, expiry_warning, issuers_of, same_holder
from connector.sandbox.authority import CLIENT, Authority
from connector.sandbox.hierarchy import Hierarchy, create_hierarchy
from connector.sandbox.person import DOCTOR, issue_person

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def hierarchy() -> Hierarchy:
    return create_hierarchy(now=NOW)


def test_a_cps_certificate_is_told_as_a_person_knows_it(hierarchy: Hierarchy) -> None:
    issued = issue_person(hierarchy.persons, DOCTOR, "auth", now=NOW)
    told = describe(issued.certificate, "Certificat d'Authentification CPS")
    assert (told.holder, told.common_name) == (DOCTOR.national_id, DOCTOR.national_id)
    assert (told.given_name, told.surname, told.name) == ("ALIX", "TEST-MODELE", "ALIX TEST-MODELE")
    assert (told.profession, told.organization) == ("Médecin", "CABINET TEST MODELE")
    assert told.issuer == "TEST AC BAC A SABLE STANDARD PERSONNES"
    assert told.not_after == issued.certificate.not_valid_after_utc
    assert len(told.sha256) == 64


def issue(authority: Authority, common_name: str, *extensions: x509.ExtensionType) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    return authority.issue(name, (CLIENT, *extensions), now=NOW, key=_KEY).certificate


_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    ("common_name", "holder"),
    [
        ("899700012345", "899700012345"),  # RPPS
        ("0751234567", "0751234567"),  # ADELI
        ("750000001/CPAT00001", "750000001/CPAT00001"),  # somebody who works for a structure
        ("dr.modele@test.mssante.example", ""),
        ("Camille Modèle", ""),
    ],
)
def test_the_national_identifier_is_told_from_other_names(
    hierarchy: Hierarchy, common_name: str, holder: str
) -> None:
    told = describe(issue(hierarchy.persons, common_name), "")
    assert (told.common_name, told.holder, told.name) == (common_name, holder, common_name)


def _upn(name: str) -> x509.SubjectAlternativeName:
    value = name.encode()
    kind = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
    return x509.SubjectAlternativeName([x509.OtherName(kind, bytes((0x0C, len(value))) + value)])


def test_the_user_principal_name_tells_the_identifier_when_the_common_name_does_not(hierarchy: Hierarchy) -> None:
    certificate = issue(hierarchy.persons, "Camille Modèle", _upn("899700012345@carte-cps.fr"))
    assert describe(certificate, "").holder == "899700012345"


def test_a_user_principal_name_that_is_no_identifier_tells_nothing(hierarchy: Hierarchy) -> None:
    assert describe(issue(hierarchy.persons, "Camille", _upn("camille@cabinet.local")), "").holder == ""


@pytest.mark.parametrize(
    ("asked", "found", "same"),
    [
        ("899700012345", "899700012345", True),
        ("99700012345", "899700012345", True),
        ("8 99700012345", "899700012345", True),
        ("99700012346", "899700012345", False),
        ("0751234567", "751234567", True),
        ("899700012345", "0751234567", False),
        ("750000001/CPAT00001", "750000001/CPAT00001", True),
        ("750000001/CPAT00001", "750000001/CPAT00002", False),
        ("", "899700012345", False),
    ],
)
def test_identifiers_mean_the_same_person_with_or_without_their_digit(asked: str, found: str, same: bool) -> None:
    assert same_holder(asked, found) is same
    assert same_holder(found, asked) is same


@pytest.mark.parametrize(
    ("left", "warning"),
    [
        (timedelta(days=91), None),
        (timedelta(days=90, seconds=1), None),
        (timedelta(days=90), 90),
        (timedelta(days=60, seconds=1), 90),
        (timedelta(days=60), 60),
        (timedelta(days=30), 30),
        (timedelta(days=7), 7),
        (timedelta(seconds=1), 7),
        (timedelta(), 0),
        (timedelta(days=-400), 0),
    ],
)
def test_expiry_is_warned_of_four_times(left: timedelta, warning: int | None) -> None:
    assert expiry_warning(NOW + left, NOW) == warning


@given(st.integers(-1000, 1000), st.integers(0, 500))
def test_a_warning_never_becomes_less_urgent(days: int, passed: int) -> None:
    end = NOW + timedelta(days=days)
    before, after = expiry_warning(end, NOW), expiry_warning(end, NOW + timedelta(days=passed))
    assert (after if after is not None else 1000) <= (before if before is not None else 1000)


def test_the_chain_goes_up_to_but_not_including_the_root(hierarchy: Hierarchy) -> None:
    certificate = issue(hierarchy.persons, "899700012345")
    pool = [hierarchy.standard_root.certificate, hierarchy.organisations.certificate, hierarchy.persons.certificate]
    assert issuers_of(certificate, pool) == (hierarchy.persons.certificate,)
    assert issuers_of(certificate, pool[:2]) == ()
    assert issuers_of(hierarchy.standard_root.certificate, pool) == ()


def test_an_authority_with_the_right_name_and_another_key_is_not_taken(hierarchy: Hierarchy) -> None:
    twin = create_hierarchy(now=NOW).persons.certificate
    assert twin.subject == hierarchy.persons.certificate.subject
    assert issuers_of(issue(hierarchy.persons, "899700012345"), [twin]) == ()


def test_a_ring_of_authorities_ends(hierarchy: Hierarchy) -> None:
    a, b = _ring()
    assert len(issuers_of(a, [a, b] * 5)) <= 4


def _ring() -> tuple[x509.Certificate, x509.Certificate]:
    """Two authorities that have issued each other."""
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("TEST A", "TEST B")]
    keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in names]
    made = []
    for own, other in ((0, 1), (1, 0)):
        builder = x509.CertificateBuilder(names[other], names[own], keys[own].public_key(), 1 + own)
        from cryptography.hazmat.primitives.hashes import SHA256

        builder = builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
        made.append(builder.sign(keys[other], SHA256()))
    return made[0], made[1]
