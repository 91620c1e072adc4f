"""Recovery, deadlines, retention, invariants."""

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from connector.domain.errors import IllegalTransition
from connector.domain.states import IncomingEvent, IncomingState, OutgoingEvent, OutgoingState, WaitingFor
from connector.journal.failure import PayloadMissing
from connector.testing.clock import EPOCH
from tests.journal.journal_builders import BOX, OTHER_BOX, Place, Scene, frozen, stored_bytes, submission

E, S = OutgoingEvent, OutgoingState


def test_after_a_crash_nothing_is_sent_twice_by_guess(scene: Scene) -> None:
    before, during = scene.sending(), scene.sending()
    scene.journal.data_begun(during)
    assert scene.journal.recover(owner="new") == {"outcome_unknown": 1, "prepared": 1, "leases": 0}
    assert (scene.state(before), scene.state(during)) == (S.PREPARED, S.OUTCOME_UNKNOWN)
    assert scene.message(during).code == "ISSUE_INCONNUE"
    assert [m.id for m in scene.journal.claim_due(BOX, owner="new", limit=9)] == [before]


def test_a_crash_right_after_a_second_claim_is_not_an_unknown_outcome(scene: Scene) -> None:
    message_id = scene.sending()
    scene.journal.data_begun(message_id)
    scene.journal.record(message_id, E.DEFER, code="OPERATEUR_DIFFERE")
    scene.journal.claim_due(BOX, owner="o", limit=1)
    scene.journal.recover(owner="new")
    assert scene.state(message_id) is S.PREPARED
    assert scene.message(message_id).code == "OPERATEUR_DIFFERE"


def test_leases_of_a_dead_process_are_dropped(scene: Scene) -> None:
    message_id = scene.taken()
    scene.journal.note_seen(BOX, [Place("INBOX", 1, 1)])
    scene.journal.claim_received(owner="dead")
    scene.journal.claim_incoming(BOX, state=IncomingState.SEEN, owner="dead", limit=1)
    assert scene.journal.recover(owner="new")["leases"] == 2
    assert [m.id for m in scene.journal.claim_received(owner="new")] == [message_id]
    assert len(scene.journal.claim_incoming(BOX, state=IncomingState.SEEN, owner="new", limit=1)) == 1


def test_one_worker_can_be_recovered_without_touching_the_others(scene: Scene) -> None:
    mine = scene.sending()
    theirs = scene.prepared(mailbox=OTHER_BOX)
    scene.journal.claim_due(OTHER_BOX, owner="o", limit=1)
    scene.taken(mailbox=OTHER_BOX)
    scene.journal.claim_received(owner="o")
    assert scene.journal.recover(owner="o", mailbox=BOX) == {"outcome_unknown": 0, "prepared": 1, "leases": 0}
    assert (scene.state(mine), scene.state(theirs)) == (S.PREPARED, S.SENDING)


def test_where_several_machines_share_a_journal_only_dead_claims_are_given_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = scene.sending()
    scene.taken()
    scene.journal.claim_received(owner="other machine")
    monkeypatch.setattr(scene.journal._store, "is_sqlite", False)
    nothing = {"outcome_unknown": 0, "prepared": 0, "leases": 0}
    assert scene.journal.recover(owner="new") == nothing
    assert scene.journal.recover(owner="new", mailbox=BOX) == nothing
    scene.clock.advance(by=timedelta(hours=1))
    assert scene.journal.recover(owner="new") == {**nothing, "prepared": 1, "leases": 1}
    assert scene.state(message_id) is S.PREPARED


def test_what_could_not_leave_in_time_fails_loudly(scene: Scene) -> None:
    sent, held, prepared = scene.sent(), scene.held(WaitingFor.PIN), scene.prepared()
    assert scene.journal.expire(scene.clock.now()) == 0
    scene.clock.advance(by=timedelta(hours=48))
    assert scene.journal.expire(scene.clock.now()) == 2
    assert [scene.state(m) for m in (prepared, held, sent)] == [S.FAILED, S.FAILED, S.SENT]
    assert scene.message(prepared).code == "DELAI_DEPASSE"


def test_bytes_of_finished_submissions_go_after_their_time(scene: Scene) -> None:
    sent, open_one = scene.sent(), scene.prepared()
    scene.clock.advance(by=timedelta(days=31))
    fresh = scene.sent()
    assert scene.journal.purge(payload_before=scene.clock.now() - timedelta(days=30), trace_before=EPOCH) == 2
    for message_id, kept in ((sent, False), (open_one, True), (fresh, True)):
        message = scene.message(message_id)
        view = scene.journal.submission(message.submission_id)
        for payload_id in (message.payload_id or "", *(f.payload_id for f in view.files)):
            if kept:
                assert scene.journal.payload(payload_id)
            else:
                with pytest.raises(PayloadMissing):
                    scene.journal.payload(payload_id)
    assert scene.message(sent).answer == "250 2.0.0 queued as 4F"


def test_one_open_message_keeps_the_bytes_of_its_whole_submission(scene: Scene) -> None:
    message_id = scene.taken()
    recipients = [r.address for r in scene.message(message_id).recipients]
    first, second = scene.journal.freeze(message_id, [frozen(n, (who,)) for n, who in enumerate(recipients)])
    scene.journal.record(first, E.CANCEL)
    scene.clock.advance(1)
    assert scene.journal.purge(payload_before=scene.clock.now(), trace_before=EPOCH) == 0
    scene.journal.record(second, E.CANCEL)
    scene.clock.advance(1)
    assert scene.journal.purge(payload_before=scene.clock.now(), trace_before=EPOCH) == 3


