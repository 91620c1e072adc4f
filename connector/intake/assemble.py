"""From the files of a drop to a submission: which file is what, for whom, with which wishes. Pure."""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from connector.documents.cda.model import CdaDocument
from connector.documents.cda.parse import parse_cda
from connector.documents.recognise import role_of
from connector.domain.address import PATIENT_DOMAIN, MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.submission import (
    FileRole,
    Recipient,
    RecipientKind,
    SourceKind,
    Submission,
    SubmittedFile,
)
from connector.intake.drop import base_name, is_sidecar, same_name
from connector.intake.problem import BadDrop
from connector.intake.scan import is_flag
from connector.intake.sidecar import Sidecar, SidecarRecipient, read_sidecar
from connector.settings.model import MailboxSettings

__all__ = ["ClaimedDrop", "Order", "as_file", "assemble", "compose"]

_LATER: Mapping[FileRole, str] = MappingProxyType({
    FileRole.PDF: "PDF sans document CDA du même nom",
    FileRole.HPRIM: "HPRIM",
    FileRole.HL7: "HL7 v2",
})  # fmt: skip
"""Recognised, and refused until a later version takes them."""

_BATCH_INDEX = ".mss.csv"


@dataclass(frozen=True, slots=True)
class ClaimedDrop:
    """The bytes of a drop after its claim."""

    id: str  # ULID, becomes that of the submission
    base: str
    files: Sequence[tuple[str, bytes]]


