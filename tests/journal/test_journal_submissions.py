"""Taking submissions, and what is shown of them."""

import sqlite3
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.states import OutgoingEvent, OutgoingState, RecipientState
from connector.domain.submission import FileRole, Recipient, RecipientKind, SendOptions, SourceKind
from connector.journal.failure import UnknownRow
from connector.journal.submissions import fingerprint
from tests.journal.journal_builders import BOX, CC, DEADLINE, OTHER_BOX, TO, Scene, file_of, submission


def _take(scene: Scene, number: int, **changes: Any) -> OutgoingState:
    return scene.journal.take(submission(number, **changes), deadline_at=DEADLINE, duplicate_hours=24).state


SAME = (file_of(b"<same/>"),)


def test_a_taken_submission_is_shown_exactly_as_it_was_given(scene: Scene) -> None:
    given = submission(
        1, reference="REQ0417", subject="Compte rendu", body="Bonjour\n", warnings=("PDF_NON_CONFORME",),
        options=SendOptions(urgent=True, file_number="42"), source_name="dépôt.xml",
        files=(file_of(b"<a/>", name="é.xml"), file_of(b"%PDF", name="b.pdf", role=FileRole.PDF)),
    )  # fmt: skip
    scene.journal.take(given, deadline_at=DEADLINE, duplicate_hours=24)
    view = scene.journal.submission(given.id)
    assert (view.id, view.mailbox, view.source, view.source_name) == (given.id, BOX, SourceKind.FOLDER, "dépôt.xml")
    assert (view.reference, view.subject, view.body) == ("REQ0417", "Compte rendu", "Bonjour\n")
    assert (view.options, view.warnings, view.created_at) == (given.options, given.warnings, given.created_at)
    assert [(f.name, f.role, f.sha256, f.size_bytes) for f in view.files] == [
        (f.name, f.role, f.sha256, len(f.content)) for f in given.files
    ]
    assert [scene.journal.payload(f.payload_id) for f in view.files] == [f.content for f in given.files]


def test_its_first_message_has_the_recipients_in_order(scene: Scene) -> None:
    message = scene.message(scene.taken())
    assert [(r.address, r.kind, r.state) for r in message.recipients] == [
        (TO, RecipientKind.TO, RecipientState.PENDING),
        (CC, RecipientKind.CC, RecipientState.PENDING),
    ]
    assert (message.state, message.revision, message.attempts) == (OutgoingState.RECEIVED, 1, 0)
    assert message.deadline_at == scene.deadline()
    assert message.state_since == scene.clock.now()


def test_taking_the_same_id_again_changes_nothing_and_answers_the_same(scene: Scene) -> None:
    first = scene.journal.take(submission(1), deadline_at=DEADLINE, duplicate_hours=24)
    entries = len(scene.journal.trace())
    assert scene.journal.take(submission(1), deadline_at=DEADLINE, duplicate_hours=24) == first
    assert len(scene.journal.trace()) == entries
    assert len(scene.journal.submission(first.submission_id).messages) == 1


def test_taking_a_duplicate_again_is_still_a_duplicate(scene: Scene) -> None:
    _take(scene, 1, files=SAME)
    first = scene.journal.take(submission(2, files=SAME), deadline_at=DEADLINE, duplicate_hours=24)
    assert first.duplicate_of == submission(1).id
    assert scene.journal.take(submission(2, files=SAME), deadline_at=DEADLINE, duplicate_hours=24) == first


def test_the_same_documents_for_the_same_people_are_set_aside(scene: Scene) -> None:
    assert _take(scene, 1, files=SAME) is OutgoingState.RECEIVED
    assert _take(scene, 2, files=SAME) is OutgoingState.DUPLICATE
    view = scene.journal.submission(submission(2).id)
    assert view.duplicate_of == submission(1).id
    assert view.messages[0].code == "DOUBLON"


@pytest.mark.parametrize(
    "changes",
    [
        {"files": (file_of(b"<other/>"),)},
        {"recipients": (Recipient(TO),)},
        {"mailbox": OTHER_BOX},
        {"options": SendOptions(allow_duplicate=True)},
    ],
)
def test_what_differs_or_is_allowed_is_no_duplicate(scene: Scene, changes: dict[str, Any]) -> None:
    _take(scene, 1, files=SAME)
    assert _take(scene, 2, **{"files": SAME, **changes}) is OutgoingState.RECEIVED


