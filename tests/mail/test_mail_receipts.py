"""Receipts and bounces, written as the field writes them."""

import pytest

from connector.domain.limits import Limits
from connector.mail.parse import OpenedMessage, open_message
from connector.mail.receipts import (
    BounceCause,
    Receipt,
    ReceiptForm,
    ReceiptKind,
    RecipientReport,
    is_automatic,
    read_receipt,
)

OURS = "<20240603101502.4f2c9e@labo-exemple.mssante.fr>"
SUBJECT = "XDM/1.0/DDM+CR d'examens biologiques VIAL Paul 26/11/1978"


def opened(text: str) -> OpenedMessage:
    return open_message(text.strip("\n").encode().replace(b"\n", b"\r\n"), Limits())


def receipt(text: str) -> Receipt:
    found = read_receipt(opened(text))
    assert found is not None
    return found


def dsn(report: str, *, returned: str = "text/rfc822-headers") -> str:
    return f"""
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.mssante.fr>
To: resultats-bio@labo-exemple.mssante.fr
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="r"

--r
Content-Type: text/plain; charset=us-ascii

This is the mail system.
--r
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.mssante.fr
Original-Envelope-Id: 01JDFZ0000000000000000ABCD
Arrival-Date: Mon, 3 Jun 2024 10:15:03 +0200

{report}
--r
Content-Type: {returned}

Message-ID: {OURS}
Subject: {SUBJECT}

--r--
"""


FAILED = """Final-Recipient: rfc822; inconnu@cabinet-exemple.mssante.fr
Original-Recipient: rfc822;Inconnu@cabinet-exemple.mssante.fr
Action: failed
Status: 5.1.1
Remote-MTA: dns; imap.cabinet-exemple.mssante.fr
Diagnostic-Code: smtp; 550 5.1.1 <inconnu@cabinet-exemple.mssante.fr>:
 Recipient address rejected"""

DELIVERED = """Final-Recipient: rfc822; alix@cabinet-exemple.mssante.fr
Action: delivered
Status: 2.0.0"""


def test_a_failure_names_recipient_cause_and_our_ids() -> None:
    found = receipt(dsn(FAILED))
    assert found.form is ReceiptForm.DSN
    assert found.kind is ReceiptKind.FAILED
    assert found.envelope_id == "01JDFZ0000000000000000ABCD"
    assert found.message_id == OURS
    assert found.recipients == (
        RecipientReport(
            address="Inconnu@cabinet-exemple.mssante.fr",
            kind=ReceiptKind.FAILED,
            status="5.1.1",
            smtp_code=550,
            diagnostic="smtp; 550 5.1.1 <inconnu@cabinet-exemple.mssante.fr>: Recipient address rejected",
        ),
    )


def test_the_whole_returned_message_is_read_for_its_id() -> None:
    assert receipt(dsn(FAILED, returned="message/rfc822")).message_id == OURS


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("delivered", "2.0.0", ReceiptKind.DELIVERED),
        ("Relayed", "2.0.0", ReceiptKind.RELAYED),
        ("expanded", "2.0.0", ReceiptKind.RELAYED),
        ("delayed (still trying)", "4.4.1", ReceiptKind.DELAYED),
        ("failed", "5.2.2", ReceiptKind.FAILED),
        ("", "2.1.5", ReceiptKind.DELIVERED),
        ("odd", "4.0.0", ReceiptKind.DELAYED),
        ("", "", ReceiptKind.FAILED),
    ],
)
def test_each_action_of_a_delivery_report(action: str, status: str, kind: ReceiptKind) -> None:
    report = f"Final-Recipient: rfc822; a@x.mssante.fr\nAction: {action}\nStatus: {status}"
    assert receipt(dsn(report)).kind is kind


def test_one_bad_address_does_not_hide_the_good_one() -> None:
    found = receipt(dsn(f"{DELIVERED}\n\n{FAILED}"))
    assert [report.kind for report in found.recipients] == [ReceiptKind.DELIVERED, ReceiptKind.FAILED]
    assert found.kind is ReceiptKind.FAILED


def test_the_status_is_also_found_in_the_diagnostic() -> None:
    report = "Final-Recipient: a@x.fr\nAction: failed\nDiagnostic-Code: smtp; 452 4.2.2 quota"
    found = receipt(dsn(report)).recipients[0]
    assert (found.address, found.status, found.smtp_code) == ("a@x.fr", "4.2.2", 452)


def test_a_report_without_recipient_is_at_least_a_bounce() -> None:
    assert receipt(dsn("X-Note: nothing")).form is ReceiptForm.BOUNCE_LIKE


