"""Ctrl-C at the border between C and Python.

In the main thread a signal handler may run, and raise, at the very first instruction of a function that C calls,
before any ``try`` in it. ctypes then hands garbage to C (CPython 3.11: OpenSSL crashes, measured). So while the main
thread shakes hands, a handler that would run exactly there runs when the handshake has returned; everywhere else, in
a signer that waits too, it runs at once as always. Other threads never run handlers.
"""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

__all__ = ["at_border", "signals_deferred"]

_Handler = Callable[[int, FrameType | None], Any]
_border: set[CodeType] = set()


def at_border(function: Callable[..., Any]) -> None:
    """Tell that C calls this Python function, or that it must not be left half done."""
    _border.add(function.__code__)


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Let no signal handler run at the border; those that wanted to run there do so at the end of the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[tuple[_Handler, int]] = []
    handlers: dict[signal.Signals, _Handler] = {}
    try:
        for number in signal.valid_signals():
            handler = signal.getsignal(number)
            if callable(handler):
                handlers[number] = handler
                signal.signal(number, _deferring(handler, waiting))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for late, which in waiting:
            late(which, sys._getframe())


def _deferring(handler: _Handler, waiting: list[tuple[_Handler, int]]) -> _Handler:
    def handle(number: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_code in _border:
            waiting.append((handler, number))
        else:
            handler(number, frame)

    return handle
