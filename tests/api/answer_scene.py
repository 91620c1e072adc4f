"""Received messages that ask for something, and the answers as they would leave."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from connector.domain.states import IncomingEvent
from connector.exchange.notices import NoticeDesk
from connector.exchange.plan import MailboxRules
from connector.exchange.prepare import Preparer
from connector.platform.system import SystemIds
from connector.xdm.pack import SenderInfo
from tests.api.api_scene import ApiScene, settings_of
from tests.api.test_api_inbox import arrive
from tests.journal.journal_builders import BOX

LAB = "labo@autre.mssante.fr"
INS = "279035121518989"
CITIZEN = f"{INS}@patient.mssante.fr"
ASKED = "<question@autre.mssante.fr>"


def with_policy(scene: ApiScene, policy_: str = "ask", **software: Any) -> ApiScene:
    """The mailbox of the doctor answers by this policy, and may send."""
    scene.settings = settings_of(software={"product_reference": "DEV0417", "environment": "test", **software})
    box = scene.settings.mailboxes[0]
    reception = type(box.reception).model_validate({"read_receipt": policy_})
    changed = box.model_copy(update={"reception": reception})
    scene.settings = scene.settings.model_copy(update={"mailboxes": (changed, *scene.settings.mailboxes[1:])})
    return scene


def written(
    *attachments: tuple[str, bytes],
    sender: str = LAB,
    asks: str = "",
    path: str = "",
    head: dict[str, str] | None = None,
) -> bytes:
    """A message as the operator gives it."""
    message = EmailMessage(policy=policy.SMTP)
    message["Return-Path"] = f"<{sender}>"
    message["From"], message["To"], message["Subject"] = f"Labo <{sender}>", str(BOX), "XDM/1.0/DDM+Examens TESTUT"
    message["Message-ID"], message["Date"] = ASKED, "Fri, 20 Nov 2026 09:00:00 +0100"
    if asks:
        message["Disposition-Notification-To"] = asks
    for name, value in (head or {}).items():
        message[name] = value
    message.set_content("Bonjour.")
    for name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def given(scene: ApiScene, *attachments: tuple[str, bytes], uid: int = 1, done: bool = False, **how: Any) -> str:
    """It arrives and stands in the folder of the LPS; what its receipt waits for is noted."""
    row = arrive(scene, written(*attachments, **how), uid=uid)
    desk(scene).delivered(row)
    if done:
        scene.journal.record_incoming(row, IncomingEvent.ACKNOWLEDGE)
    return row


def desk(scene: ApiScene) -> NoticeDesk:
    return NoticeDesk(scene.journal, scene.settings, scene.clock, SystemIds())


def frozen(scene: ApiScene, submission_id: str) -> EmailMessage:
    """A submission as it leaves."""
    mailbox = scene.settings.mailboxes[0]
    rules = MailboxRules(
        mailbox=mailbox, message=scene.settings.message, software=scene.settings.software,
        sender=SenderInfo(software="Essai", version="1", editor="Essai"), max_message_bytes=10_000_000,
        clock=scene.clock, ids=SystemIds(), earlier_message=lambda _: None,
    )  # fmt: skip
    Preparer(scene.journal, lambda _: rules, "essai").run_once()
    (message,) = scene.journal.submission(submission_id).messages
    assert message.payload_id is not None, (message.code, message.detail)
    parsed = message_from_bytes(scene.journal.letter(message.id).content, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed
