"""Our answers: when a read receipt leaves, what a failed integration says; nothing loops, nothing leaves twice."""

import email
import email.policy
import sqlite3
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest

from connector.domain.errors import IllegalTransition, InvalidSubmission, Unavailable
from connector.domain.limits import Limits
from connector.domain.states import IncomingState, OutgoingState, RecipientState
from connector.exchange.notices import FAILURE_LABELS, NoticeAnswer, NoticeDesk, NoticeOutcome
from connector.journal.notices import NoticeKind, NoticeSlot
from connector.mail.parse import open_message
from connector.mail.receipts import ReceiptForm, ReceiptKind, read_receipt
from tests.exchange.exchange_scene import ALIX, BEA, LAB
from tests.receipts.notice_scene import ASKED, Killed, NoticeScene, dying_at

QUEUED = NoticeAnswer(NoticeOutcome.QUEUED)
KO = "[KO Intégration système !]"


def refused(reason: str) -> NoticeAnswer:
    return NoticeAnswer(NoticeOutcome.NOT_SENT, reason)


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def receipt_of(raw: bytes) -> tuple[ReceiptForm, ReceiptKind, str]:
    """How the other side reads it, and that it is about the right message."""
    found = read_receipt(open_message(raw, Limits()))
    assert found is not None
    assert ASKED in (found.message_id, *found.references)
    return found.form, found.kind, found.integration_code


# --- what leaves, and when ---


def test_a_taken_message_is_answered_as_processed_with_every_field(scene: NoticeScene) -> None:
    row = scene.given()
    desk = scene.desk(reception={"read_receipt": "taken"})
    assert desk.delivered(row) == NoticeAnswer(NoticeOutcome.NOT_SENT)
    assert desk.taken(row, actor="logiciel") == QUEUED
    assert scene.queued == 1

    raw = scene.mail_of(row)
    mail = parsed(raw)
    assert (mail["From"].addresses[0].addr_spec, mail["To"]) == (str(LAB), str(ALIX))
    assert (mail["Subject"], mail["In-Reply-To"]) == ("XDM/1.0/DDM+CR VIAL Paul 26/11/1978", ASKED)
    assert (mail["X-MSS-NIL"], mail["Auto-Submitted"]) == ("DEV0417", "auto-replied")
    assert mail["Disposition-Notification-To"] is None
    assert mail["Content-Type"].params["report-type"] == "disposition-notification"
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ["text/plain", "message/disposition-notification", "text/rfc822-headers"]
    for line in (
        b"Reporting-UA: labo.mssante.fr; Essai 1", b"Original-Recipient: rfc822;bio@labo.mssante.fr",
        b"Final-Recipient: rfc822;bio@labo.mssante.fr", b"Original-Message-ID: " + ASKED.encode(),
        b"Disposition: automatic-action/MDN-sent-automatically; processed\r\n",
    ):  # fmt: skip
        assert line in raw
    assert receipt_of(raw) == (ReceiptForm.MDN, ReceiptKind.READ, "")


def test_a_delivered_message_is_only_said_to_be_dispatched(scene: NoticeScene) -> None:
    row = scene.given()
    assert scene.desk(reception={"read_receipt": "delivered"}).delivered(row) == QUEUED
    assert receipt_of(scene.mail_of(row))[1] is ReceiptKind.DELIVERED


def test_a_person_says_that_it_was_read(scene: NoticeScene) -> None:
    row, desk = scene.given(), scene.desk()
    assert desk.delivered(row) == refused("ACCUSE_ACCORD")
    assert desk.delivered(row) == NoticeAnswer(NoticeOutcome.ALREADY, "ACCUSE_ACCORD")
    (waiting,) = scene.told(row)
    assert (waiting.reason, waiting.message_id) == ("ACCUSE_ACCORD", None)
    assert desk.take(row, by="logiciel").needs_person

    assert desk.send_read_receipt(row, actor="Claire") == QUEUED
    (sent,) = scene.told(row)
    assert (sent.kind, sent.actor, sent.reason, sent.state) == (
        NoticeKind.DISPLAYED, "Claire", "", OutgoingState.PREPARED,
    )  # fmt: skip
    assert b"manual-action/MDN-sent-manually; displayed" in scene.mail_of(row)
    assert desk.send_read_receipt(row, actor="Claire") == NoticeAnswer(NoticeOutcome.ALREADY, "ACCUSE_DEJA_ENVOYE")


