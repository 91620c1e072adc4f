"""Receipts that come late, twice, for an alias or for nobody we know; and recipients of whom nothing is heard."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from connector.domain.address import MailboxAddress
from connector.domain.states import OutgoingState, RecipientState
from connector.domain.submission import SendOptions
from connector.exchange.receipts import apply_receipt
from connector.intake.status import Etat, describe
from connector.journal.receipts import NO_NEWS_BATCH, SILENT
from connector.mail.receipts import Receipt, ReceiptForm, ReceiptKind, RecipientReport
from connector.sandbox.moods import MoodKind
from tests.exchange.exchange_scene import ALIX, BEA, LAB, OPTIONS, PATIENT, sample_file
from tests.receipts.bounces import EXIM_ALIAS, QMAIL
from tests.receipts.notice_scene import Killed, NoticeScene, dying_at

K, R = ReceiptKind, RecipientState
DAY = timedelta(hours=24)


def sent(scene: NoticeScene, *to: MailboxAddress, options: SendOptions = OPTIONS) -> str:
    """Given to the operator, which sends no receipt."""
    scene.operator.mood(MoodKind.NO_RECEIPT)
    row = scene.frozen(*to, options=options)
    scene.send()
    assert scene.state(row) is OutgoingState.SENT
    return row


def tell(
    scene: NoticeScene, row: str, address: object, kind: ReceiptKind, *, also: str = "", by: str = "01IN",
    form: ReceiptForm = ReceiptForm.DSN,
) -> bool:  # fmt: skip
    report = RecipientReport(address=str(address), also=also, kind=kind, status="4.2.0", diagnostic="mots du serveur")
    receipt = Receipt(form=form, recipients=(report,) if address else (), kind=kind, envelope_id=row)
    return apply_receipt(scene.journal, LAB, receipt, server="mx.test", incoming_id=by)


def silence(scene: NoticeScene) -> int:
    return scene.journal.note_silence(scene.clock.now() - DAY)


def etat(scene: NoticeScene, row: str) -> Etat:
    return describe(scene.journal.submission(scene.submission_of(row))).etat


# --- silence ---


def test_silence_shows_after_the_deadline_and_not_before(scene: NoticeScene) -> None:
    row = sent(scene, ALIX, BEA)
    scene.clock.advance(DAY.total_seconds() - 1)
    assert silence(scene) == 0
    tell(scene, row, BEA, K.DELIVERED)
    revision = scene.message(row).revision
    scene.clock.advance(1)

    assert [silence(scene), silence(scene)] == [1, 0]
    assert scene.people(row) == {ALIX: R.NO_NEWS, BEA: R.DELIVERED}
    assert scene.state(row) is OutgoingState.SENT
    assert scene.message(row).revision == revision + 1
    status = describe(scene.journal.submission(scene.submission_of(row)))
    assert (status.etat, [problem.code for problem in status.problems]) == (Etat.SANS_NOUVELLES, ["SANS_NOUVELLES"])
    assert not status.needs_note
    last = scene.journal.events_after(0, limit=1000)[-1]
    assert (last.subject_id, last.action, last.outcome) == (
        scene.submission_of(row), "no_news", "sent SANS_NOUVELLES",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "state", "whole"),
    [
        (K.DELIVERED, R.DELIVERED, OutgoingState.DELIVERED),
        (K.READ, R.READ, OutgoingState.READ),
        (K.FAILED, R.BOUNCED, OutgoingState.BOUNCED),
        (K.INTEGRATION_FAILED, R.BOUNCED, OutgoingState.BOUNCED),
    ],
)
def test_a_receipt_that_comes_later_wins(
    scene: NoticeScene, kind: ReceiptKind, state: RecipientState, whole: OutgoingState
) -> None:
    row = sent(scene, ALIX)
    scene.clock.advance(DAY.total_seconds())
    assert (silence(scene), etat(scene, row)) == (1, Etat.SANS_NOUVELLES)
    assert tell(scene, row, ALIX, kind)
    assert (scene.people(row), scene.state(row)) == ({ALIX: state}, whole)
    assert etat(scene, row) is not Etat.SANS_NOUVELLES
    scene.clock.advance(DAY.total_seconds())
    assert silence(scene) == 0


@pytest.mark.parametrize("kind", [K.DELAYED, K.RELAYED])
def test_a_delay_is_news_and_is_waited_for_anew(scene: NoticeScene, kind: ReceiptKind) -> None:
    row = sent(scene, ALIX)
    scene.clock.advance(DAY.total_seconds() - 60)
    assert tell(scene, row, ALIX, kind)
    (recipient,) = scene.message(row).recipients
    assert (recipient.state, recipient.text) == (R.ACCEPTED, "mots du serveur")
    scene.clock.advance(3600)
    assert silence(scene) == 0
    scene.clock.advance(DAY.total_seconds())
    assert silence(scene) == 1
    assert tell(scene, row, ALIX, kind, by="01IN2")
    assert scene.people(row) == {ALIX: R.ACCEPTED}


def test_a_delay_that_comes_after_the_delivery_changes_nothing(scene: NoticeScene) -> None:
    row = sent(scene, ALIX)
    tell(scene, row, ALIX, K.DELIVERED)
    assert tell(scene, row, ALIX, K.DELAYED, by="01IN2")
    assert scene.people(row) == {ALIX: R.DELIVERED}


@pytest.mark.parametrize("delivery", [False, True])
@pytest.mark.parametrize("read", [False, True])
def test_nothing_is_awaited_where_nothing_was_asked_for(scene: NoticeScene, delivery: bool, read: bool) -> None:
    options = SendOptions(allow_duplicate=True, delivery_receipt=delivery, read_receipt=read)
    scene.operator.mood(MoodKind.NO_RECEIPT)
    submission = scene.take(sample_file("cr-consultation-n1.xml"), options=options)
    assert scene.prepare() == scene.send() == 1
    (message,) = scene.journal.submission(submission).messages
    assert message.awaits_receipt is (delivery or read)
    scene.clock.advance(DAY.total_seconds())
    assert silence(scene) == (delivery or read)


def test_a_refused_recipient_is_not_awaited(scene: NoticeScene) -> None:
    scene.operator.mood(MoodKind.REFUSE_RECIPIENT, address=str(BEA))
    row = sent(scene, ALIX, BEA)
    scene.clock.advance(DAY.total_seconds())
    assert silence(scene) == 1
    assert scene.people(row) == {ALIX: R.NO_NEWS, BEA: R.REFUSED}


def test_many_silent_recipients_are_told_a_batch_at_a_time(scene: NoticeScene) -> None:
    rows = [sent(scene, ALIX) for _ in range(3)]
    scene.clock.advance(DAY.total_seconds())
    before = scene.clock.now() - DAY
    assert [scene.journal.note_silence(before, limit=2) for _ in range(3)] == [2, 1, 0]
    assert {scene.people(row)[ALIX] for row in rows} == {R.NO_NEWS}
    assert NO_NEWS_BATCH == 200


def test_the_silent_are_found_by_their_index(scene: NoticeScene) -> None:
    ran: list[tuple[str, object]] = []
    engine = scene.journal._store.engine

    def catch(_c: object, _cursor: object, text: str, parameters: object, _x: object, _many: bool) -> None:
        ran.append((text, parameters))

    event.listen(engine, "before_cursor_execute", catch)
    with engine.connect() as connection:
        connection.execute(SILENT, {"before": scene.clock.now(), "limit": 1})
        event.remove(engine, "before_cursor_execute", catch)
        text, parameters = ran[-1]
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", parameters)]  # type: ignore[arg-type]
    assert any("ix_message_recipients_waits" in line for line in plan), plan
    assert not any("TEMP B-TREE" in line or line.startswith("SCAN") for line in plan), plan


@pytest.mark.parametrize("step", ["journal.silence_noted", "journal.receipt_kept", "journal.recorded"])
def test_killed_between_two_steps_nothing_is_lost_or_said_twice(scene: NoticeScene, step: str) -> None:
    row = sent(scene, ALIX)
    scene.clock.advance(DAY.total_seconds())

    def work() -> None:
        silence(scene)
        tell(scene, row, ALIX, K.DELIVERED)

    with dying_at(step), pytest.raises(Killed):
        work()
    assert silence(scene) == 0
    assert tell(scene, row, ALIX, K.DELIVERED)
    assert scene.people(row) == {ALIX: R.DELIVERED}
    assert len(scene.journal.receipts(scene.submission_of(row))) == 1


# --- what is kept, and what is shown ---


def test_every_receipt_is_kept_with_its_words_in_the_order_in_which_it_came(scene: NoticeScene) -> None:
    row = sent(scene, ALIX, BEA)
    for number, (who, kind) in enumerate([(ALIX, K.DELAYED), (ALIX, K.DELIVERED), (BEA, K.FAILED), (ALIX, K.READ)]):
        scene.clock.advance(60)
        assert tell(scene, row, who, kind, by=f"01IN{number}")
    assert tell(scene, row, ALIX, K.READ, by="01IN3"), "the same one again"

    kept = scene.journal.receipts(scene.submission_of(row))
    assert [(each.recipient, each.kind) for each in kept] == [
        (ALIX, "delayed"), (ALIX, "delivered"), (BEA, "failed"), (ALIX, "read"),
    ]  # fmt: skip
    assert {(each.text, each.status, each.form) for each in kept} == {("mots du serveur", "4.2.0", "dsn")}
    assert [each.at for each in kept] == sorted({each.at for each in kept})


def test_an_alias_is_found_by_the_other_address(scene: NoticeScene) -> None:
    row = sent(scene, ALIX, BEA)
    assert tell(scene, row, "interne@ailleurs.fr", K.DELIVERED, also=str(ALIX).upper())
    assert scene.people(row) == {ALIX: R.DELIVERED, BEA: R.ACCEPTED}


def test_an_address_that_we_do_not_know_is_shown_and_changes_nothing(scene: NoticeScene) -> None:
    row = sent(scene, ALIX, BEA)
    assert not tell(scene, row, "inconnu@ailleurs.fr", K.FAILED)
    assert scene.people(row) == {ALIX: R.ACCEPTED, BEA: R.ACCEPTED}
    (kept,) = scene.journal.receipts(scene.submission_of(row))
    assert (kept.named, kept.recipient, kept.kind) == ("inconnu@ailleurs.fr", None, "failed")


def test_a_bounce_that_names_nobody_is_shown_and_changes_nothing(scene: NoticeScene) -> None:
    row = sent(scene, ALIX)
    assert not tell(scene, row, None, K.FAILED, form=ReceiptForm.BOUNCE_LIKE)
    assert scene.people(row) == {ALIX: R.ACCEPTED}
    assert scene.journal.receipts(scene.submission_of(row))[0].recipient is None


def test_the_patient_space_can_only_mean_the_one_patient(scene: NoticeScene) -> None:
    row = sent(scene, PATIENT)
    assert tell(scene, row, None, K.FAILED, form=ReceiptForm.PATIENT_SPACE)
    assert scene.people(row) == {PATIENT: R.BOUNCED}
    both = sent(scene, ALIX, BEA)
    assert not tell(scene, both, None, K.FAILED, form=ReceiptForm.PATIENT_SPACE)
    assert set(scene.people(both).values()) == {R.ACCEPTED}


def test_a_bounce_written_for_people_reaches_its_recipient(scene: NoticeScene) -> None:
    row = sent(scene, ALIX, BEA)
    header = scene.message(row).header_message_id or ""
    text = EXIM_ALIAS.replace("alix@cabinet-exemple.mssante.fr", str(ALIX))
    text = text.replace("<01JDFZ0000000000000000ABCD@labo-exemple.mssante.fr>", header)
    scene.operator.deliver(LAB, text.encode().replace(b"\n", b"\r\n"))
    scene.receive()
    assert scene.people(row) == {ALIX: R.BOUNCED, BEA: R.ACCEPTED}
    assert scene.inbox.delivered == {}


def test_an_unmatched_bounce_is_delivered_with_a_warning(scene: NoticeScene) -> None:
    sent(scene, ALIX)
    scene.operator.deliver(LAB, QMAIL.encode().replace(b"\n", b"\r\n"))
    scene.receive()
    (arrival,) = scene.inbox.delivered.values()
    assert "ACCUSE_NON_RATTACHE" in arrival.warnings


def test_a_receipt_counts_after_the_bytes_are_gone(scene: NoticeScene) -> None:
    row = sent(scene, ALIX)
    scene.clock.advance(40 * 86400)
    now = scene.clock.now()
    assert scene.journal.purge(payload_before=now, trace_before=now) > 0
    assert tell(scene, row, ALIX, K.DELIVERED)
    assert scene.state(row) is OutgoingState.DELIVERED
