"""The whole connector with a card in a reader: pulled out and put back, the card service restarted, another's card.

The reader is virtual, everything behind it is real: pcscd, OpenSC, the daemon, the embedded operator.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.client import Connection, ServiceError, read_endpoint
from connector.daemon.endpoint import data_paths
from connector.demo import Stage, stage
from connector.demo.card import DemoCard
from connector.demo.stage import COLLEAGUE, PRACTITIONER
from connector.sandbox.certificates import CardHolders
from tests.daemon.daemon_scene import drop, until
from tests.servers.pki import Pki
from tests.virtual_card.fixtures import OPENSC_MODULE, card, holder, other_holder, pcscd
from tests.virtual_card.holders import Holder
from tests.virtual_card.pcscd import Pcscd
from tests.virtual_card.piv import DEFAULT_PIN, PivCard

__all__ = ["card", "holder", "other_holder", "pcscd"]


@pytest.fixture
def scene(tmp_path: Path, pki: Pki, pcscd: Pcscd, card: PivCard) -> Iterator[Stage]:
    holders = CardHolders({"899700012345": PRACTITIONER}, (pki.root.certificate, pki.organisations.certificate))
    with stage(tmp_path, card=DemoCard(OPENSC_MODULE, pcscd.environment, holders, DEFAULT_PIN)) as running:
        yield running


@pytest.fixture
def connector(scene: Stage) -> Iterator[Connection]:
    with Connection(read_endpoint(data_paths(scene.settings).endpoint)) as found:
        yield found


def hindrance(connector: Connection) -> str:
    return next(box.code for box in connector.mailboxes() if box.box == "alix-exemple")


def type_pin(connector: Connection) -> None:
    """As soon as the card is there; without one nothing is tried."""

    def is_open() -> bool:
        try:
            return connector.unlock_card(DEFAULT_PIN).presence == "open"
        except ServiceError as error:
            if error.code != "CARTE_ABSENTE":
                raise
            return False

    until(is_open, "the card to be open")


def arrived(scene: Stage, number: int) -> bool:
    return len(scene.operator.messages(COLLEAGUE)) == number


def test_a_day_with_a_card(
    scene: Stage, connector: Connection, pcscd: Pcscd, card: PivCard, other_holder: Holder
) -> None:
    reader = pcscd.slots[0]
    until(lambda: hindrance(connector) == "CARTE_ABSENTE", "the mailbox to ask for the card")
    reader.insert(card)
    until(lambda: hindrance(connector) == "PIN", "the mailbox to ask for the PIN")
    type_pin(connector)
    until(lambda: hindrance(connector) == "", "the mailbox to be open")
    drop(scene, "MATIN", "cr-biologie-v1.xml", box="alix-exemple", recipient=COLLEAGUE)
    until(lambda: arrived(scene, 1), "the letter of the morning")

    reader.pull()
    until(lambda: hindrance(connector) == "CARTE_ABSENTE", "the mailbox to miss its card")
    signatures = card.signatures
    drop(scene, "MIDI", "cr-biologie-v2.xml", box="alix-exemple", recipient=COLLEAGUE)
    status = scene.settings.spool.root / "alix-exemple" / "STATUTS" / "MIDI.statut.json"
    until(lambda: status.exists() and "CARTE_ABSENTE" in status.read_text("utf-8"), "the letter to wait")
    stranger = other_holder.card()
    reader.insert(stranger)
    until(lambda: hindrance(connector) == "CARTE_AUTRE_PORTEUR", "the stranger to be recognised")
    reader.pull()
    assert (arrived(scene, 1), stranger.pins_tried, card.signatures) == (True, 0, signatures)

    reader.insert(card)
    until(lambda: hindrance(connector) == "PIN", "the mailbox to ask for the PIN again")
    type_pin(connector)
    until(lambda: arrived(scene, 2), "the letter of noon, by itself")

    pcscd.restart()
    until(lambda: hindrance(connector) != "", "the connector to notice that its session is lost")
    type_pin(connector)
    drop(scene, "SOIR", "cr-autopresentable.xml", box="alix-exemple", recipient=COLLEAGUE)
    until(lambda: arrived(scene, 3), "the letter of the evening")
    assert card.pins_tried == 3  # one for each time that a person typed it
