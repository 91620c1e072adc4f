"""What the journal keeps in memory of what was looked at: bounded, and never older than the rows."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from connector.domain.errors import Unavailable
from connector.domain.scopes import Scope
from connector.domain.states import IncomingEvent, IncomingState, OutgoingEvent, RecipientState, WaitingFor
from connector.journal.failure import UnknownRow
from connector.journal.journal import Journal
from connector.journal.kept import Kept
from connector.journal.records import SubmissionView
from connector.journal.revocations import Revocations
from connector.journal.rows import AnyRow, submission_views
from connector.journal.vault import Vault
from connector.testing.clock import EPOCH, CountingIds
from tests.journal.journal_builders import BOX, Place, Scene, frozen, open_journal, stored_bytes


@pytest.fixture
def other(scene: Scene) -> Iterator[Journal]:
    """Another process, as far as the database can tell."""
    ids = scene.journal._store.ids
    assert isinstance(ids, CountingIds)
    journal = open_journal(scene.folder, scene.clock, ids)
    yield journal
    journal.close()


def listed(scene: Scene) -> list[SubmissionView]:
    return list(scene.journal.find(limit=10).items)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the submissions that are read from here on."""
    read: list[str] = []

    def noting(connection: Connection, vault: Vault, rows: Sequence[AnyRow]) -> list[SubmissionView]:
        found = submission_views(connection, vault, rows)
        read.extend(view.id for view in found)
        return found

    monkeypatch.setattr("connector.journal.stories.submission_views", noting)
    return read


def test_only_so_many_are_kept_those_asked_for_last() -> None:
    kept = Kept[str](2)
    for place in "ab":
        kept.keep(place, 1, f"record {place}")
    assert kept.some([("a", 1)]) == {"a": "record a"}
    kept.keep("c", 1, "record c")
    assert kept.some([("a", 1), ("b", 1), ("c", 1)]) == {"a": "record a", "c": "record c"}


def test_what_has_another_sign_is_not_what_was_kept() -> None:
    kept = Kept[str](2)
    kept.keep("a", (1, None), "old")
    assert kept.some([("a", (2, None)), ("b", (1, None))]) == {}
    kept.keep("a", (2, None), "new")
    assert kept.some([("a", (1, None))]) == {}
    assert kept.some([("a", (2, None))]) == {"a": "new"}


def test_a_list_reads_only_what_has_changed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = scene.prepared(), scene.prepared()
    read = counted(monkeypatch)
    before = listed(scene)
    assert len(read) == 2
    assert listed(scene) == before
    scene.journal.record(first, OutgoingEvent.CANCEL)
    assert [message.state.value for view in listed(scene) for message in view.messages] == ["prepared", "cancelled"]
    assert read[2:] == [scene.message(first).submission_id]
    assert scene.message(second).submission_id not in read[2:]


def _released(scene: Scene, journal: Journal, row: str) -> None:
    journal.claim_received(owner="o")
    journal.release_claim(row, next_attempt_at=EPOCH + timedelta(minutes=7))


def _silent(scene: Scene, journal: Journal, row: str) -> None:
    journal.freeze(row, [frozen(1)])
    journal.record(row, OutgoingEvent.HOLD, waiting_for=WaitingFor.PIN, code="PIN")


def _replaced(scene: Scene, journal: Journal, row: str) -> None:
    journal.freeze(row, [frozen(1), frozen(2)])


@pytest.mark.parametrize("change", [_released, _silent, _replaced])
def test_a_list_shows_what_another_process_has_changed(
    change: Callable[[Scene, Journal, str], None], scene: Scene, other: Journal
) -> None:
    row = scene.taken()
    (before,) = listed(scene)
    change(scene, other, row)
    (after,) = listed(scene)
    assert after.messages != before.messages
    assert after == scene.journal.submission(before.id)


def test_recipients_that_fall_silent_are_shown(scene: Scene) -> None:
    scene.sent()
    assert {r.state for r in listed(scene)[0].messages[0].recipients} == {RecipientState.ACCEPTED}
    scene.clock.advance(3600)
    assert scene.journal.note_silence(scene.clock.now()) == 2
    assert {r.state for r in listed(scene)[0].messages[0].recipients} == {RecipientState.NO_NEWS}


