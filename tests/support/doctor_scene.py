"""A practice whose connector is looked at: real settings, real files, and seams only at the outermost edge."""

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.domain.catalogue import CATALOGUE
from connector.domain.states import OutgoingEvent, WaitingFor
from connector.domain.text import Text
from connector.identities import IdentityServices
from connector.identities.card.reader import ReaderView, Service
from connector.journal.journal import Journal
from connector.journal.vault import Vault
from connector.operators.trust import Trust
from connector.platform.keystore import journal_key, resolve_secret
from connector.platform.system import SystemIds
from connector.settings.load import load_settings
from connector.settings.model import Settings
from connector.support.doctor import CHECKS, CardAnswer, Finding, Severity, World, examine
from connector.support.doctor.beside import world_beside
from connector.testing.clock import FakeClock
from tests.journal.journal_builders import BOX, Scene

__all__ = ["BOX", "NOBODY", "Practice", "looked", "told"]

NOBODY = CardAnswer(None, Text("personne", "nobody"))
ALWAYS = ("CONTROLE_INTERROMPU", "CONTROLE_TROP_LONG")


def looked(world: World, name: str) -> list[Finding]:
    """What one check finds. Each finding has a code that the check says it can give, with a cure."""
    (check,) = [check for check in CHECKS if check.name == name]
    assert check.missing(world) is None
    (examined,) = examine([check], world)
    by_severity = {
        Severity.OK: check.gives.ok, Severity.WARNING: check.gives.warning, Severity.ERROR: check.gives.error,
    }  # fmt: skip
    for finding in examined.findings:
        assert finding.code in CATALOGUE, finding
        assert finding.code in (*by_severity[finding.severity], *check.gives.passes, *ALWAYS), finding
    return list(examined.findings)


def told(findings: list[Finding]) -> list[str]:
    """Their codes."""
    return [finding.code for finding in findings]


@dataclass
class Practice:
    """Settings with one mailbox that a certificate speaks for, and everything that they name."""

    folder: Path
    values: dict[str, Any] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=lambda: FakeClock(datetime.now(UTC)))
    health: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        server = {"host": "127.0.0.1", "port": 9}
        self.values = {
            "software": {"product_reference": "DEV935997", "data_dir": "data"},
            "spool": {"root": "spool"},
            "journal": {"key_store": "file"},
            "operators": {"op": {"smtp": dict(server), "imap": dict(server), "tls": {}}},
            "mailboxes": [{"address": str(BOX), "operator": "op", "given": "Alix", "family": "EXEMPLE",
                           "identity": {"certificate": "alix.pem"}}],
        } | self.values  # fmt: skip

    @property
    def mailbox(self) -> dict[str, Any]:
        """The table of the only mailbox, to be changed by a test."""
        mailbox: dict[str, Any] = self.values["mailboxes"][0]
        return mailbox

    @property
    def operator(self) -> dict[str, Any]:
        """The table of the only operator, likewise."""
        operator: dict[str, Any] = self.values["operators"]["op"]
        return operator

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def settings(self) -> Settings:
        return load_settings(self.values, base=self.folder)

    def world(self, **changes: Any) -> World:
        """What the checks look at, as a command sees it; ``changes`` go over its attributes."""
        world = world_beside(
            self.folder / "connector.toml", self.settings, [], ask_health=lambda: self.health, ask_card=lambda: NOBODY
        )
        values = {
            "clock": self.clock, "services": IdentityServices(read_secret=resolve_secret, clock=self.clock),
            "trust": Trust(self.data / "trust", self.clock), "ask_readers": lambda: ReaderView(Service.ABSENT),
        }  # fmt: skip
        return World(**{name: getattr(world, name) for name in World.__slots__} | values | changes)

    def looked(self, name: str, **changes: Any) -> list[Finding]:
        """What one check finds in this practice."""
        return looked(self.world(**changes), name)

    def told(self, name: str, **changes: Any) -> list[str]:
        """The codes that one check gives in this practice."""
        return told(self.looked(name, **changes))

    @contextlib.contextmanager
    def journal(self) -> Iterator[Scene]:
        """The journal of these settings, made if need be."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        url = f"sqlite:///{self.data / 'journal.sqlite'}"
        key = journal_key("file", self.data / "journal.key", journal_exists=(self.data / "journal.key").exists())
        journal = Journal.open(url, vault=Vault(key), clock=self.clock, ids=SystemIds(), actor="test")
        try:
            yield Scene(journal, self.clock, self.folder)
        finally:
            journal.close()

    def refused(self) -> None:
        """The operator has refused this mailbox, and a message waits for a person."""
        with self.journal() as scene:
            message = scene.prepared()
            scene.journal.record(
                message, OutgoingEvent.HOLD, waiting_for=WaitingFor.CREDENTIALS, code="AUTHENTIFICATION"
            )


def no_journal() -> AbstractContextManager[None]:
    """A journal that is not there yet."""
    return contextlib.nullcontext()
