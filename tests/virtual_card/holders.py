"""The two personal certificates of a practitioner, as a CPS holds them: one to authenticate, one to sign."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.servers.pki import Authority, Issued
from tests.virtual_card.piv import DEFAULT_PIN, DEFAULT_TRIES, PivCard

__all__ = ["Holder", "issue_personal"]

_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@dataclass(frozen=True)
class Holder:
    """A practitioner who was given a card."""

    authentication: Issued
    signature: Issued

    @classmethod
    def issue(cls, authority: Authority, national_id: str) -> Self:
        """Both certificates of one practitioner.

        Args:
            authority: issues them; the servers of the tests trust ``pki.organisations``.
            national_id: common name of both certificates.
        """
        return cls(
            authentication=issue_personal(authority, national_id, usage="digital_signature"),
            signature=issue_personal(authority, national_id, usage="content_commitment"),
        )

    def card(self, *, pin: str = DEFAULT_PIN, tries_left: int = DEFAULT_TRIES) -> PivCard:
        """A card of this practitioner as it lies in the hand."""
        return PivCard(self.authentication, self.signature, pin=pin, tries_left=tries_left)


def issue_personal(authority: Authority, holder: str, *, usage: str) -> Issued:
    """A personal certificate.

    Args:
        authority: issues it.
        holder: national identifier; becomes the common name.
        usage: ``digital_signature`` makes one for TLS client authentication, ``content_commitment`` (nonRepudiation)
            one that must never serve for it.
    """
    key, now = rsa.generate_private_key(public_exponent=65537, key_size=2048), datetime.now(UTC)
    builder = (
        x509.CertificateBuilder(subject_name=_subject(holder), issuer_name=authority.name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=700))
        .add_extension(x509.KeyUsage(**{name: name == usage for name in _USAGES}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    if usage == "digital_signature":
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    return Issued(builder.sign(authority.key, hashes.SHA256()), key, authority.issuers)


def _subject(holder: str) -> x509.Name:
    return x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "CABINET MODELE TEST"),
        x509.NameAttribute(NameOID.TITLE, "Médecin"),
        x509.NameAttribute(NameOID.SURNAME, "MODELE"),
        x509.NameAttribute(NameOID.GIVEN_NAME, "CAMILLE"),
        x509.NameAttribute(NameOID.COMMON_NAME, holder),
    ])  # fmt: skip
