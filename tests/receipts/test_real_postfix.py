"""The reports of a real Postfix, from the envelope to the state of each recipient."""

from collections.abc import Iterator

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.limits import Limits
from connector.domain.states import OutgoingEvent, OutgoingState, RecipientState
from connector.exchange.receipts import apply_receipt
from connector.journal.records import RecipientChange
from connector.mail.parse import open_message
from connector.mail.receipts import ReceiptForm, ReceiptKind, read_receipt
from connector.operators.smtp_imap.sender import SmtpSender
from tests.exchange.exchange_scene import LAB
from tests.receipts.notice_scene import NoticeScene
from tests.servers.mail import Submitter, envelope_for
from tests.servers.operator import MailOperator
from tests.servers.pki import Pki
from tests.servers.process import free_port

NOWHERE = MailboxAddress.parse("inconnu@nulle-part.mssante.test")
SLOW = MailboxAddress.parse("lent@en-panne.mssante.test")
_WARNS_AT_ONCE = """
delay_warning_time = 1s
transport_maps = inline:{{
  {{ en-panne.mssante.test = smtp:[127.0.0.1]:{closed} }}
  {{ nulle-part.mssante.test = smtp:[127.0.0.1]:{own} }} }}
"""


@pytest.fixture(scope="module")
def warning_operator(pki: Pki) -> Iterator[MailOperator]:
    """A Postfix of our own that takes mail for two domains: one refuses everything, the other does not answer."""
    operator = MailOperator(pki)
    operator.postfix.extra = _WARNS_AT_ONCE.format(closed=free_port(), own=operator.smtp_port)
    try:
        operator.start()
        yield operator
    finally:
        operator.stop()


def submitter(operator: MailOperator, mailbox: MailboxAddress) -> Submitter:
    return Submitter(SmtpSender(operator.settings(), operator.identity_for(mailbox)))


def test_delivered_failed_and_delayed_reach_their_recipients(
    warning_operator: MailOperator, scene: NoticeScene
) -> None:
    sender, good = warning_operator.new_mailbox("labo"), warning_operator.new_mailbox("dr.correspondant")
    people = (good, NOWHERE, SLOW)
    row = scene.frozen(*people)
    scene.journal.claim_due(LAB, owner="test", limit=1)
    scene.journal.data_begun(row)
    with submitter(warning_operator, sender) as work:
        answer = work.submit(envelope_for(sender, *people, envelope_id=row))
    accepted = [RecipientChange(who, RecipientState.ACCEPTED, 250, "ok") for who in people]
    scene.journal.record(row, OutgoingEvent.ACCEPT, answer=answer.text, recipients=accepted)

    kinds = set()
    for number, raw in enumerate(warning_operator.wait_for_messages(sender, 3)):
        receipt = read_receipt(open_message(raw, Limits()))
        assert receipt is not None
        assert (receipt.form, receipt.envelope_id) == (ReceiptForm.DSN, row)
        kinds |= {report.kind for report in receipt.recipients}
        assert apply_receipt(scene.journal, LAB, receipt, server="mx", incoming_id=f"01IN{number}")

    assert kinds == {ReceiptKind.DELIVERED, ReceiptKind.FAILED, ReceiptKind.DELAYED}
    assert scene.people(row) == {
        good: RecipientState.DELIVERED, NOWHERE: RecipientState.BOUNCED, SLOW: RecipientState.ACCEPTED,
    }  # fmt: skip
    assert scene.state(row) is OutgoingState.BOUNCED
    texts = {each.recipient: (each.kind, each.status) for each in scene.journal.receipts(scene.submission_of(row))}
    kind, status = texts[NOWHERE]
    assert (kind, status[:2]) == ("failed", "5.")
    assert texts[SLOW] == ("delayed", "4.4.1")


def test_the_null_path_of_our_answers_is_accepted_and_arrives(warning_operator: MailOperator) -> None:
    sender, good = warning_operator.new_mailbox("labo"), warning_operator.new_mailbox("dr.correspondant")
    with submitter(warning_operator, sender) as work:
        answer = work.submit(envelope_for(sender, good, null_sender=True, delivery_receipt=False))
    assert answer.code == 250
    (raw,) = warning_operator.wait_for_messages(good)
    assert b"Return-Path: <>" in raw
