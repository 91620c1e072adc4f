"""What was listed: how far each folder is known, and which message is known from another place already."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.domain.states import IncomingEvent as E
from connector.domain.states import IncomingState as S
from connector.journal import store as store_module
from connector.journal.listed import FolderMark
from connector.journal.records import StoredBytes
from connector.testing.clock import EPOCH
from tests.journal.journal_builders import BOX, OTHER_BOX, Place, Scene, open_journal, url_of

ARRIVED = EPOCH - timedelta(days=1)


def place(uid: int, **changes: object) -> Place:
    """A place as a server describes it; all of one message unless ``changes`` say otherwise."""
    values = {"folder": "INBOX", "uid_validity": 7, "size_bytes": 3, "message_id": "<m@b.fr>", "received_at": ARRIVED}
    return Place(uid=uid, **{**values, **changes})  # type: ignore[arg-type]  # the tests name real fields


def mark(**changes: object) -> FolderMark:
    values = {
        "mailbox": BOX, "folder": "INBOX", "uid_validity": 7, "listed_uid": 9, "history_uid": 0, "history_end": 9,
        "total": 9,
    }  # fmt: skip
    return FolderMark(**{**values, **changes})  # type: ignore[arg-type]  # as above


def listed(scene: Scene, *places: Place) -> list[S]:
    """States of the rows of these places, which are noted together."""
    scene.journal.note_seen(BOX, places)
    rows = {(r.folder, r.uid_validity, r.uid): r.state for r in scene.journal.incoming_messages(limit=1000)}
    return [rows[one.folder, one.uid_validity, one.uid] for one in places]


@pytest.fixture
def known(scene: Scene) -> str:
    """Row id of a message whose bytes are in the journal."""
    assert listed(scene, place(1)) == [S.SEEN]
    (row,) = scene.journal.incoming_messages()
    scene.journal.store([StoredBytes(row.id, b"raw", ARRIVED, "<m@b.fr>")])
    return row.id


@pytest.mark.parametrize("where", [{"uid_validity": 8}, {"folder": "Autre"}], ids=["numbered anew", "moved"])
def test_a_message_that_is_known_from_another_place_needs_no_bytes(
    scene: Scene, known: str, where: dict[str, object]
) -> None:
    assert listed(scene, place(4, **where)) == [S.DUPLICATE]
    again = scene.journal.incoming_messages()[0]
    assert (again.duplicate_of, again.received_at, again.payload_id) == (known, ARRIVED, None)
    assert scene.journal.violations() == []


@pytest.mark.parametrize(
    "other",
    [
        {"message_id": "<autre@b.fr>"},
        {"size_bytes": 4},
        {"received_at": ARRIVED + timedelta(seconds=1)},
        {"received_at": None},
        {"message_id": ""},
        {"uid_validity": 7},
    ],
    ids=["Message-ID", "size", "arrival", "arrival unknown", "no Message-ID", "beside it in the same folder"],
)
def test_what_differs_in_anything_is_fetched(scene: Scene, known: str, other: dict[str, object]) -> None:
    assert listed(scene, place(4, **{"uid_validity": 8, **other})) == [S.SEEN]


def test_two_that_look_alike_are_never_taken_for_one(scene: Scene, known: str) -> None:
    pair = (place(4, uid_validity=8), place(5, uid_validity=8))
    assert sorted(listed(scene, *pair)) == [S.DUPLICATE, S.SEEN]
    assert listed(scene, place(6, uid_validity=8)) == [S.SEEN]
    assert listed(scene, place(1, uid_validity=9)) == [S.DUPLICATE]


def test_another_mailbox_knows_nothing_of_it(scene: Scene, known: str) -> None:
    scene.journal.note_seen(OTHER_BOX, [place(4, uid_validity=8)])
    assert [row.state for row in scene.journal.incoming_messages(mailbox=OTHER_BOX)] == [S.SEEN]


def test_what_was_seen_and_not_fetched_is_no_proof(scene: Scene) -> None:
    assert listed(scene, place(1), place(1, uid_validity=8)) == [S.SEEN, S.SEEN]


def test_a_folder_is_known_as_far_as_what_was_noted_with_it(scene: Scene) -> None:
    assert scene.journal.folder_mark(BOX, "INBOX") is None
    first = mark(since=ARRIVED)
    scene.journal.set_folder_mark(first, why="first connection, days")
    assert scene.journal.folder_mark(BOX, "INBOX") == first
    later = replace(first, history_uid=4, looked=4)
    scene.journal.note_seen(BOX, [place(4)], mark=later)
    elsewhere = mark(folder="Autre")
    scene.journal.set_folder_mark(elsewhere, why="first connection, all")
    assert scene.journal.folder_marks() == [elsewhere, later]


def test_a_mark_without_its_messages_is_not_kept(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.journal.set_folder_mark(mark(), why="first connection, all")
    monkeypatch.setattr(store_module.Writing, "append_trace", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        scene.journal.note_seen(BOX, [place(4)], mark=mark(history_uid=4))
    assert scene.journal.folder_mark(BOX, "INBOX") == mark()
    assert scene.journal.incoming_messages() == []


def test_the_backlog_is_what_is_not_delivered_yet(scene: Scene, known: str) -> None:
    listed(scene, *(place(uid) for uid in range(2, 6)))
    assert [scene.journal.backlog(BOX, limit=limit) for limit in (3, 100)] == [3, 5]
    assert scene.journal.backlog(OTHER_BOX, limit=100) == 0


def test_a_duplicate_is_marked_on_the_server_only_once_its_twin_was_delivered(scene: Scene, known: str) -> None:
    listed(scene, place(4, uid_validity=8))
    assert scene.journal.to_acknowledge(BOX) == []
    scene.journal.record_incoming(known, E.OPEN)
    scene.journal.record_incoming(known, E.DELIVER, delivered_prefix="p")
    assert [row.uid for row in scene.journal.to_acknowledge(BOX)] == [1, 4]


def test_a_journal_of_an_older_version_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr(store_module, "REVISION", "0007")
        older.setattr("connector.journal.migrate.REVISION", "0007")
        open_journal(tmp_path).close()
    with closing(sqlite3.connect(url_of(tmp_path).removeprefix("sqlite:///"))) as raw, raw:
        for number, (folder, validity, uid) in enumerate([("INBOX", 7, 900), ("INBOX", 8, 4), ("Autre", 3, 2)]):
            raw.execute(
                "INSERT INTO incoming (id, mailbox, folder, uid_validity, uid, state, state_since, header_message_id,"
                " sha256, size_bytes, attempts) VALUES (?, ?, ?, ?, ?, 'acknowledged', 0, '', 'x', 1, 0)",
                (f"row{number}", str(BOX), folder, validity, uid),
            )
    journal = open_journal(tmp_path)
    marks = {m.folder: (m.uid_validity, m.listed_uid, m.has_history_left) for m in journal.folder_marks()}
    assert marks == {"INBOX": (8, 4, False), "Autre": (3, 2, False)}
    journal.close()
