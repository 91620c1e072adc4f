"""Everything that the API has, full of things to ask for: what random requests meet."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import schemathesis
from schemathesis.specs.openapi.schemas import OpenApiSchema

from connector.api.checkup import Checkup
from connector.api.guard import GuardSettings
from connector.api.guard.rate import Allowance
from connector.api.page import PageOptions
from connector.domain.errors import NeedsPerson
from connector.domain.states import IncomingEvent
from connector.domain.text import Text
from connector.identities.code import CodeState, CodeStatus
from connector.journal.records import StoredBytes
from connector.sandbox.samples import sample
from connector.settings.model import MailboxSettings
from connector.support.doctor import Check, Finding, Gives, Group, Severity
from connector.support.doctor.check import once
from tests.api.api_scene import ApiScene, Live, settings_of
from tests.journal.journal_builders import BOX, Place, Scene
from tests.support.doctor_scene import Practice

__all__ = ["FuzzCodes", "Known", "document_of", "fill", "full_live"]

_ENDLESS = Allowance(per_second=1e6, burst=1_000_000)
_CDA = sample("cr-biologie-v1.xml")
_BOXES = {"token": "psc", "code": "otp"}


@dataclass
class FuzzCodes:
    """One-time codes: every code is wrong but one."""

    state: CodeState = CodeState.NEEDS_START

    def status(self, mailbox: MailboxSettings) -> CodeStatus:
        return CodeStatus(self.state, None, "06 ** ** ** 12")

    def start(self, mailbox: MailboxSettings) -> CodeStatus:
        self.state = CodeState.CODE_EXPECTED
        return self.status(mailbox)

    def give(self, mailbox: MailboxSettings, code: str) -> CodeStatus:
        if code != "123456":
            raise NeedsPerson("CODE_REFUSE", "the operator refused the code")
        self.state = CodeState.OPEN
        return self.status(mailbox)

    def unlock(self, mailbox: MailboxSettings) -> CodeStatus:
        self.state = CodeState.NEEDS_START
        return self.status(mailbox)


class Known:
    """Names of things that are there, one after the other.

    Args:
        messages: ids of submissions.
        inbox: ids of received messages.
    """

    def __init__(self, messages: list[str], inbox: list[str]) -> None:
        self._messages, self._inbox, self._numbers = cycle(messages), cycle(inbox), cycle(range(4))

    def put_in(self, case: schemathesis.Case[Any]) -> bool:
        """Let a case ask for what is there; False when it has no place for a name."""
        names: dict[str, Any] = {
            "message_id": next(self._messages), "inbox_id": next(self._inbox), "number": next(self._numbers),
            "box": next((box for part, box in _BOXES.items() if f"/{part}" in case.path), "psc"),
        }  # fmt: skip
        parameters = case.path_parameters or {}
        case.path_parameters = {name: names.get(name, value) for name, value in parameters.items()}
        if isinstance(case.body, dict) and "documents" in case.body:
            case.body = _sendable(case.body)
            return True
        return bool(parameters.keys() & names)


def _sendable(body: dict[str, Any]) -> dict[str, Any]:
    """A submission that is refused for nothing but its random part; multipart has its head in ``message``."""
    there = {"mailbox": "dr-modele", "recipients": [{"address": "correspondant@autre.mssante.fr"}]}
    if isinstance(body.get("message"), dict):
        return {**body, "message": {**body["message"], **there}}
    return {**body, **there, "documents": [{"name": "cr.xml", "content": b64encode(_CDA).decode()}]}


def fill(scene: ApiScene) -> Known:
    """Messages in many states, received ones readable and not."""
    sent = Scene(scene.journal, scene.clock, Path())
    messages = [sent.prepared(), sent.unknown(), sent.sent(), sent.held(), sent.taken()]
    owners = [scene.journal.outgoing(message_id).submission_id for message_id in messages]
    return Known(owners, [_arrive(scene, uid) for uid in range(1, 6)])


def _arrive(scene: ApiScene, uid: int) -> str:
    """The last one is set aside, the one before has no bytes yet."""
    scene.journal.note_seen(BOX, [Place("INBOX", 1, uid)])
    row = next(row for row in scene.journal.incoming_messages(mailbox=BOX) if row.uid == uid)
    if uid == 4:
        return row.id
    scene.journal.store([StoredBytes(row.id, _mail(uid), scene.clock.now(), f"<{uid}@autre.mssante.fr>")])
    if uid == 5:
        scene.journal.record_incoming(row.id, IncomingEvent.QUARANTINE, code="MESSAGE_ILLISIBLE")
    return row.id


def _mail(number: int) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = "Labo <labo@autre.mssante.fr>", str(BOX)
    message["Subject"], message["Message-ID"] = "XDM/1.0/DDM+Examens", f"<{number}@autre.mssante.fr>"
    message.set_content("Bonjour.")
    for name, content in (("cr.xml", _CDA), ("cr.pdf", b"%PDF-1.4\n%%EOF\n")):
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes().replace(b"\n", b"\r\n")


_CLOCK = Check(
    name="clock", group=Group.MACHINE, title=Text("heure", "time"), gives=Gives(), needs=frozenset(),
    parts=once(lambda _: [Finding("HORLOGE_OK", Severity.OK, "x")]),
)  # fmt: skip


@contextmanager
def full_live(scene: ApiScene, *, unknown: Allowance = _ENDLESS) -> Iterator[Live]:
    """The server on a real socket with every resource, and without limits of rate that would answer for it."""
    code_box = {
        "address": "otp@exemple.mssante.fr", "operator": "op", "given": "Ana", "family": "MODELE",
        "identity": {"auth": "code", "password": {"env": "X"}},
    }  # fmt: skip
    boxes = settings_of().model_dump(mode="json", exclude_unset=True)["mailboxes"]
    scene.settings = settings_of(mailboxes=[*boxes, code_box])
    scene.codes = FuzzCodes()
    scene.guard = GuardSettings(
        port=0, large_bodies={"/api/v1/messages": 4 * 1024 * 1024}, known=_ENDLESS, unknown=unknown
    )
    with TemporaryDirectory() as folder:
        scene.page = PageOptions(checkup=Checkup(lambda: Practice(Path(folder)).world(offline=True), [_CLOCK]))
        with scene.live() as live:
            yield live


def document_of(scene: ApiScene, live: Live) -> OpenApiSchema:
    """The description of the API, as random requests are made of it: examples, edge cases, then a fixed few."""
    config = schemathesis.Config.from_dict(
        {
            "base-url": f"http://{live.endpoint.host}:{live.endpoint.port}",
            "max-stream-events": 1,
        }
    )
    return schemathesis.openapi.from_dict(scene.app(live.endpoint.port).openapi(), config=config)
