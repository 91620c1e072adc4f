"""A folder of an LPS, empty; and a mailbox that receives into real folders."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.domain.ports import watch_steps
from tests.delivery.delivery_scene import Places, make_places
from tests.delivery.place_scene import PlaceScene


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return make_places(tmp_path)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[PlaceScene]:
    """The journal keeps its promises when the test ends."""
    made = PlaceScene(tmp_path)
    yield made
    watch_steps(None)
    assert made.journal.violations() == []
    made.journal.close()
