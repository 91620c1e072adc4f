"""Receipts: tied to what was sent, per recipient, in whatever order they come."""

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.states import IncomingState, OutgoingEvent
from connector.domain.states import OutgoingState as S
from connector.domain.states import RecipientState as R
from connector.exchange import person
from connector.exchange.receipts import ReceiptTooEarly, apply_receipt
from connector.mail.receipts import Receipt, ReceiptForm, ReceiptKind, RecipientReport
from connector.sandbox.moods import MoodKind
from connector.sandbox.receipts import DeliveryStatus, delivery_report
from tests.exchange.exchange_scene import ALIX, BEA, LAB, NOBODY, PATIENT, Scene

K = ReceiptKind


def receipt(
    scene: Scene, row: str, *news: tuple[object, ReceiptKind], envelope: bool = True, header: bool = True
) -> Receipt:
    reports = tuple(RecipientReport(address=str(address), kind=kind) for address, kind in news)
    return Receipt(
        form=ReceiptForm.DSN, recipients=reports, kind=K.DELIVERED, envelope_id=row if envelope else "",
        message_id=(scene.message(row).header_message_id or "") if header else "<autre@x.fr>",
    )  # fmt: skip


def tell(scene: Scene, row: str, *news: tuple[object, ReceiptKind]) -> bool:
    return apply_receipt(scene.journal, LAB, receipt(scene, row, *news), server="imap.test")


def sent(scene: Scene, *to: MailboxAddress) -> str:
    row = scene.frozen(*to)
    scene.send()
    assert scene.state(row) is S.SENT
    return row


def quiet(scene: Scene) -> None:
    """No receipts by the operator itself."""
    scene.operator.mood(MoodKind.NO_RECEIPT)


def mdn(scene: Scene, row: str, reader: MailboxAddress, *, disposition: str = "displayed") -> bytes:
    header = scene.message(row).header_message_id
    return (
        f"From: <{reader}>\r\nTo: <{LAB}>\r\nMessage-ID: <mdn-{row}-{reader.local_part}@x.fr>\r\nSubject: Lu\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=disposition-notification; boundary="r"\r\n\r\n'
        "--r\r\nContent-Type: text/plain\r\n\r\nLu.\r\n"
        "--r\r\nContent-Type: message/disposition-notification\r\n\r\n"
        f"Final-Recipient: rfc822; {reader}\r\nOriginal-Message-ID: {header}\r\n"
        f"Disposition: manual-action/MDN-sent-manually; {disposition}\r\n\r\n--r--\r\n"
    ).encode()


def dsn(scene: Scene, row: str, recipient: MailboxAddress) -> bytes:
    message = scene.message(row)
    return delivery_report(
        to=str(LAB), reporting_host="mx.test", original=f"Message-ID: {message.header_message_id}\r\n\r\n".encode(),
        envelope_id=row, outcome=DeliveryStatus(recipient=str(recipient), action="delivered", status="2.0.0"),
        message_id="<late-dsn@mx.test>", now=scene.clock.now(),
    )  # fmt: skip


# --- as they come by mail ---


def test_a_delivery_receipt_for_everybody_makes_the_message_delivered(scene: Scene) -> None:
    row = sent(scene, ALIX, BEA)
    scene.receive()

    assert scene.state(row) is S.DELIVERED
    assert scene.people(row) == {ALIX: R.DELIVERED, BEA: R.DELIVERED}
    assert scene.incoming_states() == [IncomingState.ACKNOWLEDGED] * 2
    assert scene.inbox.delivered == {}, "a receipt is not handed to the LPS as mail"


def test_a_delivery_receipt_for_one_of_two_leaves_the_message_sent(scene: Scene) -> None:
    scene.operator.mood(MoodKind.NO_RECEIPT, address=str(BEA))
    row = sent(scene, ALIX, BEA)
    scene.receive()

    assert scene.state(row) is S.SENT
    assert scene.people(row) == {ALIX: R.DELIVERED, BEA: R.ACCEPTED}


