"""Which settings file, which journal: what most commands need first."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from connector.daemon.composition import open_journal
from connector.journal.journal import Journal
from connector.platform.paths import default_config_file
from connector.settings.load import read_settings
from connector.settings.model import Settings

__all__ = ["ConfigOption", "journal_of", "settings_at", "settings_path"]

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Fichier de réglages (défaut : MSS_CONFIG, puis celui de l'utilisateur)."),
]


def settings_path(given: Path | None) -> Path:
    """The option, else ``MSS_CONFIG``, else the person's own file."""
    if given is not None:
        return given
    return Path(os.environ["MSS_CONFIG"]) if os.environ.get("MSS_CONFIG") else default_config_file()


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
