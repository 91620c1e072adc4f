"""Files that fail on command, at the n-th step: a full disk, a dying disk, a holder that does not let go.

Only calls made from :mod:`connector.platform` are touched, so that a test framework, a database or a logger in the
same process go on undisturbed.
"""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Literal, Self
from unittest.mock import patch

import connector.platform.files as files_room

__all__ = ["Fault", "FaultyFs", "Operation"]

Operation = Literal["open", "write", "fsync", "rename", "unlink"]
_ROOM = "connector.platform"
_DEPTH = 8  # pathlib and tempfile stand between the room and os


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What fails, when, how.

    Args:
        operation: kind of step; ``rename`` counts replacing and exclusive renames alike.
        error: errno, e.g. ``errno.ENOSPC``, ``errno.EIO``.
        at: which step of that kind, from 1.
        times: how many steps in a row fail; ``None`` = all from there on.
    """

    operation: Operation
    error: int = errno.EIO
    at: int = 1
    times: int | None = 1

    def hits(self, operation: str, count: int) -> bool:
        """True when the ``count``-th step of this kind fails."""
        last = None if self.times is None else self.at + self.times
        return operation == self.operation and count >= self.at and (last is None or count < last)


class FaultyFs:
    """Injects faults while it is entered; ``steps`` lists what was reached, failed or not.

    A failing ``write`` writes the first half of its bytes before it raises, as a full disk does.

    Args:
        faults: may be none, to record the steps only.
    """

    def __init__(self, *faults: Fault) -> None:
        self.steps: list[Operation] = []
        self._faults = faults
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for name in ("replace", "rename"):
            self._wrap(os, name, "rename")
        self._wrap(files_room, "exclusive_rename", "rename")
        for name in ("unlink", "remove"):
            self._wrap(os, name, "unlink")
        self._wrap(os, "fsync", "fsync")
        self._wrap(os, "open", "open")
        self._stack.enter_context(patch.object(os, "fdopen", self._fdopen(os.fdopen)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def reach(self, operation: Operation) -> None:
        """Count one step and fail if a fault says so.

        Raises:
            OSError: the fault.
        """
        self.steps.append(operation)
        count = self.steps.count(operation)
        for fault in self._faults:
            if fault.hits(operation, count):
                raise OSError(fault.error, os.strerror(fault.error))

    def _wrap(self, owner: Any, name: str, operation: Operation) -> None:
        original = getattr(owner, name)

        def step(*args: Any, **kwargs: Any) -> Any:
            if _called_by_the_room():
                self.reach(operation)
            return original(*args, **kwargs)

        self._stack.enter_context(patch.object(owner, name, step))

    def _fdopen(self, original: Callable[..., IO[bytes]]) -> Callable[..., Any]:
        def fdopen(*args: Any, **kwargs: Any) -> Any:
            file = original(*args, **kwargs)
            return _FaultyFile(file, self) if _called_by_the_room() else file

        return fdopen


class _FaultyFile:
    """A file object whose ``write`` may fail half-way."""

    def __init__(self, file: IO[bytes], faulty: FaultyFs) -> None:
        self._file = file
        self._faulty = faulty

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        """Write, or write half and fail."""
        try:
            self._faulty.reach("write")
        except OSError:
            self._file.write(data[: len(data) // 2])
            self._file.flush()
            raise
        return self._file.write(data)


def _called_by_the_room() -> bool:
    frame = sys._getframe(2)
    for _ in range(_DEPTH):
        if str(frame.f_globals.get("__name__", "")).startswith(_ROOM):
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False
