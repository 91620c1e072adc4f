"""A person corrects the recipient of something that failed: the same documents, to somebody else, once."""

from pathlib import Path

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.errors import IllegalTransition, InvalidSubmission
from connector.domain.states import OutgoingEvent, OutgoingState, RecipientState
from connector.domain.submission import FileRole, Recipient, RecipientKind, SourceKind
from connector.exchange.correction import Correction, correct, correctable
from connector.journal.failure import PayloadMissing, UnknownRow
from connector.journal.records import RecipientChange, SubmissionView, Taken
from tests.exchange.exchange_scene import ALIX, BEA, NOBODY, Scene, file

TO = RecipientKind.TO


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def anew(scene: Scene, submission_id: str, recipients: Correction) -> Taken:
    return correct(
        scene.journal, scene.clock, scene.ids, submission_id, recipients, actor="person at the page",
        deadline_hours=48,
    )  # fmt: skip


def refused(scene: Scene) -> SubmissionView:
    """One recipient has it, the other does not exist."""
    message = scene.frozen(ALIX, NOBODY)
    scene.send()
    view = scene.journal.submission(scene.message(message).submission_id)
    assert view.messages[0].state is OutgoingState.SENT
    return view


def test_only_those_who_did_not_get_it_can_be_corrected(scene: Scene) -> None:
    assert correctable(refused(scene)) == (Recipient(NOBODY),)


def test_the_same_documents_leave_for_the_corrected_recipient(scene: Scene) -> None:
    old = refused(scene)
    taken = anew(scene, old.id, [(BEA, TO)])
    new = scene.journal.submission(taken.submission_id)
    assert [(file.name, file.sha256) for file in new.files] == [(file.name, file.sha256) for file in old.files]
    assert [recipient.address for recipient in new.messages[0].recipients] == [BEA]
    assert (new.source, new.corrects, new.source_name) == (SourceKind.PAGE, old.id, old.source_name)
    assert new.messages[0].state is OutgoingState.RECEIVED


def test_each_knows_the_other(scene: Scene) -> None:
    old = refused(scene)
    taken = anew(scene, old.id, [(BEA, TO)])
    assert scene.journal.correction_of(old.id) == taken.submission_id
    entry = scene.journal.trace(subject_id=old.id)[-1]
    assert (entry.action, entry.actor, entry.answer) == ("correct", "person at the page", taken.submission_id)


def test_whoever_has_it_is_never_served_twice(scene: Scene) -> None:
    old = refused(scene)
    with pytest.raises(IllegalTransition, match="has it already"):
        anew(scene, old.id, [(ALIX, TO)])


def test_what_has_not_failed_cannot_be_corrected(scene: Scene) -> None:
    message = scene.frozen(ALIX)
    scene.send()
    with pytest.raises(IllegalTransition, match="nothing of this submission has failed"):
        anew(scene, scene.message(message).submission_id, [(BEA, TO)])


def test_a_bounced_message_goes_to_somebody_else(scene: Scene) -> None:
    message = scene.frozen(ALIX)
    scene.send()
    bounce = [RecipientChange(ALIX, RecipientState.BOUNCED, 550, "no such user")]
    scene.journal.record(message, OutgoingEvent.RECEIPT_FAILED, code="REMISE_ECHEC", recipients=bounce)
    submission = scene.message(message).submission_id
    assert correctable(scene.journal.submission(submission)) == (Recipient(ALIX),)
    assert anew(scene, submission, [(BEA, TO)]).state is OutgoingState.RECEIVED


def test_the_same_address_may_be_tried_anew(scene: Scene) -> None:
    old = refused(scene)
    assert anew(scene, old.id, [(NOBODY, TO)]).state is OutgoingState.RECEIVED


def test_a_rejected_submission_without_recipient_gets_one(scene: Scene) -> None:
    submission = scene.take(to=())
    (message,) = scene.journal.submission(submission).messages
    scene.journal.record(message.id, OutgoingEvent.REJECT, code="SANS_DESTINATAIRE")
    assert correctable(scene.journal.submission(submission)) == ()
    taken = anew(scene, submission, [(BEA, TO)])
    assert [r.address for r in scene.journal.submission(taken.submission_id).messages[0].recipients] == [BEA]


def test_kinds_and_order_are_kept_and_nobody_is_named_twice(scene: Scene) -> None:
    old = refused(scene)
    other = MailboxAddress.parse("autre@clinique.mssante.fr")
    taken = anew(scene, old.id, [(BEA, TO), (other, RecipientKind.CC), (BEA, RecipientKind.CC)])
    (message,) = scene.journal.submission(taken.submission_id).messages
    assert [(r.address, r.kind) for r in message.recipients] == [(BEA, TO), (other, RecipientKind.CC)]


def test_sidecar_and_flag_stay_behind(scene: Scene) -> None:
    submission = scene.take(
        file("cr.xml", b"<cda/>", FileRole.CDA), file("cr.mss.json", b"{}", FileRole.SIDECAR),
        file("cr.ok", b"", FileRole.FLAG), file("cr.pdf", b"%PDF", FileRole.PDF), to=(NOBODY,),
    )  # fmt: skip
    (message,) = scene.journal.submission(submission).messages
    scene.journal.record(message.id, OutgoingEvent.CANCEL)
    taken = anew(scene, submission, [(BEA, TO)])
    assert [file.name for file in scene.journal.submission(taken.submission_id).files] == ["cr.xml", "cr.pdf"]


def test_somebody_must_be_named(scene: Scene) -> None:
    with pytest.raises(InvalidSubmission, match="SANS_DESTINATAIRE"):
        anew(scene, refused(scene).id, [])


def test_originals_that_are_no_longer_kept_cannot_be_sent(scene: Scene) -> None:
    message = scene.frozen(NOBODY)
    scene.send()
    submission = scene.message(message).submission_id
    scene.clock.advance(3600)
    scene.journal.purge(payload_before=scene.clock.now(), trace_before=scene.clock.now())
    with pytest.raises(PayloadMissing):
        anew(scene, submission, [(BEA, TO)])


def test_an_unknown_submission_is_said_to_be_unknown(scene: Scene) -> None:
    with pytest.raises(UnknownRow):
        anew(scene, "01NOBODY", [(BEA, TO)])
