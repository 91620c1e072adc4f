"""Health as a tree: a component is as well as itself and everything below it.

``/health``, ``mss-connector status`` and later the page render the same tree.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from connector.domain.catalogue import explain

__all__ = ["Component", "Condition", "HealthRegistry", "worst"]


class Condition(StrEnum):
    """How a component is."""

    OK = "ok"
    WAITING = "waiting"  # a person or a passing condition is awaited; nothing is lost
    ERROR = "error"


_ORDER = [Condition.OK, Condition.WAITING, Condition.ERROR]


@dataclass(frozen=True, slots=True)
class Component:
    """One node: what it is, how it is, and since when."""

    name: str
    condition: Condition = Condition.OK
    code: str | None = None  # of the catalogue
    since: str | None = None  # ISO 8601, UTC
    detail: str = ""  # English, no patient data
    parts: tuple["Component", ...] = ()

    @property
    def overall(self) -> Condition:
        """The worst of the component and its parts."""
        return worst([self.condition, *(part.overall for part in self.parts)])

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        texts = explain(self.code) if self.code else None
        return {
            "name": self.name,
            "status": self.overall.value,
            "code": self.code,
            "since": self.since,
            "detail": self.detail,
            "title_fr": texts.title_fr if texts else None,
            "cure_fr": texts.cure_fr if texts else None,
            "components": [part.as_dict() for part in self.parts],
        }


def worst(conditions: Iterable[Condition]) -> Condition:
    """The worst of several; OK when there are none."""
    return max(conditions, key=_ORDER.index, default=Condition.OK)


class HealthRegistry:
    """Asks every part of the connector how it is, at the moment of the question."""

    def __init__(self) -> None:
        self._probes: dict[str, Callable[[], Component]] = {}

    def add(self, name: str, probe: Callable[[], Component]) -> None:
        """Register a component; ``probe`` must be quick and must not block."""
        self._probes[name] = probe

    def report(self) -> Component:
        """The whole tree."""
        return Component("connector", parts=tuple(probe() for probe in self._probes.values()))
