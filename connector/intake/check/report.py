"""What was found, for programs: the words of the catalogue beside each finding."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from connector.domain.catalogue import explain
from connector.domain.finding import Finding, Severity
from connector.intake.check.rehearsal import Examined
from connector.intake.check.rules import rule_of

__all__ = ["counted", "drop_as_dict", "finding_as_dict", "report_as_dict"]


def counted(drops: Iterable[Examined]) -> Counter[Severity]:
    """How many findings of each severity."""
    return Counter(finding.severity for drop in drops for finding in drop.findings)


def report_as_dict(drops: Sequence[Examined]) -> dict[str, Any]:
    """Everything of one examination."""
    numbers = counted(drops)
    return {
        "version": 1,
        "errors": numbers[Severity.ERROR],
        "warnings": numbers[Severity.WARNING],
        "advice": numbers[Severity.ADVICE],
        "drops": [drop_as_dict(drop) for drop in drops],
    }


def drop_as_dict(drop: Examined) -> dict[str, Any]:
    """One drop: whether it would be refused, what it would become, what was found."""
    return {
        "name": drop.name,
        "refused": drop.is_refused,
        "sendings": [{**asdict(one), "recipients": list(one.recipients)} for one in drop.sendings],
        "findings": [finding_as_dict(finding) for finding in drop.findings],
    }


def finding_as_dict(finding: Finding) -> dict[str, str]:
    """One finding with the sentences of its code."""
    texts = explain(finding.code)
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "file": finding.file,
        "where": finding.where,
        "title_fr": texts.title_fr,
        "detail_fr": finding.french,
        "cure_fr": texts.cure_fr,
        "title_en": texts.title_en,
        "detail": finding.detail,
        "cure_en": texts.cure_en,
        "rule": rule_of(finding.code),
    }