def test_what_lost_its_bytes_cannot_be_tried_again(scene: Scene) -> None:
    message_id = scene.prepared()
    scene.journal.expire(scene.deadline())
    rejected = scene.taken()
    scene.journal.record(rejected, E.REJECT)
    scene.clock.advance(1)
    scene.journal.purge(payload_before=scene.clock.now(), trace_before=EPOCH)
    for finished in (message_id, rejected):
        with pytest.raises(IllegalTransition) as caught:
            scene.journal.record(finished, E.RETRY)
        assert caught.value.code == "PAYLOAD_ABSENT"


def test_bytes_of_delivered_messages_go_and_quarantined_ones_stay(scene: Scene) -> None:
    scene.journal.note_seen(BOX, [Place("INBOX", 1, uid) for uid in (1, 2)])
    done, aside = sorted(m.id for m in scene.journal.incoming_messages())
    scene.journal.store([stored_bytes(done, b"a"), stored_bytes(aside, b"b")])
    for event in (IncomingEvent.OPEN, IncomingEvent.DELIVER, IncomingEvent.ACKNOWLEDGE):
        scene.journal.record_incoming(done, event)
    scene.journal.record_incoming(aside, IncomingEvent.QUARANTINE)
    scene.clock.advance(1)
    assert scene.journal.purge(payload_before=scene.clock.now(), trace_before=EPOCH) == 1
    assert scene.journal.payload(scene.journal.incoming(aside).payload_id or "") == b"b"


def test_many_payloads_are_dropped_in_several_transactions(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.journal.upkeep._PURGE_BATCH", 2)
    for _ in range(3):
        scene.journal.record(scene.taken(), E.CANCEL)
    scene.clock.advance(1)
    assert scene.journal.purge(payload_before=scene.clock.now(), trace_before=EPOCH) == 3
    assert [e.answer for e in scene.journal.trace() if e.action == "purge"] == ["2 payloads", "1 payloads"]


def test_purging_an_empty_trace_is_fine(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.folder / "journal.sqlite")) as raw:
        raw.execute("INSERT INTO trace_checkpoints VALUES (1, 0, (SELECT hash FROM trace))")
        raw.execute("DELETE FROM trace")
        raw.commit()
    assert scene.journal.purge(payload_before=EPOCH, trace_before=EPOCH) == 0
    assert scene.journal.verify_trace() == 0


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("UPDATE messages SET payload_id = 'x'", "about to leave without frozen bytes"),
        ("DELETE FROM message_recipients", "about to leave without recipients"),
        ("UPDATE messages SET state = 'read', header_message_id = NULL", "left without having been frozen"),
        ("UPDATE messages SET state = 'sent'", "sent without an answer"),
        ("UPDATE messages SET state = 'sending'", "sending without an owner"),
        ("UPDATE messages SET claim_owner = 'x'", "claimed but not in work"),
        ("UPDATE messages SET next_attempt_at = NULL", "to be done but never due"),
        ("UPDATE messages SET state = 'waiting'", "waiting for nothing"),
        ("UPDATE messages SET waiting_for = 'pin'", "waits and does not"),
        ("UPDATE messages SET state = 'outcome_unknown'", "outcome unknown although no content left"),
        ("UPDATE messages SET state = 'duplicate'", "duplicate of nothing"),
        ("DELETE FROM payloads", "originals missing"),
        ("UPDATE submissions SET revision = 99", "submission revision"),
        ("UPDATE message_recipients SET state = 'x'", "unknown recipient state"),
        ("UPDATE incoming SET state = 'x'", "incoming: unknown state"),
        ("UPDATE incoming SET payload_id = NULL", "incoming: to be opened without bytes"),
        ("UPDATE incoming SET next_attempt_at = NULL", "incoming: to be done but never due"),
        ("UPDATE incoming SET state = 'delivered', claim_owner = 'x'", "incoming: claimed but not in work"),
        ("UPDATE incoming SET sha256 = ''", "incoming: stored without hash"),
        ("UPDATE incoming SET state = 'duplicate'", "incoming: duplicate of nothing"),
    ],
)
def test_each_thing_that_must_not_be_true_is_found(scene: Scene, statement: str, rule: str) -> None:
    scene.prepared()
    scene.journal.note_seen(BOX, [Place("INBOX", 1, 1)])
    (seen,) = scene.journal.incoming_messages()
    scene.journal.store([stored_bytes(seen.id, b"raw")])
    with closing(sqlite3.connect(scene.folder / "journal.sqlite")) as raw:
        backup = sqlite3.connect(":memory:")
        raw.backup(backup)
        raw.execute(statement)
        raw.commit()
        assert any(found.startswith(rule) for found in scene.journal.violations())
        backup.backup(raw)
        backup.close()


def test_a_journal_at_work_has_no_violations(scene: Scene) -> None:
    for make in (scene.prepared, scene.sending, scene.sent, scene.held, scene.unknown, scene.taken):
        make()
        assert scene.journal.violations() == []
    assert scene.journal.has_submission(submission(6).id)