@pytest.mark.parametrize(("kind", "policy"), [("ORG", "ask"), ("APP", "taken")])
def test_the_default_asks_a_person_where_there_is_one(scene: NoticeScene, kind: str, policy: str) -> None:
    desk = scene.desk(kind=kind, reply_to_self=True)
    assert desk.settings.mailboxes[0].read_receipt == policy


def test_never_is_never_even_for_a_person(scene: NoticeScene) -> None:
    row, desk = scene.given(), scene.desk(reception={"read_receipt": "never"})
    assert desk.taken(row, actor="x") == desk.send_read_receipt(row, actor="x") == refused("ACCUSE_JAMAIS")
    assert scene.told(row) == []


def test_nothing_leaves_that_was_not_asked_for(scene: NoticeScene) -> None:
    row, desk = scene.given(asker=None), scene.desk()
    assert desk.send_read_receipt(row, actor="x") == refused("ACCUSE_NON_DEMANDE")


@pytest.mark.parametrize(
    ("asker", "path"),
    [(str(BEA), str(ALIX)), (f"{ALIX}>, <{BEA}", str(ALIX)), (str(ALIX), "autre@cabinet.mssante.fr")],
)
def test_another_address_than_the_return_path_needs_a_person(scene: NoticeScene, asker: str, path: str) -> None:
    row, desk = scene.given(asker=asker, path=path), scene.desk(reception={"read_receipt": "taken"})
    answer = desk.taken(row, actor="x")
    assert (answer, answer.needs_person) == (refused("ACCUSE_ADRESSE"), True)
    assert desk.send_read_receipt(row, actor="Claire") == QUEUED


def test_an_address_that_is_none_gets_nothing(scene: NoticeScene) -> None:
    row = scene.given(asker="personne")
    assert scene.desk().send_read_receipt(row, actor="x") == refused("DESTINATAIRE_INVALIDE")


def test_a_mailbox_that_does_not_send_says_so(scene: NoticeScene) -> None:
    row, desk = scene.given(), scene.desk(send=False)
    assert desk.send_read_receipt(row, actor="x") == refused("BOITE_SANS_ENVOI")
    assert desk.report_integration_failure(row, 902, "", "x") == refused("BOITE_SANS_ENVOI")


# --- loops ---

MACHINES = {
    "auto-submitted": "Auto-Submitted: auto-generated\r\n",
    "auto-replied": "Auto-Submitted: auto-replied (vacation)\r\n",
    "bulk": "Precedence: bulk\r\n",
    "list": "List-Post: <mailto:liste@x.fr>\r\n",
    "list id": "List-Id: <liste.x.fr>\r\n",
    "our own notice": "Subject: [KO Intégration système !][902] XDM/1.0/DDM+CR\r\n",
    "a report": 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n',
    "a read receipt": 'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\r\n',
}


@pytest.mark.parametrize("kind", MACHINES)
def test_a_machine_is_never_answered(scene: NoticeScene, kind: str) -> None:
    head = MACHINES[kind]
    row = scene.given(head)
    if head.startswith("Subject"):  # the first header of a name counts
        raw = scene.journal.payload(scene.journal.incoming(row).payload_id or "").replace(
            b"Subject: XDM/1.0/DDM+CR VIAL Paul 26/11/1978\r\n", b""
        ).replace(ASKED.encode(), b"<ko@cabinet.mssante.fr>")  # fmt: skip
        scene.operator.deliver(LAB, raw)
        scene.receive()
        row = scene.incoming()[-1].id
    desk = scene.desk(reception={"read_receipt": "taken", "failure_notice_to": "sender"})
    assert desk.taken(row, actor="x") == refused("ACCUSE_BOUCLE")
    assert desk.send_read_receipt(row, actor="x") == refused("ACCUSE_BOUCLE")
    assert desk.report_integration_failure(row, 902, "", "x") == refused("ACCUSE_BOUCLE")
    assert [each.message_id for each in scene.told(row)] == [None]


def test_a_null_return_path_is_never_answered(scene: NoticeScene) -> None:
    row, desk = scene.given(path=""), scene.desk()
    assert desk.send_read_receipt(row, actor="x") == refused("ACCUSE_BOUCLE")


def test_we_do_not_answer_ourselves(scene: NoticeScene) -> None:
    row = scene.given(f"Sender: <{LAB}>\r\n", asker=str(LAB), path=str(LAB))
    assert scene.desk().send_read_receipt(row, actor="x") == refused("DESTINATAIRE_INVALIDE")


