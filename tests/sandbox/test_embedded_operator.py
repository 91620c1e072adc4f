"""The embedded operator as a client meets it: real sockets, real TLS, real clients."""

import asyncio
import contextlib
import smtplib
import ssl
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from connector.sandbox.moods import MoodKind
from connector.sandbox.operator import EmbeddedOperator

LAB = "labo@test.mssante.example"
DOCTOR = "dr.modele@test.mssante.example"
COLLEAGUE = "dr.exemple@test.mssante.example"
MESSAGE = (
    b"From: " + LAB.encode() + b"\r\nTo: " + DOCTOR.encode() + b"\r\nSubject: essai\r\n"
    b"Message-ID: <essai-1@test.mssante.example>\r\n\r\n.un point\r\n..deux\r\n\xc3\xa9t\xc3\xa9\r\n"
)
WITH_RECEIPT: dict[str, Any] = {
    "mail_options": ["BODY=8BITMIME", "RET=HDRS", "ENVID=01TEST+2BX"],
    "rcpt_options": ["NOTIFY=SUCCESS,FAILURE,DELAY"],
}

OpenSmtp = Callable[..., smtplib.SMTP]
OpenImap = Callable[..., IMAPClient]


def tls(operator: EmbeddedOperator, certificate: str | None = LAB) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # a refused certificate shows in the handshake itself
    context.load_verify_locations(operator.trust_file)
    context.load_verify_locations(operator.crl_file)
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF | ssl.VERIFY_X509_STRICT
    if certificate:
        context.load_cert_chain(operator.client_certificate(certificate))
    return context


@pytest.fixture(scope="module")
def shared_operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedOperator]:
    """One for all tests of this file: making keys takes half a second."""
    with EmbeddedOperator(tmp_path_factory.mktemp("operator"), [LAB, DOCTOR, COLLEAGUE]) as running:
        yield running


@pytest.fixture
def operator(shared_operator: EmbeddedOperator) -> Iterator[EmbeddedOperator]:
    yield shared_operator
    shared_operator.calm()


@pytest.fixture
def open_smtp(operator: EmbeddedOperator) -> Iterator[OpenSmtp]:
    """A client that is in TLS and logged in with its certificate."""
    clients: list[smtplib.SMTP] = []

    def connect(address: str = LAB) -> smtplib.SMTP:
        client = smtplib.SMTP(operator.host, operator.smtp_port, local_hostname="localhost", timeout=60)
        clients.append(client)
        client.starttls(context=tls(operator, address))
        client.ehlo()
        assert client.docmd("AUTH", "EXTERNAL =")[0] == 235
        return client

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def open_imap(operator: EmbeddedOperator) -> Iterator[OpenImap]:
    """A client that is in TLS, logged in with its certificate, with the INBOX selected."""
    clients: list[IMAPClient] = []

    def connect(address: str = DOCTOR) -> IMAPClient:
        client = IMAPClient(operator.host, operator.imap_port, ssl=False, timeout=10)
        clients.append(client)
        client.starttls(tls(operator, address))
        client.sasl_login("EXTERNAL", lambda _: b"")
        client.select_folder("INBOX")
        return client

    yield connect
    for client in clients:
        drop(client)


def plain_imap(operator: EmbeddedOperator) -> IMAPClient:
    return IMAPClient(operator.host, operator.imap_port, ssl=False, timeout=10)


def drop(client: IMAPClient) -> None:
    """Close a client, whatever state it is in."""
    with contextlib.suppress(IMAPClientError, OSError):
        client.shutdown()


def arrived(content: bytes) -> bytes:
    """As the recipient finds what the laboratory sent."""
    return f"Return-Path: <{LAB}>\r\n".encode() + content


def new_in(operator: EmbeddedOperator, address: str, before: list[bytes], folder: str = "INBOX") -> list[bytes]:
    return operator.messages(address, folder)[len(before) :]


