"""Workers: a crash is contained, shown and repaired; stopping waits for everybody, and not for ever."""

import threading

import pytest

from connector.daemon.supervisor import Bell, Supervisor
from connector.platform.system import SystemClock
from connector.support.health import Condition


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor(SystemClock(), first_pause_seconds=0.001)


def test_a_worker_that_crashes_is_started_again_and_that_shows(supervisor: Supervisor) -> None:
    third_start = threading.Event()
    starts: list[int] = []

    def run() -> None:
        starts.append(1)
        if len(starts) == 3:
            third_start.set()
            return
        raise ValueError("patient DUPONT")

    supervisor.add("fragile", run, Bell())
    supervisor.start()
    assert third_start.wait(10)
    assert supervisor.stop(10) == []
    (part,) = supervisor.health().parts
    assert part.overall is Condition.ERROR
    assert part.detail == "ValueError (restarted 2 times)"  # never the message, which may quote a document


def test_a_crash_leaves_the_other_workers_alone(supervisor: Supervisor) -> None:
    done = threading.Event()
    supervisor.add("bad", lambda: (_ for _ in ()).throw(RuntimeError), Bell())
    supervisor.add("good", done.set, Bell())
    supervisor.start()
    assert done.wait(10)
    supervisor.stop(10)


def test_stopping_rings_a_sleeping_worker_awake(supervisor: Supervisor) -> None:
    bell = Bell()

    def run() -> None:
        while not supervisor.stopping:
            bell.wait(3600)

    supervisor.add("sleeper", run, bell)
    supervisor.start()
    assert supervisor.stop(10) == []


def test_stopping_rings_again_when_a_worker_took_the_ring_for_something_else(supervisor: Supervisor) -> None:
    bell = Bell()

    def run() -> None:
        while not supervisor.stopping:
            bell.wait(3600)
        bell.wait(3600)  # what it does last consumes another ring

    supervisor.add("busy", run, bell)
    supervisor.add("twin", run, bell)  # two workers on one bell: each ring wakes only one of them for sure
    supervisor.start()
    assert supervisor.stop(10) == []


def test_a_worker_that_does_not_stop_is_named(supervisor: Supervisor) -> None:
    release = threading.Event()
    supervisor.add("deaf", lambda: _wait_for(release), Bell())
    supervisor.start()
    assert supervisor.stop(0.01) == ["deaf"]
    release.set()


def _wait_for(event: threading.Event) -> None:
    event.wait(30)


def test_a_ring_during_work_is_not_lost() -> None:
    bell = Bell()
    bell.ring()
    assert (bell.is_rung, bell.wait(0), bell.is_rung, bell.wait(0)) == (True, True, False, False)
