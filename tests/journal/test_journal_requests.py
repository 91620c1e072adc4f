"""Requests that came twice, marks of what was taken, and what programs follow."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.errors import InvalidSubmission
from connector.domain.states import IncomingEvent, OutgoingState
from connector.domain.submission import Submission
from connector.journal.events import EventKind
from connector.journal.failure import UnknownRow
from connector.journal.inbox import TakenMark
from connector.journal.records import Taken
from connector.journal.requests import RequestKey
from connector.journal.submissions import Submissions
from connector.testing.clock import EPOCH
from tests.journal.journal_builders import BOX, OTHER_BOX, Place, Scene, stored_bytes, submission

ASKED = RequestKey("01CLIENT", "key-1", "a" * 64)


def take(scene: Scene, number: int, request: RequestKey | None) -> Taken:
    return scene.journal.take(
        submission(number), deadline_at=scene.deadline(), duplicate_hours=0, request=request
    )  # fmt: skip


def arrived(scene: Scene, uid: int = 1) -> str:
    scene.journal.note_seen(BOX, [Place("INBOX", 1, uid)])
    row = scene.journal.incoming_messages(mailbox=BOX)[0]
    scene.journal.store([stored_bytes(row.id, b"raw %d" % uid)])
    return row.id


# --- the same request again ---


def test_the_same_request_brings_the_same_submission(scene: Scene) -> None:
    first = take(scene, 1, ASKED)
    again = take(scene, 2, ASKED)
    assert not first.repeated
    assert again == replace(first, repeated=True)
    assert len(scene.journal.submissions()) == 1


def test_another_request_with_the_same_key_takes_nothing(scene: Scene) -> None:
    take(scene, 1, ASKED)
    with pytest.raises(InvalidSubmission) as refused:
        take(scene, 2, RequestKey("01CLIENT", "key-1", "b" * 64))
    assert refused.value.code == "CLE_DEJA_UTILISEE"
    assert len(scene.journal.submissions()) == 1


def test_keys_belong_to_their_client(scene: Scene) -> None:
    first = take(scene, 1, ASKED)
    other = take(scene, 2, RequestKey("02CLIENT", "key-1", "a" * 64))
    assert other.submission_id != first.submission_id


def lot(scene: Scene, *numbers: int, name: str = "01LOT", request: RequestKey | None = ASKED) -> list[Taken]:
    made = [submission(number, lot=name) for number in numbers]
    return scene.journal.take_lot(made, deadline_at=scene.deadline(), duplicate_hours=0, request=request)


def test_the_same_request_brings_the_whole_lot_again(scene: Scene) -> None:
    first = lot(scene, 1, 2, 3)
    again = lot(scene, 4, 5, 6, name="02LOT")
    assert again == [replace(each, repeated=True) for each in first]
    assert {view.lot for view in scene.journal.submissions()} == {"01LOT"}


def test_parts_that_come_by_requests_of_their_own_are_not_mixed_up(scene: Scene) -> None:
    """Files of a batch in a folder: each HL7 v2 message has its own key, and all of them one lot."""
    keys = [RequestKey("hl7", f"MSG{number}", "a" * 64) for number in (1, 2)]
    first, second = (lot(scene, number, request=key)[0] for number, key in enumerate(keys, 1))
    assert lot(scene, 8, request=keys[1]) == [replace(second, repeated=True)]
    assert first.submission_id != second.submission_id


def test_a_lot_is_taken_whole_or_not_at_all(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    insert = Submissions._insert

    def failing(self: Any, writing: Any, each: Submission, *more: Any) -> None:
        if each.id == submission(3).id:
            raise OSError("power")
        insert(self, writing, each, *more)

    with monkeypatch.context() as broken:
        broken.setattr(Submissions, "_insert", failing)
        with pytest.raises(OSError, match="power"):
            lot(scene, 1, 2, 3)
    assert scene.journal.submissions() == []
    assert [each.repeated for each in lot(scene, 1, 2, 3)] == [False] * 3


def test_a_key_is_kept_as_a_hash_and_as_long_as_bytes(scene: Scene) -> None:
    take(scene, 1, RequestKey("01CLIENT", "Dupond-Leo-1980", "a" * 64))
    for path in scene.folder.iterdir():
        assert b"Dupond" not in path.read_bytes()
    late = EPOCH + timedelta(seconds=1)
    scene.journal.purge(payload_before=EPOCH, trace_before=EPOCH)
    assert take(scene, 2, RequestKey("01CLIENT", "Dupond-Leo-1980", "a" * 64)).submission_id == submission(1).id
    scene.journal.purge(payload_before=late, trace_before=EPOCH)
    assert take(scene, 3, RequestKey("01CLIENT", "Dupond-Leo-1980", "b" * 64)).submission_id == submission(3).id


# --- marks ---


def test_the_first_one_to_take_a_message_counts(scene: Scene) -> None:
    row = arrived(scene)
    assert scene.journal.taken_marks([row]) == {}
    scene.clock.advance(5)
    mark = TakenMark(row, scene.clock.now(), "LPS")
    assert scene.journal.mark_taken(row, by="LPS") == mark
    scene.clock.advance(5)
    assert scene.journal.mark_taken(row, by="other") == mark
    assert scene.journal.taken_marks([row]) == {row: mark}
    assert scene.journal.taken_marks([]) == {}
    taken = [entry for entry in scene.journal.trace() if entry.action == "taken"]
    assert [(entry.actor, entry.subject_id) for entry in taken] == [("LPS", row)]


def test_what_is_not_there_cannot_be_taken(scene: Scene) -> None:
    with pytest.raises(UnknownRow):
        scene.journal.mark_taken("01ZZZZZZZZZZZZZZZZZZZZZZZZ", by="LPS")


# --- events ---


def test_events_name_what_a_program_knows(scene: Scene) -> None:
    start = scene.journal.last_number()
    message_id = scene.prepared()
    submission_id = scene.message(message_id).submission_id
    row = arrived(scene)
    scene.journal.record_incoming(row, IncomingEvent.QUARANTINE, code="MESSAGE_ILLISIBLE")
    scene.journal.add_trace(action="login", mailbox=OTHER_BOX)
    events = scene.journal.events_after(start)
    assert [(e.kind, e.action, e.subject_id, e.outcome) for e in events] == [
        (EventKind.MESSAGE, "take", submission_id, OutgoingState.RECEIVED),
        (EventKind.MESSAGE, "freeze", submission_id, OutgoingState.PREPARED),
        (EventKind.CONNECTOR, "list", "", "ok"),
        (EventKind.INBOX, "fetch", row, "stored"),
        (EventKind.INBOX, "quarantine", row, "quarantined MESSAGE_ILLISIBLE"),
        (EventKind.CONNECTOR, "login", "", "ok"),
    ]
    assert [e.number for e in events] == list(range(start + 1, start + 7))
    assert events[-1].mailbox == str(OTHER_BOX)
    assert scene.journal.events_after(start + 4, limit=1) == [events[4]]
    assert scene.journal.events_after(start + 6) == []


def test_the_oldest_number_grows_when_the_trace_is_shortened(scene: Scene) -> None:
    assert scene.journal.first_number() == 1
    scene.taken()
    scene.clock.advance(10)
    scene.journal.purge(payload_before=EPOCH, trace_before=EPOCH + timedelta(seconds=5))
    assert scene.journal.first_number() > 1
