"""From one submission to the messages that will leave: who gets which, what may not leave at all. Pure.

Time and identifiers come in through :class:`MailboxRules`.
Source rules: Ref#2 ECO.2.1.1 (one patient), ECO.2.2.2 (threading), ECO.2.2.5 (Reply-To), ECO.2.2.6 (addresses of
patients only from a qualified INS), ENS §6 (25 MB to a patient).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connector.documents.cda.model import CdaDocument
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.patient import MatriculeINS
from connector.domain.ports import Clock, IdSource
from connector.domain.submission import RecipientKind, SendOptions, SubmittedFile
from connector.exchange.content import Content, read_content, wrap
from connector.journal.records import FrozenMessage, MessageRecipient, SubmissionView
from connector.mail.compose import MessageSpec, PdfCopy, compose
from connector.mail.headers import message_id
from connector.mail.pdf_name import pdf_names
from connector.settings.model import MailboxSettings, MessageSettings, SoftwareSettings
from connector.xdm.pack import SenderInfo

__all__ = ["PATIENT_MAX_BYTES", "MailboxRules", "Plan", "plan_messages"]

PATIENT_MAX_BYTES = 25_000_000
"""Mon espace santé refuses a message that is larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxRules:
    """What preparing needs to know beside the submission itself."""

    mailbox: MailboxSettings
    message: MessageSettings
    software: SoftwareSettings
    sender: SenderInfo
    max_message_bytes: int
    clock: Clock
    ids: IdSource
    earlier_message_id: Callable[[str], str | None]  # Message-ID under which a document left, for threading
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class Plan:
    """The messages that will leave, and codes of what a person should hear of."""

    messages: tuple[FrozenMessage, ...]
    warnings: tuple[str, ...] = ()


def plan_messages(view: SubmissionView, files: Sequence[SubmittedFile], rules: MailboxRules) -> Plan:
    """Decide and build everything that will leave for one submission.

    Args:
        view: the submission, with one message that holds all recipients.
        files: its originals.
        rules: of the sending mailbox.

    Raises:
        InvalidSubmission: the input is wrong, and nothing leaves; the code is one of the catalogue.
        ConfigurationError: the mailbox or the product is not set up.
    """
    content = read_content(files, rules.limits)
    for document in content.documents:
        _check_environment(document, rules.software)
    recipients = [recipient for message in view.messages for recipient in message.recipients]
    if not recipients:
        raise InvalidSubmission("SANS_DESTINATAIRE", "the submission names nobody")
    groups = _groups(recipients, split=rules.message.split_patients_and_professionals)
    for recipient in recipients:
        _check_recipient(recipient.address, content.documents, view.options)
    return Plan(tuple(_freeze(group, view, content, rules) for group in groups), content.warnings)


def _groups(recipients: Sequence[MessageRecipient], *, split: bool) -> list[list[MessageRecipient]]:
    """Professionals together, each patient alone: a patient's address is a matricule, and nobody else's business."""
    if not split:
        return [list(recipients)]
    professionals = [r for r in recipients if not r.address.is_patient]
    patients = [[r] for r in recipients if r.address.is_patient]
    return [group for group in (professionals, *patients) if group]


def _check_environment(document: CdaDocument, software: SoftwareSettings) -> None:
    """Test identities never leave in production, real ones never in test."""
    ins = document.patient.ins
    if ins is not None and ins.is_test != (software.environment == "test"):
        raise InvalidSubmission("INS_ENVIRONNEMENT", f"the INS authority {ins.root} in {software.environment}")


def _check_recipient(address: MailboxAddress, documents: Sequence[CdaDocument], options: SendOptions) -> None:
    if not address.is_patient:
        if options.hide_from_professionals:
            raise InvalidSubmission("DOCUMENT_MASQUE", "hidden from professionals, and one is a recipient")
        return
    if options.hide_from_patient:
        raise InvalidSubmission("DOCUMENT_MASQUE", "hidden from the patient, who is a recipient")
    for document in documents:
        _check_patient_address(address, document)


