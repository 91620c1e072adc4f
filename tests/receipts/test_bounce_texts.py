"""Bounces that are no RFC 3464 report, server by server; and what looks like one and is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.mail.bounce_text import read_bounce_text
from connector.mail.receipts import Receipt, ReceiptForm, ReceiptKind, read_receipt
from tests.receipts.bounces import (
    ALIX,
    BEA,
    DOMINO,
    EXIM,
    EXIM_ALIAS,
    FAILURES,
    LAB,
    OURS,
    QMAIL,
    RETURNED,
    SENDMAIL,
    WARNINGS,
    opened,
    plain,
)


def receipt(text: str) -> Receipt:
    found = read_receipt(opened(text))
    assert found is not None
    return found


@pytest.mark.parametrize("server", FAILURES)
def test_a_failure_names_recipient_code_and_our_message(server: str) -> None:
    text, address, status, code = FAILURES[server]
    found = receipt(text)
    assert (found.form, found.kind) == (ReceiptForm.SERVER_TEXT, ReceiptKind.FAILED)
    first = found.recipients[0]
    assert (first.address, first.status, first.smtp_code) == (address, status, code)
    assert OURS in (found.message_id, *found.references)


@pytest.mark.parametrize("server", WARNINGS)
def test_a_warning_is_a_delay_and_no_failure(server: str) -> None:
    found = receipt(WARNINGS[server])
    assert (found.form, found.kind) == (ReceiptForm.SERVER_TEXT, ReceiptKind.DELAYED)
    assert [each.address for each in found.recipients] == [ALIX]
    assert OURS in (found.message_id, *found.references)


def test_each_address_keeps_its_own_words() -> None:
    alix, bea = receipt(QMAIL).recipients
    assert (alix.address, bea.address) == (ALIX, BEA)
    assert "does not like recipient" in alix.diagnostic
    assert (bea.smtp_code, bea.status) == (0, "5.1.1")
    assert "no mailbox here" in bea.diagnostic
    assert "does not like" not in bea.diagnostic


def test_addresses_of_the_transcript_and_of_the_returned_message_are_not_counted_again() -> None:
    assert [each.address for each in receipt(SENDMAIL).recipients] == [ALIX]
    assert LAB not in [each.address for text, *_ in FAILURES.values() for each in receipt(text).recipients]


def test_the_header_of_exim_limits_what_is_believed() -> None:
    text = EXIM.replace(f"  {ALIX}\n", f"  {BEA}\n    unrouteable\n  {ALIX}\n", 1)
    assert [each.address for each in receipt(text).recipients] == [ALIX]


def test_the_header_of_exim_without_its_text_is_still_a_bounce() -> None:
    head, _, _ = EXIM.partition("\n\n")
    found = receipt(f"{head}\n\nDésolé. {OURS}\n")
    assert (found.form, found.message_id) == (ReceiptForm.BOUNCE_LIKE, OURS)
    assert [each.address for each in found.recipients] == [ALIX]


def test_the_header_of_exim_and_other_addresses_in_the_text_fall_back_on_the_header() -> None:
    found = receipt(EXIM.replace(f"  {ALIX}\n", f"  {BEA}\n", 1))
    assert (found.form, [each.address for each in found.recipients]) == (ReceiptForm.BOUNCE_LIKE, [ALIX])


def test_a_colleague_who_quotes_a_bounce_sends_no_bounce() -> None:
    quoted = EXIM_ALIAS.replace("Return-Path: <>", f"Return-Path: <{BEA}>").replace(
        "Mail Delivery System <Mailer-Daemon@mx.exemple.fr>", f"Béa <{BEA}>"
    )
    assert read_receipt(opened(quoted)) is None


ABSENCES = {
    "sieve": f"From: {ALIX}\nAuto-Submitted: auto-replied (vacation)\nX-Sieve: Pigeonhole Sieve 0.5\n"
    "Precedence: bulk\nSubject: Auto: Undelivered Mail Returned to Sender",
    "sieve without its header": f"From: {ALIX}\nAuto-Submitted: auto-replied (vacation)\nSubject: failure notice",
    "exchange": f"From: {ALIX}\nAuto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\n"
    "Subject: Réponse automatique : retard de courrier",
    "of a robot": f"From: noreply@cabinet-exemple.fr\nSubject: Automatic reply: delivery problem\nReferences: {OURS}",
    "in words": f"From: {ALIX}\nX-Autoreply: yes\nSubject: Returned mail",
}


@pytest.mark.parametrize("kind", ABSENCES)
def test_an_answering_machine_is_no_receipt(kind: str) -> None:
    body = f"Je suis absente. I wasn't able to deliver your message to the following addresses.\n\n<{ALIX}>:\n"
    assert read_receipt(opened(plain(ABSENCES[kind], body))) is None


def test_a_robot_that_says_nothing_of_the_kind_is_no_bounce() -> None:
    head = "From: postmaster@mx.exemple.fr\nSubject: Maintenance"
    assert read_receipt(opened(plain(head, f"Le serveur sera arrêté.\n{ALIX}\n"))) is None


def test_a_known_sentence_without_an_address_is_not_enough() -> None:
    assert read_bounce_text("was not delivered to:\n\n  Alix\n") is None
    assert read_bounce_text(DOMINO.partition("\n\n")[2]) is not None


def test_a_robot_with_a_bounce_subject_that_we_do_not_understand_says_so() -> None:
    head = "From: MAILER-DAEMON@mx.exemple.fr\nSubject: Delivery problem"
    found = receipt(plain(head, f"Something went wrong.\n{RETURNED}"))
    assert (found.form, found.recipients, found.message_id) == (ReceiptForm.BOUNCE_LIKE, (), OURS)


@given(st.text(max_size=400), st.integers(0, 400), st.sampled_from([text for text, *_ in FAILURES.values()]))
def test_whatever_is_written_into_a_bounce_is_read_within_bounds(noise: str, place: int, text: str) -> None:
    body = text.partition("\n\n")[2]
    found = read_bounce_text(body[:place] + noise + body[place:])
    assert found is None or all(0 < len(each.address) <= 320 for each in found.addresses)


def test_ten_thousand_addresses_are_cut() -> None:
    lines = "".join(f"<a{number}@x.fr>:\nno\n" for number in range(10_000))
    found = read_bounce_text(f"I wasn't able to deliver your message to the following addresses.\n{lines}")
    assert found is not None
    assert 0 < len(found.addresses) <= 1_000
