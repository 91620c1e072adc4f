"""The page in a real Chromium: what a secretary does, by mouse, by keyboard, without scripts, in a narrow window."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, expect, sync_playwright

from connector.api.checkup import Checkup
from connector.domain.states import OutgoingState
from connector.domain.text import Text
from connector.identities.card.status import Presence
from connector.sandbox.samples import sample
from connector.support.doctor import Check, Finding, Gives, Group, Severity, World
from connector.support.doctor.check import once
from connector.testing.clock import FakeClock
from tests.api.api_scene import PIN, FakeCards, card_token
from tests.documents.pdf.samples import HEADER
from tests.page.browser import launched, visiting
from tests.page.page_scene import MARTIN, RIGHT, WRONG, PageScene, open_scene
from tests.support.doctor_scene import Practice

CDA = ("cr-biologie-v2.xml", sample("cr-biologie-v2.xml"))
LEVEL_1 = ("cr-consultation-n1.xml", sample("cr-consultation-n1.xml"))
SHEETS = ("/", "/outgoing", "/received", "/card", "/checks", "/applications")

ATTACKS = """
<paragraph>Avant</paragraph>
<script xmlns="http://www.w3.org/1999/xhtml">alert('script')</script>
<paragraph onclick="alert('click')" onmouseover="alert('over')">Touchez-moi</paragraph>
<img xmlns="http://www.w3.org/1999/xhtml" src="http://127.0.0.1:9/image.png" onerror="alert('image')"/>
<iframe xmlns="http://www.w3.org/1999/xhtml" src="http://127.0.0.1:9/frame"/>
<svg xmlns="http://www.w3.org/2000/svg" onload="alert('svg')"/>
<linkHtml href="javascript:alert('link')">lien</linkHtml> <linkHtml href="http://127.0.0.1:9/ailleurs">ailleurs</linkHtml>
<paragraph>&lt;script&gt;alert('escaped')&lt;/script&gt;&lt;img src=x onerror=alert('x')&gt;</paragraph>
<paragraph styleCode="x; background:url(http://127.0.0.1:9/style)" style="background:url(http://127.0.0.1:9/css)">s</paragraph>
<table><caption>"&gt;&lt;script&gt;alert('caption')&lt;/script&gt;</caption><tbody><tr><td>Après</td></tr></tbody></table>
"""
PDF_WITH_SCRIPT = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert\\('pdf'\\);)>>>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/AA<</O<</S/URI/URI(http://127.0.0.1:9/pdf)>>>>>>endobj
trailer<</Root 1 0 R>>
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = launched(playwright)
        yield found
        found.close()


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageScene]:
    """A practice after a month, on a busy morning; nobody changes it."""
    scene = open_scene(tmp_path_factory.mktemp("practice") / "data", FakeClock(datetime(2026, 11, 20, 9, tzinfo=UTC)))
    scene.month()
    scene.read(MARTIN, name="CR-2026-1118", files=(CDA,))
    scene.clock.advance(400)
    scene.sent(RIGHT, MARTIN, name="LETTRE-0457")
    scene.clock.advance(300)
    scene.sent(WRONG, refused=(WRONG,), name="CR-2026-1119", files=(LEVEL_1,))
    scene.clock.advance(200)
    scene.held(name="ORDO-0311")
    scene.held(name="ORDO-0312")
    scene.clock.advance(60)
    scene.arrive("CR-BIO TESTUT Camille", files=(CDA,), body="Bonjour,\n\nVeuillez trouver le compte rendu.\n")
    scene.clock.advance(90)
    scene.arrive("Mon traitement", sender="Dominique PATIENT <279035121518989@patient.mssante.fr>", files=())
    yield scene
    scene.journal.close()


# --- what a secretary does ---


def test_the_first_visit_shows_what_is_needed_and_the_day(practice: PageScene, browser: Browser) -> None:
    with visiting(practice, browser) as visit:
        page = visit.live()
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "Saisissez le code de la carte. 2 messages attendent."
        )
        figures = page.locator(".figure-number").all_text_contents()
        assert figures[:2] == ["2", "2"]
        expect(page.get_by_role("link", name="Saisir le code")).to_be_visible()
        expect(page.get_by_text("CR-BIO TESTUT Camille")).to_be_visible()
        visit.shot("accueil")


def test_the_pin_opens_the_card(scene: PageScene, browser: Browser) -> None:
    scene.held()
    with visiting(scene, browser) as visit:
        visit.page.get_by_role("link", name="Saisir le code").click()
        visit.shot("carte")
        visit.page.get_by_label("Code de la carte").fill(PIN)
        visit.page.get_by_role("button", name="Ouvrir la carte").click()
        expect(visit.page.get_by_text("La carte est ouverte.")).to_be_visible()
        assert PIN not in visit.page.content()
        assert PIN not in visit.page.url
        visit.page.go_back()
        assert visit.page.locator("input[type=password]").count() == 0 or not visit.page.input_value(
            "input[type=password]"
        )
    assert scene.cards is not None
    assert [given[0] for given in scene.cards.given] == [PIN]


def test_a_double_click_gives_the_pin_once(scene: PageScene, browser: Browser) -> None:
    assert scene.cards is not None
    scene.cards.hold = threading.Event()
    with visiting(scene, browser) as visit:
        visit.go("/card").get_by_label("Code de la carte").fill(PIN)
        visit.page.get_by_role("button", name="Ouvrir la carte").dblclick(no_wait_after=True)
        assert scene.cards.inside.acquire(timeout=10)
        scene.cards.hold.set()
        expect(visit.page.get_by_text("La carte est ouverte.")).to_be_visible()
    assert len(scene.cards.given) == 1


def test_a_failed_message_is_corrected_and_sent_again(scene: PageScene, browser: Browser) -> None:
    scene.cards = None
    failed = scene.submission(scene.sent(WRONG, refused=(WRONG,), name="CR-2026-1119", files=(LEVEL_1,)))
    with visiting(scene, browser) as visit:
        page = visit.page
        page.get_by_role("link", name="Corriger le destinataire").click()
        expect(page.get_by_text("550 5.1.1 boîte inconnue").first).to_be_visible()
        visit.shot("echec")
        address = page.get_by_label("Adresse MSSanté")
        expect(address).to_have_value(str(WRONG))
        address.fill("pas une adresse")
        page.get_by_role("button", name="Envoyer de nouveau").click()
        expect(page.get_by_role("alert")).to_contain_text("n'est pas valide")
        expect(address).to_have_value("pas une adresse")
        address.fill(str(RIGHT))
        page.get_by_role("button", name="Envoyer de nouveau").click()
        expect(page.get_by_text("C'est envoyé au destinataire corrigé.")).to_be_visible()
        expect(page.get_by_text(str(RIGHT))).to_be_visible()
        visit.shot("corrige")
        expect(visit.go("/").get_by_role("heading", level=1)).to_have_text("Tout va bien : rien à faire.")
    new = scene.journal.find().items[0]
    assert (new.corrects, new.messages[0].state) == (failed, OutgoingState.RECEIVED)


def test_what_arrives_appears_without_reloading(scene: PageScene, browser: Browser) -> None:
    with visiting(scene, browser) as visit:
        page = visit.live()
        page.evaluate("window.stayed = true")
        scene.arrive("CR-BIO tout frais")
        expect(page.get_by_text("CR-BIO tout frais")).to_be_visible()
        scene.held()
        expect(page.get_by_role("heading", level=1)).to_have_text("Saisissez le code de la carte. 1 message attend.")
        expect(page.locator("#told")).to_have_text("Saisissez le code de la carte. 1 message attend.")
        assert page.evaluate("window.stayed")


def test_a_card_that_is_pulled_shows_at_once(scene: PageScene, browser: Browser) -> None:
    scene.held()
    assert scene.cards is not None
    with visiting(scene, browser) as visit:
        page = visit.live()
        scene.cards.tokens, scene.cards.code, scene.cards.presence = (), "CARTE_ABSENTE", Presence.NO_CARD
        sentence = page.get_by_role("heading", level=1)
        expect(sentence).to_have_text("Insérez la carte dans le lecteur. 1 message attend.")


def test_what_is_being_typed_survives_the_news(scene: PageScene, browser: Browser) -> None:
    with visiting(scene, browser) as visit:
        page = visit.go("/card")
        visit.live()
        page.get_by_label("Code de la carte").press_sequentially("84")
        assert scene.cards is not None
        scene.cards.tokens = (card_token(serial="2800009999"),)
        scene.held()
        expect(page.get_by_text("1 message attend le code PIN")).to_be_visible()
        expect(page.get_by_label("Code de la carte")).to_have_value("84")
        page.get_by_label("Code de la carte").fill("")
        page.get_by_role("link", name="Carte et boîtes").focus()
        scene.held()
        expect(page.get_by_text("2800009999")).to_be_visible()


def test_a_session_that_ended_says_so(scene: PageScene, browser: Browser) -> None:
    with visiting(scene, browser) as visit:
        page = visit.live()
        second = visit.context.new_page()
        second.goto(visit.base + visit.root + "/card")
        second.get_by_role("button", name="Fermer la session").click()
        expect(second.get_by_text("La session est fermée.")).to_be_visible()
        second.close()
        scene.arrive()
        expect(page.locator("#lost")).to_have_text("La session est terminée : rouvrez la page.")
        page.goto(visit.base + "/")
        expect(page.get_by_text("mss-connector open")).to_be_visible()
        visit.shot("fermee")


def test_an_application_is_let_in(scene: PageScene, browser: Browser) -> None:
    with visiting(scene, browser) as visit:
        page = visit.go("/applications")
        visit.live()
        asked = visit.context.request.post(
            f"{visit.base}/api/v1/pairing",
            data={"name": "Logiciel du cabinet", "scopes": ["messages:read", "messages:write"]},
        ).json()
        expect(page.get_by_role("heading", name="Logiciel du cabinet demande l’accès")).to_be_visible()
        expect(page.get_by_text(asked["code"])).to_be_visible()
        visit.shot("applications")
        page.get_by_label("envoyer, relancer, annuler, libérer").uncheck()
        page.get_by_role("button", name="Le code est le même : accepter").click()
        expect(page.get_by_text("L'application reçoit son accès.")).to_be_visible()
        answer = visit.context.request.get(f"{visit.base}/api/v1/pairing/{asked['id']}").json()
        assert answer["scopes"] == ["messages:read"]
        expect(page.get_by_role("heading", name="Logiciel du cabinet")).to_be_visible()


# --- documents from outside ---


def test_a_malicious_document_is_shown_and_does_nothing(scene: PageScene, browser: Browser) -> None:
    sections = f"<component><section><title>Piège</title><text>{ATTACKS}</text></section></component>"
    body = f"<component><structuredBody>{sections}</structuredBody></component></ClinicalDocument>"
    incoming = scene.arrive("Piège", files=(("piege.xml", (HEADER + body).encode()),))
    with visiting(scene, browser) as visit:
        page = visit.go(f"/received/{incoming}/pieces/0")
        expect(page.get_by_text("Touchez-moi")).to_be_visible()
        expect(page.get_by_text("<script>alert('escaped')</script>")).to_be_visible()
        page.get_by_text("Touchez-moi").click()
        page.get_by_text("lien (javascript:alert('link'))").click()
        assert page.locator(".paper script, .paper iframe, .paper a, .paper img, .paper svg").count() == 0
        assert page.locator(".paper [onclick], .paper [style]").count() == 0
        assert page.evaluate(
            "performance.getEntriesByType('resource').every(e => e.name.startsWith(location.origin))"
        )
        visit.shot("document-piege")
        assert (visit.dialogs, visit.foreign, visit.complaints) == ([], [], [])


def test_a_pdf_with_a_script_is_a_picture(scene: PageScene, browser: Browser) -> None:
    incoming = scene.arrive("PDF", files=(("piege.pdf", PDF_WITH_SCRIPT),))
    with visiting(scene, browser) as visit:
        page = visit.go(f"/received/{incoming}/pieces/0")
        visit.drawn()
        assert page.locator("embed, object, iframe").count() == 0


def test_a_document_is_read_with_its_picture_and_its_pdf(practice: PageScene, browser: Browser) -> None:
    incoming = practice.journal.newest_received(limit=2)[1].id
    with visiting(practice, browser) as visit:
        page = visit.go(f"/received/{incoming}")
        visit.shot("recu")
        page.get_by_role("link", name="cr-biologie-v2.xml").click()
        expect(page.get_by_text("Électrophorèse des protéines sériques")).to_be_visible()
        visit.drawn()
        visit.shot("document")


def test_a_file_is_saved_not_opened(practice: PageScene, browser: Browser) -> None:
    incoming = practice.journal.newest_received(limit=2)[1].id
    with visiting(practice, browser) as visit:
        visit.go(f"/received/{incoming}/pieces/0")
        with visit.page.expect_download() as saving:
            visit.page.get_by_role("link", name="Enregistrer le fichier").click()
        assert saving.value.suggested_filename == "cr-biologie-v2.xml"
        assert Path(saving.value.path()).read_bytes() == CDA[1]


# --- everybody ---


def test_french_first_english_by_a_switch(practice: PageScene, browser: Browser) -> None:
    with visiting(practice, browser) as visit:
        page = visit.go("/card")
        expect(page.get_by_role("heading", level=1)).to_have_text("Carte et boîtes")
        page.get_by_role("button", name="English").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Card and mailboxes")
        assert page.locator("html").get_attribute("lang") == "en"
        visit.go("/")
        visit.live()
        visit.shot("home-english")
        page.get_by_role("button", name="Français").click()
        expect(page.get_by_role("link", name="Accueil")).to_be_visible()


def test_an_english_browser_gets_english(practice: PageScene, browser: Browser) -> None:
    with visiting(practice, browser, locale="en-GB") as visit:
        expect(visit.page.get_by_role("link", name="Type the PIN")).to_be_visible()


@pytest.mark.parametrize("width", [320, 640])
def test_a_narrow_window_needs_no_sideways_scrolling(practice: PageScene, browser: Browser, width: int) -> None:
    """640 pixels are a window of 1280 at 200 %."""
    story = f"/outgoing/{practice.journal.find('CR-2026-1119').items[0].id}"
    document = f"/received/{practice.journal.newest_received(limit=2)[1].id}/pieces/0"
    with visiting(practice, browser, viewport={"width": width, "height": 800}) as visit:
        for path in (*SHEETS, story, document):
            page = visit.go(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        visit.go("/")
        visit.live()
        if width == 320:
            visit.shot("accueil-etroit")


def test_the_keyboard_alone_is_enough(scene: PageScene, browser: Browser) -> None:
    scene.held()
    with visiting(scene, browser) as visit:
        page = visit.live()
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Aller au contenu")
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.locator(":focus")).to_have_text("Saisir le code")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        page.wait_for_url("**/card")
        for _ in range(20):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.name") == "pin":
                break
        page.keyboard.type(PIN)
        page.keyboard.press("Enter")
        expect(page.get_by_text("La carte est ouverte.")).to_be_visible()


def test_it_works_without_javascript(scene: PageScene, browser: Browser) -> None:
    failed = scene.submission(scene.sent(WRONG, refused=(WRONG,), files=(LEVEL_1,)))
    with visiting(scene, browser, java_script_enabled=False) as visit:
        page = visit.go("/card")
        page.get_by_label("Code de la carte").fill(PIN)
        page.get_by_role("button", name="Ouvrir la carte").click()
        expect(page.get_by_text("La carte est ouverte.")).to_be_visible()
        page = visit.go(f"/outgoing/{failed}")
        page.get_by_label("Adresse MSSanté").fill(str(RIGHT))
        page.get_by_role("button", name="Envoyer de nouveau").click()
        expect(page.get_by_text("C'est envoyé au destinataire corrigé.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_sheet_has_a_serious_accessibility_fault(practice: PageScene, browser: Browser, scheme: str) -> None:
    story = f"/outgoing/{practice.journal.find('CR-2026-1119').items[0].id}"
    message = f"/received/{practice.journal.newest_received(limit=2)[1].id}"
    axe = Axe()
    with visiting(practice, browser, color_scheme=scheme) as visit:
        for path in (*SHEETS, story, message, f"{message}/pieces/0", "/nowhere"):
            visit.go(path)
            visit.complaints.clear()  # the 404 of the last one
            found = axe.run(visit.page).response["violations"]
            serious = [
                (fault["id"], [node["target"] for node in fault["nodes"]][:3])
                for fault in found
                if fault["impact"] in ("serious", "critical")
            ]
            assert serious == [], path
        visit.go("/")
        visit.live()
        if scheme == "dark":
            visit.shot("accueil-sombre")


def test_the_last_try_asks_for_the_word_of_the_person(scene: PageScene, browser: Browser) -> None:
    scene.cards = FakeCards(Presence.LAST_TRY, (card_token(Presence.LAST_TRY, tries_left_low=True),))
    with visiting(scene, browser) as visit:
        page = visit.go("/card")
        page.get_by_label("Code de la carte").fill(PIN)
        page.get_by_role("button", name="Ouvrir la carte").click()
        assert scene.cards.given == []
        page.get_by_label("Je suis sûr du code").check()
        page.get_by_role("button", name="Ouvrir la carte").click()
        expect(page.get_by_text("La carte est ouverte.")).to_be_visible()
    assert scene.cards.given == [(PIN, "2800001234", True)]


def test_the_doctor_tells_how_far_it_is_and_what_it_finds(scene: PageScene, browser: Browser, tmp_path: Path) -> None:
    let_go = threading.Event()

    def slow(_: World) -> list[Finding]:
        assert let_go.wait(30)
        return [Finding("DISQUE_PLEIN", Severity.ERROR, "/donnees", "12 MB free", "12 Mo libres")]

    def quick(_: World) -> list[Finding]:
        return [
            Finding("CERTIFICAT_OK", Severity.OK, "dr-modele", "823 days left", "encore 823 jours"),
            Finding("PIN", Severity.WARNING, "Lecteur 0"),
        ]

    checks = [
        Check(name=name, group=group, title=Text(name, name), parts=once(look), gives=Gives(), needs=frozenset())
        for name, group, look in (("certificat", Group.IDENTITIES, quick), ("disque", Group.MACHINE, slow))
    ]
    scene.options = replace(scene.options, checkup=Checkup(lambda: Practice(tmp_path).world(), checks))
    with visiting(scene, browser) as visit:
        page = visit.go("/checks")
        visit.live()
        page.get_by_role("button", name="Tout examiner").click()
        visit.live()
        expect(page.get_by_text("Examen en cours : 1 / 2")).to_be_visible()
        expect(page.get_by_text("encore 823 jours")).to_be_visible()
        let_go.set()
        expect(page.get_by_text("12 Mo libres")).to_be_visible()
        expect(page.get_by_role("button", name="Tout examiner")).to_be_visible()
        visit.shot("diagnostic")
