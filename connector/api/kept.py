"""Answers that are ready: JSON made once and told again until what it tells has changed. Bounded by bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Protocol

from starlette.responses import Response

__all__ = ["KeptJson", "as_json", "page_of", "ready"]


class _Model(Protocol):
    def model_dump_json(self) -> str:
        """The model as JSON."""
        ...


class KeptJson:
    """JSON by key; a key holds everything that the JSON depends on. Thread-safe.

    Args:
        most_bytes: of all together; the ones that were not asked for the longest go first.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()

    def of(self, key: Hashable, make: Callable[[], _Model]) -> bytes:
        """What is kept under a key, made when there is nothing."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        made = make().model_dump_json().encode()
        with self._lock:
            if key not in self._kept and len(made) <= self._most:
                self._kept[key] = made
                self._bytes += len(made)
            while self._bytes > self._most:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return made


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