def assemble(drop: ClaimedDrop, mailbox: MailboxSettings, created_at: datetime, limits: Limits) -> Submission:
    """Make the submission that a drop means.

    Raises:
        InvalidSubmission: the drop cannot be sent as it is; mostly :class:`BadDrop`, with a French sentence.
    """
    files = tuple(as_file(name, content) for name, content in drop.files)
    sidecar = _sidecar(files, limits) or Sidecar()
    return compose(
        Order(drop.id, SourceKind.FOLDER, drop.base, files, sidecar), mailbox, created_at=created_at, limits=limits
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asks us to send, by whatever door."""

    id: str  # ULID, becomes that of the submission
    source: SourceKind
    name: str  # what the LPS knows it by
    files: Sequence[SubmittedFile]
    sidecar: Sidecar  # what was said besides the files


def compose(order: Order, mailbox: MailboxSettings, *, created_at: datetime, limits: Limits) -> Submission:
    """Make the submission that an order means.

    Raises:
        InvalidSubmission: it cannot be sent as it is; mostly :class:`BadDrop`, with a French sentence.
    """
    files, sidecar = tuple(order.files), order.sidecar
    _check_sender(sidecar, mailbox)
    _check_hashes(files, sidecar)
    _check_formats(files)
    documents = _documents(files, sidecar, mailbox, limits)
    _check_patient(sidecar, documents)
    return Submission(
        id=order.id,
        mailbox=mailbox.address,
        source=order.source,
        source_name=order.name,
        recipients=_recipients(sidecar, documents, mailbox),
        files=files,
        created_at=created_at,
        reference=sidecar.reference,
        subject=sidecar.subject,
        body=sidecar.body,
        options=sidecar.options,
        warnings=_warnings(sidecar),
    )


def as_file(name: str, content: bytes) -> SubmittedFile:
    """A file with what it is for us, found out from its name and its content."""
    shown = unicodedata.normalize("NFC", name)
    return SubmittedFile(shown, _role(shown, content), content, hashlib.sha256(content).hexdigest())


def _role(name: str, content: bytes) -> FileRole:
    if is_flag(name):
        return FileRole.FLAG
    if is_sidecar(name):
        return FileRole.SIDECAR
    return role_of(content)


def _sidecar(files: Sequence[SubmittedFile], limits: Limits) -> Sidecar | None:
    found = [file for file in files if file.role is FileRole.SIDECAR]
    if len(found) > 1:
        raise BadDrop(
            "SIDECAR_INVALIDE", f"{len(found)} sidecars in one drop",
            "Le dépôt contient plusieurs fichiers d'accompagnement ; n'en gardez qu'un.",
        )  # fmt: skip
    return read_sidecar(found[0].name, found[0].content, limits) if found else None


def _check_sender(sidecar: Sidecar, mailbox: MailboxSettings) -> None:
    if sidecar.sender is not None and str(sidecar.sender).casefold() != str(mailbox.address).casefold():
        raise BadDrop(
            "SIDECAR_INVALIDE", "the sidecar names another sender than the mailbox of this folder",
            "Rubrique « expediteur » : ce n'est pas la boîte de ce dossier. Déposez dans le dossier de cette boîte.",
        )  # fmt: skip


def _check_hashes(files: Sequence[SubmittedFile], sidecar: Sidecar) -> None:
    by_name = {same_name(file.name): file for file in files}
    for name, expected in sidecar.sha256.items():
        file = by_name.get(same_name(name))
        if file is not None and file.sha256 != expected:
            raise BadDrop(
                "INCOMPLET", "a file does not have the hash that the sidecar gives",
                f"Le fichier « {file.name} » ne correspond pas à l'empreinte de la rubrique « sha256 ».",
            )  # fmt: skip


def _check_formats(files: Sequence[SubmittedFile]) -> None:
    """Either CDA documents or one XDM archive, each with a PDF of the same base name at most."""
    data = [file for file in files if file.role not in (FileRole.SIDECAR, FileRole.FLAG)]
    sendable = [file for file in data if file.role in (FileRole.CDA, FileRole.XDM)]
    for file in data:
        if file.name.casefold().endswith(_BATCH_INDEX):
            raise _later(file, "index de lot CSV")
        is_copy = file.role is FileRole.PDF and _has_document(file, sendable)
        if file.role in _LATER and not is_copy:
            raise _later(file, _LATER[file.role])
        if file not in sendable and not is_copy:
            raise BadDrop(
                "FORMAT_INCONNU", "a file of the drop is of no known format",
                f"Fichier « {file.name} » : ni un document CDA, ni une archive IHE_XDM.",
            )  # fmt: skip
    archives = [file for file in sendable if file.role is FileRole.XDM]
    if not sendable:
        raise BadDrop("INCOMPLET", "the drop holds no document", "Le dépôt ne contient aucun document.")
    if archives and len(sendable) > 1:
        raise BadDrop(
            "FORMAT_NON_PRIS_EN_CHARGE", "several archives, or an archive beside documents, in one drop",
            "Déposez chaque archive IHE_XDM seule.",
        )  # fmt: skip


def _has_document(pdf: SubmittedFile, sendable: Sequence[SubmittedFile]) -> bool:
    return any(same_name(base_name(file.name)) == same_name(base_name(pdf.name)) for file in sendable)


def _later(file: SubmittedFile, what: str) -> BadDrop:
    return BadDrop(
        "FORMAT_NON_PRIS_EN_CHARGE", f"role {file.role.value} is not sent by this version",
        f"Fichier « {file.name} » : {what}.",
    )  # fmt: skip


def _documents(
    files: Sequence[SubmittedFile], sidecar: Sidecar, mailbox: MailboxSettings, limits: Limits
) -> list[CdaDocument]:
    """The headers of the CDA documents, read only when something here depends on them."""
    from_document = mailbox.outbox.recipients_from_document and not sidecar.recipients
    about_patient = sidecar.to_patient or (sidecar.patient is not None and sidecar.patient.ins is not None)
    if not (from_document or about_patient):
        return []
    return [parse_cda(file.content, limits) for file in files if file.role is FileRole.CDA]


def _check_patient(sidecar: Sidecar, documents: Sequence[CdaDocument]) -> None:
    wanted = sidecar.patient.ins if sidecar.patient else None
    for document in documents:
        ins = document.patient.ins
        if wanted is not None and ins is not None and ins.extension.replace(" ", "").upper() != wanted.value:
            raise BadDrop(
                "PATIENT_DIFFERENT", "the sidecar and the document have two different matricules",
                "Le matricule INS du fichier d'accompagnement n'est pas celui du document.",
            )  # fmt: skip


def _recipients(
    sidecar: Sidecar, documents: Sequence[CdaDocument], mailbox: MailboxSettings
) -> tuple[Recipient, ...]:
    """Sidecar first, then the document, then the folder's default; each address once."""
    found = [_named(recipient, RecipientKind.TO, "destinataires") for recipient in sidecar.recipients]
    if sidecar.to_patient:
        found.append(Recipient(_patient_address(documents)))
    if not found:
        found = [Recipient(address) for document in documents for address in _addresses(document)]
    if not found:
        found = [Recipient(address) for address in mailbox.outbox.default_recipients]
    if not found:
        raise BadDrop(
            "DESTINATAIRE_INCONNU", "neither sidecar nor document nor folder names a recipient",
            "Ni fichier d'accompagnement, ni destinataire par défaut pour ce dossier.",
        )  # fmt: skip
    found += [_named(recipient, RecipientKind.CC, "copie") for recipient in sidecar.copies]
    once: dict[MailboxAddress, Recipient] = {}
    for recipient in found:
        once.setdefault(recipient.address, recipient)
    return tuple(once.values())


def _named(recipient: SidecarRecipient, kind: RecipientKind, key: str) -> Recipient:
    if recipient.address is None:
        raise BadDrop(
            "DESTINATAIRE_INCONNU", "a recipient is named by RPPS number only, and there is no directory yet",
            f"Rubrique « {key} » : un destinataire n'a qu'un numéro RPPS ; indiquez son adresse MSSanté.",
        )  # fmt: skip
    return Recipient(recipient.address, kind)


def _addresses(document: CdaDocument) -> list[MailboxAddress]:
    addresses = []
    for text in document.informant_addresses:
        try:
            addresses.append(MailboxAddress.parse(text))
        except InvalidSubmission:
            continue  # a telecom of the document that is no mail address
    return addresses


def _patient_address(documents: Sequence[CdaDocument]) -> MailboxAddress:
    """The patient's own mailbox, from a qualified INS of the document only (Ref#2 ECO.2.2.6)."""
    patients = {d.patient.ins.extension for d in documents if d.patient.has_qualified_ins and d.patient.ins}
    if len(patients) != 1:
        raise BadDrop(
            "INS_NON_QUALIFIEE", "the documents do not have one qualified INS",
            "Rubrique « patient_mes » : l'adresse du patient se déduit d'un document CDA à l'INS qualifiée.",
        )  # fmt: skip
    return MailboxAddress.parse(f"{patients.pop()}@{PATIENT_DOMAIN}")


def _warnings(sidecar: Sidecar) -> tuple[str, ...]:
    codes = []
    if sidecar.unknown_keys:
        codes.append("SIDECAR_CLE_INCONNUE")
    if sidecar.ignored_keys:
        codes.append("SIDECAR_CLE_IGNOREE")
    return tuple(codes)
