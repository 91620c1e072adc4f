"""Claims, frozen bytes, answers."""

import sqlite3
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from connector.domain.errors import IllegalTransition
from connector.domain.states import OutgoingEvent, OutgoingState, RecipientState, WaitingFor
from connector.domain.submission import RecipientKind, SendOptions
from connector.journal.failure import JournalVersion, PayloadCorrupt, PayloadMissing, UnknownRow
from connector.journal.outgoing import LEASE
from connector.journal.records import RecipientChange
from connector.testing.clock import EPOCH
from tests.journal.journal_builders import BOX, CC, OTHER_BOX, TO, Scene, frozen, submission

E, S = OutgoingEvent, OutgoingState


# --- claiming what is to be prepared ---


def test_a_received_message_is_leased_to_one_owner(scene: Scene) -> None:
    message_id = scene.taken()
    assert [m.id for m in scene.journal.claim_received(owner="a")] == [message_id]
    assert scene.journal.claim_received(owner="b") == []


def test_a_lease_ends_by_itself(scene: Scene) -> None:
    message_id = scene.taken()
    scene.journal.claim_received(owner="a")
    scene.clock.advance(by=LEASE)
    assert [m.id for m in scene.journal.claim_received(owner="b")] == [message_id]


def test_a_released_claim_can_be_claimed_again_at_once_or_later(scene: Scene) -> None:
    message_id = scene.taken()
    scene.journal.claim_received(owner="a")
    scene.journal.release_claim(message_id)
    assert len(scene.journal.claim_received(owner="b")) == 1
    scene.journal.release_claim(message_id, next_attempt_at=scene.clock.now() + timedelta(minutes=1))
    assert scene.journal.claim_received(owner="c") == []
    scene.clock.advance(60)
    assert len(scene.journal.claim_received(owner="c")) == 1


def test_received_messages_come_oldest_first_bounded_and_by_mailbox(scene: Scene) -> None:
    ids = [scene.taken(), scene.taken(), scene.taken(mailbox=OTHER_BOX), scene.taken()]
    assert [m.id for m in scene.journal.claim_received(owner="o", mailbox=OTHER_BOX)] == [ids[2]]
    assert [m.id for m in scene.journal.claim_received(owner="o", limit=2)] == ids[:2]
    assert [m.id for m in scene.journal.claim_received(owner="o")] == [ids[3]]


# --- freezing ---


def test_frozen_bytes_are_kept_and_due_now(scene: Scene) -> None:
    message = scene.message(scene.prepared())
    assert message.state is S.PREPARED
    assert message.next_attempt_at == scene.clock.now()
    assert message.header_message_id == "<1@exemple.mssante.fr>"
    assert message.payload_id is not None
    assert scene.journal.payload(message.payload_id) == b"MIME 1"
    assert (message.size_bytes, message.document_codes) == (6, ("11502-2",))


def test_one_submission_may_become_several_messages(scene: Scene) -> None:
    message_id = scene.taken()
    ids = scene.journal.freeze(message_id, [frozen(1, (TO,)), frozen(2, (CC,), document_ids=())])
    view = scene.journal.submission(submission(1).id)
    assert ids[0] == message_id
    assert [m.id for m in view.messages] == ids
    assert [[(r.address, r.kind) for r in m.recipients] for m in view.messages] == [
        [(TO, RecipientKind.TO)],
        [(CC, RecipientKind.CC)],
    ]
    found = scene.journal.earlier_message_for_document("2.25.1", BOX)
    assert found is not None
    assert found.id == message_id
    assert view.revision == sum(m.revision for m in view.messages)
    assert {m.deadline_at for m in view.messages} == {scene.deadline()}


def test_a_message_without_documents_can_be_frozen(scene: Scene) -> None:
    message_id = scene.taken()
    scene.journal.freeze(message_id, [frozen(1, document_ids=(), document_codes=())])
    assert scene.message(message_id).document_codes == ()


@pytest.mark.parametrize("served", [[], [()], [(TO,)], [(TO, CC, TO, BOX)], [(TO, CC), ()]])
def test_nobody_is_left_out_and_nobody_is_added(scene: Scene, served: list[tuple[object, ...]]) -> None:
    message_id = scene.taken()
    with pytest.raises(IllegalTransition):
        scene.journal.freeze(message_id, [frozen(n, people) for n, people in enumerate(served)])  # type: ignore[arg-type] # mixed tuple on purpose
    assert scene.state(message_id) is S.RECEIVED


