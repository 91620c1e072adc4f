"""Submission to a real Postfix that demands the client certificate."""

import os

import pytest

from connector.domain.address import MailboxAddress
from connector.operators.errors import (
    AuthenticationRefused,
    ConnectionFailed,
    OutcomeUnknown,
    PermanentRefusal,
    TemporaryRefusal,
)
from connector.operators.smtp_imap import SmtpSender
from tests.servers.mail import Submitter, envelope_for
from tests.servers.moody import Proxy
from tests.servers.operator import MailOperator

pytestmark = pytest.mark.servers


@pytest.fixture
def recipient(operator: MailOperator) -> MailboxAddress:
    return operator.new_mailbox("dr.correspondant")


def submitter(operator: MailOperator, sender: MailboxAddress, **changes: object) -> Submitter:
    return Submitter(SmtpSender(operator.settings(**changes), operator.identity_for(sender)))


def through(proxy: Proxy) -> dict[str, object]:
    return {"host": "localhost", "port": proxy.port}


def test_a_message_arrives_byte_for_byte(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    body = b".dot\r\n..\r\n.\r\n\r\n" + "é\r\n".encode()
    envelope = envelope_for(mailbox, recipient, body=body)
    with submitter(operator, mailbox) as sender:
        acceptance = sender.submit(envelope)
    assert acceptance.code == 250
    assert "queued as" in acceptance.text
    assert acceptance.tls == "TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384, CN=localhost, CRL 24 h"
    assert [str(answer.address) for answer in acceptance.recipients if answer.accepted] == [str(recipient)]
    arrived = operator.wait_for_messages(recipient)[0].replace(b"\n", b"\r\n")
    assert arrived.endswith(envelope.content)


def test_the_operator_files_a_copy_of_what_was_sent(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    envelope = envelope_for(mailbox, recipient)
    with submitter(operator, mailbox) as sender:
        sender.submit(envelope)
    assert envelope.message_id.encode() in operator.wait_for_messages(mailbox, folder="Sent")[0]


def test_a_delivery_receipt_that_was_asked_for_arrives(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    with submitter(operator, mailbox) as sender:
        sender.submit(envelope_for(mailbox, recipient, envelope_id="01JDENVELOPE"))
    receipt = operator.wait_for_messages(mailbox)[0]
    assert b"Original-Envelope-Id: 01JDENVELOPE" in receipt
    assert b"Action: delivered" in receipt


def test_no_receipt_comes_when_none_was_asked_for(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    with submitter(operator, mailbox) as sender:
        sender.submit(envelope_for(mailbox, recipient, delivery_receipt=False))
        operator.wait_for_messages(recipient)
        sender.submit(envelope_for(mailbox, recipient, envelope_id="SECOND"))
    receipts = operator.wait_for_messages(mailbox)
    assert [b"Original-Envelope-Id: SECOND" in receipt for receipt in receipts] == [True]


def test_one_refused_recipient_does_not_sink_the_other(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    refused = operator.new_mailbox("secretariat")
    operator.set_access(refused, "550 5.1.1 no longer here")
    with submitter(operator, mailbox) as sender:
        acceptance = sender.submit(envelope_for(mailbox, recipient, refused))
    assert [(answer.code, answer.accepted) for answer in acceptance.recipients] == [(250, True), (550, False)]
    assert "no longer here" in acceptance.recipients[1].text
    assert len(operator.wait_for_messages(recipient)) == 1


def test_a_recipient_refused_for_good_is_a_permanent_refusal(operator: MailOperator, mailbox: MailboxAddress) -> None:
    unknown = MailboxAddress("personne", mailbox.domain)
    with submitter(operator, mailbox) as sender, pytest.raises(PermanentRefusal) as refusal:
        sender.submit(envelope_for(mailbox, unknown))
    assert refusal.value.code == "OPERATEUR_REFUS"
    assert refusal.value.answer.startswith("550 5.1.1")
    assert [answer.address for answer in refusal.value.recipients] == [unknown]


def test_a_temporary_refusal_passes(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    operator.set_access(recipient, "451 4.3.0 greylisted")
    envelope = envelope_for(mailbox, recipient)
    begun: list[str] = []
    with submitter(operator, mailbox) as sender, pytest.raises(TemporaryRefusal, match="OPERATEUR_DIFFERE"):
        sender.submit(envelope, on_data=lambda: begun.append("data"))
    assert begun == []
    operator.set_access(recipient, None)
    with submitter(operator, mailbox) as sender:
        assert sender.submit(envelope).code == 250


def test_the_connection_serves_again_after_a_refusal(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    with Proxy(operator.smtp_port) as proxy, submitter(operator, mailbox, smtp=through(proxy)) as sender:
        with pytest.raises(PermanentRefusal):
            sender.submit(envelope_for(mailbox, MailboxAddress("personne", mailbox.domain)))
        for _ in range(3):
            sender.submit(envelope_for(mailbox, recipient))
        assert proxy.connections == 1


def test_without_certificate_nobody_gets_in(operator: MailOperator, mailbox: MailboxAddress) -> None:
    from connector.identities import PasswordIdentity, plain

    identity = PasswordIdentity(credentials=lambda: plain("someone", "secret"), label="someone")
    with (
        Submitter(SmtpSender(operator.settings(), identity)) as sender,
        pytest.raises(AuthenticationRefused) as refusal,
    ):
        sender.submit(envelope_for(mailbox, mailbox))
    assert "certificate" in refusal.value.answer


def test_a_certificate_of_another_authority_is_refused(operator: MailOperator, mailbox: MailboxAddress) -> None:
    path = operator.pki.stranger.write(operator.folder / "stranger.pem")
    identity = operator.identity_for(mailbox, certificate=path)
    with Submitter(SmtpSender(operator.settings(), identity)) as sender, pytest.raises(AuthenticationRefused):
        sender.submit(envelope_for(mailbox, mailbox))


def test_a_cut_before_data_is_a_failed_connection(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    with Proxy(operator.smtp_port) as proxy, submitter(operator, mailbox, smtp=through(proxy)) as sender:
        proxy.cut_after_bytes(600)  # in the TLS handshake
        with pytest.raises(ConnectionFailed):
            sender.submit(envelope_for(mailbox, recipient))
        proxy.heal()
        assert sender.submit(envelope_for(mailbox, recipient)).code == 250


def test_an_idle_connection_that_the_server_closed_is_replaced_silently(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    with Proxy(operator.smtp_port) as proxy, submitter(operator, mailbox, smtp=through(proxy)) as sender:
        sender.submit(envelope_for(mailbox, recipient))
        proxy.cut()
        assert sender.submit(envelope_for(mailbox, recipient)).code == 250
        assert proxy.connections == 2


def test_a_cut_during_data_leaves_the_outcome_unknown(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    envelope = envelope_for(mailbox, recipient, body=b"x" * 70 + b"\r\n" + b"y" * 300_000 + b"\r\n")
    with Proxy(operator.smtp_port) as proxy, submitter(operator, mailbox, smtp=through(proxy)) as sender:
        with pytest.raises(OutcomeUnknown, match="ISSUE_INCONNUE"):
            sender.submit(envelope, on_data=lambda: proxy.cut_after_bytes(100_000))
        proxy.heal()
        after = envelope_for(mailbox, recipient)
        sender.submit(after)  # never the lost one by itself
    assert [after.message_id.encode() in raw for raw in operator.wait_for_messages(recipient)] == [True]


def test_an_answer_lost_after_the_final_dot_leaves_the_outcome_unknown(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    envelope = envelope_for(mailbox, recipient)
    with (
        Proxy(operator.smtp_port) as proxy,
        submitter(operator, mailbox, smtp=through(proxy)) as sender,
        pytest.raises(OutcomeUnknown) as unknown,
    ):
        sender.submit(envelope, on_data=lambda: proxy.cut_instead_of_answer(after=1))
    assert [answer.accepted for answer in unknown.value.recipients] == [True]
    assert envelope.message_id.encode() in operator.wait_for_messages(recipient)[0]


def test_an_answer_that_never_comes_leaves_the_outcome_unknown(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    changes = {"answer_seconds": 0.3}
    with Proxy(operator.smtp_port) as proxy, submitter(operator, mailbox, smtp=through(proxy), **changes) as sender:
        with pytest.raises(OutcomeUnknown):
            sender.submit(envelope_for(mailbox, recipient), on_data=proxy.stall)
        proxy.heal()


def test_what_on_data_raises_reaches_the_caller_and_nothing_is_sent(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    def fail() -> None:
        raise RuntimeError("the journal is full")

    with submitter(operator, mailbox) as sender:
        with pytest.raises(RuntimeError, match="journal is full"):
            sender.submit(envelope_for(mailbox, recipient), on_data=fail)
        after = envelope_for(mailbox, recipient)
        sender.submit(after)
    assert [after.message_id.encode() in raw for raw in operator.wait_for_messages(recipient)] == [True]


def test_25_megabytes_go_through(operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress) -> None:
    line = os.urandom(28).hex().encode() + b"\r\n"
    envelope = envelope_for(mailbox, recipient, body=line * (25_000_000 // len(line)))
    with submitter(operator, mailbox) as sender:
        assert sender.submit(envelope).code == 250
    assert operator.wait_for_messages(recipient)[0].replace(b"\n", b"\r\n").endswith(envelope.content)


@pytest.mark.parametrize("own_limit", [True, False], ids=["settings", "server"])
def test_a_message_over_the_limit_is_refused_before_it_leaves(
    operator: MailOperator, mailbox: MailboxAddress, own_limit: bool
) -> None:
    size = 1_000 if own_limit else 32_000_000
    begun: list[str] = []
    envelope = envelope_for(mailbox, mailbox, body=b"x" * size + b"\r\n")
    with (
        submitter(operator, mailbox, max_message_bytes=500 if own_limit else 40_000_000) as sender,
        pytest.raises(PermanentRefusal, match="TROP_GROS"),
    ):
        sender.submit(envelope, on_data=lambda: begun.append("data"))
    assert begun == []


def test_limits_are_what_the_server_announces(operator: MailOperator, mailbox: MailboxAddress) -> None:
    with submitter(operator, mailbox) as sender:
        limits = sender.run(sender.sender.limits())
    assert (limits.max_bytes, limits.offers_dsn) == (31_457_280, True)


def test_parallel_messages_share_a_bounded_number_of_connections(
    operator: MailOperator, mailbox: MailboxAddress, recipient: MailboxAddress
) -> None:
    import asyncio

    async def many(sender: SmtpSender) -> None:
        envelopes = [envelope_for(mailbox, recipient, delivery_receipt=False) for _ in range(12)]
        await asyncio.gather(*(sender.submit(envelope, on_data=lambda: None) for envelope in envelopes))

    with Proxy(operator.smtp_port) as proxy:
        smtp = SmtpSender(operator.settings(smtp=through(proxy), smtp_connections=3), operator.identity_for(mailbox))
        with Submitter(smtp) as sender:
            sender.run(many(smtp))
        assert proxy.connections == 3
    assert len(operator.wait_for_messages(recipient, 12)) == 12


def test_login_and_password_are_accepted(password_operator: MailOperator) -> None:
    mailbox = password_operator.new_mailbox()
    with submitter(password_operator, mailbox) as sender:
        assert sender.submit(envelope_for(mailbox, mailbox)).code == 250


@pytest.mark.parametrize("auth", ["plain", "login"])
def test_a_wrong_password_is_an_authentication_refusal(
    password_operator: MailOperator, auth: str, tmp_path: os.PathLike[str]
) -> None:
    from pathlib import Path

    from connector.settings.model import AuthMethod, SecretRef

    wrong = Path(tmp_path) / "wrong"
    wrong.write_text("not it")
    mailbox = password_operator.new_mailbox()
    identity = password_operator.identity_for(mailbox, auth=AuthMethod(auth), password=SecretRef(file=wrong))
    with (
        Submitter(SmtpSender(password_operator.settings(), identity)) as sender,
        pytest.raises(AuthenticationRefused) as refusal,
    ):
        sender.submit(envelope_for(mailbox, mailbox))
    assert refusal.value.answer.startswith("535")


def test_a_server_that_is_away_is_a_failed_connection(operator: MailOperator, mailbox: MailboxAddress) -> None:
    from tests.servers.process import free_port

    nobody = {"host": "localhost", "port": free_port()}
    with submitter(operator, mailbox, smtp=nobody) as sender, pytest.raises(ConnectionFailed) as failure:
        sender.submit(envelope_for(mailbox, mailbox))
    assert failure.value.code == "OPERATEUR_INJOIGNABLE"
