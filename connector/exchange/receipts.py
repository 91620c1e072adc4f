"""Receipts that arrive are tied to what had been sent.

A receipt proves that a message left, so it also settles an unknown outcome, unless it can only be about an earlier
attempt that left for somebody else. It is applied per recipient; the message as a whole is *delivered* when every
recipient that is still concerned has it.

Tied is what names our own row (ENVID) or a Message-ID of ours, and then a recipient by its address, original or
final; nothing is guessed. Whatever cannot be tied goes to the person like any other mail.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.states import OutgoingEvent, OutgoingState, RecipientState
from connector.exchange.lookup import served_and_put_off
from connector.journal.journal import Journal
from connector.journal.receipts import ReceiptNews
from connector.journal.records import MessageRecipient, OutgoingMessage, RecipientChange
from connector.mail.receipts import Receipt, ReceiptForm, ReceiptKind, RecipientReport

__all__ = ["ReceiptTooEarly", "apply_receipt", "event_for"]

_STATE = {
    ReceiptKind.DELIVERED: RecipientState.DELIVERED,
    ReceiptKind.READ: RecipientState.READ,
    ReceiptKind.FAILED: RecipientState.BOUNCED,
    ReceiptKind.INTEGRATION_FAILED: RecipientState.BOUNCED,
}
_REACHED = (RecipientState.DELIVERED, RecipientState.READ)
_OPEN = (RecipientState.PENDING, RecipientState.DEFERRED)
_AWAITED = (RecipientState.ACCEPTED, RecipientState.NO_NEWS)
_UNCERTAIN = (OutgoingState.OUTCOME_UNKNOWN, OutgoingState.CANCELLED)
_UNFINISHED = (OutgoingState.PREPARED, OutgoingState.WAITING, *_UNCERTAIN)


class ReceiptTooEarly(Exception):
    """The message is being sent right now; look again in a moment."""


def apply_receipt(
    journal: Journal, mailbox: MailboxAddress, receipt: Receipt, *, server: str, incoming_id: str = ""
) -> bool:
    """Tie a receipt to its message.

    Applying the same receipt twice changes nothing more: a crash between this and the receipt's own row is harmless.

    Args:
        journal: where the message is.
        mailbox: in which the receipt arrived.
        receipt: what it says.
        server: from which it came, for the trace.
        incoming_id: row id of the message that brought it.

    Returns:
        True when everything that it says is about known recipients of a message of ours; False leaves it to be
        delivered like any other mail, so that a person sees what could not be tied.

    Raises:
        ReceiptTooEarly: the message is in ``sending``.
    """
    message = _find(journal, receipt)
    if message is None or message.mailbox != mailbox or message.header_message_id is None:
        return False  # not ours, or it never had bytes that could leave
    if message.state is OutgoingState.SENDING:
        raise ReceiptTooEarly
    if not receipt.recipients:
        receipt = _about_the_only_one(message, receipt)
    news = [_news(message, receipt, report) for report in receipt.recipients]
    is_tied = bool(news) and all(each.recipient for each in news)
    journal.add_receipts(message.id, incoming_id, news or [_nobody(receipt)])
    if not any(each.recipient for each in news) and message.state not in _UNCERTAIN:
        return False
    changes = _changes(message, receipt)
    event = event_for(message, changes)
    if message.state in _UNCERTAIN and _proves_last_attempt(message, receipt):
        served, put_off = served_and_put_off(message)
        changes += _others_accepted(served, changes)
        event = OutgoingEvent.MISSING if _must_go_on(message, put_off) else event_for(message, changes)
    bounced = any(change.state is RecipientState.BOUNCED for change in changes)
    kept = None if event is OutgoingEvent.FOUND else message.code
    code = "REMISE_ECHEC" if bounced or event is OutgoingEvent.RECEIPT_FAILED else kept
    answer = next((change.text for change in changes if change.text), None) or message.answer
    journal.record(message.id, event, recipients=changes, code=code, answer=answer, server=server)
    return is_tied


def _about_the_only_one(message: OutgoingMessage, receipt: Receipt) -> Receipt:
    """Mon espace santé may name nobody; when one person got the message, it can only mean that one."""
    if receipt.form is not ReceiptForm.PATIENT_SPACE or len(message.recipients) != 1:
        return receipt
    return replace(
        receipt, recipients=(RecipientReport(address=str(message.recipients[0].address), kind=receipt.kind),)
    )


def _news(message: OutgoingMessage, receipt: Receipt, report: RecipientReport) -> ReceiptNews:
    recipient = _named(message, report)
    return ReceiptNews(
        named=report.address, recipient=recipient.address if recipient else None, kind=report.kind, form=receipt.form,
        status=report.status, smtp_code=report.smtp_code, text=report.diagnostic or receipt.integration_text,
        integration_code=receipt.integration_code,
    )  # fmt: skip


def _nobody(receipt: Receipt) -> ReceiptNews:
    return ReceiptNews(named="", recipient=None, kind=receipt.kind, form=receipt.form)


def _find(journal: Journal, receipt: Receipt) -> OutgoingMessage | None:
    """By envelope id, which is our own row id, else by the Message-IDs that the receipt names."""
    found = journal.find_outgoing(receipt.envelope_id) if receipt.envelope_id else None
    candidates = filter(None, (receipt.message_id, *receipt.references))
    return found or next(filter(None, map(journal.by_header_message_id, candidates)), None)


def event_for(message: OutgoingMessage, changes: Iterable[RecipientChange]) -> OutgoingEvent:
    """What the news about some recipients mean for the whole message (pure)."""
    after = {r.address: r.state for r in message.recipients} | {c.address: c.state for c in changes}
    states = set(after.values())
    still_open = message.state in _UNFINISHED and not states.isdisjoint(_OPEN)
    if RecipientState.BOUNCED in states and not still_open:
        return OutgoingEvent.RECEIPT_FAILED  # may be tried again: not while somebody else may have it unknown to us
    concerned = states - {RecipientState.REFUSED}
    if concerned and concerned <= set(_REACHED):
        return OutgoingEvent.RECEIPT_READ if RecipientState.READ in states else OutgoingEvent.RECEIPT_DELIVERED
    settles = message.state is OutgoingState.OUTCOME_UNKNOWN and not still_open
    return OutgoingEvent.FOUND if settles else OutgoingEvent.RECEIPT_PARTIAL


def _proves_last_attempt(message: OutgoingMessage, receipt: Receipt) -> bool:
    """False when an earlier attempt left, and the receipt may be about that one only."""
    earlier = any(recipient.state not in (*_OPEN, RecipientState.REFUSED) for recipient in message.recipients)
    named = [_named(message, report) for report in receipt.recipients]
    return not earlier or any(recipient is not None and recipient.state in _OPEN for recipient in named)


def _must_go_on(message: OutgoingMessage, put_off: Sequence[MessageRecipient]) -> bool:
    """The lost attempt left, but not for those whom the server had put off before its content."""
    return message.state is OutgoingState.OUTCOME_UNKNOWN and bool(put_off)


def _others_accepted(served: Iterable[MessageRecipient], changes: Iterable[RecipientChange]) -> list[RecipientChange]:
    """The lost attempt left, so everybody whom it was for may have it: a retry must not send them a second copy."""
    told = {change.address for change in changes}
    return [RecipientChange(r.address, RecipientState.ACCEPTED) for r in served if r.address not in told]


def _changes(message: OutgoingMessage, receipt: Receipt) -> list[RecipientChange]:
    changes = []
    for report in receipt.recipients:
        recipient = _named(message, report)
        state = _STATE.get(report.kind)
        if recipient and state is None and recipient.state in _AWAITED:
            state = RecipientState.ACCEPTED  # delayed, or given on: it is waited for anew
        if recipient and state and not _is_step_back(recipient.state, state):
            text = report.diagnostic or report.status
            changes.append(RecipientChange(recipient.address, state, report.smtp_code, text))
    return changes


def _named(message: OutgoingMessage, report: RecipientReport) -> MessageRecipient | None:
    """Whom a report means. Some servers write another address; with one recipient there is no doubt."""
    known = {str(recipient.address).casefold(): recipient for recipient in message.recipients}
    only = message.recipients[0] if len(message.recipients) == 1 else None
    return known.get(_plain(report.address)) or known.get(_plain(report.also), only)


def _plain(address: str) -> str:
    try:
        return str(MailboxAddress.parse(address)).casefold()
    except InvalidSubmission:
        return address.casefold()


def _is_step_back(before: RecipientState, after: RecipientState) -> bool:
    """A late delivery receipt does not undo a read one; nothing undoes a bounce."""
    if before is RecipientState.BOUNCED:
        return True
    return before is RecipientState.READ and after is RecipientState.DELIVERED
