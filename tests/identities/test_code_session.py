"""Login, password, one-time code: the table, the pauses, and that nothing is ever said twice to the operator."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, NeedsPerson, Unavailable
from connector.domain.states import WaitingFor
from connector.identities.code import (
    CODE_STATES,
    MOST_REFUSALS,
    Challenge,
    CodeEvent,
    CodeRefused,
    CodeSession,
    CodeSessions,
    CodeState,
    SessionGrant,
    next_code_state,
)
from connector.testing.clock import EPOCH, FakeClock

S = CodeState
ME = MailboxAddress("dr.modele", "cabinet.mssante.test")


class Operator:
    """A double of the two calls: answers from lists, and remembers every word."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str]] = []
        self.finished: list[str] = []
        self.at_start: list[Exception] = []
        self.at_finish: list[Exception] = []
        self.challenge = Challenge(sent_to="06 ** ** ** 12")
        self.grant = SessionGrant(session="cookies")

    def start(self, login: str, password: str) -> Challenge:
        self.started.append((login, password))
        if self.at_start:
            raise self.at_start.pop(0)
        return self.challenge

    def finish(self, code: str) -> SessionGrant:
        self.finished.append(code)
        if self.at_finish:
            raise self.at_finish.pop(0)
        return self.grant


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def operator() -> Operator:
    return Operator()


@pytest.fixture
def session(operator: Operator, clock: FakeClock) -> CodeSession:
    return CodeSession(operator, clock)


def started(session: CodeSession) -> CodeState:
    return session.start("899700012345", "s3cret").state


def code_of(work: object) -> str:
    assert callable(work)
    with pytest.raises(ConnectorError) as failure:
        work()
    return failure.value.code


def test_every_state_and_event_leads_somewhere() -> None:
    assert set(CODE_STATES) == set(CodeState)
    for state in CodeState:
        for event in CodeEvent:
            assert next_code_state(state, event) in CodeState


def test_a_session_only_opens_with_a_code_that_was_expected() -> None:
    ways = [(state, event) for state in S for event in CodeEvent if next_code_state(state, event) is S.OPEN]
    assert [way for way in ways if way[0] is not S.OPEN] == [(S.CODE_EXPECTED, CodeEvent.GRANT)]


def test_a_locked_session_opens_up_with_the_word_of_a_person_only() -> None:
    assert {event for event in CodeEvent if next_code_state(S.LOCKED, event) is not S.LOCKED} == {CodeEvent.UNLOCK}


def test_start_and_code_open_a_session(session: CodeSession, operator: Operator) -> None:
    assert (session.status().state, session.needs_person()) == (S.NEEDS_START, WaitingFor.CODE)
    status = session.start("899700012345", "s3cret")
    assert (status.state, status.sent_to) == (S.CODE_EXPECTED, "06 ** ** ** 12")
    assert status.expires_at == EPOCH + timedelta(seconds=240)
    assert session.needs_person() is WaitingFor.CODE
    assert session.give(" 123 456 ").state is S.OPEN
    assert session.needs_person() is None
    assert session.grant() == operator.grant
    assert (operator.started, operator.finished) == ([("899700012345", "s3cret")], ["123456"])


def test_the_operators_own_times_count(session: CodeSession, operator: Operator, clock: FakeClock) -> None:
    operator.challenge = Challenge(expires_at=EPOCH + timedelta(seconds=60))
    operator.grant = SessionGrant(expires_at=EPOCH + timedelta(hours=2))
    started(session)
    clock.advance(59)
    assert session.give("123456").expires_at == EPOCH + timedelta(hours=2)
    clock.advance(by=timedelta(hours=2))
    assert (session.status().state, session.needs_person()) == (S.EXPIRED, WaitingFor.CODE)
    assert code_of(session.grant) == "CODE_ATTENDU"


def test_an_open_session_is_not_started_again(session: CodeSession, operator: Operator) -> None:
    started(session)
    session.give("123456")
    assert started(session) is S.OPEN
    assert len(operator.started) == 1


def test_a_code_that_is_typed_too_late_is_not_given(
    session: CodeSession, operator: Operator, clock: FakeClock
) -> None:
    started(session)
    clock.advance(240)
    assert code_of(lambda: session.give("123456")) == "CODE_PERIME"
    assert (session.status().state, operator.finished) == (S.EXPIRED, [])


@pytest.mark.parametrize("typed", ["", "12", "12345a", "12345678901", "１２３４", "١٢٣٤٥٦", "123456\x00"])
def test_what_is_no_code_is_not_given_and_spends_nothing(
    session: CodeSession, operator: Operator, typed: str
) -> None:
    started(session)
    assert code_of(lambda: session.give(typed)) == "CODE_FORMAT"
    assert operator.finished == []
    assert session.give("123456").state is S.OPEN


