"""What becomes of delivered messages on a real Dovecot, with MOVE and without, wherever the process dies."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.states import IncomingState as I
from connector.operators.smtp_imap import ImapReceiver
from connector.settings.reception import AfterDelivery
from tests.exchange.exchange_scene import LAB, Scene, killed_at
from tests.servers.mail import message
from tests.servers.operator import MailOperator
from tests.servers.pki import Pki

pytestmark = pytest.mark.servers

WITHOUT_MOVE = "imap_capability = IMAP4rev1 SASL-IR LITERAL+ IDLE UIDPLUS UNSELECT NAMESPACE\n"
WITHOUT_BOTH = "imap_capability = IMAP4rev1 SASL-IR LITERAL+ IDLE UNSELECT NAMESPACE\n"


def _operator(pki: Pki, capabilities: str) -> Iterator[MailOperator]:
    made = MailOperator(pki)
    made.dovecot.extra = capabilities
    try:
        made.dovecot.start()
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def without_move(pki: Pki) -> Iterator[MailOperator]:
    """A Dovecot as before RFC 6851."""
    yield from _operator(pki, WITHOUT_MOVE)


@pytest.fixture(scope="module")
def without_both(pki: Pki) -> Iterator[MailOperator]:
    """A Dovecot as before RFC 4315."""
    yield from _operator(pki, WITHOUT_BOTH)


@dataclass
class Box:
    """A mailbox of a real server and what is told of it in the journal of a scene."""

    operator: MailOperator
    address: MailboxAddress
    scene: Scene
    reception: dict[str, Any]

    def receiver(self) -> ImapReceiver:
        return ImapReceiver(self.operator.settings(), self.operator.identity_for(self.address))

    def put(self, *names: str) -> None:
        for name in names:
            self.operator.deliver(message(self.address, message_id=f"<{name}@test>"), self.address)

    def work(self) -> None:
        """Fetch, deliver, mark; a process of its own, as it were."""
        receiver, collector = self.receiver(), self.scene.collector(**self.reception)
        try:
            while collector.run_once(receiver) or self.scene.open_mail() or self.scene.journal.to_acknowledge(LAB):
                pass
        finally:
            receiver.close()

    def die_at(self, step: str) -> None:
        with killed_at(step):
            self.work()
        self.scene.journal.recover(owner="test")

    def holds(self, folder: str = "INBOX") -> list[str]:
        """Message-IDs in a folder."""
        found = (raw.lower().partition(b"message-id: <")[2] for raw in self.operator.messages(self.address, folder))
        return sorted(rest.partition(b"@")[0].decode() for rest in found)

    def delivered(self) -> list[str]:
        return sorted(
            arrival.message_id.strip("<>").partition("@")[0] for arrival in self.scene.inbox.delivered.values()
        )


@pytest.fixture(params=["operator", "without_move"])
def moving(request: pytest.FixtureRequest, scene: Scene) -> Box:
    """A mailbox whose messages are moved, and whose target is watched too."""
    operator: MailOperator = request.getfixturevalue(request.param)
    reception: dict[str, Any] = {"folders": ["INBOX", "Traites"], "after_delivery": "move", "move_to": "Traites"}
    return Box(operator, operator.new_mailbox(), scene, reception)


def test_what_was_moved_into_a_watched_folder_is_not_fetched_again(moving: Box) -> None:
    moving.put("a", "b")
    moving.work()
    moving.put("c")
    moving.work()
    moving.work()
    assert (moving.holds(), moving.holds("Traites")) == ([], ["a", "b", "c"])
    assert moving.delivered() == ["a", "b", "c"]
    assert moving.scene.incoming_states() == [I.ACKNOWLEDGED] * 3
    done = [entry.answer for entry in moving.scene.journal.trace(limit=1_000) if entry.action == "acknowledge"]
    assert done == ["move"] * 3  # who asks later is told what was done at the operator's


def test_nobody_else_s_deleted_messages_are_expunged(moving: Box) -> None:
    moving.put("a")
    receiver = moving.receiver()
    (place,) = receiver.list_new("INBOX", known_after=None)
    moving.put("b")
    with receiver._talking() as client:
        client.select_folder("INBOX")
        client.add_flags([place.uid + 1], [rb"\Deleted"])
    receiver.mark_done([place], after=AfterDelivery.MOVE, move_to="Traites")
    receiver.close()
    assert (moving.holds(), moving.holds("Traites")) == (["b"], ["a"])


@pytest.mark.parametrize("step", ["mark.set", "mark.copied", "mark.tidied", "journal.acknowledged"])
def test_killed_on_the_way_it_is_moved_once(moving: Box, step: str) -> None:
    if step == "mark.copied" and moving.operator.dovecot.extra != WITHOUT_MOVE:
        pytest.skip("a step of servers without MOVE")
    moving.put("a", "b", "c")
    moving.die_at(step)
    moving.put("d")
    moving.work()
    assert (moving.holds(), moving.holds("Traites")) == ([], ["a", "b", "c", "d"])
    assert moving.delivered() == ["a", "b", "c", "d"]
    assert moving.scene.incoming_states() == [I.ACKNOWLEDGED] * 4


@pytest.mark.parametrize("step", ["mark.set", "mark.tidied"])
def test_killed_on_the_way_it_is_deleted_and_only_after_delivery(
    scene: Scene, operator: MailOperator, mailbox: MailboxAddress, step: str
) -> None:
    box = Box(operator, mailbox, scene, {"after_delivery": "delete"})
    box.put("a", "b")
    with closing(box.receiver()) as receiver:
        scene.collector(**box.reception).run_once(receiver)
    assert box.holds() == ["a", "b"]  # in the journal, not delivered
    box.die_at(step)
    box.work()
    assert box.holds() == []
    assert box.delivered() == ["a", "b"]


@pytest.mark.parametrize(("after", "move_to"), [("delete", ""), ("move", "Traites")])
def test_where_it_cannot_be_done_safely_they_stay_and_it_is_told(
    scene: Scene, without_both: MailOperator, after: str, move_to: str
) -> None:
    box = Box(without_both, without_both.new_mailbox(), scene, {"after_delivery": after, "move_to": move_to})
    box.put("a")
    with closing(box.receiver()) as receiver:
        collector = scene.collector(**box.reception)
        collector.run_once(receiver)
        scene.open_mail()
        collector.run_once(receiver)
        assert collector.hindered_by is not None
        assert collector.hindered_by.code == "RANGEMENT_IMPOSSIBLE"
        assert box.holds() == ["a"]
        assert list(receiver.list_new("INBOX", known_after=None)) == []


def test_nothing_means_that_the_server_is_not_touched(
    scene: Scene, operator: MailOperator, mailbox: MailboxAddress
) -> None:
    box = Box(operator, mailbox, scene, {"after_delivery": "nothing"})
    box.put("a")
    box.work()
    box.put("b")
    box.work()
    assert box.delivered() == ["a", "b"]
    receiver = box.receiver()
    assert [place.message_id for place in receiver.list_new("INBOX", known_after=None)] == ["<a@test>", "<b@test>"]
    receiver.close()
    assert flags(box) == ["", ""]


def test_flag_leaves_them_unread(scene: Scene, operator: MailOperator, mailbox: MailboxAddress) -> None:
    box = Box(operator, mailbox, scene, {"after_delivery": "flag"})
    box.put("a")
    box.work()
    (set_flags,) = flags(box)
    assert "F" in set_flags
    assert "S" not in set_flags


def test_a_duplicate_of_what_was_not_delivered_is_not_deleted(
    scene: Scene, operator: MailOperator, mailbox: MailboxAddress
) -> None:
    box = Box(operator, mailbox, scene, {"after_delivery": "delete"})
    box.put("a")
    receiver, collector = box.receiver(), scene.collector(**box.reception)
    collector.run_once(receiver)  # kept, not delivered
    receiver.close()
    operator.change_uid_validity(mailbox)
    box.put("b")
    collector.run_once(receiver)
    assert scene.incoming_states() == [I.STORED, I.DUPLICATE, I.STORED]
    assert box.holds() == ["a", "b"]
    receiver.close()
    box.work()
    assert box.holds() == []


def flags(box: Box) -> list[str]:
    """Maildir flags of the messages of the INBOX."""
    return [path.name.partition(":2,")[2] for path in box.operator.maildir(box.address).glob("[cn]*/*")]
