"""What goes over the SMTP wire, byte by byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.address import MailboxAddress
from connector.operators.base import OutgoingEnvelope
from connector.operators.errors import PermanentRefusal
from connector.operators.smtp_imap.answer import MAX_CHARS, clean
from connector.operators.smtp_imap.submission import check_content, dot_stuffed, mail_options, rcpt_options, xtext

ME = MailboxAddress("dr.modele", "cabinet.mssante.test")
LINES = st.lists(st.binary(max_size=12).map(lambda raw: raw.translate(None, b"\r\n\0")), min_size=1)


def envelope(content: bytes = b"x\r\n", **changes: object) -> OutgoingEnvelope:
    values: dict[str, object] = {"sender": ME, "recipients": (ME,), "message_id": "<1@test>", "content": content}
    return OutgoingEnvelope(**(values | changes))  # type: ignore[arg-type]  # values of several types


def unstuffed(wire: bytes) -> bytes:
    """What a server makes of it (RFC 5321 4.5.2)."""
    lines = wire.removesuffix(b".\r\n").split(b"\r\n")
    return b"\r\n".join(line.removeprefix(b".") for line in lines)


@given(LINES)
def test_the_server_gets_exactly_the_content_and_sees_one_end(lines: list[bytes]) -> None:
    content = b"\r\n".join(lines) + b"\r\n"
    check_content(content)
    wire = dot_stuffed(content)
    assert unstuffed(wire) == content
    assert (b"\r\n" + wire).count(b"\r\n.\r\n") == 1
    assert wire.endswith(b".\r\n")


@pytest.mark.parametrize(
    "content",
    [
        b"x\n.\r\nMAIL FROM:<intrus@ailleurs>\r\n",
        b"x\r\n.\nMAIL FROM:<intrus@ailleurs>\r\n",
        b"x\r.\r\n",
        b"x\r\r\n",
        b"x\n\r\n",
        b"x\0\r\n",
        b"no end",
        b"",
        b"\r",
    ],
)
def test_smtp_smuggling_is_refused_before_anything_leaves(content: bytes) -> None:
    with pytest.raises(PermanentRefusal, match="MESSAGE_MALFORME"):
        check_content(content)


def test_size_body_and_receipt_are_asked_for_when_offered() -> None:
    everything = frozenset({"size", "8bitmime", "dsn"})
    asked = envelope("é\r\n".encode(), envelope_id="01JD+=A")
    assert mail_options(asked, everything) == (b"SIZE=4", b"BODY=8BITMIME", b"RET=HDRS", b"ENVID=01JD+2B+3DA")
    assert rcpt_options(asked, "a+b@c.test", everything) == (
        b"NOTIFY=SUCCESS,FAILURE,DELAY", b"ORCPT=rfc822;a+2Bb@c.test",
    )  # fmt: skip


def test_nothing_is_asked_for_that_is_not_offered_or_not_wanted() -> None:
    assert mail_options(envelope(), frozenset()) == ()
    assert rcpt_options(envelope(), str(ME), frozenset()) == ()
    unwanted = envelope(delivery_receipt=False, envelope_id="X")
    assert mail_options(unwanted, frozenset({"dsn"})) == ()
    assert rcpt_options(unwanted, str(ME), frozenset({"dsn"})) == ()
    assert mail_options(envelope(), frozenset({"dsn"})) == (b"RET=HDRS",)


def test_8_bit_content_needs_a_server_that_takes_it() -> None:
    with pytest.raises(PermanentRefusal, match="OPERATEUR_SANS_8BIT"):
        mail_options(envelope(b"\xe9\r\n"), frozenset({"size"}))


@given(st.text())
def test_xtext_is_printable_ascii_without_surprises(text: str) -> None:
    encoded = xtext(text)
    assert all(33 <= byte <= 126 and byte != ord("=") for byte in encoded)


@given(st.one_of(st.binary(), st.text(st.characters(codec=None, exclude_categories=()))))
def test_an_answer_becomes_one_bounded_printable_line(said: bytes | str) -> None:
    try:
        text = clean(said)
    except UnicodeEncodeError:  # lone surrogates that no decoder of ours produces
        return
    assert len(text) <= MAX_CHARS
    assert all(character.isprintable() for character in text)
    text.encode("utf-8")


def test_an_answer_keeps_what_it_says() -> None:
    assert clean("2.0.0 Ok: queued as B548F\n\x1b[31mé") == "2.0.0 Ok: queued as B548F [31mé"
    assert clean(b"\xff\xfe ok".decode("utf-8", "surrogateescape")) == "\ufffd\ufffd ok"
