"""The trace only grows, says who did what, and shows every change made to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.states import OutgoingEvent
from connector.journal.chain import FIRST_HASH, entry_hash, sanitised
from connector.journal.failure import TraceBroken
from connector.journal.schema import REVISION
from connector.testing.clock import EPOCH
from tests.journal.journal_builders import BOX, CC, TO, Scene, frozen, open_journal, submission


@contextmanager
def tampering(scene: Scene) -> Iterator[sqlite3.Connection]:
    """What somebody with the file in hand could do."""
    with closing(sqlite3.connect(scene.folder / "journal.sqlite")) as raw:
        for name in ("guard_trace_update", "guard_trace_delete"):
            raw.execute(f"DROP TRIGGER IF EXISTS {name}")
        yield raw
        raw.commit()


@pytest.fixture
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A journal of its own, because its chain will be broken."""
    folder = tmp_path_factory.mktemp("traced")
    scene = Scene(open_journal(folder), None, folder)  # type: ignore[arg-type] # the clock is not used here
    for number in range(5):
        scene.journal.add_trace(action="login", mailbox=str(BOX), server="imap.exemple.fr", answer=f"OK {number}")
    yield scene
    scene.journal.close()


def test_each_operation_leaves_a_line(scene: Scene) -> None:
    scene.sent()
    actions = [(entry.action, entry.outcome) for entry in scene.journal.trace()]
    assert actions == [
        ("migrate", f"empty to {REVISION}"), ("take", "received"), ("freeze", "prepared"), ("claim", "sending"),
        ("data", "ok"), ("send", "sent"),
    ]  # fmt: skip


def test_a_line_says_who_when_where_and_what_was_answered(scene: Scene) -> None:
    message_id = scene.sending()
    scene.journal.record(
        message_id, OutgoingEvent.REFUSE, code="OPERATEUR_REFUS", answer="550 5.1.1 unknown",
        server="smtp.exemple.fr", actor="CN=dr.modele",
    )  # fmt: skip
    entry = scene.journal.trace()[-1]
    assert (entry.actor, entry.action, entry.mailbox, entry.subject_id) == (
        "CN=dr.modele",
        "send",
        str(BOX),
        message_id,
    )
    assert (entry.server, entry.answer) == ("smtp.exemple.fr", "550 5.1.1 unknown")
    assert (entry.outcome, entry.at) == ("failed OPERATEUR_REFUS", scene.clock.now())


def test_a_submission_s_trace_holds_that_of_its_messages(scene: Scene) -> None:
    message_id = scene.taken()
    ids = scene.journal.freeze(message_id, [frozen(1, (TO,)), frozen(2, (CC,))])
    scene.taken()
    entries = scene.journal.trace(subject_id=submission(1).id)
    assert [e.subject_id for e in entries] == [submission(1).id, *ids]
    assert [e.action for e in scene.journal.trace(subject_id=ids[1])] == ["freeze"]


def test_the_newest_lines_come_with_the_oldest_first(traced: Scene) -> None:
    assert [e.answer for e in traced.journal.trace(limit=2)] == ["OK 3", "OK 4"]


def test_an_unbroken_chain_verifies(traced: Scene) -> None:
    entries = traced.journal.trace()
    assert traced.journal.verify_trace() == len(entries) == 6
    assert entries[0].previous_hash == FIRST_HASH
    assert [e.previous_hash for e in entries[1:]] == [e.hash for e in entries[:-1]]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "somebody else"), ("action", "x"), ("mailbox", "x"), ("subject_id", "x"), ("server", "x"),
        ("answer", "x"), ("outcome", "x"), ("at", 1), ("hash", "0" * 64), ("previous_hash", "1" * 64),
    ],
)  # fmt: skip
def test_a_changed_line_is_found(traced: Scene, column: str, value: object) -> None:
    with tampering(traced) as raw:
        raw.execute(f"UPDATE trace SET {column} = ? WHERE seq = 3", (value,))
    with pytest.raises(TraceBroken) as caught:
        traced.journal.verify_trace()
    assert (caught.value.code, caught.value.seq) == ("TRACE_ALTEREE", 3)


def test_a_missing_line_is_found(traced: Scene) -> None:
    with tampering(traced) as raw:
        raw.execute("DELETE FROM trace WHERE seq = 3")
    with pytest.raises(TraceBroken, match="missing") as caught:
        traced.journal.verify_trace()
    assert caught.value.seq == 3


