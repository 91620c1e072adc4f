"""What is asked of a card for a signature follows from its mechanisms alone."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.x509.oid import NameOID
from pkcs11 import MGF, Mechanism

from connector.domain.errors import Unavailable
from connector.identities.card.signer import CardSigner, RawSignature, can_pss, plan
from connector.identities.tls_key import Padding, digest_info

DIGEST = hashlib.sha256(b"handshake").digest()
CPS3: set[object] = {Mechanism.RSA_PKCS, Mechanism.SHA256_RSA_PKCS, 0x80000001}  # with a mechanism that nobody knows
CPS4: set[object] = CPS3 | {Mechanism.RSA_PKCS_PSS}
RAW: set[object] = {Mechanism.RSA_X_509}
Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(key: Key) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEST")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=1))
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def test_pkcs1_is_a_digest_info_under_rsa_pkcs() -> None:
    wanted = _plan(Padding.PKCS1V15, None, CPS3)
    assert (wanted.mechanism, wanted.data, wanted.parameter) == (
        Mechanism.RSA_PKCS,
        digest_info(DIGEST, "sha256"),
        None,
    )


@pytest.mark.parametrize(
    ("hash_name", "mechanism", "mask"),
    [
        ("sha256", Mechanism.SHA256, MGF.SHA256),
        ("sha384", Mechanism.SHA384, MGF.SHA384),
        ("sha512", Mechanism.SHA512, MGF.SHA512),
    ],
)
def test_pss_always_says_hash_mask_and_salt(hash_name: str, mechanism: Mechanism, mask: MGF) -> None:
    digest = hashlib.new(hash_name).digest()
    wanted = plan(digest, hash_name, Padding.PSS, 32, mechanisms=CPS4, certificate=certificate(rsa_key()))
    assert (wanted.mechanism, wanted.data, wanted.parameter) == (
        Mechanism.RSA_PKCS_PSS,
        digest,
        (mechanism, mask, 32),
    )


@pytest.mark.parametrize("kind", [Padding.PKCS1V15, Padding.PSS])
@pytest.mark.parametrize("bits", [2048, 2056])
def test_raw_rsa_gets_the_padding_from_us(kind: Padding, bits: int) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    salt_length = 32 if kind is Padding.PSS else None
    wanted = plan(DIGEST, "sha256", kind, salt_length, mechanisms=RAW, certificate=certificate(key))
    assert (wanted.mechanism, len(wanted.data)) == (Mechanism.RSA_X_509, bits // 8)
    numbers = key.private_numbers()
    number = pow(int.from_bytes(wanted.data, "big"), numbers.d, numbers.public_numbers.n)
    signature = wanted.finish(number.to_bytes(bits // 8, "big"))
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if kind is Padding.PSS:
        scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    key.public_key().verify(signature, DIGEST, scheme, utils.Prehashed(hashes.SHA256()))


def test_two_pss_signatures_have_different_salts() -> None:
    assert _plan(Padding.PSS, 32, RAW).data != _plan(Padding.PSS, 32, RAW).data


@pytest.mark.parametrize(
    ("kind", "salt_length", "mechanisms"),
    [(Padding.PSS, 32, CPS3), (Padding.PKCS1V15, None, {Mechanism.RSA_PKCS_PSS}), (Padding.PKCS1V15, None, set())],
)
def test_what_the_card_cannot_do_is_refused_before_it_is_asked(
    kind: Padding, salt_length: int | None, mechanisms: set[object]
) -> None:
    with pytest.raises(Unavailable) as refusal:
        _plan(kind, salt_length, mechanisms)
    assert refusal.value.code == "SIGNATURE_IMPOSSIBLE"


def test_an_ec_signature_is_made_der() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    wanted = plan(DIGEST, "sha256", None, None, mechanisms=set(), certificate=certificate(key))
    assert (wanted.mechanism, wanted.data) == (Mechanism.ECDSA, DIGEST)
    r, s = utils.decode_dss_signature(key.sign(DIGEST, ec.ECDSA(utils.Prehashed(hashes.SHA256()))))
    der = wanted.finish(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    assert utils.decode_dss_signature(der) == (r, s)


def test_a_digest_longer_than_the_curve_is_cut() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    digest = hashlib.sha512(b"x").digest()
    wanted = plan(digest, "sha512", None, None, mechanisms=set(), certificate=certificate(key))
    assert wanted.data == digest[:32]


def test_another_kind_of_key_cannot_be_used() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    with pytest.raises(Unavailable, match="Ed25519"):
        plan(DIGEST, "sha256", None, None, mechanisms=set(), certificate=certificate(key))


@pytest.mark.parametrize(("mechanisms", "can"), [(CPS3, False), (CPS4, True), (RAW, True), (set(), False)])
def test_tls_13_is_possible_with_pss_or_raw_rsa(mechanisms: set[object], can: bool) -> None:
    assert can_pss(mechanisms, certificate(rsa_key())) is can


def test_tls_13_is_always_possible_with_an_ec_key() -> None:
    assert can_pss(set(), certificate(ec.generate_private_key(ec.SECP256R1())))


def test_the_signer_asks_once_and_shows_no_data() -> None:
    asked: list[RawSignature] = []

    def sign(wanted: RawSignature) -> bytes:
        asked.append(wanted)
        return b"signature"

    signer = CardSigner(sign, frozenset(CPS3), certificate(rsa_key()))
    signature = signer.sign(DIGEST, hash="sha256", padding=Padding.PKCS1V15, salt_length=None)
    assert (signature, len(asked)) == (b"signature", 1)
    assert DIGEST.hex() not in repr(asked)


def _plan(kind: Padding, salt_length: int | None, mechanisms: set[object]) -> RawSignature:
    return plan(DIGEST, "sha256", kind, salt_length, mechanisms=mechanisms, certificate=certificate(rsa_key()))
