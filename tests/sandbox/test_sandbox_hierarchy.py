"""The test PKI for vendors: every branch of the real one, every certificate that must be refused, nothing real."""

import stat
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from connector.operators.trust.lists import is_genuine
from connector.sandbox.authority import Issued
from connector.sandbox.hierarchy import P12_PASSWORD, Hierarchy, create_hierarchy, write_hierarchy
from connector.sandbox.person import DOCTOR, Holder, issue_person
from connector.testing.clock import EPOCH as NOW

BASE = "http://127.0.0.1:8099/crl"


@pytest.fixture(scope="module")
def hierarchy() -> Hierarchy:
    return create_hierarchy(now=NOW, base_url=BASE + "/")


@pytest.fixture(scope="module")
def folder(hierarchy: Hierarchy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sandbox") / "pki"
    write_hierarchy(made, hierarchy)
    return made


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


def verified(hierarchy: Hierarchy, folder: Path, name: str) -> bool:
    certificates = x509.load_pem_x509_certificates((folder / "serveurs" / f"{name}.pem").read_bytes())
    store = Store([hierarchy.root.certificate])
    verifier = PolicyBuilder().store(store).time(NOW).build_server_verifier(x509.DNSName("localhost"))
    try:
        return bool(verifier.verify(certificates[0], certificates[1:]))
    except VerificationError:
        return False


@pytest.mark.parametrize(
    ("name", "good"),
    [("valable", True), ("revoque", True), ("expire", False), ("futur", False), ("autre-nom", False),
     ("autorite-publique", False)],
)  # fmt: skip
def test_each_server_is_what_its_name_says(hierarchy: Hierarchy, folder: Path, name: str, good: bool) -> None:
    assert verified(hierarchy, folder, name) == good


def test_the_revoked_one_is_on_the_list_and_no_other(folder: Path) -> None:
    listed = x509.load_der_x509_crl((folder / "crl" / "organisations.crl").read_bytes())
    assert [entry.serial_number for entry in listed] == [
        certificate(folder / "serveurs" / "revoque.pem").serial_number
    ]


def test_every_authority_has_its_list_and_one_is_out_of_date(folder: Path) -> None:
    for path in sorted((folder / "ac").glob("*.pem")):
        listed = x509.load_der_x509_crl((folder / "crl" / f"{path.stem}.crl").read_bytes())
        assert is_genuine(listed, certificate(path))
        assert listed.next_update_utc is not None
        assert listed.next_update_utc > NOW
    stale = x509.load_der_x509_crl((folder / "crl" / "organisations-perimee.crl").read_bytes())
    assert stale.next_update_utc == NOW - timedelta(hours=2)
    assert stale.last_update_utc < stale.next_update_utc
    assert len((folder / "crl" / "serveurs.pem").read_bytes().split(b"END X509 CRL")) == 3


@pytest.mark.parametrize(
    "name", ["serveurs/valable", "serveurs/autorite-publique", "clients/organisation", "clients/personne-auth"]
)
def test_certificates_say_where_their_list_is_and_it_is_there(folder: Path, name: str) -> None:
    points = certificate(folder / f"{name}.pem").extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    (address,) = [str(names.value) for point in points for names in point.full_name or ()]
    assert address.startswith(BASE + "/")
    assert (folder / "crl" / address.removeprefix(BASE + "/")).is_file()


def test_without_a_base_address_they_say_nothing() -> None:
    hierarchy = create_hierarchy(now=NOW)
    for one in (hierarchy.server().certificate, hierarchy.organisations.certificate):
        with pytest.raises(x509.ExtensionNotFound):
            one.extensions.get_extension_for_class(x509.CRLDistributionPoints)


def test_a_card_certificate_has_the_form_of_the_real_ones(folder: Path) -> None:
    auth = certificate(folder / "clients" / "personne-auth.pem")
    assert (
        auth.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "TEST AC BAC A SABLE STANDARD PERSONNES"
    )
    assert [len(list(part)) for part in auth.subject.rdns] == [1, 1, 1, 1, 1, 3]
    assert {attribute.oid for attribute in auth.subject.rdns[-1]} == {
        NameOID.COMMON_NAME, NameOID.SURNAME, NameOID.GIVEN_NAME,
    }  # fmt: skip
    usage = auth.extensions.get_extension_for_class(x509.KeyUsage)
    assert (usage.critical, usage.value.digital_signature, usage.value.content_commitment) == (True, True, False)
    purposes = auth.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SMARTCARD_LOGON]
    (upn,) = auth.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert isinstance(upn, x509.OtherName)
    assert upn.value.endswith(b"899700012345@carte-cps.fr")
    private = {extension.oid.dotted_string for extension in auth.extensions}
    assert private >= {f"1.2.250.1.71.1.2.{n}" for n in (2, 3, 5)}


def test_the_signature_certificate_opens_no_session(folder: Path) -> None:
    sign = certificate(folder / "clients" / "personne-sign.pem")
    usage = sign.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.content_commitment) == (False, True)
    with pytest.raises(x509.ExtensionNotFound):
        sign.extensions.get_extension_for_class(x509.ExtendedKeyUsage)


def test_a_person_may_bring_a_key_and_a_name_of_her_own(hierarchy: Hierarchy) -> None:
    first = issue_person(hierarchy.persons, DOCTOR, "auth", now=NOW)
    renewed: Issued = issue_person(hierarchy.persons, DOCTOR, "auth", now=NOW, key=first.key)
    assert renewed.certificate.public_key() == first.certificate.public_key()
    long = Holder("A" * 120, "B", "899700000000", "Médecin", "S", "1", "x" * 200)
    with pytest.raises(ValueError, match="short"):
        issue_person(hierarchy.persons, long, "auth", now=NOW)


@pytest.mark.parametrize("name", ["organisation", "personne-auth", "personne-sign"])
def test_the_p12_holds_the_same_as_the_pem(folder: Path, name: str) -> None:
    data = (folder / "clients" / f"{name}.p12").read_bytes()
    key, mine, issuers = pkcs12.load_key_and_certificates(data, P12_PASSWORD.encode())
    assert mine == certificate(folder / "clients" / f"{name}.pem")
    assert key is not None
    assert mine is not None
    assert key.public_key() == mine.public_key()
    assert len(issuers) == 1


def test_everything_says_test(folder: Path) -> None:
    for path in folder.rglob("*.pem"):
        if b"BEGIN CERTIFICATE" in path.read_bytes():
            for one in x509.load_pem_x509_certificates(path.read_bytes()):
                assert "TEST" in one.issuer.rfc4514_string()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights")
def test_the_files_are_private_and_a_second_run_replaces_them(folder: Path, hierarchy: Hierarchy) -> None:
    before = (folder / "serveurs" / "valable.pem").read_bytes()
    made = write_hierarchy(folder, hierarchy)
    assert (folder / "serveurs" / "valable.pem").read_bytes() != before
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}
    assert sorted(made) == sorted(path for path in folder.rglob("*") if path.is_file())
