"""Many messages that wait for the same person, and go on together: one question each, bounded, traced, no attempt."""

from datetime import timedelta

import pytest

from connector.domain.errors import Unavailable
from connector.domain.states import OutgoingEvent
from connector.domain.states import OutgoingState as S
from connector.domain.states import WaitingFor as W
from tests.journal.journal_builders import BOX, OTHER_BOX, Scene

PERSON = (W.CARD, W.PIN, W.TOKEN, W.CODE)


def hold(scene: Scene, waiting_for: W = W.CARD, code: str = "CARTE_ABSENTE", limit: int = 200) -> int:
    return scene.journal.hold_due(
        BOX, waiting_for=waiting_for, code=code, detail="x", reasons=PERSON, limit=limit
    )  # fmt: skip


def told(scene: Scene, row: str) -> tuple[S, W | None, str | None, int]:
    message = scene.message(row)
    return message.state, message.waiting_for, message.code, message.attempts


def test_only_what_is_due_of_this_mailbox_is_held_oldest_first(scene: Scene) -> None:
    rows = [scene.prepared() for _ in range(3)]
    other = scene.prepared(mailbox=OTHER_BOX)
    scene.journal.claim_due(BOX, owner="o", limit=1)
    scene.journal.record(rows[0], OutgoingEvent.DEFER, next_attempt_at=scene.clock.now() + timedelta(minutes=1))
    scene.clock.advance(1)

    assert [hold(scene, limit=1), hold(scene, limit=5), hold(scene)] == [1, 1, 0]

    assert scene.state(rows[0]) is S.PREPARED
    assert {told(scene, row) for row in rows[1:]} == {(S.WAITING, W.CARD, "CARTE_ABSENTE", 0)}
    assert scene.state(other) is S.PREPARED
    assert scene.message(rows[1]).next_attempt_at is None


def test_what_waits_for_another_person_says_what_it_waits_for_now(scene: Scene) -> None:
    row, kept_out, network = scene.prepared(), scene.held(W.CREDENTIALS), scene.held(W.NETWORK)
    hold(scene)
    assert hold(scene, W.PIN, "PIN") == 1
    assert hold(scene, W.PIN, "PIN_DERNIER_ESSAI") == 1
    assert hold(scene, W.PIN, "PIN_DERNIER_ESSAI") == 0
    assert told(scene, row) == (S.WAITING, W.PIN, "PIN_DERNIER_ESSAI", 0)
    assert (told(scene, kept_out)[1], told(scene, network)[1]) == (W.CREDENTIALS, W.NETWORK)


def test_what_waited_is_due_at_once_except_where_a_code_stands(scene: Scene) -> None:
    rows, refused = [scene.prepared() for _ in range(3)], scene.held(W.CREDENTIALS)
    hold(scene)
    scene.clock.advance(60)
    reasons = (*PERSON, W.CREDENTIALS)

    def resume(limit: int) -> int:
        return scene.journal.resume_waiting(BOX, reasons=reasons, but_codes=["AUTHENTIFICATION"], limit=limit)

    assert [resume(2), resume(2), resume(2)] == [2, 1, 0]
    assert {told(scene, row) for row in rows} == {(S.PREPARED, None, None, 0)}
    assert {scene.message(row).next_attempt_at for row in rows} == {scene.clock.now()}
    assert scene.state(refused) is S.WAITING
    assert scene.journal.resume_waiting(BOX, reasons=reasons) == 1


def test_both_are_traced_and_the_lps_is_told(scene: Scene) -> None:
    row = scene.prepared()
    submission = scene.message(row).submission_id
    before = scene.journal.submission(submission).revision
    hold(scene)
    scene.journal.resume_waiting(BOX, reasons=PERSON)
    assert [(e.action, e.outcome) for e in scene.journal.trace(subject_id=row)][-2:] == [
        ("hold", "waiting CARTE_ABSENTE"), ("resume", "prepared"),
    ]  # fmt: skip
    assert scene.journal.submission(submission).revision == before + 2


def test_a_step_that_cannot_be_committed_changes_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [scene.prepared() for _ in range(2)]
    from connector.journal.store import Writing

    def full(_: Writing) -> None:
        raise Unavailable("DISQUE_PLEIN", "no space left")

    with monkeypatch.context() as broken:
        broken.setattr(Writing, "append_trace", full)
        with pytest.raises(Unavailable):
            hold(scene)
    assert {scene.state(row) for row in rows} == {S.PREPARED}
