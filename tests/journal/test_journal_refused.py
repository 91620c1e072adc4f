"""Refused drops: remembered once with their trace, told until somebody has seen them, dropped with the trace."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import ConnectorError, Unavailable
from connector.journal import refused, statistics
from connector.journal import store as store_module
from connector.journal.failure import UnknownRow
from connector.journal.records import RefusedDrop
from tests.journal.journal_builders import BOX, OTHER_BOX, Scene, open_journal, url_of


def drop(scene: Scene, number: int = 1, **changes: Any) -> RefusedDrop:
    values: dict[str, Any] = {
        "id": f"01REF{number:021d}", "mailbox": BOX, "at": scene.clock.now(), "code": "SIDECAR_INVALIDE",
        "name": f"REQ{number:04d}", "files": (f"REQ{number:04d}.xml", f"REQ{number:04d}.mss.json"),
        "note": f"REQ{number:04d}.erreur.txt", "sentence": "La rubrique « destinataires » est une valeur vide.",
    }  # fmt: skip
    return RefusedDrop(**{**values, **changes})


def refuse(scene: Scene, *numbers: int, **changes: Any) -> list[RefusedDrop]:
    drops = [drop(scene, number, **changes) for number in numbers]
    for each in drops:
        scene.journal.refuse_drop(each)
    return drops


def actions(scene: Scene) -> list[tuple[str, str, str]]:
    return [(e.action, e.subject_id, e.outcome) for e in scene.journal.trace() if e.action in ("refuse", "see")]


def test_a_refusal_is_remembered_as_it_was_told_and_traced(scene: Scene) -> None:
    (told,) = refuse(scene, 1)
    assert scene.journal.refused_drops() == [told]
    assert scene.journal.refused_drop(told.id) == told
    (entry,) = [e for e in scene.journal.trace() if e.action == "refuse"]
    assert (entry.mailbox, entry.subject_id, entry.outcome) == (str(BOX), told.id, "SIDECAR_INVALIDE")


def test_refusing_again_changes_nothing_not_even_what_was_seen(scene: Scene) -> None:
    (told,) = refuse(scene, 1)
    scene.journal.see_refused_drop(told.id, by="page")
    number = scene.journal.last_number()
    scene.journal.refuse_drop(replace(told, code="INTERNE"))
    (kept,) = scene.journal.refused_drops()
    assert (kept.code, kept.seen_by) == ("SIDECAR_INVALIDE", "page")
    assert scene.journal.last_number() == number


def test_a_refusal_that_an_older_version_had_traced_is_not_traced_again(scene: Scene) -> None:
    told = drop(scene)
    scene.journal.add_trace(action="refuse", mailbox=str(BOX), subject_id=told.id, outcome=told.code)
    scene.journal.refuse_drop(told)
    assert [action for action, _, _ in actions(scene)] == ["refuse"]
    assert scene.journal.refused_drops() == [told]


def test_row_and_trace_come_together_or_not_at_all(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise Unavailable("DISQUE_PLEIN", "no space")

    with monkeypatch.context() as broken:
        broken.setattr(store_module.Writing, "append_trace", full)
        with pytest.raises(ConnectorError, match="DISQUE_PLEIN"):
            scene.journal.refuse_drop(drop(scene))
    assert scene.journal.refused_drops() == []
    assert actions(scene) == []


def test_no_name_of_a_file_is_readable_in_the_database(scene: Scene) -> None:
    refuse(scene, 1, name="TESTUT-Camille", files=("TESTUT-Camille.xml",), note="TESTUT-Camille.erreur.txt")
    scene.journal.close()
    found = b"".join(path.read_bytes() for path in scene.folder.glob("journal.sqlite*"))
    assert b"SIDECAR_INVALIDE" in found
    assert b"TESTUT" not in found
    assert b"destinataires" not in found


def test_the_newest_come_first_and_pages_follow_each_other(scene: Scene) -> None:
    told = refuse(scene, 1, 2, 3, 4)
    ids = [each.id for each in reversed(told)]
    assert [each.id for each in scene.journal.refused_drops(limit=2)] == ids[:2]
    assert [each.id for each in scene.journal.refused_drops(limit=9, after=ids[1])] == ids[2:]
    assert [each.id for each in scene.journal.refused_drops(down_to=ids[2])] == ids[:2]
    assert [each.id for each in scene.journal.refused_drops(fits=lambda each: each.name != "REQ0003")] == [
        ids[0], *ids[2:],
    ]  # fmt: skip


def test_a_search_opens_no_more_than_its_bound(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refused, "MOST_LOOKED_AT", 3)
    refuse(scene, 1, 2, 3, 4)
    looked_at: list[str] = []

    def look(each: RefusedDrop) -> bool:
        looked_at.append(each.name)
        return False

    assert scene.journal.refused_drops(fits=look) == []
    assert looked_at == ["REQ0004", "REQ0003", "REQ0002"]


def test_what_somebody_has_seen_no_longer_asks(scene: Scene) -> None:
    first, second = refuse(scene, 1, 2)
    refuse(scene, 3, mailbox=OTHER_BOX)
    scene.clock.advance(60)
    seen = scene.journal.see_refused_drop(first.id, by="Accueil")
    assert (seen.seen_at, seen.seen_by) == (scene.clock.now(), "Accueil")
    assert [each.id for each in scene.journal.refused_drops(unseen=True, mailbox=BOX)] == [second.id]
    assert scene.journal.refused_counts() == {
        str(BOX): {"unseen": 1, "seen": 1}, str(OTHER_BOX): {"unseen": 1, "seen": 0},
    }  # fmt: skip
    assert actions(scene)[-1] == ("see", first.id, "SIDECAR_INVALIDE")
    assert scene.journal.trace()[-1].actor == "Accueil"


def test_the_first_to_see_it_counts(scene: Scene) -> None:
    (told,) = refuse(scene, 1)
    first = scene.journal.see_refused_drop(told.id, by="Accueil")
    scene.clock.advance(60)
    number = scene.journal.last_number()
    assert scene.journal.see_refused_drop(told.id, by="LPS") == first
    assert scene.journal.last_number() == number


def test_all_up_to_one_are_seen_at_once_and_traced_each(scene: Scene) -> None:
    first, second, third, fourth = refuse(scene, 1, 2, 3, 4)
    scene.journal.see_refused_drop(first.id, by="Accueil")
    assert scene.journal.see_refused_drops(third.id, by="page") == 2
    assert scene.journal.see_refused_drops(third.id, by="page") == 0
    assert [each.id for each in scene.journal.refused_drops(unseen=True)] == [fourth.id]
    assert [subject for action, subject, _ in actions(scene) if action == "see"] == [first.id, second.id, third.id]
    assert scene.journal.refused_drop(first.id).seen_by == "Accueil"


def test_what_was_never_refused_is_unknown(scene: Scene) -> None:
    with pytest.raises(UnknownRow):
        scene.journal.refused_drop("01NOBODY")
    with pytest.raises(UnknownRow):
        scene.journal.see_refused_drop("01NOBODY", by="page")


@pytest.mark.parametrize(
    ("ending", "numbers"), [("0012", [12]), ("2", [12, 2]), ("%", []), ("_2", [12, 2]), ("", [])]
)
def test_it_is_found_by_the_end_of_its_id(scene: Scene, ending: str, numbers: list[int]) -> None:
    told = {number: each.id for number, each in zip((2, 3, 12), refuse(scene, 2, 3, 12), strict=True)}
    assert scene.journal.find_refused_drops(ending) == [told[number] for number in numbers]


def test_those_of_today_are_counted_by_mailbox(scene: Scene) -> None:
    refuse(scene, 1)
    scene.clock.advance(86_400)
    midnight = scene.clock.now()
    refuse(scene, 2, 3)
    refuse(scene, 4, mailbox=OTHER_BOX)
    assert scene.journal.refused_since(midnight) == {str(BOX): 2, str(OTHER_BOX): 1}
    assert scene.journal.refused_since(midnight + timedelta(days=1)) == {}


def test_a_refusal_counts_as_a_failure_of_its_day(scene: Scene) -> None:
    before = scene.journal.last_number()
    refuse(scene, 1, 2)
    scene.journal.see_refused_drop(drop(scene, 1).id, by="page")
    assert scene.journal.happened(before, scene.journal.last_number()) == statistics.DayCounts(failed=2)


@pytest.mark.parametrize("is_seen", [False, True])
def test_it_goes_with_the_trace_and_not_before(scene: Scene, is_seen: bool) -> None:
    old, new = refuse(scene, 1)[0], None
    if is_seen:
        scene.journal.see_refused_drop(old.id, by="page")
    scene.clock.advance(100)
    (new,) = refuse(scene, 2)
    now = scene.clock.now()
    scene.journal.purge(payload_before=now, trace_before=old.at)
    assert len(scene.journal.refused_drops()) == 2
    scene.journal.purge(payload_before=now, trace_before=now)
    assert [each.id for each in scene.journal.refused_drops()] == [new.id]
    assert [subject for action, subject, _ in actions(scene) if action == "refuse"] == [new.id]


def test_a_journal_from_before_gets_the_table_and_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(store_module, "REVISION", "0003")
        older.setattr("connector.journal.migrate.REVISION", "0003")
        journal = open_journal(tmp_path)
        journal.move_webhook_mark("lps", 3)
        journal.close()
    with closing(sqlite3.connect(url_of(tmp_path).removeprefix("sqlite:///"))) as raw:
        assert raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'refused_drops'").fetchone() == (0,)
    journal = open_journal(tmp_path)
    assert journal.refused_drops() == []
    assert journal.webhook_mark("lps") == 3
    journal.close()
