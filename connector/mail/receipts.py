"""Recognise and read receipts: delivery (RFC 3464), reading and integration (RFC 8098), and bounces that are neither.

Field rules: mssante-client-rules 4 and 6.3 (Ref#2 ECO.2.3.1, 2.3.2; IG "Transmission au LPS", annex on MDN). Both
written forms of an integration error are read, and the ordinary mail that replaces it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from connector.domain.address import PATIENT_DOMAIN
from connector.mail.addresses import parse_contacts
from connector.mail.bounce_text import read_bounce_text
from connector.mail.mime import Headers, header_block
from connector.mail.parse import OpenedMessage, Part
from connector.mail.subject import parse_subject
from connector.mail.text import ascii_fold, clean_line

__all__ = ["BounceCause", "Receipt", "ReceiptForm", "ReceiptKind", "RecipientReport", "is_automatic", "read_receipt"]

MAX_REPORT_BYTES = 1 << 20
MAX_RETURNED_BYTES = 1 << 16
MAX_TEXT_CHARS = 1 << 16
MAX_RECIPIENTS = 1_000

_XTEXT = re.compile(r"\+(2B|3D)(?=[^@]*@)")
_BLANK_LINE = re.compile(rb"\n[ \t]*\r?\n")
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_SMTP_CODE = re.compile(r"\s*smtp\s*;\s*([245]\d\d)\b", re.IGNORECASE)
_DISPOSITION = re.compile(r";\s*([a-z-]{1,40})\s*(?:/\s*(.*))?", re.IGNORECASE | re.DOTALL)
_CODE = re.compile(r"\b(?:([12]\d\d|90[0-6]|0)\^|(90[0-6])\b)")
_ID_IN_TEXT = re.compile(r"<[^<>\s@]{1,200}@[^<>\s@]{1,200}>")
_RETURNED_ID = re.compile(r"^message-id:\s*(<[^<>\s@]{1,200}@[^<>\s@]{1,200}>)", re.IGNORECASE | re.MULTILINE)
_PATIENT_IN_TEXT = re.compile(rf"\b([0-9][0-9AB]{{14}}@{re.escape(PATIENT_DOMAIN)})\b", re.IGNORECASE)
_BOUNCE_SUBJECT = re.compile(
    r"undeliver|non distribu|non remis|non delivre|echec d[e'] ?(?:la )?remise|impossible de remettre|failure notice"
    r"|returned (?:mail|to sender)|delivery (?:status notification|fail|problem|has failed)|delivery .{0,20}delayed"
    r"|delayed|retard",
    re.IGNORECASE,
)
_DELAY_SUBJECT = re.compile(r"delay|retard|warning", re.IGNORECASE)
_ROBOTS = frozenset({"mailer-daemon", "postmaster", "mailerdaemon", "noreply", "no-reply", "ne-pas-repondre"})
_ABSENCE_SUBJECT = re.compile(
    r"auto(?:matic)?[ -]?(?:reply|response)?\s*:|reponse automatique|absence|out of (?:the )?office|vacation"
    r"|automatische antwort",
    re.IGNORECASE,
)
_ABSENCE_HEADERS = ("x-sieve", "x-autoreply", "x-autorespond", "x-vacation")
_REJECTED_SUBJECT = re.compile(r"automatically rejected mail|rejected:", re.IGNORECASE)
_REPORT_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_NOTICE_TYPES = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_RETURNED_TYPES = frozenset({
    "message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global", "message/global-headers",
})  # fmt: skip


class ReceiptKind(StrEnum):
    """What a receipt says, from the best news to the worst."""

    READ = "read"  # shown to somebody, or taken over by the receiving software
    DELIVERED = "delivered"  # in the recipient's mailbox
    RELAYED = "relayed"  # given to a server that sends no receipts
    DELAYED = "delayed"  # still being tried
    INTEGRATION_FAILED = "integration_failed"  # it arrived, the receiving software refused the documents
    FAILED = "failed"  # it will not arrive


class ReceiptForm(StrEnum):
    """How the news came, hence how far it can be trusted."""

    DSN = "dsn"  # RFC 3464
    MDN = "mdn"  # RFC 8098
    INTEGRATION_NOTICE = "integration_notice"  # ordinary mail with the KO subject
    PATIENT_SPACE = "patient_space"  # Mon espace santé's own words
    SERVER_TEXT = "server_text"  # the sentences of a mail server that we know
    BOUNCE_LIKE = "bounce_like"  # looks like a bounce: nothing more is sure


class BounceCause(StrEnum):
    """Why Mon espace santé gave a message back."""

    MAILBOX = "mailbox"  # closed, patient not found, or invalid address
    TOO_BIG = "too_big"  # over 25 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientReport:
    """The news about one recipient. Texts come from outside, on one line."""

    address: str  # as we wrote it when the report knows, else the final one
    kind: ReceiptKind
    status: str = ""  # enhanced status code, e.g. 5.1.1
    smtp_code: int = 0  # e.g. 550, 0 when unknown
    diagnostic: str = ""
    also: str = ""  # the other address of the report: where an alias led to


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt, with everything that can tie it to what was sent."""

    form: ReceiptForm
    recipients: tuple[RecipientReport, ...]
    kind: ReceiptKind  # the worst of the recipients
    envelope_id: str = ""  # ENVID of RFC 3461; the first thing to look for
    message_id: str = ""  # most probable Message-ID of what was sent
    references: tuple[str, ...] = ()  # further Message-IDs, by falling probability
    disposition: str = ""  # of an MDN: displayed, processed, deleted …
    integration_code: str = ""  # 902 …
    integration_text: str = ""
    cause: BounceCause | None = None


