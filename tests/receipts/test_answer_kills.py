"""The real process dies between the delivery of a message and the answer to it: the sender hears it exactly once."""

import sys
from pathlib import Path

import pytest

from connector.domain.limits import Limits
from connector.domain.states import OutgoingState
from connector.mail.parse import open_message
from connector.mail.receipts import ReceiptForm, ReceiptKind, read_receipt
from tests.crash.crash_samples import incoming_message, message_id_of
from tests.crash.crash_site import CrashSite, wait_until
from tests.servers.operator import MailOperator

pytestmark = [
    pytest.mark.crash,
    pytest.mark.servers,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a Postfix and a Dovecot of its own"),
]

STEPS = (
    "journal.stored", "journal.opened", "deliver.index_renamed", "journal.notice_kept", "journal.delivered",
    "journal.claimed", "journal.data_begun", "send.content_given", "send.accepted", "journal.recorded",
)  # fmt: skip


def _answering_site(folder: Path, operator: MailOperator) -> CrashSite:
    """The practitioner's mailbox answers what it delivers."""
    site = CrashSite(folder, operator)
    text = site.config.read_text()
    site.config.write_text(text.replace("ok_flag = true }", 'ok_flag = true, read_receipt = "delivered" }'))
    site.make_journal()
    return site


def _answer_states(site: CrashSite) -> list[OutgoingState | None]:
    with site.journal() as journal:
        ids = [row.id for row in journal.incoming_messages() if row.mailbox == site.doctor]
        return [notice.state for notices in journal.notices(ids).values() for notice in notices]


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_the_answer_leaves_once(step: str, tmp_path: Path, operator: MailOperator) -> None:
    site = _answering_site(tmp_path / "site", operator)
    raw = incoming_message(1, sender=site.labo, recipient=site.doctor)
    asking = f"Return-Path: <{site.labo}>\r\nDisposition-Notification-To: <{site.labo}>\r\n".encode()
    operator.deliver(asking + raw, site.doctor)
    try:
        site.start(step)
        site.wait_for_death()
        assert site.reached()[-1] == step
        site.start()
        wait_until(lambda: _answer_states(site) == [OutgoingState.SENT], site.told)
        wait_until(lambda: site.operator_inbox(site.labo), site.told)
    finally:
        site.kill()

    (answer,) = site.operator_inbox(site.labo)
    receipt = read_receipt(open_message(answer, Limits()))
    assert receipt is not None
    assert (receipt.form, receipt.kind) == (ReceiptForm.MDN, ReceiptKind.DELIVERED)
    assert receipt.message_id == message_id_of(raw)
    assert len(list(site.received.glob("*.ok"))) == 1
    with site.journal() as journal:
        assert journal.violations() == []
