"""Threads that write at the same time share a commit; each keeps its own promise."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from connector.domain.errors import Unavailable
from connector.journal.sharing import SharedCommits

PATIENCE = 20.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    arguments = {"check_same_thread": False, "timeout": 0.05}
    engine = create_engine(f"sqlite:///{tmp_path}/x.sqlite", connect_args=arguments)

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL").close()

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER PRIMARY KEY)"))
    yield engine
    engine.dispose()


class Crowd:
    """The first part holds its turn until everybody else queues behind it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.commits = SharedCommits(engine)
        self.count = 0
        self.errors: dict[int, BaseException] = {}
        event.listen(engine, "commit", self._commit)
        self.at_commit: Callable[[], None] = lambda: None

    def _commit(self, _connection: object) -> None:
        self.count += 1
        self.at_commit()

    def run(self, *bodies: Callable[[int], str]) -> None:
        queued, inside = threading.Event(), threading.Event()
        threads = [
            threading.Thread(target=self._part, args=(number, body, inside, queued))
            for number, body in enumerate(bodies)
        ]
        threads[0].start()
        assert inside.wait(PATIENCE)
        for thread in threads[1:]:
            thread.start()
        while self.commits._waiting < len(bodies) - 1:
            threading.Event().wait(0.001)
        queued.set()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _part(
        self, number: int, body: Callable[[int], str], inside: threading.Event, queued: threading.Event
    ) -> None:
        try:
            with self.commits.part(PATIENCE) as connection:
                inside.set()
                assert queued.wait(PATIENCE)
                connection.execute(text(body(number)))
        except BaseException as error:  # noqa: BLE001 - kept for the test
            self.errors[number] = error
        else:
            assert number in self.rows(), "a part that returned is committed"

    def rows(self) -> set[int]:
        with closing(sqlite3.connect(str(self.engine.url.database))) as reader:
            return {x for (x,) in reader.execute("SELECT x FROM t")}


def good(number: int) -> str:
    return f"INSERT INTO t VALUES ({number})"


def bad(_number: int) -> str:
    return "INSERT INTO nowhere VALUES (1)"


@pytest.fixture
def crowd(engine: Engine) -> Crowd:
    return Crowd(engine)


def test_a_part_alone_is_committed_alone(crowd: Crowd) -> None:
    crowd.run(good)
    assert (crowd.rows(), crowd.count) == ({0}, 1)


def test_parts_that_queue_share_one_commit(crowd: Crowd) -> None:
    crowd.run(*[good] * 6)
    assert (crowd.rows(), crowd.count, crowd.errors) == (set(range(6)), 1, {})


def test_a_commit_is_shared_by_a_bounded_number(crowd: Crowd) -> None:
    crowd.run(*[good] * 40)
    assert (crowd.rows(), crowd.count) == (set(range(40)), 3)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_part_that_fails_takes_back_its_own_statements_only(crowd: Crowd, failing: int) -> None:
    bodies: list[Callable[[int], str]] = [good, good, good]
    bodies[failing] = bad
    crowd.run(*bodies)
    assert crowd.rows() == {0, 1, 2} - {failing}
    assert set(crowd.errors) == {failing}


def test_all_parts_may_fail(crowd: Crowd) -> None:
    crowd.run(bad, bad, bad)
    assert (crowd.rows(), set(crowd.errors)) == (set(), {0, 1, 2})
    crowd.run(good)
    assert crowd.rows() == {0}


def test_a_commit_that_fails_fails_for_everybody_in_it(crowd: Crowd) -> None:
    def no_commit() -> None:
        raise DBAPIError("COMMIT", None, sqlite3.OperationalError("disk I/O error"))

    crowd.at_commit = no_commit
    crowd.run(good, good, good)
    assert (crowd.rows(), set(crowd.errors)) == (set(), {0, 1, 2})
    crowd.at_commit = lambda: None
    crowd.run(good)
    assert crowd.rows() == {0}


def test_when_sqlite_rolls_everything_back_everybody_hears_of_it(crowd: Crowd) -> None:
    """As it does for a full disk: nobody may believe that a part of it was kept."""
    crowd.run(good, lambda _: "ROLLBACK", bad)
    assert (crowd.rows(), set(crowd.errors)) == (set(), {0, 1, 2})


def test_no_turn_in_time_is_told(crowd: Crowd) -> None:
    with crowd.commits.part(PATIENCE), pytest.raises(Unavailable), crowd.commits.part(0.01):
        pass
    crowd.run(good)
    assert crowd.rows() == {0}


def test_a_database_that_cannot_begin_leaves_the_turn_to_the_next(crowd: Crowd, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DBAPIError), crowd.commits.part(PATIENCE):
        pass
    other.execute("ROLLBACK")
    other.close()
    crowd.run(good)
    assert crowd.rows() == {0}
