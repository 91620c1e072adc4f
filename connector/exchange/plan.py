"""From one submission to the messages that will leave: who gets which, what may not leave at all. Pure.

Time and identifiers come in through :class:`MailboxRules`.
Source rules: Ref#2 ECO.2.1.1 (one patient), ECO.2.2.2 (threading), ECO.2.2.5 (Reply-To), ECO.2.2.6 (addresses of
patients only from a qualified INS), ENS §6 (25 MB to a patient).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from connector.documents.cda.model import CdaDocument
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.patient import INS_NIR, MatriculeINS
from connector.domain.ports import Clock, IdSource
from connector.domain.submission import DocumentAction, RecipientKind, SubmittedFile
from connector.exchange.content import Content, masks_of, read_content, wrap
from connector.exchange.proof import Intent, prove
from connector.journal.records import FrozenMessage, MessageRecipient, OutgoingMessage, SubmissionView
from connector.mail.compose import MessageSpec, PdfCopy, compose
from connector.mail.headers import message_id
from connector.mail.pdf_name import pdf_names
from connector.settings.model import MailboxSettings, MessageSettings, SoftwareSettings
from connector.xdm.declared import author_of
from connector.xdm.derive import master_patient_id
from connector.xdm.pack import PackOptions, SenderInfo

__all__ = ["PATIENT_MAX_BYTES", "MailboxRules", "Plan", "objections", "plan_messages"]

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
    earlier_message: Callable[[str], OutgoingMessage | None]  # in which a document left, by its uniqueId
    limits: Limits = DEFAULT_LIMITS


@dataclass(frozen=True, slots=True)
class Plan:
    """The messages that will leave, and codes of what a person should hear of."""

    messages: tuple[FrozenMessage, ...]
    warnings: tuple[str, ...] = ()
    replaces: str | None = None  # submission whose document is replaced or withdrawn, when it left from here


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
    content = read_content(files, rules.limits) if files or view.answers is None else Content((), ())
    for objection in objections(view, content, rules.software):
        raise objection
    groups = _groups(_everybody(view), split=rules.message.split_patients_and_professionals)
    earlier = _earlier(view, content.documents, rules)
    messages = tuple(_freeze(group, view, content, rules, earlier) for group in groups)
    return Plan(messages, content.warnings, earlier.submission_id if earlier else None)


def objections(view: SubmissionView, content: Content, software: SoftwareSettings) -> Iterator[InvalidSubmission]:
    """Everything that forbids sending, what is found first first; nothing when all may leave.

    Args:
        view: the submission, with one message that holds all recipients.
        content: what it is about.
        software: the environment decides which identities may leave.
    """
    for document in content.documents:
        yield from _raised(partial(_check_environment, document, software))
        yield from _raised(partial(_check_identity, document))
    yield from _raised(partial(_check_action, view, content))
    recipients = _everybody(view)
    if not recipients:
        yield InvalidSubmission("SANS_DESTINATAIRE", "the submission names nobody")
    for address in dict.fromkeys(recipient.address for recipient in recipients):
        yield from _raised(partial(_check_recipient, address, content, view))


def _raised(check: Callable[[], None]) -> Iterator[InvalidSubmission]:
    try:
        check()
    except InvalidSubmission as objection:
        yield objection


def _everybody(view: SubmissionView) -> list[MessageRecipient]:
    return [recipient for message in view.messages for recipient in message.recipients]


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


def _check_identity(document: CdaDocument) -> None:
    """A matricule only leaves with the traits that make its identity a qualified one, and with the right key.

    Without a matricule professionals may still receive the document (Ref#2, derogation of 2023; INS/va1.53).
    """
    ins = document.patient.ins
    if ins is None:
        return
    if not document.patient.has_qualified_ins:
        raise InvalidSubmission(
            "INS_SANS_TRAITS", "the document has a matricule INS and not all of the strict traits"
        )
    MatriculeINS.parse(ins.extension, ins.root)


def _check_action(view: SubmissionView, content: Content) -> None:
    """A replacement names what it replaces; only then does its archive carry the action C."""
    if view.action is DocumentAction.REPLACE and not any(document.replaces for document in content.documents):
        raise InvalidSubmission("REMPLACEMENT_INCOHERENT", "a replacement whose document names no earlier one")
    if view.action is DocumentAction.DELETE and not content.documents:
        raise InvalidSubmission("REMPLACEMENT_INCOHERENT", "a deletion without the document that is withdrawn")


def _check_recipient(address: MailboxAddress, content: Content, view: SubmissionView) -> None:
    asked = content.masks.union(masks_of(view.options))
    if not address.is_patient:
        if "MASQUE_PS" in asked:
            raise InvalidSubmission("DOCUMENT_MASQUE", "hidden from professionals, and one is a recipient")
        return
    if "INVISIBLE_PATIENT" in asked:
        raise InvalidSubmission("DOCUMENT_MASQUE", "hidden from the patient, who is a recipient")
    if not content.documents:
        _check_answer(address, view)
    for document in content.documents:
        _check_patient_address(address, document)


def _check_answer(address: MailboxAddress, view: SubmissionView) -> None:
    """Without a document only who has written is answered, at that very address: nothing is built or typed."""
    if view.answers is None or view.answers.correspondent != address:
        raise InvalidSubmission("INS_NON_QUALIFIEE", "a patient is a recipient, and no document proves the INS")
    MatriculeINS.parse(address.local_part, INS_NIR)


def _check_patient_address(address: MailboxAddress, document: CdaDocument) -> None:
    """The address is built from the qualified INS of the very patient of the document (Ref#2 ECO.2.2.6)."""
    ins = document.patient.ins
    if ins is None or not document.patient.has_qualified_ins:
        raise InvalidSubmission("INS_NON_QUALIFIEE", "a patient is a recipient, and the INS is not qualified")
    if MatriculeINS.parse(ins.extension, ins.root).value != address.local_part.upper():
        raise InvalidSubmission("PATIENT_DESTINATAIRE", "the patient's address is not that of the document's patient")


def _freeze(
    group: Sequence[MessageRecipient], view: SubmissionView, content: Content, rules: MailboxRules,
    earlier: OutgoingMessage | None,
) -> FrozenMessage:  # fmt: skip
    """The bytes of one message, proved to be what was meant, and the check of their size as sent."""
    spec = _spec(group, view, content, rules, earlier)
    composed = compose(spec)
    prove(composed, spec, content, _intent(group, view), rules.limits)
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
        awaits_receipt=spec.delivery_receipt or spec.read_receipt,
        patient=master_patient_id(content.documents[0].patient) if content.documents else "",
    )


def _intent(group: Sequence[MessageRecipient], view: SubmissionView) -> Intent:
    return Intent(
        recipients=frozenset(recipient.address for recipient in group),
        masks=frozenset(masks_of(view.options)),
        action=view.action,
    )


def _packing(view: SubmissionView, rules: MailboxRules) -> PackOptions:
    return PackOptions(
        oid_root=rules.software.oid_root,
        masks=masks_of(view.options),
        deletion=view.action is DocumentAction.DELETE,
        author=author_of(view.declared_sender) if view.declared_sender else None,
    )


def _spec(
    group: Sequence[MessageRecipient], view: SubmissionView, content: Content, rules: MailboxRules,
    earlier: OutgoingMessage | None,
) -> MessageSpec:  # fmt: skip
    now, mailbox, options = rules.clock.now(), rules.mailbox, view.options
    archive = wrap(content, _packing(view, rules), now=now, ids=rules.ids, sender=rules.sender, limits=rules.limits)
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
        body=_body(view, content.documents, rules, to_patient=to_patient),
        documents=content.documents,
        archive=archive,
        pdfs=tuple(PdfCopy(name, pdf) for name, pdf in zip(names, content.pdfs, strict=True)),
        attachments=content.attachments,
        subject=_free_subject(view, content, rules),
        birth_date_in_subject=rules.message.birth_date_in_subject,
        replace_tag=rules.message.replace_subject_tag,
        reply_to=view.reply_to or mailbox.reply_to,
        delivery_receipt=options.delivery_receipt,
        read_receipt=options.read_receipt,
        no_reply_from_patient=options.no_reply_from_patient and to_patient,
        mixed_recipients=not rules.message.split_patients_and_professionals,
        urgent=options.urgent,
        **_threading(view, earlier),
    )


