"""``mss-connector run``: the daemon in the foreground."""

import typer

from connector.cli.exits import Exit, errors_to_person
from connector.cli.place import ConfigOption, settings_at, settings_path

__all__ = ["run"]


def run(config: ConfigOption = None) -> None:
    """Lance le connecteur et reste au premier plan ; Ctrl-C ou SIGTERM l'arrête proprement."""
    from connector.daemon.composition import run_daemon  # noqa: PLC0415 - heavy, and needed by this command only

    with errors_to_person():
        late = run_daemon(settings_at(config), settings_path(config))
        if late:
            raise typer.Exit(Exit.NOT_STOPPED)