def test_a_code_that_nobody_waits_for_is_not_given(session: CodeSession, operator: Operator) -> None:
    assert code_of(lambda: session.give("123456")) == "CODE_NON_DEMANDE"
    assert operator.finished == []


def test_a_refused_code_is_never_given_again_even_for_a_new_challenge(
    session: CodeSession, operator: Operator, clock: FakeClock
) -> None:
    operator.at_finish = [CodeRefused("CODE_REFUSE", "no")]
    started(session)
    assert code_of(lambda: session.give("123456")) == "CODE_REFUSE"
    assert (session.status().state, session.status().code) == (S.REFUSED, "CODE_REFUSE")
    assert code_of(lambda: session.give("654321")) == "CODE_NON_DEMANDE"
    clock.advance(60)
    started(session)
    assert code_of(lambda: session.give("123456")) == "CODE_DEJA_DONNE"
    assert session.give("654321").state is S.OPEN
    assert operator.finished == ["123456", "654321"]


def test_a_code_whose_answer_was_lost_is_spent(session: CodeSession, operator: Operator, clock: FakeClock) -> None:
    operator.at_finish = [Unavailable("OPERATEUR_INJOIGNABLE", "cut")]
    started(session)
    assert code_of(lambda: session.give("123456")) == "CODE_INCERTAIN"
    assert (session.status().state, session.status().code) == (S.EXPIRED, "CODE_INCERTAIN")
    assert code_of(lambda: session.give("123456")) == "CODE_NON_DEMANDE"
    clock.advance(30)
    assert started(session) is S.CODE_EXPECTED
    assert operator.finished == ["123456"]


def test_an_operator_that_does_not_answer_the_start_changes_nothing_but_the_pause(
    session: CodeSession, operator: Operator, clock: FakeClock
) -> None:
    operator.at_start = [Unavailable("OPERATEUR_INJOIGNABLE", "cut")]
    assert code_of(lambda: started(session)) == "OPERATEUR_INJOIGNABLE"
    assert session.status().state is S.NEEDS_START
    assert code_of(lambda: started(session)) == "CODE_TROP_TOT"
    clock.advance(30)
    assert started(session) is S.CODE_EXPECTED


def test_pauses_between_starts_grow_with_each_refusal(
    session: CodeSession, operator: Operator, clock: FakeClock
) -> None:
    operator.at_start = [CodeRefused("IDENTIFIANTS_REFUSES", "no")] * 2
    pauses = []
    for _ in range(2):
        assert code_of(lambda: started(session)) == "IDENTIFIANTS_REFUSES"
        start_at = session.status().start_at
        assert start_at is not None
        pauses.append((start_at - clock.now()).total_seconds())
        clock.advance(pauses[-1] - 1)
        assert code_of(lambda: started(session)) == "CODE_TROP_TOT"
        clock.advance(1)
    assert pauses == [60, 120]
    assert started(session) is S.CODE_EXPECTED
    session.give("123456")
    session.close()
    clock.advance(30)
    assert started(session) is S.CODE_EXPECTED


def test_after_some_refusals_in_a_row_nothing_more_is_said_until_a_person_unlocks(
    session: CodeSession, operator: Operator, clock: FakeClock
) -> None:
    operator.at_start = [CodeRefused("IDENTIFIANTS_REFUSES", "no")] * MOST_REFUSALS
    for _ in range(MOST_REFUSALS):
        assert code_of(lambda: started(session)) == "IDENTIFIANTS_REFUSES"
        clock.advance(3600)
    assert session.status().state is S.LOCKED
    assert code_of(lambda: started(session)) == "CODE_VERROUILLE"
    session.close()
    assert session.status().state is S.LOCKED
    assert len(operator.started) == MOST_REFUSALS
    session.unlock()
    assert started(session) is S.CODE_EXPECTED


def test_a_blocked_account_locks_at_once(session: CodeSession, operator: Operator, clock: FakeClock) -> None:
    operator.at_start = [CodeRefused("COMPTE_BLOQUE", "error 22", is_final=True)]
    assert code_of(lambda: started(session)) == "COMPTE_BLOQUE"
    clock.advance(by=timedelta(days=1))
    assert code_of(lambda: started(session)) == "CODE_VERROUILLE"
    assert (session.status().code, len(operator.started)) == ("COMPTE_BLOQUE", 1)


def test_unlocking_what_is_not_locked_keeps_the_pause(session: CodeSession) -> None:
    started(session)
    session.unlock()
    assert code_of(lambda: started(session)) == "CODE_TROP_TOT"


def test_while_the_operator_is_asked_nobody_else_asks_and_everybody_may_look(clock: FakeClock) -> None:
    asked, go_on = threading.Event(), threading.Event()

    class Slow(Operator):
        def start(self, login: str, password: str) -> Challenge:
            asked.set()
            assert go_on.wait(20)
            return super().start(login, password)

    session = CodeSession(Slow(), clock)
    thread = threading.Thread(target=started, args=(session,))
    thread.start()
    assert asked.wait(20)
    assert code_of(lambda: started(session)) == "CODE_EN_COURS"
    assert code_of(lambda: session.give("123456")) == "CODE_EN_COURS"
    assert session.status().state is S.NEEDS_START
    go_on.set()
    thread.join()
    assert session.status().state is S.CODE_EXPECTED


