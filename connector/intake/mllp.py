"""Orders that come over MLLP: each message is understood, kept, and only then answered. Knows nothing of sockets.

Who owns the order, step by step (the names in brackets are crash steps):

1. The sender, until it has our answer.
2. The journal commits the submission together with the key of the message (MSH-3, MSH-4, MSH-10) [``mllp.taken``].
3. The answer is sent. A sender that did not get it sends the message again: the key brings back the same submission
   and the same answer, and nothing leaves twice.

A refused message stays with its sender, who is told why; the person is shown a copy, once for each content.
"""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from connector.documents.hl7.answer import Outcome, write_ack
from connector.documents.hl7.errors import Err3, Hl7Error, Hl7Problem
from connector.documents.hl7.header import Hl7Header, peek_header
from connector.documents.hl7.text import split_messages
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, InvalidSubmission, Unavailable
from connector.domain.limits import Limits
from connector.domain.ports import Clock, IdSource, reach
from connector.domain.states import OutgoingState
from connector.domain.submission import SourceKind, Submission
from connector.intake.assemble import as_file
from connector.intake.compose import Order, compose
from connector.intake.inputs.n1 import Desk
from connector.intake.sidecar import Sidecar
from connector.journal.journal import Journal
from connector.journal.records import Taken
from connector.journal.requests import RequestKey
from connector.settings.mllp import MllpRoute
from connector.settings.model import MailboxSettings

__all__ = ["MllpDesk", "message_key"]

_log = structlog.get_logger(__name__)

CLIENT = "mllp"
_MOST_REFUSED = 500
_LINE_END = re.compile(rb"[\r\n]+")

Keep = Callable[[MailboxSettings, str, bytes, InvalidSubmission], None]
"""Shows a refused message to the person: mailbox, name, bytes, why."""


def message_key(mailbox: MailboxAddress, header: Hl7Header, message: bytes) -> RequestKey:
    """What tells a message that is sent again from a new one; MSH and EVN may carry a new time."""
    segments = [line for line in _LINE_END.split(message) if line and not line.startswith((b"MSH", b"EVN"))]
    body = b"\r".join(segments)
    key = f"{mailbox}|{header.sender_key}|{header.control_id}"
    return RequestKey(CLIENT, key, hashlib.sha256(body).hexdigest())


