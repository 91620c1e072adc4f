"""The software and its folder, through a real daemon: what it takes and what it reports, its sender hears."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.delivery.watch import FOLDER
from connector.demo.stage import LABORATORY, PRACTITIONER, Stage, stage
from connector.sandbox.samples import sample
from tests.daemon.daemon_scene import until
from tests.daemon.test_daemon_answers import DOCTOR_BOX, LAB_BOX, newest
from tests.daemon.test_daemon_api import connection

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops the process with POSIX signals")

CDA = sample("cr-biologie-v1.xml")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as running:
        yield running


def test_files_that_left_the_folder_are_taken(scene: Stage) -> None:
    with connection(scene) as connector:
        connector.submit(LAB_BOX, {"cr.xml": CDA}, recipients=[PRACTITIONER])
        result = newest(connector, DOCTOR_BOX, LABORATORY)
        assert result.taken_at is None
        for path in list(scene.inbox.iterdir()):
            path.unlink()
        until(lambda: connector.inbox_message(result.id).taken_by == FOLDER, "what the software took")


def test_a_failed_integration_reaches_the_sender_with_its_code(scene: Stage) -> None:
    with connection(scene) as connector:
        sent = connector.submit(
            LAB_BOX, {"cr.xml": CDA}, recipients=[PRACTITIONER], options={"read_receipt": True}
        )  # fmt: skip
        newest(connector, DOCTOR_BOX, LABORATORY)
        (index,) = scene.inbox.glob("*.mss.json")
        report = index.with_name(index.name.replace(".mss.json", ".echec"))
        report.write_text("902 patient inconnu", encoding="cp1252")
        heard = until(
            lambda: [each for each in connector.message(sent.id).receipts if each.integration_code], "the failure"
        )
        assert (heard[0].address, heard[0].integration_code) == (PRACTITIONER, "902")
        until(lambda: not report.exists(), "the end of the report")