def _check_patient_address(address: MailboxAddress, document: CdaDocument) -> None:
    """The address is built from the qualified INS of the very patient of the document (Ref#2 ECO.2.2.6)."""
    ins = document.patient.ins
    if ins is None or not document.patient.has_qualified_ins:
        raise InvalidSubmission("INS_NON_QUALIFIEE", "a patient is a recipient, and the INS is not qualified")
    if MatriculeINS.parse(ins.extension, ins.root).value != address.local_part.upper():
        raise InvalidSubmission("PATIENT_DESTINATAIRE", "the patient's address is not that of the document's patient")


def _freeze(
    group: Sequence[MessageRecipient], view: SubmissionView, content: Content, rules: MailboxRules
) -> FrozenMessage:
    """The bytes of one message, and the check of their size as sent."""
    spec = _spec(group, view, content, rules)
    composed = compose(spec)
    to_patient = any(recipient.address.is_patient for recipient in group)
    limit = min(rules.max_message_bytes, PATIENT_MAX_BYTES) if to_patient else rules.max_message_bytes
    if len(composed) > limit:
        raise InvalidSubmission("TROP_GROS", f"{len(composed)} bytes as sent, {limit} are accepted")
    return FrozenMessage(
        header_message_id=spec.message_id,
        recipients=tuple(recipient.address for recipient in group),
        content=composed,
        document_ids=tuple(document.id.unique_id for document in content.documents),
        document_codes=tuple(document.code.code for document in content.documents),
    )


def _spec(
    group: Sequence[MessageRecipient], view: SubmissionView, content: Content, rules: MailboxRules
) -> MessageSpec:
    now, mailbox, options = rules.clock.now(), rules.mailbox, view.options
    archive = wrap(
        content, options, now=now, ids=rules.ids, sender=rules.sender, oid_root=rules.software.oid_root,
        limits=rules.limits,
    )  # fmt: skip
    to_patient = any(recipient.address.is_patient for recipient in group)
    to = tuple(r.address for r in group if r.kind is RecipientKind.TO)
    copies = tuple(r.address for r in group if r.kind is RecipientKind.CC)
    names = pdf_names(content.documents, file_number=options.file_number)
    return MessageSpec(
        message_id=message_id(rules.ids.ulid(), mailbox.address.domain),
        date=now.astimezone(),
        sender=mailbox.address,
        label=mailbox.label,
        product_reference=rules.software.product_reference,
        to=to or copies,  # a group of copies alone still needs somebody in To
        cc=copies if to else (),
        body=_body(view, content.documents, rules),
        documents=content.documents,
        archive=archive,
        pdfs=tuple(PdfCopy(name, pdf) for name, pdf in zip(names, content.pdfs, strict=True)),
        birth_date_in_subject=rules.message.birth_date_in_subject,
        replace_tag=rules.message.replace_subject_tag,
        reply_to=mailbox.reply_to,
        delivery_receipt=options.delivery_receipt,
        read_receipt=options.read_receipt,
        no_reply_from_patient=options.no_reply_from_patient and to_patient,
        mixed_recipients=not rules.message.split_patients_and_professionals,
        urgent=options.urgent,
        in_reply_to=_parent(content.documents, rules) or "",
    )


def _parent(documents: Sequence[CdaDocument], rules: MailboxRules) -> str | None:
    """The message in which the replaced version left, when it left from here (Ref#2 ECO.2.2.2)."""
    replaced = (document.replaces.unique_id for document in documents if document.replaces)
    return next(filter(None, map(rules.earlier_message_id, replaced)), None)


def _body(view: SubmissionView, documents: Sequence[CdaDocument], rules: MailboxRules) -> str:
    """What the LPS wrote, or the default text; the mention of a replacement in both."""
    titles = ", ".join(document.title or document.code.display_name for document in documents)
    default = rules.message.default_body.replace("{titres}", titles).replace("{expediteur}", _signature(rules))
    text = view.body if view.body and view.body.strip() else default
    if any(document.replaces for document in documents):
        text = f"{text.rstrip()}\n\nCe document annule et remplace une version précédente.\n"
    return text


def _signature(rules: MailboxRules) -> str:
    mailbox = rules.mailbox
    person = " ".join(filter(None, (mailbox.title, mailbox.given, mailbox.family)))
    return "\n".join(filter(None, (person, mailbox.entity)))