def test_a_report_that_somebody_forwards_is_an_ordinary_message() -> None:
    forward = "From: alix@x.mssante.fr\nSubject: TR: retour\nContent-Type: message/rfc822\n\n" + dsn(FAILED).strip()
    assert read_receipt(opened(forward)) is None


def mdn(disposition: str, *, subject: str = SUBJECT, original: str = OURS) -> str:
    return f"""
From: Integration Cabinet <integration@cabinet-exemple.mssante.fr>
To: resultats-bio@labo-exemple.mssante.fr
Message-ID: <20240603103000.77@cabinet-exemple.mssante.fr>
In-Reply-To: <fil@labo-exemple.mssante.fr>
Subject: {subject}
X-MSS-NIL: DEV000000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="r1"

--r1
Content-Type: text/plain; charset="utf-8"

Voir ci-dessous.
--r1
Content-Type: message/disposition-notification

Reporting-UA: poste1.cabinet-exemple; Connecteur MSS
Original-Recipient: rfc822;integration@cabinet-exemple.mssante.fr
Final-Recipient: rfc822;integration@cabinet-exemple.mssante.fr
Original-Message-ID: {original}
{disposition}
--r1
Content-Type: message/rfc822

Message-ID: <embarque@labo-exemple.mssante.fr>
Subject: {SUBJECT}

x
--r1--
"""


AUTO = "Disposition: automatic-action/MDN-sent-automatically; "
KO = "=?utf-8?q?=5BKO_Int=C3=A9gration_syst=C3=A8me_!=5D=5B902=5D?= " + SUBJECT


@pytest.mark.parametrize("disposition", ["processed", "displayed", "Displayed"])
def test_a_read_receipt(disposition: str) -> None:
    found = receipt(mdn(AUTO + disposition))
    assert (found.form, found.kind) == (ReceiptForm.MDN, ReceiptKind.READ)
    assert found.message_id == OURS
    assert found.references == ("<embarque@labo-exemple.mssante.fr>", "<fil@labo-exemple.mssante.fr>")
    assert found.disposition == disposition.lower()
    assert found.recipients[0].address == "integration@cabinet-exemple.mssante.fr"
    assert found.integration_code == ""


@pytest.mark.parametrize("disposition", ["deleted", "dispatched"])
def test_unread_but_arrived(disposition: str) -> None:
    assert receipt(mdn(AUTO + disposition)).kind is ReceiptKind.DELIVERED


FORM_A = AUTO + "processed/Error: 902^Identifiant de patient inconnu^messageErrorCondition| E^Error^errorSeverity"
FORM_B = AUTO + "processed/error\nError: 902^Identifiant de patient inconnu^applicationErrorCondition| E^Error"


@pytest.mark.parametrize("disposition", [FORM_A, FORM_B], ids=["form A", "form B"])
def test_both_forms_of_an_integration_error(disposition: str) -> None:
    found = receipt(mdn(disposition, subject=KO))
    assert (found.form, found.kind) == (ReceiptForm.MDN, ReceiptKind.INTEGRATION_FAILED)
    assert (found.integration_code, found.integration_text) == ("902", "Identifiant de patient inconnu")


@pytest.mark.parametrize(
    ("disposition", "subject", "code", "text"),
    [
        (AUTO + "processed/error", SUBJECT, "", "error"),
        (AUTO + "processed/error", KO, "902", "error"),
        (AUTO + "processed", KO, "902", "error"),
        (AUTO + "processed/error\nError: code 904 INS", SUBJECT, "904", "code 904 INS"),
        (AUTO + "processed/failure\nError: 207^Erreur", SUBJECT, "207", "Erreur"),
    ],
)
def test_an_integration_error_is_pieced_together(disposition: str, subject: str, code: str, text: str) -> None:
    found = receipt(mdn(disposition, subject=subject))
    assert found.kind is ReceiptKind.INTEGRATION_FAILED
    assert (found.integration_code, found.integration_text) == (code, text)


def test_error_zero_is_no_error() -> None:
    assert receipt(mdn(AUTO + "processed\nError: 0^accepted")).kind is ReceiptKind.READ


def test_without_original_id_the_embedded_message_is_used() -> None:
    assert receipt(mdn(AUTO + "processed", original="")).message_id == "<embarque@labo-exemple.mssante.fr>"


def test_an_unreadable_disposition_only_proves_arrival() -> None:
    assert receipt(mdn("X-Note: rien")).kind is ReceiptKind.DELIVERED


