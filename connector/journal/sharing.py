"""One commit for several threads: while one waits for the disk, the others queue, and share the next commit.

A commit costs one sync of the disk, some milliseconds on a busy or slow one, and SQLite does them one after the
other. So a part of work that ends while others wait does not commit at once: it passes the open transaction on, and
the last in the row commits for all. Nobody returns before that commit: what it promises to its caller is durable, as
it would be alone. A part that fails takes back its own statements only (a savepoint); a commit that fails, fails for
everybody in it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from connector.domain.errors import Unavailable

__all__ = ["SharedCommits"]

_MOST = 16  # parts in one commit: the first of them waits for the others


@dataclass(slots=True, eq=False)
class _Group:
    """One open transaction and the parts that are in it."""

    connection: Connection
    parts: int = 0  # that ended well
    done: bool = False
    failure: BaseException | None = None  # why nothing of it was kept


class SharedCommits:
    """Gives out turns in write transactions. Thread-safe.

    Args:
        writer: begins a write transaction with each connection.
    """

    def __init__(self, writer: Engine) -> None:
        self._writer = writer
        self._turn = threading.Condition()
        self._busy = False  # somebody works in the open transaction, or commits it
        self._waiting = 0  # threads that want the next turn
        self._group: _Group | None = None  # only touched by who is busy

    @contextmanager
    def part(self, patience_seconds: float) -> Iterator[Connection]:
        """One part of work: kept when this returns, and not kept at all when it raises.

        Args:
            patience_seconds: how long to wait for a turn.

        Raises:
            Unavailable: ``JOURNAL_INDISPONIBLE``: no turn in time.
            sqlalchemy.exc.DBAPIError: the database; nothing of this part is kept.
        """
        self._take_turn(patience_seconds)
        try:
            group = self._group = self._group or _begin(self._writer)
        except BaseException:
            self._end_turn()
            raise
        try:
            if group.parts:
                with group.connection.begin_nested():
                    yield group.connection
            else:  # alone so far: nothing of others could be taken back with it
                yield group.connection
        except BaseException as error:
            self._give_up(group, error)
            raise
        self._keep(group)

    def _take_turn(self, patience_seconds: float) -> None:
        with self._turn:
            self._waiting += 1
            try:
                if not self._turn.wait_for(lambda: not self._busy, patience_seconds):
                    text = f"another thread writes for more than {patience_seconds:.0f} s"
                    raise Unavailable("JOURNAL_INDISPONIBLE", text)
                self._busy = True
            finally:
                self._waiting -= 1
                self._turn.notify_all()

    def _end_turn(self) -> None:
        with self._turn:
            self._busy = False
            self._turn.notify_all()

    def _give_up(self, group: _Group, error: BaseException) -> None:
        """A part failed. SQLite itself rolls everything back for some errors, a full disk among them."""
        if group.parts and _is_open(group.connection):
            self._end_turn()  # the others commit without it
        else:
            self._close(group, error)

    def _keep(self, group: _Group) -> None:
        """A part ended well: commit, or let the next one do it."""
        group.parts += 1
        with self._turn:
            if self._waiting and group.parts < _MOST:
                self._busy = False
                self._turn.notify_all()
                self._turn.wait_for(lambda: group.done or not (self._busy or self._waiting))
                self._busy = self._busy or not group.done
            commits = not group.done
        if commits:
            self._close(group, None)
        if group.failure is not None:
            raise group.failure

    def _close(self, group: _Group, failure: BaseException | None) -> None:
        """Commit, or roll back because of a failure; the turn ends with it."""
        group.failure = failure
        try:
            if failure is None:
                group.connection.commit()
        except BaseException as error:  # noqa: BLE001 - every part in it has to hear of it, and raises it
            group.failure = error
            group.connection.invalidate()  # whatever state it is in: SQLite rolls back what it closes
        finally:
            self._group = None
            try:
                group.connection.close()  # rolls back what is not committed
            finally:
                with self._turn:
                    group.done = True
                    self._busy = False
                    self._turn.notify_all()


def _begin(writer: Engine) -> _Group:
    connection = writer.connect()
    try:
        connection.begin()
    except BaseException:
        connection.close()
        raise
    return _Group(connection)


def _is_open(connection: Connection) -> bool:
    """False when SQLite has rolled everything back by itself."""
    return bool(getattr(connection.connection.dbapi_connection, "in_transaction", True))