def test_long_texts_are_not_kept(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.taken(body="é" * 4_001)
    scene.taken(body="é" * 2_000, body_for_patient="é" * 2_000)
    read = counted(monkeypatch)
    assert [len(view.body or "") for view in listed(scene)] == [2_000, 4_001]
    listed(scene)
    assert len(read) == 3
    assert read[2] == listed(scene)[1].id


def test_a_story_is_the_submission_with_its_trace_and_what_came_of_it(scene: Scene, other: Journal) -> None:
    row, later = scene.sent(), scene.taken()
    first, second = (scene.message(one).submission_id for one in (row, later))
    alone = scene.journal.story(first)
    assert (alone.view, alone.corrected_by) == (scene.journal.submission(first), None)
    assert alone.trace == tuple(scene.journal.trace(subject_id=first))
    assert [entry.action for entry in alone.trace] == ["take", "freeze", "claim", "data", "send"]
    other.add_trace(action="correct", subject_id=first, answer=second)
    other.freeze(later, [frozen(9)], replaces=first)
    story = scene.journal.story(first)
    assert (story.view.replaced_by, story.corrected_by) == (second, second)
    assert story.view == scene.journal.submission(first)
    assert scene.journal.story(second).view.replaces == first


def test_there_is_no_story_of_nothing(scene: Scene) -> None:
    with pytest.raises(UnknownRow) as unknown:
        scene.journal.story("01NOTHING")
    assert unknown.value.code == "INTROUVABLE"


# --- received ---


def stored(scene: Scene) -> str:
    scene.journal.note_seen(BOX, [Place("INBOX", 7, 1)])
    (row,) = scene.journal.incoming_messages(mailbox=BOX)
    assert scene.journal.store([stored_bytes(row.id, b"raw")]) == [IncomingState.STORED]
    return row.id


def test_a_list_of_received_messages_shows_what_another_process_has_changed(scene: Scene, other: Journal) -> None:
    row = stored(scene)
    (before,) = scene.journal.newest_received(limit=9)
    assert scene.journal.newest_received(limit=9)[0] is before
    other.record_incoming(row, IncomingEvent.QUARANTINE, code="MESSAGE_ILLISIBLE", detail="no message")
    (after,) = scene.journal.newest_received(limit=9)
    assert (before.state, after.state, after.code) == (
        IncomingState.STORED, IncomingState.QUARANTINED, "MESSAGE_ILLISIBLE"
    )  # fmt: skip
    assert after == scene.journal.incoming(row)


def test_a_received_message_comes_with_its_mark_and_whether_its_bytes_are_here(scene: Scene) -> None:
    scene.journal.note_seen(BOX, [Place("INBOX", 7, 1)])
    (seen,) = scene.journal.incoming_messages(mailbox=BOX)
    entry = scene.journal.received(seen.id)
    assert (entry.message, entry.mark, entry.has_bytes) == (seen, None, False)
    row = stored(scene)
    scene.journal.record_incoming(row, IncomingEvent.OPEN)
    scene.journal.record_incoming(row, IncomingEvent.DELIVER, delivered_prefix="p", delivered_files=[("a", "b")])
    scene.journal.record_incoming(row, IncomingEvent.ACKNOWLEDGE)
    mark = scene.journal.mark_taken(row, by="LPS")
    entry = scene.journal.received(row)
    assert (entry.message, entry.mark, entry.has_bytes) == (scene.journal.incoming(row), mark, True)
    assert entry.message.delivered_prefix == "p"
    scene.clock.advance(10)
    assert scene.journal.purge(payload_before=scene.clock.now(), trace_before=EPOCH) == 1
    assert not scene.journal.received(row).has_bytes
    with pytest.raises(UnknownRow):
        scene.journal.received("nothing")


# --- who was let go ---


def let_in(scene: Scene, name: str) -> None:
    scene.journal.add_client(
        f"01CLIENT{name}", name=name, token_hash="ab" * 32, scopes={Scope.STATUS_READ}, expires_at=None
    )


def test_an_application_that_is_let_go_anywhere_changes_the_number(scene: Scene, other: Journal) -> None:
    numbers = [scene.journal.clients_changed]
    let_in(scene, "A")
    let_in(scene, "B")
    scene.journal.note_client_use("01CLIENTA")
    assert scene.journal.clients_changed == numbers[0]
    for journal, name in ((other, "A"), (scene.journal, "B")):
        journal.revoke_client(name)
        numbers.append(scene.journal.clients_changed)
        assert scene.journal.clients_changed == numbers[-1]
    assert len(set(numbers)) == 3


def test_applications_are_not_counted_again_while_nothing_was_written(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.journal.clients_changed  # noqa: B018 - the first look
    monkeypatch.setattr("connector.journal.revocations._COUNT", "SELECT no_such_column FROM api_clients")
    scene.journal.clients_changed  # noqa: B018 - nothing is counted
    scene.taken()
    with pytest.raises(Unavailable) as refused:
        scene.journal.clients_changed  # noqa: B018 - now it would be
    assert refused.value.code == "JOURNAL_INDISPONIBLE"


def test_without_a_file_a_process_knows_of_its_own_only() -> None:
    revocations = Revocations(None)
    before = revocations.number()
    revocations.noted()
    assert revocations.number() != before


def test_after_the_journal_was_closed_nothing_is_told(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    assert journal.clients_changed == journal.clients_changed
    journal.close()
    with pytest.raises(Unavailable):
        journal.clients_changed  # noqa: B018 - asked in vain


def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        Revocations(tmp_path / "no folder" / "journal.sqlite").number()


# --- what waits ---


def test_whether_anything_waits_is_told_without_reading_it(scene: Scene) -> None:
    assert not scene.journal.has_waiting(BOX)
    row = scene.held(WaitingFor.CREDENTIALS)
    assert scene.journal.has_waiting(BOX)
    assert scene.journal.has_waiting(BOX, [WaitingFor.CARD, WaitingFor.CREDENTIALS])
    assert not scene.journal.has_waiting(BOX, [WaitingFor.CARD])
    assert [message.id for message in scene.journal.waiting(BOX, [WaitingFor.CREDENTIALS])] == [row]
    assert scene.journal.waiting(BOX, [WaitingFor.CARD]) == []
