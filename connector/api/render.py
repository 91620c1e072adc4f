"""Records of the journal as they go over the wire."""

from collections.abc import Sequence
from typing import Any

from connector.client.models.events import EventModel
from connector.client.models.messages import (
    EmailModel,
    FileModel,
    MessageDetailModel,
    MessageModel,
    ReceiptModel,
    RecipientStateModel,
    TimelineEntryModel,
)
from connector.domain.catalogue import explain
from connector.domain.states import OutgoingState
from connector.journal.events import Event
from connector.journal.receipts import ReceiptRow
from connector.journal.records import MessageRecipient, OutgoingMessage, SubmissionView, TraceEntry

__all__ = ["code_texts", "event_data", "message_detail", "message_model", "overall_state"]

_O = OutgoingState
_NEEDY_FIRST = (
    _O.REJECTED, _O.FAILED, _O.BOUNCED, _O.OUTCOME_UNKNOWN, _O.WAITING, _O.DUPLICATE, _O.RECEIVED, _O.PREPARED,
    _O.SENDING, _O.SENT, _O.DELIVERED, _O.READ, _O.CANCELLED,
)  # fmt: skip
"""In which order one state stands for several: first what somebody must see to, then what is least advanced."""


def code_texts(code: str | None) -> dict[str, str]:
    """``code`` and its four texts; all empty when there is none."""
    if not code:
        return dict.fromkeys(("code", "title_fr", "cure_fr", "title_en", "cure_en"), "")
    texts = explain(code)
    return {
        "code": code, "title_fr": texts.title_fr, "cure_fr": texts.cure_fr, "title_en": texts.title_en,
        "cure_en": texts.cure_en,
    }  # fmt: skip


def overall_state(states: Sequence[OutgoingState]) -> OutgoingState:
    """The one that stands for all; *received* when there is none yet."""
    return min(states, key=_NEEDY_FIRST.index, default=_O.RECEIVED)


def message_model(view: SubmissionView, corrected_by: str | None = None) -> MessageModel:
    """A submission with its e-mails.

    Args:
        view: the submission.
        corrected_by: the newest one that sends it anew.
    """
    return MessageModel(**_message(view, corrected_by))


def message_detail(
    view: SubmissionView, trace: Sequence[TraceEntry], receipts: Sequence[ReceiptRow], corrected_by: str | None = None
) -> MessageDetailModel:
    """The same with its story."""
    return MessageDetailModel(
        **_message(view, corrected_by), timeline=[_entry(entry) for entry in trace],
        receipts=[_receipt(receipt) for receipt in receipts],
    )  # fmt: skip


def _receipt(receipt: ReceiptRow) -> ReceiptModel:
    return ReceiptModel(
        address=receipt.named, at=receipt.at, kind=receipt.kind, status=receipt.status,
        integration_code=receipt.integration_code, text=receipt.text, inbox_id=receipt.incoming_id,
    )  # fmt: skip


def _message(view: SubmissionView, corrected_by: str | None) -> dict[str, Any]:
    waiting = {message.waiting_for.value for message in view.messages if message.waiting_for}
    return {
        "id": view.id, "mailbox": str(view.mailbox), "source": view.source.value, "name": view.source_name,
        "reference": view.reference, "created_at": view.created_at,
        "state": overall_state([message.state for message in view.messages]).value, "waiting_for": sorted(waiting),
        "duplicate_of": view.duplicate_of, "corrects": view.corrects, "corrected_by": corrected_by,
        "action": view.action.value, "replaces": view.replaces, "replaced_by": view.replaced_by, "lot": view.lot,
        "answers": view.answers.incoming_id if view.answers else None,
        "warnings": list(view.warnings),
        "files": [
            FileModel(
                number=number, name=file.name, role=file.role.value, sha256=file.sha256, size_bytes=file.size_bytes
            )
            for number, file in enumerate(view.files)
        ],
        "emails": [_email(message) for message in view.messages],
    }  # fmt: skip


def _email(message: OutgoingMessage) -> EmailModel:
    return EmailModel(
        id=message.id, state=message.state.value, since=message.state_since, attempts=message.attempts,
        next_attempt_at=message.next_attempt_at, deadline_at=message.deadline_at,
        waiting_for=message.waiting_for.value if message.waiting_for else None,
        message_id=message.header_message_id, answer=message.answer, size_bytes=message.size_bytes,
        recipients=[_recipient(each) for each in message.recipients],
        document_codes=list(message.document_codes), **code_texts(message.code),
    )  # fmt: skip


def _recipient(one: MessageRecipient) -> RecipientStateModel:
    return RecipientStateModel(
        address=str(one.address), kind=one.kind.value, state=one.state.value, code=one.code, text=one.text,
        waits_since=one.waits_since,
    )  # fmt: skip


def _entry(entry: TraceEntry) -> TimelineEntryModel:
    return TimelineEntryModel(
        number=entry.seq, at=entry.at, actor=entry.actor, action=entry.action, server=entry.server,
        answer=entry.answer, outcome=entry.outcome,
    )  # fmt: skip


def event_data(event: Event) -> dict[str, Any]:
    """What a stream and a webhook tell of an event, ready for JSON."""
    return EventModel(
        number=event.number, at=event.at, kind=event.kind.value, subject_id=event.subject_id, mailbox=event.mailbox,
        action=event.action, outcome=event.outcome,
    ).model_dump(mode="json")  # fmt: skip
