"""``mss-connector doctor``: what is wrong, and what to do about it."""

from typing import Annotated

import typer

from connector.cli.exits import Exit, errors_to_person
from connector.cli.place import ConfigOption, settings_path

__all__ = ["doctor"]


def doctor(
    config: ConfigOption = None,
    mailbox: Annotated[str, typer.Option("--mailbox", help="Seulement cette boîte (dossier ou adresse).")] = "",
    offline: Annotated[bool, typer.Option("--offline", help="Sans rien demander au réseau.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Pour un programme.")] = False,
) -> None:
    """Examine la machine, les réglages, la carte, les dossiers et les opérateurs, et dit que faire."""
    with errors_to_person():
        from connector.cli.examination import examination  # noqa: PLC0415 - looks at everything, so imports everything

        is_well = examination(settings_path(config), mailbox=mailbox, offline=offline, as_json=as_json)
    raise typer.Exit(Exit.OK if is_well else Exit.FINDINGS)
