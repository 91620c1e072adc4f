"""Waiting for what the demonstration tells of, and what happens when it does not come."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["DemoFailed", "wait_for"]

PATIENCE_SECONDS = 60.0
_Found = TypeVar("_Found")


class DemoFailed(Exception):
    """The story did not come to its end."""


def wait_for(what: str, look: Callable[[], _Found | None]) -> _Found:
    """Look until something is there; a person is watching, so a look every tenth of a second is enough."""
    end = time.monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        pause.wait(0.1)
    raise DemoFailed(f"waited {PATIENCE_SECONDS:.0f} s for {what}")
