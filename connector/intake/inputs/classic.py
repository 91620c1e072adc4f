"""An ORU of a laboratory with a PDF and without the flags of the ANS: a document made around the PDF.

The patient comes from PID, the type from OBX-3 or OBR-4, the recipients from the sidecar or, by the numbers in
OBR-16, OBR-28, PV1-8 and ORC-12, from the table of correspondents.
"""

from dataclasses import replace
from datetime import date

from connector.documents.hl7.order import Hl7Order
from connector.documents.hl7.patient import Hl7Patient
from connector.domain.errors import InvalidSubmission
from connector.domain.patient import MatriculeINS
from connector.domain.submission import FileRole, Recipient, SubmittedFile
from connector.intake.drop import base_name
from connector.intake.inputs.n1 import Desk, Identity, Words, document_around, warnings_of
from connector.intake.inputs.understood import Understood
from connector.intake.problem import BadDrop
from connector.intake.sidecar import Sidecar

__all__ = ["understand_classic"]

_LABORATORY_REPORT = "11502-2"


def understand_classic(order: Hl7Order, understood: Understood, sidecar: Sidecar, desk: Desk) -> Understood:
    """What such a message means.

    Args:
        order: the message.
        understood: as far as it is.
        sidecar: may name the recipients.
        desk: for the document and the correspondents.

    Raises:
        InvalidSubmission: mostly :class:`BadDrop`.
    """
    pdfs = [file for file in understood.files if file.role is FileRole.PDF]
    if not pdfs:
        raise BadDrop(
            "INCOMPLET", "an HL7 message without a document",
            "Le message HL7 ne contient ni document CDA ni PDF, et aucun PDF du même nom ne l'accompagne.",
        )  # fmt: skip
    types = tuple(stated.code for stated in order.document_types)
    words = Words(types=(*types, _LABORATORY_REPORT), title=order.document_label)
    who = _identity(order.patient)
    built = [document_around(pdf, _name(pdf, pdfs), who, words, desk) for pdf in pdfs]
    kept = [replace(file, role=FileRole.ORIGINAL) if file in pdfs else file for file in understood.files]
    recipients = () if sidecar.recipients else _recipients(order, desk)
    return replace(
        understood, files=(*kept, *(one.file for one in built)), recipients=recipients,
        warnings=(*understood.warnings, *warnings_of(built)),
    )  # fmt: skip


def _name(pdf: SubmittedFile, pdfs: list[SubmittedFile]) -> str:
    number = pdfs.index(pdf) + 1
    return base_name(pdf.name) if number == 1 else f"{base_name(pdf.name)}-{number}"


def _recipients(order: Hl7Order, desk: Desk) -> tuple[Recipient, ...]:
    """Whoever is known; nobody known means nobody named, and the folder's default counts."""
    found = [desk.correspondent(person.person_id) for person in order.correspondents if person.person_id]
    return tuple(Recipient(address) for address in dict.fromkeys(found) if address is not None)


def _identity(patient: Hl7Patient) -> Identity:
    local = next((one for one in patient.ids if not one.is_ins), None)
    return Identity(
        ins=_ins(patient), ins_is_qualified=patient.is_validated, local_number=local.extension if local else "",
        local_root=local.root if local and local.root[:1].isdigit() else "", birth_family=patient.birth_family,
        used_family=patient.used_family, all_given=tuple((patient.all_given or patient.birth_given).split()),
        given=patient.birth_given, birth_date=_day(patient.birth_date),
        gender=patient.sex if patient.sex in ("M", "F") else "UN", birth_place=patient.birth_place,
    )  # fmt: skip


def _ins(patient: Hl7Patient) -> MatriculeINS | None:
    """One whose key fits; another one is left out like an unqualified one."""
    for one in patient.ids:
        if one.is_ins:
            try:
                return MatriculeINS.parse(one.extension, one.root)
            except InvalidSubmission:
                continue
    return None


def _day(text: str) -> date | None:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8])) if len(text) == 8 else None
