"""Receipts that arrive are tied to what had been sent.

A receipt proves that a message left, so it also settles an unknown outcome. It is applied per recipient; the message
as a whole is *delivered* when every recipient that is still concerned has it.
"""

from collections.abc import Iterable

from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.states import OutgoingEvent, OutgoingState, RecipientState
from connector.journal.journal import Journal
from connector.journal.records import MessageRecipient, OutgoingMessage, RecipientChange
from connector.mail.receipts import Receipt, ReceiptKind

__all__ = ["ReceiptTooEarly", "apply_receipt", "event_for"]

_STATE = {
    ReceiptKind.DELIVERED: RecipientState.DELIVERED,
    ReceiptKind.READ: RecipientState.READ,
    ReceiptKind.FAILED: RecipientState.BOUNCED,
    ReceiptKind.INTEGRATION_FAILED: RecipientState.BOUNCED,
}
_REACHED = (RecipientState.DELIVERED, RecipientState.READ)
_UNSENT = (OutgoingState.RECEIVED, OutgoingState.REJECTED, OutgoingState.DUPLICATE)


class ReceiptTooEarly(Exception):
    """The message is being sent right now; look again in a moment."""


def apply_receipt(journal: Journal, mailbox: MailboxAddress, receipt: Receipt, *, server: str) -> bool:
    """Tie a receipt to its message.

    Applying the same receipt twice changes nothing more: a crash between this and the receipt's own row is harmless.

    Returns:
        True when it belonged to a message of ours; False leaves it to be delivered like any other mail.

    Raises:
        ReceiptTooEarly: the message is in ``sending``.
    """
    message = _find(journal, receipt)
    if message is None or message.mailbox != mailbox or message.state in _UNSENT:
        return False
    if message.state is OutgoingState.SENDING:
        raise ReceiptTooEarly
    changes = _changes(message, receipt)
    event = event_for(message, changes)
    code = "REMISE_ECHEC" if event is OutgoingEvent.RECEIPT_FAILED else message.code
    answer = next((change.text for change in changes if change.text), None) or message.answer
    journal.record(message.id, event, recipients=changes, code=code, answer=answer, server=server)
    return True


def _find(journal: Journal, receipt: Receipt) -> OutgoingMessage | None:
    """By envelope id, which is our own row id, else by the Message-IDs that the receipt names."""
    found = journal.find_outgoing(receipt.envelope_id) if receipt.envelope_id else None
    candidates = filter(None, (receipt.message_id, *receipt.references))
    return found or next(filter(None, map(journal.by_header_message_id, candidates)), None)


def event_for(message: OutgoingMessage, changes: Iterable[RecipientChange]) -> OutgoingEvent:
    """What the news about some recipients mean for the whole message (pure)."""
    after = {r.address: r.state for r in message.recipients} | {c.address: c.state for c in changes}
    states = set(after.values())
    if RecipientState.BOUNCED in states and not _is_still_open(message, states):
        return OutgoingEvent.RECEIPT_FAILED
    concerned = states - {RecipientState.REFUSED}
    if concerned and concerned <= set(_REACHED):
        return OutgoingEvent.RECEIPT_READ if RecipientState.READ in states else OutgoingEvent.RECEIPT_DELIVERED
    return OutgoingEvent.RECEIPT_PARTIAL


def _is_still_open(message: OutgoingMessage, states: set[RecipientState]) -> bool:
    """A message that will still be tried for somebody must not become final by another one's bounce."""
    waits = message.state in (OutgoingState.PREPARED, OutgoingState.WAITING)
    return waits and bool(states & {RecipientState.PENDING, RecipientState.DEFERRED})


def _changes(message: OutgoingMessage, receipt: Receipt) -> list[RecipientChange]:
    known = {str(r.address).casefold(): r for r in message.recipients}
    changes = []
    for report in receipt.recipients:
        recipient = known.get(_plain(report.address)) or _only(message.recipients)
        state = _STATE.get(report.kind)
        if recipient and state and not _is_step_back(recipient.state, state):
            text = report.diagnostic or report.status
            changes.append(RecipientChange(recipient.address, state, report.smtp_code, text))
    return changes


def _only(recipients: tuple[MessageRecipient, ...]) -> MessageRecipient | None:
    """Some servers report a rewritten address; with one recipient there is no doubt whom it means."""
    return recipients[0] if len(recipients) == 1 else None


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
