"""How long a PIN counts, whatever the clocks do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.identities.card.policy import IDLE_SECONDS, UNUSED_SECONDS, Opening, PinPolicy, has_ended

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
OPENING = Opening(AT, 1000.0)


def ended(policy: PinPolicy, *, wall: float, monotonic: float, opening: Opening = OPENING) -> bool:
    now = AT + timedelta(seconds=wall)
    return has_ended(policy, 4.0, opening, now=now, monotonic=1000.0 + monotonic)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_until_removal_means_whatever_the_clocks_say(wall: float, monotonic: float) -> None:
    assert not ended("removal", wall=wall, monotonic=monotonic)


@pytest.mark.parametrize(
    ("wall", "monotonic", "over"),
    [
        (4 * 3600 - 1, 4 * 3600 - 1, False),
        (4 * 3600, 4 * 3600, True),
        (4 * 3600, 60, True),  # the machine slept: the monotonic clock of Linux stands still meanwhile
        (-3600, 4 * 3600, True),  # the wall clock was turned back
        (-3600, 60, False),
    ],
)
def test_hours_end_when_either_clock_says_so(wall: float, monotonic: float, over: bool) -> None:
    assert ended("hours", wall=wall, monotonic=monotonic) is over


def test_one_session_ends_when_nobody_came() -> None:
    assert not ended("session", wall=0, monotonic=UNUSED_SECONDS - 1)
    assert ended("session", wall=0, monotonic=UNUSED_SECONDS)


def test_one_session_ends_after_its_last_signature() -> None:
    used = Opening(AT, 1000.0, last_signature=1050.0)
    assert not ended("session", wall=0, monotonic=50 + IDLE_SECONDS - 1, opening=used)
    assert ended("session", wall=0, monotonic=50 + IDLE_SECONDS, opening=used)