def test_our_own_receipt_coming_back_is_not_answered_and_two_connectors_do_not_talk_for_ever(
    scene: NoticeScene,
) -> None:
    row, desk = scene.given(), scene.desk(reception={"read_receipt": "taken"})
    desk.taken(row, actor="x")
    asking = scene.mail_of(row).replace(
        b"Subject:", b"Disposition-Notification-To: <alix@cabinet.mssante.fr>\r\nSubject:"
    )
    scene.operator.deliver(LAB, b"Return-Path: <alix@cabinet.mssante.fr>\r\n" + asking)
    scene.receive()
    back = scene.incoming()[-1].id
    assert desk.taken(back, actor="x") == refused("ACCUSE_BOUCLE")
    assert desk.report_integration_failure(back, 906, "", "x") == refused("ACCUSE_BOUCLE")


# --- failed integrations ---


def test_a_failure_is_told_as_the_receipt_that_was_asked_for(scene: NoticeScene) -> None:
    row, desk = scene.given(), scene.desk()
    further: list[tuple[str | int, str]] = [(904, "traits"), ("902", "")]
    assert desk.report_integration_failure(row, 902, "dossier\r\nBcc: x@x.fr", "LPS", further=further) == QUEUED

    raw = scene.mail_of(row)
    mail = parsed(raw)
    assert mail["Subject"] == f"{KO}[902] XDM/1.0/DDM+CR VIAL Paul 26/11/1978"
    assert mail["Bcc"] is None
    text, fields, original = mail.iter_parts()
    assert "902 : Identifiant de patient inconnu (dossier Bcc: x@x.fr)" in text.get_content()
    assert "904 : INS ou traits non concordants (traits)" in text.get_content()
    assert fields.get_content_type() == "message/disposition-notification"
    assert b"Disposition: automatic-action/MDN-sent-automatically; processed/error\r\n" in raw
    wire = b"Error: 902^Identifiant de patient inconnu^applicationErrorCondition| E^Error^errorSeverity\r\n"
    assert raw.count(wire) == 2
    assert (original.get_content_type(), original.get_content()["Message-ID"]) == ("message/rfc822", ASKED)
    assert receipt_of(raw) == (ReceiptForm.MDN, ReceiptKind.INTEGRATION_FAILED, "902")

    assert {each.slot for each in scene.told(row)} == set(NoticeSlot)
    assert scene.told(row)[0].codes == ("902", "904", "902")
    assert desk.taken(row, actor="x").reason in ("ACCUSE_ACCORD", "ACCUSE_DEJA_ENVOYE")
    assert desk.report_integration_failure(row, 903, "", "LPS").outcome is NoticeOutcome.ALREADY


def test_a_failure_after_a_receipt_is_an_ordinary_mail(scene: NoticeScene) -> None:
    row, desk = scene.given(), scene.desk(reception={"read_receipt": "taken"})
    assert desk.taken(row, actor="x") == QUEUED
    assert desk.report_integration_failure(row, 905, "", "LPS") == QUEUED
    by_slot = {each.slot: each for each in scene.told(row)}
    mail = parsed(scene.journal.letter(by_slot[NoticeSlot.FAILURE].message_id or "").content)
    assert (mail.get_content_type(), mail["To"]) == ("multipart/mixed", str(ALIX))


@pytest.mark.parametrize(
    ("settings", "to"),
    [
        ({"reply_to": str(BEA)}, BEA),
        ({"reception": {"failure_notice_to": "sender"}}, ALIX),
        ({"reception": {"failure_notice_to": str(BEA)}}, BEA),
    ],
)
def test_without_request_an_ordinary_mail_goes_to_whom_the_settings_name(
    scene: NoticeScene, settings: dict[str, Any], to: object
) -> None:
    row = scene.given(asker=None)
    assert scene.desk(**settings).report_integration_failure(row, 902, "", "LPS") == QUEUED
    raw = scene.mail_of(row)
    mail = parsed(raw)
    assert (mail["To"], mail["Subject"]) == (str(to), f"{KO}[902] XDM/1.0/DDM+CR VIAL Paul 26/11/1978")
    _, original = mail.iter_parts()
    assert (original.get_content_type(), original.get_filename()) == ("message/rfc822", "message_original.eml")
    assert receipt_of(raw) == (ReceiptForm.INTEGRATION_NOTICE, ReceiptKind.INTEGRATION_FAILED, "902")


