"""What arrives to harm, and what must not leave to harm: limits, fuzzing, smuggling, injection."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, MalformedMessage
from connector.domain.limits import Limits
from connector.mail.compose import MessageSpec, PdfCopy, compose
from connector.mail.headers import SenderKind, SenderLabel
from connector.mail.parse import open_message
from connector.mail.receipts import is_automatic, read_receipt

LIMITS = Limits()


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\nbody", b"\nbody", b"no header here", b"\x00\xff" * 100])
def test_what_has_no_header_is_not_a_message(raw: bytes) -> None:
    with pytest.raises(MalformedMessage) as caught:
        open_message(raw, LIMITS)
    assert caught.value.code == "MESSAGE_ILLISIBLE"


@pytest.mark.parametrize(
    ("raw", "limits"),
    [
        pytest.param(b"Subject: " + b"x" * 100, replace(LIMITS, max_mime_bytes=50), id="bytes"),
        pytest.param(
            b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 10_000, LIMITS, id="10 000 parts"
        ),
        pytest.param(
            b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2000)),
            LIMITS,
            id="nested multiparts",
        ),
        pytest.param(b"Content-Type: message/rfc822\n\n" * 2000, LIMITS, id="nested messages"),
        pytest.param(
            b"Content-Type: message/rfc822\n\n" * 10 + b"x" * 1000,
            replace(LIMITS, max_expanded_bytes=5000),
            id="the same bytes in every level",
        ),
        pytest.param(b"X-A: b\n" * 50_000 + b"\nx", LIMITS, id="endless headers"),
    ],
)
def test_what_is_over_a_limit_is_set_aside(raw: bytes, limits: Limits) -> None:
    with pytest.raises(MalformedMessage) as caught:
        open_message(raw, limits)
    assert caught.value.code == "MESSAGE_ILLISIBLE"


def test_depth_counts_by_itself() -> None:
    nested = b"Content-Type: message/rfc822\n\n"
    assert open_message(nested * 20 + b"Subject: x\n\nx", LIMITS).parts[-1].depth == 19
    with pytest.raises(MalformedMessage, match="20 levels"):
        open_message(nested * 21 + b"Subject: x\n\nx", LIMITS)


PIECES = st.sampled_from([
    b"\r\n", b"\n", b"\r\n\r\n", b"--b", b"--b--", b"--c\r\n", b"\r\n--b\r\n", b"\r\n--c\r\n", b"\0", b"\xff",
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=c\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Type: message/delivery-status\r\n\r\n",
    b"Content-Type: message/disposition-notification\r\n\r\n",
    b"Content-Type: text/html; charset=\"utf-7\"\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Disposition: attachment; filename*0*=utf-8''a; filename*=b\r\n",
    b"Final-Recipient: rfc822; a@b\r\n",
    b"Action: failed\r\n",
    b"Disposition: a/b; processed/error: 902^x\r\n",
    b"Subject: =?x?b?A?= [KO\r\n",
    b"Subject: Undelivered Mail Returned to Sender\r\n",
    b"From: \"a (b <c@d>\r\n",
    b"Date: Mon, 31 Feb 0 99:99:99 +9999\r\n",
    b"References: <a@b> <\r\n",
    b"Return-Path: <>\r\n",
])  # fmt: skip
MESSAGES = st.lists(PIECES | st.binary(max_size=12), max_size=40).map(b"".join)


@settings(max_examples=400)
@given(MESSAGES)
def test_nothing_that_arrives_breaks_the_reader(raw: bytes) -> None:
    try:
        message = open_message(raw, replace(LIMITS, max_mime_parts=30, max_mime_depth=6))
    except MalformedMessage as error:
        assert error.code == "MESSAGE_ILLISIBLE"  # noqa: PT017 - the other outcome is as good
        return
    read_receipt(message)
    is_automatic(message)
    assert all(part.name and "/" not in part.name for part in message.parts)
    assert len(message.subject_display.splitlines()) <= 1


@given(st.binary(max_size=400))
def test_random_bytes_behind_a_header_are_opened(raw: bytes) -> None:
    message = open_message(b"Subject: x\r\nContent-Type: application/octet-stream\r\n\r\n" + raw, LIMITS)
    assert message.parts[0].content == raw


SPEC = MessageSpec(
    message_id="<01JDFZ0000000000000000ABCD@cabinet.mssante.fr>",
    date=datetime(2026, 11, 20, 9, tzinfo=UTC),
    sender=MailboxAddress.parse("alix@cabinet.mssante.fr"),
    label=SenderLabel(kind=SenderKind.PER, given="Alix", family="Exemple"),
    product_reference="DEV000000",
    to=(MailboxAddress.parse("dominique@hopital.mssante.fr"),),
    subject="Bonjour",
    body="Bonjour",
    pdfs=(PdfCopy("a.pdf", b"%PDF-1.4"),),
)

EXPECTED_HEADERS = [
    "date", "from", "to", "message-id", "subject", "x-mss-nil", "mime-version", "content-type",
]  # fmt: skip

INJECTIONS = [
    "x\r\nBcc: espion@exemple.fr",
    "x\nBcc: espion@exemple.fr",
    "x\rBcc: espion@exemple.fr",
    "x\u2028Bcc: espion@exemple.fr",
    "x\x85Bcc: espion@exemple.fr",
    "x\r\n\r\ncorps",
    "=?utf-8?q?x=0D=0ABcc:_espion?=",
    'x" <espion@exemple.fr>, "y',
    "x\ud800\r\nBcc: y",
]


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize(
    "where",
    [
        lambda text: {"subject": text},
        lambda text: {"label": SenderLabel(kind=SenderKind.PER, title=text, given=text, family=text, entity=text)},
        lambda text: {"label": SenderLabel(kind=SenderKind.ORG, entity=text)},
        lambda text: {"pdfs": (PdfCopy(text, b"x"),)},
        lambda text: {"body": text},
    ],
    ids=["subject", "person label", "entity label", "file name", "body"],
)
def test_no_text_adds_a_header_or_a_recipient(where: Any, text: str) -> None:
    message = open_message(compose(replace(SPEC, **where(text))), LIMITS)
    assert [name for name, _value in message.headers.fields] == EXPECTED_HEADERS
    assert [contact.address for contact in message.to] == ["dominique@hopital.mssante.fr"]
    assert message.sender.address == "alix@cabinet.mssante.fr"
    assert len(message.parts) == 1


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize(
    "where",
    [
        lambda text: {"message_id": text},
        lambda text: {"product_reference": text},
        lambda text: {"to": (MailboxAddress(text, "x.mssante.fr"),)},
        lambda text: {"cc": (MailboxAddress("x", text),)},
        lambda text: {"reply_to": MailboxAddress(text, "x.mssante.fr")},
        lambda text: {"sender": MailboxAddress("x", text)},
    ],
    ids=["message id", "product", "to", "cc", "reply to", "sender"],
)
def test_what_must_be_exact_is_refused_when_it_is_not(where: Any, text: str) -> None:
    with pytest.raises((ConnectorError, ValueError)):
        compose(replace(SPEC, **where(text)))


@pytest.mark.parametrize(
    "body",
    [
        "\r\n.\r\nMAIL FROM:<espion@exemple.fr>\r\n",
        "\n.\nMAIL FROM:<espion@exemple.fr>\n",
        "\n.\r\nMAIL FROM:<espion@exemple.fr>",
        "\r.\rMAIL FROM:<espion@exemple.fr>",
        ".",
        "..",
    ],
)
def test_smtp_smuggling_finds_no_end_of_data(body: str) -> None:
    content = compose(replace(SPEC, body=body))
    assert not re.search(rb"(?:\r|\n)\.(?:\r|\n)", content)
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", content)


def test_a_body_cannot_close_its_part() -> None:
    boundary = open_message(compose(SPEC), LIMITS).headers.get("content-type").partition('boundary="')[2].rstrip('"')
    message = open_message(compose(replace(SPEC, body=f"a\n--{boundary}--\nb")), LIMITS)
    assert message.body == f"a\n--{boundary}--\nb"
    assert len(message.parts) == 1
