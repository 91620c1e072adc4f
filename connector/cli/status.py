"""``mss-connector status``: did it leave, did it arrive, what must I do."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any

import typer
from rich.markup import escape

from connector.cli.exits import errors_to_person, stdout
from connector.cli.place import ConfigOption, journal_of, settings_at
from connector.cli.refused import refused_today
from connector.cli.watch import watch
from connector.cli.words import say
from connector.daemon.endpoint import ask_health
from connector.domain.catalogue import explain
from connector.journal.journal import Journal
from connector.support.words import PERSON_STATES, REFUSED_DROPS

__all__ = ["status"]


def status(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Pour un programme.")] = False,
    watching: Annotated[
        bool, typer.Option("--watch", help="Suit l'avancement des envois ; Ctrl-C pour finir.")
    ] = False,
    hours: Annotated[float, typer.Option("--hours", min=0.1, help="Avec --watch : depuis combien d'heures.")] = 24.0,
    looks: Annotated[int | None, typer.Option("--looks", min=1, hidden=True)] = None,
) -> None:
    """Montre par boîte ce qui est parti, arrivé, en attente ou en échec, et l'état du service."""
    with errors_to_person():
        settings = settings_at(config)
        if watching:
            with journal_of(settings) as journal, suppress(KeyboardInterrupt):
                watch(journal, hours, looks=looks)
            return
        health = ask_health(settings)
        with journal_of(settings) as journal:
            counts, refused, histories = journal.counts(), refused_today(journal), _histories(journal)
    if as_json:
        shown = {"health": health, "counts": counts, "refused": refused, "histories": histories}
        stdout.print_json(json.dumps(shown, ensure_ascii=False))
        return
    stdout.print(_service_line(health))
    for line in _hindrances(health or {}):
        stdout.print(line, soft_wrap=True)
    for mailbox in sorted({str(mailbox.address) for mailbox in settings.mailboxes} | counts.keys() | refused.keys()):
        for line in _mailbox_lines(mailbox, counts.get(mailbox, {}), refused.get(mailbox, {})):
            stdout.print(line, soft_wrap=True)
        for line in _history_lines(histories.get(mailbox, {})):
            stdout.print(line, soft_wrap=True)


def _service_line(health: dict[str, Any] | None) -> str:
    if health is None:
        return say("[yellow]Le service n'est pas lancé.[/yellow]", "[yellow]The service is not running.[/yellow]")
    words = {
        "ok": say("en marche", "running"),
        "waiting": say("en attente", "waiting"),
        "error": say("en panne", "broken"),
    }
    return say("Service : ", "Service: ") + words.get(str(health.get("status")), "?")


def _hindrances(component: dict[str, Any]) -> Iterator[str]:
    """What hinders the service, each with what to do: every node of the health tree that has a code."""
    if component.get("code"):
        texts = explain(str(component["code"]))
        name = escape(str(component.get("name", "")))
        yield f"  [yellow]{name}{say(' : ', ': ')}{escape(say(texts.title_fr, texts.title_en))}[/yellow]"
        yield f"    → {escape(say(texts.cure_fr, texts.cure_en))}"
    for part in component.get("components") or []:
        yield from _hindrances(part)


def _histories(journal: Journal) -> dict[str, dict[str, dict[str, int]]]:
    """By mailbox and folder, how far an old mailbox has been gone through; nothing of those that are finished."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for mark in journal.folder_marks():
        if mark.has_history_left:
            found.setdefault(str(mark.mailbox), {})[mark.folder] = {"looked": mark.looked, "total": mark.total}
    return found


def _history_lines(folders: dict[str, dict[str, int]]) -> Iterator[str]:
    for folder, progress in folders.items():
        done, total = (f"{progress[name]:,}".replace(",", "\N{NO-BREAK SPACE}") for name in ("looked", "total"))
        yield "  " + say(
            f"reprise de l'existant, {escape(folder)} : {done} / {total} messages",
            f"going through what was there, {escape(folder)}: {done} / {total} messages",
        )


def _mailbox_lines(mailbox: str, states: dict[str, int], refused: dict[str, int]) -> Iterator[str]:
    """One mailbox: what there is, and what the person can do about it."""
    shown = [(column, sum(states.get(key, 0) for key in column.keys)) for column in PERSON_STATES]
    shown.append((REFUSED_DROPS, refused.get("unseen", 0)))
    parts = [say(*column.words(count)) for column, count in shown if count]
    yield f"[bold]{escape(mailbox)}[/bold]"
    yield "  " + (", ".join(parts) or say("rien pour le moment", "nothing yet"))
    for column, count in shown:
        if count and column.command:
            yield f"  [yellow]→ {column.command}[/yellow]"
