"""A mailbox that receives, with everything that answers for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connector.domain.ports import watch_steps
from connector.exchange.notices import NoticeDesk
from connector.exchange.opening import Opener
from connector.journal.notices import NoticeRow
from connector.settings.model import Settings
from tests.exchange.exchange_scene import ALIX, IDENTITY, LAB, Scene

ASKED = "<asked@cabinet.mssante.fr>"


class Killed(BaseException):
    """The process dies here."""


@contextmanager
def dying_at(step: str) -> Iterator[None]:
    """The process is gone when a step is reached."""

    def look(reached: str) -> None:
        if reached == step:
            raise Killed

    watch_steps(look)
    try:
        yield
    finally:
        watch_steps(None)


def settings_of(mailbox: dict[str, Any], operator: dict[str, Any]) -> Settings:
    """Settings with the laboratory's mailbox alone."""
    server = {"host": "localhost", "port": 1}
    return Settings.model_validate({
        "software": {"product_reference": "DEV0417", "environment": "test"},
        "operators": {"op": {"smtp": server, "imap": server, **operator}},
        "mailboxes": [{
            "address": str(LAB), "kind": "ORG", "operator": "op", "identity": IDENTITY, "entity": "Labo des Tilleuls",
            **mailbox,
        }],
    })  # fmt: skip


class NoticeScene(Scene):
    """The laboratory receives from Alix."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.queued = 0

    def desk(self, *, operator: dict[str, Any] | None = None, **mailbox: Any) -> NoticeDesk:
        """With these settings of the mailbox."""
        return NoticeDesk(
            self.journal, settings_of(mailbox, operator or {}), self.clock, self.ids, "Essai 1", queued=self._queued
        )

    def _queued(self, _mailbox: object) -> None:
        self.queued += 1

    def given(
        self, head: str = "", *, asker: str | None = str(ALIX), path: str = str(ALIX), body: str = "Bonjour"
    ) -> str:
        """A message arrives, is fetched and delivered; gives back its row id."""
        wanted = f"Disposition-Notification-To: <{asker}>\r\n" if asker else ""
        raw = (
            f"Return-Path: <{path}>\r\nFrom: Dr Alix <{ALIX}>\r\nTo: <{LAB}>\r\nMessage-ID: {ASKED}\r\n"
            f"Subject: XDM/1.0/DDM+CR VIAL Paul 26/11/1978\r\n{wanted}{head}\r\n{body}\r\n"
        ).encode()
        before = {row.id for row in self.incoming()}
        self.operator.deliver(LAB, raw)
        self.receive()
        (new,) = {row.id for row in self.incoming()} - before
        return new

    def answering(self, desk: NoticeDesk) -> Opener:
        """An opener that answers what it delivers."""
        return Opener(LAB, self.journal, self.inbox, self.clock, "test", answer=desk.delivered)

    def told(self, incoming_id: str) -> list[NoticeRow]:
        return self.journal.notices([incoming_id]).get(incoming_id, [])

    def mail_of(self, incoming_id: str) -> bytes:
        """The frozen answer."""
        (message_id,) = {row.message_id for row in self.told(incoming_id)}
        return self.journal.letter(message_id or "").content
