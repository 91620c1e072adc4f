"""Sending: every answer of the operator leads to a state that a person understands, and nothing is sent twice."""

import asyncio
from collections.abc import Callable

import pytest

from connector.domain.errors import ConfigurationError, IllegalTransition, NeedsPerson, Unavailable
from connector.domain.states import OutgoingEvent, WaitingFor
from connector.domain.states import OutgoingState as S
from connector.domain.states import RecipientState as R
from connector.domain.submission import SendOptions
from connector.exchange import person
from connector.journal.records import Letter, RecipientChange
from connector.operators.base import Acceptance, OutgoingEnvelope, RecipientAnswer, SubmissionLimits
from connector.operators.errors import OperatorError, PermanentRefusal, TemporaryRefusal
from connector.sandbox.moods import MoodKind
from tests.exchange.exchange_scene import ALIX, BEA, LAB, NOBODY, Scene, disk_full

Answer = Exception | tuple[RecipientAnswer, ...]


class ScriptedSender:
    """Answers from a list; ``before_data`` are raised before the content, all else after it."""

    def __init__(self, *answers: Answer, begins_data: bool = True) -> None:
        self.answers = list(answers)
        self.begins_data = begins_data
        self.envelopes: list[OutgoingEnvelope] = []

    async def limits(self) -> SubmissionLimits:
        return SubmissionLimits(None, True)

    async def submit(self, envelope: OutgoingEnvelope, *, on_data: Callable[[], None]) -> Acceptance:
        self.envelopes.append(envelope)
        answer = self.answers.pop(0)
        if self.begins_data:
            on_data()
        await asyncio.sleep(0)
        if isinstance(answer, Exception):
            raise answer
        return Acceptance(250, "2.0.0 Ok: queued as Q1", answer)

    async def drop_stale(self) -> int:
        return 0

    async def close(self) -> None:
        pass


def accepted(*people: object) -> tuple[RecipientAnswer, ...]:
    return tuple(RecipientAnswer(address, 250, "2.1.5 Ok") for address in people)  # type: ignore[arg-type]


# --- the good case ---


def test_what_is_due_leaves_and_the_operators_answer_is_kept(scene: Scene) -> None:
    row = scene.frozen(ALIX, BEA)

    assert scene.send() == 1

    assert scene.state(row) is S.SENT
    assert scene.people(row) == {ALIX: R.ACCEPTED, BEA: R.ACCEPTED}
    assert (scene.message(row).answer or "").startswith("250 2.0.0 Ok: queued as Q")
    assert scene.message(row).code is None
    assert (
        scene.copies(ALIX, row)
        == scene.copies(BEA, row)
        == [scene.journal.payload(scene.message(row).payload_id or "")]
    )


def test_the_trace_names_server_and_answer_of_a_sending(scene: Scene) -> None:
    row = scene.frozen()
    scene.send()

    (entry,) = [e for e in scene.journal.trace(subject_id=row) if e.action == "send"]

    assert (entry.server, entry.outcome) == ("smtp.test TLSv1.2 FAKE", "sent")  # what was negotiated, too
    assert "queued as" in entry.answer


def test_the_envelope_asks_for_what_the_lps_wanted(scene: Scene) -> None:
    row = scene.frozen(options=SendOptions(delivery_receipt=False, allow_duplicate=True))
    scene.send()

    (envelope,) = scene.operator.accepted

    assert (envelope.delivery_receipt, envelope.envelope_id, envelope.sender) == (False, row, LAB)


def test_nothing_due_is_nothing_done(scene: Scene) -> None:
    assert scene.send() == 0


def test_until_the_operator_has_accepted_our_identity_one_message_leaves_at_a_time(scene: Scene) -> None:
    for _ in range(5):
        scene.frozen()

    assert [scene.send() for _ in range(3)] == [1, 4, 0]


# --- recipients apart ---


def test_one_refused_recipient_does_not_sink_the_other(scene: Scene) -> None:
    row = scene.frozen(ALIX, NOBODY)
    scene.send()

    assert scene.state(row) is S.SENT
    assert scene.people(row) == {ALIX: R.ACCEPTED, NOBODY: R.REFUSED}
    assert scene.message(row).code == "OPERATEUR_REFUS"
    assert [(r.code, r.text[:5]) for r in scene.message(row).recipients if r.address == NOBODY] == [(550, "5.1.1")]
    assert len(scene.copies(ALIX, row)) == 1


