"""Fixtures of the journal's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.testing.clock import FakeClock
from tests.journal.journal_builders import Scene, open_journal


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A fresh journal; whatever a test did to it, nothing that must not be true may be true at its end."""
    clock = FakeClock()
    journal = open_journal(tmp_path, clock)
    yield Scene(journal, clock, tmp_path)
    assert journal.violations() == []
    assert journal.verify_trace() >= 0
    journal.close()
