"""Bringing a journal to the newest schema with Alembic, without an ``alembic.ini``, wherever we are installed."""

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from connector.journal.failure import JournalVersion
from connector.journal.schema import REVISION

__all__ = ["alembic_config", "upgrade"]

_gate = threading.Lock()  # Alembic keeps its context in the module: two journals opened at once would share it


def alembic_config() -> Config:
    """Alembic's settings, with the folder of the revisions beside this file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def upgrade(connection: Connection, current: str | None) -> None:
    """Run the missing revisions inside the transaction of ``connection``.

    Args:
        connection: of a write transaction; the caller commits.
        current: the revision of the journal, ``None`` for an empty one.

    Raises:
        JournalVersion: ``JOURNAL_VERSION``: this version does not know that revision.
    """
    config = alembic_config()
    if current is not None:
        try:
            ScriptDirectory.from_config(config).get_revision(current)
        except CommandError as error:
            raise JournalVersion(f"the journal has schema {current}; this version knows {REVISION}") from error
    config.attributes["connection"] = connection
    with _gate:
        command.upgrade(config, REVISION)
