"""kill -9 between the commit and the answer: the sender asks again, gets the answer, and one message leaves."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connector.documents.hl7.answer import read_ack
from connector.domain.errors import Unavailable
from connector.platform.mllp import exchange
from tests.hl7.hl7_messages import mdm
from tests.mllp.mllp_scene import MllpScene

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")


@contextmanager
def listener(folder: Path, step: str = "") -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    command = [sys.executable, "-m", "tests.mllp.killed", str(folder), *([step] if step else [])]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            told = next(line for line in process.stdout if line.startswith("port "))
            yield int(told.split()[1]), process
        finally:
            process.stdin.close()
            process.wait(30)


@pytest.mark.parametrize("step", ["journal.taken", "mllp.taken"])
def test_the_answer_is_lost_and_the_order_is_not(tmp_path: Path, step: str) -> None:
    with listener(tmp_path, step) as (port, process):
        with pytest.raises(Unavailable):
            exchange(mdm(), ("127.0.0.1", port), seconds=20)
        assert process.wait(30) < 0, "it died by the signal"
    with listener(tmp_path) as (port, _):
        again = [read_ack(exchange(mdm(), ("127.0.0.1", port), seconds=20)) for _ in range(2)]
    assert [(ack.code, ack.control_id) for ack in again] == [("AA", "MSG0001")] * 2
    scene = MllpScene(tmp_path)
    assert len(scene.journal.submissions()) == 1
    scene.journal.close()
