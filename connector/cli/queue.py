"""``mss-connector queue``: what was given to us, one by one, and what a person may decide."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from connector.cli.exits import errors_to_person, stdout
from connector.cli.found import only_match
from connector.cli.place import ACTOR, ConfigOption, journal_of, settings_at
from connector.cli.refused import refused
from connector.cli.words import say
from connector.daemon.endpoint import data_paths
from connector.daemon.nudge import nudge
from connector.domain.catalogue import explain
from connector.domain.states import OutgoingState
from connector.domain.text import Text
from connector.exchange import person
from connector.journal.journal import Journal
from connector.journal.records import MessageRecipient, OutgoingMessage, SubmissionView, TraceEntry
from connector.platform.system import SystemClock
from connector.settings.model import Settings
from connector.support.words import ACTION_WORDS, OUTGOING_WORDS, RECIPIENT_WORDS, WAITING_WORDS

__all__ = ["app"]

app = typer.Typer(help="Envois : lister, voir, relancer, annuler, libérer.", no_args_is_help=True)
app.command("refused")(refused)

IdArgument = Annotated[str, typer.Argument(help="Identifiant complet, ou ses derniers caractères.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Pour un programme.")]

Decision = Callable[..., int]


@app.command("list")
def list_(
    config: ConfigOption = None,
    state: Annotated[list[OutgoingState] | None, typer.Option("--state", help="Seulement ces états.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """Liste les envois, le plus récent d'abord ; les dépôts refusés : queue refused."""
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
        trace = journal.trace(subject_id=view.id)
        if as_json:
            whole = _as_dict(view) | {"trace": [_trace_entry(entry) for entry in trace]}
            stdout.print_json(json.dumps(whole, ensure_ascii=False))
        else:
            for line in _story(view, trace):
                stdout.print(line, soft_wrap=True)


@app.command("retry")
def retry(submission_id: IdArgument, config: ConfigOption = None) -> None:
    """Relance maintenant un envoi en échec ou en attente, vers ceux qui ne l'ont pas reçu."""
    _decide(submission_id, config, person.retry, Text("relancé", "tried again"))


@app.command("cancel")
def cancel(submission_id: IdArgument, config: ConfigOption = None) -> None:
    """Renonce à un envoi qui n'est pas parti."""
    _decide(submission_id, config, person.cancel, Text("annulé", "cancelled"))


@app.command("release")
def release(submission_id: IdArgument, config: ConfigOption = None) -> None:
    """Laisse partir un doublon, ou renvoie un message dont l'issue est inconnue."""
    _decide(submission_id, config, person.release, Text("libéré", "released"))


def _decide(submission_id: str, config: Path | None, decision: Decision, done: Text) -> None:
    with errors_to_person():
        settings = settings_at(config)
        _act(settings, submission_id, decision, done)


def _act(settings: Settings, submission_id: str, decision: Decision, done: Text) -> None:
    with journal_of(settings) as journal:
        view = _find(journal, submission_id)
        count = decision(journal, SystemClock(), view.id, actor=ACTOR)
        nudge(data_paths(settings))
        s = "s" if count > 1 else ""
        stdout.print(say(f"{view.id[-6:]} : {count} message{s} {done.fr}{s}.",
                         f"{view.id[-6:]}: {count} message{s} {done.en}."))  # fmt: skip


def _find(journal: Journal, text: str) -> SubmissionView:
    """By full id, or by the only submission that ends so.

    Raises:
        InvalidSubmission: ``INTROUVABLE``, or ``IDENTIFIANT_AMBIGU`` when several end so.
    """
    matches = journal.find_submissions(text.strip().upper())
    return journal.submission(only_match(matches, "no submission ends with this identifier"))


def _table(views: list[SubmissionView]) -> Table:
    table = Table()
    for title in ("id", say("reçu", "taken"), say("dépôt", "drop"), say("état", "state"), say("motif", "reason")):
        table.add_column(title)
    for view in views:
        states = dict.fromkeys(say(*OUTGOING_WORDS[message.state]) for message in view.messages)
        reasons = dict.fromkeys(message.code for message in view.messages if message.code)
        table.add_row(
            view.id[-6:], _local(view.created_at), escape(view.source_name), ", ".join(states), ", ".join(reasons)
        )
    return table


