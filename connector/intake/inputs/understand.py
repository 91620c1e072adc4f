"""Which files of a drop are what, and what they mean together. Pure but for what the desk does.

A drop is one of: an HL7 v2 message (perhaps with the PDF of the same name), an IHE_XDM archive, CDA documents, an
HPRIM file with its PDF, files around which we make documents (PDF, image, text), or files that go as they are. What
is beside that and cannot be placed refuses the drop: nothing stays behind unseen.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from connector.domain.limits import Limits
from connector.domain.submission import DocumentAction, FileRole, SubmittedFile
from connector.intake.drop import base_name, same_name
from connector.intake.inputs.classic import understand_classic
from connector.intake.inputs.hl7 import understand_hl7
from connector.intake.inputs.hprim import understand_hprim
from connector.intake.inputs.n1 import Desk, Identity, Words, document_again, document_around, warnings_of
from connector.intake.inputs.understood import Understood
from connector.intake.problem import BadDrop
from connector.intake.sidecar import Sidecar, SidecarFile, SidecarPatient

__all__ = ["understand"]

_NO_DATA = (FileRole.SIDECAR, FileRole.FLAG)
_DOCUMENTS = (FileRole.CDA, FileRole.XDM)
_MADE = (FileRole.PDF, FileRole.IMAGE, FileRole.TEXT)
_BATCH_INDEX = ".mss.csv"


def understand(files: Sequence[SubmittedFile], name: str, sidecar: Sidecar, desk: Desk, limits: Limits) -> Understood:
    """What the files of one drop mean.

    Args:
        files: all of them, sidecar and flags included.
        name: of the drop.
        sidecar: what is said of them.
        desk: for what has to be made.
        limits: bounds of reading.

    Raises:
        InvalidSubmission: mostly :class:`BadDrop`.
        ConfigurationError: a document has to be made, and the mailbox is not set up for it.
    """
    data = [file for file in files if file.role not in _NO_DATA]
    for file in data:
        if file.name.casefold().endswith(_BATCH_INDEX):
            raise _unknown(file, "un index de lot ne part pas lui-même")
    roles = {file.role for file in data}
    if not data:
        raise BadDrop("INCOMPLET", "the drop holds no document", "Le dépôt ne contient aucun document.")
    if FileRole.HL7 in roles:
        return _hl7(files, data, sidecar, desk, limits)
    if roles & set(_DOCUMENTS):
        return _documents(files, data, sidecar)
    if sidecar.withdraws and not roles - set(_MADE):
        return _withdrawn(files, name, sidecar, desk)
    if FileRole.HPRIM in roles:
        return understand_hprim(files, data, sidecar, desk, limits)
    unknown = [file for file in data if file.role not in _MADE]
    may_attach = desk.mailbox.outbox.attachments and bool(sidecar.recipients)
    if not unknown and not (may_attach and sidecar.patient is None):
        return _made(files, data, name, sidecar, desk)
    if not may_attach:
        raise _unknown(unknown[0], "ni un document CDA, ni une archive IHE_XDM, ni un autre format pris en charge")
    return Understood(files=tuple(replace(f, role=FileRole.ATTACHMENT) if f in data else f for f in files))


def _hl7(
    files: Sequence[SubmittedFile], data: Sequence[SubmittedFile], sidecar: Sidecar, desk: Desk, limits: Limits
) -> Understood:
    messages = [file for file in data if file.role is FileRole.HL7]
    others = [file for file in data if file.role is not FileRole.HL7]
    if len(messages) > 1:
        raise BadDrop(
            "FORMAT_NON_PRIS_EN_CHARGE", f"{len(messages)} HL7 messages in one drop",
            "Déposez chaque message HL7 seul.",
        )  # fmt: skip
    for file in others:
        if file.role is not FileRole.PDF or same_name(base_name(file.name)) != same_name(base_name(messages[0].name)):
            raise _unknown(file, "seul le PDF du même nom peut accompagner un message HL7")
    order, understood = understand_hl7(messages[0], limits)
    signs = tuple(file for file in files if file.role in _NO_DATA)
    understood = replace(understood, files=(*understood.files, *others, *signs))
    return understood if order.documents else understand_classic(order, understood, sidecar, desk)


def _documents(files: Sequence[SubmittedFile], data: Sequence[SubmittedFile], sidecar: Sidecar) -> Understood:
    """Either CDA documents or one XDM archive, each with a PDF of the same base name at most."""
    sendable = [file for file in data if file.role in _DOCUMENTS]
    for file in data:
        if file not in sendable and not (file.role is FileRole.PDF and _has_document(file, sendable)):
            raise _unknown(file, "ni un document CDA, ni une archive IHE_XDM, ni la copie PDF de l'un d'eux")
    if any(file.role is FileRole.XDM for file in sendable) and len(sendable) > 1:
        raise BadDrop(
            "FORMAT_NON_PRIS_EN_CHARGE", "several archives, or an archive beside documents, in one drop",
            "Déposez chaque archive IHE_XDM seule.",
        )  # fmt: skip
    if sidecar.withdraws:
        return Understood(files=tuple(files), action=DocumentAction.DELETE)
    ignored = ("SIDECAR_CLE_IGNOREE",) if sidecar.replaces else ()  # the CDA itself says what it replaces
    return Understood(files=tuple(files), warnings=ignored)


def _withdrawn(files: Sequence[SubmittedFile], name: str, sidecar: Sidecar, desk: Desk) -> Understood:
    """The document that was made then goes once more, as the one that is withdrawn."""
    document = document_again(name, sidecar.withdraws or "", desk)
    kept = [replace(file, role=FileRole.ORIGINAL) if file.role in _MADE else file for file in files]
    return Understood(files=(*kept, document), action=DocumentAction.DELETE)


def _has_document(pdf: SubmittedFile, sendable: Sequence[SubmittedFile]) -> bool:
    return any(same_name(base_name(file.name)) == same_name(base_name(pdf.name)) for file in sendable)


def _made(
    files: Sequence[SubmittedFile], data: Sequence[SubmittedFile], name: str, sidecar: Sidecar, desk: Desk
) -> Understood:
    """A document around each file; the sidecar says whom it is about."""
    if sidecar.patient is None:
        raise BadDrop(
            "PATIENT_INCOMPLET", "a file without a CDA, and no sidecar names the patient",
            f"Fichier « {data[0].name} » : le fichier d'accompagnement doit nommer patient et type.",
        )  # fmt: skip
    who = _identity(sidecar.patient)
    built = [
        document_around(file, _document_name(file, data), who, _words(file, name, sidecar), desk) for file in data
    ]
    action = DocumentAction.REPLACE if sidecar.replaces else DocumentAction.FIRST
    kept = [replace(file, role=FileRole.ORIGINAL) if file in data else file for file in files]
    return Understood(files=(*kept, *(one.file for one in built)), action=action, warnings=warnings_of(built))


def _document_name(file: SubmittedFile, data: Sequence[SubmittedFile]) -> str:
    """``X`` for ``X.pdf``; with two files of one base, the suffix tells them apart."""
    base = base_name(file.name)
    twins = [other for other in data if same_name(base_name(other.name)) == same_name(base)]
    return base if len(twins) == 1 else file.name


def _words(file: SubmittedFile, name: str, sidecar: Sidecar) -> Words:
    """What the sidecar says of this file; an entry alone counts for the only file, whatever its name."""
    said = next((one for one in sidecar.files if same_name(one.name) == same_name(file.name)), SidecarFile(name))
    return Words(
        types=tuple(filter(None, (said.loinc, said.type))),
        title=said.title or "",
        date=date.fromisoformat(said.date) if said.date else None,
        replaces=sidecar.replaces or "",
    )


def _identity(patient: SidecarPatient) -> Identity:
    return Identity(
        ins=patient.ins, ins_is_qualified=patient.ins_is_qualified, local_number=patient.local_number or "",
        local_root=patient.local_root or "", birth_family=patient.birth_family or "",
        used_family=patient.used_family or "", all_given=patient.all_given, given=patient.given or "",
        birth_date=date.fromisoformat(patient.birth_date) if patient.birth_date else None,
        gender=(patient.gender or "").strip().upper(), birth_place=patient.birth_place or "",
    )  # fmt: skip


def _unknown(file: SubmittedFile, why: str) -> BadDrop:
    return BadDrop(
        "FORMAT_INCONNU", f"role {file.role.value} has no place in this drop", f"Fichier « {file.name} » : {why}."
    )  # fmt: skip