def test_a_postponed_recipient_gets_the_same_bytes_later_and_the_other_no_second_copy(scene: Scene) -> None:
    scene.operator.mood(MoodKind.DEFER_RECIPIENT, address=str(BEA), times=1)
    row = scene.frozen(ALIX, BEA)
    scene.send()
    assert scene.state(row) is S.PREPARED
    assert scene.people(row) == {ALIX: R.ACCEPTED, BEA: R.DEFERRED}
    assert scene.message(row).code == "OPERATEUR_DIFFERE"

    assert scene.send_later(29) == 0
    assert scene.send_later(1) == 1

    assert scene.state(row) is S.SENT
    assert scene.operator.accepted[1].recipients == (BEA,)
    assert scene.copies(BEA, row) == scene.copies(ALIX, row)
    assert len(scene.copies(ALIX, row)) == 1


def test_a_recipient_refused_in_an_earlier_attempt_is_still_told_when_the_last_one_is_accepted(scene: Scene) -> None:
    scene.operator.mood(MoodKind.DEFER_RECIPIENT, address=str(BEA), times=1)
    row = scene.frozen(ALIX, BEA, NOBODY)
    scene.send()

    scene.send_later()

    assert scene.state(row) is S.SENT
    assert scene.people(row) == {ALIX: R.ACCEPTED, BEA: R.ACCEPTED, NOBODY: R.REFUSED}
    assert scene.message(row).code == "OPERATEUR_REFUS"


def test_all_recipients_refused_is_failed_with_the_servers_answer(scene: Scene) -> None:
    row = scene.frozen(NOBODY)
    scene.send()

    assert (scene.state(row), scene.message(row).code) == (S.FAILED, "OPERATEUR_REFUS")
    assert scene.message(row).answer == "550 5.1.1 Recipient address rejected: mailbox unknown"
    assert scene.people(row) == {NOBODY: R.REFUSED}


def test_each_recipient_of_a_refused_message_keeps_its_own_answer(scene: Scene) -> None:
    answers = (RecipientAnswer(ALIX, 550, "5.1.1 unknown"), RecipientAnswer(BEA, 553, "5.7.1 not for you"))
    refusal = PermanentRefusal("OPERATEUR_REFUS", "all refused", answer="553 5.7.1", recipients=answers)
    scene.dispatcher = scene.new_dispatcher(ScriptedSender(refusal, begins_data=False))
    row = scene.frozen(ALIX, BEA)
    scene.send()

    assert [(r.state, r.code) for r in scene.message(row).recipients] == [(R.REFUSED, 550), (R.REFUSED, 553)]


def test_a_recipient_whose_content_was_refused_did_not_get_it(scene: Scene) -> None:
    refusal = PermanentRefusal("OPERATEUR_REFUS", "content", answer="554 5.6.0 no", recipients=accepted(ALIX, BEA))
    scene.dispatcher = scene.new_dispatcher(ScriptedSender(refusal))
    row = scene.frozen(ALIX, BEA)
    scene.send()

    assert scene.people(row) == {ALIX: R.REFUSED, BEA: R.REFUSED}
    assert {r.text for r in scene.message(row).recipients} == {"554 5.6.0 no"}
    assert person.retry(scene.journal, scene.clock, scene.submission_of(row), actor="p") == 1
    assert scene.people(row) == {ALIX: R.PENDING, BEA: R.PENDING}


# --- the content ---


def test_content_refused_for_now_is_sent_after_growing_pauses(scene: Scene) -> None:
    scene.operator.mood(MoodKind.DEFER_CONTENT, times=3)
    row = scene.frozen()
    pauses = []
    for _ in range(3):
        scene.send()
        assert (scene.state(row), scene.message(row).code) == (S.PREPARED, "OPERATEUR_DIFFERE")
        due = scene.message(row).next_attempt_at
        assert due is not None
        pauses.append((due - scene.clock.now()).total_seconds())
        scene.clock.advance(pauses[-1])

    scene.send()

    assert pauses == [30, 60, 120]
    assert (scene.state(row), scene.message(row).code) == (S.SENT, None)
    assert len(scene.copies(ALIX, row)) == 1


def test_content_refused_for_good_is_failed_with_the_servers_answer(scene: Scene) -> None:
    scene.operator.mood(MoodKind.REFUSE_CONTENT)
    row = scene.frozen()
    scene.send()

    assert (scene.state(row), scene.message(row).answer) == (S.FAILED, "554 5.6.0 Message content rejected")
    assert scene.copies(ALIX, row) == []
    assert scene.send_later() == 0


