"""When does a drop count as complete? One small rule per readiness profile, fed with what the scans saw.

A rule never looks at the clock or the disk: :class:`Calm` knows how long nothing changed, :class:`Facts` is what is
known of the drop, and the answer says how much may be believed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from connector.intake.scan import Observation
from connector.settings.model import Readiness

__all__ = ["Calm", "Facts", "Verdict", "judge"]


class Calm:
    """How long each file has looked the same, by the monotonic clock.

    An age by mtime would compare our clock with a file server's: two scans that agree are the only proof.
    A scan that failed is simply not told, so a share that went away and came back finds its files still known.
    """

    def __init__(self) -> None:
        self._since: dict[Observation, float] = {}

    def see(self, files: Iterable[Observation], now: float) -> None:
        """Tell one complete scan, made at ``now`` (monotonic seconds)."""
        self._since = {file: self._since.get(file, now) for file in files}

    def quiet_seconds(self, files: Iterable[Observation], now: float) -> float:
        """For how long nothing about these files has changed; 0 for none."""
        return min((now - self._since.get(file, now) for file in files), default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one drop."""

    has_data: bool
    has_flag: bool
    has_sidecar: bool
    sidecar_is_valid: bool
    is_missing_files: bool  # the sidecar lists files that are not there
    settled: bool  # unchanged for the settling time


class Verdict(Enum):
    """What a rule says of a drop."""

    WAIT = "wait"
    IF_WHOLE = "if_whole"  # complete, provided that the content proves its own end
    READY = "ready"  # complete, unless the content proves that it is cut


def _stable(facts: Facts) -> Verdict:
    if facts.is_missing_files or not facts.has_data:
        return Verdict.WAIT
    if facts.settled:
        return Verdict.READY
    return Verdict.IF_WHOLE if facts.has_flag or facts.sidecar_is_valid else Verdict.WAIT


def _flagged(facts: Facts) -> Verdict:
    if facts.is_missing_files or not (facts.has_data and facts.has_flag):
        return Verdict.WAIT
    return Verdict.READY if facts.settled else Verdict.IF_WHOLE


def _accompanied(facts: Facts) -> Verdict:
    if facts.is_missing_files or not facts.has_sidecar:
        return Verdict.WAIT
    if facts.settled and (facts.has_data or not facts.sidecar_is_valid):
        return Verdict.READY
    return Verdict.IF_WHOLE if facts.sidecar_is_valid and facts.has_data else Verdict.WAIT


_RULES: Mapping[Readiness, Callable[[Facts], Verdict]] = MappingProxyType({
    Readiness.STABLE: _stable,
    Readiness.FLAG: _flagged,
    Readiness.SIDECAR: _accompanied,
    Readiness.FOLDER: _stable,
})  # fmt: skip


def judge(readiness: Readiness, facts: Facts) -> Verdict:
    """Ask the rule of a profile."""
    return _RULES[readiness](facts)
