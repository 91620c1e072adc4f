"""Which settings file, which journal: what most commands need first."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connector.platform.paths import find_config
from connector.settings.load import read_settings
from connector.settings.model import Settings

if TYPE_CHECKING:
    from connector.journal.journal import Journal

__all__ = ["ACTOR", "ConfigOption", "card_settings_at", "journal_of", "settings_at", "settings_path"]

ACTOR = "person at the terminal"
"""Who decides, in the trace."""

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


def card_settings_at(given: Path | None) -> Settings:
    """The settings, or their defaults on a machine that has none yet: a reader can be tried before anything is set.

    Raises:
        InvalidSettings: a file was named, or there is one, and it cannot be used.
    """
    path = settings_path(given)
    return Settings() if given is None and not path.exists() else read_settings(path)


@contextmanager
def journal_of(settings: Settings) -> "Iterator[Journal]":
    """The journal of these settings, also while the daemon runs."""
    from connector.daemon.store import open_journal  # noqa: PLC0415 - slow to import, and needed by few commands

    journal = open_journal(settings, actor=ACTOR)
    try:
        yield journal
    finally:
        journal.close()