def test_missing_first_lines_are_found(traced: Scene) -> None:
    with tampering(traced) as raw:
        raw.execute("DELETE FROM trace WHERE seq <= 2")
    with pytest.raises(TraceBroken):
        traced.journal.verify_trace()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trace SET answer = 'x'",
        "DELETE FROM trace",
        "DELETE FROM trace WHERE seq = 6",
    ],
)
def test_the_database_itself_refuses_to_change_the_trace(traced: Scene, statement: str) -> None:
    with (
        closing(sqlite3.connect(traced.folder / "journal.sqlite")) as raw,
        pytest.raises(sqlite3.IntegrityError, match="forbidden"),
    ):
        raw.execute(statement)


@pytest.mark.parametrize("statement", ["UPDATE trace_checkpoints SET hash = 'x'", "DELETE FROM trace_checkpoints"])
def test_checkpoints_stay_as_they_are(scene: Scene, statement: str) -> None:
    scene.taken()
    scene.clock.advance(1)
    scene.journal.purge(payload_before=EPOCH, trace_before=scene.clock.now())
    with closing(sqlite3.connect(scene.folder / "journal.sqlite")) as raw, pytest.raises(sqlite3.IntegrityError):
        raw.execute(statement)


def test_purged_traces_leave_a_chain_that_still_verifies(scene: Scene) -> None:
    scene.prepared()
    scene.clock.advance(by=timedelta(days=200))
    scene.taken()
    before = scene.journal.trace()
    scene.journal.purge(payload_before=EPOCH, trace_before=scene.clock.now())
    kept = scene.journal.trace()
    assert [e.action for e in kept] == ["take", "purge"]
    assert kept[0] == before[-1]
    assert before[-2].hash in kept[1].answer
    assert scene.journal.verify_trace() == 2
    scene.clock.advance(1)
    scene.journal.purge(payload_before=EPOCH, trace_before=scene.clock.now())
    assert scene.journal.verify_trace() == 1


def test_a_chain_goes_on_after_all_of_it_was_purged(scene: Scene) -> None:
    scene.clock.advance(1)
    scene.journal.purge(payload_before=EPOCH, trace_before=scene.clock.now())
    scene.journal.add_trace(action="login")
    assert [e.seq for e in scene.journal.trace()] == [2, 3]


def test_a_line_after_a_purge_that_does_not_fit_is_found(traced: Scene) -> None:
    traced.journal.purge(payload_before=EPOCH, trace_before=EPOCH + timedelta(seconds=1))
    with tampering(traced) as raw:
        raw.execute("UPDATE trace SET previous_hash = ?", ("1" * 64,))
    with pytest.raises(TraceBroken, match="does not follow"):
        traced.journal.verify_trace()


def test_purging_when_nothing_is_old_changes_nothing(scene: Scene) -> None:
    scene.taken()
    before = scene.journal.trace()
    assert scene.journal.purge(payload_before=EPOCH, trace_before=EPOCH) == 0
    assert scene.journal.trace() == before


@given(st.text(max_size=400))
def test_no_field_can_forge_a_second_line(text: str) -> None:
    clean = sanitised("answer", text)
    assert clean == sanitised("answer", clean)
    assert len(clean) <= 300
    assert len(clean.splitlines()) <= 1


def test_a_citizen_s_matricule_never_reaches_the_trace(scene: Scene) -> None:
    answer = "250 <279035121518989@Patient.mssante.fr> ok"
    scene.journal.add_trace(action="send", answer=answer, server="a\r\nb")
    entry = scene.journal.trace()[-1]
    assert entry.answer == "250 <…@Patient.mssante.fr> ok"
    assert entry.server == "a b"


def test_the_hash_depends_on_every_field() -> None:
    entry = dict.fromkeys(
        ("seq", "at", "actor", "action", "mailbox", "subject_id", "server", "answer", "outcome"), ""
    )
    hashes = {entry_hash(FIRST_HASH, {**entry, name: "x"}) for name in entry}
    assert len(hashes | {entry_hash(FIRST_HASH, entry), entry_hash("1" * 64, entry)}) == len(entry) + 2


def test_fields_cannot_be_shifted_into_each_other() -> None:
    base = dict.fromkeys(("seq", "at", "actor", "action", "mailbox", "subject_id", "server", "answer", "outcome"), "")
    one = entry_hash(FIRST_HASH, {**base, "server": 'a","b'})
    two = entry_hash(FIRST_HASH, {**base, "server": "a", "answer": "b"})
    assert one != two
