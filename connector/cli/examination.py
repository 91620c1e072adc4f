"""What ``mss-connector doctor`` shows: every finding as soon as it is there, with its cure under it."""

import json
from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape
from rich.status import Status

from connector.cli.exits import stderr, stdout
from connector.cli.surroundings import surroundings
from connector.cli.words import say
from connector.domain.catalogue import explain
from connector.support.doctor import (
    CHECKS,
    GROUP_WORDS,
    Check,
    Examined,
    Finding,
    Group,
    Need,
    Severity,
    World,
    examine,
    left_out,
)
from connector.support.doctor.report import Report

__all__ = ["examination"]

_MARKS = {Severity.OK: "[green]✓[/green]", Severity.WARNING: "[yellow]![/yellow]", Severity.ERROR: "[red]✗[/red]"}
_COLOURS = {Severity.OK: "default", Severity.WARNING: "yellow", Severity.ERROR: "red"}
_FETCH_SECONDS = 15.0  # for revocation lists that a check has asked for in the background


def examination(config: Path, *, mailbox: str, offline: bool, as_json: bool) -> bool:
    """Look at everything and show what was found; true when there is no error.

    Args:
        config: file of the settings, which need not be there.
        mailbox: folder name or address of the only one to look at; empty = all.
        offline: ask nothing of the network.
        as_json: for a program, when everything is done.
    """
    world = surroundings(config, mailbox=mailbox, offline=offline)
    report = _as_json(world) if as_json else _for_person(world)
    world.trust.settle(_FETCH_SECONDS)
    return report.worst is not Severity.ERROR


def _as_json(world: World) -> Report:
    report = Report.of(examine(CHECKS, world), left_out(CHECKS, world))
    stdout.print_json(json.dumps(report.as_dict(), ensure_ascii=False))
    return report


def _for_person(world: World) -> Report:
    """Group by group, as soon as each is done."""
    done: list[Examined] = []
    heading: Group | None = None
    with stderr.status(say("Examen en cours…", "Looking…")) as status:
        for examined in examine(CHECKS, world, begun=lambda check: _tell_progress(status, check)):
            done.append(examined)
            if not examined.findings:
                continue
            if examined.check.group is not heading:
                heading = examined.check.group
                stdout.print(f"\n[bold]{escape(say(*GROUP_WORDS[heading]))}[/bold]")
            for finding in examined.findings:
                for line in _lines(finding):
                    stdout.print(line, soft_wrap=True)
    report = Report(done, left_out(CHECKS, world))
    for line in _end(report):
        stdout.print(line, soft_wrap=True)
    return report


def _tell_progress(status: Status, check: Check) -> None:
    status.update(say("Examen en cours : ", "Looking: ") + escape(say(*check.title)))


def _lines(finding: Finding) -> Iterator[str]:
    """One line, and below it what to do."""
    texts, colour = explain(finding.code), _COLOURS[finding.severity]
    told = ", ".join(filter(None, (finding.subject, say(finding.detail_fr or finding.detail, finding.detail))))
    facts = f" [dim]{escape(told)}[/dim]" if told else ""
    code = f" \\[{finding.code}]" if finding.severity is not Severity.OK else ""
    title = escape(say(texts.title_fr, texts.title_en))
    yield f" {_MARKS[finding.severity]} [{colour}]{title}[/{colour}]{facts}{code}"
    if finding.severity is not Severity.OK:
        yield f"   → {escape(say(texts.cure_fr, texts.cure_en))}"


def _end(report: Report) -> Iterator[str]:
    yield ""
    skipped = [one.check for one in report.left_out if one.need is not Need.CARD]
    if skipped:
        titles = ", ".join(say(*check.title) for check in skipped)
        yield f"[dim]{say('Non examiné : ', 'Not looked at: ')}{escape(titles)}[/dim]"
    errors, warnings = report.count(Severity.ERROR), report.count(Severity.WARNING)
    if not errors and not warnings:
        yield say("[green]Tout est en ordre.[/green]", "[green]All is well.[/green]")
        return
    colour = "red" if errors else "yellow"
    text = say(
        f"{errors} erreur{'s' * (errors > 1)}, {warnings} avertissement{'s' * (warnings > 1)}.",
        f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}.",
    )
    yield f"[{colour}]{text}[/{colour}]"
