"""Answering in a real Chromium: by mouse, by keyboard, without scripts, for people who cannot see the colours."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, expect, sync_playwright

from connector.domain.submission import SourceKind
from connector.journal.documents import ReceivedDocument, ReceivedMessage
from tests.api.answer_scene import CITIZEN, LAB, given, with_policy
from tests.api.test_api_inbox import CDA
from tests.page.browser import launched, visiting
from tests.page.page_scene import BOX, PageScene


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = launched(playwright)
        yield found
        found.close()


@pytest.fixture
def asked(scene: PageScene) -> str:
    """A laboratory asks for a receipt, with a critical value and a version that takes the place of an earlier one."""
    scene.cards = None
    with_policy(scene)
    scene.clock.advance(1)
    earlier = given(scene, ("cr.xml", CDA), done=True)
    scene.clock.advance(60)
    row = given(scene, ("cr.xml", CDA), uid=2, asks=LAB, done=True)
    versions = [
        ReceivedDocument(document_id=f"2.25.{number}", sha256=f"{number:064}", set_id="2.25.9", version=number)
        for number in (1, 2)
    ]
    found = ReceivedMessage(incoming_id=row, documents=(versions[1],), alerts=("HH",), identity="qualified")
    scene.journal.note_received(BOX, [ReceivedMessage(incoming_id=earlier, documents=(versions[0],)), found])
    return row


def test_the_first_sheet_leads_to_the_decision_and_no_settles_it(
    scene: PageScene, browser: Browser, asked: str
) -> None:
    with visiting(scene, browser) as visit:
        page = visit.page
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "Un expéditeur demande un accusé de lecture : faut-il l'envoyer ?"
        )
        expect(page.get_by_text("Valeur critique haute")).to_be_visible()
        page.get_by_role("link", name="Décider").click()
        group = page.get_by_role("group", name="Envoyer l’accusé de lecture ?")
        expect(group).to_be_visible()
        group.get_by_role("button", name="Non").click()
        expect(page.get_by_text("C'est noté : rien n'est envoyé à l'expéditeur.")).to_be_visible()
        page.get_by_role("link", name="Accueil").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Tout va bien : rien à faire.")


def test_an_answer_by_keyboard_alone_and_its_thread(scene: PageScene, browser: Browser, asked: str) -> None:
    with visiting(scene, browser) as visit:
        page = visit.go(f"/received/{asked}")
        page.get_by_text("Répondre", exact=True).focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Votre réponse")).to_be_focused()
        page.keyboard.type("Bien reçu, merci.")
        visit.shot("reponse")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Votre réponse part.")).to_be_visible()
        thread = page.get_by_role("region", name="Échanges liés").get_by_role("listitem")
        expect(thread).to_have_count(4)
        expect(thread.nth(1)).to_contain_text("ce message")
        expect(thread.nth(1)).to_contain_text("remplace")
        expect(thread.last).to_contain_text("Re: Examens TESTUT")
        thread.last.get_by_role("link", name="Re: Examens TESTUT").click()
        expect(page.get_by_text("pris en charge").first).to_be_visible()
    (view,) = [each for each in scene.journal.submissions() if each.source is SourceKind.PAGE]
    assert view.options.read_receipt


def test_a_double_click_answers_once(scene: PageScene, browser: Browser, asked: str) -> None:
    with visiting(scene, browser) as visit:
        page = visit.go(f"/received/{asked}")
        page.get_by_text("Répondre", exact=True).click()
        page.get_by_label("Votre réponse").fill("Merci.")
        page.get_by_role("button", name="Envoyer la réponse").dblclick(no_wait_after=True)
        expect(page.get_by_text("Votre réponse part.")).to_be_visible()
    assert len([each for each in scene.journal.submissions() if each.source is SourceKind.PAGE]) == 1


def test_everything_works_without_javascript(scene: PageScene, browser: Browser, asked: str) -> None:
    scene.clock.advance(60)
    patient = given(scene, uid=3, sender=CITIZEN)
    with visiting(scene, browser, java_script_enabled=False) as visit:
        page = visit.go(f"/received/{asked}")
        page.get_by_text("Non intégré", exact=True).click()
        page.get_by_label("Pourquoi").select_option("902")
        page.get_by_label("Précision").fill("patient inconnu")
        page.get_by_role("button", name="Signaler").click()
        expect(page.get_by_text("C'est envoyé à l'expéditeur.")).to_be_visible()
        page.get_by_text("Remettre au logiciel", exact=True).click()
        page.get_by_role("button", name="Oui, remettre").click()
        expect(page.get_by_text("Le message sera remis de nouveau au logiciel.")).to_be_visible()
        page = visit.go(f"/received/{patient}")
        page.get_by_text("Terminer l’échange avec le patient").click()
        page.get_by_role("button", name="Oui, terminer l’échange").click()
        expect(page.get_by_text("L'échange est terminé")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_no_serious_accessibility_fault_with_everything_open(
    scene: PageScene, browser: Browser, asked: str, scheme: str, width: int
) -> None:
    axe = Axe()
    scene.clock.advance(60)
    patient = given(scene, uid=3, sender=CITIZEN, asks="autre@autre.mssante.fr", done=True)
    with visiting(scene, browser, color_scheme=scheme, viewport={"width": width, "height": 900}) as visit:
        for path in ("/", "/received", "/received?state=answer", f"/received/{asked}", f"/received/{patient}"):
            page = visit.go(path)
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            found = axe.run(page).response["violations"]
            serious = [
                (fault["id"], [node["target"] for node in fault["nodes"]][:3])
                for fault in found
                if fault["impact"] in ("serious", "critical")
            ]
            assert serious == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