def test_a_new_sidecar_or_flag_does_not_make_another_document() -> None:
    sidecar = file_of(b"{}", role=FileRole.SIDECAR)
    flag = file_of(b"", role=FileRole.FLAG)
    assert fingerprint(submission(1, files=SAME)) == fingerprint(submission(2, files=(*SAME, sidecar, flag)))


def test_the_order_of_recipients_and_files_does_not_matter() -> None:
    files = (file_of(b"a"), file_of(b"b"))
    people = (Recipient(TO), Recipient(CC))
    one = submission(1, files=files, recipients=people)
    two = submission(2, files=files[::-1], recipients=people[::-1])
    assert fingerprint(one) == fingerprint(two)


def test_after_the_window_the_same_may_leave_again(scene: Scene) -> None:
    _take(scene, 1, files=SAME)
    scene.clock.advance(by=timedelta(hours=24, seconds=1))
    assert _take(scene, 2, files=SAME) is OutgoingState.RECEIVED


def test_a_window_of_zero_sets_nothing_aside(scene: Scene) -> None:
    _take(scene, 1, files=SAME)
    again = scene.journal.take(submission(2, files=SAME), deadline_at=DEADLINE, duplicate_hours=0)
    assert again.state is OutgoingState.RECEIVED


@pytest.mark.parametrize("event", [OutgoingEvent.REJECT, OutgoingEvent.CANCEL])
def test_what_never_left_does_not_count_as_taken_before(scene: Scene, event: OutgoingEvent) -> None:
    first = scene.journal.take(submission(1, files=SAME), deadline_at=DEADLINE, duplicate_hours=24)
    scene.journal.record(first.message_id, event, code="CDA_INVALIDE")
    assert _take(scene, 2, files=SAME) is OutgoingState.RECEIVED


def test_duplicates_do_not_prolong_the_window(scene: Scene) -> None:
    _take(scene, 1, files=SAME)
    scene.clock.advance(by=timedelta(hours=23))
    assert _take(scene, 2, files=SAME) is OutgoingState.DUPLICATE
    scene.clock.advance(by=timedelta(hours=2))
    assert _take(scene, 3, files=SAME) is OutgoingState.RECEIVED


def test_a_released_duplicate_goes_to_the_preparer(scene: Scene) -> None:
    _take(scene, 1, files=SAME)
    second = scene.journal.take(submission(2, files=SAME), deadline_at=DEADLINE, duplicate_hours=24)
    state = scene.journal.record(second.message_id, OutgoingEvent.RELEASE, actor="Claire Fictive")
    assert state is OutgoingState.RECEIVED
    assert second.message_id in [m.id for m in scene.journal.claim_received(owner="o")]


def test_a_submission_that_names_nobody_is_kept_so_that_it_can_be_rejected_visibly(scene: Scene) -> None:
    message_id = scene.taken(recipients=(), files=())
    scene.journal.record(message_id, OutgoingEvent.REJECT, code="DESTINATAIRE_INCONNU")
    assert scene.state(message_id) is OutgoingState.REJECTED


def test_names_subject_and_body_are_not_in_the_database_file(scene: Scene) -> None:
    marks = ("NomDePatientFictif", "SujetConfidentiel", "CorpsConfidentiel", "ReferenceConfidentielle")
    name, subject, body, reference = marks
    content = b"<ContenuConfidentiel/>"
    scene.taken(
        source_name=name, subject=subject, body=body, reference=reference, files=(file_of(content, name=name),)
    )
    raw = b"".join(path.read_bytes() for path in scene.folder.iterdir())
    assert not [mark for mark in (*marks, "ContenuConfidentiel") if mark.encode() in raw]


def test_has_submission_says_what_was_taken(scene: Scene) -> None:
    scene.taken()
    assert scene.journal.has_submission(submission(1).id)
    assert not scene.journal.has_submission(submission(2).id)


def test_an_unknown_submission_is_said_to_be_unknown(scene: Scene) -> None:
    with pytest.raises(UnknownRow) as caught:
        scene.journal.submission("nothing")
    assert caught.value.code == "INTROUVABLE"