def test_after_the_deadline_it_has_failed_and_is_tried_no_more(scene: Scene) -> None:
    scene.operator.mood(MoodKind.DEFER_CONTENT)
    row = scene.frozen()
    scene.send()
    scene.clock.advance(48 * 3600)

    assert scene.journal.expire(scene.clock.now()) == 1

    assert (scene.state(row), scene.message(row).code) == (S.FAILED, "DELAI_DEPASSE")
    assert scene.send() == 0


def test_at_the_deadline_those_who_have_it_and_those_who_do_not_are_told_apart(scene: Scene) -> None:
    scene.operator.mood(MoodKind.DEFER_RECIPIENT, address=str(BEA))
    row = scene.frozen(ALIX, BEA)
    scene.send()
    scene.clock.advance(48 * 3600)
    scene.journal.expire(scene.clock.now())

    assert scene.state(row) is S.FAILED
    assert scene.people(row) == {ALIX: R.ACCEPTED, BEA: R.DEFERRED}


# --- the connection ---


def test_without_connection_the_whole_mailbox_pauses_and_nothing_is_lost(scene: Scene) -> None:
    rows = [scene.frozen() for _ in range(3)]
    scene.operator.online = False

    assert [scene.send() for _ in range(4)] == [1, 0, 0, 0]
    assert scene.dispatcher.pause_seconds() == 30
    assert [scene.state(row) for row in rows] == [S.PREPARED] * 3
    assert scene.message(rows[0]).code == "OPERATEUR_INJOIGNABLE"

    scene.operator.online = True
    assert scene.send_later(30) == 1
    while scene.send():
        pass
    assert [scene.state(row) for row in rows] == [S.SENT] * 3
    assert [len(scene.copies(ALIX, row)) for row in rows] == [1, 1, 1]
    assert scene.dispatcher.pause_seconds() == 0


def test_the_pauses_of_a_mailbox_without_connection_grow_up_to_the_cap(scene: Scene) -> None:
    scene.frozen()
    scene.operator.online = False
    pauses = []
    for _ in range(9):
        scene.clock.advance(scene.dispatcher.pause_seconds())
        scene.send()
        pauses.append(scene.dispatcher.pause_seconds())

    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_what_hinders_the_mailbox_is_told_until_something_leaves(scene: Scene) -> None:
    scene.frozen()
    scene.operator.online = False
    scene.send()
    assert scene.dispatcher.last_failure is not None
    assert scene.dispatcher.last_failure.code == "OPERATEUR_INJOIGNABLE"

    scene.operator.online = True
    scene.send_later(30)

    assert scene.dispatcher.last_failure is None


# --- the identity ---


def test_after_a_refused_identity_nothing_of_the_mailbox_is_tried_until_a_person_says_so(scene: Scene) -> None:
    scene.operator.mood(MoodKind.REFUSE_IDENTITY, times=1)
    first, second = scene.frozen(), scene.frozen()

    assert [scene.send(), scene.send_later(), scene.send_later(86_000)] == [1, 0, 0]
    assert (scene.state(first), scene.message(first).waiting_for) == (S.WAITING, WaitingFor.CREDENTIALS)
    assert scene.message(first).code == "AUTHENTIFICATION"
    assert scene.state(second) is S.PREPARED
    assert scene.dispatcher.is_blocked()

    person.retry(scene.journal, scene.clock, scene.submission_of(first), actor="person")
    while scene.send():
        pass
    assert (scene.state(first), scene.state(second)) == (S.SENT, S.SENT)


def test_a_restart_does_not_forget_that_the_identity_was_refused(scene: Scene) -> None:
    scene.operator.mood(MoodKind.REFUSE_IDENTITY)
    scene.frozen()
    scene.frozen()
    scene.send()

    scene.dispatcher = scene.new_dispatcher()

    assert scene.send_later() == 0


def test_an_identity_that_is_refused_again_is_tried_with_one_message_only(scene: Scene) -> None:
    rows = [scene.frozen() for _ in range(3)]
    scene.send()
    scene.operator.mood(MoodKind.REFUSE_IDENTITY)
    late = [scene.frozen() for _ in range(3)]
    scene.send()
    for row in [*rows, *late]:
        if scene.state(row) is S.WAITING:
            person.retry(scene.journal, scene.clock, scene.submission_of(row), actor="person")

    assert scene.send() == 1
    assert scene.send() == 0