def test_a_message_that_left_cannot_be_frozen_again(scene: Scene) -> None:
    message_id = scene.sent()
    with pytest.raises(IllegalTransition):
        scene.journal.freeze(message_id, [frozen(9)])


def test_two_messages_never_share_a_message_id(scene: Scene) -> None:
    scene.prepared()
    second = scene.taken()
    with pytest.raises(IntegrityError):
        scene.journal.freeze(second, [frozen(1)])
    assert scene.state(second) is S.RECEIVED


def test_freezing_what_is_not_there_is_told(scene: Scene) -> None:
    with pytest.raises(UnknownRow):
        scene.journal.freeze("nothing", [frozen()])


# --- claiming what is due ---


def test_claiming_starts_an_attempt(scene: Scene) -> None:
    message_id = scene.prepared()
    (message,) = scene.journal.claim_due(BOX, owner="o", limit=5)
    assert (message.id, message.state, message.attempts, message.data_begun) == (message_id, S.SENDING, 1, False)
    assert message == scene.message(message_id)
    assert scene.journal.claim_due(BOX, owner="p", limit=5) == []


def test_only_what_is_due_is_claimed_oldest_first(scene: Scene) -> None:
    late, early, other = scene.prepared(), scene.prepared(), scene.prepared(mailbox=OTHER_BOX)
    for message_id, minutes in ((late, 2), (early, 1)):
        scene.journal.record(message_id, E.RETRY, next_attempt_at=scene.clock.now() + timedelta(minutes=minutes))
    assert scene.journal.claim_due(BOX, owner="o", limit=5) == []
    assert scene.journal.next_due(BOX) == scene.clock.now() + timedelta(minutes=1)
    scene.clock.advance(120)
    assert [m.id for m in scene.journal.claim_due(BOX, owner="o", limit=1)] == [early]
    assert [m.id for m in scene.journal.claim_due(BOX, owner="o", limit=5)] == [late]
    assert [m.id for m in scene.journal.claim_due(OTHER_BOX, owner="o", limit=5)] == [other]
    assert scene.journal.next_due(BOX) is None


def test_content_may_only_leave_while_sending(scene: Scene) -> None:
    message_id = scene.sending()
    scene.journal.data_begun(message_id)
    assert scene.message(message_id).data_begun
    scene.journal.record(message_id, E.DEFER)
    with pytest.raises(IllegalTransition):
        scene.journal.data_begun(message_id)


# --- answers ---


def test_an_accepted_message_is_sent_with_its_answer_and_recipients(scene: Scene) -> None:
    message = scene.message(scene.sent())
    assert (message.state, message.answer) == (S.SENT, "250 2.0.0 queued as 4F")
    assert {(r.state, r.code, r.text) for r in message.recipients} == {(RecipientState.ACCEPTED, 250, "ok")}
    assert message.next_attempt_at is None


def test_one_bad_recipient_does_not_sink_the_others(scene: Scene) -> None:
    message_id = scene.sending()
    changes = [
        RecipientChange(TO, RecipientState.ACCEPTED, 250, "ok"),
        RecipientChange(CC, RecipientState.REFUSED, 550, "no such user"),
        RecipientChange(BOX, RecipientState.ACCEPTED, 250, "not a recipient"),
    ]
    scene.journal.record(message_id, E.ACCEPT, answer="250 ok", recipients=changes, code="OPERATEUR_REFUS")
    message = scene.message(message_id)
    assert [(r.address, r.state) for r in message.recipients] == [
        (TO, RecipientState.ACCEPTED),
        (CC, RecipientState.REFUSED),
    ]
    assert (message.state, message.code) == (S.SENT, "OPERATEUR_REFUS")


def test_a_deferred_message_comes_back_when_it_is_due(scene: Scene) -> None:
    message_id = scene.sending()
    again = scene.clock.now() + timedelta(seconds=30)
    state = scene.journal.record(message_id, E.DEFER, next_attempt_at=again, code="OPERATEUR_DIFFERE", detail="later")
    message = scene.message(message_id)
    assert state is S.PREPARED
    assert (message.next_attempt_at, message.code, message.detail) == (again, "OPERATEUR_DIFFERE", "later")
    scene.clock.advance(30)
    (claimed,) = scene.journal.claim_due(BOX, owner="o", limit=1)
    assert claimed.attempts == 2


def test_a_solved_problem_is_forgotten_and_the_last_answer_is_not(scene: Scene) -> None:
    message_id = scene.sending()
    scene.journal.record(message_id, E.DEFER, code="OPERATEUR_DIFFERE", detail="later", answer="451 later")
    scene.journal.record(message_id, E.RETRY)
    message = scene.message(message_id)
    assert (message.code, message.detail, message.answer) == (None, None, "451 later")


