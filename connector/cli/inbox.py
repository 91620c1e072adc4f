"""``mss-connector inbox``: what arrived, and what a person may answer; asks the running connector."""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from connector.cli.exits import errors_to_person, stdout
from connector.cli.found import only_match
from connector.cli.place import ConfigOption
from connector.cli.service import service_of
from connector.cli.words import say
from connector.client.connection import Connection
from connector.client.models.answers import AnswerModel, NoticeModel
from connector.client.models.inbox import InboxItemModel, InboxMessageModel
from connector.domain.catalogue import explain
from connector.domain.errors import InvalidSubmission
from connector.domain.states import IncomingState
from connector.domain.text import Text
from connector.platform.files import free_name, private_folder, read_regular_file, safe_name, write_atomic
from connector.support.received_words import (
    ALERT_WORDS,
    IDENTITY_WORDS,
    INCOMING_WORDS,
    NOTICE_WORDS,
    REFUSED_BY_SOFTWARE,
    RELATION_WORDS,
    SHORT_RELATIONS,
)

__all__ = ["app"]

app = typer.Typer(help="Messages reçus : lister, voir, enregistrer, remettre, répondre.", no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(help="Identifiant complet, ou ses derniers caractères.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Pour un programme.")]
NoOption = Annotated[bool, typer.Option("--no", help="Ne pas l'envoyer, et ne plus être sollicité.")]

_KO_CODES = tuple(str(code) for code in range(900, 907))
_ID_CHARS = 26
_PAGE = 100
_PAGES_LOOKED_AT = 10
_MOST_FILE_BYTES = 100_000_000
_OUTCOMES = {
    "queued": Text("La réponse part.", "The answer leaves."),
    "already": Text("C'était déjà décidé.", "It was decided before."),
    "not_sent": Text("Rien n'est envoyé.", "Nothing is sent."),
}


