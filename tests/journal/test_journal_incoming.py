"""Messages seen on the server: stored once, delivered once, acknowledged last."""

from datetime import timedelta

import pytest

from connector.domain.errors import IllegalTransition
from connector.domain.states import IncomingEvent, IncomingState
from connector.journal.failure import UnknownRow
from connector.journal.outgoing import LEASE
from connector.journal.records import IncomingMessage
from connector.testing.clock import EPOCH
from tests.journal.journal_builders import BOX, OTHER_BOX, Place, Scene, stored_bytes

E, S = IncomingEvent, IncomingState


def _seen(scene: Scene, *uids: int, folder: str = "INBOX", uid_validity: int = 7) -> list[str]:
    scene.journal.note_seen(BOX, [Place(folder, uid_validity, uid) for uid in uids])
    rows = scene.journal.incoming_messages(mailbox=BOX, limit=1000)
    by_uid = {(row.folder, row.uid_validity, row.uid): row.id for row in rows}
    return [by_uid[folder, uid_validity, uid] for uid in uids]


def _stored(scene: Scene, uid: int = 1, content: bytes = b"raw") -> str:
    (row_id,) = _seen(scene, uid)
    assert scene.journal.store([stored_bytes(row_id, content)]) == [S.STORED]
    return row_id


def _delivered(scene: Scene, uid: int = 1, content: bytes = b"raw") -> str:
    row_id = _stored(scene, uid, content)
    scene.journal.record_incoming(row_id, E.OPEN)
    scene.journal.record_incoming(row_id, E.DELIVER, delivered_prefix="p", delivered_files=[("é.xml", "ab")])
    return row_id


def _row(scene: Scene, row_id: str) -> IncomingMessage:
    return scene.journal.incoming(row_id)


def test_a_message_is_seen_once_however_often_it_is_listed(scene: Scene) -> None:
    places = [Place("INBOX", 7, 3), Place("INBOX", 7, 1, 20, "<a@b.fr>"), Place("Autre", 7, 1), Place("INBOX", 8, 1)]
    assert scene.journal.note_seen(BOX, places) == 4
    assert scene.journal.note_seen(BOX, [*places, Place("INBOX", 7, 2), Place("INBOX", 7, 2)]) == 1
    assert scene.journal.note_seen(OTHER_BOX, places) == 4
    row = next(r for r in scene.journal.incoming_messages(mailbox=BOX) if r.size_bytes == 20)
    assert (row.state, row.uid, row.header_message_id, row.sha256) == (S.SEEN, 1, "<a@b.fr>", "")


def test_listing_nothing_is_fine(scene: Scene) -> None:
    assert scene.journal.note_seen(BOX, []) == 0
    assert scene.journal.trace() == [entry for entry in scene.journal.trace() if entry.action == "migrate"]


def test_incoming_rows_are_leased_to_one_owner_oldest_first(scene: Scene) -> None:
    ids = _seen(scene, 1, 2, 3)
    first = scene.journal.claim_incoming(BOX, state=S.SEEN, owner="a", limit=2)
    second = scene.journal.claim_incoming(BOX, state=S.SEEN, owner="b", limit=5)
    assert [[m.id for m in first], [m.id for m in second]] == [ids[:2], ids[2:]]
    scene.clock.advance(by=LEASE)
    assert [m.id for m in scene.journal.claim_incoming(BOX, state=S.SEEN, owner="c", limit=5)] == ids
    assert scene.journal.claim_incoming(OTHER_BOX, state=S.SEEN, owner="c", limit=5) == []


def test_stored_bytes_come_back_and_the_lease_ends(scene: Scene) -> None:
    (row_id,) = _seen(scene, 1)
    scene.journal.claim_incoming(BOX, state=S.SEEN, owner="a", limit=1)
    assert scene.journal.store([stored_bytes(row_id, b"raw")]) == [S.STORED]
    row = _row(scene, row_id)
    assert row.payload_id is not None
    assert scene.journal.payload(row.payload_id) == b"raw"
    assert (row.received_at, row.header_message_id, row.size_bytes) == (EPOCH, "<m@autre.mssante.fr>", 3)
    assert [m.id for m in scene.journal.claim_incoming(BOX, state=S.STORED, owner="b", limit=1)] == [row_id]


def test_the_same_message_in_another_place_is_a_duplicate(scene: Scene) -> None:
    first = _stored(scene)
    (again,) = _seen(scene, 1, uid_validity=8)
    assert scene.journal.store([stored_bytes(again, b"raw")]) == [S.DUPLICATE]
    row = _row(scene, again)
    assert (row.duplicate_of, row.payload_id) == (first, None)


def test_twins_in_one_batch_are_told_apart(scene: Scene) -> None:
    ids = _seen(scene, 1, 2, 3)
    states = scene.journal.store([stored_bytes(row_id, b"same") for row_id in ids])
    assert states == [S.STORED, S.DUPLICATE, S.DUPLICATE]
    assert [_row(scene, row_id).duplicate_of for row_id in ids] == [None, ids[0], ids[0]]


