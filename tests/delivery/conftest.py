"""A folder of an LPS, empty."""

from pathlib import Path

import pytest

from tests.delivery.delivery_scene import Places, make_places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return make_places(tmp_path)
