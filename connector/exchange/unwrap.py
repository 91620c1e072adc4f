"""From an opened message to the arrival that the LPS gets: archives opened, documents recognised, patient checked.

The patient is identified by METADATA and CDA together (Ref#2 ECO.2.1.2), never by subject, name or sender. Pure.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from connector.documents.cda.model import CdaDocument
from connector.documents.cda.parse import open_cda
from connector.documents.recognise import role_of
from connector.domain.errors import MalformedMessage
from connector.domain.limits import Limits
from connector.domain.patient import PatientIdentifier
from connector.domain.submission import FileRole
from connector.exchange.arrival import Arrival, ArrivalDocument, ArrivalPart, ArrivalPerson, PartRole
from connector.journal.records import IncomingMessage
from connector.mail.addresses import Contact
from connector.mail.parse import OpenedMessage, Part
from connector.mail.subject import document_label
from connector.xdm.agreement import same_patient
from connector.xdm.json_view import metadata_as_json
from connector.xdm.model import DocumentEntry, Metadata, XdmDocument, XdmPackage
from connector.xdm.package_reader import read_xdm

__all__ = ["arrival_of"]

_ROLES = {
    FileRole.PDF: PartRole.PDF,
    FileRole.HPRIM: PartRole.HPRIM,
    FileRole.XDM: PartRole.XDM,
}


@dataclass(slots=True)
class _Found:
    """What the parts of one message hold."""

    documents: list[ArrivalDocument] = field(default_factory=list)
    parts: list[ArrivalPart] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def arrival_of(row: IncomingMessage, opened: OpenedMessage, size_bytes: int, limits: Limits) -> Arrival:
    """What the LPS gets of one message.

    Args:
        row: the journal's row of the message, for its id and its time of arrival.
        opened: its content.
        size_bytes: of the raw message.
        limits: bounds of archives and XML.

    Raises:
        MalformedMessage: an archive or a document that must not be opened, a wrong hash (``EMPREINTE_FAUSSE``), or
            METADATA and CDA that name different patients (``PATIENT_INCOHERENT``).
    """
    found = _Found()
    for part in opened.parts:
        _sort(part, found, limits)
    if row.received_at is None:
        raise MalformedMessage("INTERNE", "a stored message has no time of arrival")
    return Arrival(
        incoming_id=row.id,
        received_at=row.received_at,
        mailbox=row.mailbox,
        sender=_person(opened.sender),
        sender_kind=opened.sender_kind.value,
        recipients=tuple(map(_person, opened.to)),
        copies=tuple(map(_person, opened.cc)),
        subject_raw=opened.subject_raw,
        subject_display=opened.subject_display,
        date=opened.date,
        message_id=opened.message_id,
        body=opened.body,
        documents=_once(found.documents),
        parts=tuple(found.parts),
        size_bytes=size_bytes,
        warnings=tuple(dict.fromkeys(found.warnings)),
    )


def _sort(part: Part, found: _Found, limits: Limits) -> None:
    """Put one attachment where it belongs."""
    role = role_of(part.content)
    if role is FileRole.CDA:
        found.documents.append(_document(part.name, part.content, limits))
        return
    found.parts.append(_part(part.name, part.media_type, part.content, _ROLES.get(role, PartRole.OTHER)))
    if role is FileRole.XDM:
        for package in read_xdm(part.content, limits):
            _open_package(package, found, limits)


def _open_package(package: XdmPackage, found: _Found, limits: Limits) -> None:
    if package.is_degraded or package.missing:
        found.warnings.append("XDM_DEGRADE")
    for document in package.documents:
        if role_of(document.content) is FileRole.CDA:
            found.documents.append(_listed_document(document, limits))
        else:
            found.parts.append(_inner_part(document.name, document.entry.mime_type, document.content))
    for companion in package.companions:
        role = role_of(companion.content)
        if role in (FileRole.PDF, FileRole.HPRIM):
            found.parts.append(_inner_part(companion.name, "", companion.content))


def _listed_document(document: XdmDocument, limits: Limits) -> ArrivalDocument:
    """A document of an archive; its entry and its header must name the same patient."""
    opened = open_cda(document.content, limits, error=MalformedMessage).document
    _check_same_patient(document.entry, opened)
    return ArrivalDocument(
        header=opened,
        content=document.content,
        sha256=hashlib.sha256(document.content).hexdigest(),
        file_name=document.name.rpartition("/")[2],
        label=document_label(opened),
        entry=metadata_as_json(Metadata(document_entries=(document.entry,)))["documentEntries"][0],
        warnings=document.warnings,
    )


def _document(name: str, content: bytes, limits: Limits) -> ArrivalDocument:
    header = open_cda(content, limits, error=MalformedMessage).document
    digest = hashlib.sha256(content).hexdigest()
    return ArrivalDocument(
        header=header, content=content, sha256=digest, file_name=name, label=document_label(header)
    )


def _check_same_patient(entry: DocumentEntry, document: CdaDocument) -> None:
    """Absent metadata prove nothing; metadata that name somebody else are never delivered as if they fitted.

    Without INS the patientId may be one of another domain, and sourcePatientId the one that both know.
    """
    listed = _identifier(entry.patient_id)
    if listed is not None and listed not in document.patient.ids and not same_patient(entry, document):
        raise MalformedMessage("PATIENT_INCOHERENT", "METADATA and CDA name different patients")


def _identifier(patient_id: str) -> PatientIdentifier | None:
    """A CX as identifier: ``value^^^&OID&ISO^type``."""
    components = patient_id.replace("&amp;", "&").split("^")
    authority = components[3].split("&") if len(components) > 3 else []
    if not components[0] or len(authority) < 2:
        return None
    return PatientIdentifier(authority[1], components[0])


def _once(documents: Sequence[ArrivalDocument]) -> tuple[ArrivalDocument, ...]:
    """The same document may come in the archive and beside it, or twice in a forwarded message."""
    return tuple({document.sha256: document for document in reversed(list(documents))}.values())[::-1]


def _inner_part(name: str, media_type: str, content: bytes) -> ArrivalPart:
    role = _ROLES.get(role_of(content), PartRole.OTHER)
    default = "application/pdf" if role is PartRole.PDF else "application/octet-stream"
    return _part(name.rpartition("/")[2], media_type or default, content, role)


def _part(name: str, media_type: str, content: bytes, role: PartRole) -> ArrivalPart:
    return ArrivalPart(
        name=name, media_type=media_type, role=role, content=content, sha256=hashlib.sha256(content).hexdigest()
    )


def _person(contact: Contact) -> ArrivalPerson:
    return ArrivalPerson(contact.address, contact.name)
