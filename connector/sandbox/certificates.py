"""Who a client certificate speaks for, and the TLS that the sandbox servers offer."""

import ssl
from collections.abc import Mapping
from typing import Any

from connector.sandbox.pki import TestPki

__all__ = ["certificate_mailboxes", "server_tls"]


def certificate_mailboxes(peer_certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The mailboxes of a verified certificate, lower case.

    Args:
        peer_certificate: as :meth:`ssl.SSLSocket.getpeercert` gives it; ``None`` or empty when there was none.
    """
    if not peer_certificate:
        return ()
    names = peer_certificate.get("subjectAltName", ())
    return tuple(value.lower() for kind, value in names if kind == "email")


def server_tls(pki: TestPki, *, require_client_certificate: bool) -> ssl.SSLContext:
    """TLS 1.2 or 1.3 with the RSA certificate of the PKI.

    Args:
        pki: where the files are.
        require_client_certificate: False = a certificate is asked for and checked, but may be missing.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki.server_file)
    context.load_verify_locations(pki.trust_file)
    context.verify_mode = ssl.CERT_REQUIRED if require_client_certificate else ssl.CERT_OPTIONAL
    return context
