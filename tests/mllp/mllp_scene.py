"""A listener on a free port of this machine over a real journal; what it takes is in the journal of the scene."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connector.daemon.mllp import MllpLoop
from connector.daemon.supervisor import Bell
from connector.daemon.workers import Mood
from connector.domain.ports import Clock
from connector.intake.mllp import MllpDesk, RefusedMessage
from connector.journal.journal import Journal
from connector.journal.vault import Vault
from connector.settings.mllp import MllpRoute, MllpSettings
from connector.settings.model import MailboxSettings
from connector.testing.clock import CountingIds, FakeClock
from tests.exchange.exchange_scene import IDENTITY, LAB
from tests.intake.bench import desk_for

__all__ = ["MllpScene", "mailbox"]


def mailbox(address: str = str(LAB)) -> MailboxSettings:
    return MailboxSettings.model_validate({
        "address": address, "kind": "ORG", "entity": "Laboratoire des Tilleuls", "operator": "op",
        "identity": IDENTITY,
    })  # fmt: skip


class MllpScene:
    """Journal, desk and listener."""

    def __init__(self, folder: Path, *, boxes: int = 1, routes: list[MllpRoute] | None = None) -> None:
        self.clock, self.ids = FakeClock(), CountingIds()
        self.journal = Journal.open(
            f"sqlite:///{folder / 'journal.sqlite'}", vault=Vault(b"k" * 32), clock=self.clock, ids=CountingIds(9_000)
        )
        self.kept: list[tuple[str, bytes, str]] = []
        self._ids_kept: set[str] = set()
        self.takings = 0
        self.stop = threading.Event()
        boxes_ = [mailbox(), mailbox("autre@labo.mssante.fr")][:boxes]
        self.desk = MllpDesk(
            journal=self.journal, mailboxes=boxes_, routes=routes or [],
            desk=lambda one: desk_for(one, self.journal, self.clock, self.ids)(), clock=self.clock, ids=self.ids,
            deadline_hours=48, received=self._received, keep=self._keep,
        )  # fmt: skip

    def _received(self) -> None:
        self.takings += 1

    def _keep(self, refused: RefusedMessage) -> None:
        if refused.id not in self._ids_kept:
            self._ids_kept.add(refused.id)
            self.kept.append((refused.name, refused.data, refused.error.code))

    @contextmanager
    def listening(self, *, tls: ssl.SSLContext | None = None, **settings: Any) -> Iterator[int]:
        """The port, for the time of the block."""
        clock: Clock = self.clock
        loop = MllpLoop(
            settings=MllpSettings(port=0, **settings), most_bytes=200_000, answer=self.desk.answer,
            too_large=self.desk.too_large, tls=tls, bell=Bell(), stopping=self.stop.is_set, mood=Mood("mllp", clock),
        )  # fmt: skip
        thread = threading.Thread(target=loop.run)
        thread.start()
        try:
            deadline = time.monotonic() + 20
            while not loop.port and time.monotonic() < deadline:
                thread.join(0.01)
            yield loop.port
        finally:
            self.stop.set()
            thread.join(20)
            assert not thread.is_alive()

    def connect(self, port: int) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), timeout=20)
