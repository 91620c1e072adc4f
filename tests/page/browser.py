"""A real Chromium in front of the page: Debian's own, with nothing downloaded and nothing asked of anybody."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Playwright, Request, expect

from tests.page.page_scene import PageScene

__all__ = ["SHOTS", "Visit", "chromium", "launched", "visiting"]

ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SHOTS = Path(__file__).parents[2] / "docs" / "images"
PATIENCE_MS = 15_000


def chromium() -> str:
    """The path of the browser; skips where there is none to be had from the system."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and sys.platform != "linux":
        pytest.skip("no Chromium of this system (on Debian: apt-get install chromium)")
    assert found, "apt-get install chromium"
    return found


def launched(playwright: Playwright) -> Browser:
    """One browser for all tests of a file."""
    return playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)


@dataclass
class Visit:
    """One person at one page; notes everything that a page must never do."""

    page: Page
    context: BrowserContext
    base: str  # http://127.0.0.1:port
    root: str = ""
    dialogs: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)  # requests to anybody else
    complaints: list[str] = field(default_factory=list)  # of the browser: policies, scripts

    def watch(self) -> "Visit":
        def dialog(opened: Dialog) -> None:
            self.dialogs.append(opened.message)
            opened.dismiss()

        def request(made: Request) -> None:
            if not made.url.startswith((self.base, "data:")):
                self.foreign.append(made.url)

        self.page.on("dialog", dialog)
        self.page.on("request", request)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._console(message.type, message.text))
        self.page.set_default_timeout(PATIENCE_MS)
        return self

    def _console(self, kind: str, text: str) -> None:
        if kind == "error" and "401" not in text and "422" not in text:
            self.complaints.append(text)

    def go(self, path: str = "/") -> Page:
        self.page.goto(self.base + self.root + path)
        return self.page

    def live(self) -> Page:
        """Wait until the page hears of changes."""
        self.page.wait_for_selector("body[data-live=yes]")
        return self.page

    def drawn(self) -> None:
        """Wait until every image is there and is one."""
        images = self.page.locator("img").all()
        assert images
        for image in images:
            image.scroll_into_view_if_needed()
            expect(image).to_have_js_property("complete", value=True, timeout=PATIENCE_MS)
            assert image.evaluate("image => image.naturalWidth") > 0

    def shot(self, name: str) -> None:
        """A picture for the documentation, when it is asked for."""
        if os.environ.get("MSS_SCREENSHOTS"):
            SHOTS.mkdir(exist_ok=True)
            self.page.evaluate("scrollTo(0, 0)")
            self.page.screenshot(path=str(SHOTS / f"{name}.png"), full_page=True, animations="disabled")


@contextmanager
def visiting(scene: PageScene, browser: Browser, **options: Any) -> Iterator[Visit]:
    """Serve the page, and come to it by a one-time link."""
    with scene.live() as live:
        headers = {"Authorization": f"Bearer {scene.owner.token}"}
        link = httpx.post(f"{live.endpoint.url}/api/v1/page/link", headers=headers, trust_env=False).json()["url"]
        context = browser.new_context(**{"locale": "fr-FR", "viewport": {"width": 1280, "height": 900}} | options)
        try:
            visit = Visit(context.new_page(), context, live.endpoint.url).watch()
            visit.page.goto(link)
            found = re.fullmatch(re.escape(visit.base) + r"(/p/[\w-]+)/", visit.page.url)
            assert found, visit.page.url
            visit.root = found[1]
            yield visit
        finally:
            context.close()
    assert (visit.dialogs, visit.foreign, visit.complaints) == ([], [], [])
