"""The first look into a mailbox that is full already: decided once, gone through in slices, behind what arrives."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.states import IncomingState as I
from connector.exchange import listing
from connector.operators.base import FetchedMessage, ServerMessage
from connector.operators.errors import ConnectionFailed
from connector.testing.receiver import FakeReceiver
from tests.exchange.exchange_scene import LAB, Scene, killed_at

DAY = timedelta(days=1).total_seconds()


class Counting(FakeReceiver):
    """Counts the bodies that are asked for, and can break the line."""

    def __init__(self, scene: Scene, *, breaks_after: int | None = None) -> None:
        super().__init__(scene.operator, str(LAB))
        self.fetched: list[int] = []
        self.breaks_after = breaks_after

    def fetch(self, places: Sequence[ServerMessage]) -> Any:
        for message in super().fetch(places):
            if len(self.fetched) == self.breaks_after:
                self.breaks_after = None
                raise ConnectionFailed("OPERATEUR_INJOIGNABLE", "cut")
            self.fetched.append(message.place.uid)
            yield message


def mail(name: str) -> bytes:
    head = f"From: <alix@cabinet.mssante.fr>\r\nTo: <{LAB}>\r\nMessage-ID: <{name}@x.fr>\r\nSubject: {name}\r\n\r\n"
    return head.encode() + b"Bonjour.\r\n"


def arrive(scene: Scene, *names: str, folder: str = "INBOX") -> None:
    for name in names:
        scene.operator.deliver(LAB, mail(name), folder)


def history(scene: Scene, count: int) -> list[str]:
    """So many messages, one a day, the newest a day old."""
    names = [f"h{number:03}" for number in range(count)]
    for name in names:
        arrive(scene, name)
        scene.clock.advance(DAY)
    return names


def renumber(scene: Scene) -> None:
    """A restored server: new UIDs, no flags."""
    scene.operator.renumber(LAB)
    for message in scene.operator.folder(LAB, "INBOX").messages:
        message.flags.clear()


def work(scene: Scene, receiver: FakeReceiver | None = None, **reception: Any) -> Counting:
    """Everything that can be done, as the daemon's threads would; gives back the receiver."""
    made = receiver or Counting(scene)
    collector = scene.collector(**reception)
    while collector.run_once(made) or scene.open_mail() or collector.lister.goes_on():
        pass
    return made  # type: ignore[return-value]  # a Counting unless the test gave another


def delivered(scene: Scene) -> list[str]:
    """Subjects, in the order of delivery."""
    return [arrival.subject_display for arrival in scene.inbox.delivered.values()]


@pytest.mark.parametrize(
    ("reception", "wanted"),
    [
        ({}, ["h000", "h001", "h002", "h003"]),
        ({"first_connection": "all"}, ["h000", "h001", "h002", "h003"]),
        ({"first_connection": "days", "first_days": 2}, ["h002", "h003"]),
        ({"first_connection": "new"}, []),
    ],
    ids=["default", "all", "days", "new"],
)
def test_the_setting_says_what_of_an_old_mailbox_is_fetched(
    scene: Scene, reception: dict[str, Any], wanted: list[str]
) -> None:
    history(scene, 4)
    receiver = work(scene, **reception)
    assert delivered(scene) == wanted
    assert len(receiver.fetched) == len(wanted)  # nothing else was downloaded
    arrive(scene, "neuf")
    work(scene, **reception)
    assert delivered(scene) == [*wanted, "neuf"]


def test_it_is_decided_once_whatever_the_settings_say_later(scene: Scene) -> None:
    history(scene, 4)
    work(scene, first_connection="new")
    scene.clock.advance(100 * DAY)
    work(scene, first_connection="all")
    assert delivered(scene) == []


@pytest.mark.parametrize(
    ("reception", "wanted"),
    [({"first_connection": "days", "first_days": 2}, ["h002", "h003"]), ({"first_connection": "new"}, [])],
    ids=["days", "new"],
)
def test_a_new_numbering_does_not_decide_again(scene: Scene, reception: dict[str, Any], wanted: list[str]) -> None:
    history(scene, 4)
    work(scene, **reception)
    scene.clock.advance(100 * DAY)
    renumber(scene)
    arrive(scene, "neuf")
    work(scene, **reception)
    assert delivered(scene) == [*wanted, "neuf"]


def test_from_now_when_something_has_just_arrived_it_is_rather_fetched_than_lost(scene: Scene) -> None:
    history(scene, 3)
    arrive(scene, "juste")
    work(scene, first_connection="new")
    renumber(scene)
    work(scene, first_connection="new")
    assert delivered(scene) == ["juste"]


def test_after_a_new_numbering_what_is_known_is_not_downloaded(scene: Scene) -> None:
    history(scene, 5)
    work(scene)
    renumber(scene)
    arrive(scene, "neuf")
    receiver = work(scene)
    assert receiver.fetched == [6]
    assert delivered(scene)[-1] == "neuf"
    assert len(delivered(scene)) == 6
    assert scene.incoming_states() == [I.ACKNOWLEDGED] * 11


