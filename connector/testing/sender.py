"""The double of :class:`connector.operators.base.Sender`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from connector.domain.address import MailboxAddress
from connector.domain.ports import reach
from connector.identities.base import Identity
from connector.operators.base import Acceptance, OutgoingEnvelope, RecipientAnswer, Sender, SubmissionLimits
from connector.operators.errors import OutcomeUnknown, PermanentRefusal, TemporaryRefusal
from connector.sandbox.moods import MoodKind

if TYPE_CHECKING:
    from connector.testing.operator import FakeOperator

__all__ = ["FakeSender"]

_RECIPIENT_MOODS = {
    MoodKind.REFUSE_RECIPIENT: (550, "5.1.1 Recipient address rejected: mailbox unknown"),
    MoodKind.DEFER_RECIPIENT: (451, "4.7.1 Try again later"),
    MoodKind.MAILBOX_FULL: (452, "4.2.2 Mailbox full"),
}


class FakeSender(Sender):
    """Gives messages to a :class:`FakeOperator`, with the steps and errors of the SMTP one.

    Args:
        operator: who takes them.
        address: the mailbox that sends.
        identity: who logs in; ``None`` = somebody whom the operator always knows.
        sleep: how a slow answer waits; tests pass their own to need no time.
    """

    def __init__(
        self,
        operator: "FakeOperator",
        address: str,
        *,
        identity: Identity | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._operator = operator
        self._address = address
        self._sleep = sleep
        self._session = operator.session(address, identity)
        self.closed = False

    async def limits(self) -> SubmissionLimits:
        """What the operator announces; see :class:`connector.operators.base.Sender`."""
        self._session.open()
        return SubmissionLimits(max_bytes=self._operator.max_bytes, offers_dsn=self._operator.offers_dsn)

    async def submit(self, envelope: OutgoingEnvelope, *, on_data: Callable[[], None]) -> Acceptance:
        """Give one message; see :class:`connector.operators.base.Sender`."""
        operator = self._operator
        self._session.open()
        reach("send.connected")
        self._check(envelope)
        answers = tuple(self._recipient(address) for address in envelope.recipients)
        if not any(answer.accepted for answer in answers):
            raise _nobody_accepted(answers)
        reach("send.recipients_accepted")
        on_data()
        reach("send.data_begun")
        if operator.moods.take(MoodKind.CUT_IN_DATA):
            raise OutcomeUnknown("ISSUE_INCONNUE", "lost after DATA began (mood)", recipients=answers)
        reach("send.content_given")
        self._refuse_content()
        queue_id = operator.take(envelope, answers)
        if operator.moods.take(MoodKind.CUT_AFTER_DATA):
            raise OutcomeUnknown("ISSUE_INCONNUE", "lost after DATA began (mood)", recipients=answers)
        if slow := operator.moods.take(MoodKind.SLOW_ANSWER):
            await self._sleep(slow.seconds)
        reach("send.accepted")
        return Acceptance(250, f"2.0.0 Ok: queued as {queue_id}", answers, "TLSv1.2 FAKE")

    async def drop_stale(self) -> int:
        """One session at most; see :class:`connector.operators.base.Sender`."""
        self._session.drop_stale()
        return int(self._session.is_open)

    async def close(self) -> None:
        """End the session; see :class:`connector.operators.base.Sender`."""
        self._session.close()
        self.closed = True

    def _check(self, envelope: OutgoingEnvelope) -> None:
        size, largest = len(envelope.content), self._operator.max_bytes
        if largest is not None and size > largest:
            raise PermanentRefusal("TROP_GROS", f"{size} bytes; the server takes {largest}")
        line_ends = {envelope.content.count(end) for end in (b"\r\n", b"\n", b"\r")}
        if len(line_ends) != 1 or not envelope.content.endswith(b"\r\n") or b"\0" in envelope.content:
            raise PermanentRefusal("MESSAGE_MALFORME", "the message is not CRLF text")
        if str(envelope.sender).lower() != self._address.lower():
            raise PermanentRefusal(
                "OPERATEUR_REFUS", "the server refused the sender", answer="553 5.7.1 Sender address rejected"
            )

    def _recipient(self, address: MailboxAddress) -> RecipientAnswer:
        if not self._operator.knows(address):
            return RecipientAnswer(address, *_RECIPIENT_MOODS[MoodKind.REFUSE_RECIPIENT])
        for kind, answer in _RECIPIENT_MOODS.items():
            if self._operator.moods.take(kind, str(address)):
                return RecipientAnswer(address, *answer)
        return RecipientAnswer(address, 250, "2.1.5 Ok")

    def _refuse_content(self) -> None:
        moods = self._operator.moods
        if moods.take(MoodKind.REFUSE_CONTENT):
            text = "the server refused the content"
            raise PermanentRefusal("OPERATEUR_REFUS", text, answer="554 5.6.0 Message content rejected")
        if moods.take(MoodKind.DEFER_CONTENT):
            text = "the server does not take the content now"
            raise TemporaryRefusal("OPERATEUR_DIFFERE", text, answer="451 4.3.0 Temporary failure")


def _nobody_accepted(answers: Sequence[RecipientAnswer]) -> TemporaryRefusal | PermanentRefusal:
    """One recipient that may be accepted later keeps the message alive."""
    later = next((answer for answer in answers if answer.temporary), None)
    told = later or answers[0]
    answer = f"{told.code} {told.text}"
    if later:
        return TemporaryRefusal("OPERATEUR_DIFFERE", "no recipient is accepted now", answer=answer)
    return PermanentRefusal("OPERATEUR_REFUS", "every recipient was refused", answer=answer)
