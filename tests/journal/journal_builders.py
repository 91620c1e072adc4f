"""Builders for the tests of the journal: synthetic, French, without any real person."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from connector.domain.address import MailboxAddress
from connector.domain.states import OutgoingEvent, OutgoingState, RecipientState, WaitingFor
from connector.domain.submission import FileRole, Recipient, RecipientKind, SourceKind, Submission, SubmittedFile
from connector.journal.journal import Journal
from connector.journal.records import FrozenMessage, OutgoingMessage, RecipientChange, StoredBytes
from connector.journal.vault import Vault
from connector.testing.clock import EPOCH, CountingIds, FakeClock

BOX = MailboxAddress("dr.modele", "exemple.mssante.fr")
OTHER_BOX = MailboxAddress("labo", "exemple.mssante.fr")
TO = MailboxAddress("correspondant", "autre.mssante.fr")
CC = MailboxAddress("confrere", "autre.mssante.fr")
KEY = bytes(range(32))
DEADLINE = EPOCH + timedelta(hours=48)


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'journal.sqlite'}"


def open_journal(folder: Path, clock: FakeClock | None = None, ids: CountingIds | None = None) -> Journal:
    return Journal.open(url_of(folder), vault=Vault(KEY), clock=clock or FakeClock(), ids=ids or CountingIds())


def file_of(
    content: bytes = b"<ClinicalDocument/>", *, name: str = "cr.xml", role: FileRole = FileRole.CDA
) -> SubmittedFile:
    return SubmittedFile(name, role, content, hashlib.sha256(content).hexdigest())


def submission(number: int = 1, **changes: Any) -> Submission:
    values: dict[str, Any] = {
        "id": f"01SUB{number:021d}", "mailbox": BOX, "source": SourceKind.FOLDER, "source_name": "cr.xml",
        "recipients": (Recipient(TO), Recipient(CC, RecipientKind.CC)), "created_at": EPOCH,
        "files": (file_of(b"<cda n='%d'/>" % number),),
    }  # fmt: skip
    return Submission(**{**values, **changes})


def frozen(number: int = 1, recipients: tuple[MailboxAddress, ...] = (TO, CC), **changes: Any) -> FrozenMessage:
    values: dict[str, Any] = {
        "header_message_id": f"<{number}@exemple.mssante.fr>", "recipients": recipients,
        "content": b"MIME %d" % number, "document_ids": (f"2.25.{number}",), "document_codes": ("11502-2",),
    }  # fmt: skip
    return FrozenMessage(**{**values, **changes})


@dataclass
class Scene:
    """A journal and short ways to bring a message into a state."""

    journal: Journal
    clock: FakeClock
    folder: Path
    number: int = 0

    def taken(self, **changes: Any) -> str:
        self.number += 1
        taken = self.journal.take(submission(self.number, **changes), deadline_at=self.deadline(), duplicate_hours=24)
        return taken.message_id

    def deadline(self) -> datetime:
        return self.clock.now() + timedelta(hours=48)

    def prepared(self, **changes: Any) -> str:
        message_id = self.taken(**changes)
        self.journal.freeze(message_id, [frozen(self.number)])
        return message_id

    def sending(self) -> str:
        message_id = self.prepared()
        claimed = [m.id for m in self.journal.claim_due(BOX, owner="o", limit=100)]
        assert message_id in claimed
        return message_id

    def unknown(self) -> str:
        message_id = self.sending()
        self.journal.data_begun(message_id)
        self.journal.record(message_id, OutgoingEvent.LOSE, code="ISSUE_INCONNUE")
        return message_id

    def sent(self) -> str:
        message_id = self.sending()
        self.journal.data_begun(message_id)
        accepted = [RecipientChange(who, RecipientState.ACCEPTED, 250, "ok") for who in (TO, CC)]
        self.journal.record(message_id, OutgoingEvent.ACCEPT, answer="250 2.0.0 queued as 4F", recipients=accepted)
        return message_id

    def held(self, waiting_for: WaitingFor = WaitingFor.CREDENTIALS) -> str:
        message_id = self.prepared()
        self.journal.record(message_id, OutgoingEvent.HOLD, waiting_for=waiting_for, code="AUTHENTIFICATION")
        return message_id

    def state(self, message_id: str) -> OutgoingState:
        return self.message(message_id).state

    def message(self, message_id: str) -> OutgoingMessage:
        return self.journal.outgoing(message_id)


@dataclass(frozen=True)
class Place:
    folder: str
    uid_validity: int
    uid: int
    size_bytes: int = 10
    message_id: str = ""
    received_at: datetime | None = None


def stored_bytes(incoming_id: str, content: bytes, message_id: str = "<m@autre.mssante.fr>") -> StoredBytes:
    return StoredBytes(incoming_id, content, EPOCH, message_id)
