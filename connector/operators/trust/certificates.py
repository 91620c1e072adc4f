"""Reading certificates and revocation lists in the forms in which people hold them."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

__all__ = ["common_name", "fingerprint", "is_authority", "list_addresses", "plain_fingerprint", "read_certificates",
           "read_lists"]  # fmt: skip

_END_OF_LIST = b"-----END X509 CRL-----"


def read_certificates(data: bytes) -> list[x509.Certificate]:
    """The certificates of a file: PEM (any number), DER (one), or PKCS#7 (``.p7b``, PEM or DER).

    Raises:
        ValueError: there is none that can be read.
    """
    try:
        if b"-----BEGIN PKCS7-----" in data:
            found = pkcs7.load_pem_pkcs7_certificates(data)
        elif b"-----BEGIN " in data:
            found = x509.load_pem_x509_certificates(data)
        else:
            found = _from_der(data)
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from error
    if not found:
        raise ValueError("no certificate")
    return found


def _from_der(data: bytes) -> list[x509.Certificate]:
    try:
        return [x509.load_der_x509_certificate(data)]
    except ValueError:
        return pkcs7.load_der_pkcs7_certificates(data)


def read_lists(data: bytes) -> list[x509.CertificateRevocationList]:
    """The revocation lists of a file: PEM (any number) or DER (one).

    Raises:
        ValueError: there is none that can be read.
    """
    if b"-----BEGIN " not in data:
        return [x509.load_der_x509_crl(data)]
    found = [x509.load_pem_x509_crl(part + _END_OF_LIST) for part in data.split(_END_OF_LIST)[:-1]]
    if not found:
        raise ValueError("no revocation list")
    return found


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the DER, lower-case hexadecimal."""
    return certificate.fingerprint(SHA256()).hex()


def plain_fingerprint(text: str) -> str:
    """A fingerprint as people write it (colons, blanks, capitals), as :func:`fingerprint` gives it."""
    return "".join(text.split()).replace(":", "").lower()


def common_name(name: x509.Name) -> str:
    """The common name, else the whole name (RFC 4514)."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def is_authority(certificate: x509.Certificate) -> bool:
    """True when it may issue certificates."""
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def list_addresses(certificate: x509.Certificate) -> list[str]:
    """Where the certificate says that the list is which could revoke it; HTTP only (IGC-Santé names LDAP too)."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    names = [name.value for point in points for name in point.full_name or ()]
    return [str(name) for name in names if str(name).lower().startswith(("http://", "https://"))]
