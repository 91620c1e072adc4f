"""``mss-connector trust``: whom the connector believes when a server says that it is an operator."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from connector.cli.exits import Exit, errors_to_person, stdout
from connector.cli.place import ConfigOption, settings_at
from connector.cli.words import say
from connector.daemon.endpoint import data_paths
from connector.domain.catalogue import explain
from connector.operators.trust import Trust, hierarchies_in_use
from connector.operators.trust.pins import Igc
from connector.operators.trust.report import (
    AuthorityView,
    ListView,
    UnpinnedFile,
    list_views,
    missing_authorities,
    trust_views,
    unpinned_files,
)
from connector.operators.trust.revocation import Fetched, Outcome
from connector.operators.trust.sources import Gained, gather, import_file
from connector.platform.system import SystemClock
from connector.settings.model import Settings

__all__ = ["app"]

app = typer.Typer(help="Confiance : autorités IGC-Santé et listes de révocation.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Pour un programme.")]


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Montre les autorités acceptées, d'où elles viennent, et l'âge de leurs listes de révocation."""
    with errors_to_person():
        settings = settings_at(config)
        trust = _trust(settings)
        views, others = trust_views(trust), unpinned_files(settings.operators)
        missing = [name for igc in sorted(hierarchies_in_use(settings.operators))
                   for name in missing_authorities(trust, igc)]  # fmt: skip
        if as_json:
            whole = {
                "authorities": views, "revocation_lists": list_views(trust), "missing": missing, "unpinned": others,
            }  # fmt: skip
            stdout.print_json(json.dumps(_plain(whole), ensure_ascii=False))
        else:
            for line in _story(views, missing, others, trust.clock.now()):
                stdout.print(line, soft_wrap=True)
    raise typer.Exit(Exit.FINDINGS if missing or others else Exit.OK)


@app.command("update")
def update(config: ConfigOption = None) -> None:
    """Cherche les autorités (Cryptolib CPS, puis ANS) et télécharge les listes de révocation, maintenant."""
    with errors_to_person():
        settings = settings_at(config)
        trust, igcs = _trust(settings), hierarchies_in_use(settings.operators)
        stdout.print(say("[bold]Autorités[/bold]", "[bold]Authorities[/bold]"))
        gained = gather(trust.store, igcs, trust.fetch, tell=_tell_gained)
        stdout.print(say("[bold]Listes de révocation[/bold]", "[bold]Revocation lists[/bold]"))
        fetched = trust.refresh(igcs, force=True, tell=_tell_fetched)
        if not fetched:
            stdout.print(say("  aucune n'est connue encore", "  none is known yet"))
    failed = any(one.authority is None for one in gained) or any(one.code for one in fetched)
    raise typer.Exit(Exit.FINDINGS if failed else Exit.OK)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Certificat(s) d'autorité : PEM, DER ou p7b.", dir_okay=False)],
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", help="Empreinte SHA-256 d'une autorité à accepter à dessein (banc d'essai)."),
    ] = None,
    igc: Annotated[str, typer.Option("--igc", help="production ou test, pour une autorité ainsi acceptée.")] = "test",
    config: ConfigOption = None,
) -> None:
    """Accepte les autorités d'un fichier : celles de l'IGC-Santé, et celles dont l'empreinte est donnée."""
    with errors_to_person():
        trust = _trust(settings_at(config))
        for authority in import_file(trust.store, file, accepted=accept or (), igc=_hierarchy(igc)):
            stdout.print(f"[green]✓[/green] {escape(authority.name)}", soft_wrap=True)
            stdout.print(f"    SHA-256 {authority.sha256}", style="dim", soft_wrap=True)
            if authority.by_hand:
                text = say("acceptée à la main : ce n'est pas une autorité connue de l'IGC-Santé",
                           "accepted by hand: it is not a known authority of IGC-Santé")  # fmt: skip
                stdout.print(f"    [yellow]{text}[/yellow]", soft_wrap=True)


def _trust(settings: Settings) -> Trust:
    return Trust(data_paths(settings).trust, SystemClock())


def _hierarchy(text: str) -> Igc:
    if text == "production":
        return "production"
    if text == "test":
        return "test"
    raise typer.BadParameter(say("attendu : production ou test", "expected production or test"), param_hint="--igc")