def test_whoever_waits_is_told_of_each_change(session: CodeSession, operator: Operator, clock: FakeClock) -> None:
    sessions, heard = CodeSessions(), list[tuple[MailboxAddress, CodeState]]()
    sessions.add(ME, session)
    sessions.subscribe(lambda mailbox: heard.append((mailbox, session.status().state)))
    operator.at_finish = [CodeRefused("CODE_REFUSE", "no"), Unavailable("X", "cut")]
    started(session)
    code_of(lambda: session.give("1111"))
    clock.advance(60)
    started(session)
    code_of(lambda: session.give("2222"))
    clock.advance(60)
    started(session)
    session.give("3333")
    session.close()
    assert [state for _, state in heard] == [
        S.CODE_EXPECTED, S.REFUSED, S.CODE_EXPECTED, S.EXPIRED, S.CODE_EXPECTED, S.OPEN, S.NEEDS_START,
    ]  # fmt: skip
    assert {mailbox for mailbox, _ in heard} == {ME}
    assert sessions.find(ME) is session
    assert sessions.find(MailboxAddress("x", "y.test")) is None


def test_a_refusal_is_a_waiting_for_a_code() -> None:
    refusal = CodeRefused("CODE_REFUSE", "no")
    assert isinstance(refusal, NeedsPerson)
    assert refusal.waiting_for is WaitingFor.CODE


def test_nothing_that_is_shown_holds_login_password_or_code(session: CodeSession) -> None:
    started(session)
    status = session.give("123456")
    shown = f"{session!r} {status!r} {session.grant()!r}"
    assert not any(secret in shown for secret in ("899700012345", "s3cret", "123456", "cookies"))


class Session(RuleBasedStateMachine):
    """Whatever happens in whatever order: no code twice, no start too early, no open session without a code."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.operator = Operator()
        self.session = CodeSession(self.operator, self.clock)
        self.starts: list[datetime] = []
        self.granted = False

    @rule(refusal=st.sampled_from([None, "IDENTIFIANTS_REFUSES", "COMPTE_BLOQUE", "cut"]))
    def start(self, refusal: str | None) -> None:
        self.operator.at_start = _failures(refusal)
        before, was = len(self.operator.started), self.session.status().state
        code = _outcome(lambda: started(self.session))
        if len(self.operator.started) > before:
            assert was not in (S.LOCKED, S.OPEN)
            assert code == {None: "", "cut": "OPERATEUR_INJOIGNABLE"}.get(refusal, refusal)
            self.starts.append(self.clock.now())

    @rule(digits=st.integers(1000, 1004), refusal=st.sampled_from([None, "CODE_REFUSE", "COMPTE_BLOQUE", "cut"]))
    def give(self, digits: int, refusal: str | None) -> None:
        self.operator.at_finish = _failures(refusal)
        before, was = len(self.operator.finished), self.session.status().state
        code = _outcome(lambda: self.session.give(str(digits)))
        was_said = len(self.operator.finished) > before
        self.granted = not code or (self.granted and not was_said)
        assert was_said <= (was is S.CODE_EXPECTED)

    @rule(seconds=st.sampled_from([1, 30, 100, 240, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def close(self) -> None:
        self.session.close()
        self.granted = False

    @precondition(lambda self: self.session.status().state is S.LOCKED)
    @rule()
    def unlock(self) -> None:
        self.session.unlock()
        self.starts.clear()  # the person takes the responsibility

    @invariant()
    def no_code_is_given_twice(self) -> None:
        assert len(set(self.operator.finished)) == len(self.operator.finished)

    @invariant()
    def starts_keep_their_distance(self) -> None:
        pauses = [(b - a).total_seconds() for a, b in zip(self.starts, self.starts[1:], strict=False)]
        assert all(pause >= 30 for pause in pauses)

    @invariant()
    def it_is_open_only_after_a_code_was_accepted(self) -> None:
        assert (self.session.needs_person() is None) == self.granted


def _outcome(work: Callable[[], object]) -> str:
    """The code of what was raised; empty when nothing was."""
    try:
        work()
    except ConnectorError as error:
        return error.code
    return ""


def _failures(refusal: str | None) -> list[Exception]:
    if refusal is None:
        return []
    if refusal == "cut":
        return [Unavailable("OPERATEUR_INJOIGNABLE", "cut")]
    return [CodeRefused(refusal, "no", is_final=refusal == "COMPTE_BLOQUE")]


TestSessionInAnyOrder = Session.TestCase
