"""Engine, transactions, migration and key check: what every question of the journal stands on.

SQLite: one file with private rights, WAL, ``synchronous=FULL`` (the last commit survives power loss), every write in
``BEGIN IMMEDIATE``. Writers of one process queue at a lock of ours, because SQLite's own waiting is a poll with
sleeps. PostgreSQL: every write takes one advisory lock, because the trace is one chain.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, CursorResult, Engine, Executable, create_engine, event, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import QueuePool

from connector.domain.errors import ConfigurationError, Unavailable
from connector.domain.ports import Clock, IdSource
from connector.journal import statements as sql
from connector.journal.chain import FIRST_HASH, entry_hash, sanitised
from connector.journal.failure import PayloadCorrupt, translated
from connector.journal.kept import Kept
from connector.journal.records import IncomingMessage, SubmissionView
from connector.journal.revocations import Revocations
from connector.journal.schema import REVISION, meta
from connector.journal.vault import Vault
from connector.platform.files import private_folder

__all__ = ["JournalPart", "Store", "Writing", "alphanumeric", "clipped", "journal_exists", "open_store"]

_BUSY_SECONDS = 10.0
_CONNECTIONS = 8  # kept open
_EXTRA_CONNECTIONS = 56  # threads beyond that wait
_KEPT_VIEWS = 1_000  # submissions in memory, about 4 MB
_KEPT_ARRIVALS = 1_000  # rows of received messages, about 1 MB
_KEY_CHECK = "key_check"
_KEY_TEXT = b"mssante-connector journal"
_ADVISORY_LOCK = 0x6D7373616E7465  # "mssante"

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA fullfsync=1",  # macOS: fsync alone leaves the bytes in the drive's cache
    "PRAGMA checkpoint_fullfsync=1",
    "PRAGMA wal_autocheckpoint=4000",  # pages: 16 MB, some hundred documents
    "PRAGMA journal_size_limit=67108864",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-500",  # KiB, of each connection: the system caches the file too, once for all of them
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None


@dataclass(slots=True)
class Writing:
    """One write transaction: statements, and the trace entries that are appended when it ends."""

    connection: Connection
    now: datetime
    actor: str
    entries: list[dict[str, Any]] = field(default_factory=list)

    def run(self, statement: Executable, parameters: Parameters = None) -> CursorResult[Any]:
        """Execute a statement; an empty list of parameters does nothing useful and is the caller's to avoid."""
        return self.connection.execute(statement, parameters)

    def note(
        self, action: str, *, mailbox: object = "", subject_id: str = "", server: str = "", answer: str = "",
        outcome: str = "ok", actor: str | None = None,
    ) -> None:  # fmt: skip
        """Have a trace entry appended (Ref#2 ECO.4.1.2). Never content, never a patient's name."""
        raw = {
            "actor": actor or self.actor, "action": action, "mailbox": str(mailbox), "subject_id": subject_id,
            "server": server, "answer": answer, "outcome": outcome,
        }  # fmt: skip
        self.entries.append({name: sanitised(name, value) for name, value in raw.items()})

    def append_trace(self) -> None:
        """Chain the entries to the last one in the journal."""
        if not self.entries:
            return
        last = self.connection.execute(sql.LAST_TRACE).first() or self.connection.execute(sql.LAST_CHECKPOINT).first()
        seq, previous = (last[0], last[1]) if last else (0, FIRST_HASH)
        for entry in self.entries:
            seq += 1
            entry.update(seq=seq, at=(self.now - _EPOCH) // _MICROSECOND, previous_hash=previous)
            previous = entry["hash"] = entry_hash(previous, entry)
            entry["at"] = self.now
        self.connection.execute(sql.ADD_TRACE, self.entries)


@dataclass(frozen=True, slots=True)
class _Database:
    """Connections, and the SQL that every transaction begins with; ``""`` where the driver begins by itself."""

    engine: Engine
    begin_read: str
    begin_write: str


class Store:
    """The database with everything that a question needs. Thread-safe."""

    def __init__(self, database: _Database, vault: Vault, clock: Clock, ids: IdSource, actor: str) -> None:
        self.engine = database.engine
        self.vault = vault
        self.clock = clock
        self.ids = ids
        self.actor = actor
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self.views: Kept[SubmissionView] = Kept(_KEPT_VIEWS)
        self.arrivals: Kept[IncomingMessage] = Kept(_KEPT_ARRIVALS)
        self.revocations = Revocations(Path(self.engine.url.database or "") if self.is_sqlite else None)
        self._database = database
        self._gate = threading.Lock()

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """One transaction that is committed with its trace entries, or not at all.

        Raises:
            Unavailable: ``JOURNAL_INDISPONIBLE`` or ``DISQUE_PLEIN``; nothing has changed.
        """
        if not self._gate.acquire(timeout=_BUSY_SECONDS):
            raise Unavailable("JOURNAL_INDISPONIBLE", f"another thread writes for more than {_BUSY_SECONDS:.0f} s")
        try:
            with translated(), self.engine.begin() as connection:
                connection.exec_driver_sql(self._database.begin_write)
                writing = Writing(connection, self.clock.now(), self.actor)
                yield writing
                writing.append_trace()
        finally:
            self._gate.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view of one moment.

        Raises:
            Unavailable: ``JOURNAL_INDISPONIBLE``.
        """
        with translated(), self.engine.connect() as connection:
            if self._database.begin_read:
                connection.exec_driver_sql(self._database.begin_read)
            yield connection

    def close(self) -> None:
        """Drop the connections; SQLite then folds its write-ahead log into the file."""
        self.revocations.close()
        self.engine.dispose()


def clipped(text: str | None, longest: int = 500) -> str | None:
    """A text that fits its column; the rest of it is of no use to anybody."""
    return text if text is None else text[:longest]


def alphanumeric(text: str) -> str:
    """What may be part of an id; no wildcards of ``LIKE``."""
    return "".join(character for character in text if character.isalnum())


class JournalPart:
    """A group of questions about one subject; :class:`~connector.journal.journal.Journal` joins them."""

    def __init__(self, store: Store) -> None:
        self._store = store


def journal_exists(url: str) -> bool:
    """True when something was written under a key there already: then no new key must be made.

    Raises:
        Unavailable: ``JOURNAL_INDISPONIBLE``: it cannot be told now.
    """
    target = make_url(url)
    if target.get_backend_name() == "sqlite":
        path = Path(target.database or "")
        try:
            return path.is_file() and path.stat().st_size > 0
        except OSError as error:
            raise Unavailable("JOURNAL_INDISPONIBLE", f"the journal's folder: {error.strerror}") from error
    engine = create_engine(target)
    try:
        with translated(), engine.connect() as connection:
            return inspect(connection).has_table(meta.name)
    finally:
        engine.dispose()


def open_store(url: str, *, vault: Vault, clock: Clock, ids: IdSource, actor: str) -> Store:
    """Open the database, make or migrate its tables, and check the key.

    Raises:
        JournalVersion: ``JOURNAL_VERSION``: a newer version wrote it.
        JournalDamaged: ``JOURNAL_ALTERE``.
        ConfigurationError: ``CLE_FAUSSE``.
        Unavailable: ``JOURNAL_INDISPONIBLE``.
    """
    target = make_url(url)
    database = _sqlite(target) if target.get_backend_name() == "sqlite" else _postgresql(target)
    store = Store(database, vault, clock, ids, actor)
    try:
        _migrate(store)
        _check_key(store)
    except BaseException:
        store.close()
        raise
    return store


def _sqlite(url: URL) -> _Database:
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("REGLAGE_INVALIDE", "journal.url: a journal in memory would not survive anything")
    _make_private_file(Path(url.database))
    engine = create_engine(
        url, poolclass=QueuePool, pool_size=_CONNECTIONS, max_overflow=_EXTRA_CONNECTIONS, pool_timeout=_BUSY_SECONDS,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
    )  # fmt: skip
    event.listen(engine, "connect", _prepare_sqlite)
    return _Database(engine, begin_read="BEGIN", begin_write="BEGIN IMMEDIATE")


def _make_private_file(path: Path) -> None:
    """SQLite would make it with the umask; its ``-wal`` and ``-shm`` take over the rights of this one."""
    try:
        private_folder(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise Unavailable("JOURNAL_INDISPONIBLE", f"the journal's folder: {error.strerror}") from error


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in _PRAGMAS:
        connection.execute(pragma).close()


def _postgresql(url: URL) -> _Database:
    engine = create_engine(url, pool_size=_CONNECTIONS, max_overflow=_EXTRA_CONNECTIONS, pool_pre_ping=True)
    return _Database(engine, begin_read="", begin_write=f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")


def _migrate(store: Store) -> None:
    with store.read() as connection:
        if _revision(connection) == REVISION:
            return  # the usual case: without the cost of importing Alembic
    from connector.journal.migrate import upgrade  # noqa: PLC0415 - slow to import, rarely needed

    with store.write() as writing:
        current = _revision(writing.connection)
        if current != REVISION:
            upgrade(writing.connection, current)
            writing.note("migrate", outcome=f"{current or 'empty'} to {REVISION}")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _check_key(store: Store) -> None:
    """Compare the key with that of the journal, before anything is written with it."""
    with store.read() as connection:
        stored = connection.execute(select(meta.c.value).where(meta.c.name == _KEY_CHECK)).scalar()
    if stored is None:
        with store.write() as writing:
            value = store.vault.encrypt(_KEY_CHECK, _KEY_TEXT)
            writing.run(meta.insert(), {"name": _KEY_CHECK, "value": value})
        return
    try:
        store.vault.decrypt(_KEY_CHECK, stored)
    except PayloadCorrupt as error:
        raise ConfigurationError("CLE_FAUSSE", "this key did not write this journal") from error
