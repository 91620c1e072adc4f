"""Opening: migrations, versions, keys, rights, and what is said when it does not work."""

import os
import sqlite3
import stat
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import String, create_engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.domain.errors import ConfigurationError, Unavailable
from connector.journal import schema
from connector.journal import store as store_module
from connector.journal.failure import JournalDamaged, JournalVersion, translated
from connector.journal.journal import Journal, journal_exists
from connector.journal.migrate import alembic_config
from connector.journal.vault import Vault
from connector.testing.clock import CountingIds, FakeClock
from tests.journal.journal_builders import DEADLINE, file_of, open_journal, submission, url_of


def _sqlite(folder: Path) -> Any:
    return closing(sqlite3.connect(folder / "journal.sqlite", isolation_level=None))


def _execute(folder: Path, statement: str) -> None:
    with _sqlite(folder) as raw:
        raw.execute(statement)


def test_an_empty_folder_becomes_a_journal_and_stays_one(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    taken = journal.take(submission(), deadline_at=DEADLINE, duplicate_hours=0)
    journal.close()
    again = open_journal(tmp_path)
    assert again.outgoing(taken.message_id).submission_id == taken.submission_id
    assert again.verify_trace() == 2
    again.close()


def test_two_processes_may_have_it_open(tmp_path: Path) -> None:
    one, two = open_journal(tmp_path), open_journal(tmp_path, ids=CountingIds(1000))
    taken = one.take(submission(1), deadline_at=DEADLINE, duplicate_hours=0)
    two.take(submission(2), deadline_at=DEADLINE, duplicate_hours=0)
    assert two.outgoing(taken.message_id).id == taken.message_id
    assert one.verify_trace() == two.verify_trace() == 3
    one.close()
    two.close()


def test_migrations_make_exactly_the_tables_of_the_schema(tmp_path: Path) -> None:
    open_journal(tmp_path).close()
    engine = create_engine(url_of(tmp_path))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": _differs})
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == schema.REVISION
    engine.dispose()


def _differs(_context: Any, _found: Any, _wanted: Any, found_type: Any, wanted_type: Any) -> bool:
    wanted = wanted_type.impl if hasattr(wanted_type, "impl") else wanted_type
    if isinstance(wanted, String):
        return getattr(found_type, "length", None) != wanted.length
    return found_type._type_affinity is not wanted._type_affinity


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == schema.REVISION


def test_a_half_made_journal_is_completed(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").touch()
    open_journal(tmp_path).close()


def test_an_older_schema_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_journal(tmp_path).close()
    asked: list[str | None] = []
    monkeypatch.setattr(store_module, "REVISION", "9998")
    monkeypatch.setattr("connector.journal.migrate.upgrade", lambda connection, current: asked.append(current))
    open_journal(tmp_path).close()
    assert asked == [schema.REVISION]


def test_a_known_older_revision_runs_only_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_journal(tmp_path).close()
    monkeypatch.setattr(store_module, "REVISION", "9998")
    open_journal(tmp_path).close()  # the real upgrade finds it known and nothing to run
    with _sqlite(tmp_path) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(schema.REVISION,)]


def test_a_journal_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    open_journal(tmp_path).close()
    _execute(tmp_path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(JournalVersion) as caught:
        open_journal(tmp_path)
    assert caught.value.code == "JOURNAL_VERSION"
    with _sqlite(tmp_path) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_another_process_may_have_migrated_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_journal(tmp_path).close()
    answers = iter([None, schema.REVISION])
    monkeypatch.setattr(store_module, "_revision", lambda connection: next(answers))
    open_journal(tmp_path).close()
    assert next(answers, "all asked") == "all asked"


def test_a_wrong_key_is_told_before_anything_is_written(tmp_path: Path) -> None:
    open_journal(tmp_path).close()
    with pytest.raises(ConfigurationError) as caught:
        Journal.open(url_of(tmp_path), vault=Vault(b"x" * 32), clock=FakeClock(), ids=CountingIds())
    assert caught.value.code == "CLE_FAUSSE"
    open_journal(tmp_path).close()


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"this is not a database, but it is long enough" * 200)
    with pytest.raises(JournalDamaged) as caught:
        open_journal(tmp_path)
    assert caught.value.code == "JOURNAL_ALTERE"


def test_a_locked_journal_is_unavailable_and_not_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.05)
    journal = open_journal(tmp_path)
    with _sqlite(tmp_path) as raw:
        raw.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable) as caught:
            journal.take(submission(), deadline_at=DEADLINE, duplicate_hours=0)
        assert caught.value.code == "JOURNAL_INDISPONIBLE"
        assert not journal.has_submission(submission().id)
        raw.execute("ROLLBACK")
    journal.take(submission(), deadline_at=DEADLINE, duplicate_hours=0)
    journal.close()


def test_a_writer_that_never_ends_does_not_hold_the_others_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(tmp_path)
    monkeypatch.setattr(store_module, "_BUSY_SECONDS", 0.05)
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with journal._store.write():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(Unavailable):
        journal.add_trace(action="login")
    leave.set()
    thread.join()
    journal.add_trace(action="login")
    journal.close()


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with journal._store.read() as connection:
        (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    large = submission(files=(file_of(bytes(100_000)),))
    with pytest.raises(Unavailable) as caught:
        journal.take(large, deadline_at=DEADLINE, duplicate_hours=0)
    assert caught.value.code == "DISQUE_PLEIN"
    journal.close()


def test_too_many_readers_are_told_to_come_back() -> None:
    with pytest.raises(Unavailable), translated():
        raise PoolTimeout("pool is empty")


def test_a_fault_of_our_own_is_not_hidden() -> None:
    with pytest.raises(IntegrityError), translated():
        raise IntegrityError("INSERT", {}, Exception("twice"))


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable) as caught:
        open_journal(tmp_path / "file" / "below")
    assert caught.value.code == "JOURNAL_INDISPONIBLE"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_journal_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Journal.open(url, vault=Vault(b"k" * 32), clock=FakeClock(), ids=CountingIds())
    assert caught.value.code == "REGLAGE_INVALIDE"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_nobody_else_can_read_the_journal_or_its_log(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        journal = open_journal(tmp_path / "data")
        journal.take(submission(), deadline_at=DEADLINE, duplicate_hours=0)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
        journal.close()
    finally:
        os.umask(before)
    assert set(modes) >= {"journal.sqlite", "journal.sqlite-wal"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_commits_are_synced_and_kept_in_a_write_ahead_log(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    with journal._store.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA fullfsync").scalar() == 1
    journal.close()


def test_whether_a_journal_exists_is_known_before_a_key_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not journal_exists(url_of(tmp_path))
    (tmp_path / "journal.sqlite").touch()
    assert not journal_exists(url_of(tmp_path))
    open_journal(tmp_path).close()
    assert journal_exists(url_of(tmp_path))

    def gone(self: Path) -> bool:
        raise PermissionError(13, "no")

    monkeypatch.setattr(Path, "is_file", gone)
    with pytest.raises(Unavailable):
        journal_exists(url_of(tmp_path))


def test_naive_times_and_empty_values_never_reach_the_database() -> None:
    dialect = create_engine("sqlite://").dialect
    assert schema.Address().process_bind_param(None, dialect) is None
    assert schema.Address().process_result_value(None, dialect) is None
    assert schema.Moment().process_bind_param(None, dialect) is None
