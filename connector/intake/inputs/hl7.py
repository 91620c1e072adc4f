"""An HL7 v2 message of the ANS volets as a sending: its CDA documents, recipients, flags and texts.

Source rule: IG "Transmission de documents CDA en HL7v2" 2.1 §5.3 to 5.5; Ref#2 ECO.2.2.5, 2.2.6.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from connector.documents.cda.model import CdaDocument
from connector.documents.cda.parse import embedded_pdf_copy, open_cda
from connector.documents.hl7.agreement import check_against_cda
from connector.documents.hl7.errors import Hl7Error
from connector.documents.hl7.order import Hl7Order, read_order
from connector.domain.address import MailboxAddress
from connector.domain.limits import Limits
from connector.domain.submission import (
    DeclaredSender,
    DocumentAction,
    FileRole,
    Hl7Origin,
    Recipient,
    SendOptions,
    SubmittedFile,
)
from connector.intake.drop import base_name
from connector.intake.inputs.understood import Understood

__all__ = ["origin_of", "understand_hl7"]


def understand_hl7(file: SubmittedFile, limits: Limits) -> tuple[Hl7Order, Understood]:
    """What one message asks for.

    Args:
        file: the message.
        limits: bounds of reading.

    Returns:
        The message as it was read, and what it means; a message with a PDF only has no document yet.

    Raises:
        Hl7Error: with everything that is wrong with it, what disagrees with its CDA documents included.
    """
    order = read_order(file.content, limits)
    opened = [open_cda(content, limits) for content in order.documents]
    problems = check_against_cda(order, [one.document for one in opened])
    if problems:
        raise Hl7Error(*problems)
    base = base_name(file.name)
    documents = [_cda(base, number, content) for number, content in enumerate(order.documents, 1)]
    pdfs = [_pdf(base, content) for content in order.pdfs]
    copies = _shared_copy([one.document for one in opened], [embedded_pdf_copy(one.element) for one in opened], base)
    return order, Understood(
        files=(file, *documents, *pdfs, *copies),
        recipients=tuple(Recipient(MailboxAddress.parse(one.address)) for one in order.recipients),
        recipients_from_document=not order.is_classic and not order.recipients,
        options=_options(order),
        action=DocumentAction(order.action),
        reference=order.header.control_id or None,
        body=order.body_professional or None,
        body_for_patient=order.body_patient or None,
        reply_to=MailboxAddress.parse(order.reply_to) if order.reply_to else None,
        declared_sender=_sender(order),
        hl7=origin_of(order),
        warnings=order.warnings,
    )


def origin_of(order: Hl7Order) -> Hl7Origin:
    """What answers to a message repeat of it."""
    header = order.header
    return Hl7Origin(
        control_id=header.control_id, event=header.event, version=header.version,
        processing_id=header.processing_id, charset=header.charset,
        sending_application=header.sending_application, sending_facility=header.sending_facility,
        receiving_application=header.receiving_application, receiving_facility=header.receiving_facility,
        wants_delivery_answer=order.wants_delivery_ack, wants_read_answer=order.wants_read_ack,
        person_ids=tuple((one.address, one.person_id) for one in order.recipients if one.person_id),
    )  # fmt: skip


def _options(order: Hl7Order) -> SendOptions:
    flags = order.flags
    return SendOptions(
        read_receipt=flags.ack_lecture_mss,
        no_reply_from_patient=order.no_reply_from_patient,
        hide_from_professionals=flags.masque_ps,
        hide_from_patient=flags.invisible_patient,
        hide_from_legal_representatives=flags.invisible_rep_legaux,
    )


def _sender(order: Hl7Order) -> DeclaredSender | None:
    sender = order.sender
    if sender is None:
        return None
    return DeclaredSender(
        person_id=sender.person_id, family=sender.family, given=sender.given,
        organization_id=sender.organization_id, organization_name=sender.organization, device=sender.device_id,
    )  # fmt: skip


def _cda(base: str, number: int, content: bytes) -> SubmittedFile:
    name = f"{base}.xml" if number == 1 else f"{base}-{number}.xml"
    return SubmittedFile(name, FileRole.CDA, content, hashlib.sha256(content).hexdigest())


def _pdf(base: str, content: bytes) -> SubmittedFile:
    return SubmittedFile(f"{base}.pdf", FileRole.PDF, content, hashlib.sha256(content).hexdigest())


def _shared_copy(
    documents: Sequence[CdaDocument], embedded: Sequence[bytes | None], base: str
) -> tuple[SubmittedFile, ...]:
    """For a pair of N1 and N3 of the same content: the PDF of the N1 is the copy of both, as its maker made it."""
    bodies = [document.body for document in documents]
    pdf = next((body.content for body in bodies if body and body.media_type == "application/pdf"), None)
    bare = [number for number, body in enumerate(bodies) if body is None and embedded[number] is None]
    if len(documents) != 2 or pdf is None or len(bare) != 1:
        return ()
    shared = _pdf(base, pdf)
    return (shared if bare[0] == 0 else replace(shared, name=f"{base}-2.pdf"),)
