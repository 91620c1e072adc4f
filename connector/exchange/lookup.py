"""Lost answers: what became of a message whose final reply never came.

The operator's Sent folder is asked for the Message-ID. *Found* settles it. *Missing* is believed only after a
while, and only from an operator that files every sent message itself; then the same bytes with the same Message-ID
may leave again. When nobody can tell, the message stays as it is: a receipt may still arrive, and the person can
decide. It is never sent again by a guess.
"""

from dataclasses import dataclass
from datetime import timedelta

from connector.domain.address import MailboxAddress
from connector.domain.ports import Clock
from connector.domain.states import OutgoingEvent, RecipientState
from connector.journal.journal import Journal
from connector.journal.records import MessageRecipient, OutgoingMessage, RecipientChange
from connector.operators.base import Lookup, Receiver

__all__ = ["Inquirer", "served_and_put_off"]


_LEFT = (
    RecipientState.ACCEPTED, RecipientState.NO_NEWS, RecipientState.DELIVERED, RecipientState.READ,
    RecipientState.BOUNCED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inquirer:
    """Looks up the unknown outcomes of one mailbox; runs where the receiver runs."""

    mailbox: MailboxAddress
    journal: Journal
    clock: Clock
    settle_seconds: float
    server: str

    def run_once(self, receiver: Receiver) -> int:
        """Ask for every unknown outcome.

        Returns:
            How many were settled.

        Raises:
            OperatorError: the server could not be asked; nothing has changed.
        """
        return sum(self._settle(message, receiver) for message in self.journal.unknown(self.mailbox))

    def _settle(self, message: OutgoingMessage, receiver: Receiver) -> bool:
        if not message.header_message_id or _was_partly_accepted(message):
            return False  # an earlier attempt is in the Sent folder already: it proves nothing about this one
        match receiver.find_sent(message.header_message_id):
            case Lookup.FOUND:
                self._found(message)
                return True
            case Lookup.MISSING if self._is_old_enough(message):
                self._record(message, OutgoingEvent.MISSING, [])
                return True
        return False

    def _found(self, message: OutgoingMessage) -> None:
        """It left; but those whom the lost attempt had put off at RCPT still have to get it."""
        served, put_off = served_and_put_off(message)
        event = OutgoingEvent.MISSING if put_off else OutgoingEvent.FOUND
        changes = [RecipientChange(r.address, RecipientState.ACCEPTED, r.code, r.text) for r in served]
        self._record(message, event, changes)

    def _is_old_enough(self, message: OutgoingMessage) -> bool:
        return self.clock.now() - message.state_since >= timedelta(seconds=self.settle_seconds)

    def _record(self, message: OutgoingMessage, event: OutgoingEvent, changes: list[RecipientChange]) -> None:
        found = event is OutgoingEvent.FOUND
        self.journal.record(
            message.id, event, recipients=changes, server=self.server, next_attempt_at=self.clock.now(),
            answer="found in the Sent folder" if found else None, code=None,
        )  # fmt: skip


def _was_partly_accepted(message: OutgoingMessage) -> bool:
    """An earlier attempt left for somebody, whatever was heard of it since."""
    return any(recipient.state in _LEFT for recipient in message.recipients)


def served_and_put_off(message: OutgoingMessage) -> tuple[list[MessageRecipient], list[MessageRecipient]]:
    """Who was in the lost attempt, and who was put off before its content.

    When the attempt told what the server said to each (see ``send._in_flight``), the accepted ones are *pending*.
    After a crash nothing was told: then everybody who was open may have been accepted.
    """
    pending = [r for r in message.recipients if r.state is RecipientState.PENDING]
    deferred = [r for r in message.recipients if r.state is RecipientState.DEFERRED]
    return (pending, deferred) if pending else (deferred, [])
