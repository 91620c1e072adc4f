"""A conversation through a real daemon: a result, its receipt, a reply, what comes back; and one more delivery."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.client import Connection
from connector.client.models.inbox import InboxItemModel
from connector.demo.stage import LABORATORY, PRACTITIONER, Stage, stage
from connector.sandbox.samples import sample
from tests.daemon.daemon_scene import until
from tests.daemon.test_daemon_api import connection

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops the process with POSIX signals")

CDA = sample("cr-biologie-v1.xml")
LAB_BOX, DOCTOR_BOX = "labo-exemple", "alix-exemple"
DONE = ("acknowledged",)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as running:
        yield running


def newest(connector: Connection, box: str, sender: str) -> InboxItemModel:
    """What arrived last from somebody, once the server knows that it is done."""

    def look() -> InboxItemModel | None:
        found = [item for item in connector.inbox(mailbox=box, states=DONE).items if item.sender_address == sender]
        return found[0] if found else None

    return until(look, f"a message of {sender} in {box}")


def test_a_result_is_receipted_answered_and_answered_again(scene: Stage) -> None:
    with connection(scene) as connector:
        sent = connector.submit(
            LAB_BOX, {"cr.xml": CDA}, recipients=[PRACTITIONER], options={"read_receipt": True}
        )  # fmt: skip
        result = newest(connector, DOCTOR_BOX, LABORATORY)
        assert result.identity == "qualified"
        assert [(notice.slot, notice.needs_decision) for notice in result.notices] == [("receipt", True)]
        assert connector.send_read_receipt(result.id).outcome == "queued"
        heard = until(
            lambda: [each for each in connector.message(sent.id).receipts if each.kind == "read"], "the read receipt"
        )
        assert heard[0].address == PRACTITIONER

        reply = connector.reply(result.id, "Bien reçu, merci.")
        question = newest(connector, LAB_BOX, PRACTITIONER)
        assert question.answers == sent.id
        assert question.subject.startswith("Re: ")
        assert connector.inbox_message(question.id).body.strip() == "Bien reçu, merci."
        back = connector.reply(question.id, "Avec plaisir.")
        last = until(
            lambda: [each for each in connector.inbox(mailbox=DOCTOR_BOX).items if each.answers == reply.id],
            "the answer to the answer",
        )
        members = {entry.id for entry in connector.thread(last[0].id).entries}
        assert {sent.id, result.id, reply.id, question.id, back.id, last[0].id} >= members
        assert {result.id, reply.id, last[0].id} <= members


def test_a_message_comes_into_the_folder_once_more(scene: Stage) -> None:
    with connection(scene) as connector:
        connector.submit(LAB_BOX, {"cr.xml": CDA}, recipients=[PRACTITIONER])
        result = newest(connector, DOCTOR_BOX, LABORATORY)
        first = {path.name for path in scene.inbox.iterdir()}
        assert first
        for path in list(scene.inbox.iterdir()):  # as the software does
            path.unlink()
        connector.requeue(result.id)
        until(lambda: {path.name for path in scene.inbox.iterdir()} == first, "the same files again")
        until(lambda: connector.inbox_message(result.id).state == "acknowledged", "the end of the delivery")
        assert connector.inbox(mailbox=DOCTOR_BOX).items[0].id == result.id
        assert len(connector.inbox(mailbox=DOCTOR_BOX).items) == 1
