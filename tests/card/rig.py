"""Cards for tests: SoftHSM tokens behind a module that behaves like a smart card (``cardsim.c``).

One process may start one module only once at a time, so a test makes one service at a time; the rig closes it at the
end. Tokens are made once for the run and copied for each test.
"""

import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.domain.errors import ConnectorError
from connector.identities.card.reader import Reader, ReaderView, Service
from connector.identities.card.service import CardService
from connector.identities.card.status import CardStatus
from connector.sandbox.soft_card import SIGNATURE_LABEL, CardObject, make_soft_card, softhsm_module
from connector.settings.model import CardSettings
from connector.testing.clock import FakeClock
from tests.servers.pki import Issued, Pki
from tests.virtual_card.holders import issue_personal

__all__ = [
    "CPS3", "CPS4", "DIGESTS", "HOLDER", "OTHER_HOLDER", "PIN", "RAW_RSA", "CardRig", "Deck",
    "FakeReaders", "build_cardsim", "code_of", "make_deck", "personal_objects",
]  # fmt: skip

PIN = "1234"
HOLDER, OTHER_HOLDER = "899700012345", "899700067890"
DIGESTS = "220,250"
CPS3 = f"mechanisms=1,6,40,{DIGESTS}"
CPS4 = f"mechanisms=1,6,40,d,e,43,{DIGESTS}"
RAW_RSA = f"mechanisms=3,{DIGESTS}"


def build_cardsim(folder: Path) -> Path:
    """Compile the module into a folder."""
    library = folder / "cardsim.so"
    source = Path(__file__).with_name("cardsim.c")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "p11-kit-1"], check=True, capture_output=True, text=True
    ).stdout.split()  # fmt: skip
    options = ["-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(library)]
    subprocess.run(["gcc", *options, str(source), "-ldl", *flags], check=True, capture_output=True)
    return library


@dataclass(frozen=True)
class Deck:
    """Tokens in a folder, to be copied."""

    folder: Path


def make_deck(folder: Path, *tokens: tuple[str, Sequence[CardObject]]) -> Deck:
    """Make tokens (label, objects)."""
    folder.mkdir()
    (folder / "tokens").mkdir()
    for label, objects in tokens:
        make_soft_card(folder, objects, pin=PIN, label=label)
    return Deck(folder)


def personal_objects(pki: Pki, holder: str) -> tuple[CardObject, ...]:
    """What lies on the card of a practitioner whose certificate the servers of ``pki`` take."""
    authentication = issue_personal(pki.organisations, holder, usage="digital_signature")
    signature = issue_personal(pki.organisations, holder, usage="content_commitment")
    return (
        _object(authentication),
        CardObject(signature.certificate, signature.key, SIGNATURE_LABEL, b"\x10"),
        CardObject(pki.organisations.certificate, label="AC", id=b"\x01"),
    )


def _object(issued: Issued) -> CardObject:
    return CardObject(issued.certificate, issued.key, id=b"\x20")


@dataclass
class FakeReaders:
    """PC/SC as a test wants it; by default it is not installed, so slots count as readers."""

    view: ReaderView = field(default_factory=lambda: ReaderView(Service.ABSENT))
    looks: int = 0
    closed: bool = False
    before_each: Callable[[], None] = lambda: None

    def look(self) -> ReaderView:
        self.looks += 1
        self.before_each()
        return self.view

    def close(self) -> None:
        self.closed = True

    def show(self, *readers: Reader, service: Service = Service.RUNNING, connection: int = 1) -> None:
        self.view = ReaderView(service, readers, connection)


@dataclass
class CardRig:
    """One test's cards, and the service that uses them."""

    folder: Path
    module: Path
    clock: FakeClock = field(default_factory=lambda: FakeClock(datetime.now(UTC)))
    readers: FakeReaders = field(default_factory=FakeReaders)
    services: list[CardService] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """For the process that loads the module."""
        return {
            "SOFTHSM2_CONF": str(self.folder / "softhsm2.conf"),
            "CARDSIM_FOLDER": str(self.folder),
            "CARDSIM_REAL": str(softhsm_module()),
        }

    def deal(self, deck: Deck) -> None:
        """Put the tokens of a deck in place of those that were there."""
        shutil.rmtree(self.folder / "tokens", ignore_errors=True)
        shutil.copytree(deck.folder / "tokens", self.folder / "tokens")
        text = (deck.folder / "softhsm2.conf").read_text().replace(str(deck.folder.resolve()), str(self.folder))
        (self.folder / "softhsm2.conf").write_text(text)

    def control(self, *words: str) -> None:
        """What the module does from now on, e.g. ``removed``; see ``cardsim.c``."""
        part = self.folder / "control.part"
        part.write_text(" ".join(words))
        part.rename(self.folder / "control")

    def log(self) -> list[str]:
        """What was called."""
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []

    def count(self, *entries: str) -> int:
        """How often that was called."""
        return sum(entry in entries for entry in self.log())

    def wait_for(self, entry: str) -> None:
        """Come back when that was called."""
        tick = threading.Event()
        for _ in range(4000):
            if self.count(entry):
                return
            tick.wait(0.005)
        raise AssertionError(f"{entry} never came")

    def service(self, **settings: Any) -> CardService:
        """A service that has not looked yet."""
        made = CardService(CardSettings(module=self.module, **settings), self.clock, readers=self.readers)
        self.services.append(made)
        return made

    def open(self, **settings: Any) -> CardService:
        """A service with its card open."""
        made = self.service(**settings)
        made.unlock(PIN)
        return made

    def close(self) -> None:
        """Close what was made; the promise of ``C_Initialize(NULL)`` was kept."""
        for service in self.services:
            service.close()
        broken = [entry for entry in self.log() if entry.startswith(("CONCURRENT", "OTHER THREAD"))]
        assert broken == []


def code_of(work: Callable[[], CardStatus | object]) -> str:
    """The code with which something is refused."""
    try:
        work()
    except ConnectorError as error:
        return error.code
    return ""
