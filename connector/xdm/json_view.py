"""Metadata as JSON values: keys are the XDS attribute names, absent attributes are left out.

Coded values are ``{"code", "codingScheme", "displayName"}``, authors ``{"authorInstitution", "authorPerson",
"authorRole", "authorSpecialty"}`` with lists where XDS allows several; all others are the strings of the file.
"""

from typing import Any

from connector.xdm.model import AuthorEntry, CodedValue, DocumentEntry, Metadata, SubmissionSet
from connector.xdm.vocabulary import ACTION_SLOT

__all__ = ["metadata_as_json"]

_ENTRY = {
    "entryUUID": "entry_uuid",
    "uniqueId": "unique_id",
    "mimeType": "mime_type",
    "availabilityStatus": "availability_status",
    "URI": "uri",
    "hash": "hash",
    "size": "size",
    "creationTime": "creation_time",
    "languageCode": "language_code",
    "serviceStartTime": "service_start_time",
    "serviceStopTime": "service_stop_time",
    "legalAuthenticator": "legal_authenticator",
    "sourcePatientId": "source_patient_id",
    "sourcePatientInfo": "source_patient_info",
    "referenceIdList": "reference_id_list",
    "repositoryUniqueId": "repository_unique_id",
    "title": "title",
    "comments": "comments",
    "author": "authors",
    "classCode": "class_code",
    "confidentialityCode": "confidentiality_codes",
    "eventCodeList": "event_code_list",
    "formatCode": "format_code",
    "healthcareFacilityTypeCode": "healthcare_facility_type_code",
    "practiceSettingCode": "practice_setting_code",
    "typeCode": "type_code",
    "patientId": "patient_id",
    ACTION_SLOT: "action",
}
_SET = {
    "entryUUID": "entry_uuid",
    "uniqueId": "unique_id",
    "availabilityStatus": "availability_status",
    "submissionTime": "submission_time",
    "title": "title",
    "comments": "comments",
    "author": "authors",
    "contentTypeCode": "content_type_code",
    "patientId": "patient_id",
    "sourceId": "source_id",
    "intendedRecipient": "intended_recipients",
}


def metadata_as_json(metadata: Metadata) -> dict[str, Any]:
    """``{"submissionSet": {…}, "documentEntries": [{…}]}``; further sets are in ``otherSubmissionSets``."""
    sets = [_object(submission_set, _SET) for submission_set in metadata.submission_sets]
    shown: dict[str, Any] = {
        "submissionSet": sets[0] if sets else {},
        "documentEntries": [_object(entry, _ENTRY) for entry in metadata.document_entries],
    }
    if sets[1:]:
        shown["otherSubmissionSets"] = sets[1:]
    return shown


def _object(item: DocumentEntry | SubmissionSet, names: dict[str, str]) -> dict[str, Any]:
    shown = {name: _value(getattr(item, field)) for name, field in names.items()}
    shown |= {name: list(values) for name, values in item.extra_slots}
    return {name: value for name, value in shown.items() if value not in ("", [], None)}


def _value(value: Any) -> Any:
    match value:
        case CodedValue():
            return {"code": value.code, "codingScheme": value.coding_scheme, "displayName": value.display_name}
        case AuthorEntry():
            return _author(value)
        case tuple():
            return [_value(item) for item in value]
        case _:
            return value


def _author(author: AuthorEntry) -> dict[str, Any]:
    """Person and, as everyone writes one, institution and specialty are strings; several give a list."""
    shown = {
        "authorInstitution": author.institutions,
        "authorPerson": (author.person,) if author.person else (),
        "authorRole": author.roles,
        "authorSpecialty": author.specialties,
        "authorTelecommunication": author.telecommunications,
    }
    return {name: values[0] if len(values) == 1 else list(values) for name, values in shown.items() if values}
