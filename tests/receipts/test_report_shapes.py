"""RFC 3464 and RFC 8098 in the shapes of the field, and the codes that an acknowledgement may carry."""

import pytest

from connector.mail.receipts import ReceiptKind, RecipientReport, read_receipt
from connector.mail.smtp_codes import LISTED_CODES, listed_code
from tests.receipts.bounces import ALIX, BEA, LAB, OURS, opened

HEAD = f"""Return-Path: <>
From: MAILER-DAEMON@mx.exemple.fr
To: {LAB}
Subject: Rapport
"""


def report(fields: str, *, media_type: str = "message/delivery-status", kind: str = "delivery-status") -> str:
    return f"""{HEAD}Content-Type: multipart/report; report-type={kind}; boundary="r"

--r
Content-Type: text/plain

Texte
--r
Content-Type: {media_type}

{fields}
--r
Content-Type: text/rfc822-headers

Message-ID: {OURS}
--r--
"""


def recipients(text: str) -> tuple[RecipientReport, ...]:
    found = read_receipt(opened(text))
    assert found is not None
    assert found.message_id == OURS
    return found.recipients


def test_two_recipients_without_a_blank_line_between_are_two() -> None:
    fields = (
        f"Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; {ALIX}\nAction: failed\nStatus: 5.1.1\n"
        f"Final-Recipient: rfc822; {BEA}\nAction: delivered\nStatus: 2.0.0\n"
    )
    assert [(each.address, each.kind) for each in recipients(report(fields))] == [
        (ALIX, ReceiptKind.FAILED), (BEA, ReceiptKind.DELIVERED),
    ]  # fmt: skip


def test_an_alias_keeps_both_addresses() -> None:
    fields = (
        f"Original-Recipient: rfc822;{ALIX}\nFinal-Recipient: rfc822; interne@x.fr\nAction: expanded\nStatus: 2.0.0"
    )
    (found,) = recipients(report(fields))
    assert (found.address, found.also, found.kind) == (ALIX, "interne@x.fr", ReceiptKind.RELAYED)


def test_an_address_still_in_xtext_is_decoded() -> None:
    fields = "Original-Recipient: rfc822;alix+2Bbio@x.fr\nAction: delivered\nStatus: 2.0.0"
    assert recipients(report(fields))[0].address == "alix+bio@x.fr"


@pytest.mark.parametrize("media_type", ["message/delivery-status", "message/global-delivery-status"])
def test_both_types_of_report_are_read(media_type: str) -> None:
    fields = f"Final-Recipient: utf-8; {ALIX}\nAction: delayed\nStatus: 4.4.1\nWill-Retry-Until: demain"
    (found,) = recipients(report(fields, media_type=media_type))
    assert (found.address, found.kind) == (ALIX, ReceiptKind.DELAYED)


def mdn(head: str) -> ReceiptKind:
    fields = f"Final-Recipient: rfc822;{ALIX}\nOriginal-Message-ID: {OURS}\n"
    fields += "Disposition: automatic-action/MDN-sent-automatically; deleted"
    text = report(fields, media_type="message/disposition-notification", kind="disposition-notification")
    found = read_receipt(opened(text.replace("Subject: Rapport", head)))
    assert found is not None
    return found.kind


def test_the_reject_of_sieve_is_a_failure_and_a_deleted_message_only_arrived() -> None:
    assert mdn("Subject: Automatically rejected mail") is ReceiptKind.FAILED
    assert mdn("Subject: Mail\nX-Sieve: Pigeonhole Sieve") is ReceiptKind.FAILED
    assert mdn("Subject: Non lu : CR") is ReceiptKind.DELIVERED


@pytest.mark.parametrize(
    ("smtp_code", "status", "code"),
    [
        (550, "5.7.1", 550), (452, "", 452), (0, "5.1.1", 550), (0, "5.2.2", 552), (571, "5.1.2", 512), (0, "", 554),
        (0, "5.9.9", 554), (0, "4.2.2", 422), (0, "4.9.9", 450), (455, "", 450), (599, "", 554), (0, "4.4.7", 420),
    ],
)  # fmt: skip
def test_the_code_of_an_acknowledgement_is_one_of_the_list(smtp_code: int, status: str, code: int) -> None:
    assert listed_code(smtp_code=smtp_code, status=status) == code
    assert code in LISTED_CODES
