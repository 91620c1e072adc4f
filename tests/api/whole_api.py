"""The description of an API that has every resource, as documents and collections show it."""

from typing import Any

from connector.api.checkup import Checkup
from connector.api.page import PageOptions
from connector.support.doctor import World
from tests.api.api_scene import ApiScene
from tests.api.fuzz_scene import FuzzCodes

__all__ = ["whole_schema"]


def whole_schema(scene: ApiScene) -> dict[str, Any]:
    scene.codes = FuzzCodes()
    scene.page = PageOptions(checkup=Checkup(_never, []))
    return scene.app().openapi()


def _never() -> World:
    raise AssertionError("only described")
