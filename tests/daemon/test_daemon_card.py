"""A mailbox that opens with a card, in the daemon as a person runs it; SoftHSM stands in for a CPS."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.client import Connection, read_endpoint
from connector.daemon.endpoint import data_paths
from connector.demo import Stage, round_trip, stage
from connector.demo.card import DEMO_PIN
from connector.demo.stage import COLLEAGUE
from tests.daemon.daemon_scene import drop, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops the process with POSIX signals")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, with_card=True) as running:
        yield running


@pytest.fixture
def connector(scene: Stage) -> Iterator[Connection]:
    with Connection(read_endpoint(data_paths(scene.settings).endpoint)) as found:
        yield found


def hindrance(connector: Connection, box: str) -> str:
    return next(one.code for one in connector.mailboxes() if one.box == box)


def test_what_waits_for_the_pin_leaves_and_arrives_by_itself_once_it_is_typed(
    scene: Stage, connector: Connection
) -> None:
    drop(scene, "LETTRE", box="alix-exemple", recipient=COLLEAGUE)
    drop(scene, "RESULTAT")
    path = scene.settings.spool.root / "alix-exemple" / "STATUTS" / "LETTRE.statut.json"
    until(lambda: path.exists() and "PIN" in path.read_text("utf-8"), "the letter to wait for the PIN")
    assert hindrance(connector, "alix-exemple") == "PIN"
    assert hindrance(connector, "labo-exemple") == ""
    assert scene.operator.messages(COLLEAGUE) == []

    connector.unlock_card(DEMO_PIN)
    until(lambda: list(scene.inbox.glob("*.mss.json")), "the delivery")
    until(lambda: scene.operator.messages(COLLEAGUE), "the letter at the operator")
    until(lambda: hindrance(connector, "alix-exemple") == "", "the mailbox to be well again")
    assert connector.card().signatures >= 2  # one to send, one to receive


def test_after_locking_nothing_more_is_done_with_the_card(scene: Stage, connector: Connection) -> None:
    assert round_trip(scene, lambda *_: None)
    practitioner = str(scene.settings.mailboxes[1].address)

    connector.lock_card()
    until(lambda: hindrance(connector, "alix-exemple") == "PIN", "the mailbox to ask for the PIN again")
    signatures = connector.card().signatures
    drop(scene, "RESULTAT2", "cr-biologie-v2.xml")
    until(lambda: len(scene.operator.messages(practitioner)) == 2, "the second result at the operator")
    assert len(list(scene.inbox.glob("*.mss.json"))) == 1
    assert connector.card().signatures == signatures

    connector.unlock_card(DEMO_PIN)
    until(lambda: len(list(scene.inbox.glob("*.mss.json"))) == 2, "the second delivery")
