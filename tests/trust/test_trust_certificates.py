"""Certificates and lists in the forms in which people hold them."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from connector.operators.trust.certificates import (
    common_name,
    fingerprint,
    is_authority,
    list_addresses,
    plain_fingerprint,
    read_certificates,
    read_lists,
)
from tests.trust.trust_scene import der, family

ROOT, BELOW = family().servers
SERVER = (
    family().server(lists_at=["ldap://annuaire/CN=x", "http://igc.test/a.crl", "HTTPS://igc.test/b.crl"]).certificate
)


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER], ids=["pem", "der"])
def test_one_certificate_and_a_chain_are_read(encoding: Encoding) -> None:
    assert read_certificates(ROOT.public_bytes(encoding)) == [ROOT]
    chain = read_certificates(pkcs7.serialize_certificates([ROOT, BELOW], encoding))
    assert set(chain) == {ROOT, BELOW}


def test_a_pem_file_may_hold_several() -> None:
    both = ROOT.public_bytes(Encoding.PEM) + b"\nwords\n" + BELOW.public_bytes(Encoding.PEM)
    assert read_certificates(both) == [ROOT, BELOW]


@pytest.mark.parametrize("data", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAA\n", b"-----BEGIN PKCS7-----\nAA",
                                  b"0\x00", b"\x30\x82\xff\xff"])  # fmt: skip
def test_what_is_neither_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the library says
        read_certificates(data)
    with pytest.raises(ValueError):  # noqa: PT011
        read_lists(data)


def test_lists_are_read_alone_or_together() -> None:
    one, other = (x509.load_der_x509_crl(der(authority)) for authority in (family().root, family().organisations))
    assert read_lists(der(family().root)) == [one]
    assert read_lists(one.public_bytes(Encoding.PEM) + other.public_bytes(Encoding.PEM)) == [one, other]


def test_a_fingerprint_is_the_same_however_it_is_written() -> None:
    plain = fingerprint(ROOT)
    colons = ":".join(plain[i : i + 2] for i in range(0, 64, 2)).upper()
    assert plain_fingerprint(f" {colons}\n") == plain


def test_what_a_certificate_says_of_itself() -> None:
    assert (is_authority(ROOT), is_authority(SERVER)) == (True, False)
    assert list_addresses(SERVER) == ["http://igc.test/a.crl", "HTTPS://igc.test/b.crl"]
    assert list_addresses(ROOT) == []
    assert common_name(ROOT.subject) == "TEST RACINE production"
    assert common_name(x509.Name([x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "FR")])) == "C=FR"
