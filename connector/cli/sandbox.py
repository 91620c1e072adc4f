"""``mss-connector sandbox``: what a vendor needs to test without any account."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from connector.cli.exits import errors_to_person, stdout
from connector.cli.words import say

__all__ = ["app"]

app = typer.Typer(help="Bac à sable : ce qu'il faut pour essayer sans aucun compte.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps ``pki`` a command of its own while it is the only one."""


@app.command("pki")
def pki(
    folder: Annotated[Path, typer.Argument(help="Dossier à remplir ; créé s'il n'existe pas.", file_okay=False)],
    base_url: Annotated[
        str, typer.Option("--base-url", help="Adresse où les listes de révocation seront servies (dossier crl).")
    ] = "",
) -> None:
    """Fabrique une PKI de test à l'image de l'IGC-Santé, avec les certificats qui doivent être refusés."""
    from connector.sandbox.hierarchy import (  # noqa: PLC0415 - needed by this command only
        P12_PASSWORD,
        create_hierarchy,
        write_hierarchy,
    )

    with errors_to_person():
        made = write_hierarchy(folder, create_hierarchy(now=datetime.now(UTC), base_url=base_url))
        for path in made:
            stdout.print(str(path), markup=False, soft_wrap=True)
        stdout.print(
            say(
                f"\n{len(made)} fichiers. Mot de passe des .p12 : {P12_PASSWORD}. "
                "Tout est inventé : à n'utiliser que pour des essais.",
                f"\n{len(made)} files. Password of the .p12 files: {P12_PASSWORD}. "
                "Everything is invented: for trials only.",
            ),
            markup=False, soft_wrap=True,
        )  # fmt: skip
