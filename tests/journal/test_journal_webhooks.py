"""Up to where a webhook's receiver has been told: kept over restarts, and told to nobody."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connector.journal import store as store_module
from tests.journal.journal_builders import Scene, open_journal, url_of


def test_a_webhook_is_new_until_its_mark_is_set(scene: Scene) -> None:
    assert scene.journal.webhook_mark("lps") is None
    scene.journal.move_webhook_mark("lps", 0)
    assert scene.journal.webhook_mark("lps") == 0
    scene.journal.move_webhook_mark("lps", 7)
    assert (scene.journal.webhook_mark("lps"), scene.journal.webhook_mark("other")) == (7, None)


def test_the_mark_survives_a_restart(scene: Scene) -> None:
    scene.journal.move_webhook_mark("lps", 12)
    again = open_journal(scene.folder)
    assert again.webhook_mark("lps") == 12
    again.close()


def test_moving_a_mark_is_not_itself_something_to_tell(scene: Scene) -> None:
    before = scene.journal.last_number()
    scene.journal.move_webhook_mark("lps", before)
    assert scene.journal.last_number() == before


def test_what_is_kept_after_a_number_is_known(scene: Scene) -> None:
    scene.taken()
    last = scene.journal.last_number()
    assert all(scene.journal.is_kept_after(number) for number in range(last + 1))
    assert not scene.journal.is_kept_after(last + 1)
    scene.clock.advance(10)
    scene.journal.purge(payload_before=scene.clock.now(), trace_before=scene.clock.now())
    assert not scene.journal.is_kept_after(last - 1)
    assert scene.journal.is_kept_after(last)


def test_a_journal_from_before_webhooks_gets_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr(store_module, "REVISION", "0002")
        older.setattr("connector.journal.migrate.REVISION", "0002")
        open_journal(tmp_path).close()
    with closing(sqlite3.connect(url_of(tmp_path).removeprefix("sqlite:///"))) as raw:
        assert raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'webhook_marks'").fetchone() == (0,)
    journal = open_journal(tmp_path)
    journal.move_webhook_mark("lps", 1)
    assert journal.webhook_mark("lps") == 1
    journal.close()
