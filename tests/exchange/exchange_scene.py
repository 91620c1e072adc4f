"""One mailbox with a real journal, a clock in the hand and an operator in memory, for the tests of the exchange."""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.documents.recognise import role_of
from connector.domain.address import MailboxAddress
from connector.domain.errors import Unavailable
from connector.domain.limits import Limits
from connector.domain.ports import watch_steps
from connector.domain.states import IncomingState, OutgoingState, RecipientState
from connector.domain.submission import (
    FileRole,
    Recipient,
    RecipientKind,
    SendOptions,
    SourceKind,
    Submission,
    SubmittedFile,
)
from connector.exchange.arrival import Arrival, Delivered, Quarantined
from connector.exchange.collect import Collector
from connector.exchange.listing import Lister
from connector.exchange.lookup import Inquirer
from connector.exchange.opening import Opener
from connector.exchange.plan import MailboxRules
from connector.exchange.prepare import Preparer
from connector.exchange.send import Dispatcher
from connector.identities import Identity
from connector.journal.journal import Journal
from connector.journal.records import FrozenMessage, IncomingMessage, OutgoingMessage
from connector.journal.vault import Vault
from connector.mail.parse import OpenedMessage, open_message
from connector.operators.base import Sender
from connector.sandbox.samples import sample
from connector.settings.model import MailboxSettings, MessageSettings, RetrySettings, SoftwareSettings
from connector.settings.reception import ReceptionSettings
from connector.testing.clock import CountingIds, FakeClock
from connector.testing.operator import FakeOperator
from connector.xdm.pack import SenderInfo

LAB = MailboxAddress.parse("bio@labo.mssante.fr")
ALIX = MailboxAddress.parse("alix@cabinet.mssante.fr")
BEA = MailboxAddress.parse("bea@clinique.mssante.fr")
PATIENT = MailboxAddress.parse("251033306312374@patient.mssante.fr")  # of cr-consultation-n1.xml
LAB_PATIENT = MailboxAddress.parse("199017599999849@patient.mssante.fr")  # of cr-biologie-v1.xml
NOBODY = MailboxAddress.parse("personne@nulle-part.mssante.fr")
EVERYBODY = (LAB, ALIX, BEA, PATIENT, LAB_PATIENT)

RETRY = RetrySettings(first_seconds=30, factor=2, cap_seconds=3600, jitter=0)
SETTLE_SECONDS = 120.0
IDENTITY = {"certificate": "client.p12"}
SOFTWARE = SenderInfo(software="Essai", version="1", editor="Essai")
KEY = bytes(range(32))
OPTIONS = SendOptions(allow_duplicate=True)


@dataclass
class Inbox:
    """A delivery target in memory: keeps what was delivered by id, and can be made unavailable."""

    delivered: dict[str, Arrival] = field(default_factory=dict)
    quarantined: dict[str, Quarantined] = field(default_factory=dict)
    attempts: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)  # raised one after the other

    def deliver(self, arrival: Arrival) -> Delivered:
        self._work(arrival.incoming_id)
        known = self.delivered.setdefault(arrival.incoming_id, arrival)
        assert known == arrival, "delivered again, and differently"
        return Delivered(f"m-{arrival.incoming_id}", ((f"m-{arrival.incoming_id}.txt", "0" * 64),))

    def quarantine(self, message: Quarantined) -> Delivered:
        self._work(message.incoming_id)
        self.quarantined[message.incoming_id] = message
        return Delivered("q", ())

    def settle(self, incoming_ids: Sequence[str]) -> None:
        self.settled += incoming_ids

    def _work(self, incoming_id: str) -> None:
        self.attempts.append(incoming_id)
        if self.failures:
            raise self.failures.pop(0)


