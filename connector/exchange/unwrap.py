"""From an opened message to the arrival that the LPS gets: archives opened, documents recognised, patient checked.

The patient is identified by METADATA, CDA, HPRIM and HL7 together (Ref#2 ECO.2.1.2), never by subject, name or
sender. Pure.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from connector.documents.cda.alerts import interpretation_alerts, worst_first
from connector.documents.cda.parse import OpenedCda, open_cda, pdf_of
from connector.documents.hl7.errors import Findings
from connector.documents.hl7.message import Message
from connector.documents.hl7.patient import read_patient
from connector.documents.hl7.text import decode, split_messages
from connector.documents.hprim.medecin import read_medecin
from connector.documents.recognise import FileKind, recognise
from connector.domain.errors import InvalidSubmission, MalformedMessage
from connector.domain.legacy_text import encode_text
from connector.domain.limits import Limits
from connector.domain.submission import DocumentAction
from connector.exchange.arrival import Arrival, ArrivalDocument, ArrivalPart, ArrivalPerson, PartRole
from connector.exchange.identity import (
    FoundPatient,
    agree,
    distinct,
    doubts,
    of_cda,
    of_hl7,
    of_hprim,
    same_in_entry,
)
from connector.journal.records import IncomingMessage
from connector.mail.addresses import Contact
from connector.mail.parse import TNEF, OpenedMessage, Part
from connector.mail.subject import MARKER, document_label
from connector.xdm.archive import Archive
from connector.xdm.json_view import metadata_as_json
from connector.xdm.model import DocumentEntry, Metadata, XdmDocument, XdmPackage
from connector.xdm.package_reader import read_archive

__all__ = ["ReceptionRules", "arrival_of"]

_ROLES = {
    FileKind.PDF: PartRole.PDF,
    FileKind.HPRIM_MEDECIN: PartRole.HPRIM,
    FileKind.HPRIM_SANTE: PartRole.HPRIM,
    FileKind.XDM: PartRole.XDM,
}
_MASKS = frozenset({"MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"})
_ACTIONS = {"C": DocumentAction.REPLACE, "D": DocumentAction.DELETE}
_BODY_NAME = "corps.hpr"
_TNEF_NAME = "winmail.dat"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceptionRules:
    """What a mailbox wants done with what it receives."""

    quarantines_mismatch: bool = True  # else a message with files about different patients is delivered, marked
    is_production: bool = False  # a matricule of a test authority is told


@dataclass(slots=True)
class _Found:
    """What the parts of one message hold, and how much may still be expanded for it."""

    limits: Limits
    left: int
    year: int  # of the arrival: the latest that a result with two digits can mean
    documents: list[ArrivalDocument] = field(default_factory=list)
    parts: list[ArrivalPart] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def archive(self, content: bytes) -> Archive:
        """Open an archive within what is left: many small ones expand no further than a single one may."""
        limits = replace(self.limits, max_expanded_bytes=max(self.left, 0))
        archive = Archive(content, limits, error=MalformedMessage)
        self.left -= sum(info.file_size for info in archive.infos)
        return archive


def arrival_of(
    row: IncomingMessage, opened: OpenedMessage, size_bytes: int, limits: Limits, rules: ReceptionRules | None = None
) -> Arrival:
    """What the LPS gets of one message.

    Args:
        row: the journal's row of the message, for its id and its time of arrival.
        opened: its content.
        size_bytes: of the raw message.
        limits: bounds of archives and XML; those of an archive count for all archives of the message together.
        rules: what the mailbox wants; default: set aside what disagrees.

    Raises:
        MalformedMessage: an archive or a document that must not be opened, a wrong hash (``EMPREINTE_FAUSSE``), or
            files of the message that name different patients (``PATIENT_INCOHERENT``) when they are not to be marked.
    """
    rules = rules or ReceptionRules()
    if row.received_at is None:
        raise MalformedMessage("INTERNE", "a stored message has no time of arrival")
    found = _found(opened, limits, row.received_at.year)
    documents = _once(found.documents)
    parts = _marked(documents, found.parts)
    patients = _patients(documents, parts)
    found.warnings += _about_the_patients(documents, parts, patients)
    if rules.quarantines_mismatch and "PATIENT_INCOHERENT" in found.warnings:
        raise MalformedMessage("PATIENT_INCOHERENT", "files of the message name different patients")
    return Arrival(
        incoming_id=row.id,
        received_at=row.received_at,
        mailbox=row.mailbox,
        sender=_person(opened.sender),
        sender_kind=opened.sender_kind.value,
        sender_ins=opened.sender_ins,
        recipients=tuple(map(_person, opened.to)),
        copies=tuple(map(_person, opened.cc)),
        subject_raw=opened.subject_raw,
        subject_display=opened.subject_display,
        date=opened.date,
        message_id=opened.message_id,
        in_reply_to=opened.in_reply_to,
        references=opened.references,
        mss=opened.mss,
        body=opened.body,
        documents=tuple(_with_doubts(document, rules) for document in documents),
        parts=parts,
        patients=patients,
        size_bytes=size_bytes,
        warnings=tuple(dict.fromkeys(found.warnings)),
    )


# --- the parts -----------------------------------------------------------------------------------------------------


def _found(opened: OpenedMessage, limits: Limits, year: int) -> _Found:
    found = _Found(limits, limits.max_expanded_bytes, year)
    for part in opened.parts:
        _sort(part, found)
    for text in opened.texts:
        _sort_text(text, found)
    has_archive = any(part.role is PartRole.XDM for part in found.parts)
    if opened.subject_raw.upper().startswith(MARKER) and not has_archive and not found.documents:
        found.warnings.append("XDM_ABSENT")
    return found


def _sort(part: Part, found: _Found) -> None:
    """Put one attachment where it belongs."""
    kind = recognise(part.content)
    if kind is FileKind.CDA:
        found.documents.append(_document(part, found.limits))
        return
    sorted_part = _part(part.name, part.media_type, part.content, kind, found)
    if part.media_type == TNEF or part.name.lower() == _TNEF_NAME:
        sorted_part = replace(sorted_part, warnings=("PIECE_TNEF",))
        found.warnings.append("PIECE_TNEF")
    before = len(found.documents), len(found.parts)
    if kind is FileKind.XDM:
        found.parts.append(sorted_part)
        _open_archive(part.content, found)
    elif kind is FileKind.ZIP:
        found.parts.append(_maybe_archive(sorted_part, found))
    else:
        found.parts.append(sorted_part)
    if part.forwarded:
        _mark_forwarded(found, before)


def _mark_forwarded(found: _Found, before: tuple[int, int]) -> None:
    documents, parts = before
    found.documents[documents:] = [replace(one, forwarded=True) for one in found.documents[documents:]]
    found.parts[parts:] = [replace(one, forwarded=True) for one in found.parts[parts:]]


def _sort_text(text: str, found: _Found) -> None:
    """A result may be the text of the message itself (lps-folder-conventions 1.6)."""
    kind = recognise(text.encode("utf-8", "replace"))
    if kind is FileKind.HPRIM_MEDECIN:
        content, _ = encode_text(text, "cp1252")
        part = _part(_BODY_NAME, "text/plain", content, kind, found)
        found.parts.append(replace(part, from_body=True))


def _part(name: str, media_type: str, content: bytes, kind: FileKind, found: _Found) -> ArrivalPart:
    patients, alerts = _about(name, content, kind, found)
    return ArrivalPart(
        name=name, media_type=media_type, role=_ROLES.get(kind, PartRole.OTHER), content=content,
        sha256=hashlib.sha256(content).hexdigest(), patients=patients, alerts=alerts,
    )  # fmt: skip


def _about(
    name: str, content: bytes, kind: FileKind, found: _Found
) -> tuple[tuple[FoundPatient, ...], tuple[str, ...]]:
    """Whom a result is about, and its alerts; what cannot be read says nothing, and is given as it is."""
    try:
        if kind is FileKind.HPRIM_MEDECIN:
            records = read_medecin(content, found.limits, year=found.year).records
            alerts = worst_first(result.flag.upper() for record in records for result in record.coded)
            return distinct(of_hprim(record, name) for record in records), alerts
        if kind is FileKind.HL7:
            return distinct(_hl7_patients(name, content, found.limits)), ()
    except InvalidSubmission:
        pass
    return (), ()


def _hl7_patients(name: str, content: bytes, limits: Limits) -> Iterator[FoundPatient]:
    for one in split_messages(content, limits):
        message = Message.parse(decode(one).text, limits)
        if message.all("PID"):
            yield of_hl7(read_patient(message, Findings()), name)


# --- archives ------------------------------------------------------------------------------------------------------


def _open_archive(content: bytes, found: _Found) -> None:
    for package in read_archive(found.archive(content), found.limits, error=MalformedMessage, verify=True):
        _open_package(package, found)


def _maybe_archive(part: ArrivalPart, found: _Found) -> ArrivalPart:
    """A zip without METADATA may hold CDA documents, or an XDM archive put into another zip; any other stays closed.

    What must not be opened is given as it is, closed, and told: nothing announced it as an archive of documents.
    """
    trial = _Found(found.limits, found.left, found.year)
    try:
        archive = trial.archive(part.content)
        inner = [name for name in archive if name.lower().endswith(".zip")]
        archives = [content for name in inner if recognise(content := archive.read(name)) is FileKind.XDM]
        for content in archives:
            _open_archive(content, trial)
        if not archives and any(name.lower().endswith(".xml") for name in archive):
            _open_archive(part.content, trial)
    except MalformedMessage as refused:
        if refused.code != "ARCHIVE_DANGEREUSE":
            return part
        found.warnings.append("ARCHIVE_FERMEE")
        return replace(part, warnings=("ARCHIVE_FERMEE",))
    found.left = trial.left
    found.documents += trial.documents
    found.parts += trial.parts
    found.warnings += trial.warnings
    return replace(part, role=PartRole.XDM) if trial.documents else part


def _open_package(package: XdmPackage, found: _Found) -> None:
    if package.is_degraded or package.missing:
        found.warnings.append("XDM_DEGRADE")
    for document in package.documents:
        if (kind := recognise(document.content)) is FileKind.CDA:
            found.documents.append(_listed_document(document, found.limits))
        else:
            found.parts.append(_inner_part(document.name, document.entry.mime_type, document.content, kind, found))
    for companion in package.companions:
        kind = recognise(companion.content)
        if _ROLES.get(kind) in (PartRole.PDF, PartRole.HPRIM):
            found.parts.append(_inner_part(companion.name, "", companion.content, kind, found))


def _inner_part(name: str, media_type: str, content: bytes, kind: FileKind, found: _Found) -> ArrivalPart:
    default = "application/pdf" if kind is FileKind.PDF else "application/octet-stream"
    return _part(name.rpartition("/")[2], media_type or default, content, kind, found)


# --- documents -----------------------------------------------------------------------------------------------------


def _listed_document(document: XdmDocument, limits: Limits) -> ArrivalDocument:
    """A document of an archive; that its entry names another patient is told among its warnings."""
    entry, opened = document.entry, open_cda(document.content, limits, error=MalformedMessage)
    differs = not same_in_entry(entry, opened.document)
    made = _made(document.name.rpartition("/")[2], opened)
    return replace(
        made,
        entry=metadata_as_json(Metadata(document_entries=(entry,)))["documentEntries"][0],
        action=_ACTIONS.get(entry.action.upper(), made.action),
        masks=_masks(entry),
        warnings=(*document.warnings, *(("PATIENT_INCOHERENT",) if differs else ())),
    )


def _masks(entry: DocumentEntry) -> tuple[str, ...]:
    return tuple(dict.fromkeys(flag.code for flag in entry.confidentiality_codes if flag.code in _MASKS))


def _document(part: Part, limits: Limits) -> ArrivalDocument:
    made = _made(part.name, open_cda(part.content, limits, error=MalformedMessage))
    return replace(made, forwarded=part.forwarded)


def _made(name: str, opened: OpenedCda) -> ArrivalDocument:
    header = opened.document
    return ArrivalDocument(
        header=header,
        content=opened.content,
        sha256=hashlib.sha256(opened.content).hexdigest(),
        file_name=name,
        label=document_label(header),
        patient=of_cda(header, name),
        action=DocumentAction.REPLACE if header.replaces else DocumentAction.FIRST,
        alerts=interpretation_alerts(opened.element),
        pdf=pdf_of(opened),
    )


def _once(documents: Sequence[ArrivalDocument]) -> tuple[ArrivalDocument, ...]:
    """The same document may come in the archive and beside it, or twice in a forwarded message: the first one counts.

    The one with an entry is the first, wherever it stands.
    """
    by_content: dict[str, ArrivalDocument] = {}
    for document in sorted(documents, key=lambda one: not one.entry):
        first = by_content.get(document.sha256)
        kept = replace(first, also_as=(*first.also_as, document.file_name)) if first else document
        by_content[document.sha256] = kept
    order = list(dict.fromkeys(document.sha256 for document in documents))
    return tuple(by_content[sha256] for sha256 in order)


def _marked(documents: Sequence[ArrivalDocument], parts: Sequence[ArrivalPart]) -> tuple[ArrivalPart, ...]:
    """Say of each part whether it repeats the PDF of a document, or a part before it."""
    holders = {hashlib.sha256(one.pdf).hexdigest(): one.sha256 for one in reversed(documents) if one.pdf}
    marked: list[ArrivalPart] = []
    for part in parts:
        marked.append(replace(part, duplicate_of=holders.get(part.sha256, "")))
        holders.setdefault(part.sha256, part.sha256)
    return tuple(marked)


# --- the patient ---------------------------------------------------------------------------------------------------


def _patients(documents: Sequence[ArrivalDocument], parts: Sequence[ArrivalPart]) -> tuple[FoundPatient, ...]:
    """One mention of each, that of a CDA before any other."""
    of_documents = [one.patient for one in documents if one.patient]
    return distinct((*of_documents, *_of_parts(parts)))


def _of_parts(parts: Iterable[ArrivalPart]) -> list[FoundPatient]:
    return [patient for part in parts for patient in part.patients]


def _about_the_patients(
    documents: Sequence[ArrivalDocument], parts: Sequence[ArrivalPart], patients: Sequence[FoundPatient]
) -> list[str]:
    """What is wrong with them: documents about several, or a result beside a document about somebody else."""
    found = [code for document in documents for code in document.warnings if code == "PATIENT_INCOHERENT"]
    known = [document.patient for document in documents if document.patient]
    strangers = [one for one in _of_parts(parts) if known and not any(agree(one, other) for other in known)]
    if strangers:
        found.append("PATIENT_INCOHERENT")
    if len(patients) > 1 or any(document.header.patients_count > 1 for document in documents):
        found.append("PLUSIEURS_PATIENTS")
    return found


def _with_doubts(document: ArrivalDocument, rules: ReceptionRules) -> ArrivalDocument:
    codes = doubts(document.patient, is_production=rules.is_production) if document.patient else ()
    return replace(document, warnings=tuple(dict.fromkeys((*document.warnings, *codes))))


def _person(contact: Contact) -> ArrivalPerson:
    return ArrivalPerson(contact.address, contact.name)
