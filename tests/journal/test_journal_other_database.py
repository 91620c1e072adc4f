"""What is different on PostgreSQL, shown without a server: the lock of the chain, and the triggers."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy
from alembic.script import ScriptDirectory
from sqlalchemy import event

from connector.journal import store as store_module
from connector.journal.journal import Journal, journal_exists
from connector.journal.migrate import alembic_config
from connector.journal.vault import Vault
from connector.testing.clock import CountingIds, FakeClock
from tests.journal.journal_builders import DEADLINE, KEY, submission, url_of

URL = "postgresql+psycopg://exemple/journal"


@pytest.fixture
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A stand-in server: SQLite that knows PostgreSQL's lock function. Gives the keys that were locked."""
    taken: list[int] = []

    def lock(key: int) -> None:
        taken.append(key)

    def engine(_url: Any, **_options: Any) -> sqlalchemy.Engine:
        made = sqlalchemy.create_engine(url_of(tmp_path))
        event.listen(made, "connect", lambda raw, _: raw.create_function("pg_advisory_xact_lock", 1, lock))
        return made

    monkeypatch.setattr(store_module, "create_engine", engine)
    return taken


def test_every_write_takes_the_lock_of_the_chain_and_no_read_does(locks: list[int]) -> None:
    journal = Journal.open(URL, vault=Vault(KEY), clock=FakeClock(), ids=CountingIds())
    opened = len(locks)
    journal.take(submission(), deadline_at=DEADLINE, duplicate_hours=24)
    assert len(locks) == opened + 1
    journal.submissions()
    assert len(locks) == opened + 1
    assert len(set(locks)) == 1
    assert journal.verify_trace() == 2
    journal.close()


def test_a_journal_on_a_server_exists_when_it_has_tables(locks: list[int]) -> None:
    assert not journal_exists(URL)
    Journal.open(URL, vault=Vault(KEY), clock=FakeClock(), ids=CountingIds()).close()
    assert journal_exists(URL)


def test_the_same_things_are_forbidden_there(monkeypatch: pytest.MonkeyPatch) -> None:
    revision = ScriptDirectory.from_config(alembic_config()).get_revision("0001")
    assert revision is not None
    said: list[str] = []
    bind = SimpleNamespace(dialect=SimpleNamespace(name="postgresql"))
    monkeypatch.setattr(revision.module, "op", SimpleNamespace(get_bind=lambda: bind, execute=said.append))
    revision.module._guards()
    made = [statement for statement in said if statement.startswith("CREATE TRIGGER")]
    assert [statement.split(" BEFORE ")[1].split(" FOR ")[0] for statement in made] == [
        "UPDATE ON payloads", "UPDATE ON trace", "DELETE ON trace", "UPDATE ON trace_checkpoints",
        "DELETE ON trace_checkpoints",
    ]  # fmt: skip