def test_an_illegal_transition_changes_nothing(scene: Scene) -> None:
    message_id = scene.sent()
    before, entries = scene.message(message_id), len(scene.journal.trace())
    with pytest.raises(IllegalTransition) as caught:
        scene.journal.record(message_id, E.CANCEL)
    assert caught.value.code == "TRANSITION"
    assert (scene.message(message_id), len(scene.journal.trace())) == (before, entries)


@pytest.mark.parametrize("event", [E.FREEZE, E.CLAIM])
def test_what_has_a_question_of_its_own_is_not_recorded(scene: Scene, event: OutgoingEvent) -> None:
    message_id = scene.taken() if event is E.FREEZE else scene.prepared()
    with pytest.raises(IllegalTransition):
        scene.journal.record(message_id, event)


def test_what_waits_says_what_for(scene: Scene) -> None:
    message_id = scene.held(WaitingFor.PIN)
    assert [m.id for m in scene.journal.waiting(BOX)] == [message_id]
    assert scene.journal.waiting(OTHER_BOX) == []
    assert scene.message(message_id).waiting_for is WaitingFor.PIN
    scene.journal.record(message_id, E.RESUME)
    assert scene.message(message_id).waiting_for is None


def test_holding_without_a_reason_is_refused(scene: Scene) -> None:
    message_id = scene.prepared()
    with pytest.raises(IllegalTransition):
        scene.journal.record(message_id, E.HOLD)


def test_news_about_a_recipient_do_not_change_the_plan(scene: Scene) -> None:
    message_id = scene.held(WaitingFor.PIN)
    changes = [RecipientChange(TO, RecipientState.DELIVERED)]
    assert scene.journal.record(message_id, E.RECEIPT_PARTIAL, recipients=changes) is S.WAITING
    message = scene.message(message_id)
    assert (message.waiting_for, message.code) == (WaitingFor.PIN, "AUTHENTIFICATION")
    other = scene.prepared()
    later = scene.clock.now() + timedelta(hours=1)
    scene.journal.record(other, E.RETRY, next_attempt_at=later)
    scene.journal.record(other, E.RECEIPT_PARTIAL)
    assert scene.message(other).next_attempt_at == later


def test_a_receipt_cannot_be_for_what_was_never_prepared(scene: Scene) -> None:
    message_id = scene.taken()
    scene.journal.record(message_id, E.CANCEL)
    with pytest.raises(IllegalTransition):
        scene.journal.record(message_id, E.RECEIPT_DELIVERED)


def test_a_receipt_settles_an_unknown_outcome(scene: Scene) -> None:
    message_id = scene.unknown()
    assert [m.id for m in scene.journal.unknown(BOX)] == [message_id]
    assert scene.journal.record(message_id, E.RECEIPT_PARTIAL) is S.OUTCOME_UNKNOWN  # about an earlier attempt
    assert scene.journal.record(message_id, E.RECEIPT_DELIVERED) is S.DELIVERED
    assert scene.journal.unknown(BOX) == []


def test_a_lookup_settles_an_unknown_outcome(scene: Scene) -> None:
    found, missing = scene.unknown(), scene.unknown()
    assert scene.journal.record(found, E.FOUND) is S.SENT
    assert scene.journal.record(missing, E.MISSING) is S.PREPARED


def test_losing_an_answer_means_that_content_had_begun(scene: Scene) -> None:
    message_id = scene.sending()
    scene.journal.record(message_id, E.LOSE)
    assert scene.message(message_id).data_begun


def test_a_person_who_tries_again_gets_a_new_deadline(scene: Scene) -> None:
    message_id = scene.prepared()
    scene.clock.advance(by=timedelta(hours=49))
    assert scene.journal.expire(scene.clock.now()) == 1
    scene.journal.record(message_id, E.RETRY)
    assert scene.message(message_id).deadline_at == scene.clock.now() + timedelta(hours=48)
    assert scene.journal.expire(scene.clock.now()) == 0


def test_long_texts_are_cut_and_not_refused(scene: Scene) -> None:
    message_id = scene.sending()
    changes = [RecipientChange(TO, RecipientState.REFUSED, 550, "t" * 5000)]
    scene.journal.record(message_id, E.REFUSE, detail="d" * 5000, answer="a" * 5000, recipients=changes)
    message = scene.message(message_id)
    assert len(message.detail or "") == len(message.answer or "") == len(message.recipients[0].text) == 500