def _local(at: datetime) -> str:
    return f"{at.astimezone():%d/%m %H:%M:%S}"


def _as_dict(view: SubmissionView) -> dict[str, Any]:
    return {
        "id": view.id,
        "mailbox": str(view.mailbox),
        "source": view.source.value,
        "name": view.source_name,
        "reference": view.reference,
        "created_at": view.created_at.isoformat(),
        "duplicate_of": view.duplicate_of,
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


def _trace_entry(entry: TraceEntry) -> dict[str, str]:
    return {
        "at": entry.at.isoformat(), "actor": entry.actor, "action": entry.action, "server": entry.server,
        "answer": entry.answer, "outcome": entry.outcome,
    }  # fmt: skip


def _story(view: SubmissionView, trace: list[TraceEntry]) -> Iterator[str]:
    """One submission as a person reads it, line by line, with rich's markup."""
    yield f"[bold]{escape(view.source_name)}[/bold]  {view.id}"
    reference = say(f", référence {view.reference}", f", reference {view.reference}") if view.reference else ""
    yield escape(say("  boîte ", "  mailbox ") + str(view.mailbox) + reference)
    if view.duplicate_of:
        yield say(f"  même contenu que {view.duplicate_of}", f"  same content as {view.duplicate_of}")
    for code in view.warnings:
        yield "  " + _explained(code)
    for number, message in enumerate(view.messages, 1):
        yield from _message_lines(message, f"{number}/{len(view.messages)}")
    yield say("  Historique", "  History")
    for entry in trace:
        yield "    " + _trace_line(entry)


def _message_lines(message: OutgoingMessage, number: str) -> Iterator[str]:
    state = say(*OUTGOING_WORDS[message.state])
    since = say("depuis le", "since")
    yield f"  Message {number}{say(' : ', ': ')}[bold]{state}[/bold] ({since} {_local(message.state_since)})"
    if message.waiting_for:
        yield "    " + say("attend : ", "waits for: ") + say(*WAITING_WORDS[message.waiting_for])
    if message.code:
        yield "    " + _explained(message.code)
        yield "    → " + escape(say(explain(message.code).cure_fr, explain(message.code).cure_en))
    if message.next_attempt_at:
        yield "    " + say("prochain essai : ", "next attempt: ") + _local(message.next_attempt_at)
    for recipient in message.recipients:
        yield "    " + _recipient_line(recipient)
    if message.header_message_id:
        yield f"    Message-ID {escape(message.header_message_id)}"


def _explained(code: str) -> str:
    texts = explain(code)
    return f"{escape(say(texts.title_fr, texts.title_en))} ({code})"


def _recipient_line(recipient: MessageRecipient) -> str:
    answer = " ".join(str(part) for part in (recipient.code, recipient.text) if part)
    state = say(*RECIPIENT_WORDS[recipient.state])
    return escape(f"{recipient.address}{say(' : ', ': ')}{state}{f' ({answer})' if answer else ''}")


def _trace_line(entry: TraceEntry) -> str:
    """When, what, what came of it, what the server said; who, when it was a person."""
    action = say(*ACTION_WORDS[entry.action]) if entry.action in ACTION_WORDS else entry.action
    word, _, code = entry.outcome.partition(" ")
    outcome = say(*OUTGOING_WORDS[OutgoingState(word)]) if word in set(OutgoingState) else word.replace("ok", "")
    answer = "" if entry.action == "take" else entry.answer  # of a server; at the taking it is our own, in English
    negotiated = entry.server.partition(" ")[2]  # TLS version, suite, name and revocation list of the operator
    told = [part for part in ("" if outcome in action else outcome, code, answer, negotiated) if part]
    who = f" [{entry.actor}]" if entry.actor == ACTOR else ""
    return escape(f"{_local(entry.at)}  {action}{who}{' : ' if told else ''}{', '.join(told)}")
