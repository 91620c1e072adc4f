"""``mss-connector support``: what a vendor needs to see, without anything private."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from connector.cli.exits import errors_to_person, stderr, stdout
from connector.cli.place import ConfigOption, settings_path
from connector.cli.words import say

if TYPE_CHECKING:
    from connector.support.bundle import Bundle

__all__ = ["app"]

app = typer.Typer(help="Assistance : dossier pour l’éditeur, sans donnée de santé.", no_args_is_help=True)


@app.callback()
def support() -> None:
    """Assistance : dossier pour l’éditeur, sans donnée de santé."""  # keeps "bundle" a command of its own


@app.command("bundle")
def bundle(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Fichier .zip à créer.", dir_okay=False)
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Affiche tout le contenu au lieu de l’écrire.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Sans rien demander au réseau.")] = False,
    config: ConfigOption = None,
) -> None:
    """Prépare un dossier d'assistance : diagnostic, versions, réglages masqués, journal technique filtré."""
    with errors_to_person():
        if (output is None) is not show:
            raise typer.BadParameter(say("donnez -o FICHIER.zip, ou --show", "give -o FILE.zip, or --show"))
        if output is not None and output.exists():
            raise typer.BadParameter(say(f"{output} existe déjà", f"{output} exists already"))
        made = _made(settings_path(config), offline=offline)
        if output is None:
            _show(made)
        else:
            _write_new(output, made.zipped())
            _tell(output, made)


def _made(config: Path, *, offline: bool) -> "Bundle":
    # looks at everything, so imports everything
    from connector.cli.surroundings import surroundings  # noqa: PLC0415
    from connector.support.bundle import make_bundle  # noqa: PLC0415
    from connector.support.doctor import CHECKS, examine, left_out  # noqa: PLC0415
    from connector.support.doctor.report import Report  # noqa: PLC0415

    world = surroundings(config, offline=offline)
    with stderr.status(say("Examen en cours…", "Looking…")):
        report = Report.of(examine(CHECKS, world), left_out(CHECKS, world))
        return make_bundle(world, report)


def _show(made: "Bundle") -> None:
    for file in made.files:
        stdout.print(f"\n[bold]{escape(file.name)}[/bold] – {escape(say(*file.about))}\n")
        stdout.print(file.content, markup=False, soft_wrap=True)


def _write_new(path: Path, content: bytes) -> None:
    """Readable by its owner only from the first moment on; nothing is left of one that cannot be written whole.

    Raises:
        OSError: it cannot be made.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def _tell(path: Path, made: "Bundle") -> None:
    names = ", ".join(file.name for file in made.files)
    stdout.print(say(f"Dossier créé : {path}", f"Bundle made: {path}"), markup=False, soft_wrap=True)
    stdout.print(f"  {names}", style="dim", markup=False, soft_wrap=True)
    stdout.print(
        say("Lisez-le avant de l'envoyer : LISEZMOI.txt dit ce que contient chaque fichier.",
            "Read it before you send it: LISEZMOI.txt says what each file holds."),
        soft_wrap=True,
    )  # fmt: skip
