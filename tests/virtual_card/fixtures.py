"""A reader, cards and pcscd for tests of everything that stands behind PKCS#11.

Import the fixtures into the ``conftest.py`` of a test folder, ask for them, and give the environment to the process
under test – pcscd's clients and OpenSC read it once, so the test's own process is no place for a PKCS#11 module::

    from tests.virtual_card.fixtures import card, holder, other_holder, pcscd

    def test_something(pcscd: Pcscd, card: PivCard) -> None:
        process = subprocess.Popen([...], env=os.environ | pcscd.environment)   # settings: module = OPENSC_MODULE
        pcscd.slots[0].insert(card)          # put in; noticed within pcscd's 0.4 s
        with card.holding_signatures() as gate:
            ...                              # start a handshake in the process
            gate.wait_reached()              # the card has computed the signature and keeps it
            pcscd.slots[0].pull()            # pulled out exactly there
        assert (card.signatures_asked, card.signatures, card.pins_tried) == (1, 0, 1)

What can be done beside that:

* another practitioner's card: ``pcscd.slots[0].insert(other_holder.card())``; another reader: ``pcscd.slots[1]``;
* a card near its end: ``holder.card(tries_left=1)`` (last try), ``holder.card(tries_left=0)`` (blocked);
* a card that nobody knows: ``pcscd.slots[0].insert(UnknownCard())``;
* a slow card: ``card.slow_seconds = 1.0``;
* ``pcscd.stop()`` (no card service), ``pcscd.restart()``, ``pcscd.restart(reader=None)`` (no reader),
  ``pcscd.restart("Autre lecteur")`` (reader replaced). Cards stay in their slots through all of them.

For what needs no daemon, ``room`` is a process with a card room and mail sessions, asked through
:class:`tests.virtual_card.remote.CardProcess`; ``start_room(sign_seconds=2.0)`` starts one with other settings.

The PIN is ``DEFAULT_PIN``; three wrong ones block the card. Certificates come from ``pki.organisations``, so the
servers of ``tests/servers`` take them. Debian packages: opensc, pcscd, vsmartcard-vpcd.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.settings.model import CardSettings
from tests.servers.pki import Pki
from tests.virtual_card.holders import Holder
from tests.virtual_card.pcscd import Pcscd
from tests.virtual_card.piv import PivCard
from tests.virtual_card.remote import CardProcess

__all__ = ["OPENSC_MODULE", "StartRoom", "card", "holder", "other_holder", "pcscd", "room", "start_room"]

OPENSC_MODULE = next(Path("/usr/lib").glob("*-linux-gnu*/opensc-pkcs11.so"), Path("/usr/lib/opensc-pkcs11.so"))
POLL_SECONDS = 0.2

StartRoom = Callable[..., CardProcess]
"""Starts a process with a card room; takes values of ``card`` of the settings."""


@pytest.fixture
def pcscd() -> Iterator[Pcscd]:
    """A card service with one reader of two empty slots; removed afterwards, whatever the test did with it."""
    service = Pcscd()
    try:
        service.start()
        yield service
    finally:
        service.remove()


@pytest.fixture(scope="session")
def holder(pki: Pki) -> Holder:
    """A practitioner."""
    return Holder.issue(pki.organisations, "899700012345")


@pytest.fixture(scope="session")
def other_holder(pki: Pki) -> Holder:
    """Another practitioner."""
    return Holder.issue(pki.organisations, "899700067890")


@pytest.fixture
def card(holder: Holder) -> PivCard:
    """A new card of the practitioner, not in a reader yet."""
    return holder.card()


@pytest.fixture
def start_room(pcscd: Pcscd, tmp_path: Path) -> Iterator[StartRoom]:
    """Starts processes that watch the reader through OpenSC; each must end in order when the test was good."""
    rooms: list[CardProcess] = []

    def start(**card: object) -> CardProcess:
        settings = CardSettings.model_validate({"module": OPENSC_MODULE, "poll_seconds": POLL_SECONDS} | card)
        rooms.append(room := CardProcess(pcscd.environment, settings, tmp_path / "room.log"))
        room.call("watch")
        return room

    try:
        yield start
        for room in rooms:
            room.stop()
    finally:
        for room in rooms:
            room.abandon()


@pytest.fixture
def room(start_room: StartRoom) -> CardProcess:
    """A process that watches the reader."""
    return start_room()
