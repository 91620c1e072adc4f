"""The real daemon tells a program of this machine what becomes of a drop."""

import sys
from pathlib import Path

import pytest

from connector.daemon.endpoint import ask_health
from connector.demo import stage
from tests.daemon.daemon_scene import drop
from tests.daemon.webhook_scene import receiver


@pytest.mark.skipif(sys.platform == "win32", reason="stops the process with POSIX signals")
def test_a_drop_is_told_from_its_taking_to_its_arrival(tmp_path: Path) -> None:
    with receiver() as hook:
        address = f"http://localhost:{hook.port}/mss"
        webhook = f'\n[[api.webhooks]]\nname = "lps"\nurl = "{address}"\nevents = ["message"]\n'
        with stage(tmp_path, more_settings=webhook) as scene:
            drop(scene)
            told = [hook.next().event]
            while told[-1]["outcome"] != "delivered":
                told.append(hook.next().event)
            health = ask_health(scene.settings) or {}
    assert told[0]["action"] == "take"
    assert "sent" in {event["outcome"] for event in told}
    assert {event["kind"] for event in told} == {"message"}
    assert len({event["subject_id"] for event in told}) == 1
    numbers = [event["number"] for event in told]
    assert numbers == sorted(set(numbers))
    assert {part["name"]: part["status"] for part in health["components"]}["webhook-lps"] == "ok"
