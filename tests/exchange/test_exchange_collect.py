"""Receiving: in the journal before it is marked on the server, and never twice."""

from collections.abc import Iterator, Sequence

import pytest

from connector.domain.states import IncomingState as I
from connector.exchange import collect as collecting
from connector.journal.records import StoredBytes
from connector.operators.base import FetchedMessage, ServerMessage
from connector.operators.errors import ConnectionFailed
from connector.testing.operator import DONE_FLAGS, FakeReceiver
from tests.exchange.exchange_scene import LAB, Killed, Scene, killed_at


def mail(number: int, *, size: int = 0) -> bytes:
    head = (
        f"From: <alix@cabinet.mssante.fr>\r\nTo: <{LAB}>\r\n"
        f"Message-ID: <m{number}@x.fr>\r\nSubject: n{number}\r\n\r\n"
    )
    return head.encode() + b"Bonjour.\r\n" + b"x" * size + b"\r\n"


def deliver(scene: Scene, *numbers: int) -> list[int]:
    return [scene.operator.deliver(LAB, mail(number)) for number in numbers]


def marked(scene: Scene) -> list[bool]:
    return [message.flags >= DONE_FLAGS for message in scene.operator.folder(LAB, "INBOX").messages]


def subjects(scene: Scene) -> list[str]:
    return [arrival.subject_display for arrival in scene.inbox.delivered.values()]


def test_what_is_fetched_is_kept_byte_for_byte_and_not_marked_before_it_is_delivered(scene: Scene) -> None:
    deliver(scene, 1)
    assert scene.collect() == 1

    (row,) = scene.incoming()
    assert row.state is I.STORED
    assert scene.journal.payload(row.payload_id or "") == mail(1)
    assert row.received_at == scene.clock.now()
    assert marked(scene) == [False]


def test_only_what_was_delivered_is_marked(scene: Scene) -> None:
    deliver(scene, 1)
    scene.collect()
    scene.open_mail()
    deliver(scene, 2)

    scene.collect()

    assert marked(scene) == [True, False]
    assert scene.incoming_states() == [I.ACKNOWLEDGED, I.STORED]


def test_a_quarantined_message_stays_unmarked_on_the_server(scene: Scene) -> None:
    scene.operator.deliver(LAB, b"\r\nno header at all\r\n")
    scene.receive()
    assert (scene.incoming_states(), marked(scene)) == ([I.QUARANTINED], [False])
    assert scene.collect() == 0


def test_everything_comes_however_many_there_are(scene: Scene) -> None:
    deliver(scene, *range(7))
    assert scene.collector(batch=3).run_once(scene.operator.receiver(LAB)) == 7
    assert scene.incoming_states() == [I.STORED] * 7


def test_large_messages_are_committed_in_small_groups(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "CHUNK_BYTES", 1000)
    for number in range(3):
        scene.operator.deliver(LAB, mail(number, size=900))
    groups: list[int] = []
    store = scene.journal.store

    def counted(items: Sequence[StoredBytes]) -> list[I]:
        groups.append(len(items))
        return store(items)

    monkeypatch.setattr(scene.journal, "store", counted)

    scene.collect()

    assert groups == [1, 1, 1]


def test_when_the_server_numbers_anew_nothing_is_delivered_twice(scene: Scene) -> None:
    deliver(scene, 1, 2)
    scene.receive()
    scene.operator.renumber(LAB)
    for message in scene.operator.folder(LAB, "INBOX").messages:
        message.flags.clear()
    deliver(scene, 3)

    scene.receive()

    assert subjects(scene) == ["n1", "n2", "n3"]
    assert scene.incoming_states().count(I.ACKNOWLEDGED) == 5
    assert [row.duplicate_of is not None for row in scene.incoming()] == [False, False, True, True, False]
    assert marked(scene) == [True] * 3


def test_the_same_message_in_another_folder_is_delivered_once(scene: Scene) -> None:
    scene.operator.deliver(LAB, mail(1))
    scene.operator.deliver(LAB, mail(1), "Sent")
    scene.collector(folders=["INBOX", "Sent"]).run_once(scene.operator.receiver(LAB))
    scene.open_mail()
    scene.collector(folders=["INBOX", "Sent"]).run_once(scene.operator.receiver(LAB))

    assert subjects(scene) == ["n1"]
    assert [m.flags >= DONE_FLAGS for m in scene.operator.folder(LAB, "Sent").messages] == [True]


class Interfered(FakeReceiver):
    """Somebody else works in the mailbox, or the line breaks, between listing and fetching."""

    def __init__(self, scene: Scene, *, expunged: Sequence[int] = (), breaks_after: int | None = None) -> None:
        super().__init__(scene.operator, str(LAB))
        self.scene, self.expunged, self.breaks_after = scene, expunged, breaks_after

    def fetch(self, places: Sequence[ServerMessage]) -> Iterator[FetchedMessage]:
        for uid in self.expunged:
            self.scene.operator.expunge(LAB, uid)
        for number, message in enumerate(super().fetch(places)):
            if number == self.breaks_after:
                raise ConnectionFailed("OPERATEUR_INJOIGNABLE", "cut")
            yield message


def test_a_message_that_vanished_before_it_was_fetched_is_gone_and_the_others_come(scene: Scene) -> None:
    uids = deliver(scene, 1, 2, 3)

    assert scene.collector().run_once(Interfered(scene, expunged=[uids[1]])) == 2

    assert scene.incoming_states() == [I.STORED, I.GONE, I.STORED]


def test_when_the_line_breaks_what_came_is_kept_and_the_rest_comes_at_once_next_time(scene: Scene) -> None:
    deliver(scene, *range(4))
    with pytest.raises(ConnectionFailed):
        scene.collector(batch=2).run_once(Interfered(scene, breaks_after=1))
    assert I.STORED not in scene.incoming_states()

    assert scene.collect() == 4
    assert scene.incoming_states() == [I.STORED] * 4


def test_only_what_was_not_stored_is_fetched_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "CHUNK_BYTES", 1)
    deliver(scene, *range(3))
    with pytest.raises(ConnectionFailed):
        scene.collector().run_once(Interfered(scene, breaks_after=2))
    assert scene.incoming_states() == [I.STORED, I.STORED, I.SEEN]

    assert scene.collect() == 1


@pytest.mark.parametrize(
    "step", ["journal.seen", "journal.stored", "journal.opened", "journal.delivered", "journal.acknowledged"]
)
def test_killed_anywhere_on_the_way_it_is_delivered_once_and_marked(scene: Scene, step: str) -> None:
    deliver(scene, 1, 2)
    with killed_at(step):
        scene.receive()

    scene.journal.recover(owner="test")
    scene.receive()

    assert sorted(subjects(scene)) == ["n1", "n2"]
    assert marked(scene) == [True, True]
    assert scene.incoming_states() == [I.ACKNOWLEDGED] * 2


def test_killed_between_the_mark_and_our_note_of_it_the_mark_is_set_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(scene, 1)
    scene.collect()
    scene.open_mail()

    def killed(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(scene.journal, "record_incoming_many", killed)
        with pytest.raises(Killed):
            scene.collect()
    assert (marked(scene), scene.incoming_states()) == ([True], [I.DELIVERED])

    scene.collect()

    assert scene.incoming_states() == [I.ACKNOWLEDGED]
    assert subjects(scene) == ["n1"]


def test_an_empty_mailbox_is_nothing_to_do(scene: Scene) -> None:
    assert (scene.collect(), scene.open_mail()) == (0, 0)
