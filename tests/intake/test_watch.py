"""Events wake, and an observer that dies is replaced."""

import threading
from pathlib import Path
from typing import Any

import pytest
from watchdog.observers.api import BaseObserver, EventEmitter
from watchdog.observers.polling import PollingObserver

from connector.intake.watch import FolderWatch


@pytest.mark.parametrize("is_share", [False, True], ids=["events", "polling"])
def test_a_new_file_rings(tmp_path: Path, is_share: bool) -> None:
    rung = threading.Event()
    watch = FolderWatch([tmp_path], rung.set, is_share=is_share)
    watch.start()
    try:
        assert watch.check()
        (tmp_path / "X.xml").write_bytes(b"x")
        assert rung.wait(20)
    finally:
        watch.stop()
    assert not watch.check()


def test_a_dead_observer_is_replaced(tmp_path: Path) -> None:
    made: list[BaseObserver] = []

    def make() -> BaseObserver:
        made.append(PollingObserver(timeout=0.05))
        return made[-1]

    watch = FolderWatch([tmp_path], lambda: None, make_observer=make)
    watch.start()
    made[0].stop()
    made[0].join(20)
    assert watch.check()
    assert len(made) == 2
    watch.stop()


def test_a_folder_that_is_not_there_is_watched_when_it_is_back(tmp_path: Path) -> None:
    folder = tmp_path / "share"
    watch = FolderWatch([folder], lambda: None)
    watch.start()
    assert not watch.check()
    folder.mkdir()
    assert watch.check()
    watch.stop()


def test_a_system_without_watches_left_is_survived(tmp_path: Path) -> None:
    class Full(EventEmitter):
        def on_thread_start(self) -> None:
            raise OSError(24, "inotify watch limit reached")

    def make() -> BaseObserver:
        return BaseObserver(Full)

    watch = FolderWatch([tmp_path], lambda: None, make_observer=make)
    watch.start()
    assert not watch.check()
    watch.stop()


def test_reading_wakes_nobody(tmp_path: Path) -> None:
    calls: list[Any] = []
    watch = FolderWatch([tmp_path], lambda: calls.append(1))
    from watchdog.events import FileClosedNoWriteEvent, FileModifiedEvent

    watch._handler.dispatch(FileClosedNoWriteEvent("x"))
    assert calls == []
    watch._handler.dispatch(FileModifiedEvent("x"))
    assert calls == [1]
