"""Webhooks: in order, at least once, nothing given up, nothing of a patient, a slow receiver delays nobody else."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.api.feed import LOOK_SECONDS
from connector.daemon import webhooks as module
from connector.daemon.webhooks import WebhookLoop, make_webhooks
from connector.daemon.workers import Mood
from connector.domain.errors import ConfigurationError, Unavailable
from connector.journal.events import EventKind
from connector.settings.model import ApiSettings
from connector.support.health import Condition
from connector.testing.clock import FakeClock
from tests.daemon.test_workers import QuickBell
from tests.daemon.webhook_scene import receiver
from tests.journal.journal_builders import BOX, Place, Scene, file_of, open_journal

AWAY = Unavailable("WEBHOOK_INJOIGNABLE", "nobody")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    clock = FakeClock()
    journal = open_journal(tmp_path, clock)
    yield Scene(journal, clock, tmp_path)
    journal.close()


class Receiver:
    """Accepts events, or plays refusals; stops the loop when it has idled once."""

    def __init__(self, scene: Scene, *kinds: EventKind, refusals: tuple[Exception, ...] = ()) -> None:
        self.told: list[dict[str, Any]] = []
        self.refusals = list(refusals)
        self.bell = QuickBell()
        self.loop = WebhookLoop(
            name="lps", kinds=frozenset(kinds or EventKind), journal=scene.journal, connect=lambda: self.post,
            bell=self.bell, stopping=self.stopping, mood=Mood("webhook-lps", scene.clock),
        )  # fmt: skip
        self.during: Callable[[], None] = lambda: None

    def post(self, event: Any) -> None:
        self.during()
        if self.refusals:
            raise self.refusals.pop(0)
        self.told.append(dict(event))

    def stopping(self) -> bool:
        return self.bell.waits[-1:] == [LOOK_SECONDS]

    def run(self) -> list[int]:
        """Until there is nothing to tell any more; the numbers that were told."""
        self.bell.waits.clear()
        before = len(self.told)
        self.loop.run()
        return [event["number"] for event in self.told[before:]]


def test_a_new_webhook_hears_what_happens_from_now_on_each_once_and_in_order(scene: Scene) -> None:
    scene.sent()
    lps, start = Receiver(scene), scene.journal.last_number()
    assert lps.run() == []
    scene.sent()
    scene.taken()
    last = scene.journal.last_number()
    assert lps.run() == list(range(start + 1, last + 1))
    assert lps.run() == []
    assert scene.journal.last_number() == last, "telling is not itself something to tell"


def test_an_event_is_the_one_of_the_stream(scene: Scene) -> None:
    lps = Receiver(scene)
    lps.run()
    submission_id = scene.message(scene.taken()).submission_id
    (number,) = lps.run()
    assert lps.told == [
        {
            "number": number, "at": "2026-11-20T09:00:00Z", "kind": "message", "subject_id": submission_id,
            "mailbox": str(BOX), "action": "take", "outcome": "received",
        }
    ]  # fmt: skip


def test_nothing_of_a_patient_or_a_correspondent_is_told(scene: Scene) -> None:
    lps = Receiver(scene)
    lps.run()
    message_id = scene.taken(
        source_name="DUPONT-Marie.xml", files=(file_of(name="DUPONT-Marie.xml"),), subject="DUPONT", body="Marie"
    )
    scene.journal.note_seen(BOX, [Place("DUPONT", 1, 1)])
    scene.journal.add_trace(
        action="lookup", mailbox=BOX, server="imap.exemple", answer="DUPONT", subject_id=message_id
    )
    assert len(lps.run()) == 3
    text = repr(lps.told)
    assert not [word for word in ("DUPONT", "Marie", "correspondant", "confrere", "imap") if word in text]
    assert {frozenset(event) for event in lps.told} == {
        frozenset({"number", "at", "kind", "subject_id", "mailbox", "action", "outcome"})
    }


def test_only_the_kinds_that_are_asked_for_are_told_and_the_others_are_not_looked_at_again(scene: Scene) -> None:
    lps = Receiver(scene, EventKind.CONNECTOR)
    lps.run()
    scene.taken()
    scene.journal.add_trace(action="login", mailbox=BOX)
    scene.taken()
    last = scene.journal.last_number()
    assert lps.run() == [last - 1]
    assert scene.journal.webhook_mark("lps") == last


def test_a_receiver_that_was_away_hears_everything_in_order_with_growing_pauses(scene: Scene) -> None:
    lps = Receiver(scene)
    lps.run()
    start = scene.journal.last_number()
    scene.sent()
    lps.refusals = [AWAY] * 9
    assert lps.run() == list(range(start + 1, scene.journal.last_number() + 1))
    assert lps.bell.waits == [1, 2, 4, 8, 16, 32, 60, 60, 60, LOOK_SECONDS]


def test_a_failure_shows_in_the_health_tree_until_it_is_over(scene: Scene) -> None:
    lps = Receiver(scene)
    lps.run()
    scene.taken()
    seen = []
    lps.during = lambda: seen.append(lps.loop.mood.component())
    lps.refusals = [AWAY, ConfigurationError("SECRET_ABSENT", "gone")]
    lps.run()
    assert [(one.condition, one.code) for one in seen] == [
        (Condition.OK, None), (Condition.WAITING, "WEBHOOK_INJOIGNABLE"), (Condition.WAITING, "SECRET_ABSENT"),
    ]  # fmt: skip
    assert lps.loop.mood.component().condition is Condition.OK


def test_after_a_restart_it_goes_on_where_it_was(scene: Scene) -> None:
    Receiver(scene).run()
    start = scene.journal.last_number()
    scene.taken()
    assert Receiver(scene).run() == [start + 1]
    assert Receiver(scene).run() == []


def test_more_than_one_batch_comes_without_a_pause(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BATCH", 2)
    lps = Receiver(scene)
    lps.run()
    for _ in range(5):
        scene.taken()
    assert len(lps.run()) == 5
    assert lps.bell.waits == [LOOK_SECONDS]


def test_a_stop_is_heard_between_two_events(scene: Scene) -> None:
    lps = Receiver(scene)
    lps.run()
    start = scene.journal.last_number()
    scene.sent()
    lps.during = lambda: lps.bell.waits.append(LOOK_SECONDS)
    assert lps.run() == [start + 1]
    assert scene.journal.webhook_mark("lps") == start + 1


def test_one_that_was_away_for_longer_than_the_trace_is_kept_is_told_to_load_anew(scene: Scene) -> None:
    lps = Receiver(scene, EventKind.MESSAGE)
    lps.run()
    scene.sent()
    scene.clock.advance(10)
    scene.journal.purge(payload_before=scene.clock.now(), trace_before=scene.clock.now())
    last = scene.journal.last_number()
    assert lps.run() == [last]
    assert (lps.told[0]["kind"], lps.told[0]["action"]) == ("connector", "reset")
    scene.taken()
    assert lps.run() == [last + 1]


@pytest.mark.parametrize("beyond", [1, 1000])
def test_a_mark_of_another_journal_is_noticed(scene: Scene, beyond: int) -> None:
    scene.taken()
    scene.journal.move_webhook_mark("lps", scene.journal.last_number() + beyond)
    lps = Receiver(scene)
    assert lps.run() == [scene.journal.last_number()]
    assert lps.told[0]["action"] == "reset"


# --- with HTTP ---


@contextlib.contextmanager
def running(scene: Scene, *hooks: dict[str, Any]) -> Iterator[list[WebhookLoop]]:
    """The loops of these settings, each on its thread."""
    stop = threading.Event()
    settings = ApiSettings.model_validate({"webhooks": list(hooks)})
    loops = make_webhooks(settings, scene.journal, scene.clock, stop.is_set)
    threads = [threading.Thread(target=loop.run) for loop in loops]
    for loop, thread in zip(loops, threads, strict=True):
        scene.journal.move_webhook_mark(loop.name, scene.journal.last_number())
        thread.start()
    try:
        yield loops
    finally:
        stop.set()
        for loop in loops:
            loop.bell.ring()
        for thread in threads:
            thread.join()


def test_without_settings_there_is_no_webhook(scene: Scene) -> None:
    assert make_webhooks(ApiSettings(), scene.journal, scene.clock, lambda: False) == []


def test_a_receiver_that_comes_back_hears_what_it_missed(scene: Scene) -> None:
    with running(scene, *hooks_at(port := free_port())) as (loop,):
        with receiver(port=port) as first:
            scene.taken()
            start = first.next().number
            first.answer = lambda heard: (503, {})
            scene.taken()
            assert first.next().number == start + 1
        scene.taken()
        with receiver(port=port) as back:
            loop.bell.ring()
            assert back.numbers(2) == [start + 1, start + 2]


def hooks_at(*ports: int, **changes: Any) -> list[dict[str, Any]]:
    return [{"name": f"lps-{port}", "url": f"http://127.0.0.1:{port}/", **changes} for port in ports]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def test_a_receiver_that_hangs_delays_nobody_else(scene: Scene) -> None:
    go_on, inside = threading.Event(), threading.Event()
    with receiver() as slow, receiver() as quick:

        def hang(_: object) -> tuple[int, dict[str, str]]:
            inside.set()
            go_on.wait(20)
            return 204, {}

        slow.answer = hang
        with running(scene, *hooks_at(slow.port, quick.port)):
            scene.taken()
            assert inside.wait(20)
            scene.taken()
            assert len(set(quick.numbers(2))) == 2
            go_on.set()


def test_events_are_signed_with_the_secret_of_the_settings(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from connector.daemon.webhook_post import signature

    monkeypatch.setenv("HOOK_SECRET", "s3cr3t")
    with receiver() as hook, running(scene, *hooks_at(hook.port, secret={"env": "HOOK_SECRET"})):
        scene.taken()
        heard = hook.next()
    assert heard.headers["mss-signature"] == signature("s3cr3t", heard.body)


def test_without_the_secret_nothing_is_sent_and_it_is_told(scene: Scene) -> None:
    lps = Receiver(scene)
    lps.run()
    scene.taken()
    settings = ApiSettings.model_validate(
        {"webhooks": [{"name": "lps", "url": "http://127.0.0.1:9/", "secret": {"env": "HOOK_SECRET_UNSET"}}]}
    )
    bell = QuickBell()
    (loop,) = make_webhooks(settings, scene.journal, scene.clock, lambda: bool(bell.waits))
    loop.bell = bell
    loop.run()
    assert loop.mood.code == "SECRET_ABSENT"


_SENDER = """
import sys
from pathlib import Path
from connector.daemon.webhooks import make_webhooks
from connector.settings.model import ApiSettings
from connector.testing.clock import FakeClock
from tests.journal.journal_builders import open_journal
journal = open_journal(Path(sys.argv[1]))
settings = ApiSettings.model_validate({"webhooks": [{"name": "lps", "url": sys.argv[2]}]})
(loop,) = make_webhooks(settings, journal, FakeClock(), lambda: False)
loop.run()
"""


@pytest.mark.crash
@pytest.mark.skipif(sys.platform == "win32", reason="kills with a POSIX signal")
def test_killed_after_the_receiver_has_it_the_event_comes_again_with_the_same_number(scene: Scene) -> None:
    journal = scene.journal
    journal.move_webhook_mark("lps", journal.last_number())
    start = journal.last_number()
    scene.taken()
    scene.taken()
    with receiver() as hook:
        processes: list[subprocess.Popen[bytes]] = []

        def kill_on_second(heard: Any) -> tuple[int, dict[str, str]]:
            if heard.number == start + 2 and len(processes) == 1:
                os.kill(processes[0].pid, signal.SIGKILL)  # the receiver has it, the sender never hears that
            return 204, {}

        hook.answer = kill_on_second
        for expected in ([start + 1, start + 2], [start + 2]):
            command = [sys.executable, "-c", _SENDER, str(scene.folder), f"http://127.0.0.1:{hook.port}/"]
            started = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[2])
            processes.append(started)
            assert hook.numbers(len(expected)) == expected
            if len(processes) == 2:
                started.terminate()
            started.wait(20)
        assert hook.heard.empty()
