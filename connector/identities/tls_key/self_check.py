"""Whether this Python and its OpenSSL can carry a key that only signs: tried, not guessed."""

import functools
import ssl
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from connector.identities.tls_key.attach import attach
from connector.identities.tls_key.openssl import impossible
from connector.identities.tls_key.port import Padding, TlsKey

__all__ = ["self_test"]

_FLIGHTS = 6  # more than any TLS version needs
_NAME = "self-test"


@functools.cache
def self_test() -> str:
    """Shake hands with ourselves, in memory, with a fresh RSA key that is reached through the port alone.

    The way of a CPS3: TLS 1.2, PKCS#1 v1.5. Takes about 0.1 s the first time. Needs no card, no network, no file.

    Returns:
        What carries the key, for the doctor: ``OpenSSL 3.0.19 27 Jan 2026 under CPython 3.11.7``.

    Raises:
        ConfigurationError: ``TLS_CLE_IMPOSSIBLE``: why not, and which Python does, in one sentence.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = _certificate(key)
    signer = _Signer(key)
    client = _context(ssl.PROTOCOL_TLS_CLIENT, TlsKey(certificate, signer, can_pss=False))
    server = _context(ssl.PROTOCOL_TLS_SERVER, TlsKey(certificate, _Signer(key)))
    shown = _shake_hands(client, server)
    if shown != certificate or signer.signatures != 1:
        raise impossible("a handshake through a key that only signs did not come out as it should")
    return f"{ssl.OPENSSL_VERSION} under CPython {sys.version.split()[0]}"


@dataclass
class _Signer:
    key: rsa.RSAPrivateKey
    signatures: int = 0

    def sign(
        self,
        digest: bytes,
        *,
        hash: str,  # noqa: A002, ARG002 - as the port says; an RSA key is asked for SHA-256 only
        padding: Padding | None,
        salt_length: int | None,
    ) -> bytes:
        """See :meth:`connector.identities.tls_key.port.Signer.sign`."""
        self.signatures += 1
        pss = rsa_padding.PSS(mgf=rsa_padding.MGF1(hashes.SHA256()), salt_length=salt_length or 0)
        chosen = pss if padding is Padding.PSS else rsa_padding.PKCS1v15()
        return self.key.sign(digest, chosen, utils.Prehashed(hashes.SHA256()))


def _certificate(key: rsa.RSAPrivateKey) -> bytes:
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _NAME)]), datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1,
        not_valid_before=now - timedelta(days=1), not_valid_after=now + timedelta(days=1),
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(_NAME)]), critical=False)  # fmt: skip
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _context(side: int, key: TlsKey) -> ssl.SSLContext:
    context = ssl.SSLContext(side)
    context.load_verify_locations(cadata=key.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    attach(context, key)
    return context


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> bytes | None:
    """Both sides in this thread; gives back the certificate that the server saw."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [client.wrap_bio(back, there, server_hostname=_NAME), server.wrap_bio(there, back, server_side=True)]
    done: set[ssl.SSLObject] = set()
    for _ in range(_FLIGHTS):
        for side in sides:
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                raise impossible(f"a handshake through a key that only signs failed ({error.reason})") from error
    return sides[1].getpeercert(binary_form=True) if len(done) == len(sides) else None
