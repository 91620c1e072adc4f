"""How long a PIN that was typed keeps a card open. Pure.

``removal``
    Until the card is pulled.
``hours``
    For ``pin_hours`` after the PIN: by the wall clock, which goes on while the machine sleeps, or by the monotonic
    clock, which nobody can turn back – whichever says so first. What was opened with it ends then.
``session``
    For the mail sessions that are opened right then: the card is locked again :data:`IDLE_SECONDS` after the last
    signature, or :data:`UNUSED_SECONDS` after the PIN when none came. Signatures that wait for their turn come first.
    Mail sessions that were opened stay open; the next one needs the PIN again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

__all__ = ["IDLE_SECONDS", "UNUSED_SECONDS", "Opening", "PinPolicy", "has_ended"]

PinPolicy = Literal["removal", "hours", "session"]
"""As ``card.pin_policy`` of the settings."""

IDLE_SECONDS = 10.0
UNUSED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Opening:
    """When the PIN was accepted, and when the key signed last."""

    at: datetime
    monotonic: float  # of the same moment
    last_signature: float | None = None  # monotonic


def has_ended(policy: PinPolicy, hours: float, opening: Opening, *, now: datetime, monotonic: float) -> bool:
    """Whether the card must be locked again.

    Args:
        policy: of the settings.
        hours: for ``hours``.
        opening: of the card.
        now: wall clock.
        monotonic: the other clock, at the same moment.
    """
    if policy == "hours":
        allowed = timedelta(hours=hours)
        return now - opening.at >= allowed or monotonic - opening.monotonic >= allowed.total_seconds()
    if policy == "session":
        if opening.last_signature is None:
            return monotonic - opening.monotonic >= UNUSED_SECONDS
        return monotonic - opening.last_signature >= IDLE_SECONDS
    return False
