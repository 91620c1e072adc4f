"""A tap on the daemon's shoulder from another process: what a person decided at the terminal happens at once.

The journal holds the decision; the tap only makes the daemon look. It is the date of one file in the data folder, so
it needs no port, no token and works while the HTTP server is off.
"""

import os
import time
from contextlib import suppress

from connector.platform.paths import DataPaths

__all__ = ["NudgeWatch", "nudge"]

NUDGE_SECONDS = 1.0
"""How often the daemon looks."""


def nudge(paths: DataPaths) -> None:
    """Ask a running daemon, if there is one, to look at its journal now.

    Never fails: without it the daemon looks a little later. The date is written in nanoseconds, since that which the
    system gives by itself is the same for two taps within some milliseconds.
    """
    path = paths.root / "nudge"
    now = time.time_ns()
    with suppress(OSError):
        path.touch(mode=0o600)
        os.utime(path, ns=(now, now))


class NudgeWatch:
    """The daemon's side."""

    def __init__(self, paths: DataPaths) -> None:
        self._path = paths.root / "nudge"
        self._seen = self._stamp()

    def came(self) -> bool:
        """True when somebody nudged since the last call."""
        stamp = self._stamp()
        before, self._seen = self._seen, stamp
        return stamp != before

    def _stamp(self) -> int:
        try:
            return self._path.stat().st_mtime_ns
        except OSError:  # never nudged, or the folder is not there for a moment
            return 0