def _story(
    views: list[AuthorityView], missing: list[str], others: list[UnpinnedFile], now: datetime
) -> Iterator[str]:
    """What a person reads, line by line, with rich's markup."""
    if not views:
        yield say("Aucune autorité n'est acceptée sur cette machine.", "No authority is accepted on this machine.")
    for view in views:
        yield from _authority_lines(view, now)
    for name in missing:
        yield f"[yellow]{say('manque', 'missing')}[/yellow] {escape(name)}"
    if missing:
        yield say("  → mss-connector trust update", "  → mss-connector trust update")
    for other in others:
        yield f"[yellow]{say('hors IGC-Santé', 'not IGC-Santé')}[/yellow] {escape(other.name)}"
        yield f"    {escape(str(other.path))} (operators.{escape(other.operator)}.tls.trust)"
        yield f"    SHA-256 {other.sha256}"


def _authority_lines(view: AuthorityView, now: datetime) -> Iterator[str]:
    known = say("connue", "pinned") if view.pinned else f"[yellow]{say('à la main', 'by hand')}[/yellow]"
    use = say("serveurs", "servers") if view.serves else say("personnes", "persons")
    yield f"[bold]{escape(view.name)}[/bold]  {view.igc}, {use}, {known}"
    yield f"    SHA-256 {view.sha256}"
    over = f" [red]{say('(expirée)', '(expired)')}[/red]" if view.valid_until < now else ""
    yield say("    valable jusqu'au ", "    valid until ") + f"{view.valid_until:%d/%m/%Y}{over}"
    yield escape(say("    source : ", "    from: ") + (view.source or "?"))
    if view.revocation_list is not None:
        yield "    " + _list_line(view.revocation_list, now)


def _list_line(view: ListView, now: datetime) -> str:
    """Age and end of a list."""
    start = say("liste de révocation : ", "revocation list: ")
    if view.issued_at is None or view.valid_until is None:
        return start + f"[yellow]{say('aucune', 'none')}[/yellow]{_because(view.code)}"
    hours = int((now - view.issued_at).total_seconds() // 3600)
    end = f"{view.valid_until.astimezone():%d/%m/%Y %H:%M}"
    if view.valid_until < now:
        return start + f"[red]{say('périmée depuis le', 'out of date since')} {end}[/red]{_because(view.code)}"
    return (
        start + say(f"{hours} h, valable jusqu'au {end}", f"{hours} h old, valid until {end}") + _because(view.code)
    )


def _because(code: str) -> str:
    texts = explain(code)
    return f" – {escape(say(texts.title_fr, texts.title_en))} ({code})" if code else ""


def _tell_gained(gained: Gained) -> None:
    if gained.authority is None:
        stdout.print(f"  [red]✗[/red] {escape(gained.name)}{_because(gained.code)}", soft_wrap=True)
        stdout.print(f"    {gained.detail}", style="dim", markup=False, soft_wrap=True)
        return
    news = say(" (nouvelle)", " (new)") if gained.is_new else ""
    source = gained.authority.source
    stdout.print(f"  [green]✓[/green] {escape(gained.name)}{news} – {escape(source)}", soft_wrap=True)


def _tell_fetched(fetched: Fetched) -> None:
    words = {
        Outcome.FETCHED: say("reçue", "received"),
        Outcome.UNCHANGED: say("inchangée", "unchanged"),
        Outcome.NOT_DUE: say("récente", "recent"),
        Outcome.BUSY: say("un autre programme s'en occupe", "another program is at it"),
        Outcome.FAILED: say("échec", "failed"),
    }
    mark = "[red]✗[/red]" if fetched.outcome is Outcome.FAILED else "[green]✓[/green]"
    line = f"  {mark} {escape(fetched.address)} – {words[fetched.outcome]}{_because(fetched.code)}"
    stdout.print(line, soft_wrap=True)
    if fetched.detail:
        stdout.print(f"    {fetched.detail}", style="dim", markup=False, soft_wrap=True)


def _plain(value: Any) -> Any:
    """For JSON: dataclasses as tables, times in ISO 8601, paths as text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, AuthorityView | ListView | UnpinnedFile):
        return _plain(asdict(value))
    return str(value) if isinstance(value, Path) else value
