"""Open a received message: who, what about, the text, the parts. Bounded before anything is decoded.

Names, addresses and subjects stay data: nothing here becomes a path, and nothing identifies a patient (Ref#2
ECO.2.1.2). Source rules: RFC 5322, 2045, 2047, 2231, 3834, 8098; Ref#2 ECO.3.1.1 to 3.1.3.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

from connector.domain.address import PATIENT_DOMAIN
from connector.domain.errors import InvalidSubmission, MalformedMessage
from connector.domain.limits import Limits
from connector.domain.patient import INS_NIR, MatriculeINS
from connector.mail.addresses import Contact, parse_contacts
from connector.mail.flowed import unflow
from connector.mail.html_text import html_to_text
from connector.mail.mime import Headers, Leaf, read_leaves
from connector.mail.subject import parse_subject
from connector.mail.text import clean_line, decode_text
from connector.mail.words import decode_words

__all__ = ["TNEF", "MssHeaders", "OpenedMessage", "Part", "SenderOrigin", "open_message"]

TNEF = "application/ms-tnef"
"""Outlook's own container (``winmail.dat``): recognised, never opened."""

MAX_IDS = 100
MAX_HTML_PARTS = 10

_ID = re.compile(r"<[^<>\s]{1,998}>")
_FORBIDDEN_IN_NAME = re.compile(r'[:*?"<>|]')
_GENERIC_TYPES = frozenset({
    "application/octet-stream", "text/plain", "application/x-zip-compressed", "application/x-zip",
    "application/x-pdf", "application/download", "application/force-download", "application/unknown",
    "application/vnd.ms-tnef",
})  # fmt: skip
_EXTENSIONS = {
    "application/pdf": ".pdf", "application/zip": ".zip", "application/xml": ".xml", "text/xml": ".xml",
    "message/rfc822": ".eml", "image/jpeg": ".jpg", "image/png": ".png", "text/plain": ".txt", "text/html": ".html",
}  # fmt: skip
_SIGNATURES = (
    (b"PK\x03\x04", "application/zip"), (b"PK\x05\x06", "application/zip"), (b"%PDF-", "application/pdf"),
    (b"<?xml", "application/xml"), (b"\xef\xbb\xbf<?xml", "application/xml"), (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"), (b"\x78\x9f\x3e\x22", TNEF),
)  # fmt: skip


class SenderOrigin(StrEnum):
    """Which side of the space of trust a message comes from (Ref#2 ECO.3.1.1)."""

    PROFESSIONAL = "professional"
    USAGER = "usager"


@dataclass(frozen=True, slots=True)
class MssHeaders:
    """The X-MSS-* headers as they came; unverified."""

    product_reference: str = ""  # X-MSS-NIL
    document_codes: tuple[str, ...] = ()  # X-MSS-CODECDA
    qualified_ins: str = ""  # X-MSS-INS: O, N or ""
    no_reply: str = ""  # X-MSS-MES


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One attachment, or one piece of a receipt."""

    name: str  # safe to display, never empty; data, not a path
    declared_type: str
    sniffed_type: str  # from the first bytes, "" when not recognised
    disposition: str  # attachment, inline or ""
    depth: int
    forwarded: bool  # comes from a message inside the message
    content: bytes = field(repr=False)

    @property
    def media_type(self) -> str:
        """The declared type, unless it is a generic one and the content tells more."""
        generic = self.declared_type in _GENERIC_TYPES
        return self.sniffed_type if generic and self.sniffed_type else self.declared_type


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedMessage:
    """A received message. Every text is decoded, on one line (but for the body), and unverified."""

    sender: Contact
    to: tuple[Contact, ...]
    cc: tuple[Contact, ...]
    reply_to: tuple[Contact, ...]
    subject_raw: str  # decoded, marker included
    subject_display: str  # without the marker (Ref#2 ECO.3.1.3)
    date: datetime | None  # aware; None when absent or unreadable
    message_id: str  # with angle brackets, "" when absent
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    read_receipt_to: str  # address in Disposition-Notification-To, "" when none is wanted
    return_path: str | None  # "" for the null path <>, None when the header is absent
    auto_submitted: str  # keyword of RFC 3834 in lower case, "" when absent
    body: str  # plain text with \n
    parts: tuple[Part, ...]
    mss: MssHeaders
    media_type: str  # of the whole message
    headers: Headers = field(repr=False)  # of the whole message
    texts: tuple[str, ...] = field(default=(), repr=False)  # each plain text, its lines as they came

    @property
    def sender_kind(self) -> SenderOrigin:
        """A citizen or a professional, by the exact domain of the sender."""
        usager = self.sender.domain == PATIENT_DOMAIN
        return SenderOrigin.USAGER if usager else SenderOrigin.PROFESSIONAL

    @property
    def sender_name(self) -> str:
        """Name to show: the display name, which Mon espace santé fills, else the address (Ref#2 ECO.3.1.2)."""
        return self.sender.name or self.sender.address

    @property
    def sender_ins(self) -> str:
        """For a citizen the 15 characters in front of the ``@``, when their key fits; else ``""``."""
        if self.sender_kind is not SenderOrigin.USAGER:
            return ""
        try:
            return MatriculeINS.parse(self.sender.address.partition("@")[0], INS_NIR).value
        except InvalidSubmission:
            return ""


def open_message(raw: bytes, limits: Limits) -> OpenedMessage:
    """Open one message.

    Args:
        raw: RFC 5322 bytes as fetched.
        limits: how much to look at.

    Raises:
        MalformedMessage: ``MESSAGE_ILLISIBLE`` when it has no header at all, or is over a limit. Everything else
            that is wrong is tolerated.
    """
    headers, leaves = read_leaves(raw, limits)
    if not headers.fields:
        raise MalformedMessage("MESSAGE_ILLISIBLE", "no header: this is not a message")
    subject = clean_line(decode_words(headers.get("subject")))
    facts = parse_subject(headers.get("subject"))
    texts = [leaf for leaf in leaves if _is_body_text(leaf)]
    return OpenedMessage(
        sender=_first(headers, "from", "sender"),
        to=_contacts(headers, "to"),
        cc=_contacts(headers, "cc"),
        reply_to=_contacts(headers, "reply-to"),
        subject_raw=subject,
        subject_display=facts.display if facts else subject,
        date=_date(headers.get("date")),
        message_id=next(iter(_ids(headers.get("message-id"))), ""),
        in_reply_to=_ids(headers.get("in-reply-to")),
        references=_ids(headers.get("references")),
        read_receipt_to=_first(headers, "disposition-notification-to").address,
        return_path=_return_path(headers),
        auto_submitted=headers.get("auto-submitted").partition(";")[0].strip().lower()[:100],
        body=_body(texts),
        parts=_parts([leaf for leaf in leaves if not _is_text(leaf)], limits),
        mss=_mss(headers),
        media_type=headers.get("content-type").partition(";")[0].strip().lower()[:200] or "text/plain",
        headers=headers,
        texts=tuple(_text(leaf) for leaf in texts if leaf.media_type == "text/plain"),
    )


def _contacts(headers: Headers, name: str) -> tuple[Contact, ...]:
    return parse_contacts(",".join(headers.get_all(name)))


def _first(headers: Headers, *names: str) -> Contact:
    found = (contact for name in names for contact in parse_contacts(headers.get(name)))
    return next(found, Contact("", ""))


def _ids(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_ID.findall(value)))[:MAX_IDS]


def _date(value: str) -> datetime | None:
    """Header date; a zone of ``-0000`` counts as UTC (RFC 5322 3.3)."""
    try:
        date = parsedate_to_datetime(value[:100])
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _return_path(headers: Headers) -> str | None:
    values = headers.get_all("return-path")
    if not values:
        return None
    contact = next(iter(parse_contacts(values[0])), None)
    return contact.address if contact else ""


def _mss(headers: Headers) -> MssHeaders:
    nil, codes, ins, mes = (
        clean_line(headers.get(f"x-mss-{name}"))[:1000] for name in ("nil", "codecda", "ins", "mes")
    )
    return MssHeaders(nil, tuple(code.strip() for code in codes.split(",") if code.strip()), ins, mes)


def _is_text(leaf: Leaf) -> bool:
    """Running text, of this message or of a forwarded one: neither a file nor a piece of a receipt."""
    shown = leaf.disposition != "attachment" and not leaf.file_name
    return shown and leaf.media_type in ("text/plain", "text/html")


def _is_body_text(leaf: Leaf) -> bool:
    return _is_text(leaf) and not leaf.forwarded


def _body(leaves: Sequence[Leaf]) -> str:
    """Plain text wins; HTML is stripped to text only when there is no plain one."""
    plain = [_paragraphs(leaf) for leaf in leaves if leaf.media_type == "text/plain"]
    written = [text for text in plain if text.strip()]
    if not written:
        rich = [leaf for leaf in leaves if leaf.media_type == "text/html"][:MAX_HTML_PARTS]
        written = [html_to_text(_text(leaf)) for leaf in rich]
    return "\n\n".join(text.strip("\n") for text in written)


def _paragraphs(leaf: Leaf) -> str:
    """The text as its writer saw it: lines broken by the sending program only are joined (RFC 3676)."""
    text = _text(leaf)
    if leaf.parameters.get("format", "").lower() != "flowed":
        return text
    return unflow(text, delete_space=leaf.parameters.get("delsp", "").lower() == "yes")


def _text(leaf: Leaf) -> str:
    text = decode_text(leaf.content, leaf.parameters.get("charset", ""))
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").removeprefix("\ufeff")


def _parts(leaves: Sequence[Leaf], limits: Limits) -> tuple[Part, ...]:
    return tuple(_part(leaf, number, limits) for number, leaf in enumerate(leaves, start=1))


def _part(leaf: Leaf, number: int, limits: Limits) -> Part:
    sniffed = _sniff(leaf.content)
    extension = _EXTENSIONS.get(sniffed) or _EXTENSIONS.get(leaf.media_type, ".bin")
    name = _safe_name(leaf.file_name, limits.max_name_chars)
    return Part(
        name=name or f"piece_jointe_{number}{extension}",
        declared_type=leaf.media_type,
        sniffed_type=sniffed,
        disposition=leaf.disposition,
        depth=leaf.depth,
        forwarded=leaf.forwarded,
        content=leaf.content,
    )


def _sniff(content: bytes) -> str:
    by_start = (media_type for signature, media_type in _SIGNATURES if content.startswith(signature))
    found = next(by_start, "")
    return found or ("application/pdf" if b"%PDF-" in content[:1024] else "")


def _safe_name(name: str, max_chars: int) -> str:
    """The last component, without controls and what Windows refuses, cut before its extension."""
    last = re.split(r"[/\\]", clean_line(unicodedata.normalize("NFC", name)))[-1]
    bare = _FORBIDDEN_IN_NAME.sub("-", last).strip(" .")
    if len(bare) <= max_chars:
        return bare
    stem, dot, extension = bare.rpartition(".")
    return (
        stem[: max_chars - len(extension) - 1] + dot + extension if dot and len(extension) < 10 else bare[:max_chars]
    )
