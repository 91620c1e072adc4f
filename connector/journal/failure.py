"""What can go wrong with the journal, and what it means.

::

    ConnectorError
    ├── JournalVersion     JOURNAL_VERSION: a newer version of the connector wrote this
    ├── JournalDamaged     JOURNAL_ALTERE: SQLite says that the file is damaged, or is no journal
    ├── PayloadCorrupt     PAYLOAD_ALTERE: the bytes are there, and are not those that were put in
    ├── PayloadMissing     PAYLOAD_ABSENT: dropped after its retention time
    ├── TraceBroken        TRACE_ALTEREE: names the first entry that does not fit
    └── UnknownRow         INTROUVABLE: no such id
    Unavailable            JOURNAL_INDISPONIBLE, DISQUE_PLEIN: locked, full, not mounted: try again, wipe nothing
    ConfigurationError     CLE_FAUSSE: the key is not that of this journal
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.domain.errors import ConnectorError, Unavailable

__all__ = [
    "JournalDamaged", "JournalVersion", "PayloadCorrupt", "PayloadMissing", "TraceBroken", "UnknownRow",
    "translated",
]  # fmt: skip


class JournalVersion(ConnectorError):
    """Written by a newer version of the connector."""

    def __init__(self, detail: str) -> None:
        super().__init__("JOURNAL_VERSION", detail)


class JournalDamaged(ConnectorError):
    """The database file is damaged or is not a journal."""

    def __init__(self, detail: str) -> None:
        super().__init__("JOURNAL_ALTERE", detail)


class PayloadCorrupt(ConnectorError):
    """Stored bytes fail their authentication or their hash."""

    def __init__(self, payload_id: str) -> None:
        super().__init__("PAYLOAD_ALTERE", f"payload {payload_id} is not what was stored")


class PayloadMissing(ConnectorError):
    """The bytes are no longer kept."""

    def __init__(self, payload_id: str) -> None:
        super().__init__("PAYLOAD_ABSENT", f"payload {payload_id} is not in the journal")


class TraceBroken(ConnectorError):
    """The chain of the trace does not hold; ``seq`` is the first entry that does not fit."""

    def __init__(self, seq: int, why: str) -> None:
        super().__init__("TRACE_ALTEREE", f"trace entry {seq}: {why}")
        self.seq = seq


class UnknownRow(ConnectorError):
    """Nothing in the journal has this id."""

    def __init__(self, kind: str, row_id: str) -> None:
        super().__init__("INTROUVABLE", f"no {kind} {row_id[:40]!r}")


_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the database driver raises into our own tree; faults of our own SQL go up as they are."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("JOURNAL_INDISPONIBLE", "too many threads read the journal at once") from error
    except DBAPIError as error:
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if code in _DAMAGED:
            raise JournalDamaged(str(error.orig)) from error
        if code == sqlite3.SQLITE_FULL:
            raise Unavailable("DISQUE_PLEIN", "the disk of the journal is full") from error
        if type(error).__name__ in ("OperationalError", "InterfaceError"):
            raise Unavailable("JOURNAL_INDISPONIBLE", str(error.orig)[:200]) from error
        raise
