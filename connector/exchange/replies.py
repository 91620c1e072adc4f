"""Answering a received message: to whom, in which thread, under which subject. Pure.

The answer itself is a submission like every other. Source rules: Ref#2 ECO.2.2.2 (threading headers), ECO.2.2.6 (a
citizen's address is never typed), ECO.2.2.8; ENS 7 (end of an exchange) and 9 (only who was written to may answer);
RFC 5322 3.6.2, 3.6.4, 3.6.5.
"""

import re

from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.submission import Answered
from connector.mail.headers import MAX_REFERENCES
from connector.mail.parse import OpenedMessage, SenderOrigin
from connector.mail.text import clean_line

__all__ = ["END_TEXT", "answered", "check_citizen", "reply_subject"]

END_TEXT = "Cet échange est terminé : il n'est plus possible de répondre à ce message.\n"
"""What a citizen reads when the practitioner ends an exchange without a word."""

MAX_SUBJECT_CHARS = 200
_REPLY = re.compile(r"^(re|rép|rep)\s*:\s*", re.IGNORECASE)


def answered(incoming_id: str, opened: OpenedMessage, *, ends_exchange: bool = False) -> Answered:
    """What an answer to a message is tied to, and who gets it: its Reply-To, else its From.

    Args:
        incoming_id: row id of the message.
        opened: its content.
        ends_exchange: the answer also takes the answer to all earlier messages away from a citizen.

    Raises:
        InvalidSubmission: ``DESTINATAIRE_INVALIDE``: there is nobody to answer, or a stranger names a citizen.
    """
    return Answered(
        incoming_id=incoming_id, correspondent=_correspondent(opened), message_id=opened.message_id,
        references=_trimmed(opened.references), ends_exchange=ends_exchange,
    )  # fmt: skip


def check_citizen(opened: OpenedMessage) -> None:
    """Only an exchange with a citizen can be ended.

    Raises:
        InvalidSubmission: ``FIN_SANS_PATIENT``.
    """
    if opened.sender_kind is not SenderOrigin.USAGER:
        raise InvalidSubmission("FIN_SANS_PATIENT", "the message does not come from a citizen's mailbox")


def reply_subject(opened: OpenedMessage) -> str:
    """``Re: …``, once, without the marker that announces an archive."""
    bare = _REPLY.sub("", clean_line(opened.subject_display))
    return f"Re: {bare}"[:MAX_SUBJECT_CHARS].rstrip()


def _trimmed(references: tuple[str, ...]) -> tuple[str, ...]:
    """The first and the last ones, as the header will have them (RFC 5322 3.6.4 allows trimming)."""
    return references if len(references) <= MAX_REFERENCES else (references[0], *references[1 - MAX_REFERENCES :])


def _correspondent(opened: OpenedMessage) -> MailboxAddress:
    sender = opened.sender.address
    wanted = opened.reply_to[0].address if opened.reply_to else sender
    found = MailboxAddress.parse(wanted)
    if found.is_patient and str(found).casefold() != sender.casefold():
        raise InvalidSubmission("DESTINATAIRE_INVALIDE", "answers are wanted at the address of another citizen")
    return found