def _threading(view: SubmissionView, earlier: OutgoingMessage | None) -> dict[str, Any]:
    """Of what this is an answer, else a replacement (Ref#2 ECO.2.2.2); and whether it ends all exchanges."""
    answers = view.answers
    if answers is None:
        return {"in_reply_to": (earlier.header_message_id or "") if earlier else ""}
    return {
        "in_reply_to": answers.message_id, "references": (*answers.references, answers.message_id),
        "end_exchange": answers.ends_exchange,
    }  # fmt: skip


def _earlier(view: SubmissionView, documents: Sequence[CdaDocument], rules: MailboxRules) -> OutgoingMessage | None:
    """The message in which what is replaced or withdrawn left, when it left from here (Ref#2 ECO.2.2.2)."""
    if view.action is DocumentAction.DELETE:
        concerned = [document.id.unique_id for document in documents]
    else:
        concerned = [document.replaces.unique_id for document in documents if document.replaces]
    return next(filter(None, map(rules.earlier_message, concerned)), None)


def _free_subject(view: SubmissionView, content: Content, rules: MailboxRules) -> str:
    """Only a message without documents has one of its own."""
    if content.documents:
        return ""
    return view.subject or rules.message.default_subject.replace("{expediteur}", rules.mailbox.display_name)


def _body(view: SubmissionView, documents: Sequence[CdaDocument], rules: MailboxRules, *, to_patient: bool) -> str:
    """What the LPS wrote for these recipients, or the default text; the mention of a replacement in both."""
    titles = ", ".join(document.title or document.code.display_name for document in documents) or "des documents"
    default = rules.message.default_body.replace("{titres}", titles).replace("{expediteur}", _signature(rules))
    written = view.body_for_patient if to_patient and view.body_for_patient is not None else view.body
    text = written if written and written.strip() else default
    if view.action is DocumentAction.DELETE:
        return f"{text.rstrip()}\n\nCe document est annulé : ne plus en tenir compte.\n"
    if any(document.replaces for document in documents):
        return f"{text.rstrip()}\n\nCe document annule et remplace une version précédente.\n"
    return text


def _signature(rules: MailboxRules) -> str:
    mailbox = rules.mailbox
    person = " ".join(filter(None, (mailbox.title, mailbox.given, mailbox.family)))
    return "\n".join(filter(None, (person, mailbox.entity)))