class TestTls:
    def test_smtp_says_nothing_about_accounts_before_starttls(self, operator: EmbeddedOperator) -> None:
        with smtplib.SMTP(operator.host, operator.smtp_port, local_hostname="localhost") as client:
            client.ehlo()

            assert client.has_extn("starttls")
            assert not client.has_extn("auth")
            assert client.mail(LAB)[0] == 530

    def test_imap_refuses_a_login_before_starttls(self, operator: EmbeddedOperator) -> None:
        client = plain_imap(operator)

        assert b"LOGINDISABLED" in client.capabilities()
        with pytest.raises(IMAPClientError):
            client.login(DOCTOR, operator.password(DOCTOR))
        drop(client)

    def test_smtp_demands_a_client_certificate(self, operator: EmbeddedOperator) -> None:
        client = smtplib.SMTP(operator.host, operator.smtp_port, local_hostname="localhost")

        with pytest.raises((ssl.SSLError, ConnectionError, smtplib.SMTPServerDisconnected)):
            client.starttls(context=tls(operator, None))
        client.close()

    def test_imap_demands_a_client_certificate(self, operator: EmbeddedOperator) -> None:
        client = plain_imap(operator)

        with pytest.raises((ssl.SSLError, ConnectionError)):
            client.starttls(tls(operator, None))
        drop(client)

    def test_a_client_that_does_not_know_the_authority_refuses_the_server(self, operator: EmbeddedOperator) -> None:
        client = smtplib.SMTP(operator.host, operator.smtp_port, local_hostname="localhost")

        with pytest.raises(ssl.SSLCertVerificationError):
            client.starttls(context=ssl.create_default_context())
        client.close()

    def test_the_suites_of_the_reference_are_spoken(self, operator: EmbeddedOperator) -> None:
        context = tls(operator)
        context.set_ciphers("ECDHE-RSA-AES256-SHA384")
        client = smtplib.SMTP(operator.host, operator.smtp_port, local_hostname="localhost")

        assert client.starttls(context=context)[0] == 220
        client.close()


class TestIdentity:
    def test_a_certificate_speaks_for_its_own_mailbox_only(self, operator: EmbeddedOperator) -> None:
        client = smtplib.SMTP(operator.host, operator.smtp_port, local_hostname="localhost")
        client.starttls(context=tls(operator, LAB))
        client.ehlo()

        assert client.docmd("AUTH", "EXTERNAL ZHIubW9kZWxlQHRlc3QubXNzYW50ZS5leGFtcGxl")[0] == 535
        client.close()

    def test_the_mailbox_may_be_named_in_the_answer_to_a_challenge(self, operator: EmbeddedOperator) -> None:
        client = smtplib.SMTP(operator.host, operator.smtp_port, local_hostname="localhost")
        client.starttls(context=tls(operator, DOCTOR))
        client.ehlo()

        assert client.docmd("AUTH", "EXTERNAL")[0] == 334
        assert client.docmd("ZHIubW9kZWxlQHRlc3QubXNzYW50ZS5leGFtcGxl")[0] == 235
        client.close()

    def test_rubbish_instead_of_base64_is_a_syntax_error(self, operator: EmbeddedOperator) -> None:
        client = smtplib.SMTP(operator.host, operator.smtp_port, local_hostname="localhost")
        client.starttls(context=tls(operator))
        client.ehlo()

        assert client.docmd("AUTH", "EXTERNAL ?")[0] == 501
        assert client.docmd("AUTH", "EXTERNAL")[0] == 334
        assert client.docmd("*")[0] == 501
        client.close()

    def test_a_password_works_on_both_protocols(self, operator: EmbeddedOperator) -> None:
        smtp = smtplib.SMTP(operator.host, operator.smtp_port, local_hostname="localhost")
        smtp.starttls(context=tls(operator))
        imap = plain_imap(operator)
        imap.starttls(tls(operator, DOCTOR))

        assert smtp.login(LAB, operator.password(LAB))[0] == 235
        assert b"successful" in imap.login(DOCTOR, operator.password(DOCTOR))
        smtp.close()
        imap.logout()

    def test_a_wrong_password_opens_nothing(self, operator: EmbeddedOperator) -> None:
        smtp = smtplib.SMTP(operator.host, operator.smtp_port, local_hostname="localhost")
        smtp.starttls(context=tls(operator))
        imap = plain_imap(operator)
        imap.starttls(tls(operator, DOCTOR))

        with pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login(LAB, "perdu")
        with pytest.raises(IMAPClientError):
            imap.login(DOCTOR, "perdu")
        with pytest.raises(IMAPClientError):
            imap.sasl_login("EXTERNAL", lambda _: LAB.encode())
        smtp.close()
        drop(imap)

    def test_a_mailbox_sends_for_itself_only(self, open_smtp: OpenSmtp) -> None:
        assert open_smtp(LAB).mail(DOCTOR)[0] == 553

    def test_the_null_path_is_allowed_for_receipts(self, open_smtp: OpenSmtp, operator: EmbeddedOperator) -> None:
        before = operator.messages(DOCTOR)
        sent_before = operator.messages(LAB, "Sent")

        open_smtp(LAB).sendmail("", [DOCTOR], MESSAGE)

        assert new_in(operator, DOCTOR, before) == [b"Return-Path: <>\r\n" + MESSAGE]
        assert operator.messages(LAB, "Sent") == sent_before

    def test_the_mood_to_refuse_an_identity_acts_on_both_protocols(self, operator: EmbeddedOperator) -> None:
        operator.mood(MoodKind.REFUSE_IDENTITY, address=DOCTOR)
        smtp = smtplib.SMTP(operator.host, operator.smtp_port, local_hostname="localhost")
        smtp.starttls(context=tls(operator, DOCTOR))
        smtp.ehlo()
        imap = plain_imap(operator)
        imap.starttls(tls(operator, DOCTOR))

        assert smtp.docmd("AUTH", "EXTERNAL =")[0] == 535
        with pytest.raises(IMAPClientError):
            imap.sasl_login("EXTERNAL", lambda _: b"")
        smtp.close()
        drop(imap)


