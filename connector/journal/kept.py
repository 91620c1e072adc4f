"""Submissions that were looked at lately, in memory: what has not changed need not be read and decrypted again.

The revision of a submission grows with everything that anybody sees of it, whichever process wrote it, so a view is
as good as the row for as long as the revision is the same.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable

from connector.journal.records import SubmissionView

__all__ = ["KeptViews"]

MOST = 1_000
"""About 4 MB."""


class KeptViews:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, SubmissionView] = OrderedDict()

    def some(self, places: Iterable[tuple[str, int]]) -> dict[str, SubmissionView]:
        """Those of these ids that are kept in this very revision."""
        found: dict[str, SubmissionView] = {}
        with self._lock:
            for place, revision in places:
                view = self._kept.get(place)
                if view is not None and view.revision == revision:
                    self._kept.move_to_end(place)
                    found[place] = view
        return found

    def keep(self, view: SubmissionView) -> None:
        """Remember one; an older one of the same id goes."""
        with self._lock:
            self._kept[view.id] = view
            self._kept.move_to_end(view.id)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
