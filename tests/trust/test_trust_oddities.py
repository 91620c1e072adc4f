"""Certificates and lists that nobody should make, a Python that has grown an API: nothing breaks, nothing passes."""

from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtensionOID

from connector.operators.trust.certificates import is_authority, list_addresses, read_certificates
from connector.operators.trust.chain import is_signed_by, verified_chain
from connector.operators.trust.lists import is_genuine, judge
from connector.sandbox.authority import Authority
from connector.sandbox.pki import sandbox_name
from tests.trust.trust_scene import DER, NOW, family

ONE = family()
NAME = sandbox_name("TEST ETRANGE")
EMPTY_PKCS7 = bytes.fromhex("302306092a864886f70d010702a01630140201013100300b06092a864886f70d0107013100")


def odd(*extensions: x509.ExtensionType, key: Any = ONE.root.key, signer: Any = ONE.root.key) -> x509.Certificate:
    """A certificate with exactly these extensions, named and signed as told."""
    builder = x509.CertificateBuilder(NAME, NAME, key.public_key(), 7, NOW, NOW.replace(year=2030))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signer, SHA256())


def garbage(oid: x509.ObjectIdentifier) -> x509.Certificate:
    return odd(x509.UnrecognizedExtension(oid, b"\xff\xff"))


def test_extensions_that_cannot_be_read_make_nothing_of_a_certificate() -> None:
    assert not is_authority(garbage(ExtensionOID.BASIC_CONSTRAINTS))
    assert list_addresses(garbage(ExtensionOID.CRL_DISTRIBUTION_POINTS)) == []
    unreadable = garbage(ExtensionOID.KEY_USAGE)
    revocations = Authority(unreadable, ONE.root.key).revocations([], now=NOW)
    assert not is_genuine(revocations, unreadable)


def test_an_authority_without_key_usage_may_sign_lists() -> None:
    plain = odd()
    assert is_genuine(Authority(plain, ONE.root.key).revocations([], now=NOW), plain)


def test_a_list_whose_extensions_cannot_be_read_is_useless() -> None:
    builder = x509.CertificateRevocationListBuilder(issuer_name=NAME).last_update(NOW).next_update(NOW)
    builder = builder.add_extension(x509.UnrecognizedExtension(ExtensionOID.CRL_NUMBER, b"\xff"), critical=False)
    broken = builder.sign(ONE.root.key, SHA256())
    judgement = judge(broken, odd(), now=NOW, grace=NOW - NOW)
    assert judgement.code == "CRL_INVALIDE"


def test_a_list_of_another_kind_of_key_is_not_genuine() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    stranger = odd(key=other, signer=other)
    revocations = Authority(odd(), ONE.root.key).revocations([], now=NOW)
    assert revocations.issuer == stranger.subject
    assert not is_genuine(revocations, stranger)
    assert not is_signed_by(odd(), stranger)


def test_a_chain_without_certificates_is_none() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the library says
        read_certificates(EMPTY_PKCS7)


class _Newer:
    """A connection of Python 3.13 and later."""

    def __init__(self, chain: list[bytes], shown: bytes | None = None) -> None:
        self._chain, self._shown = chain, shown

    def get_verified_chain(self) -> list[bytes]:
        return self._chain

    def getpeercert(self, binary_form: bool = False) -> bytes | None:
        return self._shown


def test_the_public_api_of_later_pythons_is_used_where_it_is() -> None:
    chain = ONE.chain(ONE.server())
    ders = [certificate.public_bytes(DER) for certificate in chain]
    assert verified_chain(cast("Any", _Newer(ders)), []) == chain
    resumed = cast("Any", _Newer([], ders[0]))
    assert verified_chain(resumed, ONE.servers) == chain
    assert verified_chain(resumed, []) == chain[:1]
    assert verified_chain(cast("Any", _Newer([])), ONE.servers) == []
