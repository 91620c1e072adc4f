"""Metadata to METADATA.XML, element by element in the order of the ebRIM 3.0 schema.

The text is composed directly: a document object model would cost more than parsing the CDA. One element per line,
so that the file can be read by a person and compresses well.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

from connector.xdm.model import Association, AuthorEntry, CodedValue, DocumentEntry, Metadata, SubmissionSet
from connector.xdm.vocabulary import (
    ACTION_SLOT,
    HAS_MEMBER,
    IDENTIFIER_NAMES,
    LCM,
    OBJECT_TYPE_PREFIX,
    RIM,
    STABLE_DOCUMENT,
    Scheme,
)

__all__ = ["write_metadata"]

_ASSOCIATION = f"{OBJECT_TYPE_PREFIX}Association"
_PACKAGE = f"{OBJECT_TYPE_PREFIX}RegistryPackage"

_SPECIAL = re.compile("[^ !#-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # all that cannot stand as it is
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_REPLACEMENT = "\ufffd"  # for what XML 1.0 cannot hold (production 2)
_MAX_URI_VALUE = 128


def write_metadata(metadata: Metadata) -> bytes:
    """The bytes of METADATA.XML, valid against ``lcm.xsd``.

    Args:
        metadata: submission sets, entries and associations. HasMember ones get the status ``Original``.
    """
    writer = _Writer()
    for submission_set in metadata.submission_sets:
        writer.submission_set(submission_set)
    for entry in metadata.document_entries:
        writer.document_entry(entry)
    for association in metadata.associations:
        writer.association(association)
    return writer.document()


def _quote(text: str) -> str:
    return _SPECIAL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], _REPLACEMENT)


def _slot(name: str, values: Iterable[str]) -> str:
    inner = "".join([f"<Value>{_quote(value)}</Value>" for value in values if value])
    return f'<Slot name="{_quote(name)}"><ValueList>{inner}</ValueList></Slot>\n' if inner else ""


def _localized(element: str, text: str) -> str:
    if not text:
        return ""
    return f'<{element}><LocalizedString xml:lang="fr-FR" charset="UTF-8" value="{_quote(text)}"/></{element}>\n'


def _uri_values(uri: str) -> Sequence[str]:
    """A long URI is cut into numbered pieces (IHE ITI TF-3 4.2.3.2.27)."""
    if len(uri) <= _MAX_URI_VALUE:
        return (uri,)
    room = _MAX_URI_VALUE - 4
    return [f"{number}|{uri[start : start + room]}" for number, start in enumerate(range(0, len(uri), room), 1)]


class _Writer:
    """Collects the lines of one file and numbers its sub-objects."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._ids = (f"o{number}" for number in count(1))

    def document(self) -> bytes:
        head = f'<?xml version="1.0" encoding="UTF-8"?>\n<SubmitObjectsRequest xmlns="{LCM}">\n'
        body = "".join(self._lines)
        text = f'{head}<RegistryObjectList xmlns="{RIM}">\n{body}</RegistryObjectList>\n</SubmitObjectsRequest>\n'
        return text.encode("utf-8")

    def submission_set(self, submission_set: SubmissionSet) -> None:
        owner = _quote(submission_set.entry_uuid)
        self._lines.append(
            f'<RegistryPackage id="{owner}" objectType="{_PACKAGE}"'
            f' status="{_quote(submission_set.availability_status)}">\n'
        )
        self._lines.append(_slot("submissionTime", (submission_set.submission_time,)))
        self._lines.append(_slot("intendedRecipient", submission_set.intended_recipients))
        self._lines += [_slot(name, values) for name, values in submission_set.extra_slots]
        self._names(submission_set.title, submission_set.comments)
        self._lines.append(
            f'<Classification id="{next(self._ids)}" classifiedObject="{owner}"'
            f' classificationNode="{Scheme.SET_NODE}"/>\n'
        )
        self._authors(owner, Scheme.SET_AUTHOR, submission_set.authors)
        self._code(owner, Scheme.SET_CONTENT_TYPE, submission_set.content_type_code)
        self._identifier(owner, Scheme.SET_PATIENT_ID, submission_set.patient_id)
        self._identifier(owner, Scheme.SET_SOURCE_ID, submission_set.source_id)
        self._identifier(owner, Scheme.SET_UNIQUE_ID, submission_set.unique_id)
        self._lines.append("</RegistryPackage>\n")

    def document_entry(self, entry: DocumentEntry) -> None:
        owner = _quote(entry.entry_uuid)
        self._lines.append(
            f'<ExtrinsicObject id="{owner}" objectType="{STABLE_DOCUMENT}" mimeType="{_quote(entry.mime_type)}"'
            f' status="{_quote(entry.availability_status)}">\n'
        )
        self._lines += _entry_slots(entry)
        self._names(entry.title, entry.comments)
        self._authors(owner, Scheme.ENTRY_AUTHOR, entry.authors)
        self._code(owner, Scheme.ENTRY_CLASS, entry.class_code)
        for code in entry.confidentiality_codes:
            self._code(owner, Scheme.ENTRY_CONFIDENTIALITY, code)
        for code in entry.event_code_list:
            self._code(owner, Scheme.ENTRY_EVENT, code)
        self._code(owner, Scheme.ENTRY_FORMAT, entry.format_code)
        self._code(owner, Scheme.ENTRY_FACILITY, entry.healthcare_facility_type_code)
        self._code(owner, Scheme.ENTRY_PRACTICE, entry.practice_setting_code)
        self._code(owner, Scheme.ENTRY_TYPE, entry.type_code)
        self._identifier(owner, Scheme.ENTRY_PATIENT_ID, entry.patient_id)
        self._identifier(owner, Scheme.ENTRY_UNIQUE_ID, entry.unique_id)
        self._lines.append("</ExtrinsicObject>\n")

    def association(self, association: Association) -> None:
        status = _slot("SubmissionSetStatus", ("Original",)) if association.type == HAS_MEMBER else ""
        self._lines.append(
            f'<Association id="{_quote(association.id) or next(self._ids)}" objectType="{_ASSOCIATION}"'
            f' associationType="{_quote(association.type)}" sourceObject="{_quote(association.source)}"'
            f' targetObject="{_quote(association.target)}">{status}</Association>\n'
        )

    def _names(self, title: str, comments: str) -> None:
        self._lines.append(_localized("Name", title))
        self._lines.append(_localized("Description", comments))

    def _authors(self, owner: str, scheme: Scheme, authors: Sequence[AuthorEntry]) -> None:
        for author in authors:
            self._lines.append(
                f'<Classification id="{next(self._ids)}"'
                f' classificationScheme="{scheme}" classifiedObject="{owner}" nodeRepresentation="">\n'
            )
            self._lines += _author_slots(author)
            self._lines.append("</Classification>\n")

    def _code(self, owner: str, scheme: Scheme, code: CodedValue | None) -> None:
        if code is None:
            return
        self._lines.append(
            f'<Classification id="{next(self._ids)}" classificationScheme="{scheme}"'
            f' classifiedObject="{owner}" nodeRepresentation="{_quote(code.code)}">\n'
            f"{_slot('codingScheme', (code.coding_scheme,))}{_localized('Name', code.display_name)}"
            "</Classification>\n"
        )

    def _identifier(self, owner: str, scheme: Scheme, value: str) -> None:
        if value:
            self._lines.append(
                f'<ExternalIdentifier id="{next(self._ids)}" registryObject="{owner}"'
                f' identificationScheme="{scheme}" value="{_quote(value)}">\n'
                f'<Name><LocalizedString value="{IDENTIFIER_NAMES[scheme]}"/></Name>\n</ExternalIdentifier>\n'
            )


