"""What a card leaves to us around the bare RSA or ECDSA operation. Pure: bytes in, bytes out.

Sources: RFC 8017 (DigestInfo 9.2, EMSA-PSS 9.1.1), RFC 3279 2.2.3 (ECDSA-Sig-Value), PKCS #11 2.40 2.3.1 (r || s).
"""

import hashlib

__all__ = ["digest_info", "ecdsa_der", "emsa_pss"]

_DIGEST_INFO_PREFIX = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}  # RFC 8017 9.2 note 1
_PSS_TRAILER = b"\xbc"


def digest_info(digest: bytes, hash_name: str) -> bytes:
    """What CKM_RSA_PKCS signs: the DER ``DigestInfo`` of a digest.

    Args:
        digest: already hashed.
        hash_name: ``sha1``, ``sha256``, ``sha384`` or ``sha512``.

    Raises:
        ValueError: another hash, or the digest is not as long as that hash makes it.
    """
    _check_digest(digest, hash_name)
    return _DIGEST_INFO_PREFIX[hash_name] + digest


def emsa_pss(digest: bytes, hash_name: str, *, salt: bytes, modulus_bits: int) -> bytes:
    """What CKM_RSA_X_509 signs for RSASSA-PSS (RFC 8017 8.1.1, 9.1.1), MGF1 with the same hash.

    Args:
        digest: already hashed.
        hash_name: as for :func:`digest_info`.
        salt: random bytes; TLS wants as many as the digest has (RFC 8446 4.2.3).
        modulus_bits: size of the RSA key.

    Returns:
        As many bytes as the modulus has, below the modulus as a number.

    Raises:
        ValueError: the key is too small for this hash and salt, or the digest does not fit the hash.
    """
    _check_digest(digest, hash_name)
    bits = modulus_bits - 1
    size = (bits + 7) // 8
    padding = size - len(digest) - len(salt) - 2
    if padding < 0:
        raise ValueError(f"a key of {modulus_bits} bits is too small for {hash_name} and {len(salt)} bytes of salt")
    hashed = hashlib.new(hash_name, bytes(8) + digest + salt).digest()
    block = bytes(padding) + b"\x01" + salt
    masked = bytearray(a ^ b for a, b in zip(block, _mgf1(hashed, len(block), hash_name), strict=True))
    masked[0] &= 0xFF >> (8 * size - bits)
    encoded = bytes(masked) + hashed + _PSS_TRAILER
    return encoded.rjust((modulus_bits + 7) // 8, b"\0")  # one byte longer when bits is a multiple of 8


def ecdsa_der(raw: bytes) -> bytes:
    """What CKM_ECDSA gives (``r || s``, both as long as the curve) as DER ``SEQUENCE {INTEGER r, INTEGER s}``.

    Raises:
        ValueError: empty, or of an odd length.
    """
    half, odd = divmod(len(raw), 2)
    if odd or not half:
        raise ValueError(f"{len(raw)} bytes are no r and s of the same length")
    body = _integer(raw[:half]) + _integer(raw[half:])
    return b"\x30" + _length(len(body)) + body


def _check_digest(digest: bytes, hash_name: str) -> None:
    if hash_name not in _DIGEST_INFO_PREFIX:
        raise ValueError(f"{hash_name} is not a hash for signatures")
    if len(digest) != hashlib.new(hash_name).digest_size:
        raise ValueError(f"{len(digest)} bytes are no {hash_name} digest")


def _mgf1(seed: bytes, size: int, hash_name: str) -> bytes:
    """RFC 8017 B.2.1."""
    rounds = -(-size // hashlib.new(hash_name).digest_size)
    return b"".join(hashlib.new(hash_name, seed + n.to_bytes(4, "big")).digest() for n in range(rounds))[:size]


def _integer(unsigned: bytes) -> bytes:
    content = unsigned.lstrip(b"\0") or b"\0"
    if content[0] & 0x80:
        content = b"\0" + content  # else it would read as negative
    return b"\x02" + _length(len(content)) + content


def _length(size: int) -> bytes:
    if size < 0x80:
        return bytes([size])
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(octets)]) + octets
