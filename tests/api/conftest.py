"""One API per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.testing.clock import FakeClock
from tests.api.api_scene import ApiScene
from tests.journal.journal_builders import open_journal


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[ApiScene]:
    clock = FakeClock()
    journal = open_journal(tmp_path / "data", clock)
    yield ApiScene(journal, clock)
    assert journal.violations() == []
    journal.close()