def test_another_message_with_a_known_message_id_is_never_lost(scene: Scene) -> None:
    arrive(scene, "un")
    work(scene)
    scene.operator.expunge(LAB, 1)
    renumber(scene)
    scene.clock.advance(1)
    other = mail("un").replace(b"Bonjour.", b"Bonsoir.")
    scene.operator.deliver(LAB, other)
    work(scene)
    assert len(delivered(scene)) == 2


def test_an_empty_mailbox_has_no_history_whatever_comes_later(scene: Scene) -> None:
    work(scene, first_connection="new")
    arrive(scene, "un", "deux")
    renumber(scene)
    work(scene, first_connection="new")
    assert delivered(scene) == ["un", "deux"]


def test_each_folder_decides_for_itself(scene: Scene) -> None:
    arrive(scene, "vieux")
    work(scene)
    arrive(scene, "ailleurs", folder="Sent")
    work(scene, folders=["INBOX", "Sent"], first_connection="new")
    arrive(scene, "apres", folder="Sent")
    work(scene, folders=["INBOX", "Sent"], first_connection="new")
    assert delivered(scene) == ["vieux", "apres"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of three messages."""
    monkeypatch.setattr(listing, "SLICE_MESSAGES", 3)
    monkeypatch.setattr(listing, "BACKLOG_MESSAGES", 3)


@pytest.mark.usefixtures("small")
def test_what_arrives_meanwhile_goes_before_the_rest_of_the_history(scene: Scene) -> None:
    names = history(scene, 9)
    collector, receiver = scene.collector(), Counting(scene)
    collector.run_once(receiver)
    scene.open_mail()
    arrive(scene, "urgent")
    collector.run_once(receiver)
    scene.open_mail()
    assert delivered(scene) == [*names[:3], "urgent", *names[3:6]]


@pytest.mark.usefixtures("small")
def test_the_history_waits_while_the_software_s_folder_is_behind(scene: Scene) -> None:
    history(scene, 9)
    collector, receiver = scene.collector(), Counting(scene)
    collector.run_once(receiver)
    assert (collector.run_once(receiver), len(receiver.fetched), collector.lister.goes_on()) == (0, 3, False)
    arrive(scene, "urgent")
    assert collector.run_once(receiver) == 1
    scene.open_mail()
    assert collector.lister.goes_on()
    assert collector.run_once(receiver) == 3


@pytest.mark.usefixtures("small")
def test_the_history_of_a_folder_that_was_removed_meanwhile_holds_up_nothing(scene: Scene) -> None:
    for number in range(7):
        arrive(scene, f"s{number}", folder="Sent")
    collector, receiver = scene.collector(folders=["INBOX", "Sent"]), Counting(scene)
    collector.run_once(receiver)
    scene.open_mail()
    assert collector.lister.goes_on()
    scene.operator.drop_folder(LAB, "Sent")
    arrive(scene, "neuf")
    assert collector.run_once(receiver) == 1
    scene.open_mail()
    assert not collector.lister.goes_on()
    assert "Sent" in collector.lister.refused


@pytest.mark.usefixtures("small")
def test_progress_can_be_followed_to_its_end(scene: Scene) -> None:
    history(scene, 7)
    collector, receiver = scene.collector(), Counting(scene)
    told = []
    while collector.run_once(receiver) or scene.open_mail():
        told.append(collector.lister.progress())
    assert told[0] == "history of INBOX: 3 of 7"
    assert "history of INBOX: 6 of 7" in told
    assert told[-1] == ""
    (mark,) = scene.journal.folder_marks()
    assert (mark.looked, mark.total, mark.has_history_left) == (7, 7, False)


@pytest.mark.usefixtures("small")
def test_large_messages_make_a_slice_shorter(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "SLICE_BYTES", 300)
    names = history(scene, 7)
    collector, receiver = scene.collector(), Counting(scene)
    collector.run_once(receiver)
    assert len(receiver.fetched) == 2
    work(scene, receiver)
    assert delivered(scene) == names


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("step", ["journal.seen", "journal.stored", "journal.delivered", "journal.acknowledged"])
def test_killed_in_the_middle_it_neither_skips_nor_repeats(scene: Scene, step: str, count: int) -> None:
    names = history(scene, 10)
    with killed_at(step, time=count):
        work(scene)
    scene.journal.recover(owner="test")
    work(scene)
    assert delivered(scene) == names
    assert scene.incoming_states() == [I.ACKNOWLEDGED] * 10


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("breaks_after", range(0, 10, 2))
def test_a_broken_line_or_a_new_numbering_in_the_middle_changes_nothing(scene: Scene, breaks_after: int) -> None:
    names = history(scene, 10)
    with pytest.raises(ConnectionFailed):
        work(scene, Counting(scene, breaks_after=breaks_after))
    renumber(scene)
    work(scene)
    assert sorted(delivered(scene)) == names


def test_of_a_message_that_vanishes_meanwhile_the_others_come(scene: Scene) -> None:
    names = history(scene, 4)

    class Vanishing(Counting):
        def fetch(self, places: Sequence[ServerMessage]) -> Any:
            scene.operator.expunge(LAB, 2)
            found: list[FetchedMessage] = list(super().fetch(places))
            yield from found

    work(scene, Vanishing(scene))
    assert delivered(scene) == [names[0], *names[2:]]
