"""Business acknowledgements (ZAM) for the sender of an HL7 v2 order: which are due, what they say, and as files.

Source rule: IG "Transmission de documents CDA en HL7v2" 2.1, business acknowledgements: Z02 for each recipient when
the operator or a delivery receipt says that the message arrived or will not, Z03 when a read receipt comes.

One answer, step by step (the names in brackets are crash steps):

1. It is noted as due [``journal.answers_noted``]: from now on its words, its number and its time are fixed.
2. The file is written [``answer.written``]; after a crash the same bytes are written under the same name again.
3. It is noted as given [``journal.answer_settled``].
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from connector.documents.hl7.answer import Zam, ZamError, ZamKind, write_zam
from connector.domain.address import MailboxAddress
from connector.domain.catalogue import explain
from connector.domain.ports import reach
from connector.domain.states import OutgoingState, RecipientState
from connector.domain.submission import Hl7Origin, SourceKind
from connector.intake.acknowledge import answer_id, header_of
from connector.intake.layout import BoxLayout
from connector.intake.record import Records
from connector.journal.hl7_answers import AnswerNews, Hl7Answer
from connector.journal.receipts import ReceiptRow
from connector.journal.records import MessageRecipient, OutgoingMessage, SubmissionView
from connector.mail.receipts import ReceiptKind
from connector.platform.files import safe_name, unavailable, write_atomic

__all__ = ["AnswerLedger", "ZamFiles", "due_answers", "note_due", "zam_message"]

_LISTED = frozenset({
    101, 111, 251, 252, 420, 421, 422, 431, 432, 441, 442, 450, 451, 452, 500, 501, 502, 503, 504, 510, 512, 513,
    523, 530, 541, 550, 551, 552, 553, 554,
})  # fmt: skip
"""SMTP codes that a ZAM may name; others become the general one of their class."""
_ARRIVED = (RecipientState.DELIVERED, RecipientState.READ)
_LOST = (RecipientState.REFUSED, RecipientState.BOUNCED)
_GIVEN_UP = (OutgoingState.REJECTED, OutgoingState.FAILED, OutgoingState.CANCELLED)
_NEVER_GIVEN = (RecipientState.PENDING, RecipientState.DEFERRED)
_NOT_INTEGRATED = "900"  # of the reception volet, when the receiving software said no other


class AnswerLedger(Protocol):
    """What answers need of the journal; the methods are documented there."""

    def answers_news(self, mailbox: MailboxAddress, *, limit: int = 100) -> list[SubmissionView]:
        """Submissions that changed since their answers were looked at."""
        ...

    def note_hl7_answers(self, view: SubmissionView, news: Sequence[AnswerNews]) -> int:
        """Keep what is due, each once."""
        ...

    def receipts(self, submission_id: str) -> list[ReceiptRow]:
        """What was heard about recipients."""
        ...

    def hl7_answers_due(self, mailbox: MailboxAddress, *, limit: int = 100) -> list[Hl7Answer]:
        """What is to be told now."""
        ...

    def submission(self, submission_id: str) -> SubmissionView:
        """One submission."""
        ...

    def settle_hl7_answer(self, answer: Hl7Answer, outcome: str, detail: str = "") -> None:
        """It was told."""
        ...


def due_answers(view: SubmissionView, receipts: Sequence[ReceiptRow]) -> list[AnswerNews]:
    """Everything that the sender of an order is to be told by now, what he knows already included.

    Args:
        view: the order.
        receipts: what was heard about its recipients.
    """
    if view.hl7 is None:
        return []
    found: list[AnswerNews] = []
    for message in view.messages:
        for recipient in message.recipients:
            if view.hl7.wants_delivery_answer:
                found += _delivery(message, recipient)
            if view.hl7.wants_read_answer:
                found += _reading(message, recipient, receipts)
    return found


def _delivery(message: OutgoingMessage, recipient: MessageRecipient) -> Iterator[AnswerNews]:
    if recipient.state in _ARRIVED:
        yield _news(message, recipient, ZamKind.Z02, is_positive=True)
    never_left = message.state in _GIVEN_UP and recipient.state in _NEVER_GIVEN
    if recipient.state in _LOST or never_left:
        label = recipient.text or explain(message.code or "REMISE_ECHEC").title_fr
        yield _news(message, recipient, ZamKind.Z02, code=_smtp_code(recipient.code), label=label)


def _reading(
    message: OutgoingMessage, recipient: MessageRecipient, receipts: Sequence[ReceiptRow]
) -> Iterator[AnswerNews]:
    if recipient.state is RecipientState.READ:
        yield _news(message, recipient, ZamKind.Z03, is_positive=True)
    failed = [
        receipt for receipt in receipts
        if receipt.kind == ReceiptKind.INTEGRATION_FAILED
        and (receipt.message_id, receipt.recipient) == (message.id, recipient.address)
    ]  # fmt: skip
    for receipt in failed[:1]:
        code = receipt.integration_code or _NOT_INTEGRATED
        yield _news(message, recipient, ZamKind.Z03, code=code, label=receipt.text)


def _news(
    message: OutgoingMessage, recipient: MessageRecipient, kind: ZamKind, *, is_positive: bool = False,
    code: str = "", label: str = "",
) -> AnswerNews:  # fmt: skip
    return AnswerNews(
        message_id=message.id, address=recipient.address, kind=kind, is_positive=is_positive, code=code,
        label=" ".join(label.split()),
    )  # fmt: skip


def _smtp_code(code: int) -> str:
    if code in _LISTED:
        return str(code)
    return "451" if code // 100 == 4 else "554"


def note_due(journal: AnswerLedger, mailbox: MailboxAddress) -> int:
    """Note what became due for the orders of a mailbox; returns how many answers are new."""
    views = journal.answers_news(mailbox)
    return sum(journal.note_hl7_answers(view, due_answers(view, journal.receipts(view.id))) for view in views)


def zam_message(answer: Hl7Answer, origin: Hl7Origin, application: str = "") -> bytes:
    """The message; the same bytes whenever it is made.

    Args:
        answer: what is to be said.
        origin: of the order.
        application: who says it, when the order was written to nobody.
    """
    system = "SMTPERRORCODE" if answer.kind == ZamKind.Z02 else "applicationErrorCondition"
    zam = Zam(
        kind=ZamKind(answer.kind),
        original_control_id=origin.control_id,
        address=str(answer.address),
        person_id=dict(origin.person_ids).get(str(answer.address), ""),
        is_positive=answer.is_positive,
        error=None if answer.is_positive else ZamError(answer.code, answer.label, system),
    )
    said = "Y" if answer.is_positive else "N"
    control_id = answer_id("ZAM", answer.message_id, str(answer.address), answer.kind, said)
    return write_zam(
        zam, header_of(origin), control_id=control_id, now=answer.at.astimezone(), application=application
    )


class ZamFiles:
    """Writes the answers of one mailbox as ``STATUTS/<base>.<n>.zam.hl7``; works in the thread of its folders.

    Args:
        mailbox: whose orders they answer.
        layout: its folders.
        journal: what is due.
        application: MSH-3 where an order was written to nobody.
    """

    def __init__(
        self, mailbox: MailboxAddress, layout: BoxLayout, *, journal: AnswerLedger, application: str = ""
    ) -> None:
        self._mailbox = mailbox
        self._layout = layout
        self._journal = journal
        self._application = application
        self._records = Records(layout)

    def run_once(self) -> int:
        """Write everything that is due.

        Returns:
            How many were written.

        Raises:
            Unavailable: ``SPOOL_ABSENT``, ``SPOOL_REFUSE``, ``DISQUE_PLEIN`` or the journal's own; what was not
                written comes again.
        """
        note_due(self._journal, self._mailbox)
        answers = self._journal.hl7_answers_due(self._mailbox)
        if answers:
            self._layout.check()
        return sum(self._write(answer) for answer in answers)

    def _write(self, answer: Hl7Answer) -> bool:
        view = self._journal.submission(answer.submission_id)
        base = self._base(view)
        if view.hl7 is None or base is None:
            return False  # the status file comes first, it has the name
        try:
            path = self._layout.statuses / f"{base}.{answer.number}.zam.hl7"
            write_atomic(path, zam_message(answer, view.hl7, self._application))
        except OSError as error:
            raise unavailable(error) from error
        reach("answer.written")
        self._journal.settle_hl7_answer(answer, "written")
        return True

    def _base(self, view: SubmissionView) -> str | None:
        """That of the status file; an order that came another way has its number and the end of its id."""
        if view.source is SourceKind.FOLDER:
            record = self._records.find(view.id)
            if record or not view.reported_revision:
                return record.status if record else None
        return safe_name(f"{view.source_name}-{view.id[-6:]}", max_chars=100)
