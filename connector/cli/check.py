"""``mss-connector check``: everything that is wrong with documents, before anything is sent.

Exit codes: 0 no error, 1 something would be refused (with ``--strict`` also: leaves against a rule), 2 not checked.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from connector.cli.exits import Exit, errors_to_person, stderr, stdout
from connector.cli.place import ConfigOption, settings_path
from connector.cli.words import say
from connector.domain.catalogue import explain
from connector.domain.finding import Finding, Severity
from connector.domain.limits import Limits
from connector.exchange.deep.judge import DeepJudge
from connector.exchange.deep.saxon import is_installed
from connector.intake.check.gather import Examination, Unreadable
from connector.intake.check.rehearsal import Examined
from connector.intake.check.report import counted, report_as_dict
from connector.intake.check.rules import rule_of
from connector.intake.check.stand_in import rehearsal_of
from connector.platform.system import SystemClock, SystemIds
from connector.settings.load import read_settings
from connector.settings.model import MailboxSettings, Settings
from connector.settings.validation import ValidationPolicy, ValidationSettings

__all__ = ["check"]

_LOOKS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.ADVICE: "dim"}


def check(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FICHIER…", help="Fichiers, ou dossiers comme A_ENVOYER.", exists=True)
    ],
    *,
    config: ConfigOption = None,
    mailbox: Annotated[str, typer.Option("--mailbox", help="Boîte qui enverrait : nom de dossier ou adresse.")] = "",
    schemas: Annotated[
        Path | None,
        typer.Option("--schemas", help="Schémas et schématrons de l’ANS : contrôle aussi avec eux.", exists=True),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Pour un programme.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Un avertissement compte comme une erreur.")] = False,
) -> None:
    """Dit tout ce qui ne va pas dans des documents, sans rien envoyer ni garder."""
    with errors_to_person():
        settings = _settings(config)
        box = _mailbox(settings, mailbox)
        rehearsal = rehearsal_of(settings, box, clock=SystemClock(), ids=SystemIds(), limits=Limits(),
                                 validation=_validation(schemas))  # fmt: skip
        examination = Examination(rehearsal, rehearsal.rules.mailbox.outbox, Limits())
        try:
            drops = list(examination.run(paths))
        except Unreadable as failure:
            stderr.print(escape(str(failure)), style="red", soft_wrap=True)
            raise typer.Exit(Exit.USAGE) from failure
        if as_json:
            stdout.print_json(json.dumps(report_as_dict(drops), ensure_ascii=False))
        else:
            _show(drops, has_settings=box is not None)
    numbers = counted(drops)
    if numbers[Severity.ERROR] or (strict and numbers[Severity.WARNING]):
        raise typer.Exit(Exit.FINDINGS)


def _settings(config: Path | None) -> Settings | None:
    """Those that were named, or those of the machine if it has any."""
    path = settings_path(config)
    return None if config is None and not path.exists() else read_settings(path)


def _validation(schemas: Path | None) -> ValidationSettings | None:
    """Everything that can be looked at with these schemas on this machine."""
    if schemas is None:
        return None
    schematron = ValidationPolicy.REFUSE if is_installed() else ValidationPolicy.OFF
    validation = ValidationSettings(xsd=ValidationPolicy.REFUSE, schematron=schematron, schemas=schemas)
    DeepJudge(validation).prepare()
    return validation


def _mailbox(settings: Settings | None, wanted: str) -> MailboxSettings | None:
    """The mailbox that is named, else the only one that sends."""
    sending = [box for box in settings.mailboxes if box.send] if settings is not None else []
    if wanted:
        found = [box for box in sending if wanted.casefold() in {box.folder.casefold(), str(box.address).casefold()}]
        if not found:
            raise typer.BadParameter(say("aucune boîte de ce nom n'envoie", "no mailbox of this name sends"))
        return found[0]
    if len(sending) > 1:
        names = ", ".join(box.folder for box in sending)
        raise typer.BadParameter(
            say(f"plusieurs boîtes : --mailbox {names}", f"several mailboxes: --mailbox {names}")
        )
    return next(iter(sending), None)


def _show(drops: list[Examined], *, has_settings: bool) -> None:
    for drop in drops:
        stdout.print(_heading(drop), soft_wrap=True)
        for line in _sendings(drop):
            stdout.print(line, soft_wrap=True)
        if drop.findings:
            stdout.print(_table(drop.findings))
    numbers = counted(drops)
    errors, warnings, advice = (numbers[severity] for severity in Severity)
    stdout.print(
        say(f"{len(drops)} dépôt(s) : {errors} erreur(s), {warnings} avertissement(s), {advice} conseil(s)",
            f"{len(drops)} drop(s): {errors} error(s), {warnings} warning(s), {advice} piece(s) of advice")
    )  # fmt: skip
    if not has_settings:
        texts = explain("CONTROLE_SANS_REGLAGES")
        stdout.print(say(texts.title_fr, texts.title_en), style="dim", soft_wrap=True)


def _heading(drop: Examined) -> str:
    refused = say("serait refusé", "would be refused")
    taken = say("serait pris", "would be taken")
    verdict = f"[red]{refused}[/red]" if drop.is_refused else f"[green]{taken}[/green]"
    return f"[bold]{escape(drop.name)}[/bold]  {verdict}"


def _sendings(drop: Examined) -> Iterator[str]:
    for one in drop.sendings:
        people = ", ".join(one.recipients)
        yield "  " + escape(
            say(f"{one.name} : {one.documents} document(s), {one.messages} message(s) pour {people}",
                f"{one.name}: {one.documents} document(s), {one.messages} message(s) for {people}")
        )  # fmt: skip


def _table(findings: tuple[Finding, ...]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in findings:
        texts = explain(one.code)
        place = " : ".join(filter(None, (one.file, one.where)))
        particular = say(one.french or one.detail, one.detail)
        lines = [
            f"[bold]{escape(place)}[/bold]" if place else "",
            escape(say(texts.title_fr, texts.title_en)),
            f"[dim]{escape(particular)}[/dim]" if particular else "",
            f"→ {escape(say(texts.cure_fr, texts.cure_en))}",
            f"[dim]{escape(rule_of(one.code))}[/dim]" if rule_of(one.code) else "",
        ]
        look = _LOOKS[one.severity]
        table.add_row(
            f"[{look}]{_word(one.severity)}[/{look}]\n[dim]{one.code}[/dim]", "\n".join(filter(None, lines))
        )
    return table


def _word(severity: Severity) -> str:
    words = {
        Severity.ERROR: say("erreur", "error"), Severity.WARNING: say("avertissement", "warning"),
        Severity.ADVICE: say("conseil", "advice"),
    }  # fmt: skip
    return words[severity]
