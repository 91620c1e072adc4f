"""What lies in the journal that the clients of the local API read: messages in several states, received ones."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from itertools import count

from benchmarks.inputs import level3
from connector.api.guard.tokens import new_token, token_hash
from connector.domain.address import MailboxAddress
from connector.domain.scopes import ALL_SCOPES
from connector.domain.states import IncomingEvent, OutgoingEvent, WaitingFor
from connector.domain.submission import FileRole, Recipient, SourceKind, Submission, SubmittedFile
from connector.journal.journal import Journal
from connector.journal.records import FrozenMessage, StoredBytes
from connector.platform.system import SystemClock, SystemIds

__all__ = ["fill", "let_in", "submissions"]

_LETTER = b"Subject: XDM/1.0/DDM+Examens\r\n\r\n"
_READ_IN_FULL = 50  # different ones that clients open


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a received message lies."""

    folder: str
    uid_validity: int
    uid: int
    size_bytes: int
    message_id: str
    received_at: None = None


def let_in(journal: Journal, number_of: int) -> list[str]:
    """Tokens of that many applications."""
    ids = SystemIds()
    tokens = []
    for number in range(number_of):
        client = ids.ulid()
        tokens.append(new_token(client))
        journal.add_client(
            client, name=f"LPS {number}", token_hash=token_hash(tokens[-1]), scopes=ALL_SCOPES, expires_at=None
        )
    return tokens


def fill(journal: Journal, mailbox: MailboxAddress, sent: int, received: int) -> Mapping[str, Sequence[str]]:
    """Put messages there.

    Args:
        journal: empty.
        mailbox: whose.
        sent: how many submissions.
        received: how many received messages.

    Returns:
        Paths of what there is to read, by what they show.
    """
    messages = [_send(journal, mailbox, number) for number in range(sent)]
    inbox = _receive(journal, mailbox, received)
    root = "/api/v1"
    return {
        "messages": [f"{root}/messages", f"{root}/messages?cursor={messages[sent // 2]}"],
        "message": [f"{root}/messages/{one}" for one in messages[-_READ_IN_FULL:]],
        "inbox": [f"{root}/inbox"],
        "inbox message": [f"{root}/inbox/{one}" for one in inbox[-_READ_IN_FULL:]],
        "mailboxes": [f"{root}/mailboxes"],
        "health": [f"{root}/health"],
    }


def submissions() -> Iterator[object]:
    """Bodies that give a document to be sent, each another one; there is no end of them."""
    for number in count():
        content = base64.b64encode(level3().numbered(number)).decode()
        yield {
            "mailbox": "dr-modele", "reference": f"CR-{number}",
            "recipients": [{"address": "correspondant@autre.mssante.fr"}],
            "documents": [{"name": "cr.xml", "content": content}],
        }  # fmt: skip


def _send(journal: Journal, mailbox: MailboxAddress, number: int) -> str:
    """Nine of ten have left, one waits."""
    now, content = SystemClock().now(), b"<ClinicalDocument n='%d'/>" % number
    file = SubmittedFile("cr.xml", FileRole.CDA, content, hashlib.sha256(content).hexdigest())
    submission = Submission(
        id=SystemIds().ulid(), mailbox=mailbox, source=SourceKind.FOLDER, source_name=f"CR-{number}",
        recipients=(Recipient(mailbox),), files=(file,), created_at=now,
    )  # fmt: skip
    taken = journal.take(submission, deadline_at=now + timedelta(days=2), duplicate_hours=24)
    frozen = FrozenMessage(
        header_message_id=f"<{number}@x>", recipients=(mailbox,), content=_LETTER, document_ids=(f"2.25.{number}",),
        document_codes=("11502-2",),
    )  # fmt: skip
    journal.freeze(taken.message_id, [frozen])
    if number % 10:
        (message,) = journal.claim_due(mailbox, owner="benchmark", limit=1)
        journal.data_begun(message.id)
        journal.record(message.id, OutgoingEvent.ACCEPT, answer="250 ok", server="localhost")
    else:
        journal.record(taken.message_id, OutgoingEvent.HOLD, code="PIN", waiting_for=WaitingFor.PIN)
    return taken.submission_id


def _receive(journal: Journal, mailbox: MailboxAddress, number_of: int) -> list[str]:
    raw = [_mail(mailbox, number) for number in range(number_of)]
    journal.note_seen(
        mailbox, [_Place("INBOX", 1, n + 1, len(content), f"<{n}@autre>") for n, content in enumerate(raw)]
    )
    rows = sorted(journal.incoming_messages(mailbox=mailbox, limit=number_of), key=lambda row: row.uid)
    now = SystemClock().now()
    for number, row in enumerate(rows):
        journal.store([StoredBytes(row.id, raw[number], now, f"<{number}@autre>")])
        journal.record_incoming(row.id, IncomingEvent.OPEN)
    return [row.id for row in rows]


def _mail(mailbox: MailboxAddress, number: int) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "Labo <labo@autre.mssante.fr>", str(mailbox)
    message["Subject"], message["Message-ID"] = f"XDM/1.0/DDM+Examens {number}", f"<{number}@autre>"
    message.set_content("Bonjour.")
    message.add_attachment(level3().numbered(number), maintype="text", subtype="xml", filename="cr.xml")
    return message.as_bytes().replace(b"\n", b"\r\n")
