"""The page with everything behind it in the hand of the test, and the days of a practice to look at."""

import hashlib
import random
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from connector.api.app import create_app
from connector.api.page import PageOptions
from connector.api.services import ApiServices, CodePort
from connector.documents.recognise import role_of
from connector.domain.address import MailboxAddress
from connector.domain.states import IncomingEvent, IncomingState, OutgoingEvent, RecipientState, WaitingFor
from connector.domain.submission import Recipient, SendOptions, SourceKind, Submission, SubmittedFile
from connector.journal.journal import Journal
from connector.journal.records import FrozenMessage, RecipientChange, StoredBytes
from connector.journal.vault import Vault
from connector.platform.system import SystemIds
from connector.sandbox.samples import sample
from connector.testing.clock import FakeClock
from tests.api.api_scene import PORT, ApiScene, settings_of
from tests.journal.journal_builders import KEY, Place, url_of

BOX = MailboxAddress.parse("dr.modele@exemple.mssante.fr")
MARTIN = MailboxAddress.parse("dr.martin@hopital.mssante.fr")
WRONG = MailboxAddress.parse("dr.durant@clinique.mssante.fr")
RIGHT = MailboxAddress.parse("dr.durand@clinique.mssante.fr")
BROWSER = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


@dataclass
class PageScene(ApiScene):
    """A page whose journal dates its ids by the clock of the test, as in production."""

    options: PageOptions = field(default_factory=PageOptions)
    codes: CodePort | None = None
    uids: int = 0
    made: int = 0

    def services(self) -> ApiServices:
        return ApiServices(
            settings=self.settings, report=lambda: self.tree, journal=self.journal, clock=self.clock,
            desks=self.desks(),
            owner=self.owner, cards=self.cards, tokens=self.tokens, codes=self.codes, decided=self._decided,
        )  # fmt: skip

    def app(self, port: int = PORT) -> FastAPI:
        return create_app(self.services(), port=port, guard=self.guard, page=self.options)

    def visitor(self, **headers: str) -> "Visitor":
        """A browser that was sent here by ``mss-connector open``."""
        web = TestClient(
            self.app(), base_url=f"http://127.0.0.1:{PORT}", headers=BROWSER | headers, follow_redirects=False
        )
        return Visitor(web, self.owner.token).enter()

    # --- what is sent ---

    def take(
        self, *to: MailboxAddress, name: str = "", files: tuple[tuple[str, bytes], ...] = (), **changes: Any
    ) -> str:
        """The LPS gives something; the id of its message."""
        self.made += 1
        given = files or ((f"CR-{self.made:04d}.xml", b"<cda n='%d'/>" % self.made),)
        values: dict[str, Any] = {
            "id": self.journal._store.ids.ulid(), "mailbox": BOX, "source": SourceKind.FOLDER,
            "source_name": name or f"REQ{self.made:04d}",
            "recipients": tuple(Recipient(each) for each in to or (MARTIN,)),
            "files": tuple(_file(*each) for each in given), "created_at": self.clock.now(),
        }  # fmt: skip
        submission = Submission(**{**values, **changes})
        deadline = self.clock.now() + timedelta(hours=48)
        return self.journal.take(submission, deadline_at=deadline, duplicate_hours=24).message_id

    def prepared(self, *to: MailboxAddress, **changes: Any) -> str:
        message_id = self.take(*to, **changes)
        people = tuple(each.address for each in self.journal.outgoing(message_id).recipients)
        frozen = FrozenMessage(
            header_message_id=f"<{message_id}@exemple.mssante.fr>", recipients=people, content=b"MIME"
        )
        self.journal.freeze(message_id, [frozen])
        return message_id

    def sent(self, *to: MailboxAddress, refused: tuple[MailboxAddress, ...] = (), **changes: Any) -> str:
        """Given to the operator, which takes it for everybody but some."""
        message_id = self.prepared(*to, **changes)
        self.claim(message_id)
        people = [each.address for each in self.journal.outgoing(message_id).recipients]
        news = [
            RecipientChange(who, RecipientState.REFUSED, 550, "5.1.1 boîte inconnue")
            if who in refused
            else RecipientChange(who, RecipientState.ACCEPTED, 250, "ok")
            for who in people
        ]
        everybody_refused = set(people) <= set(refused)
        event = OutgoingEvent.REFUSE if everybody_refused else OutgoingEvent.ACCEPT
        answer = "550 5.1.1 boîte inconnue" if everybody_refused else "250 2.0.0 queued as 4F2A"
        code = "OPERATEUR_REFUS" if refused else None
        self.journal.record(message_id, event, answer=answer, recipients=news, code=code, server="smtp.test:465")
        return message_id

    def claim(self, message_id: str) -> None:
        claimed = self.journal.claim_due(BOX, owner="o", limit=100)
        assert message_id in [message.id for message in claimed]
        self.journal.data_begun(message_id)

    def read(self, *to: MailboxAddress, **changes: Any) -> str:
        message_id = self.sent(*to, options=SendOptions(read_receipt=True), **changes)
        for event in (OutgoingEvent.RECEIPT_DELIVERED, OutgoingEvent.RECEIPT_READ):
            self.clock.advance(30)
            state = RecipientState.READ if event is OutgoingEvent.RECEIPT_READ else RecipientState.DELIVERED
            news = [RecipientChange(r.address, state) for r in self.journal.outgoing(message_id).recipients]
            self.journal.record(message_id, event, recipients=news)
        return message_id

    def held(self, reason: WaitingFor = WaitingFor.PIN, code: str = "PIN", **changes: Any) -> str:
        message_id = self.prepared(**changes)
        self.journal.record(message_id, OutgoingEvent.HOLD, waiting_for=reason, code=code)
        return message_id

    def submission(self, message_id: str) -> str:
        return self.journal.outgoing(message_id).submission_id

    # --- what arrives ---

    def arrive(
        self, subject: str = "CR-BIO", *, sender: str = "Laboratoire Exemple <labo@labo.mssante.fr>",
        files: tuple[tuple[str, bytes], ...] = (("cr.xml", sample("cr-biologie-v1.xml")),), body: str = "Bonjour,",
        deliver: bool = True,
    ) -> str:  # fmt: skip
        """Somebody writes to us."""
        self.uids += 1
        raw = mail(subject, sender, files, body, self.clock.now())
        self.journal.note_seen(BOX, [Place("INBOX", 1, self.uids)])
        (row,) = self.journal.claim_incoming(BOX, state=IncomingState.SEEN, owner="o", limit=9)
        self.journal.store([StoredBytes(row.id, raw, self.clock.now(), f"<{self.uids}@labo.mssante.fr>")])
        if deliver:
            self.journal.record_incoming(row.id, IncomingEvent.OPEN)
            self.journal.record_deliveries([(row.id, f"m-{self.uids}", [("cr.xml", "0" * 64)])])
            self.journal.record_incoming(row.id, IncomingEvent.ACKNOWLEDGE)
        return row.id

    def set_aside(self) -> str:
        incoming_id = self.arrive("Illisible", deliver=False)
        self.journal.record_incoming(incoming_id, IncomingEvent.QUARANTINE, code="ARCHIVE_DANGEREUSE")
        return incoming_id

    # --- a practice ---

    def month(self) -> None:
        """Thirty ordinary days, then a morning; the same ones each time."""
        luck = random.Random(7)
        start = self.clock.now()
        self.clock.jump(-30 * 86_400)
        while self.clock.now() < start - timedelta(hours=2):
            busy = self.clock.now().weekday() < 5
            for _ in range(luck.randint(4, 14) if busy else luck.randint(0, 2)):
                self.clock.advance(luck.randint(60, 900))
                self.sent(luck.choice([MARTIN, RIGHT]))
            for _ in range(luck.randint(2, 9) if busy else 0):
                self.arrive(luck.choice(["CR-BIO MODELE", "Compte rendu d'imagerie", "Lettre de liaison"]))
            if busy and luck.random() < 0.3:
                self.sent(WRONG, refused=(WRONG,))
            self.clock.jump((start - self.clock.now()).total_seconds() % 86_400)


