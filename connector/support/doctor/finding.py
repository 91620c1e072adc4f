"""What a check has found: one line for a person, with a stable code whose cure is in the catalogue."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from connector.domain.catalogue import explain
from connector.domain.errors import ConnectorError

__all__ = ["Finding", "Severity", "error", "ok", "refusal", "warning", "worst"]


class Severity(StrEnum):
    """How much it matters."""

    OK = "ok"
    WARNING = "warning"  # works, or waits for a person, or will not work much longer
    ERROR = "error"  # something does not work


_ORDER = list(Severity)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check can say.

    Attributes:
        code: of the catalogue, which holds what happened and what to do.
        severity: how much it matters.
        subject: what it is about: a folder, a mailbox, a server; for the person at this machine only.
        detail: facts in one English sentence: never a secret, never patient data.
        detail_fr: the same in French where it is more than numbers and names; empty = ``detail`` serves both.
    """

    code: str
    severity: Severity
    subject: str
    detail: str = ""
    detail_fr: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON, with the texts of the catalogue."""
        texts = explain(self.code)
        return {
            "code": self.code, "severity": self.severity.value, "subject": self.subject, "detail": self.detail,
            "detail_fr": self.detail_fr or self.detail, "title_fr": texts.title_fr, "cure_fr": texts.cure_fr,
            "title_en": texts.title_en, "cure_en": texts.cure_en,
        }  # fmt: skip


def ok(code: str, subject: str, detail: str = "", *, detail_fr: str = "") -> Finding:
    """All is well."""
    return Finding(code, Severity.OK, subject, detail, detail_fr)


def warning(code: str, subject: str, detail: str = "", *, detail_fr: str = "") -> Finding:
    """Somebody should see to it."""
    return Finding(code, Severity.WARNING, subject, detail, detail_fr)


def error(code: str, subject: str, detail: str = "", *, detail_fr: str = "") -> Finding:
    """Something does not work."""
    return Finding(code, Severity.ERROR, subject, detail, detail_fr)


def refusal(failure: ConnectorError, subject: str, severity: Severity = Severity.ERROR) -> Finding:
    """What another room raised, under its own code."""
    return Finding(failure.code, severity, subject, failure.detail)


def worst(findings: Iterable[Finding]) -> Severity:
    """The worst severity; OK when there is nothing."""
    return max((finding.severity for finding in findings), key=_ORDER.index, default=Severity.OK)
