"""``mss-connector queue``: what was given to us, one by one, and what a person may decide."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from connector.cli.exits import errors_to_person, stdout
from connector.cli.place import ConfigOption, journal_of, settings_at
from connector.cli.words import say
from connector.daemon.endpoint import data_paths
from connector.daemon.nudge import nudge
from connector.domain.catalogue import explain
from connector.domain.errors import InvalidSubmission
from connector.domain.states import OutgoingState
from connector.exchange import person
from connector.journal.journal import Journal
from connector.journal.records import OutgoingMessage, SubmissionView
from connector.platform.system import SystemClock
from connector.settings.model import Settings

__all__ = ["app"]

app = typer.Typer(help="Envois : lister, voir, relancer, annuler, libérer.", no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(help="Identifiant complet, ou ses derniers caractères.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Pour un programme.")]

ACTOR = "person at the terminal"
Decision = Callable[..., int]


@app.command("list")
def list_(
    config: ConfigOption = None,
    state: Annotated[list[OutgoingState] | None, typer.Option("--state", help="Seulement ces états.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """Liste les envois, le plus récent d'abord."""
    with errors_to_person(), journal_of(settings_at(config)) as journal:
        views = journal.submissions(states=state or None, limit=limit)
        if as_json:
            stdout.print_json(json.dumps([_as_dict(view) for view in views], ensure_ascii=False))
        else:
            stdout.print(_table(views))


@app.command("show")
def show(submission_id: IdArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Montre un envoi : destinataires, réponses de l'opérateur, trace."""
    with errors_to_person(), journal_of(settings_at(config)) as journal:
        view = _find(journal, submission_id)
        trace = [
            {"at": entry.at.isoformat(), "actor": entry.actor, "action": entry.action, "server": entry.server,
             "answer": entry.answer, "outcome": entry.outcome}
            for entry in journal.trace(subject_id=view.id)
        ]  # fmt: skip
        if as_json:
            stdout.print_json(json.dumps(_as_dict(view) | {"trace": trace}, ensure_ascii=False))
        else:
            _print_story(view, sorted(trace, key=lambda entry: entry["at"]))


@app.command("retry")
def retry(submission_id: IdArgument, config: ConfigOption = None) -> None:
    """Relance maintenant un envoi en échec ou en attente, vers ceux qui ne l'ont pas reçu."""
    _decide(submission_id, config, person.retry)


@app.command("cancel")
def cancel(submission_id: IdArgument, config: ConfigOption = None) -> None:
    """Renonce à un envoi qui n'est pas parti."""
    _decide(submission_id, config, person.cancel)


@app.command("release")
def release(submission_id: IdArgument, config: ConfigOption = None) -> None:
    """Laisse partir un doublon, ou renvoie un message dont l'issue est inconnue."""
    _decide(submission_id, config, person.release)


def _decide(submission_id: str, config: Path | None, decision: Decision) -> None:
    with errors_to_person():
        settings = settings_at(config)
        _act(settings, submission_id, decision)


def _act(settings: Settings, submission_id: str, decision: Decision) -> None:
    with journal_of(settings) as journal:
        view = _find(journal, submission_id)
        count = decision(journal, SystemClock(), view.id, actor=ACTOR)
        nudge(data_paths(settings))
        stdout.print(say(f"{view.id[-6:]} : {count} message(s).", f"{view.id[-6:]}: {count} message(s)."))


def _find(journal: Journal, text: str) -> SubmissionView:
    """By full id, or by the only submission that ends so.

    Raises:
        InvalidSubmission: ``INTROUVABLE``.
    """
    matches = journal.find_submissions(text.strip().upper())
    if len(matches) != 1:
        raise InvalidSubmission("INTROUVABLE", f"{len(matches)} submissions end with this identifier")
    return journal.submission(matches[0])


def _table(views: list[SubmissionView]) -> Table:
    table = Table()
    for title in ("id", say("reçu", "taken"), say("dépôt", "drop"), say("état", "state"), say("motif", "reason")):
        table.add_column(title)
    for view in views:
        state, code = _worst(view.messages)
        at = f"{view.created_at.astimezone():%d/%m %H:%M:%S}"
        table.add_row(view.id[-6:], at, escape(view.source_name), state, code)
    return table


def _worst(messages: tuple[OutgoingMessage, ...]) -> tuple[str, str]:
    states = sorted({message.state.value for message in messages})
    return ", ".join(states), next((message.code for message in messages if message.code), "") or ""


def _as_dict(view: SubmissionView) -> dict[str, Any]:
    return {
        "id": view.id,
        "mailbox": str(view.mailbox),
        "source": view.source.value,
        "name": view.source_name,
        "reference": view.reference,
        "created_at": view.created_at.isoformat(),
        "warnings": list(view.warnings),
        "messages": [_message(message) for message in view.messages],
    }


def _message(message: OutgoingMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "state": message.state.value,
        "since": message.state_since.isoformat(),
        "attempts": message.attempts,
        "next_attempt_at": message.next_attempt_at.isoformat() if message.next_attempt_at else None,
        "waiting_for": message.waiting_for.value if message.waiting_for else None,
        "message_id": message.header_message_id,
        "code": message.code,
        "answer": message.answer,
        "recipients": [
            {"address": str(r.address), "state": r.state.value, "code": r.code, "text": r.text}
            for r in message.recipients
        ],
    }


def _print_story(view: SubmissionView, trace: list[dict[str, str]]) -> None:
    """One submission as a person reads it."""
    stdout.print(f"[bold]{view.id}[/bold]  {escape(view.source_name)}")
    for message in view.messages:
        stdout.print(f"  {message.state.value}  {message.header_message_id or ''}", markup=False)
        if message.code:
            texts = explain(message.code)
            stdout.print(f"    {message.code}: {say(texts.title_fr, texts.title_en)}", markup=False)
            stdout.print(f"    → {say(texts.cure_fr, texts.cure_en)}", markup=False)
        for r in message.recipients:
            stdout.print(f"    {r.address}  {r.state.value}  {r.code or ''} {r.text}", markup=False)
    for entry in trace:
        stdout.print(f"  {entry['at']}  {entry['action']:<12} {entry['outcome']:<10} {entry['answer']}", markup=False)