def test_submissions_come_newest_first_and_page_by_page(scene: Scene) -> None:
    for _ in range(5):
        scene.taken()
    first = scene.journal.submissions(limit=2)
    second = scene.journal.submissions(limit=2, after=first[-1].id)
    assert [v.id for v in first + second] == [submission(n).id for n in (5, 4, 3, 2)]


def test_submissions_are_filtered_by_mailbox_and_state(scene: Scene) -> None:
    scene.taken()
    scene.prepared()
    scene.taken(mailbox=OTHER_BOX)
    of_box = scene.journal.submissions(mailbox=BOX)
    received = scene.journal.submissions(states=[OutgoingState.RECEIVED])
    both = scene.journal.submissions(states=[OutgoingState.RECEIVED], mailbox=BOX)
    assert [v.id[-1] for v in of_box] == ["2", "1"]
    assert [v.id[-1] for v in received] == ["3", "1"]
    assert [v.id[-1] for v in both] == ["1"]
    assert scene.journal.submissions(states=[]) == []


def test_people_find_a_submission_by_its_last_characters(scene: Scene) -> None:
    for _ in range(12):
        scene.taken()
    assert scene.journal.find_submissions("012") == [submission(12).id]
    assert [found[-2:] for found in scene.journal.find_submissions("1")] == ["11", "01"]
    assert scene.journal.find_submissions(submission(3).id) == [submission(3).id]
    assert scene.journal.find_submissions("%") == []
    assert scene.journal.find_submissions("%2") == scene.journal.find_submissions("2")


def test_every_change_is_reported_once(scene: Scene) -> None:
    message_id = scene.taken()
    (view,) = scene.journal.unreported(BOX)
    scene.journal.mark_reported(view.id, view.revision)
    assert scene.journal.unreported(BOX) == []
    scene.journal.record(message_id, OutgoingEvent.CANCEL)
    (again,) = scene.journal.unreported(BOX)
    assert again.revision == view.revision + 1
    assert again.reported_revision == view.revision


def test_a_change_between_reading_and_marking_is_not_lost(scene: Scene) -> None:
    message_id = scene.taken()
    (view,) = scene.journal.unreported(BOX)
    scene.journal.record(message_id, OutgoingEvent.CANCEL)
    scene.journal.mark_reported(view.id, view.revision)
    assert [v.id for v in scene.journal.unreported(BOX)] == [view.id]


def test_marking_an_older_revision_changes_nothing(scene: Scene) -> None:
    message_id = scene.taken()
    scene.journal.record(message_id, OutgoingEvent.CANCEL)
    scene.journal.mark_reported(submission(1).id, 2)
    scene.journal.mark_reported(submission(1).id, 1)
    assert scene.journal.unreported(BOX) == []
    assert scene.journal.submission(submission(1).id).reported_revision == 2


def test_only_folders_are_reported_to_and_only_their_own(scene: Scene) -> None:
    rest = scene.taken(source=SourceKind.REST)
    scene.journal.record(rest, OutgoingEvent.CANCEL)
    scene.taken(mailbox=OTHER_BOX)
    assert scene.journal.unreported(BOX) == []
    assert len(scene.journal.unreported(OTHER_BOX)) == 1


def test_unreported_is_bounded_and_oldest_first(scene: Scene) -> None:
    for _ in range(3):
        scene.taken()
    assert [v.id for v in scene.journal.unreported(BOX, limit=2)] == [submission(1).id, submission(2).id]


def test_counts_tell_mailbox_state_and_direction(scene: Scene) -> None:
    scene.taken()
    scene.prepared()
    scene.taken(mailbox=OTHER_BOX)
    assert scene.journal.counts() == {
        str(BOX): {"out:received": 1, "out:prepared": 1},
        str(OTHER_BOX): {"out:received": 1},
    }


def test_payloads_are_written_once(scene: Scene) -> None:
    scene.taken()
    raw = sqlite3.connect(scene.folder / "journal.sqlite")
    with pytest.raises(sqlite3.IntegrityError, match="forbidden"):
        raw.execute("UPDATE payloads SET size_bytes = 1")
    raw.close()