class TestDelivery:
    def test_what_is_accepted_arrives_byte_for_byte_and_is_filed(
        self, open_smtp: OpenSmtp, operator: EmbeddedOperator
    ) -> None:
        inbox, sent = operator.messages(DOCTOR), operator.messages(LAB, "Sent")

        open_smtp().sendmail(LAB, [DOCTOR, COLLEAGUE], MESSAGE, mail_options=["BODY=8BITMIME"])

        assert new_in(operator, DOCTOR, inbox) == [arrived(MESSAGE)]
        assert operator.messages(COLLEAGUE)[-1] == arrived(MESSAGE)
        assert new_in(operator, LAB, sent, "Sent") == [MESSAGE]

    def test_an_asyncio_client_is_served_too(self, operator: EmbeddedOperator) -> None:
        before = operator.messages(DOCTOR)

        async def send() -> None:
            client = aiosmtplib.SMTP(
                hostname=operator.host, port=operator.smtp_port, start_tls=True, tls_context=tls(operator),
                local_hostname="localhost",
            )  # fmt: skip
            await client.connect()
            await client.login(LAB, operator.password(LAB))
            await client.sendmail(LAB, [DOCTOR], MESSAGE, mail_options=["BODY=8BITMIME"])
            assert isinstance(client.transport, asyncio.WriteTransport)
            client.transport.abort()  # a TLS goodbye would outlive this loop
            client.close()
            await asyncio.sleep(0)

        asyncio.run(send())

        assert new_in(operator, DOCTOR, before) == [arrived(MESSAGE)]

    def test_the_recipient_fetches_the_same_bytes(
        self, open_smtp: OpenSmtp, open_imap: OpenImap, operator: EmbeddedOperator
    ) -> None:
        open_smtp().sendmail(LAB, [DOCTOR], MESSAGE, mail_options=["BODY=8BITMIME"])
        client = open_imap()
        newest = max(client.search(["ALL"]))

        fetched = client.fetch([newest], ["BODY.PEEK[]", "RFC822.SIZE", "FLAGS"])[newest]

        assert fetched[b"BODY[]"] == arrived(MESSAGE)
        assert fetched[b"RFC822.SIZE"] == len(arrived(MESSAGE))
        assert rb"\Seen" not in fetched[b"FLAGS"]

    def test_the_sender_finds_a_message_by_its_id_in_the_sent_folder(
        self, open_smtp: OpenSmtp, open_imap: OpenImap
    ) -> None:
        open_smtp().sendmail(LAB, [DOCTOR], MESSAGE.replace(b"essai-1@", b"cherche-moi@"))
        client = open_imap(LAB)
        client.select_folder("Sent", readonly=True)

        assert client.search(["HEADER", "Message-ID", "<cherche-moi@test.mssante.example>"])
        assert not client.search(["HEADER", "Message-ID", "<jamais-vu@test.mssante.example>"])

    def test_a_message_over_the_announced_size_is_refused(
        self, open_smtp: OpenSmtp, operator: EmbeddedOperator
    ) -> None:
        client = open_smtp()

        assert client.esmtp_features["size"] == str(operator.max_message_bytes)
        assert client.mail(LAB, [f"SIZE={operator.max_message_bytes + 1}"])[0] == 552

    def test_an_unknown_recipient_is_refused_and_the_others_are_served(
        self, open_smtp: OpenSmtp, operator: EmbeddedOperator
    ) -> None:
        before = operator.messages(DOCTOR)

        refused = open_smtp().sendmail(LAB, [DOCTOR, "personne@test.mssante.example"], MESSAGE)

        assert refused["personne@test.mssante.example"][0] == 550
        assert len(new_in(operator, DOCTOR, before)) == 1

    def test_a_large_message_passes(self, open_smtp: OpenSmtp, operator: EmbeddedOperator) -> None:
        large = b"Subject: lourd\r\n\r\n" + (b"A" * 76 + b"\r\n") * 150_000

        open_smtp().sendmail(LAB, [COLLEAGUE], large)

        assert operator.messages(COLLEAGUE)[-1] == arrived(large)


