"""The proof before sending: the finished bytes are opened like a stranger's, and must say what was meant. Pure.

What is looked at is what the recipient will see: nothing of it is taken from what the composer was told. A message
that fails never leaves; its submission is rejected with ``PREUVE_ECHOUEE`` and the first thing that does not agree.
Source rules: Ref#2 ECO.2.1.1 to 2.1.6, 2.2.1, 2.2.2, 2.2.6, 2.2.8, 2.4.1 to 2.4.3; INS/va1.53.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.documents.cda.model import CdaDocument
from connector.documents.cda.parse import OpenedCda
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.submission import DocumentAction
from connector.exchange.content import Content
from connector.mail.compose import ARCHIVE_NAME, MessageSpec
from connector.mail.parse import OpenedMessage, open_message
from connector.mail.subject import birth_name, first_name, parse_subject
from connector.xdm.agreement import entry_disagreements
from connector.xdm.model import XdmDocument, XdmPackage
from connector.xdm.package_reader import read_xdm

__all__ = ["Intent", "prove"]


@dataclass(frozen=True, slots=True)
class Intent:
    """What one message is meant to be, beside its content."""

    recipients: frozenset[MailboxAddress]
    masks: frozenset[str]  # MASQUE_PS, INVISIBLE_PATIENT, INVISIBLE_REPRESENTANTS_LEGAUX
    action: DocumentAction


def prove(composed: bytes, spec: MessageSpec, content: Content, intent: Intent, limits: Limits) -> None:
    """Open the bytes that would leave and compare them with what was meant.

    Args:
        composed: the message.
        spec: sender, texts and wishes.
        content: the documents and files that were given.
        intent: for whom, with which flags, to do what.
        limits: bounds of reading.

    Raises:
        InvalidSubmission: ``PREUVE_ECHOUEE``.
    """
    try:
        found = next(_contradictions(composed, spec, content, intent, limits), None)
    except ConnectorError as error:  # what we made cannot even be opened
        raise InvalidSubmission("PREUVE_ECHOUEE", f"the message does not open: {error.code}") from error
    if found is not None:
        raise InvalidSubmission("PREUVE_ECHOUEE", found)


def _contradictions(
    composed: bytes, spec: MessageSpec, content: Content, intent: Intent, limits: Limits
) -> Iterator[str]:
    message = open_message(composed, limits)
    yield from _envelope(message, spec, intent)
    yield from _mss_headers(message, spec, content)
    if content.documents:
        yield from _subject(message, content.documents[0])
    yield from _identity(message, content)
    yield from _parts(message, content)
    archives = [part for part in message.parts if part.name == ARCHIVE_NAME]
    if len(archives) != bool(content.documents):
        yield f"{len(archives)} archives for {len(content.documents)} documents"
    for archive in archives:
        yield from _archive(read_xdm(archive.content, limits), content, intent)


def _envelope(message: OpenedMessage, spec: MessageSpec, intent: Intent) -> Iterator[str]:
    named = {contact.address.casefold() for contact in (*message.to, *message.cc)}
    wanted = {str(address).casefold() for address in intent.recipients}
    if named != wanted:
        yield "the header does not name exactly the recipients"
    if message.sender.address.casefold() != str(spec.sender).casefold():
        yield "the header names another sender"
    if message.message_id != spec.message_id:
        yield "the header has another Message-ID"
    if len({address.is_patient for address in intent.recipients}) > 1 and not spec.mixed_recipients:
        yield "patients and professionals are in one message"
    if {contact.address for contact in message.reply_to} != ({str(spec.reply_to)} if spec.reply_to else set()):
        yield "the header names another address for answers"


def _mss_headers(message: OpenedMessage, spec: MessageSpec, content: Content) -> Iterator[str]:
    codes = tuple(document.code.code for document in content.documents)
    qualified = any(document.patient.has_qualified_ins for document in content.documents)
    if message.mss.document_codes != codes:
        yield "X-MSS-CODECDA does not list the documents"
    if message.mss.qualified_ins != (("O" if qualified else "N") if codes else ""):
        yield "X-MSS-INS is not what the documents say"
    if bool(message.mss.no_reply) != spec.no_reply_from_patient:
        yield "X-MSS-MES is not what was asked for"


def _subject(message: OpenedMessage, document: CdaDocument) -> Iterator[str]:
    facts = parse_subject(message.subject_raw)
    if facts is None or not facts.has_marker:
        yield "the subject does not announce the archive"
        return
    words = f" {facts.display} "
    if f" {birth_name(document.patient)} {first_name(document.patient)} " not in words:
        yield "the subject names another patient than the document"


def _identity(message: OpenedMessage, content: Content) -> Iterator[str]:
    """No matricule outside of the documents, but in the address of the patient whom it belongs to."""
    matricules = {document.patient.ins.extension for document in content.documents if document.patient.ins}
    shown = [message.subject_raw, *(part.name for part in message.parts)]
    if any(matricule in text for matricule in matricules for text in shown):
        yield "a matricule stands in the subject or in the name of a file"


def _parts(message: OpenedMessage, content: Content) -> Iterator[str]:
    given = [part.content for part in message.parts if part.name != ARCHIVE_NAME]
    if given != [*content.pdfs, *(file.content for file in content.attachments)]:
        yield "the attachments are not the copies of the documents"


def _archive(packages: Sequence[XdmPackage], content: Content, intent: Intent) -> Iterator[str]:
    if len(packages) != 1 or packages[0].is_degraded or packages[0].missing:
        yield "the archive does not hold one complete submission set"
        return
    by_bytes = {opened.content: opened for opened in content.opened}
    found = [document for document in packages[0].documents if document.content in by_bytes]
    if len(found) != len(content.opened):
        yield "the archive does not hold the documents as they were given"
    for document in found:
        yield from _entry(document, by_bytes[document.content], intent)


def _entry(document: XdmDocument, opened: OpenedCda, intent: Intent) -> Iterator[str]:
    for one in entry_disagreements(document.entry, opened):
        if one.is_serious:
            yield f"{one.code}: {one.text}"
    flags = {flag.code for flag in document.entry.confidentiality_codes}
    if not intent.masks <= flags:
        yield "the metadata do not carry the visibility that was asked for"
    wanted = {DocumentAction.DELETE: "D", DocumentAction.REPLACE: "C"}.get(intent.action)
    if wanted and document.entry.action != wanted:
        yield f"the metadata do not carry the action {wanted}"
