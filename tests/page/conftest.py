"""One page per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.page.page_scene import PageScene, open_scene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[PageScene]:
    found = open_scene(tmp_path / "data")
    yield found
    assert found.journal.violations() == []
    found.journal.close()
