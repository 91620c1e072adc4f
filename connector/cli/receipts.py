"""``mss-connector receipts``: what became of what was sent, recipient by recipient; asks the running connector."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from connector.cli.exits import errors_to_person, stdout
from connector.cli.place import ConfigOption, settings_at
from connector.cli.service import connection_to
from connector.cli.words import say
from connector.client.connection import Connection
from connector.client.models.messages import MessageModel, RecipientStateModel
from connector.domain.states import RecipientState
from connector.support.words import RECIPIENT_WORDS

__all__ = ["receipts"]

_PAGE = 100
_SETTLED = (RecipientState.DELIVERED, RecipientState.READ)


@dataclass(frozen=True, slots=True)
class _Line:
    """One recipient of one message."""

    message: str
    name: str
    address: str
    state: str
    deadline: datetime | None  # until then a receipt is awaited
    text: str


def receipts(
    config: ConfigOption = None,
    everybody: Annotated[bool, typer.Option("--all", help="Aussi ceux qui ont reçu ou lu.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="Envois regardés, les plus récents.")] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="Pour un programme.")] = False,
) -> None:
    """Montre pour chaque destinataire ce qu'il est advenu : attendu jusqu'à quand, non remis, sans nouvelles."""
    with errors_to_person():
        settings = settings_at(config)
        wait = timedelta(hours=settings.message.receipt_deadline_hours)
        with connection_to(settings) as service:
            lines = [line for message in _newest(service, limit) for line in _lines(message, wait)]
        shown = [line for line in lines if everybody or line.state not in _SETTLED]
        if as_json:
            stdout.print_json(json.dumps([_as_dict(line) for line in shown], ensure_ascii=False))
        elif shown:
            stdout.print(_table(shown))
        else:
            stdout.print(say("Aucun accusé n'est attendu.", "No receipt is awaited."))


def _newest(service: Connection, limit: int) -> Iterator[MessageModel]:
    cursor: str | None = None
    while limit > 0:
        page = service.messages(cursor=cursor, limit=min(limit, _PAGE))
        yield from page.items
        limit, cursor = limit - len(page.items), page.next_cursor
        if cursor is None:
            return


def _lines(message: MessageModel, wait: timedelta) -> Iterator[_Line]:
    """Those to whom it was sent; what has not left is shown by ``queue list``."""
    for email in message.emails:
        for one in email.recipients:
            if one.state not in (RecipientState.PENDING, RecipientState.DEFERRED):
                yield _Line(message.id, message.name, one.address, one.state, _deadline(one, wait), one.text)


def _deadline(one: RecipientStateModel, wait: timedelta) -> datetime | None:
    return one.waits_since + wait if one.waits_since else None


def _as_dict(line: _Line) -> dict[str, str | None]:
    return {**asdict(line), "deadline": line.deadline.isoformat() if line.deadline else None}


def _table(lines: list[_Line]) -> Table:
    table = Table()
    titles = ("id", say("envoi", "message"), say("destinataire", "recipient"), say("état", "state"),
              say("attendu jusqu'au", "awaited until"))  # fmt: skip
    for title in titles:
        table.add_column(title)
    for line in lines:
        until = f"{line.deadline.astimezone():%d/%m %H:%M}" if line.deadline else ""
        table.add_row(line.message[-6:], escape(line.name), escape(line.address), _words(line.state), until)
    return table


def _words(state: str) -> str:
    """In the person's words; a state of a newer connector as it is."""
    return say(*RECIPIENT_WORDS[RecipientState(state)]) if state in set(RecipientState) else state
