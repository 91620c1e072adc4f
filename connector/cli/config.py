"""``mss-connector config``: make, check and show the settings."""

import json
import os
from pathlib import Path
from typing import Any

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from connector.cli.exits import Exit, errors_to_person, problem_line, stderr, stdout
from connector.cli.place import ConfigOption, settings_at, settings_path
from connector.cli.words import say
from connector.daemon.readiness import problems_before_start
from connector.settings.data import data_folder
from connector.settings.model import Settings

__all__ = ["app"]

app = typer.Typer(help="Réglages : créer, vérifier, afficher.", no_args_is_help=True)


@app.command("init")
def init(config: ConfigOption = None) -> None:
    """Crée un fichier de réglages commenté ; n'en remplace jamais un existant."""
    with errors_to_person():
        path = settings_path(config)
        example = (data_folder() / "connector.example.toml").read_bytes()
        try:
            _write_new(path, example)
        except FileExistsError:
            stderr.print(
                say(f"{path} existe déjà : rien n'a été changé.", f"{path} exists already: nothing was changed."),
                soft_wrap=True, markup=False,
            )  # fmt: skip
            raise typer.Exit(Exit.USAGE) from None
        stdout.print(say(f"Réglages créés : {path}", f"Settings made: {path}"), soft_wrap=True, markup=False)


def _write_new(path: Path, content: bytes) -> None:
    """Make a file that only its owner can read from the first moment on.

    Raises:
        FileExistsError: it is there already.
        OSError: the folder cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)


@app.command("check")
def check(config: ConfigOption = None) -> None:
    """Vérifie les réglages ; chaque message nomme la clé, l'erreur et ce qui est attendu."""
    with errors_to_person():
        settings = settings_at(config)
        problems = problems_before_start(settings)
        for problem in problems:
            stderr.print(problem_line(problem), soft_wrap=True)
        if problems:
            raise typer.Exit(Exit.SETTINGS)
        stdout.print(say("Les réglages sont valides.", "The settings are valid."))


@app.command("show")
def show(config: ConfigOption = None) -> None:
    """Affiche tous les réglages, valeurs par défaut et préréglages compris (JSON ; aucun secret)."""
    with errors_to_person():
        settings = settings_at(config)
        stdout.print_json(json.dumps(_shown(settings), ensure_ascii=False))


def _shown(settings: Settings) -> dict[str, Any]:
    """The settings without the one secret that people write into them: the password inside a database URL."""
    values = settings.model_dump(mode="json")
    url = values["journal"]["url"]
    if url:
        values["journal"]["url"] = _without_password(url)
    return values


def _without_password(url: str) -> str:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return "hidden"
    hidden = {key: "hidden" for key in parsed.query if "pass" in key.lower()}
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True)
