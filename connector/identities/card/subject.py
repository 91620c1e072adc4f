"""Who a CPS certificate belongs to, and how long it is still good. Pure.

A CPS authentication certificate names its holder in one multi-valued relative name, ``CN=<national identifier> + SN
+ GN``, beside ``title`` (profession), ``OU`` (identifier of the structure) and ``O``. The identifier is the
"identifiant national" of the ANS: 8 and the RPPS number (11 digits), 0 and the ADELI number (9 digits), or another
digit and the number of a structure, with a suffix for those who work there.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID, ObjectIdentifier

from connector.identities.card.status import CardCertificate

__all__ = ["EXPIRY_WARNING_DAYS", "describe", "expiry_warning", "issuers_of", "same_holder"]

EXPIRY_WARNING_DAYS = (7, 30, 60, 90)
"""Days before the end at which a person is warned, each time more urgently."""

_RPPS, _ADELI = re.compile(r"8?(\d{11})"), re.compile(r"0?(\d{9})")
_NATIONAL_ID = re.compile(r"\d[\w./-]{7,}")
_UPN = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")  # in the subject alternative name: <id>@carte-cps.fr
_LONGEST_CHAIN = 4


def describe(certificate: x509.Certificate, label: str) -> CardCertificate:
    """A certificate as a person recognises it.

    Args:
        certificate: of the card.
        label: its label there (CKA_LABEL).
    """
    subject = certificate.subject
    common_name = _first(subject, NameOID.COMMON_NAME)
    return CardCertificate(
        common_name=common_name,
        holder=_holder(common_name, certificate),
        profession=_first(subject, NameOID.TITLE),
        organization=_first(subject, NameOID.ORGANIZATION_NAME),
        issuer=_first(certificate.issuer, NameOID.COMMON_NAME),
        label=label,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        surname=_first(subject, NameOID.SURNAME),
        given_name=_first(subject, NameOID.GIVEN_NAME),
    )


def same_holder(asked: str, found: str) -> bool:
    """Whether two spellings of a national identifier mean the same person: RPPS, ADELI with or without their digit.

    Args:
        asked: of the settings.
        found: on the card.
    """
    return _bare(asked) == _bare(found)


def expiry_warning(not_after: datetime, now: datetime) -> int | None:
    """Which of the warnings a certificate has reached.

    Returns:
        The days of the most urgent one (:data:`EXPIRY_WARNING_DAYS`), 0 when it has expired, ``None`` for neither.
    """
    left = not_after - now
    if left <= timedelta():
        return 0
    return next((days for days in EXPIRY_WARNING_DAYS if left <= timedelta(days=days)), None)


def issuers_of(certificate: x509.Certificate, candidates: Iterable[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """The chain above a certificate as far as the candidates reach, without the root: servers often hold only that.

    Args:
        certificate: the end.
        candidates: in any order; what has not signed is not taken.
    """
    pool, chain = list(candidates), list[x509.Certificate]()
    below = certificate
    while len(chain) < _LONGEST_CHAIN and (above := _issuer(below, pool)) is not None:
        if above.subject == above.issuer:
            break
        chain.append(above)
        below = above
    return tuple(chain)


def _issuer(certificate: x509.Certificate, pool: Sequence[x509.Certificate]) -> x509.Certificate | None:
    return next((one for one in pool if one != certificate and _has_signed(one, certificate)), None)


def _has_signed(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _holder(common_name: str, certificate: x509.Certificate) -> str:
    if _NATIONAL_ID.fullmatch(common_name):
        return common_name
    return next((name for name in _user_names(certificate) if _NATIONAL_ID.fullmatch(name)), "")


def _user_names(certificate: x509.Certificate) -> list[str]:
    """What stands before the @ of each user principal name; a certificate that cannot be read further has none."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    others = (name for name in names if isinstance(name, x509.OtherName) and name.type_id == _UPN)
    # DER UTF8String: tag, length, text; none is as long as 128 bytes
    return [other.value[2:].decode("utf-8", "replace").partition("@")[0] for other in others]


def _first(name: x509.Name, kind: ObjectIdentifier) -> str:
    values = name.get_attributes_for_oid(kind)
    return str(values[0].value) if values else ""


def _bare(identifier: str) -> str:
    text = identifier.replace(" ", "")
    known = _RPPS.fullmatch(text) or _ADELI.fullmatch(text)
    return known.group(1) if known else text
