"""Fixtures of the history of a mailbox."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange.exchange_scene import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A mailbox at an operator in memory; the journal keeps its promises when the test ends."""
    made = Scene(tmp_path)
    yield made
    assert made.journal.violations() == []
    made.journal.verify_trace()
    made.journal.close()