@pytest.mark.parametrize("settings", [{}, {"reply_to": str(LAB)}, {"reception": {"failure_notice_to": "nobody"}}])
def test_with_nobody_to_tell_the_failure_is_kept_and_shown(scene: NoticeScene, settings: dict[str, Any]) -> None:
    row = scene.given(asker=None)
    assert scene.desk(**settings).report_integration_failure(row, 902, "", "LPS") == refused("KO_SANS_ADRESSE")
    (kept,) = scene.told(row)
    assert (kept.kind, kept.codes, kept.actor, kept.message_id) == (NoticeKind.FAILED, ("902",), "LPS", None)
    entries = [entry for entry in scene.journal.trace(limit=50) if entry.action == "answer"]
    assert [(entry.subject_id, entry.outcome) for entry in entries] == [(row, "acknowledged KO_SANS_ADRESSE")]


def test_a_failure_for_another_address_waits_for_a_person(scene: NoticeScene) -> None:
    row, desk = scene.given(asker=str(BEA)), scene.desk()
    with pytest.raises(IllegalTransition):
        desk.send_failure_notice(row, actor="Claire")
    assert desk.report_integration_failure(row, 903, "", "LPS") == refused("ACCUSE_ADRESSE")
    assert desk.send_failure_notice(row, actor="Claire") == QUEUED
    assert parsed(scene.mail_of(row))["To"] == str(BEA)
    assert receipt_of(scene.mail_of(row))[2] == "903"


def test_a_sender_whose_path_differs_is_not_written_to_by_itself(scene: NoticeScene) -> None:
    row = scene.given(asker=None, path="autre@cabinet.mssante.fr")
    desk = scene.desk(reception={"failure_notice_to": "sender"})
    assert desk.report_integration_failure(row, 902, "", "LPS") == refused("ACCUSE_ADRESSE")


@pytest.mark.parametrize("code", ["907", 899, "", "abc"])
def test_a_code_outside_the_table_is_refused(scene: NoticeScene, code: str | int) -> None:
    row = scene.given()
    with pytest.raises(InvalidSubmission, match="KO_CODE_INCONNU"):
        scene.desk().report_integration_failure(row, code, "", "LPS")
    assert scene.told(row) == []


def test_every_code_of_the_table_reads_back(scene: NoticeScene) -> None:
    for number, code in enumerate(FAILURE_LABELS):
        row = scene.given(f"X-N: {number}\r\n")
        scene.desk().report_integration_failure(row, code, "", "LPS")
        assert receipt_of(scene.mail_of(row)) == (ReceiptForm.MDN, ReceiptKind.INTEGRATION_FAILED, code)


@pytest.mark.parametrize(
    ("body", "kind"),
    [("é" * 300, "message/rfc822"), ("x" * 2000, "text/rfc822-headers"), ("a\0b", "text/rfc822-headers")],
)
def test_an_original_that_cannot_stand_in_a_part_gives_its_header(scene: NoticeScene, body: str, kind: str) -> None:
    row = scene.given(body=body)
    scene.desk().report_integration_failure(row, 902, "", "LPS")
    raw = scene.mail_of(row)
    assert [part.get_content_type() for part in parsed(raw).iter_parts()][2] == kind
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert receipt_of(raw)[2] == "902"


def test_an_original_over_the_limit_gives_its_header(scene: NoticeScene) -> None:
    row = scene.given(body="\r\n".join(["x" * 70] * 100), asker=None)
    desk = scene.desk(operator={"max_message_bytes": 5000}, reply_to=str(BEA))
    desk.report_integration_failure(row, 902, "", "LPS")
    assert len(scene.mail_of(row)) < 5000


# --- the queue, and the death of the process ---


def test_an_answer_leaves_through_the_queue_and_asks_for_no_receipt(scene: NoticeScene) -> None:
    row, desk = scene.given(), scene.desk(reception={"read_receipt": "taken"})
    desk.taken(row, actor="x")
    assert scene.send() == 1
    (sent,) = scene.told(row)
    assert sent.state is OutgoingState.SENT
    assert [mail.count(b"disposition-notification") > 0 for mail in scene.operator.messages(ALIX)] == [True]
    assert not scene.operator.accepted[-1].delivery_receipt
    assert not scene.operator.accepted[-1].null_sender
    assert scene.journal.submissions() == [], "lists show what the LPS sent"
    assert scene.journal.find().items == ()
    assert "send" not in {e.action for e in scene.journal.trace(limit=50)}, "our own answers are not counted as sent"
    scene.clock.advance(10**6)
    assert scene.journal.note_silence(scene.clock.now()) == 0
    assert {r.state for r in scene.message(sent.message_id or "").recipients} == {RecipientState.ACCEPTED}


def test_the_null_path_is_used_for_answers_only(scene: NoticeScene) -> None:
    row = scene.given()
    scene.desk(reception={"read_receipt": "taken"}).taken(row, actor="x")
    scene.frozen(BEA)
    scene.dispatcher.null_sender_for_notices = True
    scene.send()
    scene.send()
    assert {e.recipients: e.null_sender for e in scene.operator.accepted} == {(ALIX,): True, (BEA,): False}