def test_same_bytes_with_another_message_id_or_mailbox_are_no_duplicates(scene: Scene) -> None:
    _stored(scene)
    (other,) = _seen(scene, 2)
    assert scene.journal.store([stored_bytes(other, b"raw", "<other@b.fr>")]) == [S.STORED]
    scene.journal.note_seen(OTHER_BOX, [Place("INBOX", 7, 1)])
    (elsewhere,) = scene.journal.incoming_messages(mailbox=OTHER_BOX)
    assert scene.journal.store([stored_bytes(elsewhere.id, b"raw")]) == [S.STORED]


def test_what_was_delivered_and_purged_is_still_recognised(scene: Scene) -> None:
    row_id = _delivered(scene)
    scene.journal.record_incoming(row_id, E.ACKNOWLEDGE)
    scene.clock.advance(1)
    assert scene.journal.purge(payload_before=scene.clock.now(), trace_before=EPOCH) == 1
    (again,) = _seen(scene, 1, uid_validity=8)
    assert scene.journal.store([stored_bytes(again, b"raw")]) == [S.DUPLICATE]


def test_a_batch_is_stored_whole_or_not_at_all(scene: Scene) -> None:
    done = _stored(scene, 1)
    (fresh,) = _seen(scene, 2)
    with pytest.raises(IllegalTransition):
        scene.journal.store([stored_bytes(fresh, b"new"), stored_bytes(done, b"raw again")])
    assert _row(scene, fresh).state is S.SEEN
    assert scene.journal.store([stored_bytes(fresh, b"new")]) == [S.STORED]


def test_storing_what_was_never_seen_is_told(scene: Scene) -> None:
    with pytest.raises(UnknownRow):
        scene.journal.store([stored_bytes("nothing", b"x")])


def test_delivery_is_remembered_with_its_files(scene: Scene) -> None:
    row_id = _delivered(scene)
    assert (_row(scene, row_id).state, _row(scene, row_id).delivered_prefix) == (S.DELIVERED, "p")
    assert scene.journal.delivered_files(row_id) == (("é.xml", "ab"),)


def test_nothing_delivered_means_no_files(scene: Scene) -> None:
    assert scene.journal.delivered_files(_stored(scene)) == ()
    with pytest.raises(UnknownRow):
        scene.journal.delivered_files("nothing")


def test_only_what_is_done_here_is_acknowledged_on_the_server(scene: Scene) -> None:
    delivered = _delivered(scene, 1)
    receipt = _stored(scene, 2, b"receipt")
    scene.journal.record_incoming(receipt, E.OPEN)
    scene.journal.record_incoming(receipt, E.LINK_RECEIPT)
    (twin,) = _seen(scene, 3)
    scene.journal.store([stored_bytes(twin, b"raw")])
    aside = _stored(scene, 4, b"bad")
    scene.journal.record_incoming(aside, E.QUARANTINE, code="MESSAGE_ILLISIBLE", detail="why")
    waiting = scene.journal.to_acknowledge(BOX)
    assert [m.id for m in waiting] == [delivered, receipt, twin]
    assert [m.id for m in scene.journal.to_acknowledge(BOX, limit=1)] == [delivered]
    scene.journal.record_incoming_many([m.id for m in waiting], E.ACKNOWLEDGE, server="imap.exemple.fr")
    assert scene.journal.to_acknowledge(BOX) == []
    assert (_row(scene, aside).code, _row(scene, aside).detail) == ("MESSAGE_ILLISIBLE", "why")


def test_many_change_together_or_not_at_all(scene: Scene) -> None:
    one, two = _delivered(scene, 1), _stored(scene, 2, b"other")
    with pytest.raises(IllegalTransition):
        scene.journal.record_incoming_many([one, two], E.ACKNOWLEDGE)
    with pytest.raises(UnknownRow):
        scene.journal.record_incoming_many([one, "nothing"], E.ACKNOWLEDGE)
    assert _row(scene, one).state is S.DELIVERED


def test_a_postponed_step_comes_back_with_its_reason(scene: Scene) -> None:
    row_id = _stored(scene)
    scene.journal.claim_incoming(BOX, state=S.STORED, owner="a", limit=1)
    again = scene.clock.now() + timedelta(minutes=1)
    scene.journal.postpone_incoming(row_id, next_attempt_at=again, code="SPOOL_ABSENT", detail="share gone")
    row = _row(scene, row_id)
    assert (row.state, row.attempts, row.code, row.next_attempt_at) == (S.STORED, 1, "SPOOL_ABSENT", again)
    assert scene.journal.claim_incoming(BOX, state=S.STORED, owner="b", limit=1) == []
    scene.clock.advance(60)
    assert len(scene.journal.claim_incoming(BOX, state=S.STORED, owner="b", limit=1)) == 1
    scene.journal.postpone_incoming(row_id, next_attempt_at=again, code=None, detail=None)
    assert _row(scene, row_id).attempts == 2


