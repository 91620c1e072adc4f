"""Delivery status notifications as an operator makes them: multipart/report of RFC 6522, fields of RFC 3464."""

from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from typing import Literal

__all__ = ["DeliveryStatus", "delivery_report"]

Action = Literal["delivered", "failed", "delayed", "relayed", "expanded"]

_SUBJECT = {"delivered": "Accusé de remise", "failed": "Échec de remise"}
_SENTENCE = {
    "delivered": "Votre message a été remis dans la boîte du destinataire.",
    "failed": "Votre message n'a pas pu être remis au destinataire.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStatus:
    """What happened to one recipient.

    Args:
        recipient: address.
        action: RFC 3464 2.3.3.
        status: enhanced status code, ``2.0.0``.
        diagnostic: SMTP answer, ``550 5.1.1 …``; empty = no Diagnostic-Code field.
    """

    recipient: str
    action: Action
    status: str
    diagnostic: str = ""


def delivery_report(
    *,
    to: str,
    reporting_host: str,
    original: bytes,
    envelope_id: str,
    outcome: DeliveryStatus,
    message_id: str,
    now: datetime,
) -> bytes:
    """Write the report that goes back to the sender.

    Args:
        to: the sender of the original message.
        reporting_host: Reporting-MTA, also the domain of the report's own address.
        original: the message that it is about, CRLF; only its header goes back (RET=HDRS).
        envelope_id: ENVID of RFC 3461, decoded; empty = none was given.
        outcome: one recipient; each gets its own report.
        message_id: of the report, with angle brackets.
        now: aware.

    Returns:
        RFC 5322 bytes with CRLF.
    """
    boundary = f"=_rapport_{message_id.strip('<>').partition('@')[0]}"
    about_message = {
        "Original-Envelope-Id": envelope_id,
        "Reporting-MTA": f"dns; {reporting_host}",
        "Arrival-Date": format_datetime(now),
    }
    about_recipient = {
        "Final-Recipient": f"rfc822; {outcome.recipient}",
        "Action": outcome.action,
        "Status": outcome.status,
        "Diagnostic-Code": f"smtp; {outcome.diagnostic}" if outcome.diagnostic else "",
    }
    header = {
        "From": f"Operateur de test <MAILER-DAEMON@{reporting_host}>",
        "To": to,
        "Subject": Header(_SUBJECT.get(outcome.action, "État de remise"), "utf-8").encode(),
        "Date": format_datetime(now),
        "Message-ID": message_id,
        "Auto-Submitted": "auto-replied",
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/report; report-type=delivery-status; boundary="{boundary}"',
    }
    sentence = _SENTENCE.get(outcome.action, "L'état de remise de votre message a changé.")
    parts = (
        _part("text/plain; charset=utf-8", f"{sentence}\r\n\r\n{outcome.recipient}\r\n".encode()),
        _part("message/delivery-status", _fields(about_message) + b"\r\n" + _fields(about_recipient)),
        _part("text/rfc822-headers", original.partition(b"\r\n\r\n")[0] + b"\r\n"),
    )
    line = b"--" + boundary.encode("ascii")
    body = b"".join(line + b"\r\n" + part + b"\r\n" for part in parts)
    return _fields(header) + b"\r\n" + body + line + b"--\r\n"


def _fields(values: dict[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in values.items() if value).encode("ascii")


def _part(content_type: str, content: bytes) -> bytes:
    head = {"Content-Type": content_type, "Content-Transfer-Encoding": "8bit"}
    return _fields(head) + b"\r\n" + content
