"""PID: identifiers and traits of the patient.

Source rules: IG "Transmission de documents CDA en HL7v2" 2.1 (PID-3, -5, -11, -32); PAM national extension 2.11.
"""

import re
from dataclasses import dataclass

from connector.documents.hl7.errors import Err3, Findings, Hl7Problem
from connector.documents.hl7.message import Message, Segment
from connector.domain.patient import INS_NIA, INS_NIR, PatientIdentifier

__all__ = ["Hl7Patient", "oid_of", "read_patient"]

_DATE = re.compile(r"(\d{4})(?:(\d{2})(?:(\d{2})(?:\d{2,6}(?:\.\d+)?)?(?:[+-]\d{4})?)?)?")
_OID = re.compile(r"[0-2](?:\.\d+)+")
_SEXES = frozenset({"", "F", "M", "U", "O", "A", "N", "I"})
_NAMED_AUTHORITIES = {"ASIP-SANTE-INS-NIR": INS_NIR, "ASIP-SANTE-INS-NIA": INS_NIA}
_LEGAL, _USED = ("L", "", "M", "B"), ("D",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hl7Patient:
    """The patient as the LPS says him to be."""

    ids: tuple[PatientIdentifier, ...] = ()  # PID-3, in order
    birth_family: str = ""  # PID-5.1 of the legal name
    birth_given: str = ""  # PID-5.2: first birth first name
    all_given: str = ""  # PID-5.3: all of them
    used_family: str = ""  # PID-5.1 of the repetition of type D
    used_given: str = ""
    birth_date: str = ""  # YYYYMMDD, or less when less is known
    sex: str = ""
    birth_place: str = ""  # COG code: PID-11.9 of the repetition of type BDL
    is_validated: bool = False  # PID-32 holds VALI: a qualified identity
    is_unknown: bool = False  # PID-31
    file_number: str = ""  # PID-18


def read_patient(message: Message, findings: Findings) -> Hl7Patient:
    """The patient of a message, with everything that is wrong with PID in ``findings``."""
    rows = message.all("PID")
    if not rows:
        findings.add(Hl7Problem("HL7_SEGMENT_ABSENT", Err3.SEGMENT_SEQUENCE, "PID^1", "the message has no PID"))
        return Hl7Patient()
    if len(rows) > 1:
        detail = f"the message is about {len(rows)} patients"
        findings.add(Hl7Problem("PATIENTS_MULTIPLES", Err3.CARDINALITY, "PID^2", detail))
    pid = rows[0]
    legal, used = _name(pid, _LEGAL), _name(pid, _USED)
    patient = Hl7Patient(
        ids=_identifiers(pid),
        birth_family=pid.part(legal, 1),
        birth_given=pid.part(legal, 2),
        all_given=pid.part(legal, 3),
        used_family=pid.part(used, 1),
        used_given=pid.part(used, 2),
        birth_date=_birth_date(pid, findings),
        sex=pid.value(8).upper(),
        birth_place=_birth_place(pid),
        is_validated=any(pid.part(item).upper() == "VALI" for item in pid.repetitions(32)),
        is_unknown=pid.value(31).upper() == "Y",
        file_number=pid.value(18),
    )
    _check(pid, patient, findings)
    return patient


def _check(pid: Segment, patient: Hl7Patient, findings: Findings) -> None:
    if not patient.ids:
        detail = "PID-3 names no identifier of the patient"
        findings.add(Hl7Problem("HL7_CHAMP_ABSENT", Err3.FIELD_MISSING, pid.place(3), detail))
    if not patient.birth_family:
        detail = "PID-5 holds no family name"
        findings.add(Hl7Problem("HL7_CHAMP_ABSENT", Err3.FIELD_MISSING, pid.place(5), detail))
    if patient.sex not in _SEXES:
        detail = "PID-8 is not in table 0001"
        findings.add(Hl7Problem("HL7_CODE_INCONNU", Err3.TABLE_VALUE, pid.place(8), detail))


def _identifiers(pid: Segment) -> tuple[PatientIdentifier, ...]:
    found = [
        PatientIdentifier(oid_of(pid, item, 4), "".join(pid.part(item, 1).split()))
        for item in pid.repetitions(3)
        if pid.part(item, 1)
    ]
    return tuple(dict.fromkeys(found))


def oid_of(segment: Segment, repetition: str, component: int) -> str:
    """The authority of an identifier: its OID, or what stands for one.

    Args:
        segment: where the field is from.
        repetition: the CX, XCN or XON as written.
        component: which component is the authority (HD).

    Returns:
        Sub-component 2; the first one when that is an OID itself (met in samples); the OID of a known name; else
        whatever is there.
    """
    name, universal = segment.part(repetition, component), segment.part(repetition, component, 2)
    if universal and _OID.fullmatch(universal):
        return universal
    if _OID.fullmatch(name):
        return name
    return _NAMED_AUTHORITIES.get(name.upper(), universal or name)


def _name(pid: Segment, types: tuple[str, ...]) -> str:
    """The repetition of PID-5 of the first type that is there."""
    names = pid.repetitions(5)
    return next((name for kind in types for name in names if pid.part(name, 7).upper() == kind), "")


def _birth_place(pid: Segment) -> str:
    return next((pid.part(item, 9) for item in pid.repetitions(11) if pid.part(item, 7).upper() == "BDL"), "")


def _birth_date(pid: Segment, findings: Findings) -> str:
    value = pid.value(7)
    found = _DATE.fullmatch(value)
    if found and int(found[2] or 1) <= 12 and int(found[3] or 1) <= 31:
        return "".join(filter(None, found.groups()))
    if value:
        detail = "PID-7 is not a date"
        findings.add(Hl7Problem("HL7_VALEUR_INVALIDE", Err3.DATA_TYPE, pid.place(7), detail))
    return ""
