"""Orders that come over MLLP: each message is understood, kept, and only then answered. Knows nothing of sockets.

Who owns the order, step by step (the names in brackets are crash steps):

1. The sender, until it has our answer.
2. The journal commits the submission together with the key of the message (MSH-3, MSH-4, MSH-10) [``mllp.taken``].
3. The answer is sent. A sender that did not get it sends the message again: the key brings back the same submission
   and the same answer, and nothing leaves twice.

A refused message stays with its sender, who is told why; the person is shown a copy, once for each content.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from connector.documents.hl7.answer import Outcome, write_ack
from connector.documents.hl7.errors import Err3, Hl7Error, Hl7Problem
from connector.documents.hl7.header import Hl7Header, peek_header
from connector.documents.hl7.text import split_messages
from connector.domain.errors import ConnectorError, InvalidSubmission, Unavailable
from connector.domain.limits import Limits
from connector.domain.ports import Clock, IdSource, reach
from connector.domain.states import OutgoingState
from connector.domain.submission import SourceKind, Submission
from connector.intake.acknowledge import answer_id, body_hash, message_key, problems_of, reused, twin_problems
from connector.intake.assemble import as_file
from connector.intake.compose import Order, compose
from connector.intake.inputs.n1 import Desk
from connector.intake.sidecar import Sidecar
from connector.journal.journal import Journal
from connector.journal.records import Taken
from connector.journal.requests import RequestKey
from connector.settings.mllp import MllpRoute
from connector.settings.model import MailboxSettings

__all__ = ["MllpDesk", "RefusedMessage", "wanted"]

_log = structlog.get_logger(__name__)

_CLIENT = "hl7-refused"
_COMMIT = {Outcome.AA: Outcome.CA, Outcome.AE: Outcome.CE, Outcome.AR: Outcome.CR}
_WANTED = {"AL": (True, True), "ER": (False, True), "SU": (True, False), "NE": (False, False)}
"""Table 0155: whether a positive and a negative answer is wanted."""


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """What a person is shown."""

    id: str  # ULID: the same for the same content
    mailbox: MailboxSettings
    name: str
    data: bytes = field(repr=False)
    error: InvalidSubmission


Keep = Callable[[RefusedMessage], None]
"""Shows a refused message to the person; the same one again changes nothing."""


def wanted(header: Hl7Header | None, outcome: Outcome) -> Outcome | None:
    """What the sender wants to hear of an outcome, by MSH-15 and MSH-16; ``None`` = nothing.

    Args:
        header: of the message; ``None`` when it could not be read, which is answered.
        outcome: AA, AE or AR.

    Returns:
        The application answer when MSH-16 asks for one, or when neither field says anything (original mode); an
        accept answer (CA, CE, CR) when only MSH-15 asks for one.
    """
    if header is None or not (header.accept_ack or header.application_ack):
        return outcome
    position = 0 if outcome is Outcome.AA else 1
    if _WANTED.get(header.application_ack, (False, False))[position]:
        return outcome
    only_accept = header.application_ack in ("", "NE")
    if only_accept and _WANTED.get(header.accept_ack, (False, False))[position]:
        return _COMMIT[outcome]
    return None


@dataclass
class MllpDesk:
    """Answers messages. Thread-safe.

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

    def answer(self, data: bytes) -> bytes | None:
        """Take a message and say so, or say why not.

        Args:
            data: what one frame held.

        Returns:
            The ACK, or ``None`` when the sender wants none (MSH-15, MSH-16), or sent an answer itself.
        """
        header = peek_header(data, self.limits)
        if header is not None and header.type == "ACK":
            _log.info("mllp_answer_ignored")  # two that answer each other's answers would never end
            return None
        try:
            taken = self._take(data, header)
        except InvalidSubmission as error:
            return self._refusal(data, header, error)
        except ConnectorError as error:  # not now; a mailbox that is not set up may be so later
            _log.warning("mllp_not_now", code=error.code, detail=error.detail)
            return self._ack(header, Outcome.AR, problems_of(error), self.ids.ulid())
        self.received()
        is_twin = taken.state is OutgoingState.DUPLICATE
        return self._ack(header, Outcome.AA, twin_problems(is_twin), taken.submission_id)

    def too_large(self, beginning: bytes) -> bytes | None:
        """The answer to a message of which more came than one may have.

        Args:
            beginning: its first bytes.
        """
        detail = f"the message has more than {self.limits.max_hl7_bytes} bytes"
        problem = Hl7Problem("TROP_GROS", Err3.OTHER, "", detail)
        _log.warning("mllp_too_large")
        return self._ack(peek_header(beginning, self.limits), Outcome.AE, [problem], self.ids.ulid())

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
        try:
            return self.journal.brought_by(request) or self._take_new(messages[0], header, mailbox, request)
        except InvalidSubmission as error:
            raise (reused() if error.code == "CLE_DEJA_UTILISEE" else error) from error

    def _take_new(self, message: bytes, header: Hl7Header, mailbox: MailboxSettings, request: RequestKey) -> Taken:
        submission = self._submission(message, header, mailbox)
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
            if all(asked in ("", found) for asked, found in fits):
                for mailbox in self.mailboxes:
                    if mailbox.address == route.mailbox:
                        return mailbox
        if not self.routes and len(self.mailboxes) == 1:
            return self.mailboxes[0]
        raise InvalidSubmission("MLLP_SANS_BOITE", "no route names a mailbox for the sender of this message")

    def _refusal(self, data: bytes, header: Hl7Header | None, error: InvalidSubmission) -> bytes | None:
        """The answer, once the person is sure to see the message; until then it may be sent again."""
        _log.info("mllp_refused", code=error.code, detail=error.detail)
        try:
            drop_id = self._show(data, header or Hl7Header(), error)
        except (OSError, Unavailable) as failure:
            _log.warning("mllp_refusal_not_kept", detail=type(failure).__name__)
            drop_id = self.ids.ulid()  # the sender has its answer all the same
        return self._ack(header, Outcome.AE, problems_of(error), drop_id)

    def _show(self, data: bytes, header: Hl7Header, error: InvalidSubmission) -> str:
        """Keep it where the person looks: with its mailbox, or with the first one when none is meant."""
        try:
            mailbox = self._mailbox(header)
        except InvalidSubmission:
            if not self.mailboxes:
                return self.ids.ulid()
            mailbox = self.mailboxes[0]
        digest = body_hash(data)
        key = f"{mailbox.address}|{header.sender_key}|{error.code}|{digest}"
        drop_id = self.journal.refused_as(RequestKey(_CLIENT, key, digest), self.ids.ulid())
        self.keep(RefusedMessage(drop_id, mailbox, _name(header), data, error))
        return drop_id

    def _ack(
        self, header: Hl7Header | None, outcome: Outcome, problems: Sequence[Hl7Problem], about: str
    ) -> bytes | None:
        """The answer, as far as the sender wants it; its control id comes from what it is about."""
        said = wanted(header, outcome)
        if said is None:
            return None
        control_id, now = answer_id("ACK", about), self.clock.now().astimezone()
        return write_ack(header, said, problems, control_id=control_id, now=now)


def _name(header: Hl7Header) -> str:
    kept = re.sub(r"[^A-Za-z0-9_-]", "", header.control_id)[:60]
    return kept or "message"
