"""How many applications were let go, by whatever process: asked for each request of the API, so it costs nothing.

SQLite tells cheaply whether anything was committed since the last look (``PRAGMA data_version``, on a connection of
its own); only then the applications are counted anew. Another database has no such sign: there a process knows at
once of its own revocations only.
"""

import sqlite3
import threading
from pathlib import Path

from connector.domain.errors import Unavailable

__all__ = ["Revocations"]

_COUNT = "SELECT count(*) FROM api_clients WHERE revoked_at IS NOT NULL"


class Revocations:
    """A number that grows. Thread-safe.

    Args:
        database: file of SQLite; ``None`` for another database.
    """

    def __init__(self, database: Path | None) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._version = -1
        self._counted = 0
        self._own = 0
        self._is_closed = False

    def noted(self) -> None:
        """This process let one go; to be called after the commit."""
        with self._lock:
            self._own += 1

    def number(self) -> int:
        """It differs from the one before when an application was let go in between.

        Raises:
            Unavailable: ``JOURNAL_INDISPONIBLE``.
        """
        with self._lock:
            if self._is_closed:
                raise Unavailable("JOURNAL_INDISPONIBLE", "the journal is closed")
            try:
                counted = 0 if self._database is None else self._count(self._database)
            except sqlite3.Error as error:
                raise Unavailable("JOURNAL_INDISPONIBLE", str(error)[:200]) from error
            return self._own + counted

    def _count(self, database: Path) -> int:
        if self._connection is None:
            # never waits: it is asked on the event loop, and whoever gets no answer looks the token up
            self._connection = sqlite3.connect(database, timeout=0, isolation_level=None, check_same_thread=False)
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:  # read before the count, so a commit in between is seen at the next look
            self._counted = self._connection.execute(_COUNT).fetchone()[0]
            self._version = version
        return self._counted

    def close(self) -> None:
        """Let go of the database, for good."""
        with self._lock:
            self._is_closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None
