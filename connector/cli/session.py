"""``mss-connector session``: tokens and one-time codes that open the sessions of a mailbox."""

from collections.abc import Callable
from typing import Annotated

import typer

from connector.cli.exits import errors_to_person, stdout
from connector.cli.place import ConfigOption
from connector.cli.secret_input import piped_secret
from connector.cli.service import service_of
from connector.cli.words import say
from connector.client.connection import Connection
from connector.client.failure import ServiceError
from connector.client.models.mailboxes import CodeStateModel
from connector.domain.errors import InvalidSubmission
from connector.domain.text import Text

__all__ = ["app"]

app = typer.Typer(help="Sessions : jeton Pro Santé Connect, code à usage unique.", no_args_is_help=True)
token_app = typer.Typer(help="Jeton Pro Santé Connect d'une boîte.", no_args_is_help=True)
code_app = typer.Typer(help="Code à usage unique d'une boîte.", no_args_is_help=True)
app.add_typer(token_app, name="token")
app.add_typer(code_app, name="code")

BoxArgument = Annotated[str, typer.Argument(help="Dossier ou adresse de la boîte.", metavar="BOITE")]

_STATES = {
    "needs_start": Text("aucun code n'a été demandé", "no code was asked for"),
    "code_expected": Text("le code est attendu", "the code is expected"),
    "open": Text("la session est ouverte", "the session is open"),
    "refused": Text("l'opérateur a refusé", "the operator refused"),
    "expired": Text("le délai est passé", "the time is over"),
    "locked": Text("verrouillé après trop de refus", "locked after too many refusals"),
}


@token_app.command("put")
def put(
    box: BoxArgument,
    config: ConfigOption = None,
    expires_in: Annotated[
        int | None, typer.Option(min=1, max=86_400, help="Durée de vie en secondes, reçue avec le jeton.")
    ] = None,
) -> None:
    """Dépose un jeton d'accès, lu sur l'entrée standard ; il n'est gardé qu'en mémoire."""
    with errors_to_person(), service_of(config) as service:
        state = service.put_token(box, piped_secret(say("Jeton", "Token")), expires_in=expires_in)
        until = f"{state.expires_at.astimezone():%H:%M:%S}" if state.expires_at else "?"
        stdout.print(say(f"Jeton reçu, valable jusqu'à {until}.", f"Token taken, good until {until}."))


@token_app.command("forget")
def forget(box: BoxArgument, config: ConfigOption = None) -> None:
    """Oublie le jeton et ferme les sessions qu'il a ouvertes."""
    with errors_to_person(), service_of(config) as service:
        service.forget_token(box)
        stdout.print(say("Jeton oublié, sessions fermées.", "Token forgotten, sessions closed."))


@code_app.command("status")
def status(box: BoxArgument, config: ConfigOption = None) -> None:
    """Dit où en est la session."""
    _tell(lambda service: service.code_state(box), config)


@code_app.command("start")
def start(box: BoxArgument, config: ConfigOption = None) -> None:
    """Demande à l'opérateur d'envoyer un code."""
    _tell(lambda service: service.start_code(box), config)


@code_app.command("give")
def give(box: BoxArgument, config: ConfigOption = None) -> None:
    """Donne le code reçu, saisi au clavier ou lu sur l'entrée standard ; il n'est transmis qu'une fois."""
    _tell(lambda service: service.give_code(box, piped_secret(say("Code reçu", "Code received"))), config)


@code_app.command("unlock")
def unlock(box: BoxArgument, config: ConfigOption = None) -> None:
    """Après trop de refus : identifiant et mot de passe ont été vérifiés, on peut redemander un code."""
    _tell(lambda service: service.unlock_code(box), config)


def _tell(ask: Callable[[Connection], CodeStateModel], config: ConfigOption) -> None:
    with errors_to_person(), service_of(config) as service:
        try:
            state = ask(service)
        except ServiceError as error:
            if error.code == "API_ROUTE_INCONNUE":
                raise InvalidSubmission("CODE_SANS_OPERATEUR", "no operator of these settings sends codes") from error
            raise
        stdout.print(_sentence(state), markup=False, soft_wrap=True)


def _sentence(state: CodeStateModel) -> str:
    words = say(*_STATES[state.state]) if state.state in _STATES else state.state
    to = say(f", envoyé à {state.sent_to}", f", sent to {state.sent_to}") if state.sent_to else ""
    at = f"{state.expires_at.astimezone():%H:%M:%S}" if state.expires_at else ""
    until = say(f", jusqu'à {at}", f", until {at}") if at else ""
    return f"{words[:1].upper()}{words[1:]}{to}{until}."
