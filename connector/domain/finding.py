"""One thing that is worth saying of a document before it is sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Severity", "each_once"]


class Severity(StrEnum):
    """What a finding means for sending."""

    ERROR = "error"  # the connector refuses the document
    WARNING = "warning"  # it leaves, against a rule: a receiver may refuse it, or read it badly
    ADVICE = "advice"  # nothing is wrong; something could not be looked at, or could be better


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. Its sentences for people are those of its code in the catalogue.

    Attributes:
        severity: what it means for sending.
        code: stable, of the catalogue.
        file: name of the file, or of the drop when it concerns several.
        where: line and XPath, segment and field, record, object, or name inside an archive; may be empty.
        detail: what is particular to this case, in English; never a value of the document.
        french: the same in French, where the code alone does not say it.
    """

    severity: Severity
    code: str
    file: str = ""
    where: str = ""
    detail: str = ""
    french: str = ""


def each_once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Without repetitions, in order."""
    return tuple(dict.fromkeys(findings))
