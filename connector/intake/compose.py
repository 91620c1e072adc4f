"""From what somebody asks us to send, by whatever door, to a submission. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.documents.cda.model import CdaDocument
from connector.documents.cda.parse import parse_cda
from connector.domain.finding import Severity
from connector.domain.limits import Limits
from connector.domain.submission import Answered, FileRole, SendOptions, SourceKind, Submission, SubmittedFile
from connector.intake.drop import same_name
from connector.intake.inputs.n1 import Desk
from connector.intake.inputs.understand import understand
from connector.intake.inputs.understood import Understood
from connector.intake.problem import BadDrop, ValidationRefused
from connector.intake.recipients import choose_recipients
from connector.intake.sidecar import Sidecar
from connector.settings.model import MailboxSettings

__all__ = ["Order", "check_hashes", "compose"]

_CDA = (FileRole.CDA, FileRole.CDA_BUILT)


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asks us to send, by whatever door."""

    id: str  # ULID, becomes that of the submission
    source: SourceKind
    name: str  # what the LPS knows it by
    files: Sequence[SubmittedFile]
    sidecar: Sidecar  # what was said besides the files
    lot: str | None = None  # claim from which several submissions are made
    answers: Answered | None = None  # received message that is answered: then there may be words only


def compose(order: Order, desk: Desk, limits: Limits) -> Submission:
    """Make the submission that an order means.

    Args:
        order: files and wishes.
        desk: the mailbox, and what making a document needs.
        limits: bounds of reading.

    Raises:
        InvalidSubmission: it cannot be sent as it is; mostly :class:`BadDrop`, with a French sentence.
        ValidationRefused: ``VALIDATION_REFUSEE``, by the settings ``[validation]``.
        ConfigurationError: a document has to be made, and the mailbox is not set up for it.
    """
    sidecar, mailbox = order.sidecar, desk.mailbox
    _check_sender(sidecar, mailbox)
    check_hashes(order.files, sidecar)
    is_words_only = order.answers is not None and not order.files
    understood = Understood(files=()) if is_words_only else understand(order.files, order.name, sidecar, desk, limits)
    found = _deep(understood, desk)
    documents = _documents(understood, sidecar, mailbox, limits)
    _check_patient(sidecar, documents)
    return Submission(
        id=order.id,
        mailbox=mailbox.address,
        source=order.source,
        source_name=order.name,
        recipients=choose_recipients(sidecar, understood, documents, mailbox),
        files=understood.files,
        created_at=desk.now,
        reference=sidecar.reference or understood.reference,
        subject=sidecar.subject,
        body=sidecar.body or understood.body,
        options=_options(sidecar, understood),
        warnings=(*_warnings(sidecar), *understood.warnings, *found),
        lot=order.lot,
        action=understood.action,
        body_for_patient=understood.body_for_patient,
        reply_to=understood.reply_to,
        declared_sender=understood.declared_sender,
        hl7=understood.hl7,
        answers=order.answers,
    )


def _deep(understood: Understood, desk: Desk) -> tuple[str, ...]:
    """The codes of what the documents break of the official schemas, when it may leave all the same.

    Raises:
        ValidationRefused: it may not.
    """
    found = desk.deep(understood.files)
    if any(finding.severity is Severity.ERROR for finding in found):
        raise ValidationRefused([finding for finding in found if finding.severity is Severity.ERROR])
    return tuple(dict.fromkeys(finding.code for finding in found))


def _options(sidecar: Sidecar, understood: Understood) -> SendOptions:
    """Those of the format, when it has words for them: nobody masks in one place and unmasks in the other."""
    return understood.options or sidecar.options


def _check_sender(sidecar: Sidecar, mailbox: MailboxSettings) -> None:
    if sidecar.sender is not None and str(sidecar.sender).casefold() != str(mailbox.address).casefold():
        raise BadDrop(
            "SIDECAR_INVALIDE", "the sidecar names another sender than the mailbox of this folder",
            "Rubrique « expediteur » : ce n'est pas la boîte de ce dossier. Déposez dans le dossier de cette boîte.",
        )  # fmt: skip


def check_hashes(files: Sequence[SubmittedFile], sidecar: Sidecar) -> None:
    """Refuse a file that is not the one that was meant.

    Raises:
        BadDrop: ``INCOMPLET``.
    """
    by_name = {same_name(file.name): file for file in files}
    for name, expected in sidecar.sha256.items():
        file = by_name.get(same_name(name))
        if file is not None and file.sha256 != expected:
            raise BadDrop(
                "INCOMPLET", "a file does not have the hash that the sidecar gives",
                f"Le fichier « {file.name} » ne correspond pas à l'empreinte de la rubrique « sha256 ».",
            )  # fmt: skip


def _documents(
    understood: Understood, sidecar: Sidecar, mailbox: MailboxSettings, limits: Limits
) -> list[CdaDocument]:
    """The headers of the CDA documents, read only when something here depends on them."""
    is_asked = mailbox.outbox.recipients_from_document or understood.recipients_from_document
    from_document = is_asked and not sidecar.recipients and not understood.recipients
    about_patient = sidecar.to_patient or (sidecar.patient is not None and sidecar.patient.ins is not None)
    if not (from_document or about_patient):
        return []
    return [parse_cda(file.content, limits) for file in understood.files if file.role in _CDA]


def _check_patient(sidecar: Sidecar, documents: Sequence[CdaDocument]) -> None:
    patient = sidecar.patient
    wanted = patient.ins if patient else None
    for document in documents:
        ins = document.patient.ins
        if ins is None or wanted is None:
            continue
        if ins.extension.replace(" ", "").upper() != wanted.value:
            raise BadDrop(
                "PATIENT_DIFFERENT", "the sidecar and the document have two different matricules",
                "Le matricule INS du fichier d'accompagnement n'est pas celui du document.",
            )  # fmt: skip
        if patient is not None and patient.ins_is_unqualified:
            raise BadDrop(
                "INS_SANS_TRAITS", "the sidecar says that the identity is not qualified, and the document has an INS",
                "Rubrique « patient.ins.qualifiee » : non. Le document porte pourtant le matricule INS.",
            )  # fmt: skip


def _warnings(sidecar: Sidecar) -> tuple[str, ...]:
    codes = []
    if sidecar.unknown_keys:
        codes.append("SIDECAR_CLE_INCONNUE")
    if sidecar.ignored_keys:
        codes.append("SIDECAR_CLE_IGNOREE")
    return tuple(codes)