def test_an_answer_that_bounces_ends_there(scene: NoticeScene) -> None:
    row, desk = scene.given(), scene.desk(reception={"read_receipt": "taken"})
    desk.taken(row, actor="x")
    scene.send()
    (sent,) = scene.told(row)
    bounce = (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.fr\r\nTo: <{LAB}>\r\nMessage-ID: <b@mx.fr>\r\nSubject: failure "
        f"notice\r\n\r\nI wasn't able to deliver your message to the following addresses.\r\n\r\n<{ALIX}>:\r\n"
        f"550 5.1.1 no\r\n\r\n--- Below this line is a copy of the message.\r\n\r\n"
        f"Message-ID: {sent.header_message_id}\r\n"
    ).encode()  # fmt: skip
    scene.operator.deliver(LAB, bounce)
    scene.receive()
    (sent,) = scene.told(row)
    assert sent.state is OutgoingState.BOUNCED
    assert desk.taken(scene.incoming()[-1].id, actor="x").outcome is NoticeOutcome.NOT_SENT


STEPS = ("journal.opened", "journal.notice_kept", "journal.delivered", "journal.acknowledged", "journal.claimed",
         "journal.data_begun", "journal.recorded")  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_killed_anywhere_the_answer_leaves_once(scene: NoticeScene, step: str) -> None:
    desk = scene.desk(reception={"read_receipt": "delivered"})
    asked = f"Return-Path: <{ALIX}>\r\nFrom: <{ALIX}>\r\nTo: <{LAB}>\r\nMessage-ID: {ASKED}\r\n"
    scene.operator.deliver(LAB, f"{asked}Disposition-Notification-To: {ALIX}\r\n\r\nBonjour\r\n".encode())

    def work() -> None:
        scene.collect()
        scene.answering(desk).run_once()
        scene.collect()
        scene.send()

    with dying_at(step), pytest.raises(Killed):
        work()
    scene.journal.recover(owner="test")
    scene.dispatcher = scene.new_dispatcher()
    scene.clock.advance(3600)
    work()
    scene.inquire()
    scene.clock.advance(3600)
    work()
    assert len(scene.operator.messages(ALIX)) == 1
    (told,) = scene.told(scene.incoming()[0].id)
    assert told.state is OutgoingState.SENT


def test_a_decision_that_did_not_commit_leaves_nothing(scene: NoticeScene, monkeypatch: pytest.MonkeyPatch) -> None:
    row, desk = scene.given(), scene.desk(reception={"read_receipt": "taken"})
    before = len(scene.journal.trace(limit=1000))

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("connector.journal.notices._fill", lambda *_, **__: full())
    with pytest.raises((Unavailable, sqlite3.OperationalError)):
        desk.taken(row, actor="x")
    monkeypatch.undo()
    assert (scene.told(row), len(scene.journal.trace(limit=1000))) == ([], before)
    assert desk.taken(row, actor="x") == QUEUED


def asking_mail() -> bytes:
    head = f"Return-Path: <{ALIX}>\r\nFrom: <{ALIX}>\r\nMessage-ID: {ASKED}\r\n"
    return f"{head}Disposition-Notification-To: {ALIX}\r\n\r\nBonjour\r\n".encode()


def test_a_receipt_that_cannot_be_written_never_holds_up_the_delivery(scene: NoticeScene) -> None:
    good = scene.desk(reception={"read_receipt": "delivered"})
    software = good.settings.software.model_copy(update={"product_reference": ""})
    bad = NoticeDesk(
        scene.journal, good.settings.model_copy(update={"software": software}), scene.clock, scene.ids, "Essai 1"
    )
    scene.operator.deliver(LAB, asking_mail())
    scene.collect()
    assert scene.answering(bad).run_once() == 1
    assert len(scene.inbox.delivered) == 1


def test_a_receipt_that_breaks_in_a_way_nobody_foresaw_does_not_set_a_delivered_message_aside(
    scene: NoticeScene,
) -> None:
    def breaks(_incoming_id: str) -> None:
        raise ZeroDivisionError

    scene.operator.deliver(LAB, asking_mail())
    scene.collect()
    assert replace(scene.answering(scene.desk()), answer=breaks).run_once() == 1
    assert (len(scene.inbox.delivered), scene.inbox.quarantined) == (1, {})
    assert scene.incoming_states() == [IncomingState.DELIVERED]