@dataclass
class Visitor:
    """A browser with a session, as far as HTTP goes."""

    web: TestClient
    owner_token: str = field(repr=False)
    root: str = ""

    @property
    def program(self) -> TestClient:
        """A program at the same connector: no cookies, none of the headers of a browser."""
        return TestClient(self.web.app, base_url=f"http://127.0.0.1:{PORT}")

    def link(self) -> str:
        """A fresh one-time link, as the command asks for it."""
        headers = {"Authorization": f"Bearer {self.owner_token}"}
        answer = self.program.post("/api/v1/page/link", headers=headers)
        assert answer.status_code == 201, answer.text
        path: str = answer.json()["url"].partition(str(PORT))[2]
        return path

    def enter(self) -> "Visitor":
        answer = self.web.get(self.link(), headers={"Sec-Fetch-Site": "none"})
        assert answer.status_code == 303, answer.text
        self.root = answer.headers["location"].removesuffix("/")
        return self

    def get(self, path: str = "/", **headers: str) -> Response:
        return self.web.get(self.root + path, headers=headers)

    def text(self, path: str = "/", **headers: str) -> str:
        answer = self.get(path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.text

    def form_token(self) -> str:
        found = _FORM_TOKEN.search(self.text())
        assert found
        return found[1]

    def post(self, path: str, token: str | None = None, **fields: Any) -> Response:
        """A form of the page; ``token`` other than ``None`` replaces its own."""
        values = {"form_token": self.form_token() if token is None else token, **fields}
        parts = [
            (name, (None, str(value)))
            for name, given in values.items()
            for value in (given if isinstance(given, list) else [given])
        ]
        return self.web.post(self.root + path, files=parts)


def _file(name: str, content: bytes) -> SubmittedFile:
    return SubmittedFile(name, role_of(content), content, hashlib.sha256(content).hexdigest())


def mail(subject: str, sender: str, files: tuple[tuple[str, bytes], ...], body: str, at: datetime) -> bytes:
    """A message as it comes from an operator."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, str(BOX), subject
    message["Date"] = at
    message["Message-ID"] = (
        f"<{hashlib.sha256(subject.encode() + str(at).encode()).hexdigest()[:12]}@labo.mssante.fr>"
    )
    message.set_content(body)
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def open_scene(folder: Path, clock: FakeClock | None = None, **changes: Any) -> PageScene:
    """A page with an empty journal."""
    clock = clock or FakeClock()
    ids = SystemIds(milliseconds=lambda: int(clock.now().timestamp() * 1000))
    folder.mkdir(exist_ok=True)
    journal = Journal.open(url_of(folder), vault=Vault(KEY), clock=clock, ids=ids)
    return PageScene(journal, clock, settings=settings_of(), options=PageOptions(ids=ids), **changes)
