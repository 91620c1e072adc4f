"""The chain that OpenSSL has verified in a handshake, as certificates that can be looked at."""

import ssl
from collections.abc import Iterable, Sequence
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

__all__ = ["as_pem", "is_signed_by", "verified_chain"]

MAX_LENGTH = 8


def verified_chain(
    connection: ssl.SSLSocket | ssl.SSLObject, authorities: Iterable[x509.Certificate]
) -> list[x509.Certificate]:
    """The server's certificate, its issuer, and so on up to the one that is trusted by itself.

    Args:
        connection: after a handshake with ``CERT_REQUIRED``.
        authorities: what completes the chain of a resumed session, of which OpenSSL keeps the server's own
            certificate only: trusted authorities, and issuers that were verified in earlier handshakes.

    Returns:
        At least one certificate; empty when the server showed none (impossible with ``CERT_REQUIRED``).
    """
    found = _from_openssl(connection)
    if len(found) > 1:
        return found
    shown = connection.getpeercert(binary_form=True)
    if not shown:
        return []
    return _completed(x509.load_der_x509_certificate(shown), list(authorities))


def _from_openssl(connection: ssl.SSLSocket | ssl.SSLObject) -> list[x509.Certificate]:
    """``get_verified_chain`` is public since Python 3.13 (DER); before, the object below has it (3.10 on)."""
    public = getattr(connection, "get_verified_chain", None)
    if public is not None:
        return [x509.load_der_x509_certificate(der) for der in public() or ()]
    below: Any = getattr(connection, "_sslobj", None)
    chain = below.get_verified_chain() if below is not None else None
    return [x509.load_pem_x509_certificate(one.public_bytes().encode()) for one in chain or ()]


def _completed(leaf: x509.Certificate, authorities: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    chain = [leaf]
    while len(chain) < MAX_LENGTH and chain[-1].issuer != chain[-1].subject:
        issuer = next((a for a in authorities if is_signed_by(chain[-1], a)), None)
        if issuer is None:
            break
        chain.append(issuer)
    return chain


def is_signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """True when the names fit and the signature is right."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def as_pem(certificates: Iterable[x509.Certificate]) -> str:
    """For :meth:`ssl.SSLContext.load_verify_locations`."""
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)
