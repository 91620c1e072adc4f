"""Fixtures of the receipts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.receipts.notice_scene import NoticeScene


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[NoticeScene]:
    """A mailbox; the journal keeps its promises when the test ends."""
    made = NoticeScene(tmp_path)
    yield made
    assert made.journal.violations() == []
    made.journal.verify_trace()
    made.journal.close()
