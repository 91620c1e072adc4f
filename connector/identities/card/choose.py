"""Which certificate of a card proves its holder to a mail operator. Pure.

A CPS holds several: authentication, signature (which commits its holder and must never sign a handshake), and a
technical one that asks for no PIN. What a certificate is for stands in it; its label on the card only breaks a tie.
What is still undecided then is asked, never guessed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

__all__ = ["Choice", "FoundCertificate", "choose", "validity"]

_Kind = TypeVar("_Kind", bound=x509.ExtensionType)
_CLIENT_USAGES = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
_ENCODING_ERRORS = (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)


@dataclass(frozen=True)
class FoundCertificate:
    """A certificate as it lies on a card."""

    der: bytes = field(repr=False)
    label: str = ""  # CKA_LABEL
    key_id: bytes = b""  # CKA_ID, the same as its private key's

    @cached_property
    def parsed(self) -> x509.Certificate | None:
        """``None`` for what is no certificate."""
        try:
            certificate = x509.load_der_x509_certificate(self.der)
            _ = certificate.extensions, certificate.subject.rfc4514_string(), certificate.public_key()
        except _ENCODING_ERRORS:
            return None
        return certificate


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, or why nothing was."""

    certificate: FoundCertificate | None = None
    code: str = ""  # CARTE_SANS_CERTIFICAT, CARTE_CERTIFICATS, CARTE_EXPIREE, CERTIFICAT_FUTUR; empty = it is good
    detail: str = ""


def choose(found: Iterable[FoundCertificate], *, issuers: Sequence[str], now: datetime) -> Choice:
    """The authentication certificate of a card.

    Args:
        found: all certificates of the card.
        issuers: ``card.issuers`` of the settings: parts of the issuer's name, one of which must fit; empty = any.
        now: aware.

    Returns:
        The only one that fits. An expired one is given with ``CARTE_EXPIREE`` when there is no better, so that a
        person sees whose card it is.
    """
    seen = list(found)
    fitting = [one for one in seen if _is_for_us(one, issuers)]
    if not fitting:
        return Choice(code="CARTE_SANS_CERTIFICAT", detail=f"none of {len(seen)} certificates is for authentication")
    in_date = [one for one in fitting if validity(one, now) == ""]
    left = _by_label(in_date or fitting)
    if len(left) > 1:
        text = f"{len(left)} certificates are for authentication: name the issuer in card.issuers"
        return Choice(code="CARTE_CERTIFICATS", detail=text)
    chosen = left[0]
    return Choice(chosen, validity(chosen, now))


def _is_for_us(one: FoundCertificate, issuers: Sequence[str]) -> bool:
    certificate = one.parsed
    if certificate is None or "technique" in one.label.casefold():
        return False
    name = certificate.issuer.rfc4514_string().casefold()
    named = not issuers or any(part.casefold() in name for part in issuers)
    return named and _is_end(certificate) and _signs_handshakes(certificate) and _is_client(certificate)


def _is_end(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    return constraints is None or not constraints.ca


def _signs_handshakes(certificate: x509.Certificate) -> bool:
    usage = _extension(certificate, x509.KeyUsage)
    return usage is None or (usage.digital_signature and not usage.content_commitment)


def _is_client(certificate: x509.Certificate) -> bool:
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    return purposes is None or bool(_CLIENT_USAGES.intersection(purposes))


def validity(one: FoundCertificate, now: datetime) -> str:
    """``CARTE_EXPIREE``, ``CERTIFICAT_FUTUR``, or nothing for a certificate that is in date."""
    certificate = one.parsed
    if certificate is None or now > certificate.not_valid_after_utc:
        return "CARTE_EXPIREE"
    return "CERTIFICAT_FUTUR" if now < certificate.not_valid_before_utc else ""


def _by_label(candidates: list[FoundCertificate]) -> list[FoundCertificate]:
    if len(candidates) == 1:
        return candidates
    return [one for one in candidates if "authentification" in one.label.casefold()] or candidates


def _extension(certificate: x509.Certificate, kind: type[_Kind]) -> _Kind | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