def test_the_next_step_starts_counting_anew(scene: Scene) -> None:
    row_id = _stored(scene)
    scene.journal.postpone_incoming(row_id, next_attempt_at=scene.clock.now(), code="SPOOL_ABSENT", detail="x")
    later = scene.clock.now() + timedelta(hours=1)
    scene.journal.record_incoming(row_id, E.OPEN, next_attempt_at=later)
    row = _row(scene, row_id)
    assert (row.attempts, row.code, row.next_attempt_at) == (0, None, later)


def test_the_next_incoming_message_is_the_one_that_is_due_first(scene: Scene) -> None:
    states = (S.OPENED, S.STORED)
    assert scene.journal.next_incoming(BOX, states) is None
    row_id, again = _stored(scene), scene.clock.now() + timedelta(minutes=5)
    scene.journal.postpone_incoming(row_id, next_attempt_at=again, code=None, detail=None)
    assert scene.journal.next_incoming(BOX, states) == again
    assert scene.journal.next_incoming(OTHER_BOX, states) is None


def test_what_is_done_cannot_be_postponed(scene: Scene) -> None:
    row_id = _delivered(scene)
    with pytest.raises(IllegalTransition):
        scene.journal.postpone_incoming(row_id, next_attempt_at=EPOCH, code="X", detail="x")


def test_a_person_can_have_a_message_opened_and_delivered_again(scene: Scene) -> None:
    row_id = _delivered(scene)
    scene.journal.record_incoming(row_id, E.ACKNOWLEDGE)
    assert scene.journal.record_incoming(row_id, E.REQUEUE, actor="Claire Fictive") is S.STORED
    assert scene.journal.trace(subject_id=row_id)[-1].actor == "Claire Fictive"


def test_what_was_set_aside_before_its_bytes_were_here_is_fetched_again(scene: Scene) -> None:
    (row_id,) = _seen(scene, 1)
    scene.journal.record_incoming(row_id, E.QUARANTINE, code="TROP_GROS")
    assert scene.journal.record_incoming(row_id, E.REQUEUE) is S.SEEN
    assert len(scene.journal.claim_incoming(BOX, state=S.SEEN, owner="a", limit=1)) == 1


def test_bytes_that_are_gone_cannot_be_opened_again(scene: Scene) -> None:
    row_id = _delivered(scene)
    scene.journal.record_incoming(row_id, E.ACKNOWLEDGE)
    scene.clock.advance(1)
    scene.journal.purge(payload_before=scene.clock.now(), trace_before=EPOCH)
    with pytest.raises(IllegalTransition) as caught:
        scene.journal.record_incoming(row_id, E.REQUEUE)
    assert caught.value.code == "PAYLOAD_ABSENT"


def test_a_duplicate_points_to_the_one_that_has_the_bytes(scene: Scene) -> None:
    first = _stored(scene)
    (again,) = _seen(scene, 2)
    scene.journal.store([stored_bytes(again, b"raw")])
    scene.journal.record_incoming(again, E.ACKNOWLEDGE)
    with pytest.raises(IllegalTransition, match=first):
        scene.journal.record_incoming(again, E.REQUEUE)


@pytest.mark.parametrize("event", [E.STORE, E.RECOGNISE_DUPLICATE])
def test_what_needs_bytes_is_not_recorded_without_them(scene: Scene, event: IncomingEvent) -> None:
    (row_id,) = _seen(scene, 1)
    with pytest.raises(IllegalTransition):
        scene.journal.record_incoming(row_id, event)


def test_a_vanished_message_is_gone(scene: Scene) -> None:
    (row_id,) = _seen(scene, 1)
    scene.journal.record_incoming_many([row_id], E.VANISH)
    assert _row(scene, row_id).state is S.GONE


def test_incoming_messages_are_listed_newest_first_with_filters(scene: Scene) -> None:
    one, two = _stored(scene, 1, b"a"), _stored(scene, 2, b"b")
    scene.journal.record_incoming(two, E.OPEN)
    assert [m.id for m in scene.journal.incoming_messages()] == [two, one]
    assert [m.id for m in scene.journal.incoming_messages(states=[S.OPENED])] == [two]
    assert [m.id for m in scene.journal.incoming_messages(mailbox=BOX, limit=1)] == [two]
    assert scene.journal.incoming_messages(mailbox=OTHER_BOX) == []
    with pytest.raises(UnknownRow):
        scene.journal.incoming("nothing")


def test_incoming_messages_are_counted(scene: Scene) -> None:
    _delivered(scene)
    assert scene.journal.counts() == {str(BOX): {"in:delivered": 1}}


def test_delivered_names_are_not_in_the_database_file(scene: Scene) -> None:
    row_id = _stored(scene)
    scene.journal.record_incoming(row_id, E.OPEN)
    scene.journal.record_incoming(row_id, E.DELIVER, delivered_files=[("NomDePatientFictif.xml", "ab")])
    assert not any(b"NomDePatientFictif" in path.read_bytes() for path in scene.folder.iterdir())
