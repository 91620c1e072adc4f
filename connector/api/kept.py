"""Answers that are ready: JSON made once and told again until what it tells has changed. Bounded by bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Protocol

from starlette.responses import Response

__all__ = ["KeptJson", "as_json", "page_of", "ready"]

_BESIDE_BYTES = 1_000  # of memory for each piece: its place, and what it was made of


class _Model(Protocol):
    def model_dump_json(self) -> str:
        """The model as JSON."""
        ...


class KeptJson:
    """JSON by place, with the sign under which it was made: everything that it depends on. Thread-safe.

    Args:
        most_bytes: of all together; the ones that were not asked for the longest go first.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[object, bytes]] = OrderedDict()

    def of(self, place: str, sign: object, make: Callable[[], _Model]) -> bytes:
        """What is kept at a place under this sign; made when there is nothing, or something older.

        Args:
            place: id of what is told.
            sign: equal to the one before only while the JSON would be the same; never changes itself.
            make: gives the model; what it raises goes up, and nothing is kept.
        """
        with self._lock:
            found = self._kept.get(place)
            if found is not None and found[0] == sign:
                self._kept.move_to_end(place)
                return found[1]
            self._drop(place)
        made = make().model_dump_json().encode()
        with self._lock:
            self._drop(place)
            self._kept[place] = (sign, made)
            self._bytes += _weight(made)
            while self._bytes > self._most:
                self._drop(next(iter(self._kept)))
        return made

    def _drop(self, place: str) -> None:
        gone = self._kept.pop(place, None)
        if gone is not None:
            self._bytes -= _weight(gone[1])


def _weight(made: bytes) -> int:
    return len(made) + _BESIDE_BYTES


def as_json(model: _Model) -> Response:
    """A model as the answer, without the framework checking once more what we have just made."""
    return ready(model.model_dump_json().encode())


def ready(content: bytes) -> Response:
    """Finished JSON as the answer."""
    return Response(content, media_type="application/json")


def page_of(items: Iterable[bytes], next_cursor: str | None) -> Response:
    """A list of finished items."""
    cursor = b"null" if next_cursor is None else b'"' + next_cursor.encode() + b'"'
    return ready(b'{"items":[' + b",".join(items) + b'],"next_cursor":' + cursor + b"}")
