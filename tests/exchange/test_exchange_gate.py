"""A card, a PIN, a token or a secret is missing: everything waits without a word to the operator, then goes on."""

import asyncio
import contextlib
import shutil
import ssl
import tempfile
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError, ConnectorError, IllegalTransition, NeedsPerson, Unavailable
from connector.domain.states import OutgoingEvent, WaitingFor
from connector.domain.states import OutgoingState as S
from connector.exchange import person
from connector.identities import (
    Identity,
    IdentityServices,
    IdentityUnavailable,
    SaslCredentials,
    TokenStore,
    make_identity,
    plain,
)
from connector.operators.base import Acceptance, OutgoingEnvelope, SubmissionLimits
from connector.operators.errors import LoginDeferred
from connector.sandbox.moods import MoodKind
from connector.settings.model import IdentitySettings, SecretRef
from tests.exchange.exchange_scene import ALIX, LAB, Scene

W = WaitingFor


class Holder:
    """An identity in the hand of the test."""

    label = "Dr Alix EXEMPLE"

    def __init__(self, missing: ConnectorError | None = None) -> None:
        self.missing = missing
        self.sessions = "1"

    def revision(self) -> str:
        return self.sessions

    def apply_to(self, context: ssl.SSLContext) -> None: ...

    def sasl(self) -> SaslCredentials:
        if self.missing is not None:
            raise self.missing
        return plain("x", "secret")

    def needs_person(self) -> WaitingFor | None:
        if self.missing is None:
            return None
        if isinstance(self.missing, ConfigurationError):
            return W.SETTINGS
        return getattr(self.missing, "waiting_for", W.CREDENTIALS)


NO_CARD = IdentityUnavailable("CARTE_ABSENTE", "no card", W.CARD)
NO_PIN = IdentityUnavailable("PIN", "no PIN", W.PIN)
LOCKED = Unavailable("SECRET_INDISPONIBLE", "the key store is locked")
EXPIRED = ConfigurationError("CERTIFICAT_EXPIRE", "expired")
MISSING = [
    (NO_CARD, W.CARD), (NO_PIN, W.PIN), (LOCKED, W.CREDENTIALS), (EXPIRED, W.SETTINGS),
    (IdentityUnavailable("CODE_ATTENDU", "no code", W.CODE), W.CODE),
    (IdentityUnavailable("JETON_ABSENT", "no token", W.TOKEN), W.TOKEN),
]  # fmt: skip


def no_secret(_: SecretRef) -> str:
    raise AssertionError("no secret is needed")


@pytest.fixture
def tokens(scene: Scene) -> TokenStore:
    return TokenStore(scene.clock)


@pytest.fixture
def token_scene(scene: Scene, tokens: TokenStore) -> Scene:
    """The laboratory sends with tokens."""
    scene.dispatcher = scene.new_dispatcher(identity=token_identity(scene, tokens))
    return scene


def token_identity(scene: Scene, tokens: TokenStore) -> Identity:
    services = IdentityServices(read_secret=no_secret, clock=scene.clock, tokens=tokens)
    return make_identity(IdentitySettings.model_validate({"auth": "xoauth2"}), LAB, services)


def held(scene: Scene, identity: Identity, *, count: int = 3) -> list[str]:
    """So many messages for somebody who is not ready."""
    scene.dispatcher = scene.new_dispatcher(identity=identity)
    return [scene.frozen() for _ in range(count)]


def waits(scene: Scene, row: str) -> tuple[S, WaitingFor | None, str | None, int]:
    message = scene.message(row)
    return message.state, message.waiting_for, message.code, message.attempts


def send_all(scene: Scene) -> None:
    while scene.send():
        pass


@pytest.mark.parametrize(("missing", "waiting_for"), MISSING, ids=[code.code for code, _ in MISSING])
def test_everything_that_is_due_waits_alike_without_an_attempt_and_goes_on_by_itself(
    scene: Scene, missing: ConnectorError, waiting_for: WaitingFor
) -> None:
    holder = Holder(missing)
    rows = held(scene, holder)

    assert [scene.send(), scene.send(), scene.send_later()] == [3, 0, 0]
    assert [waits(scene, row) for row in rows] == [(S.WAITING, waiting_for, missing.code, 0)] * 3
    assert scene.operator.shown_secrets == []
    assert scene.dispatcher.hindered_by is missing

    holder.missing = None
    assert scene.send() == 4  # three are let go, one shows the identity first
    send_all(scene)
    assert [waits(scene, row) for row in rows] == [(S.SENT, None, None, 1)] * 3
    assert [len(scene.copies(ALIX, row)) for row in rows] == [1, 1, 1]
    assert scene.dispatcher.hindered_by is None


