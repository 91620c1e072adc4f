"""The store of access tokens: what comes in, how long it counts, and that it never comes out where it must not."""

import base64
import copy
import json
import pickle
import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, InvalidSubmission
from connector.domain.states import WaitingFor
from connector.identities import IdentityUnavailable, TokenStore
from connector.identities.tokens import REMEMBERED_REFUSALS
from connector.testing.clock import EPOCH, FakeClock
from tests.our_errors import only_our_errors

ME = MailboxAddress("Dr.Modele", "cabinet.mssante.test")
YOU = MailboxAddress("dr.correspondant", "cabinet.mssante.test")
OPAQUE = "opaque-token"
MARGIN = 10


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> TokenStore:
    return TokenStore(clock)


def jwt(claims: object) -> str:
    """A token that looks like those of Pro Santé Connect; nobody signed it."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims)]
    return f"{parts[0]}.{parts[1]}.c2lnbmVk"


def life_of(store: TokenStore, clock: FakeClock, token: str) -> float:
    """For how many seconds a token that was just given is shown."""
    store.put(ME, token)
    seconds = 0.0
    while store.status(ME).usable:
        clock.advance(1)
        seconds += 1
    return seconds


def refused(store: TokenStore, mailbox: MailboxAddress = ME) -> str:
    with pytest.raises(IdentityUnavailable) as missing:
        store.current(mailbox)
    assert missing.value.waiting_for is WaitingFor.TOKEN
    assert missing.value.code == store.status(mailbox).code
    return missing.value.code


def test_a_token_is_shown_until_shortly_before_its_end(store: TokenStore, clock: FakeClock) -> None:
    status = store.put(ME, OPAQUE, EPOCH + timedelta(seconds=240))
    assert (status.usable, status.expires_at, status.code) == (True, EPOCH + timedelta(seconds=240), "")
    clock.advance(240 - MARGIN - 1)
    assert store.current(ME) == OPAQUE
    clock.advance(1)
    assert refused(store) == "JETON_EXPIRE"
    assert store.status(ME).expires_at == EPOCH + timedelta(seconds=240)


def test_a_clock_that_is_set_does_not_change_how_long_a_token_counts(store: TokenStore, clock: FakeClock) -> None:
    store.put(ME, OPAQUE, EPOCH + timedelta(seconds=240))
    clock.jump(86_400)
    assert store.current(ME) == OPAQUE
    clock.jump(-2 * 86_400)
    clock.advance(240)
    assert refused(store) == "JETON_EXPIRE"


def test_the_mailbox_counts_not_how_it_is_written(store: TokenStore) -> None:
    store.put(MailboxAddress("dr.modele", "cabinet.mssante.test"), OPAQUE)
    assert store.current(ME) == OPAQUE
    assert refused(store, YOU) == "JETON_ABSENT"


@pytest.mark.parametrize(
    ("claims", "seconds"),
    [
        ({"exp": EPOCH.timestamp() + 300}, 300 - MARGIN),
        ({"exp": EPOCH.timestamp() + 300, "iat": EPOCH.timestamp()}, 300 - MARGIN),
        ({"exp": EPOCH.timestamp() - 1000, "iat": EPOCH.timestamp() - 1300}, 300 - MARGIN),  # our clock is ahead
        ({"exp": EPOCH.timestamp() + 5000, "iat": EPOCH.timestamp() + 4700}, 300 - MARGIN),  # our clock is behind
        ({"exp": EPOCH.timestamp() + 10**8}, 3600 - MARGIN),  # nobody signed this
        ({"exp": "soon"}, 120 - MARGIN),
        ({"exp": True}, 120 - MARGIN),
        ({"exp": float("nan")}, 120 - MARGIN),
        ({"exp": -5}, 120 - MARGIN),
        ({}, 120 - MARGIN),
        (["exp"], 120 - MARGIN),
    ],
    ids=str,
)
def test_a_token_without_a_given_end_is_asked_and_believed_within_bounds(
    store: TokenStore, clock: FakeClock, claims: object, seconds: float
) -> None:
    assert life_of(store, clock, jwt(claims)) == seconds


@pytest.mark.parametrize("token", [OPAQUE, "a.b.c", "a.b", "e30.bm90IGpzb24.x"])
def test_a_token_that_tells_nothing_counts_for_two_minutes(store: TokenStore, clock: FakeClock, token: str) -> None:
    assert life_of(store, clock, token) == 120 - MARGIN


@pytest.mark.parametrize("token", ["", " ", "a b", "a\x01b", "a\r\nb", "é", "Bearer x", "x" * 16_001, "=x", "a\n"])
def test_what_is_no_token_is_refused_and_the_one_before_stays(store: TokenStore, token: str) -> None:
    store.put(ME, OPAQUE)
    with pytest.raises(InvalidSubmission) as failure:
        store.put(ME, token)
    assert failure.value.code == "JETON_INVALIDE"
    assert store.current(ME) == OPAQUE


def test_a_token_that_has_run_out_is_refused(store: TokenStore) -> None:
    for left in (-5, 0, MARGIN):
        with pytest.raises(InvalidSubmission) as failure:
            store.put(ME, OPAQUE, EPOCH + timedelta(seconds=left))
        assert failure.value.code == "JETON_EXPIRE"


def test_a_refused_token_is_not_taken_a_second_time_and_another_one_is(store: TokenStore) -> None:
    store.put(ME, OPAQUE)
    store.refuse(ME, OPAQUE)
    assert refused(store) == "JETON_REFUSE"
    with pytest.raises(InvalidSubmission) as failure:
        store.put(ME, OPAQUE)
    assert failure.value.code == "JETON_REFUSE"
    store.put(ME, "fresh")
    assert store.current(ME) == "fresh"


def test_a_token_that_is_refused_again_and_again_pushes_no_other_refusal_out(store: TokenStore) -> None:
    store.refuse(ME, "old")
    for _ in range(100):
        store.refuse(ME, OPAQUE)
    with pytest.raises(InvalidSubmission):
        store.put(ME, "old")


def test_the_refusal_of_an_older_token_does_not_touch_the_one_that_came_meanwhile(store: TokenStore) -> None:
    store.put(ME, OPAQUE)
    store.put(ME, "fresh")
    store.refuse(ME, OPAQUE)
    assert store.current(ME) == "fresh"


def test_forgetting_leaves_sessions_open_and_closing_ends_them(store: TokenStore) -> None:
    before = store.sessions(ME)
    store.put(ME, OPAQUE)
    store.forget(ME)
    assert (store.sessions(ME), refused(store)) == (before, "JETON_ABSENT")
    store.put(ME, OPAQUE)
    store.close(ME)
    assert store.sessions(ME) != before
    assert refused(store) == "JETON_ABSENT"
    assert store.status(ME).expires_at is None


def test_whoever_waits_is_told_of_each_change_on_the_callers_thread(store: TokenStore) -> None:
    heard: list[tuple[MailboxAddress, bool]] = []
    store.subscribe(lambda mailbox: heard.append((mailbox, store.status(mailbox).usable)))
    store.put(ME, OPAQUE)
    store.forget(ME)
    store.close(YOU)
    assert heard == [(ME, True), (ME, False), (YOU, False)]


def test_nothing_that_is_shown_of_the_store_holds_a_token(store: TokenStore) -> None:
    status = store.put(ME, OPAQUE)
    shown = [repr(store), str(store), repr(status), repr(list(store._drawers.values())), repr(copy.copy(store))]
    assert not any(OPAQUE in text for text in shown)
    with pytest.raises(TypeError):
        pickle.dumps(store)


def test_a_token_that_is_refused_again_and_again_does_not_make_the_others_forgotten(store: TokenStore) -> None:
    store.refuse(ME, "first")
    for _ in range(REMEMBERED_REFUSALS + 1):
        store.refuse(ME, "second")
    with pytest.raises(InvalidSubmission, match="JETON_REFUSE"):
        store.put(ME, "first")


def test_many_threads_may_use_it_at_once(store: TokenStore) -> None:
    start, failures = threading.Barrier(8), []

    def work(number: int) -> None:
        mailbox = MailboxAddress(f"m{number % 2}", "x.test")
        start.wait()
        try:
            for turn in range(200):
                store.put(mailbox, f"t{number}-{turn}")
                store.refuse(mailbox, f"t{number}-{turn - 1}")
                store.status(mailbox)
        except ConnectorError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.status(MailboxAddress("m0", "x.test")).usable


@given(st.text(max_size=40) | st.binary(max_size=60).map(lambda raw: f"e30.{base64.b64encode(raw).decode()}.x"))
def test_whatever_is_handed_over_is_taken_or_refused_with_a_known_code(token: str) -> None:
    store = TokenStore(FakeClock())
    with only_our_errors(InvalidSubmission, "JETON_INVALIDE", "JETON_EXPIRE"):
        store.put(ME, token)
        assert store.current(ME) == token


class Store(RuleBasedStateMachine):
    """Beside a model that knows a token, its end, and what was refused."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.store = TokenStore(self.clock)
        self.token, self.until, self.refused = "", 0.0, set[str]()

    @rule(number=st.integers(0, 5), life=st.integers(-10, 400))
    def put(self, number: int, life: int) -> None:
        token = f"token{number}"
        fits = life > MARGIN and token not in self.refused
        try:
            self.store.put(ME, token, self.clock.now() + timedelta(seconds=life))
        except InvalidSubmission:
            assert not fits
        else:
            assert fits
            self.token, self.until = token, self.clock.monotonic() + life - MARGIN

    @rule(number=st.integers(0, 5))
    def refuse(self, number: int) -> None:
        token = f"token{number}"
        self.store.refuse(ME, token)
        self.refused.add(token)
        if self.token == token:
            self.token = ""

    @rule(ends=st.booleans())
    def drop(self, ends: bool) -> None:
        before = self.store.sessions(ME)
        (self.store.close if ends else self.store.forget)(ME)
        assert (self.store.sessions(ME) != before) == ends
        self.token = ""

    @rule(seconds=st.integers(0, 300), set_by=st.integers(-1000, 1000))
    def time_passes(self, seconds: int, set_by: int) -> None:
        self.clock.advance(seconds)
        self.clock.jump(set_by)

    @invariant()
    def only_a_good_token_is_shown(self) -> None:
        expected = self.token if self.clock.monotonic() < self.until else ""
        try:
            shown = self.store.current(ME)
        except IdentityUnavailable:
            shown = ""
        assert shown == expected
        assert shown not in self.refused


TestStoreBesideAModel = Store.TestCase
