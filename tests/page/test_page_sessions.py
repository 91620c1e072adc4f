"""Sessions of the page: what opens one, what ends it, what never does."""

import pytest

from connector.api.page import sessions as module
from connector.api.page.sessions import IDLE_SECONDS, LINK_SECONDS, LONGEST_SECONDS, PageSession, Sessions
from connector.testing.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sessions(clock: FakeClock) -> Sessions:
    return Sessions(clock)


def opened(sessions: Sessions, *replaced: str) -> tuple[str, PageSession]:
    found = sessions.open(sessions.new_link(), replaced)
    assert found is not None
    return found


def test_a_link_opens_a_session(sessions: Sessions) -> None:
    cookie, session = opened(sessions)
    assert sessions.find(session.key, [cookie]) is session


def test_a_link_opens_once(sessions: Sessions) -> None:
    link = sessions.new_link()
    assert sessions.open(link) is not None
    assert sessions.open(link) is None


def test_a_link_that_is_shown_twice_ends_what_it_opened(sessions: Sessions) -> None:
    link = sessions.new_link()
    thief = sessions.open(link)
    assert thief is not None
    assert sessions.open(link) is None
    assert sessions.find(thief[1].key, [thief[0]]) is None


def test_a_link_lives_for_a_minute(sessions: Sessions, clock: FakeClock) -> None:
    early, late = sessions.new_link(), sessions.new_link()
    clock.advance(LINK_SECONDS)
    assert sessions.open(early) is not None
    clock.advance(0.1)
    assert sessions.open(late) is None


@pytest.mark.parametrize("link", ["", "x", "A" * 43, "é"])
def test_a_link_that_was_not_made_here_opens_nothing(sessions: Sessions, link: str) -> None:
    sessions.new_link()
    assert sessions.open(link) is None


def test_only_the_newest_links_count(sessions: Sessions) -> None:
    first = sessions.new_link()
    for _ in range(module.MOST_LINKS):
        last = sessions.new_link()
    assert sessions.open(first) is None
    assert sessions.open(last) is not None


def test_cookie_and_key_must_belong_together(sessions: Sessions) -> None:
    (cookie, session), (other_cookie, other) = opened(sessions), opened(sessions)
    assert sessions.find(session.key, [other_cookie]) is None
    assert sessions.find(other.key, [cookie]) is None
    assert sessions.find("", [cookie]) is None
    assert sessions.find("é", [cookie]) is None


def test_no_id_from_outside_becomes_a_session(sessions: Sessions) -> None:
    """Fixation: whatever a browser was made to send, a session has its own secrets."""
    cookie, session = opened(sessions, "planted-by-an-attacker")
    assert cookie != "planted-by-an-attacker"
    assert sessions.find(session.key, ["planted-by-an-attacker"]) is None


def test_a_planted_cookie_beside_ours_does_not_lock_the_person_out(sessions: Sessions) -> None:
    cookie, session = opened(sessions)
    assert sessions.find(session.key, ["planted", cookie]) is session


def test_a_new_link_replaces_the_session_of_its_browser(sessions: Sessions) -> None:
    cookie, session = opened(sessions)
    opened(sessions, cookie)
    assert sessions.find(session.key, [cookie]) is None


def test_leaving_ends_it_for_whoever_has_stolen_the_cookie(sessions: Sessions) -> None:
    cookie, session = opened(sessions)
    sessions.end(cookie)
    sessions.end("unknown")
    assert sessions.find(session.key, [cookie]) is None


def test_a_session_that_is_not_used_ends(sessions: Sessions, clock: FakeClock) -> None:
    cookie, session = opened(sessions)
    clock.advance(IDLE_SECONDS)
    assert sessions.find(session.key, [cookie]) is session
    clock.advance(IDLE_SECONDS + 1)
    assert sessions.find(session.key, [cookie]) is None


def test_a_session_ends_after_a_day_however_much_it_is_used(sessions: Sessions, clock: FakeClock) -> None:
    cookie, session = opened(sessions)
    for _ in range(6):
        clock.advance(LONGEST_SECONDS / 6)
        assert sessions.find(session.key, [cookie]) is session
    clock.advance(1)
    assert sessions.find(session.key, [cookie]) is None


def test_the_wall_clock_does_not_keep_a_session_alive(sessions: Sessions, clock: FakeClock) -> None:
    cookie, session = opened(sessions)
    clock.jump(-10 * LONGEST_SECONDS)
    clock.advance(IDLE_SECONDS + 1)
    assert sessions.find(session.key, [cookie]) is None


def test_the_number_of_sessions_is_bounded(sessions: Sessions) -> None:
    first_cookie, first = opened(sessions)
    for _ in range(module.MOST_SESSIONS):
        last_cookie, last = opened(sessions)
    assert sessions.find(first.key, [first_cookie]) is None
    assert sessions.find(last.key, [last_cookie]) is last


def test_every_secret_is_another_one_and_none_is_shown(sessions: Sessions) -> None:
    found = [opened(sessions) for _ in range(20)]
    secrets = [secret for cookie, session in found for secret in (cookie, session.key, session.form_token)]
    assert len(set(secrets)) == 60
    assert all(len(secret) >= 22 for secret in secrets)
    assert not any(secret in repr(session) for _, session in found for secret in secrets)


def test_a_form_is_accepted_with_its_own_token_only(sessions: Sessions) -> None:
    (_, session), (_, other) = opened(sessions), opened(sessions)
    assert session.accepts(session.form_token)
    assert not session.accepts(other.form_token)
    assert not session.accepts("")
    assert not session.accepts("é")


def test_notes_are_told_once_and_are_few(sessions: Sessions) -> None:
    _, session = opened(sessions)
    for number in range(7):
        session.note("done", str(number))
    assert session.take_notes() == [("done", str(number)) for number in range(2, 7)]
    assert session.take_notes() == []
