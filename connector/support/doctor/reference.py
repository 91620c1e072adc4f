"""The page of all findings, made from the registry and the catalogue: ``docs/doctor.md`` can never say less."""

from collections.abc import Iterator

from connector.domain.catalogue import explain
from connector.support.doctor.check import GROUP_WORDS, Check, Group, Need
from connector.support.doctor.finding import Severity
from connector.support.doctor.registry import CHECKS

__all__ = ["findings_as_markdown"]

_INTRODUCTION = """\
# The doctor

`mss-connector doctor` looks at everything that the connector depends on, and says of each thing what it found and
what to do. It changes nothing: it makes no journal and no folder, never gives a PIN, and never shows a password again
that the operator has refused.

| command | what it does |
|---|---|
| `mss-connector doctor` | all checks, grouped, with the cure under each finding |
| `mss-connector doctor --offline` | only what needs no network |
| `mss-connector doctor --mailbox BOX` | only what concerns this mailbox |
| `mss-connector doctor --json` | for a program |

Exit code: 0 when nothing is broken (there may be warnings), 1 when something is, 2 when it cannot run.

A check that crashes is a finding (`CONTROLE_INTERROMPU`), and so is one that does not end in time
(`CONTROLE_TROP_LONG`); the others go on.

`mss-connector support bundle -o FILE.zip` puts the findings, together with versions, masked settings and the scrubbed
technical log, into a file for the vendor. It holds no patient data, no address and no secret; the file `LISEZMOI.txt`
inside says what each part is, and `--show` prints everything instead of writing it.

This page is made from the registry of checks and the catalogue of codes; a test compares them.
"""
_NEEDS = {Need.NETWORK: "the network", Need.CARD: "a mailbox with a card"}
_ALWAYS = ("CONTROLE_INTERROMPU", "CONTROLE_TROP_LONG")


def findings_as_markdown() -> str:
    """The whole page."""
    return _INTRODUCTION + "".join(_groups())


def _groups() -> Iterator[str]:
    yield "\n## Any check\n\n" + _table([(Severity.ERROR, code) for code in _ALWAYS])
    for group in Group:
        yield f"\n## {GROUP_WORDS[group].en} ({GROUP_WORDS[group].fr})\n"
        for check in CHECKS:
            if check.group is group:
                yield _check(check)


def _check(check: Check) -> str:
    gives = check.gives
    by_severity = ((Severity.ERROR, gives.error), (Severity.WARNING, gives.warning), (Severity.OK, gives.ok))
    rows = [(severity, code) for severity, codes in by_severity for code in codes]
    rows += [(Severity.ERROR, code) for code in gives.passes]
    needs = " and ".join(_NEEDS[need] for need in Need if need in check.needs and need in _NEEDS)
    return f"\n### {check.title.en}\n\n" + (f"Needs {needs}.\n\n" if needs else "") + _table(rows)


def _table(rows: list[tuple[Severity, str]]) -> str:
    head = "| code | weight | what it says | what to do |\n|---|---|---|---|\n"
    return head + "".join(_row(severity, code) for severity, code in rows)


def _row(severity: Severity, code: str) -> str:
    texts = explain(code)
    said = f"{texts.title_fr}<br>*{texts.title_en}*"
    cure = f"{texts.cure_fr}<br>*{texts.cure_en}*"
    return f"| `{code}` | {severity.value} | {said} | {cure} |\n"