@app.command("list")
def list_(
    *,
    config: ConfigOption = None,
    mailbox: Annotated[str | None, typer.Option(help="Dossier ou adresse de la boîte.", metavar="BOITE")] = None,
    state: Annotated[list[IncomingState] | None, typer.Option("--state", help="Seulement ces états.")] = None,
    taken: Annotated[bool | None, typer.Option("--taken/--not-taken", help="Pris par un logiciel, ou non.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000)] = 50,
    as_json: JsonOption = False,
) -> None:
    """Liste les messages reçus, le plus récent d'abord, avec alertes, liens et réponses attendues."""
    with errors_to_person(), service_of(config) as service:
        items = list(
            _newest(service, limit, mailbox=mailbox, states=[each.value for each in state or []], taken=taken)
        )
        if as_json:
            stdout.print_json(json.dumps([item.model_dump(mode="json") for item in items], ensure_ascii=False))
        else:
            stdout.print(_table(items))


@app.command("show")
def show(inbox_id: IdArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Montre un message : expéditeur, patient, documents, alertes, réponses, et ce qui va avec."""
    with errors_to_person(), service_of(config) as service:
        message = service.inbox_message(_find(service, inbox_id))
        thread = service.thread(message.id)
        if as_json:
            whole = message.model_dump(mode="json") | {"thread": thread.model_dump(mode="json")}
            stdout.print_json(json.dumps(whole, ensure_ascii=False))
            return
        for line in _lines(message):
            stdout.print(escape(line), soft_wrap=True)


@app.command("export")
def export(
    inbox_id: IdArgument,
    folder: Annotated[Path, typer.Argument(help="Dossier où enregistrer.", metavar="DOSSIER")],
    config: ConfigOption = None,
    raw: Annotated[bool, typer.Option("--raw", help="Aussi le message entier (.eml).")] = False,
) -> None:
    """Enregistre les documents d'un message ; aucun fichier n'est remplacé."""
    with errors_to_person(), service_of(config) as service:
        message = service.inbox_message(_find(service, inbox_id))
        if not folder.is_dir():
            private_folder(folder)
        for document in message.documents:
            _save(folder, safe_name(document.name), service.inbox_document(message.id, document.number))
        if raw:
            _save(folder, f"{message.id}.eml", service.inbox_raw(message.id))


@app.command("requeue")
def requeue(inbox_id: IdArgument, config: ConfigOption = None) -> None:
    """Remet un message au logiciel une fois de plus, même s'il l'a déjà pris."""
    with errors_to_person(), service_of(config) as service:
        item = service.requeue(_find(service, inbox_id))
        stdout.print(say(f"{item.id[-6:]} : sera remis de nouveau.", f"{item.id[-6:]}: will be given again."))


@app.command("reply")
def reply(
    *,
    inbox_id: IdArgument,
    config: ConfigOption = None,
    text: Annotated[str | None, typer.Option("--text", help="Texte ; sans lui, l'entrée standard est lue.")] = None,
    file: Annotated[list[Path] | None, typer.Option("--file", help="Document à joindre ; peut être répété.")] = None,
    reference: Annotated[str | None, typer.Option(help="Votre propre numéro.")] = None,
    read_receipt: Annotated[bool, typer.Option("--read-receipt", help="Demander un accusé de lecture.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Répond à l'expéditeur d'un message, dans le même fil."""
    with errors_to_person(), service_of(config) as service:
        body = text if text is not None else sys.stdin.read()
        files = {path.name: read_regular_file(path, max_bytes=_MOST_FILE_BYTES) for path in file or []}
        sent = service.reply(
            _find(service, inbox_id), body, files, reference=reference, options={"read_receipt": read_receipt}
        )
        if as_json:
            stdout.print_json(sent.model_dump_json())
        else:
            stdout.print(say(f"Réponse prise en charge : {sent.id}", f"The answer is taken: {sent.id}"))


@app.command("end-exchange")
def end_exchange(
    inbox_id: IdArgument,
    config: ConfigOption = None,
    text: Annotated[
        str | None, typer.Option("--text", help="Dernier mot ; sans lui, une phrase du connecteur.")
    ] = None,
    earlier_too: Annotated[
        bool, typer.Option("--earlier-too", help="Clore aussi tous les messages précédents.")
    ] = False,
) -> None:
    """Dit un dernier mot à un patient qui a écrit ; il ne pourra pas y répondre."""
    with errors_to_person(), service_of(config) as service:
        sent = service.end_exchange(_find(service, inbox_id), body=text, earlier_too=earlier_too)
        stdout.print(
            say(f"Fin de l'échange prise en charge : {sent.id}", f"The end of the exchange is taken: {sent.id}")
        )


@app.command("read-receipt")
def read_receipt(inbox_id: IdArgument, config: ConfigOption = None, no: NoOption = False) -> None:
    """Fait savoir à l'expéditeur que son message a été lu, s'il l'a demandé."""
    with errors_to_person(), service_of(config) as service:
        _tell(service.send_read_receipt(_find(service, inbox_id), send=not no))


@app.command("ko")
def ko(
    *,
    inbox_id: IdArgument,
    config: ConfigOption = None,
    code: Annotated[str | None, typer.Option(help="Code de 900 à 906.", metavar="CODE")] = None,
    detail: Annotated[str, typer.Option(help="Explication, lue par l'expéditeur.")] = "",
    document: Annotated[
        int | None, typer.Option(min=0, help="Numéro du document ; sans lui, tout le message.")
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Laisser partir l'avis qui attend votre accord.")] = False,
    no: NoOption = False,
) -> None:
    """Signale qu'un message n'a pas pu être intégré, ou décide de l'avis qui attend."""
    if (code is not None) + send + no != 1:
        raise typer.BadParameter(say("--code, --send ou --no : un seul", "one of --code, --send and --no"))
    with errors_to_person(), service_of(config) as service:
        found = _find(service, inbox_id)
        if code is None:
            _tell(service.send_failure_notice(found, send=send))
            return
        if code not in _KO_CODES:
            raise InvalidSubmission("KO_CODE_INCONNU", "an integration failure has a code from 900 to 906")
        _tell(service.report_integration(found, [{"code": code, "detail": detail, "document": document}]))


def _newest(
    service: Connection, limit: int, *, mailbox: str | None = None, states: list[str] | None = None,
    taken: bool | None = None,
) -> Iterator[InboxItemModel]:  # fmt: skip
    """Received messages, page after page."""
    cursor: str | None = None
    while limit > 0:
        page = service.inbox(
            mailbox=mailbox, states=states or [], taken=taken, cursor=cursor, limit=min(limit, _PAGE)
        )  # fmt: skip
        yield from page.items
        limit, cursor = limit - len(page.items), page.next_cursor
        if cursor is None:
            return


def _find(service: Connection, text: str) -> str:
    """By full id, or by the only one of the newest that ends so.

    Raises:
        InvalidSubmission: ``INTROUVABLE``, or ``IDENTIFIANT_AMBIGU`` when several end so.
    """
    ending = text.strip().upper()
    if len(ending) == _ID_CHARS:
        return ending
    newest = _newest(service, _PAGE * _PAGES_LOOKED_AT)
    matches = [item.id for item in newest if ending and item.id.endswith(ending)]
    return only_match(matches, "none of the newest received messages ends with this identifier")


def _save(folder: Path, name: str, content: bytes) -> None:
    target = free_name(folder, name)
    write_atomic(target, content)
    stdout.print(escape(str(target)), soft_wrap=True)


def _tell(answer: AnswerModel) -> None:
    """What became of it, and why; an answer that is not sent is no failure of the command."""
    outcome = _OUTCOMES.get(answer.outcome)
    stdout.print(say(*outcome) if outcome else answer.outcome)
    if answer.code:
        stdout.print(escape(f"{say(answer.title_fr, answer.title_en)} ({answer.code})"), soft_wrap=True)
        stdout.print(escape(f"→ {say(answer.cure_fr, answer.cure_en)}"), soft_wrap=True)


def _table(items: list[InboxItemModel]) -> Table:
    table = Table()
    titles = ("id", say("reçu", "received"), say("de", "from"), say("objet", "subject"), say("état", "state"),
              say("à voir", "to see"))  # fmt: skip
    for title in titles:
        table.add_column(title)
    for item in items:
        when = _local(item.received_at or item.since)
        table.add_row(
            item.id[-6:], when, escape(item.sender), escape(item.subject), _state(item), ", ".join(_signs(item))
        )
    return table


def _state(item: InboxItemModel) -> str:
    if item.taken_at is not None:
        return say("traité", "dealt with")
    return say(*INCOMING_WORDS[IncomingState(item.state)]) if item.state in set(IncomingState) else item.state


def _signs(item: InboxItemModel) -> Iterator[str]:
    """What of a message must not be overlooked, in a few words each."""
    yield from (_word(ALERT_WORDS, alert) for alert in item.alerts)
    yield from dict.fromkeys(_word(SHORT_RELATIONS, relation.kind) for relation in item.relations)
    if item.identity in ("doubtful", "several", "mismatch"):
        yield _word(IDENTITY_WORDS, item.identity)
    if any(notice.slot == "failure" for notice in item.notices):
        yield say(*REFUSED_BY_SOFTWARE)
    if item.untaken_since is not None:
        yield say("non intégré", "not integrated")
    if any(notice.needs_decision for notice in item.notices):
        yield say("attend votre réponse", "waits for your answer")
    if item.answered_by:
        yield say("répondu", "answered")


def _word(words: Mapping[str, Text], value: str) -> str:
    """In the person's words; a value of a newer connector as it is."""
    return say(*words[value]) if value in words else value


def _local(at: datetime) -> str:
    return f"{at.astimezone():%d/%m %H:%M}"


def _lines(message: InboxMessageModel) -> Iterator[str]:
    """One message as a person reads it."""
    yield f"{message.subject}  {message.id}"
    when = _local(message.received_at or message.since)
    yield f"  {say('de', 'from')} {message.sender} <{message.sender_address}>, {when}"
    yield f"  {_state(message)}"
    yield from (f"  ! {_word(ALERT_WORDS, alert)}" for alert in message.alerts)
    if message.identity:
        yield f"  {_word(IDENTITY_WORDS, message.identity)}"
    yield from (f"  ! {_explained(code)}" for code in message.warnings)
    for relation in message.relations:
        yield f"  {_word(RELATION_WORDS, relation.kind)} {relation.inbox_id}"
    for file in message.documents:
        patient = file.document.patient if file.document else None
        named = f", {patient.birth_family} {patient.given}" if patient else ""
        yield f"  [{file.number}] {file.name} ({file.role}{named})"
    yield from (f"  {_notice(notice)}" for notice in message.notices)
    yield from (f"  {say('réponse', 'answer')} {each}" for each in message.answered_by)


def _notice(notice: NoticeModel) -> str:
    what = _word(NOTICE_WORDS, notice.kind)
    if notice.needs_decision:
        to_tell = say("Dire à l'expéditeur", "Tell the sender")
        waits = say("attend votre décision", "waits for your decision")
        return f"{to_tell} : {what} – {waits}"
    if notice.message is None:
        not_told = say("Non dit à l'expéditeur", "Not told to the sender")
        return f"{not_told} : {what} ({notice.code})"
    was_told = say("Dit à l'expéditeur", "Told to the sender")
    return f"{was_told} : {what} ({notice.state})"


def _explained(code: str) -> str:
    texts = explain(code)
    return f"{say(texts.title_fr, texts.title_en)} ({code})"
