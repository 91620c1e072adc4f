"""What is about one patient leaves for one recipient in the order in which it came."""

from dataclasses import replace
from datetime import timedelta

from connector.domain.states import OutgoingEvent, RecipientState
from connector.journal.records import RecipientChange
from tests.journal.journal_builders import BOX, CC, TO, Scene, frozen

ACCEPTED = [RecipientChange(who, RecipientState.ACCEPTED, 250, "ok") for who in (TO, CC)]


def ready(scene: Scene, patient: str) -> str:
    """A prepared message about a patient, for the usual recipients."""
    message_id = scene.taken()
    scene.journal.freeze(message_id, [replace(frozen(scene.number), patient=patient)])
    return message_id


def due(scene: Scene) -> list[str]:
    return [message.id for message in scene.journal.claim_due(BOX, owner="o", limit=100)]


def test_a_later_result_of_the_same_patient_waits_for_the_earlier_one(scene: Scene) -> None:
    first, second = ready(scene, "NOEMIE"), ready(scene, "NOEMIE")
    assert due(scene) == [first]
    assert due(scene) == [], "while the first one is on its way, the second one waits"
    assert scene.journal.next_due(BOX) is None
    scene.journal.data_begun(first)
    scene.journal.record(first, OutgoingEvent.ACCEPT, answer="250 2.0.0 queued", recipients=ACCEPTED)
    assert due(scene) == [second]


def test_a_deferred_result_is_not_overtaken_by_its_correction(scene: Scene) -> None:
    first, second = ready(scene, "NOEMIE"), ready(scene, "NOEMIE")
    assert due(scene) == [first]
    later = scene.clock.now() + timedelta(minutes=10)
    scene.journal.record(first, OutgoingEvent.DEFER, code="OPERATEUR_DIFFERE", next_attempt_at=later)
    assert due(scene) == []
    assert scene.journal.next_due(BOX) == later
    scene.clock.advance(601)
    assert due(scene) == [first]
    scene.journal.record(first, OutgoingEvent.REFUSE, code="OPERATEUR_REFUS")
    assert due(scene) == [second], "what has failed is no longer waited for"


def test_other_patients_overtake(scene: Scene) -> None:
    first, other = ready(scene, "NOEMIE"), ready(scene, "ALIX")
    later = scene.clock.now() + timedelta(minutes=10)
    assert due(scene) == [first, other]
    scene.journal.record(first, OutgoingEvent.DEFER, code="OPERATEUR_DIFFERE", next_attempt_at=later)
    third = ready(scene, "ALIX")
    assert due(scene) == []
    scene.journal.record(other, OutgoingEvent.REFUSE, code="OPERATEUR_REFUS")
    assert due(scene) == [third]


def test_nothing_overtakes_what_was_not_read_yet(scene: Scene) -> None:
    unread = scene.taken()
    later = ready(scene, "NOEMIE")
    assert due(scene) == []
    scene.journal.record(unread, OutgoingEvent.REJECT, code="CDA_INVALIDE")
    assert due(scene) == [later]


def test_messages_without_a_known_patient_do_not_wait_for_each_other(scene: Scene) -> None:
    assert due(scene) == []
    first, second = scene.prepared(), scene.prepared()
    assert due(scene) == [first, second]


def test_the_patient_is_not_kept(scene: Scene) -> None:
    ready(scene, "1990175999998 NOEMIE")
    scene.journal.close()
    kept = b"".join(path.read_bytes() for path in scene.folder.glob("journal*"))
    assert b"NOEMIE" not in kept
