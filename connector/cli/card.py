"""``mss-connector card``: readers and cards, the PIN, a try. Asks the running connector, else looks itself."""

import json
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.markup import escape

from connector.cli.card_room import CardRoom, card_room
from connector.cli.exits import Exit, errors_to_person, stderr, stdout
from connector.cli.place import ConfigOption, card_settings_at
from connector.cli.secret_input import piped_secret, typed_secret
from connector.cli.words import say
from connector.client.models.card import CardCertificateModel, CardStatusModel, TokenViewModel
from connector.domain.catalogue import explain
from connector.domain.errors import NeedsPerson
from connector.identities.card.status import Presence
from connector.support.words import PRESENCE_WORDS

__all__ = ["app"]

app = typer.Typer(help="Carte CPS : état, code, essai.", no_args_is_help=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Pour un programme.")]
SerialOption = Annotated[str, typer.Option("--serial", help="Numéro de la carte, s'il y en a plusieurs.")]
PinStdinOption = Annotated[
    bool,
    typer.Option(
        "--pin-stdin",
        help="Lit le code sur l'entrée standard. Déconseillé : un code écrit dans un script n'est plus secret.",
    ),
]
LastTryOption = Annotated[
    bool, typer.Option("--accept-last-try", help="Essaie même s'il ne reste qu'un essai avant le blocage.")
]

_FINE = (Presence.OPEN, Presence.LOCKED)
_TO_OPEN = (Presence.LOCKED, Presence.PIN_NEEDED, Presence.LAST_TRY)
_SOON_DAYS = 90
_VERY_SOON_DAYS = 30


@app.command("status")
def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Dit si la carte peut servir, et sinon que faire."""
    with errors_to_person(), card_room(card_settings_at(config)) as room:
        found = room.card()
        if as_json:
            stdout.print_json(found.model_dump_json())
        else:
            for line in _story(found):
                stdout.print(line, soft_wrap=True)
    raise typer.Exit(Exit.OK if found.presence in _FINE else Exit.FINDINGS)


@app.command("list")
def list_(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Montre chaque carte : titulaire, numéro national, profession, structure, émetteur, échéance."""
    with errors_to_person(), card_room(card_settings_at(config)) as room:
        found = room.card()
        if as_json:
            stdout.print_json(
                json.dumps([token.model_dump(mode="json") for token in found.tokens], ensure_ascii=False)
            )
        elif not found.tokens:
            for line in _story(found):
                stdout.print(line, soft_wrap=True)
        else:
            for token in found.tokens:
                for line in _card_lines(token):
                    stdout.print(line, soft_wrap=True)
    raise typer.Exit(Exit.OK if found.tokens else Exit.FINDINGS)


@app.command("unlock")
def unlock(
    config: ConfigOption = None,
    serial: SerialOption = "",
    pin_stdin: PinStdinOption = False,
    accept_last_try: LastTryOption = False,
) -> None:
    """Donne le code de la carte au connecteur lancé ; le code n'est jamais écrit ni présenté deux fois."""
    with errors_to_person(), card_room(card_settings_at(config), only_service=True) as room:
        _open(room, serial, pin_stdin=pin_stdin, accept_last_try=accept_last_try)


@app.command("lock")
def lock(config: ConfigOption = None) -> None:
    """Fait oublier au connecteur lancé que le code a été donné."""
    with errors_to_person(), card_room(card_settings_at(config), only_service=True) as room:
        stdout.print(_sentence(room.lock_card().presence), markup=False)


@app.command("test")
def try_(
    config: ConfigOption = None,
    serial: SerialOption = "",
    pin_stdin: PinStdinOption = False,
    accept_last_try: LastTryOption = False,
) -> None:
    """Fait signer la carte, et vérifie la signature ; demande le code s'il le faut."""
    with errors_to_person(), card_room(card_settings_at(config)) as room:
        token = _open(room, serial, pin_stdin=pin_stdin, accept_last_try=accept_last_try)
        mechanism = room.test_card(serial=token.serial).mechanism
        stdout.print(
            say(f"La carte a signé ({mechanism}).", f"The card has signed ({mechanism})."), markup=False
        )  # fmt: skip


def _open(room: CardRoom, serial: str, *, pin_stdin: bool, accept_last_try: bool) -> TokenViewModel:
    """Open the card that is meant, asking for its PIN once; nothing when it is open.

    Raises:
        NeedsPerson: what hinders the card; ``CARTES_MULTIPLES``.
    """
    token = _chosen(room.card(), serial)
    if token.presence == Presence.OPEN:
        stdout.print(_sentence(token.presence), markup=False)
        return token
    knows = accept_last_try or (token.presence == Presence.LAST_TRY and not pin_stdin and _confirms_last_try())
    if token.pin_pad:
        stderr.print(say("Saisissez le code sur le lecteur.", "Type the PIN at the reader."))
        pin = None
    else:
        asked = say("Code de la carte", "PIN of the card")
        pin = piped_secret(asked) if pin_stdin else typed_secret(asked)
    found = room.unlock_card(pin, serial=token.serial, accept_last_try=knows)
    stdout.print(_sentence(found.presence), markup=False)
    return token


def _chosen(found: CardStatusModel, serial: str) -> TokenViewModel:
    usable = [token for token in found.tokens if token.presence in (*_TO_OPEN, Presence.OPEN)]
    chosen = [token for token in usable if serial in ("", token.serial)]
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        raise NeedsPerson("CARTES_MULTIPLES", ", ".join(token.serial for token in chosen))
    hindered = next((token.code for token in found.tokens if token.code and serial in ("", token.serial)), "")
    raise NeedsPerson(hindered or found.code or "CARTE_ABSENTE", found.detail or "no card that can be opened")


def _confirms_last_try() -> bool:
    """The person's explicit word; anything else gives up.

    Raises:
        typer.Abort: the person would rather not.
    """
    stderr.print(
        say(
            "Il ne reste qu'un essai : un code faux bloque la carte, et seul son émetteur peut la débloquer.",
            "One try is left: a wrong PIN blocks the card, and only its issuer can unblock it.",
        ),
        soft_wrap=True, style="red",
    )  # fmt: skip
    return typer.confirm(say("Essayer quand même ?", "Try all the same?"), default=False, abort=True, err=True)


def _sentence(presence: str) -> str:
    words = say(*PRESENCE_WORDS[Presence(presence)]) if presence in set(Presence) else presence
    return f"{words[:1].upper()}{words[1:]}."


def _story(found: CardStatusModel) -> Iterator[str]:
    """The whole status as a person reads it."""
    colour = "green" if found.presence in _FINE else "yellow"
    yield f"[{colour}]{escape(_sentence(found.presence))}[/{colour}]"
    if found.code:
        yield f"  {escape(say(found.title_fr, found.title_en))} ({found.code})"
        yield f"  → {escape(say(found.cure_fr, found.cure_en))}"
    for reader in found.readers:
        yield say("  lecteur : ", "  reader: ") + escape(reader)
    for token in found.tokens:
        yield say("  carte : ", "  card: ") + escape(_short(token))
    if found.middleware:
        yield say("  logiciel : ", "  software: ") + escape(found.middleware)


def _short(token: TokenViewModel) -> str:
    who = token.certificate.name if token.certificate else token.label
    return f"{token.serial} {who}, {_sentence(token.presence)[:-1].lower()}"


def _card_lines(token: TokenViewModel) -> Iterator[str]:
    yield f"[bold]{escape(_short(token))}[/bold]"
    yield say("  lecteur : ", "  reader: ") + escape(token.reader)
    if token.certificate is not None:
        yield from _certificate_lines(token.certificate)
    if token.tries_left_low:
        yield say(
            "  [yellow]un code faux a été saisi : il reste moins d'essais[/yellow]",
            "  [yellow]a wrong PIN was typed: fewer tries are left[/yellow]",
        )
    if token.code:
        texts = explain(token.code)
        yield f"  [yellow]{escape(say(texts.title_fr, texts.title_en))} ({token.code})[/yellow]"
        yield f"  → {escape(say(texts.cure_fr, texts.cure_en))}"


def _certificate_lines(certificate: CardCertificateModel) -> Iterator[str]:
    told = (
        (say("titulaire", "holder"), certificate.name),
        (say("numéro national", "national id"), certificate.holder),
        (say("profession", "profession"), certificate.profession),
        (say("structure", "organisation"), certificate.organization),
        (say("émetteur", "issuer"), certificate.issuer),
    )
    for name, value in told:
        if value:
            yield f"  {name}{say(' : ', ': ')}{escape(value)}"
    yield f"  {say('échéance : ', 'expires: ')}{_expiry(certificate)}"


def _expiry(certificate: CardCertificateModel) -> str:
    """The date, with a warning from 90 days on."""
    date, days = f"{certificate.not_after.astimezone():%d/%m/%Y}", certificate.days_left
    if days < 0:
        return f"[red]{date} – {say('expiré', 'expired')}[/red]"
    if days > _SOON_DAYS:
        return date
    colour = "red" if days <= _VERY_SOON_DAYS else "yellow"
    return f"[{colour}]{date} – {say(f'dans {days} jour(s)', f'in {days} day(s)')}[/{colour}]"
