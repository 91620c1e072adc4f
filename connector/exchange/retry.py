"""Retry decisions: what a failure means for the message, without doing anything about it.

Exponential with jitter, capped, only for causes that pass by themselves, until the deadline of the message.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from connector.domain.errors import ConfigurationError, ConnectorError, Retry
from connector.domain.states import WaitingFor
from connector.settings.model import RetrySettings

__all__ = ["Again", "Decision", "GiveUp", "WaitForPerson", "backoff_seconds", "decide"]


@dataclass(frozen=True, slots=True)
class Again:
    """Try again at this moment."""

    at: datetime


@dataclass(frozen=True, slots=True)
class WaitForPerson:
    """Somebody must act first."""

    waiting_for: WaitingFor


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It will not pass by itself."""


Decision = Again | WaitForPerson | GiveUp


def backoff_seconds(attempts: int, settings: RetrySettings, *, luck: float) -> float:
    """How long to wait after the ``attempts``-th failure.

    Args:
        attempts: how many were made, at least 1.
        settings: first pause, factor, cap, jitter.
        luck: a number in [0, 1) that spreads the retries of many messages.
    """
    exponent = min(max(attempts, 1) - 1, 64)  # beyond that the cap rules anyway, and floats overflow
    pause = min(settings.first_seconds * settings.factor**exponent, settings.cap_seconds)
    return pause * (1 + settings.jitter * (2 * luck - 1))


def decide(
    failure: ConnectorError, *, attempts: int, now: datetime, deadline: datetime | None, settings: RetrySettings,
    luck: float,
) -> Decision:  # fmt: skip
    """What follows from a failed attempt.

    The deadline itself is enforced by ``Journal.expire``; here a retry is never planned beyond it, so that the last
    one still happens in time.
    """
    if isinstance(failure, ConfigurationError):
        return WaitForPerson(WaitingFor.SETTINGS)
    if failure.retry is Retry.AFTER_PERSON:
        return WaitForPerson(getattr(failure, "waiting_for", WaitingFor.CREDENTIALS))
    if failure.retry is Retry.NEVER:
        return GiveUp()
    at = now + timedelta(seconds=backoff_seconds(attempts, settings, luck=luck))
    return Again(min(at, deadline) if deadline and deadline > now else at)
