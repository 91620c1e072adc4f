"""A reader with cards, and a terminal, for tests of what supports people."""

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal
from tests.virtual_card.fixtures import card, holder, pcscd

__all__ = ["card", "holder", "pcscd"]


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path).prepare()
