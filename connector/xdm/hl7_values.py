"""HL7 v2 values that XDS metadata hold: CX, XCN, XON, CXi, times (IHE ITI TF-3 4.2.3.1; CI-SIS metadata mapping)."""

import re
from datetime import UTC, datetime, timedelta, timezone

from connector.documents.cda.model import AssignedEntity, Author, InstanceId, Organization
from connector.domain.patient import INS_OIDS, PatientIdentifier

__all__ = [
    "author_person", "escape", "institution", "patient_identifier", "person", "reference_identifier", "to_utc",
    "utc_time",
]  # fmt: skip

_TIME = re.compile(r"(\d{4,14})(?:\.\d+)?(?:(Z)|([+-])(\d{2}):?(\d{2})?)?")
_ESCAPES = str.maketrans({"\\": "\\E\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\", "|": "\\F\\"})
_LONGEST_INSTITUTION = 150
_DIGITAL_SERVICE = "1.3.2"  # authority of the SIREN of a referenced digital service


def escape(text: str, longest: int = 80) -> str:
    """A text as one component: HL7 v2 delimiters in it are escaped.

    It is cut to ``longest`` characters, so that the value with its other components stays within the 256 characters
    of the ebRIM schema.
    """
    return text[:longest].translate(_ESCAPES)


def utc_time(moment: datetime) -> str:
    """An aware time as the 14 digits of XDS.

    >>> utc_time(datetime(2026, 3, 10, 15, 12, tzinfo=timezone(timedelta(hours=1))))
    '20260310141200'
    """
    utc = moment.astimezone(UTC)
    return f"{utc.year:04}{utc.month:02}{utc.day:02}{utc.hour:02}{utc.minute:02}{utc.second:02}"


def to_utc(cda_time: str) -> str:
    """A CDA time as XDS writes it: UTC, 14 digits, seconds padded with 00.

    A value without hours keeps its digits (a day has no zone); one without zone keeps its hour, since nothing says
    which zone it was. An impossible value gives an empty string.

    >>> to_utc("20190218094914+0100"), to_utc("201907011649+0200"), to_utc("20260310")
    ('20190218084914', '20190701144900', '20260310')
    """
    found = _TIME.fullmatch(cda_time.strip())
    if found is None or len(found[1]) % 2:
        return ""
    digits = found[1]
    padded = digits + "00000101000000"[len(digits) :]
    try:
        month, day, hour, minute, second = (int(padded[at : at + 2]) for at in range(4, 14, 2))
        moment = datetime(int(padded[:4]), month, day, hour, minute, second, tzinfo=_zone(found))
        return digits if len(digits) <= 8 else utc_time(moment)
    except (ValueError, OverflowError):
        return ""


def _zone(found: re.Match[str]) -> timezone:
    if not found[3]:
        return UTC
    offset = timedelta(hours=int(found[4]), minutes=int(found[5] or 0))
    return timezone(offset if found[3] == "+" else -offset)


def patient_identifier(identifier: PatientIdentifier) -> str:
    """A CX: type NH for a matricule INS, PI for a local identifier."""
    kind = "NH" if identifier.is_ins else "PI"
    return f"{escape(identifier.extension)}^^^&{escape(identifier.root)}&ISO^{kind}"


def reference_identifier(identifier: InstanceId, kind: str) -> str:
    """A CXi; an identifier that is one OID has no authority of its own.

    Args:
        identifier: of the order or of the imaging study.
        kind: ``order`` or ``accession``.
    """
    urn = f"urn:ihe:iti:xds:2013:{kind}"
    if not identifier.extension:
        return f"{escape(identifier.root)}^^^^{urn}"
    return f"{escape(identifier.extension)}^^^&{escape(identifier.root)}&ISO^{urn}"


def person(entity: AssignedEntity, *, identifier_type: str = "IDNPS") -> str:
    """An XCN of a person: national or internal identifier, family and given name, name type D."""
    identifier = entity.ids[0] if entity.ids else InstanceId("")
    name = entity.name
    kind = "NH" if identifier.root in INS_OIDS else identifier_type
    return _xcn(identifier, (name.family if name else "", name.given if name else ""), "D", kind)


def author_person(author: Author) -> str:
    """An XCN of an author: a person, or a device (software name, model name, name type U, identifier type RI)."""
    entity = author.entity
    if author.is_device and entity.name is None:
        identifier = entity.ids[0] if entity.ids else InstanceId("")
        return _xcn(identifier, (author.device_software, author.device_model), "U", "RI")
    internal = bool(entity.ids) and "/" in entity.ids[0].extension
    return person(entity, identifier_type="EI" if internal else "IDNPS")


def _xcn(identifier: InstanceId, names: tuple[str, str], name_type: str, identifier_type: str) -> str:
    """Components 1 to 3, authority (9), name type (10) and identifier type (13); nothing of an absent identifier."""
    first = f"{escape(identifier.extension)}^{escape(names[0])}^{escape(names[1])}"
    if not identifier.root:
        return first.rstrip("^") and f"{first}^^^^^^^{name_type}"
    return f"{first}^^^^^^&{escape(identifier.root)}&ISO^{name_type}^^^{identifier_type}"


def institution(organization: Organization | None) -> str:
    """An XON: name, authority (6), identifier type (7), identifier (10); the name alone without identifier.

    Nothing for an organisation without name, which XDS requires (IHE ITI TF-3 4.2.3.1.7).
    """
    if organization is None or not organization.name.strip():
        return ""
    name = escape(organization.name, _LONGEST_INSTITUTION)
    identifier = organization.ids[0] if organization.ids else None
    if identifier is None:
        return name
    kind = "SIREN" if identifier.root == _DIGITAL_SERVICE else "IDNST"
    return f"{name}^^^^^&{escape(identifier.root)}&ISO^{kind}^^^{escape(identifier.extension)}"
