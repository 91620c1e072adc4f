"""Records that were looked at lately, in memory: what has not changed need not be read and decrypted again.

Each is kept under its id with a sign, which holds everything that can change of it and is cheap to read. The sign is
read anew for each question, so it does not matter which process changed a row.
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

__all__ = ["Kept"]

_Record = TypeVar("_Record")


class Kept(Generic[_Record]):
    """Thread-safe.

    Args:
        most: how many; those that were not asked for the longest go first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Hashable, _Record]] = OrderedDict()

    def some(self, places: Iterable[tuple[str, Hashable]]) -> dict[str, _Record]:
        """Those of these ids that are kept with this very sign."""
        found: dict[str, _Record] = {}
        with self._lock:
            for place, sign in places:
                kept = self._kept.get(place)
                if kept is not None and kept[0] == sign:
                    self._kept.move_to_end(place)
                    found[place] = kept[1]
        return found

    def keep(self, place: str, sign: Hashable, record: _Record) -> None:
        """Remember one; an older one of the same id goes.

        Args:
            place: its id.
            sign: as it was read in the transaction in which the record was read.
            record: frozen.
        """
        with self._lock:
            self._kept[place] = (sign, record)
            self._kept.move_to_end(place)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
