"""EMSA-PSS, DigestInfo and ECDSA signatures against an implementation that is not ours."""

import hashlib
import math
import random
from dataclasses import dataclass
from functools import cache

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.identities.tls_key import digest_info, ecdsa_der, emsa_pss

HASHES = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
hash_names = st.sampled_from(sorted(HASHES))
messages = st.binary(max_size=200)


@dataclass(frozen=True)
class RawKey:
    """An RSA key of exactly so many bits; the library itself makes multiples of 8 only."""

    modulus: int
    exponent: int  # private

    @property
    def public(self) -> rsa.RSAPublicKey:
        return rsa.RSAPublicNumbers(65537, self.modulus).public_key()

    def sign(self, block: bytes) -> bytes:
        """What CKM_RSA_X_509 does."""
        size = (self.modulus.bit_length() + 7) // 8
        assert len(block) == size
        assert int.from_bytes(block) < self.modulus
        return pow(int.from_bytes(block), self.exponent, self.modulus).to_bytes(size)


@cache
def raw_key(bits: int) -> RawKey:
    source = random.Random(bits)  # the same keys in every run; they protect nothing
    while True:
        p, q = prime(source, bits // 2), prime(source, bits - bits // 2)
        if (p * q).bit_length() == bits and math.gcd(65537, (p - 1) * (q - 1)) == 1:
            return RawKey(p * q, pow(65537, -1, math.lcm(p - 1, q - 1)))


def prime(source: random.Random, bits: int) -> int:
    """A probable prime with its two highest bits set (Fermat is good enough here: a wrong one fails the tests)."""
    while True:
        candidate = source.getrandbits(bits) | 3 << (bits - 2) | 1
        if all(pow(base, candidate - 1, candidate) == 1 for base in (2, 3, 5)):
            return candidate


@settings(deadline=None)  # keys are made on the way
@given(messages, hash_names, st.binary(max_size=64), st.sampled_from([1272, 1273, 1279, 1280]))
def test_a_pss_block_that_raw_rsa_signs_is_a_pss_signature(message: bytes, name: str, salt: bytes, bits: int) -> None:
    """Also for moduli that do not end at a byte: 1273 bits make the block one byte shorter than the modulus."""
    key, digest = raw_key(bits), hashlib.new(name, message).digest()
    signature = key.sign(emsa_pss(digest, name, salt=salt, modulus_bits=bits))
    pss = padding.PSS(mgf=padding.MGF1(HASHES[name]), salt_length=len(salt))
    key.public.verify(signature, message, pss, HASHES[name])


@settings(deadline=None)
@given(messages, hash_names)
def test_a_digest_info_that_raw_rsa_signs_with_type_1_padding_is_a_pkcs1_signature(message: bytes, name: str) -> None:
    """CKM_RSA_PKCS pads what it is given (RFC 8017 9.2)."""
    key, info = raw_key(1280), digest_info(hashlib.new(name, message).digest(), name)
    block = b"\0\1" + b"\xff" * (160 - 3 - len(info)) + b"\0" + info
    key.public.verify(key.sign(block), message, padding.PKCS1v15(), HASHES[name])


@given(st.integers(1, 2**256 - 1), st.integers(1, 2**256 - 1), st.sampled_from([32, 48, 66, 130]))
def test_r_and_s_are_what_another_decoder_reads(r: int, s: int, size: int) -> None:
    der = ecdsa_der(r.to_bytes(size) + s.to_bytes(size))
    assert utils.decode_dss_signature(der) == (r, s)
    assert der == utils.encode_dss_signature(r, s)


@given(st.binary(min_size=200, max_size=400))
def test_lengths_beyond_one_byte_are_encoded_as_another_encoder_does(half: bytes) -> None:
    value = int.from_bytes(half)
    assert ecdsa_der(half + half) == utils.encode_dss_signature(value, value)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda curve: curve.name)
def test_what_a_token_would_give_for_ecdsa_is_verified(curve: ec.EllipticCurve) -> None:
    key, size = ec.generate_private_key(curve), (curve.key_size + 7) // 8
    r, s = utils.decode_dss_signature(key.sign(b"hello", ec.ECDSA(hashes.SHA256())))
    key.public_key().verify(ecdsa_der(r.to_bytes(size) + s.to_bytes(size)), b"hello", ec.ECDSA(hashes.SHA256()))


def test_zero_keeps_one_byte() -> None:
    assert ecdsa_der(bytes(64)) == bytes.fromhex("3006020100020100")


@pytest.mark.parametrize("raw", [b"", b"\1", bytes(63)])
def test_what_is_no_pair_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="no r and s"):
        ecdsa_der(raw)


@pytest.mark.parametrize(("digest", "name"), [(bytes(32), "md5"), (bytes(20), "sha256"), (b"", "sha512")])
def test_a_digest_must_fit_its_hash(digest: bytes, name: str) -> None:
    with pytest.raises(ValueError, match=r"hash for signatures|digest"):
        digest_info(digest, name)
    with pytest.raises(ValueError, match=r"hash for signatures|digest"):
        emsa_pss(digest, name, salt=b"", modulus_bits=2048)


@pytest.mark.parametrize("too_much", [0, 1])
def test_a_key_that_is_too_small_for_hash_and_salt_is_refused(too_much: int) -> None:
    salt = bytes(1024 // 8 - 64 - 2 + too_much)
    if not too_much:
        assert len(emsa_pss(bytes(64), "sha512", salt=salt, modulus_bits=1024)) == 128
        return
    with pytest.raises(ValueError, match="too small"):
        emsa_pss(bytes(64), "sha512", salt=salt, modulus_bits=1024)
