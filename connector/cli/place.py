"""Which settings file, which journal: what most commands need first."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from connector.daemon.store import open_journal
from connector.journal.journal import Journal
from connector.platform.paths import find_config
from connector.settings.load import read_settings
from connector.settings.model import Settings

__all__ = ["ConfigOption", "journal_of", "settings_at", "settings_path"]

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Fichier de réglages (défaut : celui de l’utilisateur)."),
]


def settings_path(given: Path | None) -> Path:
    """The option, else ``MSS_CONNECTOR_CONFIG``, else the person's own file, else the machine's."""
    return given if given is not None else find_config()


def settings_at(given: Path | None) -> Settings:
    """Read the settings; raises :class:`connector.settings.load.InvalidSettings`."""
    return read_settings(settings_path(given))


@contextmanager
def journal_of(settings: Settings) -> Iterator[Journal]:
    """The journal of these settings, also while the daemon runs."""
    journal = open_journal(settings, actor="person at the terminal")
    try:
        yield journal
    finally:
        journal.close()
