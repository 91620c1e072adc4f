"""The README's first command: a document goes out and comes back identical, twice in a row."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connector.demo import DemoFailed, round_trip, stage

ROOT = Path(__file__).resolve().parents[2]


def run_demo(folder: Path, language: str, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "connector", "demo", "--once", "--folder", str(folder), *options],
        cwd=ROOT, env=os.environ | {"MSS_LANG": language}, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def test_the_demo_works_twice_and_tells_every_step_in_both_languages(tmp_path: Path) -> None:
    french, english = run_demo(tmp_path, "fr"), run_demo(tmp_path, "en")
    assert french.returncode == 0, french.stdout + french.stderr
    assert english.returncode == 0, english.stdout + english.stderr
    told = french.stdout
    positions = [told.index(word) for word in ("déposé", "pris", "emballé", "envoyé", "reçu", "livré", "identique")]
    assert positions == sorted(positions)
    assert "identical, byte for byte" in english.stdout
    assert len(list(tmp_path.iterdir())) == 2


def test_with_a_card_the_mailbox_waits_for_the_pin_and_nothing_secret_is_left(tmp_path: Path) -> None:
    ended = run_demo(tmp_path, "en", "--card")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    positions = [
        ended.stdout.index(word) for word in ("sent", "card read: ALIX EXEMPLE", "PIN accepted", "identical")
    ]
    assert positions == sorted(positions)
    (run,) = tmp_path.iterdir()
    log = (run / "connecteur.log").read_text(encoding="utf-8")
    assert "pin_needed" in log
    assert "'1234'" not in log
    assert b"PRIVATE KEY" not in b"".join(path.read_bytes() for path in (run / "carte").rglob("*") if path.is_file())


def test_the_examples_in_spool_leave_when_they_are_copied_into_the_demo(tmp_path: Path) -> None:
    with stage(tmp_path) as scene:
        examples = sorted((ROOT / "spool" / "exemple" / "A_ENVOYER").iterdir(), key=lambda p: ".mss." not in p.name)
        for path in examples:
            shutil.copyfile(path, scene.outbox / path.name)
        statuses = scene.settings.spool.root / "labo-exemple" / "STATUTS"
        end = time.monotonic() + 40
        while time.monotonic() < end:
            found = [json.loads(p.read_text(encoding="utf-8"))["etat"] for p in statuses.glob("*.statut.json")]
            if len(found) == 4 and set(found) == {"remis"}:
                break
            time.sleep(0.1)
    assert sorted(found) == ["remis"] * 4


def test_an_operator_that_refuses_ends_the_story_with_a_reason(tmp_path: Path) -> None:
    from connector.sandbox.moods import MoodKind

    with stage(tmp_path) as scene:
        scene.operator.mood(MoodKind.REFUSE_RECIPIENT)
        with pytest.raises(DemoFailed, match="failed"):
            round_trip(scene, lambda _fr, _en, _path: None)
        errors = scene.settings.spool.root / "labo-exemple" / "ERREURS"
        end = time.monotonic() + 20
        while not (notes := list(errors.glob("*.erreur.txt"))) and time.monotonic() < end:
            time.sleep(0.05)  # the note follows the refusal within moments
        assert "opérateur" in notes[0].read_text("cp1252")
