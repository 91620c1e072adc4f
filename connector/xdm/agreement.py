"""Do the metadata of a document say what its CDA header says?"""

from collections.abc import Iterator
from dataclasses import dataclass

from connector.documents.cda.model import CdaDocument
from connector.documents.cda.parse import OpenedCda, open_cda
from connector.documents.recognise import is_cda
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.errors import ConnectorError, MalformedMessage
from connector.domain.limits import Limits
from connector.xdm.derive import derive_entry
from connector.xdm.hl7_values import patient_identifier
from connector.xdm.model import CodedValue, DocumentEntry, XdmDocument

__all__ = ["Disagreement", "disagreements", "entry_disagreements", "same_patient"]

_FRENCH_HEADER = "1.2.250.1.213.1.1.1.1"  # templateId of the CI-SIS header
_COMPARED = {
    "creationTime": "creation_time",
    "languageCode": "language_code",
    "serviceStartTime": "service_start_time",
    "serviceStopTime": "service_stop_time",
    "title": "title",
    "legalAuthenticator": "legal_authenticator",
    "sourcePatientId": "source_patient_id",
    "sourcePatientInfo": "source_patient_info",
    "formatCode": "format_code",
    "healthcareFacilityTypeCode": "healthcare_facility_type_code",
    "practiceSettingCode": "practice_setting_code",
    "author": "authors",
    "eventCodeList": "event_code_list",
}


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One attribute that differs; serious when it concerns the identity of document or patient, or its type."""

    code: str
    text: str
    is_serious: bool


def disagreements(document: XdmDocument, limits: Limits = DEFAULT_LIMITS) -> list[Disagreement]:
    """Where entry and document differ; nothing for a document that is not a CDA.

    Documents without the French header are compared by identifier and patient only.
    """
    if not is_cda(document.content):
        return []
    try:
        return entry_disagreements(document.entry, open_cda(document.content, limits, error=MalformedMessage))
    except ConnectorError as failure:
        return [Disagreement("CDA_INVALIDE", f"the document is not a usable CDA: {failure.detail}", is_serious=True)]


def entry_disagreements(entry: DocumentEntry, opened: OpenedCda) -> list[Disagreement]:
    """Where an entry and its document, parsed already, differ.

    Raises:
        ConnectorError: no entry can be made of the document.
    """
    derived = derive_entry(opened.document, opened.content, entry_uuid="", uri="")
    return list(_compare(entry, derived, opened.document))


def same_patient(entry: DocumentEntry, document: CdaDocument) -> bool:
    """True when patientId or sourcePatientId of the entry names one of the patient's identifiers.

    Only identifier and authority count: senders disagree about the type (NH, PI, PN).
    """
    known = {(identifier.root, identifier.extension) for identifier in document.patient.ids}
    known |= {_cx(patient_identifier(identifier)) for identifier in document.patient.ids}  # delimiters escaped
    if document.patient.ins:
        return _cx(entry.patient_id) in known
    return _cx(entry.patient_id) in known or _cx(entry.source_patient_id) in known


def _cx(value: str) -> tuple[str, str]:
    """Authority and identifier of a CX."""
    parts = [*value.split("^"), "", "", "", ""]
    return (parts[3].strip("&").partition("&")[0], parts[0])


def _compare(entry: DocumentEntry, derived: DocumentEntry, header: CdaDocument) -> Iterator[Disagreement]:
    is_french = _FRENCH_HEADER in header.template_ids
    if entry.unique_id != derived.unique_id:
        yield Disagreement("UNIQUEID_INCOHERENT", "the uniqueId is not the id of the document", is_french)
    if entry.patient_id and not same_patient(entry, header):
        yield Disagreement("PATIENT_INCOHERENT", "the patient is not that of the document", is_french)
    if not is_french:
        return
    if _bare(entry.type_code) != _bare(derived.type_code):
        yield Disagreement("TYPE_INCOHERENT", "the typeCode is not that of the document", is_serious=True)
    for name, field in _COMPARED.items():
        if _bare(getattr(entry, field)) != _bare(getattr(derived, field)):
            yield Disagreement(
                "METADONNEE_INCOHERENTE", f"the {name} is not what the document says", is_serious=False
            )
    if derived.action and not entry.action:
        yield Disagreement("ACTION_ABSENTE", "a later version comes without the action C", is_serious=False)


def _bare(value: object) -> object:
    """What counts in a comparison: of coded values the code."""
    if isinstance(value, CodedValue):
        return value.code
    return tuple(_bare(item) for item in value) if isinstance(value, tuple) else value
