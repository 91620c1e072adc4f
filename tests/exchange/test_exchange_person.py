"""What a person may decide, and what not."""

import pytest

from connector.domain.errors import IllegalTransition
from connector.domain.states import OutgoingEvent
from connector.domain.states import OutgoingState as S
from connector.domain.states import RecipientState as R
from connector.domain.submission import SendOptions
from connector.exchange import person
from connector.journal.records import FrozenMessage, RecipientChange
from connector.sandbox.moods import MoodKind
from tests.exchange.exchange_scene import ALIX, BEA, NOBODY, Scene


def decide(scene: Scene, what: str, row: str) -> int:
    return int(getattr(person, what)(scene.journal, scene.clock, scene.submission_of(row), actor="Dr Essai"))


def test_a_retry_goes_only_to_those_who_did_not_get_it(scene: Scene) -> None:
    row = scene.frozen(ALIX, BEA)
    scene.send()
    scene.journal.record(row, OutgoingEvent.RECEIPT_FAILED, recipients=[RecipientChange(BEA, R.BOUNCED, 550, "x")])

    assert decide(scene, "retry", row) == 1
    scene.send_later()

    assert scene.people(row) == {ALIX: R.ACCEPTED, BEA: R.ACCEPTED}
    assert (len(scene.copies(ALIX, row)), scene.operator.accepted[1].recipients) == (1, (BEA,))
    assert scene.operator.accepted[0].content == scene.operator.accepted[1].content


def test_a_retry_brings_a_postponed_message_forward(scene: Scene) -> None:
    scene.operator.mood(MoodKind.DEFER_CONTENT, times=1)
    row = scene.frozen()
    scene.send()
    assert scene.send() == 0

    decide(scene, "retry", row)

    assert scene.send() == 1
    assert scene.state(row) is S.SENT


def test_a_failed_message_can_be_tried_again(scene: Scene) -> None:
    scene.operator.mood(MoodKind.REFUSE_CONTENT, times=1)
    row = scene.frozen()
    scene.send()

    decide(scene, "retry", row)
    scene.send()

    assert (scene.state(row), scene.people(row)) == (S.SENT, {ALIX: R.ACCEPTED})


def test_a_rejected_submission_is_prepared_again(scene: Scene) -> None:
    (message,) = scene.journal.submission(scene.take()).messages
    scene.prepare()
    assert scene.state(message.id) is S.REJECTED

    assert decide(scene, "retry", message.id) == 1

    assert scene.state(message.id) is S.RECEIVED


@pytest.mark.parametrize("what", ["cancel", "retry", "release"])
def test_what_has_left_cannot_be_taken_back_or_sent_again(scene: Scene, what: str) -> None:
    row = scene.frozen()
    scene.send()

    with pytest.raises(IllegalTransition) as refused:
        decide(scene, what, row)

    assert refused.value.code == "TRANSITION"
    assert scene.state(row) is S.SENT


def test_what_is_cancelled_never_leaves(scene: Scene) -> None:
    row = scene.frozen()

    assert decide(scene, "cancel", row) == 1

    assert (scene.send_later(), scene.state(row), scene.copies(ALIX, row)) == (0, S.CANCELLED, [])


def test_a_message_that_is_being_sent_cannot_be_cancelled(scene: Scene) -> None:
    row = scene.frozen()
    scene.journal.claim_due(scene.message(row).mailbox, owner="test", limit=1)

    with pytest.raises(IllegalTransition):
        decide(scene, "cancel", row)


def test_an_unknown_outcome_can_be_released_or_cancelled_but_not_just_retried(scene: Scene) -> None:
    scene.operator.mood(MoodKind.CUT_IN_DATA, times=1)
    row = scene.frozen()
    scene.send()

    with pytest.raises(IllegalTransition):
        decide(scene, "retry", row)
    assert decide(scene, "release", row) == 1
    scene.send_later()

    assert scene.state(row) is S.SENT


def test_a_duplicate_leaves_when_a_person_releases_it(scene: Scene) -> None:
    first, second = [scene.take(options=SendOptions(), duplicate_hours=24) for _ in range(2)]
    (message,) = scene.journal.submission(second).messages
    assert scene.state(message.id) is S.DUPLICATE
    assert scene.journal.submission(second).duplicate_of == first

    assert decide(scene, "release", message.id) == 1

    assert scene.state(message.id) is S.RECEIVED


def test_of_several_messages_only_those_for_which_it_is_possible_change(scene: Scene) -> None:
    (message,) = scene.journal.submission(scene.take(to=(ALIX, NOBODY))).messages
    rows = scene.journal.freeze(
        message.id,
        [
            FrozenMessage(header_message_id=f"<{n}@x.fr>", recipients=(to,), content=b"Message-ID: <x@x.fr>\r\n\r\n")
            for n, to in enumerate((ALIX, NOBODY))
        ],
    )
    while scene.send():
        pass
    assert [scene.state(row) for row in rows] == [S.SENT, S.FAILED]

    assert decide(scene, "retry", rows[0]) == 1

    assert [scene.state(row) for row in rows] == [S.SENT, S.PREPARED]


def test_the_trace_names_the_person(scene: Scene) -> None:
    row = scene.frozen()
    decide(scene, "cancel", row)

    assert scene.journal.trace(subject_id=row)[-1].actor == "Dr Essai"