class TestReceipts:
    def receipt(self, operator: EmbeddedOperator) -> Any:
        return message_from_bytes(operator.messages(LAB)[-1])

    def test_a_delivery_receipt_comes_back_when_it_was_asked_for(
        self, open_smtp: OpenSmtp, operator: EmbeddedOperator
    ) -> None:
        open_smtp().sendmail(LAB, [DOCTOR], MESSAGE, **WITH_RECEIPT)

        report = self.receipt(operator)
        _, status, header = report.get_payload()
        about_message, about_recipient = status.get_payload()
        assert report.get_content_type() == "multipart/report"
        assert report.get_param("report-type") == "delivery-status"
        assert about_message["Original-Envelope-Id"] == "01TEST+X"
        assert about_recipient["Final-Recipient"] == f"rfc822; {DOCTOR}"
        assert about_recipient["Action"] == "delivered"
        assert "<essai-1@test.mssante.example>" in header.get_payload()

    def test_no_receipt_comes_when_none_was_asked_for(self, open_smtp: OpenSmtp, operator: EmbeddedOperator) -> None:
        before = operator.messages(LAB)

        open_smtp().sendmail(LAB, [DOCTOR], MESSAGE)

        assert operator.messages(LAB) == before

    def test_a_later_failure_is_reported_and_nothing_is_delivered(
        self, open_smtp: OpenSmtp, operator: EmbeddedOperator
    ) -> None:
        operator.mood(MoodKind.BOUNCE_LATER, address=DOCTOR, times=1)
        before = operator.messages(DOCTOR)

        open_smtp().sendmail(LAB, [DOCTOR], MESSAGE)

        about_recipient = self.receipt(operator).get_payload()[1].get_payload()[1]
        assert about_recipient["Action"] == "failed"
        assert about_recipient["Diagnostic-Code"].startswith("smtp; 550")
        assert operator.messages(DOCTOR) == before

    def test_a_receipt_may_get_lost(self, open_smtp: OpenSmtp, operator: EmbeddedOperator) -> None:
        operator.mood(MoodKind.NO_RECEIPT, times=1)
        before = operator.messages(LAB)

        open_smtp().sendmail(LAB, [DOCTOR], MESSAGE, **WITH_RECEIPT)

        assert operator.messages(LAB) == before


