"""Opening several messages with one commit before and one after: the same promises as one by one."""

from collections.abc import Iterator

import pytest

from connector.domain.ports import watch_steps
from connector.domain.states import IncomingState as I
from connector.exchange import opening
from tests.exchange.exchange_scene import LAB, Scene

MAIL = b"From: <a@x.mssante.test>\r\nTo: <b@x.mssante.test>\r\nSubject: %b\r\nMessage-ID: <%b@x>\r\n\r\nBonjour\r\n"


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def steps() -> Iterator[list[str]]:
    seen: list[str] = []
    watch_steps(seen.append)
    yield seen
    watch_steps(None)


def collected(scene: Scene, *subjects: bytes) -> None:
    for subject in subjects:
        scene.operator.deliver(LAB, MAIL % (subject, subject))
    scene.collect()


def test_a_group_is_opened_in_one_commit_and_delivered_in_one(scene: Scene, steps: list[str]) -> None:
    collected(scene, b"un", b"deux", b"trois")
    steps.clear()
    assert scene.open_mail() == 3
    assert [step for step in steps if step.startswith("journal.")] == ["journal.opened", "journal.delivered"]
    assert [arrival.subject_display for arrival in scene.inbox.delivered.values()] == ["un", "deux", "trois"]
    assert scene.incoming_states() == [I.DELIVERED] * 3
    assert all(row.delivered_prefix for row in scene.incoming())


def test_what_is_large_is_opened_alone(scene: Scene, steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "GROUP_BYTES", 1)
    collected(scene, b"un", b"deux")
    steps.clear()
    assert scene.open_mail() == 2
    assert [step for step in steps if step.startswith("journal.")] == ["journal.opened", "journal.delivered"] * 2


def test_a_kill_between_the_deliveries_and_their_commit_repeats_the_same_ones(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected(scene, b"un", b"deux")

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(type(scene.journal), "record_deliveries", killed)
        with pytest.raises(Killed):
            scene.open_mail()
    assert scene.incoming_states() == [I.OPENED] * 2
    scene.journal.recover(owner="whoever starts next")

    scene.open_mail()

    assert scene.incoming_states() == [I.DELIVERED] * 2
    first, second = scene.inbox.delivered
    assert scene.inbox.attempts == [first, second, first, second], "the target is asked again, for the same ids"