def read_receipt(opened: OpenedMessage) -> Receipt | None:
    """Read a receipt.

    Returns:
        What it says, or ``None`` for an ordinary message (also for a report that names no recipient).
    """
    own_parts = [part for part in opened.parts if not part.forwarded]
    reports = [part for part in own_parts if part.declared_type in _REPORT_TYPES]
    notices = [part for part in own_parts if part.declared_type in _NOTICE_TYPES]
    if reports and (receipt := _delivery_receipt(opened, reports[0])):
        return receipt
    if notices:
        return _read_receipt(opened, notices[0])
    told = _integration_notice(opened) or _patient_space_bounce(opened)
    if told or _is_absence(opened):
        return told
    return _server_text(opened) or _bounce_like(opened)


def is_automatic(opened: OpenedMessage) -> bool:
    """True for what a machine sent by itself: it must never trigger an answer (RFC 3834 2, RFC 8098 2.1)."""
    local = opened.sender.address.partition("@")[0].lower()
    return (
        opened.auto_submitted not in ("", "no")
        or opened.return_path == ""
        or opened.media_type == "multipart/report"
        or opened.headers.get("precedence").lower() in ("bulk", "junk", "list", "auto_reply")
        or bool(opened.headers.get("list-id"))
        or local in _ROBOTS
    )


def _delivery_receipt(opened: OpenedMessage, report: Part) -> Receipt | None:
    groups = list(_field_groups(report.content))
    recipients = tuple(_recipient(group) for group in groups if _names_recipient(group))
    if not recipients:
        return None
    envelope_id = next(filter(None, (group.get("original-envelope-id") for group in groups)), "")
    message_id, references = _links(opened)
    return Receipt(
        form=ReceiptForm.DSN,
        recipients=recipients,
        kind=_worst(recipients),
        envelope_id=clean_line(envelope_id),
        message_id=message_id,
        references=references,
    )


