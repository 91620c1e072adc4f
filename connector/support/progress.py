"""How far a night's sending is: what was taken since a moment, what left, what waits, what failed, how fast. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from connector.support.words import PERSON_STATES

__all__ = ["Look", "Progress", "progress_of"]

_LEFT, _UNDER_WAY, _WAITING, _FAILED, _CANCELLED = (frozenset(state.keys) for state in PERSON_STATES[:5])
_FEW_SECONDS = 10.0  # a rate over less says nothing


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the journal showed of one mailbox."""

    at: float  # monotonic seconds
    left: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One mailbox."""

    total: int  # messages taken
    left: int
    under_way: int
    waiting: int  # for a person, a card, the network
    failed: int
    per_minute: float | None  # left, between the first look and this one; None: too early to say
    minutes_to_go: float | None  # for what is under way

    @property
    def share(self) -> float:
        """Between 0 and 1: what needs nothing more, of everything."""
        return (self.total - self.under_way - self.waiting) / self.total if self.total else 1.0


def progress_of(states: Mapping[str, int], first: Look | None, at: float) -> Progress:
    """Where one mailbox stands.

    Args:
        states: ``out:sent`` and so on to number, of what was taken since the moment.
        first: the first look of this watch, for the rate; ``None`` = this is it.
        at: monotonic seconds now.
    """
    left, under_way, waiting, failed, cancelled = (
        sum(states.get(key, 0) for key in keys) for keys in (_LEFT, _UNDER_WAY, _WAITING, _FAILED, _CANCELLED)
    )
    rate = _rate(left, first, at)
    return Progress(
        total=left + under_way + waiting + failed + cancelled, left=left, under_way=under_way, waiting=waiting,
        failed=failed, per_minute=rate, minutes_to_go=under_way / rate if rate else None,
    )  # fmt: skip


def _rate(left: int, first: Look | None, at: float) -> float | None:
    if first is None or at - first.at < _FEW_SECONDS:
        return None
    return 60 * (left - first.left) / (at - first.at)
