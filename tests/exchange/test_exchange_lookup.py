"""Lost answers: looked up in the Sent folder, believed only when it can know, never resolved by a guess."""

import pytest

from connector.domain.states import OutgoingEvent
from connector.domain.states import OutgoingState as S
from connector.domain.states import RecipientState as R
from connector.exchange import person
from connector.journal.records import RecipientChange
from connector.operators.errors import OperatorError
from connector.sandbox.moods import MoodKind
from tests.exchange.exchange_scene import ALIX, BEA, LAB, SETTLE_SECONDS, Scene


def lost(scene: Scene, mood: MoodKind = MoodKind.CUT_AFTER_DATA) -> str:
    scene.operator.mood(mood, times=1)
    row = scene.frozen(ALIX, BEA)
    scene.send()
    assert scene.state(row) is S.OUTCOME_UNKNOWN
    return row


def test_what_the_sent_folder_holds_is_sent(scene: Scene) -> None:
    row = lost(scene)

    assert scene.inquire() == 1

    assert (scene.state(row), scene.message(row).code) == (S.SENT, None)
    assert scene.people(row) == {ALIX: R.ACCEPTED, BEA: R.ACCEPTED}
    assert scene.send_later() == 0
    assert len(scene.copies(ALIX, row)) == 1


def test_what_is_missing_leaves_again_with_the_same_bytes_but_only_after_a_while(scene: Scene) -> None:
    row = lost(scene, MoodKind.CUT_IN_DATA)
    frozen = scene.journal.payload(scene.message(row).payload_id or "")
    scene.clock.advance(SETTLE_SECONDS - 1)
    assert (scene.inquire(), scene.state(row)) == (0, S.OUTCOME_UNKNOWN)

    scene.clock.advance(1)

    assert (scene.inquire(), scene.state(row)) == (1, S.PREPARED)
    scene.send()
    assert scene.state(row) is S.SENT
    assert scene.copies(ALIX, row) == scene.copies(BEA, row) == [frozen]


def test_an_operator_that_does_not_file_what_is_sent_proves_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    scene = Scene(tmp_path_factory.mktemp("journal"), files_sent=False)
    row = lost(scene, MoodKind.CUT_IN_DATA)
    scene.clock.advance(10 * SETTLE_SECONDS)

    assert (scene.inquire(), scene.state(row)) == (0, S.OUTCOME_UNKNOWN)


@pytest.mark.parametrize("known", [R.ACCEPTED, R.DELIVERED, R.READ, R.BOUNCED])
def test_a_message_that_left_earlier_for_somebody_else_proves_nothing(scene: Scene, known: R) -> None:
    scene.operator.mood(MoodKind.DEFER_RECIPIENT, address=str(BEA), times=1)
    row = scene.frozen(ALIX, BEA)
    scene.send()
    scene.journal.record(row, OutgoingEvent.RECEIPT_PARTIAL, recipients=[RecipientChange(ALIX, known)])
    scene.operator.mood(MoodKind.CUT_IN_DATA, times=1)
    scene.send_later()
    scene.clock.advance(10 * SETTLE_SECONDS)

    assert (scene.inquire(), scene.state(row)) == (0, S.OUTCOME_UNKNOWN)
    assert scene.copies(BEA, row) == []


def test_a_person_can_let_it_leave_again(scene: Scene) -> None:
    row = lost(scene)

    assert person.release(scene.journal, scene.clock, scene.submission_of(row), actor="person") == 1
    scene.send_later()

    assert scene.state(row) is S.SENT
    assert len(scene.copies(ALIX, row)) == 2


def test_several_are_asked_for_in_one_round(scene: Scene) -> None:
    scene.operator.mood(MoodKind.CUT_AFTER_DATA, times=2)
    rows = [scene.frozen(), scene.frozen()]
    scene.send()
    scene.send_later()

    assert scene.inquire() == 2
    assert [scene.state(row) for row in rows] == [S.SENT, S.SENT]
    assert scene.inquire() == 0


def test_a_server_that_cannot_be_asked_changes_nothing(scene: Scene) -> None:
    row = lost(scene)
    scene.operator.online = False

    with pytest.raises(OperatorError):
        scene.inquire()

    assert scene.state(row) is S.OUTCOME_UNKNOWN


def test_the_trace_tells_how_it_was_settled(scene: Scene) -> None:
    row = lost(scene)
    scene.inquire()

    entry = scene.journal.trace(subject_id=row)[-1]

    assert (entry.action, entry.server, entry.answer) == ("lookup", "imap.test", "found in the Sent folder")
    assert entry.mailbox == str(LAB)


def test_who_was_put_off_before_the_lost_content_still_gets_it_and_nobody_twice(scene: Scene) -> None:
    scene.operator.mood(MoodKind.DEFER_RECIPIENT, address=str(BEA), times=1)
    row = lost(scene)
    assert scene.people(row) == {ALIX: R.PENDING, BEA: R.DEFERRED}

    assert (scene.inquire(), scene.state(row)) == (1, S.PREPARED)
    scene.send_later()

    assert scene.state(row) is S.SENT
    assert (len(scene.copies(ALIX, row)), len(scene.copies(BEA, row))) == (1, 1)


def test_who_was_refused_before_the_lost_content_is_told_apart(scene: Scene) -> None:
    scene.operator.mood(MoodKind.REFUSE_RECIPIENT, address=str(BEA), times=1)
    row = lost(scene)

    scene.inquire()

    assert (scene.state(row), scene.people(row)) == (S.SENT, {ALIX: R.ACCEPTED, BEA: R.REFUSED})