def _field_groups(content: bytes) -> Iterator[Headers]:
    """The groups of fields of RFC 3464 2.1, set apart by blank lines."""
    groups = _BLANK_LINE.split(content[:MAX_REPORT_BYTES].strip(), MAX_RECIPIENTS)
    for group in groups:
        yield from _one_recipient_each(header_block(group.strip()[: MAX_REPORT_BYTES // 8])[0])


def _one_recipient_each(group: Headers) -> Iterator[Headers]:
    """Some servers forget the blank line between two recipients: each ``Final-Recipient`` begins one."""
    pieces: list[list[tuple[str, str]]] = [[]]
    for name, value in group.fields:
        if name in ("final-recipient", "original-recipient") and any(name == known for known, _ in pieces[-1]):
            pieces.append([])
        pieces[-1].append((name, value))
    return (Headers(tuple(piece)) for piece in pieces[:MAX_RECIPIENTS])


def _names_recipient(group: Headers) -> bool:
    return bool(group.get("final-recipient") or group.get("original-recipient"))


def _recipient(group: Headers) -> RecipientReport:
    diagnostic = clean_line(group.get("diagnostic-code"))
    status = _STATUS.search(group.get("status")) or _STATUS.search(diagnostic)
    smtp_code = _SMTP_CODE.match(diagnostic)
    addresses = _typed_addresses(group)
    return RecipientReport(
        address=addresses[0] if addresses else "",
        also=addresses[1] if len(addresses) > 1 else "",
        kind=_kind_of(group.get("action"), status[1] if status else ""),
        status=status[1] if status else "",
        smtp_code=int(smtp_code[1]) if smtp_code else 0,
        diagnostic=diagnostic[:1000],
    )


def _typed_addresses(group: Headers) -> list[str]:
    """``rfc822; local@domain``: the original recipient, which we know, before the final one."""
    values = (group.get(name) for name in ("original-recipient", "final-recipient"))
    typed = (value.partition(";")[2] or value for value in values)
    contacts = (contact for value in typed for contact in parse_contacts(_XTEXT.sub(_from_xtext, value)))
    distinct = {contact.address.casefold(): contact.address for contact in reversed(list(contacts))}
    return [address for address in reversed(distinct.values()) if address]


def _from_xtext(match: re.Match[str]) -> str:
    """RFC 3461 4: some servers give ORCPT back as it stood in the envelope."""
    return chr(int(match[1], 16))


def _kind_of(action: str, status: str) -> ReceiptKind:
    """RFC 3464 2.3.3; a missing or unknown action is read from the class of the status."""
    kinds = {
        "delivered": ReceiptKind.DELIVERED,
        "relayed": ReceiptKind.RELAYED,
        "expanded": ReceiptKind.RELAYED,
        "delayed": ReceiptKind.DELAYED,
        "failed": ReceiptKind.FAILED,
    }
    by_class = {"2": ReceiptKind.DELIVERED, "4": ReceiptKind.DELAYED}
    word = action.partition("(")[0].strip().lower()
    return kinds.get(word) or by_class.get(status[:1], ReceiptKind.FAILED)


def _read_receipt(opened: OpenedMessage, notice: Part) -> Receipt:
    fields = header_block(notice.content[:MAX_RETURNED_BYTES].strip())[0]
    found = _DISPOSITION.search(fields.get("disposition"))
    disposition, modifier = (found[1].lower(), found[2] or "") if found else ("", "")
    code, text = _integration_error(opened, modifier, fields.get("error"))
    failed = bool(code or text)
    kind = _kind_of_disposition(disposition, failed=failed)
    if disposition == "deleted" and _is_rejection(opened):
        kind = ReceiptKind.FAILED
    message_id, references = _links(opened, fields.get("original-message-id"))
    addresses = [*_typed_addresses(fields), opened.sender.address]
    return Receipt(
        form=ReceiptForm.MDN,
        recipients=(
            RecipientReport(
                address=addresses[0], also=addresses[1] if addresses[1:] else "", kind=kind, diagnostic=text
            ),
        ),
        kind=kind,
        message_id=message_id,
        references=references,
        disposition=disposition,
        integration_code=code,
        integration_text=text,
    )


def _kind_of_disposition(disposition: str, *, failed: bool) -> ReceiptKind:
    """``deleted``, ``dispatched`` and the like only prove that it arrived."""
    if failed:
        return ReceiptKind.INTEGRATION_FAILED
    return ReceiptKind.READ if disposition in ("displayed", "processed") else ReceiptKind.DELIVERED


def _integration_error(opened: OpenedMessage, modifier: str, error: str) -> tuple[str, str]:
    """Code and text of an integration error; both empty when there is none.

    Form A writes ``processed/Error: 902^…``, form B ``processed/error`` and a field ``Error: 902^…``; the KO subject
    repeats the code.
    """
    facts = parse_subject(opened.subject_raw)
    ko_code = facts.integration_code if facts else ""
    is_ko = facts is not None and facts.is_integration_failure
    detail = error or modifier.partition(":")[2]
    match = _CODE.search(detail)
    code = (match[1] or match[2]) if match else ko_code
    is_error = modifier.lower().startswith(("error", "fail")) or (bool(error) and code != "0") or is_ko
    if not is_error:
        return "", ""
    return code, _label(clean_line(detail)) or "error"


def _label(detail: str) -> str:
    """``902^Identifiant de patient inconnu^…`` -> the label."""
    pieces = detail.split("^")
    return (pieces[1] if len(pieces) > 1 else detail).strip()[:500]


def _integration_notice(opened: OpenedMessage) -> Receipt | None:
    facts = parse_subject(opened.subject_raw)
    if facts is None or not facts.is_integration_failure:
        return None
    kind = ReceiptKind.INTEGRATION_FAILED
    message_id, references = _links(opened)
    return Receipt(
        form=ReceiptForm.INTEGRATION_NOTICE,
        recipients=(RecipientReport(address=opened.sender.address, kind=kind),),
        kind=kind,
        message_id=message_id,
        references=references,
        integration_code=facts.integration_code,
        integration_text="error",
    )


def _patient_space_bounce(opened: OpenedMessage) -> Receipt | None:
    """``Message non distribué`` or ``Undelivered Mail Returned to Sender`` from Mon espace santé (ENS 6).

    A citizen's own mail never counts as one, whatever its subject.
    """
    from_patient_space = opened.sender.domain == PATIENT_DOMAIN and not opened.sender_ins
    patients = tuple(dict.fromkeys(_PATIENT_IN_TEXT.findall(opened.body[:MAX_TEXT_CHARS])))
    if not from_patient_space and not (_comes_from_robot(opened) and patients):
        return None
    text = ascii_fold(f"{opened.subject_raw} {opened.body[:MAX_TEXT_CHARS]}").lower()
    cause = _cause(text)
    if cause is None:
        return None
    recipients = tuple(RecipientReport(address=each, kind=ReceiptKind.FAILED) for each in patients)
    message_id, references = _links(opened)
    return Receipt(
        form=ReceiptForm.PATIENT_SPACE,
        recipients=recipients[:MAX_RECIPIENTS],
        kind=ReceiptKind.FAILED,
        message_id=message_id,
        references=references,
        cause=cause,
    )


def _cause(folded_text: str) -> BounceCause | None:
    if "message non distribue" in folded_text:
        return BounceCause.MAILBOX
    return BounceCause.TOO_BIG if "undelivered mail returned to sender" in folded_text else None


def _is_absence(opened: OpenedMessage) -> bool:
    """An answering machine (Sieve, Exchange, old vacation programs) says nothing about the delivery."""
    headers = opened.headers
    return (
        "vacation" in headers.get("auto-submitted").lower()
        or any(headers.get(name) for name in _ABSENCE_HEADERS)
        or _ABSENCE_SUBJECT.match(ascii_fold(opened.subject_raw)) is not None
    )


def _is_rejection(opened: OpenedMessage) -> bool:
    """The ``reject`` of Sieve (RFC 5429 2.1.1) is a disposition notification *deleted*: nobody will ever see it."""
    return bool(opened.headers.get("x-sieve")) or _REJECTED_SUBJECT.match(opened.subject_raw) is not None


def _server_text(opened: OpenedMessage) -> Receipt | None:
    """The words of a server that we know; ``X-Failed-Recipients`` (Exim) names the addresses as we wrote them."""
    named = {contact.address.casefold() for contact in parse_contacts(opened.headers.get("x-failed-recipients"))}
    text = read_bounce_text(opened.body[:MAX_TEXT_CHARS]) if named or _comes_from_robot(opened) else None
    if text is None:
        return None
    kind = ReceiptKind.FAILED if text.is_final else ReceiptKind.DELAYED
    reports = tuple(
        RecipientReport(
            address=each.address, kind=kind, status=each.status, smtp_code=each.smtp_code, diagnostic=each.diagnostic
        )
        for each in text.addresses
        if not named or each.address.casefold() in named
    )
    if not reports:
        return None
    message_id, references = _links(opened, " ".join(text.returned_ids))
    return Receipt(
        form=ReceiptForm.SERVER_TEXT, recipients=reports, kind=kind, message_id=message_id, references=references
    )


def _bounce_like(opened: OpenedMessage) -> Receipt | None:
    """Bounces of servers that do not write RFC 3464 reports: recognised, not understood."""
    named = parse_contacts(opened.headers.get("x-failed-recipients"))
    subject = ascii_fold(opened.subject_raw)
    if not named and not (_comes_from_robot(opened) and _BOUNCE_SUBJECT.search(subject)):
        return None
    kind = ReceiptKind.DELAYED if _DELAY_SUBJECT.search(subject) else ReceiptKind.FAILED
    message_id, references = _links(opened)
    return Receipt(
        form=ReceiptForm.BOUNCE_LIKE,
        recipients=tuple(RecipientReport(address=contact.address, kind=kind) for contact in named),
        kind=kind,
        message_id=message_id,
        references=references,
    )


def _comes_from_robot(opened: OpenedMessage) -> bool:
    local = opened.sender.address.partition("@")[0].lower()
    return opened.return_path == "" or local in _ROBOTS


def _links(opened: OpenedMessage, original: str = "") -> tuple[str, tuple[str, ...]]:
    """The Message-IDs that this may be about: of the report, the returned message, the threading, the text."""
    returned = [
        header_block(part.content[:MAX_RETURNED_BYTES])[0].get("message-id")
        for part in opened.parts
        if part.declared_type in _RETURNED_TYPES and not part.forwarded
    ]
    named = _ID_IN_TEXT.findall(" ".join([original, *returned]))
    text = opened.body[:MAX_TEXT_CHARS]
    in_text = [*_RETURNED_ID.findall(text), *_ID_IN_TEXT.findall(text)]
    ids = list(dict.fromkeys([*named, *opened.in_reply_to, *opened.references, *in_text]))[:100]
    return (ids[0], tuple(ids[1:])) if ids else ("", ())


def _worst(recipients: Sequence[RecipientReport]) -> ReceiptKind:
    order = list(ReceiptKind)
    return max((report.kind for report in recipients), key=order.index)
