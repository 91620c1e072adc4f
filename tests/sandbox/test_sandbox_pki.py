"""The PKI of the sandbox: the shape of the real one, strict, private, made once."""

import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from connector.sandbox.certificates import certificate_mailboxes
from connector.sandbox.pki import TestPki, create_pki

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
MAILBOX = "labo@test.mssante.example"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> TestPki:
    return create_pki(tmp_path_factory.mktemp("pki") / "nested", clients=[MAILBOX], now=NOW)


def certificates(path: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(path.read_bytes())


def test_the_chain_is_root_then_organisations_then_end(pki: TestPki) -> None:
    root, organisations = certificates(pki.trust_file)
    server, sent_along = certificates(pki.server_file)

    root.verify_directly_issued_by(root)
    organisations.verify_directly_issued_by(root)
    server.verify_directly_issued_by(organisations)
    assert sent_along == organisations


def test_the_server_is_known_by_its_loopback_names(pki: TestPki) -> None:
    names = certificates(pki.server_file)[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(name) for name in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]


def test_keys_are_rsa_as_the_suites_of_the_reference_need(pki: TestPki) -> None:
    assert all(isinstance(c.public_key(), rsa.RSAPublicKey) for c in certificates(pki.server_file))


def test_a_client_certificate_names_its_mailbox(pki: TestPki) -> None:
    certificate = certificates(pki.client_file(MAILBOX))[0]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.RFC822Name) == [MAILBOX]
    assert certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == MAILBOX


def test_a_server_certificate_does_not_serve_as_a_client(pki: TestPki) -> None:
    verifier = PolicyBuilder().store(Store(certificates(pki.trust_file)[:1])).time(NOW).build_client_verifier()
    chain = certificates(pki.trust_file)[1:]

    assert verifier.verify(certificates(pki.client_file(MAILBOX))[0], chain).chain
    with pytest.raises(VerificationError):
        verifier.verify(certificates(pki.server_file)[0], chain)


def test_a_second_call_changes_nothing_but_adds_what_is_missing(pki: TestPki) -> None:
    before = {path: path.read_bytes() for path in pki.folder.rglob("*.pem")}

    create_pki(pki.folder, clients=[MAILBOX, "autre@test.mssante.example"], now=NOW + timedelta(days=9))

    assert {path: path.read_bytes() for path in before} == before
    assert pki.client_file("autre@test.mssante.example").exists()


def test_a_revoked_certificate_is_on_the_list_and_stays_there(pki: TestPki) -> None:
    first, second = (pki.add_client(f"revoque-{n}@test.mssante.example", now=NOW) for n in (1, 2))

    pki.revoke(first, now=NOW)
    pki.revoke(second, now=NOW)

    crl = x509.load_pem_x509_crl(pki.crl_file.read_bytes())
    listed = {entry.serial_number for entry in crl}
    assert listed >= {certificates(first)[0].serial_number, certificates(second)[0].serial_number}
    assert certificates(pki.client_file(MAILBOX))[0].serial_number not in listed


def test_the_names_of_files_stay_in_their_folder(pki: TestPki) -> None:
    assert pki.client_file("../../../etc/passwd").parent == pki.folder / "clients"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights; Windows takes those of the profile folder")
def test_the_keys_are_private(pki: TestPki) -> None:
    assert {stat.S_IMODE(path.stat().st_mode) for path in pki.folder.rglob("*.pem")} == {0o600}
    assert stat.S_IMODE((pki.folder / "clients").stat().st_mode) == 0o700


def test_an_authority_with_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    pki = create_pki(tmp_path, now=NOW)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "organisations.pem").write_bytes(pem)

    with pytest.raises(TypeError):
        pki.add_client(MAILBOX, now=NOW)


def test_without_a_certificate_there_is_no_mailbox() -> None:
    assert certificate_mailboxes(None) == ()
    assert certificate_mailboxes({}) == ()


def test_only_mail_names_of_a_certificate_count() -> None:
    names = (("DNS", "exemple.fr"), ("email", "Labo@Exemple.fr"))

    assert certificate_mailboxes({"subjectAltName": names}) == ("labo@exemple.fr",)