def _entry_slots(entry: DocumentEntry) -> Iterator[str]:
    yield _slot(ACTION_SLOT, (entry.action,))
    yield _slot("URI", _uri_values(entry.uri))
    yield _slot("creationTime", (entry.creation_time,))
    yield _slot("hash", (entry.hash,))
    yield _slot("languageCode", (entry.language_code,))
    yield _slot("legalAuthenticator", (entry.legal_authenticator,))
    yield _slot("repositoryUniqueId", (entry.repository_unique_id,))
    yield _slot("serviceStartTime", (entry.service_start_time,))
    yield _slot("serviceStopTime", (entry.service_stop_time,))
    yield _slot("size", (entry.size,))
    yield _slot("sourcePatientId", (entry.source_patient_id,))
    yield _slot("sourcePatientInfo", entry.source_patient_info)
    yield _slot("urn:ihe:iti:xds:2013:referenceIdList", entry.reference_id_list)
    for name, values in entry.extra_slots:
        yield _slot(name, values)


def _author_slots(author: AuthorEntry) -> Iterator[str]:
    yield _slot("authorInstitution", author.institutions)
    yield _slot("authorPerson", (author.person,))
    yield _slot("authorRole", author.roles)
    yield _slot("authorSpecialty", author.specialties)
    yield _slot("authorTelecommunication", author.telecommunications)