def test_a_missing_pin_makes_the_message_wait_for_a_person(scene: Scene) -> None:
    scene.dispatcher = scene.new_dispatcher(ScriptedSender(NeedsPerson("PIN_ATTENDU", "no PIN"), begins_data=False))
    row = scene.frozen()
    scene.send()

    assert (scene.state(row), scene.message(row).waiting_for) == (S.WAITING, WaitingFor.CREDENTIALS)


# --- lost answers and faults of our own ---


@pytest.mark.parametrize("mood", [MoodKind.CUT_IN_DATA, MoodKind.CUT_AFTER_DATA])
def test_a_lost_answer_is_neither_sent_nor_failed_and_nothing_leaves_by_itself(scene: Scene, mood: MoodKind) -> None:
    scene.operator.mood(mood, times=1)
    row = scene.frozen()
    scene.send()
    before = len(scene.operator.accepted)

    assert (scene.state(row), scene.message(row).code) == (S.OUTCOME_UNKNOWN, "ISSUE_INCONNUE")
    assert [scene.send_later() for _ in range(50)] == [0] * 50
    assert scene.journal.expire(scene.clock.now()) == 0
    assert len(scene.operator.accepted) == before


def test_a_journal_that_cannot_commit_lets_no_content_leave(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    row = scene.frozen()

    def full(_: str) -> None:
        raise disk_full()

    with monkeypatch.context() as broken:
        broken.setattr(type(scene.journal), "data_begun", lambda self, row_id: full(row_id))
        scene.send()
    assert scene.copies(ALIX, row) == []
    assert (scene.state(row), scene.message(row).code) == (S.PREPARED, "DISQUE_PLEIN")

    scene.send_later(30)
    assert scene.state(row) is S.SENT


def test_an_answer_that_could_not_be_stored_becomes_an_unknown_outcome_not_a_second_copy(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = scene.frozen()

    def full(*_: object, **__: object) -> None:
        raise disk_full()

    with monkeypatch.context() as broken:
        broken.setattr(type(scene.journal), "record", full)
        with pytest.raises(Unavailable):
            scene.send()

    assert scene.send_later() == 0
    assert scene.state(row) is S.OUTCOME_UNKNOWN
    assert len(scene.copies(ALIX, row)) == 1


def test_a_crash_of_one_attempt_lets_the_others_finish_and_does_not_strand_it(scene: Scene) -> None:
    first = scene.frozen()
    sender = ScriptedSender(accepted(ALIX), KeyError("unforeseen"), accepted(ALIX), begins_data=False)
    scene.dispatcher = scene.new_dispatcher(sender)
    scene.send()
    crashing, fine = scene.frozen(), scene.frozen()

    with pytest.raises(KeyError):
        scene.send()

    assert [scene.state(row) for row in (first, fine)] == [S.SENT, S.SENT]
    sender.answers.append(accepted(ALIX))
    scene.send()
    assert scene.state(crashing) is S.SENT


def test_a_new_dispatcher_takes_up_what_a_dead_one_left(scene: Scene) -> None:
    before_data, after_data = scene.frozen(), scene.frozen()
    scene.journal.claim_due(LAB, owner="test", limit=2)
    scene.journal.data_begun(after_data)

    scene.dispatcher = scene.new_dispatcher()
    scene.send()

    assert (scene.state(before_data), scene.state(after_data)) == (S.SENT, S.OUTCOME_UNKNOWN)


def test_bytes_that_are_gone_fail_the_message_instead_of_blocking_the_mailbox(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, other = scene.frozen(), scene.frozen()
    gone = IllegalTransition("PAYLOAD_ABSENT", "dropped")
    read = scene.journal.letter

    def letter(message_id: str) -> Letter:
        if message_id == row:
            raise gone
        return read(message_id)

    monkeypatch.setattr(scene.journal, "letter", letter)
    scene.send()
    scene.send()

    assert (scene.state(row), scene.message(row).code) == (S.FAILED, "PAYLOAD_ABSENT")
    assert scene.state(other) is S.SENT


def test_when_everybody_has_it_already_nothing_more_leaves(scene: Scene) -> None:
    scene.operator.mood(MoodKind.DEFER_RECIPIENT, address=str(BEA), times=1)
    row = scene.frozen(ALIX, BEA)
    scene.send()
    scene.journal.record(row, OutgoingEvent.RECEIPT_PARTIAL, recipients=[RecipientChange(BEA, R.DELIVERED)])

    scene.send_later()

    assert scene.state(row) is S.SENT
    assert len(scene.operator.accepted) == 1


def test_a_temporary_refusal_of_all_recipients_is_told_for_each(scene: Scene) -> None:
    answers = (RecipientAnswer(ALIX, 451, "4.7.1 later"), RecipientAnswer(BEA, 550, "5.1.1 unknown"))
    refusal = TemporaryRefusal("OPERATEUR_DIFFERE", "none now", answer="451 4.7.1 later", recipients=answers)
    sender = ScriptedSender(refusal, accepted(ALIX), begins_data=False)
    scene.dispatcher = scene.new_dispatcher(sender)
    row = scene.frozen(ALIX, BEA)
    scene.send()
    assert scene.people(row) == {ALIX: R.DEFERRED, BEA: R.REFUSED}

    scene.send_later()

    assert sender.envelopes[1].recipients == (ALIX,)
    assert (scene.state(row), scene.message(row).code) == (S.SENT, "OPERATEUR_REFUS")


def test_content_refused_for_now_does_not_count_as_accepted_by_anybody(scene: Scene) -> None:
    refusal = TemporaryRefusal("OPERATEUR_DIFFERE", "content", answer="451 4.3.0", recipients=accepted(ALIX, BEA))
    scene.dispatcher = scene.new_dispatcher(ScriptedSender(refusal, accepted(ALIX, BEA)))
    row = scene.frozen(ALIX, BEA)
    scene.send()
    assert R.ACCEPTED not in scene.people(row).values()

    scene.send_later()

    assert scene.people(row) == {ALIX: R.ACCEPTED, BEA: R.ACCEPTED}


def test_every_error_of_an_operator_leads_somewhere(scene: Scene) -> None:
    kinds: list[type[OperatorError]] = [OperatorError, *OperatorError.__subclasses__()]
    for kind in kinds:
        scene.dispatcher = scene.new_dispatcher(ScriptedSender(kind("OPERATEUR_REFUS", "x"), begins_data=False))
        row = scene.frozen()
        scene.send()
        assert scene.state(row) in (S.PREPARED, S.FAILED, S.WAITING, S.OUTCOME_UNKNOWN), kind
        if scene.state(row) in (S.PREPARED, S.WAITING):
            person.cancel(scene.journal, scene.clock, scene.submission_of(row), actor="person")


def test_a_person_who_says_so_ends_the_pause_of_a_mailbox(scene: Scene) -> None:
    row = scene.frozen()
    scene.operator.online = False
    scene.send()
    scene.operator.online = True
    person.retry(scene.journal, scene.clock, scene.submission_of(row), actor="person")
    assert scene.send() == 0

    scene.dispatcher.forget_pause()

    assert scene.send() == 1
    assert scene.state(row) is S.SENT


# --- what may be tried again without a person ---


def test_a_refused_certificate_is_shown_again_after_a_quarter_of_an_hour_by_one_message(scene: Scene) -> None:
    scene.dispatcher.may_try_identity_again = True
    scene.operator.mood(MoodKind.REFUSE_IDENTITY, times=2)
    first, second = scene.frozen(), scene.frozen()

    assert [scene.send(), scene.send_later(600), scene.send_later(400)] == [1, 0, 1]
    assert {scene.state(first), scene.state(second)} == {S.WAITING, S.PREPARED}
    scene.clock.advance(1000)
    while scene.send():
        pass
    assert (scene.state(first), scene.state(second)) == (S.SENT, S.SENT)


def test_a_wrong_setting_blocks_the_mailbox_and_is_looked_at_again_even_with_a_password(scene: Scene) -> None:
    failure = ConfigurationError("CERTIFICAT_EXPIRE", "expired")
    scene.dispatcher = scene.new_dispatcher(ScriptedSender(failure, failure, begins_data=False))
    row, other = scene.frozen(), scene.frozen()

    assert [scene.send(), scene.send_later(60)] == [1, 0]
    assert (scene.message(row).waiting_for, scene.state(other)) == (WaitingFor.SETTINGS, S.PREPARED)
    assert scene.send_later(1000) == 1


def test_the_trace_names_the_identity_that_the_operator_knew(scene: Scene) -> None:
    scene.dispatcher.actor = "CN of the certificate"
    row = scene.frozen()
    scene.send()

    assert [e.actor for e in scene.journal.trace(subject_id=row) if e.action == "send"] == ["CN of the certificate"]
