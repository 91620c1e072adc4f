"""Does the message say what the documents in it say?

Source rules: IG "Transmission de documents CDA en HL7v2" 2.1 (PID-3, OBR-4, TXA-2, TXA-12, TXA-13 repeat the CDA
header; two documents of an ORU are N1 and N3 of one content); every disagreement is an application error, 207.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from connector.documents.cda.model import CdaDocument, InstanceId
from connector.documents.hl7.errors import Err3, Hl7Problem
from connector.documents.hl7.order import Action, Hl7Order
from connector.domain.patient import PatientIdentifier

__all__ = ["check_against_cda"]

_PATIENT = "HL7_PATIENT_DIFFERENT"
_DOCUMENT = "HL7_DOCUMENT_DIFFERENT"
_BIRTH_DATE = 8  # digits of a whole one


def check_against_cda(order: Hl7Order, cda_documents: Sequence[CdaDocument]) -> tuple[Hl7Problem, ...]:
    """Where message and documents disagree.

    Args:
        order: the message.
        cda_documents: the headers of ``order.documents``, in the same order.

    Returns:
        Every disagreement, those about the patient first; nothing when all is well.
    """
    return (
        *(problem for document in cda_documents for problem in _patient(order, document)),
        *(problem for document in cda_documents for problem in _type(order, document)),
        *(problem for document in cda_documents for problem in _identifiers(order, document)),
        *(problem for document in cda_documents for problem in _action(order, document)),
        *_pairs(cda_documents),
    )


def _problem(code: str, location: str, detail: str) -> Hl7Problem:
    return Hl7Problem(code, Err3.APPLICATION, location, detail)


def _patient(order: Hl7Order, document: CdaDocument) -> Iterator[Hl7Problem]:
    if document.patients_count != 1:
        detail = f"the document is about {document.patients_count} patients"
        yield _problem("PATIENTS_MULTIPLES", "OBX^1^5", detail)
    if not _same_patient(order.patient_ids, document.patient.ids):
        yield _problem(_PATIENT, "PID^1^3", "the identifiers of PID-3 are not those of the patient of the document")
    if not _same_birth(order.patient.birth_date, document.patient.birth_time):
        yield _problem(_PATIENT, "PID^1^7", "the birth date of PID-7 is not that of the patient of the document")


def _same_patient(stated: Sequence[PatientIdentifier], others: Sequence[PatientIdentifier]) -> bool:
    """True with one identifier in common, and one for each authority that both sides name; INS count as one."""

    def by_authority(identifiers: Sequence[PatientIdentifier]) -> dict[str, set[PatientIdentifier]]:
        groups: dict[str, set[PatientIdentifier]] = {}
        for identifier in identifiers:
            groups.setdefault("INS" if identifier.is_ins else identifier.root, set()).add(identifier)
        return groups

    ours, theirs = by_authority(stated), by_authority(others)
    common = ours.keys() & theirs.keys()
    return bool(common) and all(ours[authority] & theirs[authority] for authority in common)


def _same_birth(stated: str, in_document: str) -> bool:
    """True unless two whole dates differ."""
    theirs = in_document[:_BIRTH_DATE]
    return len(stated) < _BIRTH_DATE or len(theirs) < _BIRTH_DATE or stated == theirs


def _type(order: Hl7Order, document: CdaDocument) -> Iterator[Hl7Problem]:
    for stated in order.document_types:
        if stated.code != document.code.code:
            yield _problem(_DOCUMENT, stated.location, "the type of document is not that of the document")


def _identifiers(order: Hl7Order, document: CdaDocument) -> Iterator[Hl7Problem]:
    if order.document_id and not _same_id(order.document_id, document.id):
        yield _problem(_DOCUMENT, "TXA^1^12", "TXA-12 is not the id of the document")
    replaced = document.replaces
    if order.replaced_id and replaced and not _same_id(order.replaced_id, replaced):
        yield _problem(_DOCUMENT, "TXA^1^13", "TXA-13 is not the document that the document replaces")


def _same_id(stated: InstanceId, other: InstanceId) -> bool:
    """The same id, also when the message has root and extension joined by a dot in one component."""
    if stated == other:
        return True
    return not stated.extension and stated.root in {f"{other.root}.{other.extension}", other.extension}


def _action(order: Hl7Order, document: CdaDocument) -> Iterator[Hl7Problem]:
    code, place = "HL7_ACTION_INCOHERENTE", "ORC^1^1"
    if order.action is Action.FIRST and document.replaces:
        yield _problem(code, place, "a first sending carries a document that replaces another one")
    if order.action is not Action.REPLACE:
        return
    if not document.replaces:
        yield _problem(code, place, "a replacement carries a document that replaces none")
    elif document.version == 1:
        yield _problem(code, place, "a replacement carries version 1 of a document")


def _pairs(documents: Sequence[CdaDocument]) -> Iterator[Hl7Problem]:
    """Two documents: one of level 1, one structured, of one patient and one type, each with its own id."""
    place = "OBX^2^5"
    for first, second in pairwise(documents):
        if not _same_patient(first.patient.ids, second.patient.ids):
            yield _problem(_PATIENT, place, "the two documents are not about the same patient")
        if first.code.code != second.code.code:
            yield _problem(_DOCUMENT, place, "the two documents are not of the same type")
        if first.id == second.id:
            yield _problem(_DOCUMENT, place, "the two documents have the same id")
        if first.is_level_1 == second.is_level_1:
            yield _problem(_DOCUMENT, place, "two documents must be of level 1 and of level 3")