@dataclass
class MllpDesk:
    """Answers messages. Thread-safe: what it remembers only spares a second copy of what was refused.

    Args:
        journal: takes the submissions.
        mailboxes: those that send.
        routes: which of them sends for whom; with one mailbox none is needed.
        desk: of a mailbox, for what has to be made.
        clock: for answers and deadlines.
        ids: for submissions and answers.
        deadline_hours: how long a submission may try to leave.
        received: something was taken.
        keep: shows refused messages.
        limits: bounds of reading.
    """

    journal: Journal
    mailboxes: Sequence[MailboxSettings]
    routes: Sequence[MllpRoute]
    desk: Callable[[MailboxSettings], Desk]
    clock: Clock
    ids: IdSource
    deadline_hours: float
    received: Callable[[], None]
    keep: Keep
    limits: Limits = field(default_factory=Limits)
    _refused: OrderedDict[str, None] = field(default_factory=OrderedDict, init=False)

    def answer(self, data: bytes) -> bytes | None:
        """Take a message and say so, or say why not.

        Args:
            data: what one frame held.

        Returns:
            The ACK, or ``None`` when the sender wants none (MSH-16 ``NE``).
        """
        header = peek_header(data, self.limits)
        try:
            taken = self._take(data, header)
        except Hl7Error as error:
            return self._refusal(data, header, error, Outcome.AE, error.problems)
        except InvalidSubmission as error:
            problem = Hl7Problem(error.code, _err3(error), "", error.detail)
            return self._refusal(data, header, error, Outcome.AE, [problem])
        except Unavailable as error:
            return self._ack(header, Outcome.AR, [Hl7Problem(error.code, Err3.APPLICATION, "", error.detail)])
        except ConnectorError as error:  # the mailbox is not set up: the sender may try again when it is
            return self._ack(header, Outcome.AR, [Hl7Problem(error.code, Err3.APPLICATION, "", error.detail)])
        self.received()
        if taken.state is OutgoingState.DUPLICATE:
            _log.info("mllp_duplicate", submission=taken.submission_id)
        return self._ack(header, Outcome.AA, [])

    def _take(self, data: bytes, header: Hl7Header | None) -> Taken:
        messages = split_messages(data, self.limits)
        if len(messages) != 1:
            detail = f"{len(messages)} messages in one frame"
            raise Hl7Error(Hl7Problem("HL7_CARDINALITE", Err3.CARDINALITY, "MSH^2", detail))
        if header is None or not header.control_id:
            detail = "MSH-10 is empty, so the message cannot be known again"
            raise Hl7Error(Hl7Problem("HL7_CHAMP_ABSENT", Err3.FIELD_MISSING, "MSH^1^10", detail))
        mailbox = self._mailbox(header)
        request = message_key(mailbox.address, header, messages[0])
        earlier = self.journal.brought_by(request)
        if earlier is not None:
            return earlier
        submission = self._submission(messages[0], header, mailbox)
        deadline_at = submission.created_at + timedelta(hours=self.deadline_hours)
        taken = self.journal.take(
            submission, deadline_at=deadline_at, duplicate_hours=mailbox.outbox.duplicate_hours, request=request,
            actor=f"mllp {header.sending_application}"[:80],
        )  # fmt: skip
        reach("mllp.taken")
        return taken

    def _submission(self, message: bytes, header: Hl7Header, mailbox: MailboxSettings) -> Submission:
        """What the message means.

        Raises:
            InvalidSubmission: ``INTERNE`` for our own fault on one message.
        """
        file = replace(as_file("message.hl7", message), name=f"{_name(header)}.hl7")
        order = Order(self.ids.ulid(), SourceKind.MLLP, _name(header), (file,), Sidecar())
        try:
            return compose(order, self.desk(mailbox), self.limits)
        except ConnectorError:
            raise
        except Exception as error:
            _log.exception("message_not_understood")
            raise InvalidSubmission("INTERNE", f"{type(error).__name__} while reading a message") from error

    def _mailbox(self, header: Hl7Header) -> MailboxSettings:
        """Who sends for this system.

        Raises:
            InvalidSubmission: ``MLLP_SANS_BOITE``.
        """
        for route in self.routes:
            fits = (
                (route.sending_application, header.sending_application.partition("^")[0]),
                (route.sending_facility, header.sending_facility.partition("^")[0]),
            )
            if all(wanted in ("", found) for wanted, found in fits):
                for mailbox in self.mailboxes:
                    if mailbox.address == route.mailbox:
                        return mailbox
        if not self.routes and len(self.mailboxes) == 1:
            return self.mailboxes[0]
        raise InvalidSubmission("MLLP_SANS_BOITE", "no route names a mailbox for the sender of this message")

    def _refusal(
        self, data: bytes, header: Hl7Header | None, error: InvalidSubmission, outcome: Outcome,
        problems: Sequence[Hl7Problem],
    ) -> bytes | None:  # fmt: skip
        """The answer; the person is shown the message, once for each content."""
        digest = hashlib.sha256(data).hexdigest()
        _log.info("mllp_refused", code=error.code, detail=error.detail)
        if digest not in self._refused:
            self._refused[digest] = None
            if len(self._refused) > _MOST_REFUSED:
                self._refused.popitem(last=False)
            self._show(data, header, error)
        return self._ack(header, outcome, problems)

    def _show(self, data: bytes, header: Hl7Header | None, error: InvalidSubmission) -> None:
        try:
            mailbox = self._mailbox(header or Hl7Header())
        except InvalidSubmission:
            if not self.mailboxes:
                return
            mailbox = self.mailboxes[0]
        try:
            self.keep(mailbox, _name(header or Hl7Header()), data, error)
        except (OSError, Unavailable) as failure:  # the sender has its answer all the same
            _log.warning("mllp_refusal_not_kept", detail=type(failure).__name__)

    def _ack(self, header: Hl7Header | None, outcome: Outcome, problems: Sequence[Hl7Problem]) -> bytes | None:
        positive = outcome is Outcome.AA
        unwanted = {"NE": True, "ER": positive, "SU": not positive}
        if header is not None and unwanted.get(header.application_ack, False):
            return None
        return write_ack(
            header, outcome, problems, control_id=self.ids.ulid()[-20:], now=self.clock.now().astimezone()
        )


def _err3(error: InvalidSubmission) -> Err3:
    return Err3.DUPLICATE_KEY if error.code == "CLE_DEJA_UTILISEE" else Err3.APPLICATION


def _name(header: Hl7Header) -> str:
    kept = re.sub(r"[^A-Za-z0-9_-]", "", header.control_id)[:60]
    return kept or "message"
