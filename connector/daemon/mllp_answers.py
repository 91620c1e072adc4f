"""Business acknowledgements (ZAM) over MLLP: the software that sent an order is told what became of it.

Each is sent until that software has answered it: again after a pause that grows, with the same bytes and the same
control id, so that a receiver that had it already can tell. A message that the software refuses for good is not sent
again: the refusal is kept with it and shown.

One answer, step by step (the names in brackets are crash steps): it is noted as due [``journal.answers_noted``], sent
and acknowledged [``answer.sent``], noted as given [``journal.answer_settled``]. A crash before the last step sends it
once more.
"""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from connector.daemon.supervisor import Bell
from connector.daemon.telling import TellingLoop
from connector.daemon.workers import Mood
from connector.documents.hl7.answer import Ack
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError, InvalidSubmission
from connector.domain.ports import reach
from connector.exchange.acknowledged import acknowledgement
from connector.exchange.retry import backoff_seconds
from connector.intake.zam import note_due, zam_message
from connector.journal.hl7_answers import Hl7Answer
from connector.journal.journal import Journal
from connector.platform.mllp import exchange
from connector.settings.mllp import MllpTarget
from connector.settings.model import RetrySettings, Settings

__all__ = ["AnswerLoop", "make_answers", "sender_to"]

_log = structlog.get_logger(__name__)

RETRY = RetrySettings(first_seconds=1.0, factor=2.0, cap_seconds=300.0, jitter=0.0)
LOOK_SECONDS = 2.0
"""How often it is looked what became due; one indexed question for each mailbox."""

Send = Callable[[bytes], bytes]
"""Sends a message and gives its answer; raises :class:`connector.domain.errors.ConnectorError`."""


@dataclass(kw_only=True)
class AnswerLoop(TellingLoop):
    """Tells one software.

    Args:
        journal: what is due.
        mailboxes: whose orders are answered.
        application: MSH-3 where an order was written to nobody.
        send: over the wire.
    """

    journal: Journal
    mailboxes: Sequence[MailboxAddress]
    application: str
    send: Send
    retry: RetrySettings = RETRY
    look_seconds: float = LOOK_SECONDS

    def _once(self) -> bool:
        return self.run_once() > 0

    def run_once(self) -> int:
        """Tell everything that is due now.

        Returns:
            How many answers were settled.

        Raises:
            Unavailable: ``MLLP_INJOIGNABLE``, or the journal's own: what is left comes again.
            ConfigurationError: the certificates that are to be trusted cannot be read.
        """
        told = 0
        for mailbox in self.mailboxes:
            note_due(self.journal, mailbox)
            for answer in self.journal.hl7_answers_due(mailbox):
                if self.stopping():
                    return told
                told += self._tell(answer)
        return told

    def _tell(self, answer: Hl7Answer) -> bool:
        view = self.journal.submission(answer.submission_id)
        if view.hl7 is None:  # never noted for such a one
            return False
        message = zam_message(answer, view.hl7, self.application)
        ack = acknowledgement(message, self.send(message))
        reach("answer.sent")
        if ack.may_be_sent_again:
            self._postpone(answer, ack)
            return False
        if ack.is_positive:
            self._accepted()
            self.journal.settle_hl7_answer(answer, "accepted")
        else:
            self._refuses(answer, ack)
        return True

    def _postpone(self, answer: Hl7Answer, ack: Ack) -> None:
        pause = timedelta(seconds=backoff_seconds(answer.attempts + 1, RETRY, luck=0.5))
        self.journal.postpone_hl7_answer(answer, self.mood.clock.now() + pause, _reason(ack))

    def _refuses(self, answer: Hl7Answer, ack: Ack) -> None:
        self.journal.settle_hl7_answer(answer, "refused", _reason(ack))
        detail = f"the software answered {ack.code} to a ZAM {answer.kind}"
        self._refused(InvalidSubmission("MLLP_REPONSE_REFUSEE", detail))
        _log.warning("answer_refused", submission=answer.submission_id, detail=_reason(ack))


def _reason(ack: Ack) -> str:
    """Codes only: texts of others may name somebody."""
    return " ".join(filter(None, [ack.code, *(problem.code for problem in ack.problems)]))


def make_answers(settings: Settings, journal: Journal, mood: Mood, stopping: Callable[[], bool]) -> AnswerLoop | None:
    """The loop of these settings; ``None`` when answers are files.

    Args:
        settings: the whole file.
        journal: what is due.
        mood: of the worker.
        stopping: true once the daemon stops.
    """
    target = settings.mllp.answers_to
    if target is None:
        return None
    return AnswerLoop(
        journal=journal, mailboxes=[mailbox.address for mailbox in settings.mailboxes],
        application=settings.mllp.application, send=sender_to(target, stopping),
        bell=Bell(), stopping=stopping, mood=mood,
    )  # fmt: skip


def sender_to(target: MllpTarget, stopping: Callable[[], bool]) -> Send:
    """Sends to this software, each message on a connection of its own; waits for no answer once we stop."""

    def send(message: bytes) -> bytes:
        tls = _trusting(target) if target.tls else None
        address = (target.host, target.port)
        return exchange(message, address, seconds=target.seconds, tls=tls, given_up=stopping)

    return send


def _trusting(target: MllpTarget) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=target.trust)
    except OSError as error:  # also what is no certificate
        raise ConfigurationError("REGLAGE_INVALIDE", "mllp.answers_to.trust cannot be read") from error
