"""File events as a wake-up call, nothing more: what they say is not even read.

Events get lost (bursts, shares, a full queue), and an observer may die for good on an error: whoever scans calls
:meth:`FolderWatch.check` now and then, which starts a new one. Without any observer the scans still find everything.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

__all__ = ["FolderWatch"]

_log = structlog.get_logger(__name__)

_QUIET = frozenset({"opened", "closed_no_write"})
"""Reading wakes nobody, least of all ourselves."""


class FolderWatch:
    """Watches folders and rings.

    Args:
        folders: each is watched without its sub-folders.
        wake: called from the observer's thread; must be quick; the caller debounces.
        is_share: use polling, since notifications of shares depend on the server.
        make_observer: for tests.
    """

    def __init__(
        self, folders: Sequence[Path], wake: Callable[[], None], *, is_share: bool = False,
        make_observer: Callable[[], BaseObserver] | None = None,
    ) -> None:  # fmt: skip
        self._folders = tuple(folders)
        self._handler = _Ring(wake)
        self._make = make_observer or (PollingObserver if is_share else Observer)
        self._gate = threading.Lock()
        self._observer: BaseObserver | None = None
        self._is_stopped = False

    def start(self) -> None:
        """Begin; a failure is logged and left to :meth:`check`."""
        with self._gate:
            self._start()

    def check(self) -> bool:
        """Start a new observer when the last one is dead.

        Returns:
            True when one is alive now.
        """
        with self._gate:
            if not self._is_alive() and not self._is_stopped:
                self._drop()
                self._start()
            return self._is_alive()

    def stop(self) -> None:
        """End and wait for the thread, at most 5 s."""
        with self._gate:
            self._is_stopped = True
            self._drop()

    def _start(self) -> None:
        observer = self._make()
        try:
            for folder in self._folders:
                observer.schedule(self._handler, str(folder))
            observer.start()
        except OSError as error:  # no such folder now, or the system has no watches left
            _log.warning("watch_failed", detail=type(error).__name__)
            _end(observer)
            return
        self._observer = observer

    def _is_alive(self) -> bool:
        observer = self._observer
        return observer is not None and observer.is_alive() and all(e.is_alive() for e in observer.emitters)

    def _drop(self) -> None:
        if self._observer is not None:
            _end(self._observer)
            self._observer = None


class _Ring(FileSystemEventHandler):
    """Rings on whatever happens."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        """See :class:`FileSystemEventHandler`."""
        if event.event_type not in _QUIET:
            self._wake()


def _end(observer: BaseObserver) -> None:
    observer.stop()
    if observer.is_alive():
        observer.join(5.0)
    for emitter in observer.emitters:
        emitter.stop()
