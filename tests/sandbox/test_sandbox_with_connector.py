"""The connector's own sender and receiver get along with the sandbox, with the settings that it prints."""

import asyncio
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.identities.base import Identity
from connector.identities.factory import IdentityServices, make_identity
from connector.operators.base import Lookup, OutgoingEnvelope
from connector.operators.smtp_imap.receiver import ImapReceiver
from connector.operators.smtp_imap.sender import SmtpSender
from connector.platform.system import SystemClock
from connector.sandbox.console import settings_toml
from connector.sandbox.operator import EmbeddedOperator
from connector.settings.model import MailboxSettings, Settings

LAB, DOCTOR = "labo@test.mssante.example", "dr.modele@test.mssante.example"
CONTENT = b"Subject: essai\r\nMessage-ID: <1@test.mssante.example>\r\n\r\nbonjour\r\n.point\r\n"


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[EmbeddedOperator]:
    with EmbeddedOperator(tmp_path, [LAB, DOCTOR]) as running:
        yield running


def no_secret(_: Any) -> str:
    raise AssertionError("the certificate of the sandbox has no password")


def test_a_message_goes_out_comes_in_is_filed_and_receipted(operator: EmbeddedOperator) -> None:
    settings = Settings.model_validate(tomllib.loads(settings_toml(operator)))
    server, (lab, doctor) = settings.operators["bac-a-sable"], settings.mailboxes

    def identity(mailbox: MailboxSettings) -> Identity:
        return make_identity(
            mailbox.identity, mailbox.address, IdentityServices(read_secret=no_secret, clock=SystemClock())
        )

    async def send() -> int:
        sender = SmtpSender(server, identity(lab))
        envelope = OutgoingEnvelope(
            sender=lab.address, recipients=(doctor.address,), message_id="<1@test.mssante.example>", content=CONTENT,
            envelope_id="01TEST",
        )  # fmt: skip
        acceptance = await sender.submit(envelope, on_data=lambda: None)
        await sender.close()
        return acceptance.code

    code = asyncio.run(send())
    inbox, outbox = ImapReceiver(server, identity(doctor)), ImapReceiver(server, identity(lab))
    places = inbox.list_new("INBOX", known_after=None)
    received = [message.content for message in inbox.fetch(places)]
    inbox.mark_done(places)

    assert (code, received) == (250, [f"Return-Path: <{lab.address}>\r\n".encode() + CONTENT])
    assert inbox.list_new("INBOX", known_after=None) == []
    assert outbox.find_sent("<1@test.mssante.example>") is Lookup.FOUND
    assert b"Original-Envelope-Id: 01TEST" in operator.messages(LAB)[0]
    inbox.close()
    outbox.close()
