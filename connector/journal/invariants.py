"""What must be true of the journal at every moment, as the questions that find who breaks it."""

from typing import Any

from sqlalchemy import Select, func, or_, select

from connector.domain.states import RecipientState, WaitingFor
from connector.journal.schema import message_recipients, payloads, submission_files
from connector.journal.statements import LIVE, I, O, m, n, s

__all__ = ["VIOLATIONS"]

_HAS_PAYLOAD = select(payloads.c.id).where(payloads.c.id == m.payload_id).exists()
_HAS_RECIPIENT = select(message_recipients.c.message_id).where(message_recipients.c.message_id == m.id).exists()
_OPEN_MESSAGE = select(m.id).where(m.submission_id == submission_files.c.submission_id, m.state.in_(LIVE)).exists()
_ORIGINAL = select(payloads.c.id).where(payloads.c.id == submission_files.c.payload_id).exists()
_SUM = select(func.coalesce(func.sum(m.revision), 0)).where(m.submission_id == s.id).scalar_subquery()
_LEFT = [O.SENT, O.DELIVERED, O.READ, O.BOUNCED]
_TWIN = select(s.duplicate_of).where(s.id == m.submission_id).scalar_subquery()
_KNOWN_OUT, _KNOWN_IN = list(O), list(I)
_WAITS = list(WaitingFor)
_STORED_INCOMING = [I.STORED, I.OPENED]
_INCOMING_PAYLOAD = select(payloads.c.id).where(payloads.c.id == n.payload_id).exists()

VIOLATIONS: dict[str, Select[Any]] = {
    "unknown state": select(m.id).where(m.state.not_in(_KNOWN_OUT)),
    "about to leave without frozen bytes": select(m.id).where(
        m.state.in_([O.PREPARED, O.SENDING, O.OUTCOME_UNKNOWN]),
        or_(m.header_message_id.is_(None), ~_HAS_PAYLOAD),
    ),
    "about to leave without recipients": select(m.id).where(
        m.state.in_([O.PREPARED, O.SENDING, O.OUTCOME_UNKNOWN]), ~_HAS_RECIPIENT
    ),
    "left without having been frozen": select(m.id).where(m.state.in_(_LEFT), m.header_message_id.is_(None)),
    "sent without an answer of the operator": select(m.id).where(
        m.state == O.SENT, m.answer.is_(None), or_(m.settled_by.is_(None), m.settled_by == "accept")
    ),
    "sending without an owner": select(m.id).where(m.state == O.SENDING, m.claim_owner.is_(None)),
    "claimed but not in work": select(m.id).where(
        m.state.not_in([O.SENDING, O.RECEIVED]), m.claim_owner.is_not(None)
    ),
    "to be done but never due": select(m.id).where(
        m.state.in_([O.PREPARED, O.RECEIVED]), m.next_attempt_at.is_(None)
    ),
    "waiting for nothing": select(m.id).where(
        m.state == O.WAITING, or_(m.waiting_for.is_(None), m.waiting_for.not_in(_WAITS))
    ),
    "waits and does not": select(m.id).where(m.state != O.WAITING, m.waiting_for.is_not(None)),
    "outcome unknown although no content left": select(m.id).where(
        m.state == O.OUTCOME_UNKNOWN, m.data_begun.is_(False)
    ),
    "duplicate of nothing": select(m.id).where(m.state == O.DUPLICATE, _TWIN.is_(None)),
    "originals missing": select(submission_files.c.submission_id).where(_OPEN_MESSAGE, ~_ORIGINAL),
    "submission revision is not the sum of its messages": select(s.id).where(s.revision != _SUM),
    "unknown recipient state": select(message_recipients.c.message_id).where(
        message_recipients.c.state.not_in(list(RecipientState))
    ),
    "incoming: unknown state": select(n.id).where(n.state.not_in(_KNOWN_IN)),
    "incoming: to be opened without bytes": select(n.id).where(n.state.in_(_STORED_INCOMING), ~_INCOMING_PAYLOAD),
    "incoming: to be done but never due": select(n.id).where(
        n.state.in_([I.SEEN, *_STORED_INCOMING]), n.next_attempt_at.is_(None)
    ),
    "incoming: claimed but not in work": select(n.id).where(
        n.state.not_in([I.SEEN, *_STORED_INCOMING]), n.claim_owner.is_not(None)
    ),
    "incoming: stored without hash": select(n.id).where(
        n.state.not_in([I.SEEN, I.GONE, I.QUARANTINED]), n.sha256 == ""
    ),
    "incoming: duplicate of nothing": select(n.id).where(n.state == I.DUPLICATE, n.duplicate_of.is_(None)),
}  # fmt: skip
"""What must never be true, and who breaks it."""
