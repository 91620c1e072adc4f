"""Whether a folder can be worked in: tried, because what a system says about rights is not always what it does."""

import os
import tempfile
from pathlib import Path

__all__ = ["can_write"]


def can_write(folder: Path) -> None:
    """List a folder, make a file in it and delete that again, under a name that every scanner ignores.

    Raises:
        OSError: one of these is refused, or the folder is not there.
    """
    os.listdir(folder)  # noqa: PTH208 - raises where iterdir would wait for its first step
    descriptor, name = tempfile.mkstemp(prefix=".mss-", suffix=".part", dir=folder)
    os.close(descriptor)
    Path(name).unlink()