def test_a_rejected_document_can_be_tried_again(scene: Scene) -> None:
    message_id = scene.taken()
    scene.journal.record(message_id, E.REJECT, code="CDA_INVALIDE")
    assert scene.journal.record(message_id, E.RETRY) is S.RECEIVED


# --- finding ---


def test_messages_are_found_by_message_id_and_envelope_id(scene: Scene) -> None:
    message_id = scene.prepared()
    by_header = scene.journal.by_header_message_id("<1@exemple.mssante.fr>")
    assert by_header is not None
    assert by_header.id == message_id
    assert scene.journal.by_header_message_id("<2@exemple.mssante.fr>") is None
    assert scene.journal.find_outgoing(message_id) == by_header
    assert scene.journal.find_outgoing("nothing") is None
    with pytest.raises(UnknownRow):
        scene.journal.outgoing("nothing")


def test_a_replacement_finds_the_newest_message_with_the_document(scene: Scene) -> None:
    ids = [scene.taken() for _ in range(3)]
    for number, message_id in enumerate(ids):
        scene.journal.freeze(message_id, [frozen(number, document_ids=("2.25.7", "2.25.8"))])
    scene.journal.record(ids[2], E.CANCEL)
    found = scene.journal.earlier_message_for_document("2.25.8", BOX)
    assert found is not None
    assert found.id == ids[1]
    assert scene.journal.earlier_message_for_document("2.25.8", OTHER_BOX) is None
    assert scene.journal.earlier_message_for_document("2.25.9", BOX) is None


# --- payloads and foreign rows ---


def test_a_payload_that_is_not_there_is_said_to_be_missing(scene: Scene) -> None:
    with pytest.raises(PayloadMissing) as caught:
        scene.journal.payload("nothing")
    assert caught.value.code == "PAYLOAD_ABSENT"


def test_a_letter_brings_the_frozen_bytes_and_what_the_lps_asked_for(scene: Scene) -> None:
    letter = scene.journal.letter(scene.prepared(options=SendOptions(delivery_receipt=False, urgent=True)))
    assert letter.content == b"MIME 1"
    assert (letter.options.delivery_receipt, letter.options.urgent) == (False, True)


def test_a_message_that_was_never_frozen_has_no_letter(scene: Scene) -> None:
    with pytest.raises(PayloadMissing):
        scene.journal.letter(scene.taken())


@pytest.mark.parametrize(("column", "value"), [("data", b"\0" * 64), ("sha256", "0" * 64)])
def test_altered_bytes_are_found(scene: Scene, column: str, value: object) -> None:
    message_id = scene.prepared()
    payload_id = scene.message(message_id).payload_id
    assert payload_id is not None
    raw = sqlite3.connect(scene.folder / "journal.sqlite")
    raw.execute("DROP TRIGGER guard_payloads_update")
    raw.execute(f"UPDATE payloads SET {column} = ? WHERE id = ?", (value, payload_id))
    raw.commit()
    raw.close()
    with pytest.raises(PayloadCorrupt):
        scene.journal.payload(payload_id)
    with pytest.raises(PayloadCorrupt):
        scene.journal.letter(message_id)


@pytest.mark.parametrize(
    ("table", "column"), [("messages", "state"), ("submissions", "source"), ("message_recipients", "kind")]
)
def test_a_word_of_a_newer_version_is_told_as_such(scene: Scene, table: str, column: str) -> None:
    message_id = scene.taken()
    with sqlite3.connect(scene.folder / "journal.sqlite") as raw:
        (before,) = raw.execute(f"SELECT {column} FROM {table}").fetchone()
        raw.execute(f"UPDATE {table} SET {column} = 'new'")
    with pytest.raises(JournalVersion) as caught:
        scene.journal.submission(submission(1).id)
    assert caught.value.code == "JOURNAL_VERSION"
    if table == "messages":
        assert scene.journal.violations() == [f"unknown state: {message_id}"]
    with sqlite3.connect(scene.folder / "journal.sqlite") as raw:
        raw.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = 'new'", (before,))
    raw.close()


def test_options_of_a_newer_version_are_told_as_such(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.journal.rows.asdict", lambda options: {"from_the_future": True})
    scene.taken()
    with pytest.raises(JournalVersion):
        scene.journal.submission(submission(1).id)


def test_times_survive_to_the_microsecond(scene: Scene) -> None:
    exact = EPOCH + timedelta(days=4000, microseconds=123457)
    message_id = scene.prepared()
    scene.journal.record(message_id, E.RETRY, next_attempt_at=exact)
    assert scene.message(message_id).next_attempt_at == exact
