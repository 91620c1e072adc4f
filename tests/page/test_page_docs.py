"""docs/page.md: every kind of need and every picture is there, and nothing that is not."""

import re
from pathlib import Path

from connector.api.page import need as module
from connector.api.page.sessions import IDLE_SECONDS, LONGEST_SECONDS
from connector.api.pairing import MOST_REQUESTS, REQUEST_SECONDS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "page.md").read_text(encoding="utf-8")


def test_every_kind_of_need_is_described() -> None:
    source = Path(module.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r'(?:Need|_about|_answer)\(\s*f?"([a-z_]+)', source)) - {"nothing"}
    described = {name.removesuffix("…") for name in re.findall(r"^\| `([a-z_…]+)`", PAGE, flags=re.MULTILINE)}
    assert described == named


def test_every_picture_is_shown_and_every_shown_one_is_there() -> None:
    shown = set(re.findall(r"\(images/([\w-]+\.png)\)", PAGE))
    assert shown == {path.name for path in (DOCS / "images").glob("*.png")}


def test_the_times_are_those_of_the_code() -> None:
    assert (IDLE_SECONDS, LONGEST_SECONDS) == (8 * 3600, 24 * 3600)
    assert (REQUEST_SECONDS, MOST_REQUESTS) == (300, 3)
