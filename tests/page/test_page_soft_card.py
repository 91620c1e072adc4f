"""The whole way of a secretary: the real connector, a soft card, a real Chromium; nobody reloads the page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from connector.client import Connection, read_endpoint
from connector.daemon.endpoint import data_paths
from connector.demo import Stage, stage
from tests.daemon.daemon_scene import drop, until
from tests.page.browser import PATIENCE_MS, launched

PIN = "8642"


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, with_card=True, pin=PIN) as running:
        yield running


def test_a_pin_typed_on_the_page_opens_the_card_and_what_waited_arrives_before_her_eyes(scene: Stage) -> None:
    with Connection(read_endpoint(data_paths(scene.settings).endpoint)) as connector:
        link = connector.ask("POST", "/api/v1/page/link").json()["url"]
        drop(scene)
        until(lambda: connector.card().presence == "pin_needed", "the card to ask for its PIN")
    with sync_playwright() as playwright:
        browser = launched(playwright)
        page = browser.new_context(locale="fr-FR").new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(link)
        page.get_by_role("link", name="Carte et boîtes").click()
        page.get_by_label("Code de la carte").fill(PIN)
        page.get_by_role("button", name="Ouvrir la carte").click()
        expect(page.get_by_text("La carte est ouverte.")).to_be_visible()
        page.get_by_role("link", name="Accueil").click()
        expect(page.get_by_text("TESTUT CAMILLE").first).to_be_visible(timeout=2 * PATIENCE_MS)  # nobody reloads
        assert PIN not in page.content()
        browser.close()
    assert list(scene.inbox.glob("*.mss.json"))
