"""The laboratory's example folder really runs: everything in it is taken, prepared, and nobody waits for anything."""

import tomllib
from pathlib import Path

from connector.domain.states import OutgoingState
from connector.exchange.plan import MailboxRules
from connector.exchange.prepare import Preparer
from connector.intake.layout import KnownFolders, establish
from connector.intake.outbox import Outbox
from connector.intake.results import StatusReporter
from connector.journal.journal import Journal
from connector.journal.vault import Vault
from connector.settings.model import MailboxSettings, MessageSettings, SoftwareSettings, SpoolSettings
from connector.testing.clock import CountingIds, FakeClock
from connector.xdm.pack import SenderInfo
from tests.intake.bench import PARIS, Bench, desk_for
from tests.intake.laboratory import EXAMPLE, drops


def laboratory(folder: Path) -> tuple[Bench, Preparer]:
    """The mailbox of the example with its folders, and what prepares its messages."""
    mailbox = MailboxSettings.model_validate(
        tomllib.loads((EXAMPLE / "boite.toml").read_text("utf-8"))["mailboxes"][0]
    )
    root = folder / "spool"
    layout = establish(SpoolSettings(root=root), mailbox, KnownFolders(folder / "known.json"))
    clock, ids = FakeClock(), CountingIds()
    journal = Journal.open(
        f"sqlite:///{folder / 'journal.sqlite'}", vault=Vault(b"k" * 32), clock=clock, ids=CountingIds(9_000)
    )
    box = Outbox(
        mailbox,
        layout,
        journal=journal,
        clock=clock,
        ids=ids,
        desk=desk_for(mailbox, journal, clock, ids),
        zone=PARIS,
    )
    reporter = StatusReporter(mailbox, layout, journal=journal, claims=box.claims, zone=PARIS)
    rules = MailboxRules(
        mailbox=mailbox, message=MessageSettings(), clock=clock, ids=ids, max_message_bytes=10_000_000,
        software=SoftwareSettings(product_reference="DEV0417", environment="test"),
        sender=SenderInfo(software="Essai", version="1", editor="Essai", organization=mailbox.entity),
        earlier_message=lambda document: journal.earlier_message_for_document(document, mailbox.address),
    )  # fmt: skip
    return Bench(root, mailbox, layout, journal, clock, ids, box, reporter), Preparer(
        journal, lambda _: rules, "test"
    )


def test_the_files_are_those_that_the_tests_know() -> None:
    shown = {path.name: path.read_bytes() for path in (EXAMPLE / "A_ENVOYER").iterdir()}
    assert shown.keys() == drops().keys()
    for name, content in drops().items():
        if not name.endswith((".pdf", ".hl7")):  # these hold a PDF, whose bytes belong to the version that made it
            assert shown[name] == content


def test_everything_is_taken_and_prepared(tmp_path: Path) -> None:
    bench, preparer = laboratory(tmp_path)
    for path in sorted((EXAMPLE / "A_ENVOYER").iterdir(), key=lambda path: not path.name.endswith(".mss.csv")):
        bench.drop(path.name, path.read_bytes())
    for _ in range(4):
        bench.settle()
    while preparer.run_once():
        pass
    found = {view.source_name: [message.state for message in view.messages] for view in bench.submissions()}
    assert bench.names("ERREURS") == []
    assert found == {name: [OutgoingState.PREPARED] for name in ("REQ0417", "LOT-A", "LOT-B", "MSG0001")}
    assert bench.names("A_ENVOYER") == []
    bench.journal.close()
