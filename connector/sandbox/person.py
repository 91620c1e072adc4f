"""Certificates of a person as a CPS card holds them: the names, usages and extensions of the real ones, all invented.

Modelled on a public, expired test certificate of *TEST AC IGC-SANTE STANDARD PERSONNES*: subject ``C, ST, O, OU,
title`` and one multi-valued RDN ``CN + SN + GN``; key usage *digital signature*; extended key usage *client
authentication* and *Microsoft smart-card logon*; a UPN; a policy; private extensions of GIP-CPS.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from connector.sandbox.authority import Authority, Issued, distribution_point

__all__ = ["DOCTOR", "Holder", "issue_person"]

Usage = Literal["auth", "sign"]

_UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
_POLICY = x509.ObjectIdentifier("1.2.250.1.213.1.7.2.1.1.1.1")
_CARD_KIND, _CARD_NUMBER, _HOLDER_KIND = (x509.ObjectIdentifier(f"1.2.250.1.71.1.2.{n}") for n in (2, 3, 5))
_USAGES: dict[Usage, tuple[str, ...]] = {"auth": ("digital_signature",), "sign": ("content_commitment",)}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who the card is issued to. Everything is invented; national ids of tests begin with 8997 or 4997."""

    given: str
    family: str
    national_id: str  # RPPS with its leading 8
    profession: str
    structure: str
    structure_id: str
    card_number: str  # issuer / serial
    department: str = "Paris (75)"

    @property
    def subject(self) -> x509.Name:
        """As IGC-Santé writes it."""
        person = x509.RelativeDistinguishedName([
            x509.NameAttribute(NameOID.COMMON_NAME, self.national_id),
            x509.NameAttribute(NameOID.SURNAME, self.family),
            x509.NameAttribute(NameOID.GIVEN_NAME, self.given),
        ])  # fmt: skip
        above = (
            (NameOID.COUNTRY_NAME, "FR"), (NameOID.STATE_OR_PROVINCE_NAME, self.department),
            (NameOID.ORGANIZATION_NAME, self.structure), (NameOID.ORGANIZATIONAL_UNIT_NAME, self.structure_id),
            (NameOID.TITLE, self.profession),
        )  # fmt: skip
        single = [x509.RelativeDistinguishedName([x509.NameAttribute(oid, value)]) for oid, value in above]
        return x509.Name([*single, person])


DOCTOR = Holder(
    given="ALIX", family="TEST-MODELE", national_id="899700012345", profession="Médecin",
    structure="CABINET TEST MODELE", structure_id="499700012345001", card_number="8025000001/9900000001",
)  # fmt: skip
"""Somebody who does not exist."""


def issue_person(
    authority: Authority, holder: Holder, usage: Usage, *, now: datetime, lists_at: tuple[str, ...] = (),
    key: rsa.RSAPrivateKey | None = None,
) -> Issued:  # fmt: skip
    """One of the certificates of a card.

    Args:
        authority: of persons.
        holder: whose card it is.
        usage: ``auth`` opens sessions, ``sign`` signs documents and must never be used for TLS.
        now: aware.
        lists_at: addresses of the list that could revoke it.
        key: an existing one; default: a new one.
    """
    extensions: list[x509.ExtensionType] = [
        x509.CertificatePolicies([x509.PolicyInformation(_POLICY, None)]),
        x509.UnrecognizedExtension(_CARD_KIND, _der_text("CPS3")),
        x509.UnrecognizedExtension(_CARD_NUMBER, _der_text(holder.card_number)),
        x509.UnrecognizedExtension(_HOLDER_KIND, _der_text("10")),
        *distribution_point(lists_at),
    ]
    if usage == "auth":
        upn = x509.OtherName(_UPN, _der_text(f"{holder.national_id}@carte-cps.fr"))
        extensions += [
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SMARTCARD_LOGON]),
            x509.SubjectAlternativeName([upn]),
        ]
    return authority.issue(holder.subject, extensions, now=now, usages=_USAGES[usage], key=key)


def _der_text(text: str) -> bytes:
    """A UTF8String; short ones only."""
    value = text.encode()
    if len(value) > 127:
        raise ValueError("a text for a certificate of a test is short")
    return bytes((0x0C, len(value))) + value
