"""Received messages as they go over the wire."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from connector.api.beside import Beside, beside_fields
from connector.api.envelopes import Envelope
from connector.api.render import code_texts
from connector.client.models.inbox import (
    InboxDocumentModel,
    InboxFileModel,
    InboxItemModel,
    InboxMessageModel,
    PatientModel,
    PersonModel,
)
from connector.documents.cda.model import CdaDocument, PatientRole
from connector.domain.address import PATIENT_DOMAIN
from connector.domain.errors import InvalidSubmission
from connector.domain.patient import INS_NIR, MatriculeINS
from connector.exchange.arrival import Arrival, ArrivalDocument, ArrivalPart, ArrivalPerson, PartRole
from connector.journal.records import IncomingMessage
from connector.journal.threads import ReceivedFacts

__all__ = ["InboxFile", "files_of", "inbox_item", "inbox_message"]


@dataclass(frozen=True, slots=True)
class InboxFile:
    """One file of a received message, with its bytes."""

    model: InboxFileModel
    content: bytes = field(repr=False)


def inbox_item(message: IncomingMessage, envelope: Envelope, found: Beside) -> InboxItemModel:
    """A received message for a list."""
    return InboxItemModel(**_item(message), **beside_fields(found), **_envelope(envelope))


def inbox_message(message: IncomingMessage, arrival: Arrival, found: Beside) -> InboxMessageModel:
    """A received message that was opened."""
    sender = arrival.sender
    is_patient = sender.address.rpartition("@")[2] == PATIENT_DOMAIN
    envelope = Envelope(sender.name or sender.address, sender.address, arrival.subject_display, None, is_patient)
    noticed = tuple(dict.fromkeys((*arrival.every_warning, *found.facts.warnings)))
    facts = ReceivedFacts(alerts=arrival.alerts, warnings=noticed, identity=arrival.identity)
    return InboxMessageModel(
        **_item(message), **beside_fields(replace(found, facts=facts)), **_envelope(envelope),
        sender_ins=_ins_of(sender) if is_patient else "",
        recipients=[_person(person) for person in arrival.recipients],
        copies=[_person(person) for person in arrival.copies], subject_raw=arrival.subject_raw, date=arrival.date,
        body=arrival.body, documents=[file.model for file in files_of(arrival)],
    )  # fmt: skip


def files_of(arrival: Arrival) -> list[InboxFile]:
    """Every file, numbered from 0: the documents first, then what came beside them."""
    return [_numbered(number, one) for number, one in enumerate(_everything(arrival))]


def _everything(arrival: Arrival) -> Iterator[ArrivalDocument | ArrivalPart]:
    yield from arrival.documents
    yield from arrival.parts


def _numbered(number: int, one: ArrivalDocument | ArrivalPart) -> InboxFile:
    if isinstance(one, ArrivalDocument):
        name, role, media_type, document = one.file_name, PartRole.CDA, "text/xml", _document(one)
    else:
        name, role, media_type, document = one.name, one.role, one.media_type, None
    model = InboxFileModel(
        number=number, name=name, role=role.value, media_type=media_type, size_bytes=len(one.content),
        sha256=one.sha256, document=document,
    )  # fmt: skip
    return InboxFile(model, one.content)


def _item(message: IncomingMessage) -> dict[str, Any]:
    return {
        "id": message.id, "mailbox": str(message.mailbox), "state": message.state.value,
        "since": message.state_since, "received_at": message.received_at, "size_bytes": message.size_bytes,
        "message_id": message.header_message_id, **code_texts(message.code),
    }  # fmt: skip


def _envelope(envelope: Envelope) -> dict[str, Any]:
    return {
        "sender": envelope.sender, "sender_address": envelope.address, "subject": envelope.subject,
        "from_patient": envelope.is_from_patient,
    }  # fmt: skip


def _person(person: ArrivalPerson) -> PersonModel:
    return PersonModel(address=person.address, name=person.name)


def _ins_of(sender: ArrivalPerson) -> str:
    """The matricule in front of a citizen's ``@``, when its key fits."""
    try:
        return MatriculeINS.parse(sender.address.partition("@")[0], INS_NIR).value
    except InvalidSubmission:
        return ""


def _document(one: ArrivalDocument) -> InboxDocumentModel:
    header: CdaDocument = one.header
    return InboxDocumentModel(
        unique_id=header.id.unique_id, type_code=header.code.code, type_label=header.code.display_name,
        title=header.title, date=header.effective_time, version=header.version,
        set_id=header.set_id.unique_id if header.set_id else "",
        replaces=header.replaces.unique_id if header.replaces else "",
        confidentiality=header.confidentiality.code, patient=_patient(header.patient), warnings=list(one.warnings),
    )  # fmt: skip


def _patient(patient: PatientRole) -> PatientModel:
    ins = patient.ins
    return PatientModel(
        ins=ins.extension if ins else "", ins_oid=ins.root if ins else "", ins_is_qualified=patient.has_qualified_ins,
        birth_family=patient.birth_family or patient.unqualified_family, used_family=patient.used_family,
        given=patient.given, all_given=patient.all_given, birth_date=patient.birth_time, gender=patient.gender,
        birth_place=patient.birth_place,
    )  # fmt: skip
