"""Looking at a journal without changing it: neither made, nor migrated, nor written to. For the doctor."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from connector.journal.failure import translated
from connector.journal.schema import REVISION
from connector.journal.store import journal_exists

__all__ = ["JournalLook", "damage", "look_at"]

_BUSY_SECONDS = 5.0
_MOST_FAULTS = 10


@dataclass(frozen=True, slots=True)
class JournalLook:
    """What can be seen from outside."""

    revision: str | None  # of its schema; None = there is no journal yet

    @property
    def is_current(self) -> bool:
        """True when opening it changes nothing."""
        return self.revision == REVISION


def look_at(url: str) -> JournalLook:
    """Whether there is a journal, and of which schema.

    Raises:
        JournalDamaged: ``JOURNAL_ALTERE``: the file is no journal, or damaged.
        Unavailable: ``JOURNAL_INDISPONIBLE``: it cannot be told now.
    """
    if not journal_exists(url):
        return JournalLook(None)
    with _reading(url) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return JournalLook(None)
        return JournalLook(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


def damage(url: str) -> list[str]:
    """What SQLite finds wrong with the file (``PRAGMA quick_check``), one sentence each; reads all of it.

    Empty for other databases, which look after themselves.

    Raises:
        JournalDamaged, Unavailable: as :func:`look_at`.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return []
    with _reading(url) as connection:
        rows = connection.exec_driver_sql(f"PRAGMA quick_check({_MOST_FAULTS})").scalars().all()
    return [str(row) for row in rows if row != "ok"]


@contextmanager
def _reading(url: str) -> Iterator[Connection]:
    target = make_url(url)
    engine = _sqlite(target) if target.get_backend_name() == "sqlite" else create_engine(target, poolclass=NullPool)
    try:
        with translated(), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _sqlite(target: URL) -> Engine:
    address = f"file:{quote(Path(target.database or '').absolute().as_posix())}?mode=ro"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)
