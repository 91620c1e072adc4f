"""One mailbox with its folders, a real journal and a clock that only moves when told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone
from pathlib import Path
from typing import Any

from connector.domain.address import MailboxAddress
from connector.domain.ports import Clock, IdSource
from connector.domain.states import OutgoingEvent
from connector.intake.desk import DeskMaker
from connector.intake.inputs.n1 import Desk
from connector.intake.layout import BoxLayout, KnownFolders, establish
from connector.intake.ledger import DeskLedger
from connector.intake.outbox import Outbox
from connector.intake.results import StatusReporter
from connector.journal.journal import Journal
from connector.journal.records import FrozenMessage, OutgoingMessage, RecipientChange, SubmissionView
from connector.journal.vault import Vault
from connector.sandbox.samples import sample
from connector.settings.model import MailboxSettings, Settings, SpoolSettings
from connector.testing.clock import CountingIds, FakeClock

CDA = sample("cr-biologie-v1.xml")
N1 = sample("cr-consultation-n1.xml")
PARIS = timezone(timedelta(hours=1))
MODELE = MailboxAddress.parse("dr.modele@test.mssante.example")
OWNER = "test"


def mailbox_settings(**outbox: Any) -> MailboxSettings:
    return MailboxSettings.model_validate({
        "address": "alix.exemple@test.mssante.example", "given": "Alix", "family": "EXEMPLE", "operator": "sandbox",
        "identity": {"auth": "plain", "password": {"env": "NONE"}},
        "outbox": {"default_recipients": [str(MODELE)], **outbox},
    })  # fmt: skip


def desk_for(mailbox: MailboxSettings, journal: DeskLedger, clock: Clock, ids: IdSource) -> Callable[[], Desk]:
    """The desk of a mailbox, with the settings of the sandbox."""
    maker = DeskMaker(Settings(), journal=journal, clock=clock, ids=ids)
    return lambda: maker.desk(mailbox)


def loose_desk(mailbox: MailboxSettings) -> Desk:
    """A desk of nobody who sent anything before."""
    return desk_for(mailbox, NoHistory(), FakeClock(), CountingIds(1))()


class NoHistory:
    """Nothing was sent before."""

    def submission_by_reference(self, mailbox: MailboxAddress, reference: str) -> None:
        return None

    def payload(self, payload_id: str) -> bytes:
        raise AssertionError(payload_id)


@dataclass
class Bench:
    """Everything a folder test needs."""

    root: Path
    mailbox: MailboxSettings
    layout: BoxLayout
    journal: Journal
    clock: FakeClock
    ids: CountingIds
    outbox: Outbox
    reporter: StatusReporter

    @classmethod
    def make(cls, tmp_path: Path, *, first_id: int = 1, **outbox: Any) -> "Bench":
        mailbox = mailbox_settings(**outbox)
        root = tmp_path / "spool"
        layout = establish(SpoolSettings(root=root), mailbox, KnownFolders(tmp_path / "known.json"))
        clock, ids = FakeClock(), CountingIds(first_id)
        url = f"sqlite:///{tmp_path / 'journal.sqlite'}"
        journal = Journal.open(url, vault=Vault(b"k" * 32), clock=clock, ids=CountingIds(10_000 * first_id))
        box = Outbox(
            mailbox, layout, journal=journal, clock=clock, ids=ids, desk=desk_for(mailbox, journal, clock, ids),
            zone=PARIS,
        )  # fmt: skip
        reporter = StatusReporter(mailbox, layout, journal=journal, claims=box.claims, zone=PARIS)
        return cls(root, mailbox, layout, journal, clock, ids, box, reporter)

    def again(self) -> "Bench":
        """A new process over the same folders and journal."""
        box = Outbox(
            self.mailbox, self.layout, journal=self.journal, clock=self.clock, ids=self.ids,
            desk=desk_for(self.mailbox, self.journal, self.clock, self.ids), zone=PARIS,
        )  # fmt: skip
        reporter = StatusReporter(self.mailbox, self.layout, journal=self.journal, claims=box.claims, zone=PARIS)
        return Bench(self.root, self.mailbox, self.layout, self.journal, self.clock, self.ids, box, reporter)

    def drop(self, name: str, content: bytes = CDA) -> Path:
        path = self.layout.outbox / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return path

    def scan(self, *, after: float = 0.0) -> int:
        self.clock.advance(after)
        return self.outbox.run_once()

    def settle(self) -> int:
        """See what is there, wait, look again."""
        return self.scan() + self.scan(after=2.0)

    def submissions(self) -> list[SubmissionView]:
        return self.journal.submissions()

    def only(self) -> SubmissionView:
        (view,) = self.submissions()
        return view

    def names(self, folder: str) -> list[str]:
        path = self.layout.box / folder
        return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()) if path.is_dir() else []

    def text(self, folder: str, name: str) -> str:
        return (self.layout.box / folder / name).read_bytes().decode("cp1252")

    def work(self) -> list[str]:
        """What is in the work folder, records apart."""
        return [name for name in self.names(".travail") if not name.startswith("suivi")]

    def freeze(self) -> OutgoingMessage:
        (message,) = self.journal.claim_received(owner=OWNER)
        frozen = FrozenMessage(
            header_message_id=f"<{message.id}@test>",
            recipients=tuple(r.address for r in message.recipients),
            content=b"mime",
        )
        self.journal.freeze(message.id, [frozen])
        return message

    def send(self, *, changes: tuple[RecipientChange, ...] = ()) -> OutgoingMessage:
        """Let what was received leave."""
        self.freeze()
        (message,) = self.journal.claim_due(self.mailbox.address, owner=OWNER, limit=5)
        self.journal.data_begun(message.id)
        self.journal.record(message.id, OutgoingEvent.ACCEPT, answer="250 2.0.0 queued as 42", recipients=changes)
        return message


def listing(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


__all__ = ["CDA", "MODELE", "N1", "OWNER", "PARIS", "UTC", "Bench", "listing", "mailbox_settings"]