class TestMoods:
    @pytest.mark.parametrize(
        ("mood", "code"),
        [
            pytest.param(MoodKind.REFUSE_RECIPIENT, 550, id="refused"),
            pytest.param(MoodKind.DEFER_RECIPIENT, 451, id="greylisted"),
            pytest.param(MoodKind.MAILBOX_FULL, 452, id="full"),
        ],
    )
    def test_one_recipient_can_be_refused_while_the_other_is_served(
        self, open_smtp: OpenSmtp, operator: EmbeddedOperator, mood: MoodKind, code: int
    ) -> None:
        operator.mood(mood, address=COLLEAGUE)
        before = operator.messages(DOCTOR)

        refused = open_smtp().sendmail(LAB, [DOCTOR, COLLEAGUE], MESSAGE)

        assert refused[COLLEAGUE][0] == code
        assert new_in(operator, DOCTOR, before) == [arrived(MESSAGE)]

    @pytest.mark.parametrize(
        ("mood", "code"),
        [
            pytest.param(MoodKind.REFUSE_CONTENT, 554, id="refused"),
            pytest.param(MoodKind.DEFER_CONTENT, 451, id="deferred"),
        ],
    )
    def test_the_content_can_be_refused_once_and_accepted_then(
        self, open_smtp: OpenSmtp, operator: EmbeddedOperator, mood: MoodKind, code: int
    ) -> None:
        operator.mood(mood, times=1)
        before = operator.messages(DOCTOR)
        client = open_smtp()

        with pytest.raises(smtplib.SMTPDataError) as refusal:
            client.sendmail(LAB, [DOCTOR], MESSAGE)
        client.sendmail(LAB, [DOCTOR], MESSAGE)

        assert refusal.value.smtp_code == code
        assert new_in(operator, DOCTOR, before) == [arrived(MESSAGE)]

    def test_a_cut_during_the_content_delivers_nothing(self, open_smtp: OpenSmtp, operator: EmbeddedOperator) -> None:
        operator.mood(MoodKind.CUT_IN_DATA, times=1)
        inbox, sent = operator.messages(DOCTOR), operator.messages(LAB, "Sent")

        with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
            open_smtp().sendmail(LAB, [DOCTOR], MESSAGE)

        assert (operator.messages(DOCTOR), operator.messages(LAB, "Sent")) == (inbox, sent)

    def test_a_cut_after_the_content_has_delivered_it(self, open_smtp: OpenSmtp, operator: EmbeddedOperator) -> None:
        operator.mood(MoodKind.CUT_AFTER_DATA, times=1)
        inbox, sent = operator.messages(DOCTOR), operator.messages(LAB, "Sent")

        with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
            open_smtp().sendmail(LAB, [DOCTOR], MESSAGE)

        assert new_in(operator, DOCTOR, inbox) == [arrived(MESSAGE)]
        assert new_in(operator, LAB, sent, "Sent") == [MESSAGE]

    def test_a_slow_answer_comes_after_the_delivery(self, open_smtp: OpenSmtp, operator: EmbeddedOperator) -> None:
        operator.mood(MoodKind.SLOW_ANSWER, times=1, seconds=3600)
        before = operator.messages(DOCTOR)
        client = open_smtp()
        client.mail(LAB)
        client.rcpt(DOCTOR)
        client.docmd("DATA")
        client.send(MESSAGE.replace(b"\r\n.", b"\r\n..") + b".\r\n")

        assert operator.wait_for_messages(DOCTOR, len(before) + 1)[-1] == arrived(MESSAGE)

    def test_the_copy_in_the_sent_folder_may_be_missing(
        self, open_smtp: OpenSmtp, operator: EmbeddedOperator
    ) -> None:
        operator.mood("not_filed", times=1)
        before = operator.messages(LAB, "Sent")

        open_smtp().sendmail(LAB, [DOCTOR], MESSAGE)

        assert operator.messages(LAB, "Sent") == before

    def test_a_fault_of_the_sandbox_itself_is_a_temporary_answer(
        self, open_smtp: OpenSmtp, operator: EmbeddedOperator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connector.sandbox.imap.ImapServer.deliver", None)

        with pytest.raises(smtplib.SMTPDataError) as refusal:
            open_smtp().sendmail(LAB, [DOCTOR], MESSAGE)

        assert refusal.value.smtp_code == 451


class TestImap:
    def test_idle_tells_of_a_new_message(self, open_imap: OpenImap, operator: EmbeddedOperator) -> None:
        client = open_imap()
        client.idle()

        operator.deliver(DOCTOR, MESSAGE)

        told = client.idle_check(timeout=10)
        client.idle_done()
        assert b"EXISTS" in [line[1] for line in told]

    def test_keywords_are_kept(self, open_imap: OpenImap, operator: EmbeddedOperator) -> None:
        operator.deliver(DOCTOR, MESSAGE)
        client = open_imap()
        newest = max(client.search(["ALL"]))

        client.add_flags([newest], [rb"\Seen", b"$MSSConnectorDone"])

        assert newest not in open_imap().search(["UNKEYWORD", "$MSSConnectorDone"])

    def test_messages_can_be_copied_moved_and_expunged(self, open_imap: OpenImap, operator: EmbeddedOperator) -> None:
        client = open_imap(COLLEAGUE)
        operator.deliver(COLLEAGUE, MESSAGE)
        operator.deliver(COLLEAGUE, MESSAGE + b"bis\r\n")
        client.noop()
        first, second = client.search(["ALL"])[-2:]
        client.create_folder("Traités")

        client.copy([first], "Traités")
        client.move([second], "Traités")
        client.delete_messages([first])
        client.expunge()

        assert operator.messages(COLLEAGUE, "Traités") == [MESSAGE, MESSAGE + b"bis\r\n"]
        assert not {first, second} & set(client.search(["ALL"]))

    def test_a_cut_in_idle_ends_the_connection_and_the_next_is_welcome(
        self, open_imap: OpenImap, operator: EmbeddedOperator
    ) -> None:
        client = open_imap()
        client.idle()

        operator.drop_connections()

        with pytest.raises((IMAPClientError, OSError)):
            _ = client.idle_check(timeout=10), client.idle_done()
        assert open_imap().folder_status("INBOX")

    def test_a_restored_folder_has_another_uidvalidity(self, open_imap: OpenImap, operator: EmbeddedOperator) -> None:
        before = open_imap().folder_status("INBOX", ["UIDVALIDITY"])

        operator.renumber(DOCTOR)

        assert open_imap().folder_status("INBOX", ["UIDVALIDITY"]) != before

    def test_an_unknown_folder_is_an_error(self, operator: EmbeddedOperator) -> None:
        with pytest.raises(KeyError):
            operator.messages(DOCTOR, "Nulle part")


class TestLife:
    def test_mail_flags_and_passwords_are_there_again_after_a_restart(self, tmp_path: Path) -> None:
        first = EmbeddedOperator(tmp_path, [DOCTOR], require_client_certificate=False).start()
        first.deliver(DOCTOR, b"Subject: a\r\n\r\n")
        first.deliver(DOCTOR, MESSAGE)
        client = plain_imap(first)
        client.starttls(tls(first, None))
        client.login(DOCTOR, first.password(DOCTOR))
        validity = client.select_folder("INBOX")[b"UIDVALIDITY"]
        gone, kept = client.search(["ALL"])
        client.add_flags([kept], [b"$MSSConnectorDone"])
        client.delete_messages([gone])
        client.expunge()
        client.create_folder("Traités")
        client.append("Traités", MESSAGE)
        client.logout()
        first.stop()

        with EmbeddedOperator(tmp_path, [DOCTOR], require_client_certificate=False) as second:
            client = plain_imap(second)
            client.starttls(tls(second, None))
            client.login(DOCTOR, first.password(DOCTOR))
            assert client.select_folder("INBOX")[b"UIDVALIDITY"] == validity
            assert client.search(["ALL"]) == [kept]
            assert b"$MSSConnectorDone" in client.get_flags([kept])[kept]
            assert second.messages(DOCTOR) == second.messages(DOCTOR, "Traités") == [MESSAGE]
            client.logout()

    def test_it_comes_back_on_the_same_ports(self, tmp_path: Path) -> None:
        operator = EmbeddedOperator(tmp_path, [DOCTOR])
        ports = operator.start().smtp_port, operator.imap_port
        operator.stop()

        with operator:
            assert (operator.smtp_port, operator.imap_port) == ports

    def test_nothing_of_it_is_left_after_stop(self, tmp_path: Path) -> None:
        before = set(threading.enumerate())
        operator = EmbeddedOperator(tmp_path, [DOCTOR]).start()
        client = plain_imap(operator)

        operator.stop()
        operator.stop()

        drop(client)
        assert set(threading.enumerate()) <= before  # threads of earlier tests may have ended meanwhile
        with pytest.raises(OSError, match="refused"):
            plain_imap(operator)
        with pytest.raises(RuntimeError):
            operator.messages(DOCTOR)

    def test_it_cannot_be_started_twice(self, operator: EmbeddedOperator) -> None:
        with pytest.raises(RuntimeError):
            operator.start()

    def test_a_port_that_is_taken_is_told_at_start(self, operator: EmbeddedOperator, tmp_path: Path) -> None:
        other = EmbeddedOperator(tmp_path, [DOCTOR], ports=(operator.smtp_port, 0))

        with pytest.raises(OSError, match="in use"):
            other.start()

    def test_waiting_for_mail_that_does_not_come_ends(self, operator: EmbeddedOperator) -> None:
        with pytest.raises(TimeoutError):
            operator.wait_for_messages(DOCTOR, 10_000, seconds=0.01)

    def test_extensions_can_be_left_out(self, tmp_path: Path) -> None:
        with EmbeddedOperator(
            tmp_path, [DOCTOR], require_client_certificate=False, offers_dsn=False, offers_idle=False
        ) as poor:
            smtp = smtplib.SMTP(poor.host, poor.smtp_port, local_hostname="localhost")
            smtp.ehlo()
            imap = plain_imap(poor)
            imap.starttls(tls(poor, None))
            imap.login(DOCTOR, poor.password(DOCTOR))

            assert not smtp.has_extn("dsn")
            with pytest.raises(IMAPClientError):
                imap.idle()
            smtp.close()
            drop(imap)
