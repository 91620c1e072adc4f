"""What a person may decide: try a submission again, give it up, let it leave; have a received message given again."""

from collections.abc import Sequence

from connector.domain.errors import IllegalTransition
from connector.domain.ports import Clock
from connector.domain.states import (
    IncomingEvent,
    IncomingState,
    OutgoingEvent,
    OutgoingState,
    RecipientState,
    WaitingFor,
    next_outgoing,
)
from connector.journal.journal import Journal
from connector.journal.records import OutgoingMessage, RecipientChange

__all__ = ["cancel", "release", "requeue", "retry"]

_ON_ITS_WAY = (IncomingState.SEEN, IncomingState.STORED, IncomingState.OPENED)
_AGAIN = (RecipientState.REFUSED, RecipientState.BOUNCED, RecipientState.DEFERRED)


def retry(journal: Journal, clock: Clock, submission_id: str, *, actor: str) -> int:
    """Try every failed, waiting or postponed message of a submission again now, to those who did not get it.

    Returns:
        How many messages changed.

    Raises:
        IllegalTransition: ``TRANSITION`` when none of them can be tried again.
    """
    return _decide(journal, clock, submission_id, OutgoingEvent.RETRY, actor=actor)


def cancel(journal: Journal, clock: Clock, submission_id: str, *, actor: str) -> int:
    """Give up what has not left. See :func:`retry`."""
    return _decide(journal, clock, submission_id, OutgoingEvent.CANCEL, actor=actor)


def release(journal: Journal, clock: Clock, submission_id: str, *, actor: str) -> int:
    """Let a duplicate leave, or send again what may have left already. See :func:`retry`."""
    return _decide(journal, clock, submission_id, OutgoingEvent.RELEASE, actor=actor)


def requeue(journal: Journal, incoming_id: str, *, actor: str) -> bool:
    """Open a received message once more and give it to the software again: files that it took come a second time.

    Returns:
        False when it is on its way already.

    Raises:
        IllegalTransition: ``TRANSITION`` when it is not done yet (the server has not marked it), or is a duplicate;
            ``PAYLOAD_ABSENT`` when its bytes are no longer kept.
        UnknownRow: ``INTROUVABLE``.
    """
    if journal.incoming(incoming_id).state in _ON_ITS_WAY:
        return False
    journal.record_incoming(incoming_id, IncomingEvent.REQUEUE, actor=actor)
    return True


def _decide(journal: Journal, clock: Clock, submission_id: str, event: OutgoingEvent, *, actor: str) -> int:
    possible = [m for m in journal.submission(submission_id).messages if _is_allowed(m.state, event)]
    if not possible:
        raise IllegalTransition("TRANSITION", f"{event.value} is not possible for this submission now")
    if event is OutgoingEvent.RETRY:
        possible += _held_alike(journal, possible)
    for message in possible:
        again = clock.now() if event is not OutgoingEvent.CANCEL else None
        changes = _reopened(message) if event is OutgoingEvent.RETRY else []
        journal.record(message.id, event, next_attempt_at=again, recipients=changes, actor=actor)
    return len(possible)


def _held_alike(journal: Journal, chosen: Sequence[OutgoingMessage]) -> list[OutgoingMessage]:
    """Other messages that the same refused identity holds up: one word of the person frees them all."""
    kept_out = (WaitingFor.CREDENTIALS, WaitingFor.SETTINGS)
    mailboxes = {message.mailbox for message in chosen if message.waiting_for in kept_out}
    waiting = [message for mailbox in mailboxes for message in journal.waiting(mailbox, kept_out)]
    known = {message.id for message in chosen}
    return [message for message in waiting if message.id not in known]


def _is_allowed(state: OutgoingState, event: OutgoingEvent) -> bool:
    try:
        next_outgoing(state, event)
    except IllegalTransition:
        return False
    return True


def _reopened(message: OutgoingMessage) -> list[RecipientChange]:
    """Recipients that got it keep their state: a retry never sends them a second copy."""
    return [RecipientChange(r.address, RecipientState.PENDING) for r in message.recipients if r.state in _AGAIN]
