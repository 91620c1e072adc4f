"""Retry decisions: a table from failure to what follows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.errors import ConfigurationError, ConnectorError, InvalidSubmission, NeedsPerson, Unavailable
from connector.domain.states import WaitingFor
from connector.exchange.retry import Again, Decision, GiveUp, WaitForPerson, backoff_seconds, decide
from connector.operators.errors import AuthenticationRefused, ConnectionFailed, PermanentRefusal, TemporaryRefusal
from connector.settings.model import RetrySettings

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
SETTINGS = RetrySettings(first_seconds=30, factor=2, cap_seconds=3600, jitter=0.2)


def ask(failure: ConnectorError, *, attempts: int = 1, deadline: datetime | None = None) -> Decision:
    return decide(failure, attempts=attempts, now=NOW, deadline=deadline, settings=SETTINGS, luck=0.5)


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (TemporaryRefusal("OPERATEUR_DIFFERE", "451"), Again(NOW + timedelta(seconds=30))),
        (ConnectionFailed("OPERATEUR_INJOIGNABLE", "refused"), Again(NOW + timedelta(seconds=30))),
        (Unavailable("DISQUE_PLEIN", "full"), Again(NOW + timedelta(seconds=30))),
        (PermanentRefusal("OPERATEUR_REFUS", "550"), GiveUp()),
        (InvalidSubmission("CDA_INVALIDE", "x"), GiveUp()),
        (AuthenticationRefused("AUTHENTIFICATION", "535"), WaitForPerson(WaitingFor.CREDENTIALS)),
        (NeedsPerson("PIN", "x"), WaitForPerson(WaitingFor.CREDENTIALS)),
        (ConfigurationError("CERTIFICAT_EXPIRE", "x"), WaitForPerson(WaitingFor.SETTINGS)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_follows_from_a_failure(failure: ConnectorError, expected: Decision) -> None:
    assert ask(failure) == expected


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 30), (1, 30), (2, 60), (3, 120), (8, 3600), (100_000, 3600)])
def test_pauses_grow_up_to_the_cap(attempts: int, seconds: float) -> None:
    assert backoff_seconds(attempts, SETTINGS, luck=0.5) == seconds


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_luck_spreads_the_pause_by_the_jitter_and_no_more(attempts: int, luck: float) -> None:
    middle = backoff_seconds(attempts, SETTINGS, luck=0.5)
    assert middle * 0.8 <= backoff_seconds(attempts, SETTINGS, luck=luck) <= middle * 1.2


def test_no_retry_is_planned_beyond_the_deadline() -> None:
    deadline = NOW + timedelta(seconds=10)
    assert ask(TemporaryRefusal("OPERATEUR_DIFFERE", "451"), deadline=deadline) == Again(deadline)


def test_a_deadline_that_has_passed_does_not_bring_the_retry_forward() -> None:
    passed = NOW - timedelta(hours=1)
    decision = ask(TemporaryRefusal("OPERATEUR_DIFFERE", "451"), deadline=passed)
    assert decision == Again(NOW + timedelta(seconds=30))
