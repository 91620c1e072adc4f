"""Delivery reports are what RFC 3464 says, and can be read by the standard library."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.receipts import DeliveryStatus, delivery_report

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ORIGINAL = b"Subject: essai\r\nMessage-ID: <1@test>\r\n\r\ncontenu secret\r\n"


def report(outcome: DeliveryStatus, envelope_id: str = "01TEST", original: bytes = ORIGINAL) -> bytes:
    return delivery_report(
        to="labo@test.mssante.example", reporting_host="localhost", original=original, envelope_id=envelope_id,
        outcome=outcome, message_id="<r1@localhost>", now=NOW,
    )  # fmt: skip


DELIVERED = DeliveryStatus(recipient="dr@test.mssante.example", action="delivered", status="2.0.0")


def parts(content: bytes) -> list[Any]:
    return cast("list[Any]", message_from_bytes(content).get_payload())


def test_the_three_parts_stand_in_the_order_of_the_rfc() -> None:
    kinds = [part.get_content_type() for part in parts(report(DELIVERED))]

    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]


def test_it_is_never_answered_automatically() -> None:
    assert message_from_bytes(report(DELIVERED))["Auto-Submitted"] == "auto-replied"


def test_only_the_header_of_the_message_goes_back() -> None:
    content = report(DELIVERED)

    assert b"<1@test>" in content
    assert b"contenu secret" not in content


def test_an_envelope_without_an_id_has_no_such_field() -> None:
    assert parts(report(DELIVERED, envelope_id=""))[1].get_payload()[0]["Original-Envelope-Id"] is None


def test_a_failure_names_the_answer_of_the_server() -> None:
    failed = DeliveryStatus(recipient="dr@t.example", action="failed", status="5.1.1", diagnostic="550 5.1.1 non")

    about_recipient = parts(report(failed))[1].get_payload()[1]

    assert (about_recipient["Action"], about_recipient["Diagnostic-Code"]) == ("failed", "smtp; 550 5.1.1 non")


@pytest.mark.parametrize("action", ["delivered", "failed", "delayed"])
def test_a_person_can_read_it_in_french(action: Any) -> None:
    outcome = DeliveryStatus(recipient="dr@t.example", action=action, status="4.0.0")

    message = message_from_bytes(report(outcome), policy=policy.default)

    assert isinstance(message, EmailMessage)
    assert "remise" in message["Subject"]
    assert "dr@t.example" in parts(report(outcome))[0].get_payload(decode=True).decode()


@given(st.binary(max_size=400))
def test_any_original_gives_a_report_of_three_parts_with_crlf(original: bytes) -> None:
    head = original.replace(b"=_rapport_", b"").partition(b"\r\n\r\n")[0].replace(b"\n", b"").replace(b"\r", b"")

    content = report(DELIVERED, original=head + b"\r\n\r\nx")

    assert len(parts(content)) == 3
    assert isinstance(message_from_bytes(content), Message)
    assert content.endswith(b"--\r\n")
