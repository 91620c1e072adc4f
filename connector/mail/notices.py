"""Write our answers to received messages: disposition notifications, and mails about a failed integration.

Field rules: IG "Transmission au LPS", annex on MDN (volet of reception, chapter on KO notices); RFC 8098, RFC 3834,
RFC 6522. The same :class:`NoticeSpec` always gives the same bytes, CRLF, no line over 998; 8-bit only where the
original that is given back is.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connector.domain.address import MailboxAddress
from connector.mail.compose import text_part
from connector.mail.headers import (
    SenderLabel,
    addresses_header,
    date_header,
    from_header,
    ids_header,
    product_header,
    text_header,
)
from connector.mail.mime import header_block
from connector.mail.text import ascii_fold, clean_line

__all__ = [
    "ORIGINAL_NAME", "Disposition", "IntegrationFailure", "NoticeSpec", "OriginalFacts", "failure_subject",
    "write_failure_mail", "write_notification",
]  # fmt: skip

ORIGINAL_NAME = "message_original.eml"
"""Name of the original in the mail about a failed integration."""

MAX_SUBJECT_CHARS = 800
MAX_DETAIL_CHARS = 300
MAX_LINE_BYTES = 998
MAX_RETURNED_HEADER_BYTES = 16_384

_LONE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_KO = re.compile(r"^\s*\[ ?KO Int[ée]gration syst[èe]me ?!? ?\]", re.IGNORECASE)


class Disposition(StrEnum):
    """What became of the message (RFC 8098 3.2.6.2)."""

    DISPATCHED = "dispatched"
    PROCESSED = "processed"
    DISPLAYED = "displayed"


@dataclass(frozen=True, slots=True)
class IntegrationFailure:
    """Why the software could not integrate a document: table 900 to 906 of the volet of reception."""

    code: str
    label: str  # French, as the volet has it
    detail: str = ""  # what the software says; on one line


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalFacts:
    """What is repeated of the message that is answered."""

    message_id: str  # with angle brackets, "" when it has none
    subject: str  # decoded, with its marker
    original_recipient: str = ""  # value of Original-Recipient, when a server put one
    references: tuple[str, ...] = ()
    content: bytes = field(repr=False)  # as it was fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSpec:
    """One answer to write."""

    message_id: str  # of the answer, with angle brackets
    date: datetime  # aware
    mailbox: MailboxAddress  # that received: From and Final-Recipient
    label: SenderLabel
    product_reference: str  # X-MSS-NIL
    software: str  # of Reporting-UA: name and version
    to: MailboxAddress
    original: OriginalFacts
    disposition: Disposition = Disposition.PROCESSED
    is_manual: bool = False  # a person asked for it
    failures: tuple[IntegrationFailure, ...] = ()  # one for each document that failed
    max_original_bytes: int = 0  # a larger original is given back as its header only


def failure_subject(code: str, subject: str) -> str:
    """``[KO Intégration système !][902] XDM/1.0/DDM+…``; the marker of an earlier notice is not repeated."""
    bare = _KO.sub("", clean_line(subject)).strip()
    return f"[KO Intégration système !][{code}] {bare}"[:MAX_SUBJECT_CHARS].rstrip()


def write_notification(spec: NoticeSpec) -> bytes:
    """A disposition notification: positive, or with the error of each failed document.

    Three parts: words for people, fields for programs, and what it is about – the whole original when something
    failed, else its header.

    Raises:
        ConfigurationError: ``REFERENCE_PRODUIT_ABSENTE``; ``LIBELLE_EXPEDITEUR_ABSENT``.
        InvalidSubmission: ``DESTINATAIRE_INVALIDE``.
    """
    parts = [text_part(_words(spec)), _fields_part(spec), _returned(spec)]
    kind = "multipart/report;\r\n report-type=disposition-notification"
    return _assembled(spec, kind, parts)


def write_failure_mail(spec: NoticeSpec) -> bytes:
    """An ordinary mail about a failed integration, with the original attached. Raises as above."""
    return _assembled(spec, "multipart/mixed", [text_part(_words(spec)), _attached(spec)])


def _assembled(spec: NoticeSpec, kind: str, parts: Sequence[tuple[bytes, ...]]) -> bytes:
    boundary = "=_" + hashlib.sha256(spec.message_id.encode("utf-8", "replace")).hexdigest()[:32]
    head = "".join(_headers(spec)) + f'MIME-Version: 1.0\r\nContent-Type: {kind};\r\n boundary="{boundary}"\r\n\r\n'
    opening = f"--{boundary}\r\n".encode()
    pieces = [head.encode("ascii")]
    for part in parts:
        pieces += (opening, *part)
    pieces.append(f"--{boundary}--\r\n".encode())
    return b"".join(pieces)


def _headers(spec: NoticeSpec) -> Iterator[str]:
    original = spec.original
    subject = failure_subject(spec.failures[0].code, original.subject) if spec.failures else original.subject
    yield date_header(spec.date)
    yield from_header(spec.label, spec.mailbox)
    yield addresses_header("To", [spec.to])
    yield ids_header("Message-ID", [spec.message_id])
    yield ids_header("In-Reply-To", [original.message_id])
    yield ids_header("References", [*original.references, original.message_id])
    yield text_header("Subject", clean_line(subject)[:MAX_SUBJECT_CHARS])
    yield "Auto-Submitted: auto-replied\r\n"
    yield product_header(spec.product_reference)


def _words(spec: NoticeSpec) -> str:
    if not spec.failures:
        return _GOOD_NEWS[spec.disposition]
    lines = "\n".join(_line(failure) for failure in spec.failures)
    return (
        f"Le logiciel du destinataire n'a pas pu intégrer votre message.\n\n{lines}\n\n"
        "Le message d'origine est joint.\n\n"
        "-- \nThe recipient's software could not integrate your message; the reasons are above, the message is "
        "enclosed.\n"
    )


_GOOD_NEWS = {
    Disposition.DISPATCHED: "Votre message a été transmis au logiciel du destinataire ; rien ne dit qu'il est lu."
    "\n\n-- \nYour message was given to the recipient's software. That does not prove that it was read.\n",
    Disposition.PROCESSED: "Votre message a été pris en charge par le logiciel du destinataire.\n\n"
    "-- \nYour message was taken by the recipient's software.\n",
    Disposition.DISPLAYED: "Votre message a été lu par le destinataire.\n\n"
    "-- \nYour message was read by the recipient.\n",
}


def _line(failure: IntegrationFailure) -> str:
    detail = clean_line(failure.detail)[:MAX_DETAIL_CHARS]
    return f"- {failure.code} : {failure.label}" + (f" ({detail})" if detail else "")


def _fields_part(spec: NoticeSpec) -> tuple[bytes, ...]:
    head = b"Content-Type: message/disposition-notification\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
    return head, "".join(f"{line}\r\n" for line in _fields(spec)).encode("ascii"), b"\r\n"


def _fields(spec: NoticeSpec) -> Iterator[str]:
    """The fields of RFC 8098 3.2, ASCII only."""
    mode = "manual-action/MDN-sent-manually" if spec.is_manual else "automatic-action/MDN-sent-automatically"
    asked = ascii_fold(spec.original.original_recipient)
    message_id = spec.original.message_id
    yield f"Reporting-UA: {spec.mailbox.domain}; {ascii_fold(spec.software)[:200]}"
    yield f"Original-Recipient: {asked if 0 < len(asked) < 400 else f'rfc822;{spec.mailbox}'}"
    yield f"Final-Recipient: rfc822;{spec.mailbox}"
    if ids_header("X", [message_id]):
        yield f"Original-Message-ID: {message_id}"
    yield f"Disposition: {mode}; {'processed/error' if spec.failures else spec.disposition}"
    for failure in spec.failures:
        yield f"Error: {failure.code}^{ascii_fold(failure.label)}^applicationErrorCondition| E^Error^errorSeverity"


def _returned(spec: NoticeSpec) -> tuple[bytes, ...]:
    """The third part. A composite part has no encoding of its own (RFC 2046 5.2.1): what does not fit is cut down."""
    whole = _as_part(spec.original.content) if spec.failures else None
    if whole is not None and len(whole) <= spec.max_original_bytes:
        encoding = b"7bit" if whole.isascii() else b"8bit"
        return b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: ", encoding, b"\r\n\r\n", whole, b"\r\n"
    return (*text_part(_header_text(spec.original.content), media_type="text/rfc822-headers"),)


def _attached(spec: NoticeSpec) -> tuple[bytes, ...]:
    content = _as_part(spec.original.content)
    if content is None or len(content) > spec.max_original_bytes:
        return text_part(_header_text(spec.original.content), media_type="text/rfc822-headers")
    head = (
        "Content-Type: message/rfc822\r\n"
        f"Content-Transfer-Encoding: {'7bit' if content.isascii() else '8bit'}\r\n"
        f'Content-Disposition: attachment; filename="{ORIGINAL_NAME}"\r\n\r\n'
    )
    return head.encode(), content, b"\r\n"


def _as_part(content: bytes) -> bytes | None:
    """The message as it may stand in a part; ``None`` when no line end makes it one (RFC 5321 4.5.3.1.6)."""
    whole = _LONE_LINE_END.sub(b"\r\n", content)
    if b"\0" in whole or max(map(len, whole.split(b"\r\n"))) > MAX_LINE_BYTES:
        return None
    return whole


def _header_text(content: bytes) -> str:
    """The header of the original, as text."""
    _, body = header_block(content)
    return content[: min(body, MAX_RETURNED_HEADER_BYTES)].decode("utf-8", "replace").replace("\0", "")
