"""The rows of table MetaDMPMSS, and to whom a message may be sent by them.

Source rule: IG "Transmission de documents CDA en HL7v2" 2.1, table of allowed combinations; the official samples
deviate in the visibility flags when nothing goes to the patient, which is tolerated and told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from connector.documents.hl7.errors import Err3, Findings, Hl7Error, Hl7Problem
from connector.documents.hl7.message import Segment

__all__ = ["Destinations", "Flag", "Flags", "destinations", "flag_of", "read_flags"]


class Flag(StrEnum):
    """Codes of OBX-3."""

    MASQUE_PS = "MASQUE_PS"
    INVISIBLE_PATIENT = "INVISIBLE_PATIENT"
    INVISIBLE_REP_LEGAUX = "INVISIBLE_REP_LEGAUX"
    CONNEXION_SECRETE = "CONNEXION_SECRETE"  # noqa: S105 - a flag of the DMP, no secret
    MODIF_CONF_CODE = "MODIF_CONF_CODE"
    DESTDMP = "DESTDMP"
    DESTMSSANTEPS = "DESTMSSANTEPS"
    DESTMSSANTEPAT = "DESTMSSANTEPAT"
    ACK_RECEPTION = "ACK_RECEPTION"
    ACK_LECTURE_MSS = "ACK_LECTURE_MSS"


_FORMER_NAMES = {
    "INVISIBLE_REPRESENTANTS_LEGAUX": Flag.INVISIBLE_REP_LEGAUX,  # volet 1.x
    "MODIF_CONFIDENTIALITYCODE": Flag.MODIF_CONF_CODE,
    "ACK_LECTURE": Flag.ACK_LECTURE_MSS,
}
_CODES = {flag.value: flag for flag in Flag} | _FORMER_NAMES
_SAFETY = frozenset({Flag.MASQUE_PS, Flag.INVISIBLE_PATIENT, Flag.INVISIBLE_REP_LEGAUX})
_OPTIONAL = frozenset({Flag.ACK_RECEPTION, Flag.ACK_LECTURE_MSS})
_VALUES = {"Y": True, "N": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """Every row with its value, ``False`` for one that is not there."""

    masque_ps: bool = False  # hidden from professionals
    invisible_patient: bool = False  # must not be mailed to the patient
    invisible_rep_legaux: bool = False  # must not be mailed to legal representatives
    connexion_secrete: bool = False
    modif_conf_code: bool = False  # only visibility changes
    destdmp: bool = False
    destmssanteps: bool = False
    destmssantepat: bool = False
    ack_reception: bool = False  # wants ZAM Z02
    ack_lecture_mss: bool = False  # wants ZAM Z03
    present: frozenset[Flag] = frozenset()


@dataclass(frozen=True, slots=True)
class Destinations:
    """To whom a message goes."""

    professionals: bool
    patient: bool
    warnings: tuple[str, ...] = ()


def flag_of(row: Segment) -> Flag | None:
    """Which flag an OBX is, if it is one; the names of volet 1.x are understood."""
    return _CODES.get(row.value(3).upper())


def read_flags(rows: Iterable[Segment], findings: Findings) -> Flags:
    """The flags of OBX rows.

    Args:
        rows: any OBX; those that are no flags are passed over.
        findings: takes values other than Y and N (103), contradicting rows (198), absent visibility flags (101), and
            a warning for other absent ones.

    Returns:
        The flags; none present means a message outside the ANS volets.
    """
    values: dict[Flag, bool] = {}
    for row in rows:
        flag = flag_of(row)
        if flag is None:
            continue
        value = _VALUES.get(row.value(5).upper())
        if value is None:
            detail = f"{flag} is neither Y nor N"
            findings.add(Hl7Problem("HL7_CODE_INCONNU", Err3.TABLE_VALUE, row.place(5), detail))
        elif values.get(flag, value) != value:
            detail = f"{flag} is there with two values"
            findings.add(Hl7Problem("HL7_CARDINALITE", Err3.CARDINALITY, row.place(3), detail))
        values.setdefault(flag, bool(value))
    if values:
        _check_absent(set(Flag) - _OPTIONAL - set(values), findings)
    return Flags(**{flag.lower(): value for flag, value in values.items()}, present=frozenset(values))


def _check_absent(absent: set[Flag], findings: Findings) -> None:
    for flag in sorted(absent & _SAFETY):
        detail = f"the row {flag} is missing, so nobody can say who may see the document"
        findings.add(Hl7Problem("HL7_CHAMP_ABSENT", Err3.FIELD_MISSING, "OBX^1^3", detail))
    if absent - _SAFETY:
        findings.warn("HL7_DRAPEAU_ABSENT")


def destinations(flags: Flags) -> Destinations:
    """Where a message goes by the table of allowed combinations.

    Raises:
        Hl7Error: ``HL7_DMP_SEUL``, ``HL7_SANS_DESTINATION``, ``HL7_DOCUMENT_MASQUE`` (to someone from whom it is
            hidden) or ``HL7_DRAPEAUX_INCOHERENTS`` (any other combination that the table does not hold); ERR-3 207.
    """
    professionals, patient = flags.destmssanteps, flags.destmssantepat
    if not professionals and not patient:
        code = "HL7_DMP_SEUL" if flags.destdmp else "HL7_SANS_DESTINATION"
        raise _refusal(code, "neither DESTMSSANTEPS nor DESTMSSANTEPAT is Y")
    if professionals and flags.masque_ps:
        raise _refusal("HL7_DOCUMENT_MASQUE", "MASQUE_PS and DESTMSSANTEPS are both Y")
    if patient and flags.invisible_patient:
        raise _refusal("HL7_DOCUMENT_MASQUE", "INVISIBLE_PATIENT and DESTMSSANTEPAT are both Y")
    if professionals and patient and flags.invisible_rep_legaux:
        raise _refusal("HL7_DOCUMENT_MASQUE", "INVISIBLE_REP_LEGAUX is Y in a message for professionals and patient")
    if not professionals and (flags.connexion_secrete or flags.destdmp):
        detail = "CONNEXION_SECRETE or DESTDMP is Y in a message for the patient only"
        raise _refusal("HL7_DRAPEAUX_INCOHERENTS", detail)
    is_unusual = not patient and (flags.invisible_rep_legaux or not flags.invisible_patient)
    warnings = ("HL7_DRAPEAUX_TOLERES",) if is_unusual else ()
    return Destinations(professionals, patient, warnings + (("HL7_DMP_IGNORE",) if flags.destdmp else ()))


def _refusal(code: str, detail: str) -> Hl7Error:
    return Hl7Error(Hl7Problem(code, Err3.APPLICATION, "", detail))
