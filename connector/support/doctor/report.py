"""The findings of a whole run as values: for a program, for the page, for the support bundle."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from connector import __version__
from connector.support.doctor.finding import Finding, Severity, worst
from connector.support.doctor.run import Examined, LeftOut

__all__ = ["Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """What a run of the doctor brought."""

    examined: Sequence[Examined]
    left_out: Sequence[LeftOut] = ()

    @property
    def findings(self) -> list[Finding]:
        """All of them, in order."""
        return [finding for one in self.examined for finding in one.findings]

    @property
    def worst(self) -> Severity:
        """The worst of them."""
        return worst(self.findings)

    def count(self, severity: Severity) -> int:
        """How many weigh that much."""
        return sum(finding.severity is severity for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "version": __version__,
            "status": self.worst.value,
            "counts": {severity.value: self.count(severity) for severity in Severity},
            "findings": [_row(one, finding) for one in self.examined for finding in one.findings],
            "left_out": [{"check": one.check.name, "needs": one.need.value} for one in self.left_out],
        }

    @classmethod
    def of(cls, examined: Iterable[Examined], left_out: Sequence[LeftOut]) -> "Report":
        """Run everything and keep it."""
        return cls(tuple(examined), left_out)


def _row(examined: Examined, finding: Finding) -> dict[str, Any]:
    return {"group": examined.check.group.value, "check": examined.check.name, **finding.as_dict()}
