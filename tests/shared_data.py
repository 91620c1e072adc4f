"""Where the official samples lie beside a developer's checkout; nothing needs them to be there.

A test over samples takes its parameters from here: without the folder there are no cases, and the fixtures of our own
still test the rule.
"""

from pathlib import Path

__all__ = ["SHARED_DATA", "sample_files"]

SHARED_DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"


def sample_files(pattern: str) -> list[Path]:
    """The files of the samples that match ``pattern``, sorted; an empty list when they are not there."""
    return sorted(SHARED_DATA.glob(pattern)) if SHARED_DATA.is_dir() else []
