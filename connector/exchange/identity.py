"""Whom a received message is about: the patient as METADATA, CDA, HPRIM and HL7 name him, compared with one another.

Only these name a patient, never subject, file name or sender (Ref#2 ECO.2.1.2). Two mentions disagree when nothing of
an identifier that both have is common, or when a trait that both have differs; what is absent proves nothing.

Source rules: MSS/va1.27 (an INS that is not qualified is compared by a person); IG "Transmission au LPS", errors 904
and 906; known OIDs of the INS and their test forms.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from connector.documents.cda.model import CdaDocument
from connector.documents.hl7.patient import Hl7Patient
from connector.documents.hprim.model import HprimRecord
from connector.domain.errors import InvalidSubmission
from connector.domain.patient import MatriculeINS, PatientIdentifier
from connector.mail.text import ascii_fold
from connector.xdm.agreement import same_patient
from connector.xdm.model import DocumentEntry

__all__ = [
    "FoundPatient", "IdentitySource", "IdentityState", "agree", "distinct", "doubts", "identity_state", "of_cda",
    "of_entry", "of_hl7", "of_hprim", "same_in_entry",
]  # fmt: skip

_FULL_DATE = 8
_PARTICLE_CHARS = 3  # de, du, des, von: shared by many
_SEXES = frozenset({"M", "F"})
_FOUR_DIGITS = re.compile(r"\d{4}")
_WORDS = re.compile(r"[A-Z0-9]+")


class IdentityState(StrEnum):
    """How sure it is whom a received message is about."""

    NONE = "none"  # nothing in it names a patient
    QUALIFIED = "qualified"  # a matricule with its authority and all traits
    UNQUALIFIED = "unqualified"  # a person compares the traits
    DOUBTFUL = "doubtful"  # its matricule is wrong, or that of a test
    SEVERAL = "several"  # documents of several patients
    MISMATCH = "mismatch"  # its files disagree about one patient


class IdentitySource(StrEnum):
    """What names the patient, in the words of the index."""

    CDA = "CDA"
    METADATA = "METADATA"
    HPRIM = "HPRIM"
    HL7 = "HL7"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPatient:
    """A patient as one file names him; every text is that of the file."""

    source: IdentitySource
    file_name: str = ""  # in the message: data
    ids: tuple[PatientIdentifier, ...] = ()
    families: tuple[str, ...] = ()  # birth name first
    givens: tuple[str, ...] = ()  # first birth first name first
    birth_date: str = ""  # YYYYMMDD, or less when less is known
    gender: str = ""
    birth_place: str = ""
    is_qualified: bool = False  # matricule, authority and the four traits

    @property
    def ins(self) -> PatientIdentifier | None:
        """The matricule INS, if there is one."""
        return next((identifier for identifier in self.ids if identifier.is_ins), None)

    @property
    def has_valid_ins(self) -> bool:
        """True when there is a matricule and its key fits."""
        try:
            return self.ins is not None and bool(MatriculeINS.parse(self.ins.extension, self.ins.root))
        except InvalidSubmission:
            return False


def of_cda(document: CdaDocument, file_name: str = "") -> FoundPatient:
    """The first patient of a CDA header."""
    patient = document.patient
    return FoundPatient(
        source=IdentitySource.CDA,
        file_name=file_name,
        ids=patient.ids,
        families=_present(patient.birth_family, patient.unqualified_family, patient.used_family),
        givens=_present(patient.birth_given, patient.all_given, patient.used_given),
        birth_date=patient.birth_time[:_FULL_DATE],
        gender=patient.gender,
        birth_place=patient.birth_place,
        is_qualified=patient.has_qualified_ins,
    )


def of_entry(entry: DocumentEntry, file_name: str = "") -> FoundPatient:
    """The patient of a document entry: patientId, sourcePatientId, and the traits of sourcePatientInfo."""
    fields = [line.replace("&amp;", "&").partition("|") for line in entry.source_patient_info]
    names = [value.split("^") for name, _, value in fields if name == "PID-5"]
    single = {name: value for name, _, value in fields}
    ids = (_identifier(entry.patient_id), _identifier(entry.source_patient_id))
    return FoundPatient(
        source=IdentitySource.METADATA,
        file_name=file_name,
        ids=tuple(dict.fromkeys(one for one in ids if one)),
        families=_present(*(name[0] for name in names)),
        givens=_present(*(part for name in names for part in name[1:3])),
        birth_date=single.get("PID-7", "")[:_FULL_DATE],
        gender=single.get("PID-8", ""),
        birth_place="",
    )


def of_hprim(record: HprimRecord, file_name: str = "") -> FoundPatient:
    """The patient of an HPRIM record.

    Its NIR is no identifier of the patient: often it is that of the insured, a parent for instance. A birth date with
    two digits for the year may be of two centuries, and is not compared.
    """
    is_certain = _FOUR_DIGITS.search(record.birth_raw) is not None
    return FoundPatient(
        source=IdentitySource.HPRIM,
        file_name=file_name,
        families=_present(record.family),
        givens=_present(record.given),
        birth_date=(record.birth_date or "").replace("-", "") if is_certain else "",
    )


def of_hl7(patient: Hl7Patient, file_name: str = "") -> FoundPatient:
    """The patient of an HL7 v2 message."""
    return FoundPatient(
        source=IdentitySource.HL7,
        file_name=file_name,
        ids=patient.ids,
        families=_present(patient.birth_family, patient.used_family),
        givens=_present(patient.birth_given, patient.all_given, patient.used_given),
        birth_date=patient.birth_date[:_FULL_DATE],
        gender=patient.sex,
        birth_place=patient.birth_place,
        is_qualified=patient.is_validated,
    )


def agree(one: FoundPatient, other: FoundPatient) -> bool:
    """True when nothing says that these are two patients."""
    if one.ins and other.ins and _bare(one.ins.extension) != _bare(other.ins.extension):
        return False
    if _differ(_date(one), _date(other)) or _differ(_sex(one), _sex(other)):
        return False
    return _share_a_word(one.families, other.families) and _share_a_word(one.givens, other.givens)


def same_in_entry(entry: DocumentEntry, document: CdaDocument) -> bool:
    """True when the entry of a document names the patient of its header, by identifier and by traits.

    Without INS the patientId may be one of another domain, and sourcePatientId the one that both know.
    """
    listed = _identifier(entry.patient_id)
    if listed is not None and listed not in document.patient.ids and not same_patient(entry, document):
        return False
    return agree(of_entry(entry), of_cda(document))


def distinct(patients: Iterable[FoundPatient]) -> tuple[FoundPatient, ...]:
    """One mention of each patient, the first one; more than one are several patients."""
    found: list[FoundPatient] = []
    for patient in patients:
        if not any(agree(patient, known) for known in found):
            found.append(patient)
    return tuple(found)


def doubts(patient: FoundPatient, *, is_production: bool) -> tuple[str, ...]:
    """Why the INS must not be trusted as it is: codes of the catalogue, none for a good one or for none at all."""
    if patient.ins is None:
        return ()
    found = {
        "INS_RECU_CLE_FAUSSE": not patient.has_valid_ins,
        "INS_RECU_DE_TEST": is_production and patient.ins.is_test,
        "INS_RECU_NON_QUALIFIE": not patient.is_qualified,
    }
    return tuple(code for code, holds in found.items() if holds)


def identity_state(patients: Sequence[FoundPatient], warnings: Iterable[str]) -> IdentityState:
    """How sure it is whom a message is about, the worst first.

    Args:
        patients: one mention of each.
        warnings: codes of the message, and of its documents.
    """
    told = set(warnings)
    if "PATIENT_INCOHERENT" in told:
        return IdentityState.MISMATCH
    if "PLUSIEURS_PATIENTS" in told:
        return IdentityState.SEVERAL
    if told & {"INS_RECU_CLE_FAUSSE", "INS_RECU_DE_TEST"}:
        return IdentityState.DOUBTFUL
    if not patients:
        return IdentityState.NONE
    return IdentityState.QUALIFIED if any(one.is_qualified for one in patients) else IdentityState.UNQUALIFIED


def _identifier(composite: str) -> PatientIdentifier | None:
    """A CX as identifier: ``value^^^&OID&ISO^type``."""
    components = composite.replace("&amp;", "&").split("^")
    authority = components[3].split("&") if len(components) > 3 else []
    if not components[0] or len(authority) < 2:
        return None
    return PatientIdentifier(authority[1], components[0])


def _present(*texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(stripped for text in texts if (stripped := text.strip())))


def _bare(matricule: str) -> str:
    return re.sub(r"\s", "", matricule).upper()


def _date(patient: FoundPatient) -> str:
    """The birth date when it is whole; an unknown month or day may be written in several ways."""
    date = patient.birth_date
    is_whole = len(date) == _FULL_DATE and date.isascii() and date.isdigit()
    return date if is_whole and "01" <= date[4:6] <= "12" and date[6:] != "00" else ""


def _sex(patient: FoundPatient) -> str:
    return patient.gender.upper() if patient.gender.upper() in _SEXES else ""


def _differ(one: str, other: str) -> bool:
    return bool(one and other and one != other)


def _share_a_word(ones: Sequence[str], others: Sequence[str]) -> bool:
    """Names are the same when a word of them is, or all their letters are; absent ones prove nothing."""
    first, second = _words(ones), _words(others)
    return not first or not second or bool(first & second)


def _words(names: Sequence[str]) -> set[str]:
    """The words of each name, particles aside, and the name in one piece; hyphens and apostrophes do not count."""
    split = [_WORDS.findall(ascii_fold(name).upper()) for name in names]
    pieces = {"".join(words) for words in split} - {""}
    return pieces | {word for words in split for word in words if len(word) > _PARTICLE_CHARS}