def test_a_read_receipt_makes_it_read_and_a_late_delivery_receipt_does_not_undo_that(scene: Scene) -> None:
    quiet(scene)
    row = sent(scene, ALIX)
    scene.operator.deliver(LAB, mdn(scene, row, ALIX))
    scene.receive()
    assert (scene.state(row), scene.people(row)) == (S.READ, {ALIX: R.READ})

    scene.operator.deliver(LAB, dsn(scene, row, ALIX))
    scene.receive()

    assert (scene.state(row), scene.people(row)) == (S.READ, {ALIX: R.READ})


def test_a_bounce_makes_it_bounced_with_the_code_of_the_server(scene: Scene) -> None:
    scene.operator.mood(MoodKind.BOUNCE_LATER, address=str(ALIX))
    row = sent(scene, ALIX)
    scene.receive()

    assert (scene.state(row), scene.message(row).code) == (S.BOUNCED, "REMISE_ECHEC")
    (recipient,) = scene.message(row).recipients
    assert (recipient.state, recipient.code) == (R.BOUNCED, 550)
    assert "5.2.1" in (scene.message(row).answer or "")


def test_one_bounce_of_two_tells_both_apart(scene: Scene) -> None:
    scene.operator.mood(MoodKind.BOUNCE_LATER, address=str(ALIX))
    row = sent(scene, ALIX, BEA)
    scene.receive()

    assert scene.state(row) is S.BOUNCED
    assert scene.people(row) == {ALIX: R.BOUNCED, BEA: R.DELIVERED}


def test_a_receipt_that_outruns_our_commit_is_looked_at_again_a_moment_later(scene: Scene) -> None:
    quiet(scene)
    row = scene.frozen()
    scene.journal.claim_due(LAB, owner="test", limit=1)
    scene.journal.data_begun(row)
    scene.operator.deliver(LAB, dsn(scene, row, ALIX))
    scene.receive()
    assert (scene.state(row), scene.incoming_states()) == (S.SENDING, [IncomingState.STORED])
    assert scene.incoming()[0].code == "ACCUSE_PRECOCE"

    scene.journal.record(row, OutgoingEvent.ACCEPT, answer="250 Ok")
    assert scene.open_mail() == 0
    scene.clock.advance(2)

    assert scene.open_mail() == 1
    assert (scene.state(row), scene.incoming_states()) == (S.DELIVERED, [IncomingState.RECEIPT])


def test_a_receipt_of_a_message_that_somebody_else_sent_is_delivered_like_mail(scene: Scene) -> None:
    quiet(scene)
    row = sent(scene, ALIX)
    report = dsn(scene, row, ALIX).replace(row.encode(), b"INCONNU")
    scene.operator.deliver(LAB, report)
    scene.receive()

    assert scene.state(row) is S.SENT
    assert len(scene.inbox.delivered) == 1


def test_the_same_receipt_twice_changes_nothing_more(scene: Scene) -> None:
    row = sent(scene, ALIX)
    assert [tell(scene, row, (ALIX, K.DELIVERED)) for _ in range(2)] == [True, True]
    assert (scene.state(row), scene.people(row)) == (S.DELIVERED, {ALIX: R.DELIVERED})


# --- what ties them ---


def test_a_receipt_without_envelope_id_is_tied_by_message_id_or_by_what_it_refers_to(scene: Scene) -> None:
    row = sent(scene, ALIX)
    known = scene.message(row).header_message_id or ""
    news = (RecipientReport(address=str(ALIX), kind=K.DELIVERED),)
    by_reference = Receipt(
        form=ReceiptForm.MDN, recipients=news, kind=K.DELIVERED, message_id="<x@y.fr>", references=("<z@y.fr>", known)
    )

    assert apply_receipt(scene.journal, LAB, receipt(scene, row, (ALIX, K.DELIVERED), envelope=False), server="s")
    assert apply_receipt(scene.journal, LAB, by_reference, server="s")


def test_a_receipt_that_names_nothing_of_ours_is_not_ours(scene: Scene) -> None:
    row = sent(scene, ALIX)
    assert not apply_receipt(scene.journal, LAB, receipt(scene, row, envelope=False, header=False), server="s")


def test_a_receipt_in_another_mailbox_changes_nothing(scene: Scene) -> None:
    row = sent(scene, ALIX)
    assert not apply_receipt(scene.journal, ALIX, receipt(scene, row, (ALIX, K.FAILED)), server="s")
    assert scene.state(row) is S.SENT