def test_the_ordinary_mail_about_a_failed_integration() -> None:
    found = receipt(f"""
From: integration@cabinet-exemple.mssante.fr
Subject: {KO}
Content-Type: multipart/mixed; boundary=b

--b

Integration impossible : patient inconnu (902).
--b
Content-Type: message/rfc822; name="message_original.eml"

Message-ID: {OURS}

x
--b--
""")
    assert (found.form, found.kind) == (ReceiptForm.INTEGRATION_NOTICE, ReceiptKind.INTEGRATION_FAILED)
    assert (found.integration_code, found.message_id) == ("902", OURS)


def test_a_result_is_no_receipt() -> None:
    assert read_receipt(opened(f"From: a@x.mssante.fr\nSubject: {SUBJECT}\n\nBonjour")) is None


def test_a_closed_patient_mailbox() -> None:
    found = receipt(f"""
From: Mon espace sante <ne-pas-repondre@patient.mssante.fr>
Subject: =?utf-8?q?Message_non_distribu=C3=A9?=

Votre message {OURS} pour 279035121518989@patient.mssante.fr n'a pas été remis.
""")
    assert (found.form, found.kind) == (ReceiptForm.PATIENT_SPACE, ReceiptKind.FAILED)
    assert found.cause is BounceCause.MAILBOX
    assert [report.address for report in found.recipients] == ["279035121518989@patient.mssante.fr"]
    assert found.message_id == OURS


def test_a_message_too_big_for_a_patient() -> None:
    found = receipt(f"""
Return-Path: <>
From: MAILER-DAEMON@mx.operateur.mssante.fr
Subject: Undelivered Mail Returned to Sender
In-Reply-To: {OURS}

279035121518989@patient.mssante.fr : message size
""")
    assert (found.form, found.cause) == (ReceiptForm.PATIENT_SPACE, BounceCause.TOO_BIG)
    assert found.message_id == OURS


def test_a_patient_who_writes_about_an_undelivered_message_is_no_bounce() -> None:
    mail = "From: Leo <279035121518989@patient.mssante.fr>\nSubject: Message non distribué ?\n\nBonjour"
    assert read_receipt(opened(mail)) is None


def test_news_from_the_patient_space_is_no_bounce() -> None:
    assert read_receipt(opened("From: info@patient.mssante.fr\nSubject: Information\n\nBonjour")) is None


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("From: MAILER-DAEMON@x.fr\nSubject: failure notice", ReceiptKind.FAILED),
        ("From: postmaster@x.fr\nSubject: Undeliverable: compte rendu", ReceiptKind.FAILED),
        ("Return-Path: <>\nFrom: a@x.fr\nSubject: Échec de la remise", ReceiptKind.FAILED),
        ("From: postmaster@x.fr\nSubject: Non remis : compte rendu", ReceiptKind.FAILED),
        ("From: postmaster@x.fr\nSubject: Warning: message delayed 24 hours", ReceiptKind.DELAYED),
    ],
)
def test_what_only_looks_like_a_bounce_says_so(head: str, kind: ReceiptKind) -> None:
    found = receipt(f"{head}\n\n...")
    assert (found.form, found.kind, found.recipients) == (ReceiptForm.BOUNCE_LIKE, kind, ())


def test_failed_recipients_named_in_a_header() -> None:
    found = receipt("From: a@x.fr\nX-Failed-Recipients: b@x.fr, c@x.fr\nSubject: retour\n\n...")
    assert [report.address for report in found.recipients] == ["b@x.fr", "c@x.fr"]


def test_a_colleague_who_speaks_of_a_delay_is_no_bounce() -> None:
    assert read_receipt(opened("From: alix@x.fr\nSubject: retard du patient\n\n...")) is None


@pytest.mark.parametrize(
    ("head", "automatic"),
    [
        ("From: alix@x.fr", False),
        ("From: alix@x.fr\nAuto-Submitted: no", False),
        ("From: alix@x.fr\nAuto-Submitted: Auto-Replied; owner=x", True),
        ("From: alix@x.fr\nReturn-Path: <>", True),
        ("From: alix@x.fr\nReturn-Path: <alix@x.fr>", False),
        ("From: alix@x.fr\nPrecedence: Bulk", True),
        ("From: alix@x.fr\nList-Id: <l.x.fr>", True),
        ("From: Mailer-Daemon@x.fr", True),
        ("From: alix@x.fr\nContent-Type: multipart/report; boundary=b", True),
    ],
)
def test_a_machine_never_gets_an_answer(head: str, automatic: bool) -> None:
    assert is_automatic(opened(f"{head}\n\nx")) is automatic
