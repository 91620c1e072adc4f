"""The daemon as a person runs it: starts, says how it is, refuses to run twice, survives bad moments, stops."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.cli.exits import Exit
from connector.daemon.endpoint import ask_health
from connector.daemon.store import open_journal
from connector.demo import Stage, stage
from connector.domain.states import OutgoingState, WaitingFor
from connector.sandbox.moods import MoodKind
from connector.settings.model import Settings
from tests.daemon.daemon_scene import drop, until

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stops the process with POSIX signals")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as running:
        yield running


def states(settings: Settings) -> list[OutgoingState]:
    with contextlib.closing(open_journal(settings, actor="test")) as journal:
        return [message.state for view in journal.submissions() for message in view.messages]


def status(scene: Stage, name: str = "REQ0417") -> dict[str, Any] | None:
    path = scene.settings.spool.root / "labo-exemple" / "STATUTS" / f"{name}.statut.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def command(scene: Stage, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "connector", *arguments, "--config", str(scene.config)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env=os.environ | {"MSS_LANG": "fr"},
    )  # fmt: skip


def test_health_shows_every_part_and_a_second_daemon_is_refused(scene: Stage) -> None:
    health = ask_health(scene.settings)
    assert health is not None
    assert health["status"] == "ok"
    names = {part["name"] for part in health["components"]}
    assert {"labo-exemple", "alix-exemple", "workers", "journal"} <= names
    second = command(scene, "run")
    assert second.returncode == Exit.ALREADY_RUNNING
    assert "déjà lancé" in second.stderr


def test_the_network_is_cut_and_comes_back_and_nothing_is_lost(scene: Stage) -> None:
    scene.operator.stop()
    drop(scene)
    until(lambda: states(scene.settings) == [OutgoingState.PREPARED] or None, "the message to be prepared")
    health = until(lambda: _hindered(scene.settings), "the health tree to say so")
    assert "internet" in json.dumps(health, ensure_ascii=False)
    scene.operator.start()
    with contextlib.closing(open_journal(scene.settings, actor="test")) as journal:
        waiting = journal.submissions()[0].id
    assert command(scene, "queue", "retry", waiting).returncode == 0  # a person who does not want to wait
    until(lambda: len(list(scene.inbox.glob("*.mss.json"))) == 1 or None, "the delivery")


def _hindered(settings: Settings) -> dict[str, Any] | None:
    health = ask_health(settings)
    return health if health and health["status"] == "waiting" else None


def test_a_refused_identity_waits_for_a_person_and_is_not_hammered(scene: Stage) -> None:
    scene.operator.mood(MoodKind.REFUSE_IDENTITY)
    drop(scene)
    with contextlib.closing(open_journal(scene.settings, actor="test")) as journal:

        def waiting() -> int | None:
            found = [m for view in journal.submissions() for m in view.messages if m.state is OutgoingState.WAITING]
            return found[0].attempts if found and found[0].waiting_for is WaitingFor.CREDENTIALS else None

        assert until(waiting, "the message to wait") == 1
        drop(scene, "REQ0418", "cr-consultation-n1.xml")
        until(lambda: len(journal.submissions()) == 2 or None, "the second drop")
        until(lambda: OutgoingState.PREPARED in states(scene.settings) or None, "the second message to be prepared")
        attempts = [m.attempts for v in journal.submissions() for m in v.messages]
        assert sorted(attempts) == [0, 1]
        scene.operator.calm()
        answer = command(scene, "queue", "retry", journal.submissions()[1].id)
        assert answer.returncode == 0, answer.stderr
        until(lambda: {m.state for v in journal.submissions() for m in v.messages} <= {OutgoingState.SENT,
              OutgoingState.DELIVERED} or None, "both to leave")  # fmt: skip


def test_a_bad_drop_does_not_hold_up_a_good_one(scene: Stage) -> None:
    part = scene.outbox / ".bad.tmp"
    part.write_bytes(b"%PDF-1.4\n%%EOF\n")
    part.rename(scene.outbox / "SCAN.pdf")
    drop(scene)
    until(lambda: (status(scene) or {}).get("etat") == "remis" or None, "the good one to be delivered")
    note = until(
        lambda: next(scene.outbox.parent.glob("ERREURS/SCAN.erreur.txt"), None), "the note about the bad one"
    )
    assert "PATIENT_INCOMPLET" in note.read_text("cp1252")
    assert list(scene.outbox.glob("*")) == []


def test_the_second_copy_of_a_drop_is_reported_not_sent(scene: Stage) -> None:
    drop(scene)
    until(lambda: (status(scene) or {}).get("etat") == "remis" or None, "the first to be delivered")
    drop(scene, "REQ0417-bis")
    second = until(lambda: status(scene, "REQ0417-bis"), "the second to be looked at")
    assert second["etat"] == "doublon"
    assert len(scene.operator.messages(str(scene.settings.mailboxes[1].address))) == 1
    assert command(scene, "queue", "release", second["id"]).returncode == 0
    until(lambda: (status(scene, "REQ0417-bis") or {}).get("etat") == "remis" or None, "the forced copy to leave")


def test_a_spool_that_vanishes_is_an_error_and_never_empty(scene: Stage) -> None:
    root = scene.settings.spool.root
    away = root.with_name("elsewhere")
    root.rename(away)
    health = until(lambda: _hindered(scene.settings), "the health tree to say so")
    assert "SPOOL_ABSENT" in json.dumps(health)
    assert not root.exists()
    away.rename(root)
    drop(scene)
    until(lambda: len(list(scene.inbox.glob("*.mss.json"))) == 1 or None, "the delivery after it came back")


def test_a_signal_stops_the_daemon_within_ten_seconds_and_with_code_zero(scene: Stage) -> None:
    """A third process on its own data folder, since the scene's own daemon is stopped by the fixture."""
    text = scene.config.read_text(encoding="utf-8").replace(str(scene.folder), str(scene.folder / "other"))
    (scene.folder / "other").mkdir()
    other = scene.folder / "other" / "connector.toml"
    text = text.replace(str(scene.folder / "other" / "operateur"), str(scene.folder / "operateur"))
    other.write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "connector", "run", "--config", str(other)], cwd=ROOT,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: (scene.folder / "other" / "donnees" / "endpoint.json").exists() or None, "the endpoint")
        process.send_signal(signal.SIGTERM)
        assert process.wait(12) == 0
        assert not (scene.folder / "other" / "donnees" / "endpoint.json").exists()
    finally:
        process.kill()
        process.wait()


def test_a_port_that_is_taken_is_one_clear_sentence(scene: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        text = scene.config.read_text(encoding="utf-8").replace("port = 0", f"port = {taken.getsockname()[1]}")
        text = text.replace(str(scene.folder / "donnees"), str(scene.folder / "autres"))
        other = scene.folder / "occupied.toml"
        other.write_text(text, encoding="utf-8")
        answer = subprocess.run(
            [sys.executable, "-m", "connector", "run", "--config", str(other)], cwd=ROOT, capture_output=True,
            text=True, timeout=60, check=False, env=os.environ | {"MSS_LANG": "fr"},
        )  # fmt: skip
    assert answer.returncode == Exit.SETTINGS
    assert "port" in answer.stderr
    assert "Traceback" not in answer.stderr
