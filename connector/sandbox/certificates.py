"""Who a client certificate speaks for, and the TLS that the sandbox servers offer."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connector.sandbox.pki import TestPki

__all__ = ["CardHolders", "certificate_mailboxes", "server_tls"]


@dataclass(frozen=True, slots=True)
class CardHolders:
    """Which cards the operator takes: a card names a person, and only the operator knows whose mailbox that is."""

    mailboxes: Mapping[str, str] = field(default_factory=dict)  # national identifier to address
    authorities: Sequence[x509.Certificate] = ()  # that issue cards, up to their root


def certificate_mailboxes(
    peer_certificate: Mapping[str, Any] | None, holders: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """The mailboxes of a verified certificate, lower case.

    Args:
        peer_certificate: as :meth:`ssl.SSLSocket.getpeercert` gives it; ``None`` or empty when there was none.
        holders: national identifier (common name of a card's certificate) to address.
    """
    if not peer_certificate:
        return ()
    names = peer_certificate.get("subjectAltName", ())
    subject = (value for part in peer_certificate.get("subject", ()) for kind, value in part if kind == "commonName")
    held = [(holders or {})[name].lower() for name in subject if name in (holders or {})]
    return (*(value.lower() for kind, value in names if kind == "email"), *held)


def server_tls(
    pki: TestPki, *, require_client_certificate: bool, card_authorities: Sequence[x509.Certificate] = ()
) -> ssl.SSLContext:
    """TLS 1.2 or 1.3 with the RSA certificate of the PKI.

    Args:
        pki: where the files are.
        require_client_certificate: False = a certificate is asked for and checked, but may be missing.
        card_authorities: those of cards, beside those of organisations.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki.server_file)
    context.load_verify_locations(pki.trust_file)
    for authority in card_authorities:
        context.load_verify_locations(cadata=authority.public_bytes(Encoding.DER))
    context.verify_mode = ssl.CERT_REQUIRED if require_client_certificate else ssl.CERT_OPTIONAL
    return context
