"""Sending: claimed messages go to the operator, and every answer goes to the journal.

Who owns the bytes, step by step (each name is a crash step, see ``docs/architecture.md``):

1. ``journal.claimed`` – the message is *sending*, DATA has not begun. A crash here leads back to *prepared*.
2. ``journal.data_begun`` – committed before the first byte of content leaves. A crash from here on leads to
   *outcome_unknown*: neither sent nor failed, looked up before anything is sent again.
3. ``journal.recorded`` – the operator's answer is stored; only now is the message *sent*.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, IllegalTransition, Retry
from connector.domain.ports import Clock
from connector.domain.states import OutgoingEvent, RecipientState, WaitingFor
from connector.exchange.gate import REFUSED_CODES, IdentityGate
from connector.exchange.retry import Again, WaitForPerson, backoff_seconds, decide
from connector.identities.base import Identity
from connector.journal.journal import Journal
from connector.journal.records import OutgoingMessage, RecipientChange
from connector.operators.base import Acceptance, OutgoingEnvelope, RecipientAnswer, Sender
from connector.operators.errors import (
    AuthenticationRefused,
    ConnectionFailed,
    LoginDeferred,
    OperatorError,
    OutcomeUnknown,
)
from connector.settings.model import RetrySettings

__all__ = ["Dispatcher"]

TRY_IDENTITY_AGAIN = timedelta(minutes=15)
"""How long a refused certificate, or a setting that keeps us out, rests before one message tries again."""

SERVER_CHARS = 255  # of the trace
_BLOCKING = (WaitingFor.CREDENTIALS, WaitingFor.SETTINGS)
_ABOUT_MAILBOX = (ConnectionFailed, LoginDeferred, AuthenticationRefused)
_OPEN = (RecipientState.PENDING, RecipientState.DEFERRED)
_REACHED = (RecipientState.ACCEPTED, RecipientState.NO_NEWS, RecipientState.DELIVERED, RecipientState.READ)


@dataclass(slots=True)
class Dispatcher:
    """Sends what is due of one mailbox. One event loop owns it.

    A refused identity blocks the whole mailbox: the refused message waits for a person, and while it waits nothing
    else is tried, so that an account is never hammered. What blocks is read from the journal, not remembered.
    An identity that is not ready (card, PIN, token, code) lets nothing leave either, and resumes by itself: see
    :mod:`connector.exchange.gate`.
    """

    mailbox: MailboxAddress
    journal: Journal
    sender: Sender
    clock: Clock
    retry: RetrySettings
    owner: str
    server: str  # for the trace
    parallel: int
    identity: Identity | None = None  # who sends; the same object that the sender shows, in the same thread
    actor: str = "connector"  # for the trace (Ref#2 ECO.4.1.2), unless the identity tells
    null_sender_for_notices: bool = False  # the operator takes MAIL FROM:<> of our read receipts (RFC 8098 3)
    may_try_identity_again: bool = False  # True for a certificate: showing it again locks no account
    luck: Callable[[], float] = random.random
    _failures: int = 0  # connection failures in a row: the mailbox pauses, not each message alone
    _paused_until: float = 0.0  # monotonic
    _proven: bool = False  # the operator accepted our identity since this object was made
    _stranded: bool = True  # a message may be *sending* although nobody sends it: our predecessor or an attempt died
    last_failure: ConnectorError | None = None
    """Why the last attempt failed, when that was about the mailbox; ``None`` after one that did not."""
    _gate: IdentityGate = field(init=False)

    def __post_init__(self) -> None:
        self._gate = IdentityGate(self.mailbox, self.journal, self.clock, self.retry, self.identity)

    @property
    def hindered_by(self) -> ConnectorError | None:
        """What hinders the mailbox now; ``None`` while sending works."""
        return self._gate.missing.reason if self._gate.missing else self.last_failure

    async def run_once(self) -> int:
        """Send what is due now.

        Returns:
            How many messages were tried, put on hold or let go; 0 when there was nothing to do, or the mailbox is
            blocked or pausing.

        Raises:
            Unavailable: the journal; an answer that it could not store has become an unknown outcome when this
                returns the next time.
        """
        if self._stranded:
            self.journal.recover(owner=self.owner, mailbox=self.mailbox)
            self._stranded = False
        changed, bound = self._pass_gate(await self.sender.drop_stale())
        if not bound or self.clock.monotonic() < self._paused_until or self._is_still_blocked():
            return changed
        limit = min(bound, self.parallel if self._proven else 1)
        claimed = self.journal.claim_due(self.mailbox, owner=self.owner, limit=limit)
        ends = await asyncio.gather(*(self._attempt(message) for message in claimed), return_exceptions=True)
        crashes = [end for end in ends if end is not None]
        if crashes:  # the others have come to their end before this one is told
            self._stranded = True
            raise crashes[0]
        return changed + len(claimed)

    def _pass_gate(self, open_sessions: int) -> tuple[int, int]:
        """How many messages changed because of our identity, and how many may leave at a time."""
        was_missing = self._gate.missing is not None
        changed = self._gate.look(open_sessions)
        if self._gate.missing is not None:
            self._proven = False  # when it is back, one message shows it first
        elif was_missing and self.last_failure is not None and self.last_failure.retry is Retry.AFTER_PERSON:
            self.last_failure = None
        bound = self._gate.lets_through(open_sessions)
        return changed, self.parallel if bound is None else bound

    def is_blocked(self) -> bool:
        """True while a message waits because our identity or a setting does not let us in."""
        return bool(self._blocking())

    def _blocking(self) -> list[OutgoingMessage]:
        return [m for m in self.journal.waiting(self.mailbox) if m.waiting_for in _BLOCKING]

    def _is_still_blocked(self) -> bool:
        """After a while what blocks is let go, where trying again cannot lock an account; then one message tries."""
        blocking = self._blocking()
        if not all(self._may_try_again(message) for message in blocking):
            return True
        for message in blocking:
            with contextlib.suppress(IllegalTransition):  # a person cancelled it in this very moment
                self.journal.record(message.id, OutgoingEvent.RESUME, next_attempt_at=self.clock.now())
        return False

    def _may_try_again(self, message: OutgoingMessage) -> bool:
        is_harmless = self.may_try_identity_again or message.waiting_for is WaitingFor.SETTINGS
        return is_harmless and self.clock.now() - message.state_since >= TRY_IDENTITY_AGAIN

    def forget_pause(self) -> None:
        """A person says that it is worth trying now."""
        self._paused_until = 0.0
        self._gate.believe()

    def identity_changed(self) -> None:
        """Something happened to card, PIN, token or code; the next round asks the identity and believes it."""
        self._gate.believe()

    def pause_seconds(self) -> float:
        """How long the mailbox still pauses after a failed connection."""
        return max(0.0, self._paused_until - self.clock.monotonic())

    async def _attempt(self, message: OutgoingMessage) -> None:
        try:
            envelope = self._envelope(message)
            if not envelope.recipients:
                self._nobody_left(message)
                return
            acceptance = await self.sender.submit(envelope, on_data=lambda: self.journal.data_begun(message.id))
        except OutcomeUnknown as lost:
            self._note_failure()
            told = _in_flight(lost.recipients)
            self._record(message, OutgoingEvent.LOSE, code="ISSUE_INCONNUE", failure=lost, recipients=told)
        except OperatorError as refusal:
            self._refused(message, refusal)
        except ConnectorError as failure:  # the journal, the vault, the identity: nothing has left
            self._refused(message, failure)
        else:
            self._failures, self._proven, self.last_failure = 0, True, None
            self._gate.succeeded()
            self._accepted(message, acceptance)

    def _envelope(self, message: OutgoingMessage) -> OutgoingEnvelope:
        letter = self.journal.letter(message.id)
        return OutgoingEnvelope(
            sender=self.mailbox,
            recipients=tuple(r.address for r in message.recipients if r.state in _OPEN),
            message_id=message.header_message_id or "",
            content=letter.content,
            delivery_receipt=letter.options.delivery_receipt,
            envelope_id=message.id,
            null_sender=letter.is_notice and self.null_sender_for_notices,
        )

    def _nobody_left(self, message: OutgoingMessage) -> None:
        """Receipts came for everybody who was to be tried again."""
        reached = any(recipient.state in _REACHED for recipient in message.recipients)
        event = OutgoingEvent.ACCEPT if reached else OutgoingEvent.REFUSE
        self._record(message, event, code=message.code, answer="nobody is left to be tried")

    def _accepted(self, message: OutgoingMessage, acceptance: Acceptance) -> None:
        """At least one recipient was accepted; the temporarily refused ones are tried again with the same bytes."""
        changes = _changes(acceptance.recipients)
        deferred = [change for change in changes if change.state is RecipientState.DEFERRED]
        states = [*(change.state for change in changes), *(r.state for r in message.recipients)]
        problem = "OPERATEUR_REFUS" if RecipientState.REFUSED in states else None  # now or in an earlier attempt
        if not deferred:
            self._record(message, OutgoingEvent.ACCEPT, code=problem, answer=acceptance, recipients=changes)
            return
        self._record(
            message, OutgoingEvent.DEFER, code="OPERATEUR_DIFFERE", answer=acceptance, recipients=changes,
            pause=backoff_seconds(message.attempts, self.retry, luck=self.luck()),
        )  # fmt: skip

    def _refused(self, message: OutgoingMessage, failure: ConnectorError) -> None:
        if isinstance(failure, ConnectionFailed | LoginDeferred):
            self._note_failure()
        if isinstance(failure, _ABOUT_MAILBOX) or not isinstance(failure, OperatorError):
            self.last_failure = failure
        decision = decide(
            failure, attempts=message.attempts, now=self.clock.now(), deadline=message.deadline_at,
            settings=self.retry, luck=self.luck(),
        )  # fmt: skip
        match decision:
            case Again(at):
                pause = (at - self.clock.now()).total_seconds()
                self._record(
                    message, OutgoingEvent.DEFER, code=failure.code, failure=failure, pause=pause,
                    recipients=_not_accepted(failure),
                )  # fmt: skip
            case WaitForPerson(waiting_for):
                self._proven = self._proven and not isinstance(failure, AuthenticationRefused)
                if waiting_for is not WaitingFor.SETTINGS and failure.code not in REFUSED_CODES:
                    self._gate.failed()
                self._record(message, OutgoingEvent.HOLD, code=failure.code, failure=failure, waiting_for=waiting_for)
            case _:
                self._give_up(message, failure)

    def _give_up(self, message: OutgoingMessage, failure: ConnectorError) -> None:
        told = _not_accepted(failure)
        known = {change.address for change in told}
        silent = [
            RecipientChange(r.address, RecipientState.REFUSED, 0, getattr(failure, "answer", ""))
            for r in message.recipients
            if r.state in _OPEN and r.address not in known
        ]
        self._record(message, OutgoingEvent.REFUSE, code=failure.code, failure=failure, recipients=[*told, *silent])

    def _note_failure(self) -> None:
        self._failures += 1
        pause = backoff_seconds(self._failures, self.retry, luck=self.luck())
        self._paused_until = self.clock.monotonic() + min(pause, self.retry.cap_seconds)

    def _record(
        self, message: OutgoingMessage, event: OutgoingEvent, *, code: str | None, answer: Acceptance | str = "",
        failure: ConnectorError | None = None, recipients: Iterable[RecipientChange] = (),
        pause: float | None = None, waiting_for: WaitingFor | None = None,
    ) -> None:  # fmt: skip
        again = self.clock.now() + timedelta(seconds=pause) if pause is not None else None
        said, tls = (f"{answer.code} {answer.text}", answer.tls) if isinstance(answer, Acceptance) else (answer, "")
        self.journal.record(
            message.id, event, next_attempt_at=again, waiting_for=waiting_for, code=code,
            detail=failure.detail if failure else None, answer=said or getattr(failure, "answer", "") or None,
            recipients=list(recipients), server=_peer(self.server, tls),
            actor=self.identity.label if self.identity else self.actor,
        )  # fmt: skip


def _peer(server: str, tls: str) -> str:
    """The server and what was negotiated with it, as much as the trace has room for."""
    return f"{server} {tls}"[:SERVER_CHARS].strip()


def _changes(answers: Sequence[RecipientAnswer]) -> list[RecipientChange]:
    """The server's answers as the journal keeps them."""
    return [RecipientChange(a.address, _state_of(a), a.code, a.text) for a in answers]


def _not_accepted(failure: ConnectorError) -> list[RecipientChange]:
    """What a refusal says of single recipients. One that was accepted before the content was refused got nothing."""
    answers = failure.recipients if isinstance(failure, OperatorError) else ()
    return _changes([answer for answer in answers if not answer.accepted])


def _in_flight(answers: Sequence[RecipientAnswer]) -> list[RecipientChange]:
    """A lost answer concerns those whom the server had accepted; the others certainly did not get it."""
    return [
        RecipientChange(a.address, RecipientState.PENDING if a.accepted else _state_of(a), a.code, a.text)
        for a in answers
    ]


def _state_of(answer: RecipientAnswer) -> RecipientState:
    if answer.accepted:
        return RecipientState.ACCEPTED
    return RecipientState.DEFERRED if answer.temporary else RecipientState.REFUSED