class Scene:
    """The laboratory's mailbox and everything that works for it.

    Args:
        folder: for the journal.
        files_sent: whether the operator files every sent message.
    """

    def __init__(self, folder: Path, *, files_sent: bool = True, ids: CountingIds | None = None) -> None:
        self.clock = FakeClock()
        self.ids = ids or CountingIds()
        self.journal = Journal.open(
            f"sqlite:///{folder / 'journal.db'}", vault=Vault(KEY), clock=self.clock, ids=self.ids
        )
        self.operator = FakeOperator(EVERYBODY, clock=self.clock, files_sent=files_sent)
        self.inbox = Inbox()
        self.dispatcher = self.new_dispatcher()

    # --- sending ---

    def new_dispatcher(
        self, sender: Sender | None = None, *, parallel: int = 4, identity: Identity | None = None
    ) -> Dispatcher:
        return Dispatcher(
            mailbox=LAB, journal=self.journal, sender=sender or self.operator.sender(LAB, identity), clock=self.clock,
            retry=RETRY, owner="test", server="smtp.test", parallel=parallel, identity=identity, luck=lambda: 0.5,
        )  # fmt: skip

    def take(
        self, *files: SubmittedFile, to: Iterable[MailboxAddress] = (ALIX,), copies: Iterable[MailboxAddress] = (),
        options: SendOptions = OPTIONS, duplicate_hours: float = 0, body: str | None = None, **more: Any,
    ) -> str:  # fmt: skip
        """Hand a submission to the journal; gives back its id."""
        people = [Recipient(a) for a in to] + [Recipient(a, RecipientKind.CC) for a in copies]
        submission = Submission(
            id=self.ids.ulid(), mailbox=LAB, source=SourceKind.REST, source_name="REQ", recipients=tuple(people),
            files=files or (file("cr.xml", b"<cda/>", FileRole.CDA),), created_at=self.clock.now(), body=body,
            options=options, **more,
        )  # fmt: skip
        deadline = self.clock.now() + timedelta(hours=48)
        return self.journal.take(submission, deadline_at=deadline, duplicate_hours=duplicate_hours).submission_id

    def frozen(self, *to: MailboxAddress, options: SendOptions = OPTIONS) -> str:
        """A prepared message with small bytes; gives back its row id."""
        people = to or (ALIX,)
        (message,) = self.journal.submission(self.take(to=people, options=options)).messages
        header = f"<{message.id}@labo.mssante.fr>"
        content = (
            f"From: <{LAB}>\r\nTo: {', '.join(map(str, people))}\r\n"
            f"Message-ID: {header}\r\nSubject: CR\r\n\r\nBonjour.\r\n"
        ).encode()
        frozen = FrozenMessage(header_message_id=header, recipients=people, content=content)
        return self.journal.freeze(message.id, [frozen])[0]

    def send(self) -> int:
        """One round of the dispatcher."""
        return asyncio.run(self.dispatcher.run_once())

    def send_later(self, seconds: float = 3600) -> int:
        """One round after a while."""
        self.clock.advance(seconds)
        return self.send()

    def message(self, message_id: str) -> OutgoingMessage:
        return self.journal.outgoing(message_id)

    def state(self, message_id: str) -> OutgoingState:
        return self.message(message_id).state

    def people(self, message_id: str) -> dict[MailboxAddress, RecipientState]:
        return {r.address: r.state for r in self.message(message_id).recipients}

    def submission_of(self, message_id: str) -> str:
        return self.message(message_id).submission_id

    def copies(self, address: MailboxAddress, message_id: str) -> list[bytes]:
        """What a recipient holds of a message."""
        header = f"Message-ID: {self.message(message_id).header_message_id}\r\n".encode()
        return [content for content in self.operator.messages(address) if header in content]

    def inquire(self) -> int:
        """Ask the Sent folder."""
        inquirer = Inquirer(LAB, self.journal, self.clock, SETTLE_SECONDS, "imap.test")
        return inquirer.run_once(self.operator.receiver(LAB))

    # --- preparing ---

    def rules(self, **changes: object) -> MailboxRules:
        """The rules of the mailbox; sections can be replaced by name."""
        mailbox = MailboxSettings.model_validate(
            {
                "address": str(LAB), "kind": "ORG", "operator": "op", "identity": IDENTITY,
                "entity": "Laboratoire des Tilleuls",
            }
        )  # fmt: skip
        values: dict[str, object] = {
            "mailbox": mailbox, "message": MessageSettings(), "sender": SOFTWARE, "clock": self.clock,
            "software": SoftwareSettings(product_reference="DEV0417", environment="test"), "ids": self.ids,
            "max_message_bytes": 10_000_000, "earlier_message": self._earlier,
        }  # fmt: skip
        return MailboxRules(**{**values, **changes})  # type: ignore[arg-type]  # the tests name real fields

    def _earlier(self, document: str) -> OutgoingMessage | None:
        return self.journal.earlier_message_for_document(document, LAB)

    def prepare(self, **changes: object) -> int:
        """One round of the preparer."""
        rules = self.rules(**changes)
        return Preparer(self.journal, lambda _: rules, "test").run_once()

    def prepared(self, submission_id: str) -> list[OpenedMessage]:
        """The frozen messages of a submission, opened again."""
        return [open_message(content, Limits()) for content in self.frozen_bytes(submission_id)]

    def frozen_bytes(self, submission_id: str) -> list[bytes]:
        messages = self.journal.submission(submission_id).messages
        return [self.journal.payload(m.payload_id) for m in messages if m.payload_id]

    # --- receiving ---

    def collector(self, *, batch: int = 50, **reception: Any) -> Collector:
        """A new one; ``reception``: settings that differ from the defaults."""
        lister = Lister(LAB, self.journal, ReceptionSettings.model_validate(reception), self.clock)
        return Collector(LAB, self.journal, lister, "test", "imap.test", batch=batch)

    def collect(self) -> int:
        return self.collector().run_once(self.operator.receiver(LAB))

    def opener(self) -> Opener:
        return Opener(LAB, self.journal, self.inbox, self.clock, "test")

    def open_mail(self) -> int:
        return self.opener().run_once()

    def receive(self) -> None:
        """Fetch, open, deliver, mark: everything that can be done now."""
        self.collect()
        self.open_mail()
        self.collect()

    def incoming(self) -> list[IncomingMessage]:
        """All that was seen, oldest first."""
        return self.journal.incoming_messages(limit=1000)[::-1]

    def incoming_states(self) -> list[IncomingState]:
        return [row.state for row in self.incoming()]


class Killed(BaseException):
    """The process dies here."""


@contextmanager
def killed_at(step: str, *, time: int = 1) -> Iterator[None]:
    """What runs in here dies when it reaches a step for the so-manieth time; it must come so far."""
    times = 0

    def die(reached: str) -> None:
        nonlocal times
        times += reached == step
        if reached == step and times == time:
            raise Killed

    watch_steps(die)
    try:
        with pytest.raises(Killed):
            yield
    finally:
        watch_steps(None)


def file(name: str, content: bytes, role: FileRole | None = None) -> SubmittedFile:
    """A submitted file; its role is recognised unless given."""
    return SubmittedFile(name, role or role_of(content), content, hashlib.sha256(content).hexdigest())


def sample_file(name: str) -> SubmittedFile:
    """One of the sample documents."""
    return file(name, sample(name))


def disk_full() -> Unavailable:
    return Unavailable("DISQUE_PLEIN", "no space left")