def test_the_trace_says_what_it_waited_for_and_who_sent_it(scene: Scene) -> None:
    holder = Holder(NO_CARD)
    (row,) = held(scene, holder, count=1)
    scene.send()
    holder.missing = None
    scene.send()

    told = [(entry.action, entry.outcome) for entry in scene.journal.trace(subject_id=row)]
    assert ("hold", "waiting CARTE_ABSENTE") in told
    assert ("resume", "prepared") in told
    assert [e.actor for e in scene.journal.trace(subject_id=row) if e.action == "send"] == ["Dr Alix EXEMPLE"]


def test_what_is_not_due_yet_does_not_wait_for_it(scene: Scene) -> None:
    row = scene.frozen()
    scene.operator.mood(MoodKind.DEFER_CONTENT, times=1)
    scene.send()
    scene.dispatcher = scene.new_dispatcher(identity=Holder(NO_CARD))

    scene.send()
    assert scene.state(row) is S.PREPARED
    assert scene.send_later(30) == 1
    assert waits(scene, row) == (S.WAITING, W.CARD, "CARTE_ABSENTE", 1)


def test_what_arrives_meanwhile_waits_too(scene: Scene) -> None:
    held(scene, Holder(NO_CARD), count=1)
    scene.send()
    late = scene.frozen()
    scene.send()
    assert waits(scene, late)[:2] == (S.WAITING, W.CARD)


