"""What one revocation list is worth, for one certificate, at one moment. Pure: no disk, no network, no clock.

Rules: RFC 5280 section 6.3.3 as far as whole lists go (no delta lists, no indirect lists), Ref#2 ECO.1.1.6 and 1.1.7.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID

from connector.operators.trust.certificates import is_authority, list_addresses

__all__ = ["Judgement", "choose", "is_genuine", "judge", "newest_first"]

CLOCK_SKEW = timedelta(minutes=10)
"""How far ahead a list may be dated: clocks differ a little."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a list says of itself: usable when ``code`` is empty."""

    code: str = ""  # CRL_INVALIDE or CRL_PERIMEE
    detail: str = ""


def is_genuine(revocations: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """True when ``issuer`` signed the list and may do so."""
    if revocations.issuer != issuer.subject or not _may_sign_lists(issuer):
        return False
    try:
        return revocations.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False


def _may_sign_lists(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True
    except ValueError:
        return False


def judge(
    revocations: x509.CertificateRevocationList, certificate: x509.Certificate, *, now: datetime, grace: timedelta
) -> Judgement:
    """Whether a genuine list can tell now if ``certificate`` is revoked.

    Args:
        revocations: signed by the issuer of the certificate, see :func:`is_genuine`.
        certificate: the one in question.
        now: aware.
        grace: how long past ``nextUpdate`` the list still counts.
    """
    ends = revocations.next_update_utc
    if ends is None:
        return Judgement("CRL_INVALIDE", "the list does not say until when it is valid")
    if revocations.last_update_utc > now + CLOCK_SKEW:
        return Judgement("CRL_INVALIDE", f"the list is dated {revocations.last_update_utc:%Y-%m-%d %H:%M} UTC")
    if not _covers(revocations, certificate):
        return Judgement("CRL_INVALIDE", "the list is not about this kind of certificate")
    if now > ends + grace:
        return Judgement("CRL_PERIMEE", f"the list was valid until {ends:%Y-%m-%d %H:%M} UTC")
    return Judgement()


def _covers(revocations: x509.CertificateRevocationList, certificate: x509.Certificate) -> bool:
    """False for partial lists about others, and for anything critical that is not understood (RFC 5280 5.2)."""
    try:
        extensions = revocations.extensions
    except ValueError:
        return False
    known = ExtensionOID.ISSUING_DISTRIBUTION_POINT
    if any(extension.critical and extension.oid != known for extension in extensions):
        return False
    part = next((extension.value for extension in extensions if extension.oid == known), None)
    return not isinstance(part, x509.IssuingDistributionPoint) or _is_in_part(part, certificate)


def _is_in_part(part: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> bool:
    if part.indirect_crl or part.only_contains_attribute_certs or part.only_some_reasons:
        return False
    if part.only_contains_user_certs if is_authority(certificate) else part.only_contains_ca_certs:
        return False
    names = {str(name.value) for name in part.full_name or ()}
    addresses = set(list_addresses(certificate))
    return not names or not addresses or bool(names & addresses)


def choose(
    candidates: Iterable[x509.CertificateRevocationList], certificate: x509.Certificate, *, now: datetime,
    grace: timedelta,
) -> tuple[x509.CertificateRevocationList | None, Judgement]:  # fmt: skip
    """The first list that can be used, or why none can; an outdated one explains more than an unfit one.

    Args:
        candidates: genuine lists, those to prefer first.
        certificate: as for :func:`judge`.
        now: likewise.
        grace: likewise.
    """
    faults = [Judgement("CRL_ABSENTE", "there is no revocation list of its issuer")]
    for revocations in candidates:
        judgement = judge(revocations, certificate, now=now, grace=grace)
        if not judgement.code:
            return revocations, judgement
        faults.append(judgement)
    order = ("CRL_ABSENTE", "CRL_INVALIDE", "CRL_PERIMEE")
    return None, max(faults, key=lambda fault: order.index(fault.code))


def newest_first(
    lists: Iterable[x509.CertificateRevocationList],
) -> Sequence[x509.CertificateRevocationList]:
    """By date of issue."""
    return sorted(lists, key=lambda revocations: revocations.last_update_utc, reverse=True)
