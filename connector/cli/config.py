"""``mss-connector config``: make, check and show the settings."""

import json

import typer

from connector.cli.exits import Exit, errors_to_person, problem_line, stderr, stdout
from connector.cli.place import ConfigOption, settings_at, settings_path
from connector.cli.words import say
from connector.daemon.readiness import problems_before_start
from connector.settings.data import data_folder

__all__ = ["app"]

app = typer.Typer(help="Réglages : créer, vérifier, afficher.", no_args_is_help=True)


@app.command("init")
def init(config: ConfigOption = None) -> None:
    """Crée un fichier de réglages commenté ; n'en remplace jamais un existant."""
    path = settings_path(config)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    example = (data_folder() / "connector.example.toml").read_text(encoding="utf-8")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(example)
    except FileExistsError:
        stderr.print(
            say(f"{path} existe déjà : rien n'a été changé.", f"{path} exists already: nothing was changed.")
        )
        raise typer.Exit(Exit.USAGE) from None
    path.chmod(0o600)
    stdout.print(say(f"Réglages créés : {path}", f"Settings made: {path}"), soft_wrap=True)


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
        stdout.print_json(json.dumps(settings.model_dump(mode="json"), ensure_ascii=False))
