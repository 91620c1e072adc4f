"""Waiting for what another process will notice by itself."""

import time
from collections.abc import Callable

__all__ = ["wait_until"]

SECONDS = 30.0  # far more than anything takes; only a failing test waits as long


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = SECONDS) -> None:
    """Ask again and again until it is true.

    Raises:
        TimeoutError: it did not become true; ``what`` names it.
    """
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(0.02)