def test_a_receipt_for_what_never_had_bytes_is_not_ours(scene: Scene) -> None:
    submission = scene.take()
    (message,) = scene.journal.submission(submission).messages
    assert not tell(scene, message.id, (ALIX, K.DELIVERED))

    person.cancel(scene.journal, scene.clock, submission, actor="person")

    assert not tell(scene, message.id, (ALIX, K.DELIVERED))
    assert scene.state(message.id) is S.CANCELLED


def test_with_one_recipient_a_rewritten_address_still_means_it(scene: Scene) -> None:
    row = sent(scene, ALIX)
    tell(scene, row, ("alix@interne.local", K.DELIVERED))
    assert scene.people(row) == {ALIX: R.DELIVERED}


def test_with_two_recipients_a_rewritten_address_means_nobody(scene: Scene) -> None:
    row = sent(scene, ALIX, BEA)
    tell(scene, row, ("alix@interne.local", K.FAILED), ("pas une adresse", K.FAILED))
    assert (scene.state(row), scene.people(row)) == (S.SENT, {ALIX: R.ACCEPTED, BEA: R.ACCEPTED})


def test_the_case_of_an_address_does_not_matter(scene: Scene) -> None:
    row = sent(scene, ALIX, BEA)
    tell(scene, row, ("ALIX@Cabinet.MSSante.fr", K.DELIVERED))
    assert scene.people(row)[ALIX] is R.DELIVERED


def test_a_delay_and_a_hand_over_change_no_recipient(scene: Scene) -> None:
    row = sent(scene, ALIX)
    tell(scene, row, (ALIX, K.DELAYED))
    tell(scene, row, (ALIX, K.RELAYED))
    assert (scene.state(row), scene.people(row)) == (S.SENT, {ALIX: R.ACCEPTED})


def test_an_integration_error_is_a_failure_of_the_delivery(scene: Scene) -> None:
    row = sent(scene, ALIX)
    tell(scene, row, (ALIX, K.INTEGRATION_FAILED))
    assert (scene.state(row), scene.message(row).code) == (S.BOUNCED, "REMISE_ECHEC")


def test_nothing_undoes_a_bounce(scene: Scene) -> None:
    row = sent(scene, ALIX)
    tell(scene, row, (ALIX, K.FAILED))
    tell(scene, row, (ALIX, K.DELIVERED))
    assert (scene.state(row), scene.people(row)) == (S.BOUNCED, {ALIX: R.BOUNCED})


def test_refused_recipients_do_not_keep_a_message_from_being_delivered(scene: Scene) -> None:
    row = sent(scene, ALIX, NOBODY)
    tell(scene, row, (ALIX, K.DELIVERED))
    assert scene.state(row) is S.DELIVERED
    assert scene.people(row)[NOBODY] is R.REFUSED


# --- what is not settled yet ---


def lost(scene: Scene, *to: MailboxAddress) -> str:
    quiet(scene)
    scene.operator.mood(MoodKind.CUT_AFTER_DATA, times=1)
    row = scene.frozen(*to)
    scene.send()
    return row


def test_a_receipt_settles_an_unknown_outcome(scene: Scene) -> None:
    row = lost(scene, ALIX)
    tell(scene, row, (ALIX, K.DELIVERED))
    assert scene.state(row) is S.DELIVERED
    assert scene.send_later() == 0


def test_a_receipt_of_one_proves_that_the_lost_message_left_for_all(scene: Scene) -> None:
    row = lost(scene, ALIX, BEA)
    tell(scene, row, (ALIX, K.DELIVERED))

    assert (scene.state(row), scene.message(row).code) == (S.SENT, None)
    assert scene.people(row) == {ALIX: R.DELIVERED, BEA: R.ACCEPTED}


def test_a_delay_proves_that_the_lost_message_left(scene: Scene) -> None:
    row = lost(scene, ALIX)
    tell(scene, row, (ALIX, K.DELAYED))
    assert (scene.state(row), scene.people(row)) == (S.SENT, {ALIX: R.ACCEPTED})


