"""A mailbox that receives into real folders, by routes, and a software that listens."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector.daemon.target import TargetMaker
from connector.delivery.line import LpsLine
from connector.delivery.routing import RoutedInbox
from connector.documents.hl7.header import peek_header
from connector.domain.errors import Unavailable
from connector.domain.states import IncomingState
from connector.exchange.opening import Opener
from connector.intake.layout import BoxLayout, KnownFolders, establish
from connector.settings.mllp import MllpTarget
from connector.settings.model import MailboxSettings, SpoolSettings
from tests.delivery.delivery_scene import tree
from tests.exchange.exchange_scene import ALIX, LAB
from tests.opening.opened import Piece, message
from tests.receipts.notice_scene import NoticeScene, settings_of

__all__ = ["LISTENS", "PlaceScene", "Software", "answer"]

LISTENS: dict[str, Any] = {"profile": "hl7", "mllp": {"port": 1}}
HEAD = (
    'Content-Type: multipart/mixed; boundary="b"\r\nReturn-Path: <{alix}>\r\nMessage-ID: <{number}@cabinet>\r\n'
    "Disposition-Notification-To: <{alix}>"
)


def answer(message: bytes, code: str, *errors: str) -> bytes:
    """An acknowledgement of this message; errors are values of ERR-5."""
    header = peek_header(message)
    assert header is not None
    rows = [f"ERR||PID^1^3|207^Application error^messageErrorCondition|E|{error}" for error in errors]
    head = f"MSH|^~\\&|LPS|||||{header.event}|ACK^{header.event}^ACK|A1|P|2.6"
    return "\r".join([head, f"MSA|{code}|{header.control_id}", *rows, ""]).encode()


@dataclass
class Software:
    """What listens: what it got, and what it says."""

    got: list[bytes] = field(default_factory=list)
    says: Callable[[bytes], bytes] = lambda message: answer(message, "AA")
    is_away: bool = False
    is_in_memory: bool = True
    asked: int = 0

    def exchange(self, message: bytes) -> bytes:
        self.asked += 1
        if self.is_away:
            raise Unavailable("MLLP_INJOIGNABLE", "no answer over MLLP: in this test")
        self.got.append(message)
        return self.says(message)


class PlaceScene(NoticeScene):
    """The laboratory receives from Alix, into folders below ``folder``."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        self.software = Software()
        self.numbers = iter(range(1, 1000))

    def mailbox(self, **reception: Any) -> MailboxSettings:
        return settings_of({"box": "labo", "reception": {"read_receipt": "taken", **reception}}, {}).mailboxes[0]

    def target(self, **reception: Any) -> RoutedInbox:
        """As after a start of the daemon."""
        mailbox = self.mailbox(**reception)
        maker = _Maker(
            mailbox, lambda path: self.layout(mailbox, path), ids=self.ids,
            desk=self.desk(reception={"read_receipt": "taken"}), stopping=lambda: False,
        )  # fmt: skip
        maker.software, maker.monotonic = self.software, self.clock.monotonic
        made = maker.make()
        made.recover(lambda incoming_id: self.journal.incoming(incoming_id).state is not IncomingState.DELIVERED)
        return made

    def layout(self, mailbox: MailboxSettings, path: Path | None) -> BoxLayout:
        reception = mailbox.reception.model_copy(update={"path": path or mailbox.reception.path})
        moved = mailbox.model_copy(update={"reception": reception})
        return establish(
            SpoolSettings(root=self.folder / "spool"), moved, KnownFolders(self.folder / "known.json")
        )  # fmt: skip

    def arrives(self, *pieces: Piece) -> str:
        """A message of Alix is fetched; gives back its row id."""
        head = HEAD.format(alix=ALIX, number=next(self.numbers))
        before = {row.id for row in self.incoming()}
        self.operator.deliver(LAB, message(*pieces, head=head).replace(b"labo@labo.mssante.fr", str(ALIX).encode()))
        self.collect()
        (new,) = {row.id for row in self.incoming()} - before
        return new

    def opening(self, target: RoutedInbox) -> Opener:
        return Opener(LAB, self.journal, target, self.clock, "test")

    @property
    def received(self) -> Path:
        return self.folder / "spool" / "labo" / "RECUS"

    def files(self) -> list[str]:
        """Everything in the mailbox's own folder."""
        return [name for name in tree(self.received) if not name.startswith(".")]


class _Maker(TargetMaker):
    """With a software in memory behind every line."""

    software: Software
    monotonic: Callable[[], float]

    def _line(self, target: MllpTarget | None) -> LpsLine | None:
        if target is None or not self.software.is_in_memory:
            return super()._line(target)
        return LpsLine(self.software.exchange, self._refused, self._accepted, self.monotonic)
