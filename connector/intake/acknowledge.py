"""Answers to HL7 v2 orders that come as files: an ACK beside the status file, as MLLP would have given it. Pure.

The answer to one order is the same however often it is made: its control id comes from what it answers, its time is
that of the decision.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime

from connector.documents.hl7.answer import Outcome, write_ack
from connector.documents.hl7.errors import Err3, Hl7Error, Hl7Problem
from connector.documents.hl7.header import Hl7Header, peek_header
from connector.documents.hl7.text import split_messages
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.submission import FileRole, Hl7Origin, Submission
from connector.intake.problem import BadDrop
from connector.journal.records import SubmissionView
from connector.journal.requests import RequestKey

__all__ = [
    "SameMessage", "acceptance", "answer_id", "body_hash", "header_of", "message_key", "order_key", "problems_of",
    "refusal", "reused", "twin_problems",
]  # fmt: skip

_CLIENT = "hl7"  # of the keys under which orders are known
_LINE_END = re.compile(rb"[\r\n]+")
_NEW_EACH_TIME = (b"MSH", b"EVN")


class SameMessage(BadDrop):
    """The very message that was taken before came again: nothing is sent twice, and the answer is the same."""

    def __init__(self, number: str) -> None:
        super().__init__(
            "DOUBLON", "the same HL7 message of the same sender was taken before",
            f"Ce message HL7 (même numéro MSH-10, même émetteur) a déjà été pris en charge sous le numéro {number}.",
        )  # fmt: skip


def reused() -> Hl7Error:
    """The refusal of another message under a number that was used before."""
    detail = "another message of this sender came with the same MSH-10 before"
    return Hl7Error(Hl7Problem("HL7_NUMERO_REUTILISE", Err3.DUPLICATE_KEY, "MSH^1^10", detail))


def body_hash(message: bytes) -> str:
    """SHA-256 (hexadecimal) of a message without MSH and EVN, which may carry a new time when it is sent again."""
    lines = [line for line in _LINE_END.split(message) if line and not line.startswith(_NEW_EACH_TIME)]
    return hashlib.sha256(b"\r".join(lines)).hexdigest()


def message_key(mailbox: MailboxAddress, header: Hl7Header, message: bytes) -> RequestKey:
    """What tells a message that is sent again, by whatever door, from a new one."""
    return RequestKey(_CLIENT, f"{mailbox}|{header.sender_key}|{header.control_id}", body_hash(message))


def order_key(submission: Submission, limits: Limits) -> RequestKey | None:
    """Under which key an HL7 v2 order is known, by whatever door it came; ``None`` for anything else."""
    message = next((file.content for file in submission.files if file.role is FileRole.HL7), None)
    header = peek_header(message, limits) if message is not None else None
    if message is None or header is None or not header.control_id:
        return None
    return message_key(submission.mailbox, header, split_messages(message, limits)[0])


def header_of(origin: Hl7Origin) -> Hl7Header:
    """What answers repeat of the order."""
    return Hl7Header(
        sending_application=origin.sending_application, sending_facility=origin.sending_facility,
        receiving_application=origin.receiving_application, receiving_facility=origin.receiving_facility,
        event=origin.event, control_id=origin.control_id, processing_id=origin.processing_id,
        version=origin.version, charset=origin.charset,
    )  # fmt: skip


def answer_id(*parts: str) -> str:
    """MSH-10 of an answer: 20 characters, the same for the same parts.

    >>> answer_id("ACK", "01A") == answer_id("ACK", "01A") != answer_id("ACK", "01B")
    True
    """
    digest = hashlib.sha256("|".join(parts).encode()).digest()
    return base64.b32encode(digest).decode("ascii")[:20]


def problems_of(error: ConnectorError) -> tuple[Hl7Problem, ...]:
    """Why an order was not taken, one ERR each."""
    if isinstance(error, Hl7Error):
        return error.problems
    return (Hl7Problem(error.code, Err3.APPLICATION, "", error.detail),)


def acceptance(view: SubmissionView) -> bytes | None:
    """The answer to an order that was taken; ``None`` when it was no HL7 v2 message."""
    if view.hl7 is None:
        return None
    return _write(
        header_of(view.hl7), Outcome.AA, twin_problems(view.duplicate_of is not None), view.id, view.created_at
    )


def refusal(message: bytes, error: InvalidSubmission, claim_id: str, now: datetime, limits: Limits) -> bytes:
    """The answer to a message that was not taken; the same as before to one that was taken before."""
    header = peek_header(message, limits)
    if isinstance(error, SameMessage):
        return _write(header, Outcome.AA, twin_problems(True), claim_id, now)
    return _write(header, Outcome.AE, problems_of(error), claim_id, now)


def twin_problems(is_one: bool) -> tuple[Hl7Problem, ...]:
    """What an acceptance says of documents that were taken before: news, and no error (ERR-4 ``I``)."""
    detail = "the same documents were taken for the same recipients before: not sent again"
    return (Hl7Problem("DOUBLON", Err3.ACCEPTED, "", detail, severity="I"),) if is_one else ()


def _write(
    header: Hl7Header | None, outcome: Outcome, problems: Sequence[Hl7Problem], about: str, now: datetime
) -> bytes:
    return write_ack(header, outcome, problems, control_id=answer_id("ACK", about), now=now.astimezone())