def test_after_a_bounce_settled_a_lost_answer_the_others_get_no_second_copy(scene: Scene) -> None:
    row = lost(scene, ALIX, BEA)
    tell(scene, row, (ALIX, K.FAILED))
    assert scene.state(row) is S.BOUNCED

    person.retry(scene.journal, scene.clock, scene.submission_of(row), actor="person")
    scene.send_later()

    assert len(scene.copies(BEA, row)) == 1
    assert len(scene.copies(ALIX, row)) == 2


def lost_for_the_second(scene: Scene) -> str:
    """Alix was served by the first attempt, the answer of the second one, for Béa, is lost, and Béa got nothing."""
    quiet(scene)
    scene.operator.mood(MoodKind.DEFER_RECIPIENT, address=str(BEA), times=1)
    row = scene.frozen(ALIX, BEA)
    scene.send()
    scene.operator.mood(MoodKind.CUT_IN_DATA, times=1)
    scene.send_later()
    assert scene.state(row) is S.OUTCOME_UNKNOWN
    return row


@pytest.mark.parametrize("kind", [K.DELIVERED, K.READ, K.FAILED, K.DELAYED])
def test_a_receipt_about_an_earlier_attempt_does_not_settle_the_lost_one(scene: Scene, kind: ReceiptKind) -> None:
    row = lost_for_the_second(scene)

    tell(scene, row, (ALIX, kind))

    assert scene.state(row) is S.OUTCOME_UNKNOWN
    assert scene.people(row)[BEA] is R.PENDING


def test_a_receipt_about_the_lost_attempt_settles_it_although_another_left_earlier(scene: Scene) -> None:
    row = lost_for_the_second(scene)
    tell(scene, row, (BEA, K.DELAYED))
    assert (scene.state(row), scene.people(row)[BEA]) == (S.SENT, R.ACCEPTED)


def test_a_receipt_for_a_cancelled_message_says_that_it_left(scene: Scene) -> None:
    row = lost(scene, ALIX)
    person.cancel(scene.journal, scene.clock, scene.submission_of(row), actor="person")

    tell(scene, row, (ALIX, K.DELIVERED))

    assert scene.state(row) is S.DELIVERED


def test_a_bounce_for_a_cancelled_message_tells_who_bounced_and_offers_no_blind_retry(scene: Scene) -> None:
    row = lost_for_the_second(scene)
    person.cancel(scene.journal, scene.clock, scene.submission_of(row), actor="person")

    tell(scene, row, (ALIX, K.FAILED))

    assert (scene.state(row), scene.message(row).code) == (S.SENT, "REMISE_ECHEC")
    assert scene.people(row) == {ALIX: R.BOUNCED, BEA: R.PENDING}


def test_news_about_one_do_not_end_the_attempts_for_the_other(scene: Scene) -> None:
    quiet(scene)
    scene.operator.mood(MoodKind.DEFER_RECIPIENT, address=str(BEA), times=1)
    row = scene.frozen(ALIX, BEA)
    scene.send()

    tell(scene, row, (ALIX, K.FAILED))
    assert scene.state(row) is S.PREPARED
    scene.send_later()

    assert scene.people(row) == {ALIX: R.BOUNCED, BEA: R.ACCEPTED}
    assert len(scene.copies(BEA, row)) == 1


def test_a_receipt_while_it_is_being_sent_comes_too_early(scene: Scene) -> None:
    row = scene.frozen()
    scene.journal.claim_due(LAB, owner="test", limit=1)
    with pytest.raises(ReceiptTooEarly):
        tell(scene, row, (ALIX, K.DELIVERED))


def test_a_bounce_in_the_words_of_mon_espace_sante_is_tied_too(scene: Scene) -> None:
    quiet(scene)
    row = sent(scene, PATIENT)
    header = scene.message(row).header_message_id
    scene.operator.deliver(
        LAB,
        (
            f"Return-Path: <>\r\nFrom: <ne-pas-repondre@patient.mssante.fr>\r\nTo: <{LAB}>\r\n"
            f"Message-ID: <b@p.fr>\r\nSubject: Message non distribue\r\n"
            f"In-Reply-To: {header}\r\n\r\nVotre message a {PATIENT} ...\r\n"
        ).encode(),
    )
    scene.receive()

    assert (scene.state(row), scene.people(row)) == (S.BOUNCED, {PATIENT: R.BOUNCED})
