"""Mail sessions that stand and fall with a card, at a real Postfix and a real Dovecot that demand its certificate."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.states import WaitingFor
from connector.identities.card.status import Presence
from connector.operators.base import Acceptance, OutgoingEnvelope
from tests.servers.mail import envelope_for
from tests.servers.operator import MailOperator
from tests.servers.pki import Pki
from tests.virtual_card.fixtures import StartRoom
from tests.virtual_card.holders import Holder
from tests.virtual_card.holding_proxy import HoldingProxy
from tests.virtual_card.pcscd import Pcscd
from tests.virtual_card.piv import DEFAULT_PIN, PivCard
from tests.virtual_card.remote import CardProcess, RemoteError
from tests.virtual_card.waiting import wait_until

pytestmark = pytest.mark.servers

MEGABYTE = 1_000_000
ANSWER_SECONDS = 60.0
ABSENT = ("CARTE_ABSENTE", WaitingFor.CARD)
PIN_MISSING = ("PIN", WaitingFor.PIN)
NOT_MINE = ("CARTE_AUTRE_PORTEUR", WaitingFor.CARD)


@dataclass
class Scene:
    """A mailbox whose holder has a card, a process that opens it, a correspondent."""

    pcscd: Pcscd
    card: PivCard  # the servers take the user's name from its certificate
    mailbox: MailboxAddress
    operator: MailOperator
    recipient: MailboxAddress
    room: CardProcess

    def open(self, *, smtp_port: int = 0) -> None:
        """Make the mail sessions, put the card in, give the PIN."""
        described = self.operator.settings_for()
        described["smtp"]["port"] = smtp_port or self.operator.smtp_port
        self.room.call("open_mailbox", address=str(self.mailbox), operator=described)
        self.put_in(self.card)
        self.unlock()

    def put_in(self, card: PivCard) -> None:
        self.pcscd.slots[0].insert(card)

    def pull(self) -> None:
        """Pull the card out, and come back when the card room has seen it."""
        self.pcscd.slots[0].pull()
        self.room.wait_for(Presence.NO_CARD)

    def unlock(self) -> None:
        asking = (Presence.LOCKED, Presence.PIN_NEEDED)
        wait_until(lambda: self.room.status().presence in asking, "the card asks for its PIN")
        assert self.room.call("unlock", pin=DEFAULT_PIN).presence is Presence.OPEN

    def envelope(self, body: bytes = b"Bonjour\r\n") -> OutgoingEnvelope:
        return envelope_for(self.mailbox, self.recipient, body=body)

    def submit(self, envelope: OutgoingEnvelope) -> None:
        acceptance = self.room.call("submit", envelope=envelope)
        assert isinstance(acceptance, Acceptance)
        assert acceptance.code == 250

    def refusal(self, command: str, **arguments: Any) -> tuple[str, WaitingFor | None]:
        """Code and what a person must do."""
        error = self.room.refusal(command, **arguments)
        return error.code, error.waiting_for

    def arrived(self, count: int) -> list[bytes]:
        """What reached the correspondent; exactly so many."""
        messages = self.operator.wait_for_messages(self.recipient, count)
        assert len(messages) == count
        return messages

    def counted(self) -> tuple[int, int, int]:
        """PINs that the card was given, signatures that it was asked for, signatures that it gave."""
        return self.card.pins_tried, self.card.signatures_asked, self.card.signatures


MakeScene = Callable[..., Scene]


@pytest.fixture
def make_scene(
    pcscd: Pcscd, start_room: StartRoom, pki: Pki, mailbox: MailboxAddress, operator: MailOperator
) -> MakeScene:
    """Takes values of ``card`` of the settings."""

    def make(**settings: object) -> Scene:
        card = Holder.issue(pki.organisations, str(mailbox)).card()
        recipient = operator.new_mailbox("dr.correspondant")
        return Scene(pcscd, card, mailbox, operator, recipient, start_room(**settings))

    return make


@pytest.fixture
def scene(make_scene: MakeScene) -> Scene:
    """Everything is open."""
    scene = make_scene()
    scene.open()
    return scene


def _why(answer: "Future[Any]") -> tuple[str, WaitingFor | None]:
    error = answer.exception(ANSWER_SECONDS)
    assert isinstance(error, RemoteError)
    return error.code, error.waiting_for


# --- in and out during a session ---------------------------------------------------------------------------------


def test_one_signature_per_connection(scene: Scene) -> None:
    for _ in range(2):
        scene.submit(scene.envelope())
    scene.arrived(2)
    scene.operator.wait_for_messages(scene.mailbox, 2)  # the delivery receipts
    assert [len(scene.room.call("list_new")) for _ in range(2)] == [2, 2]
    assert scene.counted() == (1, 2, 2)


def test_pulled_out_and_put_back_during_a_session(scene: Scene) -> None:
    first, second = scene.envelope(), scene.envelope()
    scene.submit(first)
    scene.pull()
    assert scene.room.call("drop_stale") == 0
    assert scene.refusal("submit", envelope=second) == ABSENT
    assert scene.room.call("needs_person") is WaitingFor.CARD

    scene.put_in(scene.card)
    wait_until(lambda: scene.room.call("needs_person") is WaitingFor.PIN, "the PIN is wanted")
    assert scene.refusal("submit", envelope=second) == PIN_MISSING
    assert scene.room.status().presence is Presence.PIN_NEEDED
    assert scene.counted() == (1, 1, 1)

    scene.unlock()
    scene.submit(second)
    scene.arrived(2)
    assert scene.counted() == (2, 2, 2)


def test_sessions_may_outlive_the_card_when_the_settings_say_so(make_scene: MakeScene) -> None:
    scene = make_scene(keep_sessions_on_removal=True)
    scene.open()
    scene.submit(scene.envelope())
    scene.pull()
    assert scene.room.call("drop_stale") == 1
    scene.submit(scene.envelope())
    assert scene.refusal("list_new") == ABSENT
    scene.arrived(2)
    assert scene.counted() == (1, 1, 1)


def test_idle_ends_with_the_card(scene: Scene) -> None:
    assert list(scene.room.call("list_new")) == []
    waiting = scene.room.begin("wait_for_mail", seconds=600.0)
    scene.pull()
    assert waiting.result(ANSWER_SECONDS) is False
    assert scene.room.call("drop_stale_reading") is False
    assert scene.refusal("list_new") == ABSENT
    scene.put_in(scene.card)
    scene.unlock()
    assert list(scene.room.call("list_new")) == []
    assert scene.counted() == (2, 2, 2)


def test_another_practitioners_card_inherits_nothing(scene: Scene, other_holder: Holder) -> None:
    first, second, other = scene.envelope(), scene.envelope(), other_holder.card()
    scene.submit(first)
    scene.pull()
    scene.put_in(other)
    scene.unlock()
    assert scene.room.call("drop_stale") == 0
    assert scene.refusal("submit", envelope=second) == NOT_MINE
    assert scene.refusal("list_new") == NOT_MINE
    assert (other.signatures_asked, scene.card.signatures_asked) == (0, 1)

    scene.pull()
    scene.put_in(scene.card)
    scene.unlock()
    scene.submit(second)
    scene.arrived(2)


def test_the_card_service_is_restarted_during_a_session(scene: Scene) -> None:
    scene.submit(scene.envelope())
    scene.pcscd.restart()
    scene.unlock()
    assert scene.room.call("drop_stale") == 0
    scene.submit(scene.envelope())
    scene.arrived(2)
    assert scene.counted() == (2, 2, 2)


# --- in the middle of a handshake --------------------------------------------------------------------------------


def test_pulled_out_while_it_signs_a_handshake(scene: Scene) -> None:
    envelope = scene.envelope()
    with scene.card.holding_signatures() as gate:
        submitting = scene.room.begin("submit", envelope=envelope)
        gate.wait_reached()
        assert scene.room.status().presence is Presence.OPEN  # others are answered while the card is busy
        assert not submitting.done()
        scene.pcscd.slots[0].pull()
        assert _why(submitting) == ABSENT
    assert scene.refusal("submit", envelope=envelope) == ABSENT
    assert scene.counted() == (1, 1, 0)

    scene.put_in(scene.card)
    scene.unlock()
    scene.submit(envelope)
    scene.arrived(1)
    assert scene.counted() == (2, 2, 1)


def test_pulled_out_while_it_signs_for_imap(scene: Scene) -> None:
    with scene.card.holding_signatures() as gate:
        listing = scene.room.begin("list_new")
        gate.wait_reached()
        scene.pcscd.slots[0].pull()
        assert _why(listing) == ABSENT
    assert scene.counted() == (1, 1, 0)
    scene.put_in(scene.card)
    scene.unlock()
    assert list(scene.room.call("list_new")) == []


def test_pulled_out_and_put_back_while_it_signs(scene: Scene) -> None:
    """Whatever is seen first, a person is asked, and the signature is not asked for again."""
    with scene.card.holding_signatures() as gate:
        submitting = scene.room.begin("submit", envelope=scene.envelope())
        gate.wait_reached()
        scene.pcscd.slots[0].pull()
        scene.put_in(scene.card)
        assert _why(submitting) in (ABSENT, PIN_MISSING)
    assert scene.counted() == (1, 1, 0)
    scene.unlock()
    scene.submit(scene.envelope())
    scene.arrived(1)


def test_the_card_service_dies_while_the_card_signs(scene: Scene) -> None:
    envelope = scene.envelope()
    with scene.card.holding_signatures() as gate:
        submitting = scene.room.begin("submit", envelope=envelope)
        gate.wait_reached()
        scene.pcscd.stop()
        assert _why(submitting)[1] is WaitingFor.CARD
    scene.room.wait_for(Presence.NO_READER)
    scene.pcscd.start()
    scene.unlock()
    scene.submit(envelope)
    scene.arrived(1)
    assert scene.counted() == (2, 2, 1)


def test_a_card_that_does_not_come_back_in_time(make_scene: MakeScene) -> None:
    scene = make_scene(sign_seconds=2.0)
    scene.open()
    envelope = scene.envelope()
    with scene.card.holding_signatures() as gate:
        assert scene.refusal("submit", envelope=envelope)[0] == "CARTE_DEFAILLANTE"
        assert scene.room.status().presence is Presence.FAILED
        assert scene.refusal("submit", envelope=envelope)[0] == "CARTE_DEFAILLANTE"
        assert scene.card.signatures_asked == 1
        gate.opened.set()
        scene.unlock()
    scene.submit(envelope)
    scene.arrived(1)
    assert scene.card.signatures_asked == 2


def test_many_at_once_are_signed_one_after_the_other(scene: Scene) -> None:
    scene.card.slow_seconds = 0.2
    answers = [scene.room.begin("submit", envelope=scene.envelope()) for _ in range(6)]
    reading = scene.room.begin("list_new")
    assert {answer.result(ANSWER_SECONDS).code for answer in answers} == {250}
    assert list(reading.result(ANSWER_SECONDS)) == []
    scene.arrived(6)
    pins, asked, signed = scene.counted()
    assert pins == 1
    assert asked == signed == scene.room.status().signatures


# --- in the middle of DATA ---------------------------------------------------------------------------------------


def test_pulled_out_in_the_middle_of_data(make_scene: MakeScene) -> None:
    """What the operator is being given is given to its end, once; the next message needs the card again."""
    scene = make_scene()
    with HoldingProxy(scene.operator.smtp_port, hold_after=MEGABYTE) as proxy:
        scene.open(smtp_port=proxy.port)
        submitting = scene.room.begin("submit", envelope=scene.envelope(b"Bonjour\r\n" * (MEGABYTE // 3)))
        proxy.wait_held()
        scene.pull()
        assert not submitting.done()
        proxy.release()
        assert submitting.result(ANSWER_SECONDS).code == 250
        assert scene.room.call("drop_stale") == 0
        assert scene.refusal("submit", envelope=scene.envelope()) == ABSENT
        assert proxy.connections == 1
    (message,) = scene.arrived(1)
    assert message.count(b"Bonjour") == MEGABYTE // 3
    assert scene.counted() == (1, 1, 1)


def test_the_line_breaks_too_in_the_middle_of_data(make_scene: MakeScene) -> None:
    """Nobody can know what became of it, so it is not sent again by itself, card or not."""
    scene = make_scene()
    with HoldingProxy(scene.operator.smtp_port, hold_after=MEGABYTE) as proxy:
        scene.open(smtp_port=proxy.port)
        submitting = scene.room.begin("submit", envelope=scene.envelope(b"Bonjour\r\n" * (MEGABYTE // 3)))
        proxy.wait_held()
        scene.pull()
        proxy.cut()
        error = submitting.exception(ANSWER_SECONDS)
        assert isinstance(error, RemoteError)
        assert error.kind == "OutcomeUnknown"
        proxy.release()
        scene.put_in(scene.card)
        scene.unlock()
        assert proxy.connections == 1
        scene.submit(scene.envelope())
    scene.arrived(1)
    assert scene.counted() == (2, 2, 2)