def test_what_becomes_due_between_the_look_and_the_sending_is_not_tried_without_the_card(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(scene, Holder(NO_CARD), count=0)
    rows: list[str] = []
    has_waiting = scene.journal.has_waiting

    def a_message_comes(mailbox: MailboxAddress, *reasons: Collection[W]) -> bool:
        """Asked after the gate has looked and before anything is claimed."""
        if scene.dispatcher._gate._was_asked is False and not rows:
            rows.append(scene.frozen())
        return has_waiting(mailbox, *reasons)

    scene.send()  # the gate has seen that nothing is due
    monkeypatch.setattr(scene.journal, "has_waiting", a_message_comes)
    scene.send()
    monkeypatch.undo()
    scene.send()
    assert [waits(scene, row) for row in rows] == [(S.WAITING, W.CARD, "CARTE_ABSENTE", 0)]


def test_when_something_else_is_missing_everything_says_so(scene: Scene) -> None:
    holder = Holder(NO_CARD)
    rows = held(scene, holder)
    scene.send()
    holder.missing = NO_PIN
    assert scene.send() == 3
    assert {waits(scene, row)[1:3] for row in rows} == {(W.PIN, "PIN")}
    holder.missing = IdentityUnavailable("PIN_DERNIER_ESSAI", "one try left", W.PIN)
    assert scene.send() == 3
    assert {waits(scene, row)[1:3] for row in rows} == {(W.PIN, "PIN_DERNIER_ESSAI")}
    assert scene.send() == 0


def test_the_deadline_counts_while_it_waits(scene: Scene) -> None:
    (row,) = held(scene, Holder(NO_CARD), count=1)
    scene.send()
    scene.clock.advance(by=timedelta(hours=48))
    assert scene.journal.expire(scene.clock.now()) == 1
    assert (scene.state(row), scene.message(row).code) == (S.FAILED, "DELAI_DEPASSE")


def test_a_person_may_give_up_what_waits_and_gains_nothing_by_insisting(scene: Scene) -> None:
    first, second = held(scene, Holder(NO_CARD), count=2)
    scene.send()
    person.cancel(scene.journal, scene.clock, scene.submission_of(first), actor="p")
    person.retry(scene.journal, scene.clock, scene.submission_of(second), actor="p")
    assert scene.state(second) is S.PREPARED
    scene.send()
    assert (scene.state(first), waits(scene, second)) == (S.CANCELLED, (S.WAITING, W.CARD, "CARTE_ABSENTE", 0))


def test_a_restart_goes_on_where_it_was(scene: Scene) -> None:
    holder = Holder(NO_CARD)
    rows = held(scene, holder)
    scene.send()
    holder.missing = None
    scene.dispatcher = scene.new_dispatcher(identity=holder)
    send_all(scene)
    assert {scene.state(row) for row in rows} == {S.SENT}


def test_thousands_are_held_and_let_go_in_bounded_steps(scene: Scene) -> None:
    holder = Holder(NO_CARD)
    rows = held(scene, holder, count=5)
    hold, resume = scene.journal.hold_due, scene.journal.resume_waiting
    with pytest.MonkeyPatch.context() as small:
        small.setattr(scene.journal, "hold_due", lambda *a, **k: hold(*a, **k, limit=2))
        small.setattr(scene.journal, "resume_waiting", lambda *a, **k: resume(*a, **k, limit=2))
        assert scene.send() == 5
        holder.missing = None
        assert scene.send() == 6
    send_all(scene)
    assert {scene.state(row) for row in rows} == {S.SENT}


# --- what the operator refused is another matter ---


def test_what_the_operator_refused_stays_refused_when_the_card_comes_back(scene: Scene) -> None:
    holder = Holder()
    scene.operator.mood(MoodKind.REFUSE_IDENTITY, times=1)
    first, second = held(scene, holder, count=2)
    scene.send()
    assert waits(scene, first)[1:3] == (W.CREDENTIALS, "AUTHENTIFICATION")
    holder.missing = NO_CARD
    scene.send()
    assert (waits(scene, first)[1], waits(scene, second)[1]) == (W.CREDENTIALS, W.CARD)
    holder.missing = None
    send_all(scene)
    assert (scene.state(first), scene.state(second)) == (S.WAITING, S.PREPARED)
    person.retry(scene.journal, scene.clock, scene.submission_of(first), actor="p")
    send_all(scene)
    assert (scene.state(first), scene.state(second)) == (S.SENT, S.SENT)


def test_an_operator_that_cannot_judge_now_lets_the_whole_mailbox_pause(scene: Scene) -> None:
    class Deferring:
        tries = 0

        async def limits(self) -> SubmissionLimits:
            return SubmissionLimits(None, True)

        async def submit(self, envelope: OutgoingEnvelope, *, on_data: Callable[[], None]) -> Acceptance:
            self.tries += 1
            raise LoginDeferred("OPERATEUR_DIFFERE", "not now")

        async def drop_stale(self) -> int:
            return 0

        async def close(self) -> None: ...

    sender = Deferring()
    scene.dispatcher = scene.new_dispatcher(sender)
    rows = [scene.frozen() for _ in range(3)]
    assert [scene.send() for _ in range(4)] == [1, 0, 0, 0]
    assert (sender.tries, scene.dispatcher.pause_seconds()) == (1, 30)
    assert {scene.state(row) for row in rows} == {S.PREPARED}
    assert scene.dispatcher.hindered_by is not None


# --- an identity that says yes and means no ---


class PulledCard:
    """The handshake finds out what the identity does not know yet."""

    def __init__(self) -> None:
        self.tries = 0

    async def limits(self) -> SubmissionLimits:
        return SubmissionLimits(None, True)

    async def submit(self, envelope: OutgoingEnvelope, *, on_data: Callable[[], None]) -> Acceptance:
        self.tries += 1
        await asyncio.sleep(0)
        raise NO_CARD

    async def drop_stale(self) -> int:
        return 0

    async def close(self) -> None: ...


def test_a_card_that_is_pulled_in_the_handshake_makes_everything_wait_for_the_card(scene: Scene) -> None:
    holder, sender = Holder(), PulledCard()
    scene.dispatcher = scene.new_dispatcher(sender, identity=holder)
    first, second = scene.frozen(), scene.frozen()
    scene.send()
    assert waits(scene, first) == (S.WAITING, W.CARD, "CARTE_ABSENTE", 1)

    holder.missing = NO_CARD
    scene.send()
    assert waits(scene, second) == (S.WAITING, W.CARD, "CARTE_ABSENTE", 0)
    assert sender.tries == 1

    holder.missing = None
    scene.send()
    assert sender.tries == 2


def test_an_identity_that_is_wrong_about_itself_is_believed_after_growing_pauses(scene: Scene) -> None:
    sender = PulledCard()
    scene.dispatcher = scene.new_dispatcher(sender, identity=Holder())
    rows = [scene.frozen() for _ in range(2)]
    tries = []
    for _ in range(200):
        scene.send()
        scene.clock.advance(1)
        tries.append(sender.tries)
    assert [tries.index(n) for n in (1, 2, 3)] == [0, 30, 90]
    assert {waits(scene, row)[0] for row in rows} <= {S.WAITING, S.PREPARED}


@pytest.mark.parametrize("word", ["identity_changed", "forget_pause"])
def test_news_of_the_card_or_a_person_end_the_doubt_at_once(scene: Scene, word: str) -> None:
    sender = PulledCard()
    scene.dispatcher = scene.new_dispatcher(sender, identity=Holder())
    scene.frozen()
    scene.send()
    assert scene.send() == 0
    getattr(scene.dispatcher, word)()
    scene.send()
    assert sender.tries == 2


# --- sessions that are open ---


def test_an_open_session_carries_on_although_a_new_one_could_not_be_opened(scene: Scene) -> None:
    holder = Holder()
    (first,) = held(scene, holder, count=1)
    scene.send()
    holder.missing = NO_CARD  # and the setting says: keep the sessions
    rows = [scene.frozen() for _ in range(3)]
    assert [scene.send() for _ in range(4)] == [1, 1, 1, 0]  # one session, one message at a time
    assert {scene.state(row) for row in (first, *rows)} == {S.SENT}
    assert len(scene.operator.shown_secrets) == 1

    holder.sessions = "2"  # now it is over
    late = scene.frozen()
    scene.send()
    assert waits(scene, late)[:2] == (S.WAITING, W.CARD)


# --- tokens ---


def test_a_token_that_is_handed_over_lets_everything_go_that_waited(token_scene: Scene, tokens: TokenStore) -> None:
    rows = [token_scene.frozen() for _ in range(3)]
    token_scene.send()
    assert {waits(token_scene, row) for row in rows} == {(S.WAITING, W.TOKEN, "JETON_ABSENT", 0)}
    tokens.put(LAB, "token-1")
    send_all(token_scene)
    assert {waits(token_scene, row) for row in rows} == {(S.SENT, None, None, 1)}


def test_a_refused_token_waits_for_another_one_and_the_others_are_not_tried(
    token_scene: Scene, tokens: TokenStore
) -> None:
    tokens.put(LAB, "token-1")
    token_scene.operator.refused_secrets.add("token-1")
    first, second = token_scene.frozen(), token_scene.frozen()
    send_all(token_scene)
    assert waits(token_scene, first) == (S.WAITING, W.TOKEN, "JETON_REFUSE", 1)
    assert waits(token_scene, second) == (S.WAITING, W.TOKEN, "JETON_REFUSE", 0)
    assert token_scene.operator.shown_secrets == ["token-1"]

    tokens.put(LAB, "token-2")
    send_all(token_scene)
    assert {token_scene.state(row) for row in (first, second)} == {S.SENT}
    assert token_scene.operator.shown_secrets == ["token-1", "token-2"]


def test_the_end_of_the_session_ends_sending_until_the_next_token(token_scene: Scene, tokens: TokenStore) -> None:
    tokens.put(LAB, "token-1")
    token_scene.frozen()
    token_scene.send()
    tokens.close(LAB)
    late = token_scene.frozen()
    token_scene.send()
    assert waits(token_scene, late) == (S.WAITING, W.TOKEN, "JETON_ABSENT", 0)
    tokens.put(LAB, "token-2")
    send_all(token_scene)
    assert token_scene.state(late) is S.SENT
    assert token_scene.operator.shown_secrets == ["token-1", "token-2"]


class Waiting(RuleBasedStateMachine):
    """Tokens come, run out and are refused, sessions end, we restart: nothing is lost, doubled or shown twice."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="gate-"))
        self.scene = Scene(self.folder)
        self.tokens = TokenStore(self.scene.clock)
        self.rows: list[str] = []
        self.numbers = 0
        self._restart()

    def teardown(self) -> None:
        self.scene.journal.verify_trace()
        self.scene.journal.close()
        shutil.rmtree(self.folder)

    def _restart(self) -> None:
        self.scene.dispatcher = self.scene.new_dispatcher(identity=token_identity(self.scene, self.tokens))

    @precondition(lambda self: len(self.rows) < 6)
    @rule()
    def submit(self) -> None:
        self.rows.append(self.scene.frozen())

    @rule(accepted=st.booleans(), life=st.sampled_from([20, 120, 300]))
    def a_token_comes(self, accepted: bool, life: int) -> None:
        self.numbers += 1
        token = f"token-{self.numbers}"
        if not accepted:
            self.scene.operator.refused_secrets.add(token)
        self.tokens.put(LAB, token, self.scene.clock.now() + timedelta(seconds=life))
        self.scene.dispatcher.identity_changed()

    @rule(ends=st.booleans())
    def the_person_logs_out(self, ends: bool) -> None:
        (self.tokens.close if ends else self.tokens.forget)(LAB)

    @rule(seconds=st.sampled_from([1, 30, 110, 4000, 100_000]))
    def time_passes(self, seconds: int) -> None:
        self.scene.clock.advance(seconds)
        self.scene.journal.expire(self.scene.clock.now())

    @rule(online=st.booleans())
    def the_line(self, online: bool) -> None:
        self.scene.operator.online = online

    @rule()
    def we_restart(self) -> None:
        self._restart()

    @rule()
    def we_send(self) -> None:
        usable = self.tokens.status(LAB).usable or self._has_session()
        shown, attempts = len(self.scene.operator.shown_secrets), self._attempts()
        self.scene.send()
        if not usable:
            assert len(self.scene.operator.shown_secrets) == shown
            assert self._attempts() == attempts

    def _has_session(self) -> bool:
        return bool(asyncio.run(self.scene.dispatcher.sender.drop_stale()))

    def _attempts(self) -> list[int]:
        return [self.scene.message(row).attempts for row in self.rows]

    @rule(data=st.data(), what=st.sampled_from(["retry", "cancel"]))
    @precondition(lambda self: bool(self.rows))
    def a_person_decides(self, data: st.DataObject, what: str) -> None:
        row = data.draw(st.sampled_from(self.rows))
        with contextlib.suppress(IllegalTransition):
            getattr(person, what)(self.scene.journal, self.scene.clock, self.scene.submission_of(row), actor="p")

    @rule()
    def in_the_end_everything_leaves(self) -> None:
        self.scene.operator.online = True
        self.numbers += 1
        self.tokens.put(LAB, f"token-{self.numbers}", self.scene.clock.now() + timedelta(hours=20))
        self.scene.dispatcher.forget_pause()
        for _ in range(4):
            self.scene.clock.advance(3600)
            while self.scene.send():
                pass
        open_states = {S.PREPARED, S.WAITING, S.SENDING}
        assert not open_states & {self.scene.state(row) for row in self.rows}

    @invariant()
    def the_journal_is_sound(self) -> None:
        assert self.scene.journal.violations() == []

    @invariant()
    def no_token_is_shown_again_after_it_was_refused(self) -> None:
        refused = self.scene.operator.refused_secrets
        shown = [secret for secret in self.scene.operator.shown_secrets if secret in refused]
        assert len(set(shown)) == len(shown)

    @invariant()
    def nobody_gets_a_second_copy(self) -> None:
        assert all(len(self.scene.copies(ALIX, row)) <= 1 for row in self.rows)

    @invariant()
    def whatever_waits_says_for_what(self) -> None:
        for row in self.rows:
            state, waiting_for, code, _ = waits(self.scene, row)
            assert (state is S.WAITING) == (waiting_for is not None)
            assert state is not S.WAITING or (code or "").startswith("JETON")


TestWaiting = Waiting.TestCase
TestWaiting.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def test_a_wish_to_resume_never_wakes_what_is_finished(scene: Scene) -> None:
    row = scene.frozen()
    scene.send()
    with pytest.raises(IllegalTransition):
        scene.journal.record(row, OutgoingEvent.RESUME)
    assert scene.journal.resume_waiting(LAB, reasons=list(W)) == 0
    assert scene.journal.hold_due(LAB, waiting_for=W.CARD, code="X", detail="x", reasons=[]) == 0


def test_an_error_for_want_of_a_person_that_does_not_say_for_what_waits_for_credentials(scene: Scene) -> None:
    class Vague(PulledCard):
        async def submit(self, envelope: OutgoingEnvelope, *, on_data: Callable[[], None]) -> Acceptance:
            raise NeedsPerson("PIN", "no PIN")

    scene.dispatcher = scene.new_dispatcher(Vague(), identity=Holder())
    row = scene.frozen()
    scene.send()
    assert waits(scene, row) == (S.WAITING, W.CREDENTIALS, "PIN", 1)
