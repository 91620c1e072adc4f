"""``mss-connector client``: which applications may use the local API."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from connector.cli.exits import errors_to_person, stderr, stdout
from connector.cli.place import ConfigOption, journal_of, settings_at
from connector.cli.words import say
from connector.domain.scopes import ALL_SCOPES, SCOPE_TEXTS, Scope
from connector.platform.system import SystemClock, SystemIds

if TYPE_CHECKING:
    from connector.journal.clients import ApiClient

__all__ = ["app"]

app = typer.Typer(help="Logiciels autorisés à utiliser l'API locale.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="Nom du logiciel ou du poste.", metavar="NOM")]

_DAYS = 365


@app.command("add")
def add(
    name: NameArgument,
    config: ConfigOption = None,
    scope: Annotated[
        list[Scope] | None, typer.Option("--scope", help="Seulement ce droit ; peut être répété (défaut : tous).")
    ] = None,
    days: Annotated[int, typer.Option(min=0, max=3650, help="Durée en jours ; 0 = jusqu'à révocation.")] = _DAYS,
    as_json: Annotated[bool, typer.Option("--json", help="Pour un programme.")] = False,
) -> None:
    """Autorise un logiciel et affiche son jeton, une seule fois."""
    wanted = _one_line(name)
    with errors_to_person(), journal_of(settings_at(config)) as journal:
        client_id = SystemIds().ulid()
        from connector.api.guard.tokens import new_token, token_hash  # noqa: PLC0415 - slow to import

        token = new_token(client_id)
        expires_at = SystemClock().now() + timedelta(days=days) if days else None
        client = journal.add_client(
            client_id, name=wanted, token_hash=token_hash(token), scopes=scope or ALL_SCOPES, expires_at=expires_at
        )
    if as_json:
        stdout.print_json(json.dumps(_as_dict(client) | {"token": token}, ensure_ascii=False))
        return
    stderr.print(
        say(
            f"Jeton de « {wanted} ». Il n'est affiché qu'une fois : copiez-le maintenant dans le logiciel.",
            f"Token of “{wanted}”. It is shown once only: copy it into the software now.",
        ),
        soft_wrap=True, markup=False,
    )  # fmt: skip
    stdout.print(token, soft_wrap=True, markup=False)


def _one_line(name: str) -> str:
    """A name as it may stand in the trace.

    Raises:
        typer.BadParameter: empty, too long, or with control characters.
    """
    text = name.strip()
    if not text or len(text) > 80 or not text.isprintable():
        raise typer.BadParameter(
            say("un nom d'une ligne, 80 caractères au plus", "a name of one line, 80 characters")
        )
    return text


@app.command("list")
def list_(
    config: ConfigOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Aussi les accès expirés ou révoqués.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Pour un programme.")] = False,
) -> None:
    """Liste les logiciels autorisés, leurs droits et leur dernière utilisation."""
    with errors_to_person(), journal_of(settings_at(config)) as journal:
        now = SystemClock().now()
        clients = [client for client in journal.clients() if everything or client.is_valid(now)]
        if as_json:
            stdout.print_json(json.dumps([_as_dict(client) for client in clients], ensure_ascii=False))
        else:
            stdout.print(_table(clients, now))


@app.command("revoke")
def revoke(name: NameArgument, config: ConfigOption = None) -> None:
    """Retire l'autorisation d'un logiciel, dès sa prochaine requête."""
    with errors_to_person(), journal_of(settings_at(config)) as journal:
        client = journal.revoke_client(name.strip())
        stdout.print(
            say(f"« {client.name} » n'a plus accès.", f"“{client.name}” has no access any more."), markup=False
        )


@app.command("scopes")
def scopes() -> None:
    """Explique les droits que l'on peut donner."""
    for scope, text in SCOPE_TEXTS.items():
        stdout.print(f"[bold]{scope.value}[/bold]  {escape(say(*text))}", soft_wrap=True)


def _as_dict(client: "ApiClient") -> dict[str, Any]:
    moments = {
        "created_at": client.created_at, "expires_at": client.expires_at, "last_used_at": client.last_used_at,
        "revoked_at": client.revoked_at,
    }  # fmt: skip
    told = {name: at.isoformat() if at else None for name, at in moments.items()}
    return {"id": client.id, "name": client.name, "scopes": sorted(client.scopes), **told}


def _table(clients: "list[ApiClient]", now: datetime) -> Table:
    table = Table()
    titles = (say("nom", "name"), say("droits", "rights"), say("jusqu'au", "until"), say("utilisé", "used"))
    for title in titles:
        table.add_column(title)
    for client in clients:
        table.add_row(*_cells(client, now))
    return table


def _cells(client: "ApiClient", now: datetime) -> Iterator[str]:
    yield escape(client.name)
    yield say("tous", "all") if client.scopes == ALL_SCOPES else ", ".join(sorted(client.scopes))
    if client.revoked_at is not None:
        yield say("révoqué", "revoked")
    elif client.expires_at is None:
        yield say("révocation", "revocation")
    else:
        style = "" if client.is_valid(now) else "[yellow]"
        yield f"{style}{client.expires_at.astimezone():%d/%m/%Y}"
    yield f"{client.last_used_at.astimezone():%d/%m/%Y %Hh}" if client.last_used_at else say("jamais", "never")
