"""Refused drops on the page: told at once, found among what is sent, explained, settled by a word of the person."""

import re

import pytest

from connector.api.page.listing import OUTGOING_FILTERS
from connector.api.page.refused import FAILED, find_out
from connector.domain.address import MailboxAddress
from connector.domain.catalogue import explain
from connector.journal.records import RefusedDrop
from tests.page.page_scene import BOX, PageScene

GONE = MailboxAddress.parse("ancienne@exemple.mssante.fr")


def refuse(scene: PageScene, name: str, *, mailbox: MailboxAddress = BOX, sentence: str = "") -> str:
    scene.clock.advance(1)  # as in production: ids are in the order of time
    drop_id: str = scene.journal._store.ids.ulid()
    scene.journal.refuse_drop(
        RefusedDrop(
            id=drop_id, mailbox=mailbox, at=scene.clock.now(), code="DESTINATAIRE_INCONNU", name=name,
            files=(f"{name}.xml", f"{name}.mss.json"), note=f"{name}.erreur.txt", sentence=sentence,
        )
    )  # fmt: skip
    return drop_id


def figure(text: str, label: str) -> str:
    """The number above a label of the first sheet."""
    figures = text.split('<span class="figure-number">')[1:]
    (found,) = [each for each in figures if f"</svg>{label}<" in each.partition("</li>")[0]]
    return found.partition("<")[0]


def names(text: str) -> list[str]:
    return re.findall(r'class="row-name">([^<]+)<', text)


def test_the_first_sheet_says_what_did_not_leave_and_leads_there(scene: PageScene) -> None:
    scene.cards = None
    visitor = scene.visitor()
    assert "Tout va bien" in visitor.text()
    drop_id = refuse(scene, "REQ0417")
    text = visitor.text()
    assert "Tout va bien" not in text
    reason = explain("DESTINATAIRE_INCONNU").title_fr
    assert f"« REQ0417 » n'est pas parti. {reason}".replace("'", "&#39;") in text
    assert f'<a class="button" href="{visitor.root}/refused/{drop_id}">Voir pourquoi</a>' in text
    assert figure(text, "En échec") == "1"
    assert names(text) == ["REQ0417"]


def test_the_sheet_tells_cause_cure_and_where_the_files_are(scene: PageScene) -> None:
    drop_id = refuse(scene, "REQ0417", sentence="La rubrique « destinataires » est une valeur vide.")
    text = scene.visitor().text(f"/refused/{drop_id}")
    texts = explain("DESTINATAIRE_INCONNU")
    errors = str(scene.settings.spool.root.expanduser() / "dr-modele" / "ERREURS")
    for told in (texts.title_fr, texts.cure_fr, "La rubrique « destinataires »", "REQ0417.xml", "REQ0417.mss.json",
                 "REQ0417.erreur.txt", errors, "DESTINATAIRE_INCONNU", "C’est vu"):  # fmt: skip
        assert told.replace("'", "&#39;") in text
    english = scene.visitor(**{"Accept-Language": "en"}).text(f"/refused/{drop_id}")
    assert texts.title_en in english
    assert '<p lang="fr">La rubrique' in english


def test_one_of_a_mailbox_that_is_gone_and_one_that_never_was(scene: PageScene) -> None:
    visitor = scene.visitor()
    assert "<code>ERREURS</code>" in visitor.text(f"/refused/{refuse(scene, 'A', mailbox=GONE)}")
    answer = visitor.get("/refused/01NOBODY")
    assert (answer.status_code, "INTROUVABLE" in answer.text) == (404, True)


def test_what_the_person_has_seen_no_longer_asks_but_stays_on_the_list(scene: PageScene) -> None:
    scene.cards = None
    drop_id = refuse(scene, "REQ0417")
    visitor = scene.visitor()
    assert visitor.post(f"/refused/{drop_id}/seen").headers["location"] == f"{visitor.root}/"
    text = visitor.text()
    assert "C&#39;est noté" in text
    assert "Tout va bien" in text
    assert figure(text, "En échec") == "0"
    assert "refusé, vu" in visitor.text("/outgoing?state=failed")
    sheet = visitor.text(f"/refused/{drop_id}")
    assert "par vous" in sheet
    assert "C’est vu" not in sheet
    assert scene.journal.trace()[-1].actor == "person at the page"


def test_a_form_from_elsewhere_settles_nothing(scene: PageScene) -> None:
    drop_id = refuse(scene, "REQ0417")
    visitor = scene.visitor()
    for path in (f"/refused/{drop_id}/seen", "/refused/seen"):
        assert visitor.post(path, token="foreign", through=drop_id).status_code == 403
    assert len(scene.journal.refused_drops(unseen=True)) == 1


def test_all_that_stood_on_the_list_are_settled_at_once(scene: PageScene) -> None:
    visitor = scene.visitor()
    refuse(scene, "A")
    assert "/refused/seen" not in visitor.text("/outgoing?state=failed")
    refuse(scene, "B")
    through = re.findall(r'name="through" value="([^"]+)"', visitor.text("/outgoing?state=failed"))
    late = refuse(scene, "C")
    assert "/refused/seen" not in visitor.text("/outgoing")
    visitor.post("/refused/seen", through=through[0])
    assert [drop.id for drop in scene.journal.refused_drops(unseen=True)] == [late]


def test_they_stand_among_what_is_sent_where_one_looks_for_them(scene: PageScene) -> None:
    scene.sent(name="PARTI")
    refuse(scene, "REFUSE")
    scene.clock.advance(1)
    scene.held(name="ATTEND")
    refuse(scene, "ANCIEN", mailbox=GONE)
    visitor = scene.visitor()
    assert names(visitor.text("/outgoing")) == ["ANCIEN", "ATTEND", "REFUSE", "PARTI"]
    failed = visitor.text("/outgoing?state=failed")
    assert names(failed) == ["ANCIEN", "REFUSE"]
    assert "REFUSE.xml, REFUSE.mss.json" in failed
    assert explain("DESTINATAIRE_INCONNU").title_fr.replace("'", "&#39;") in failed
    for state in ("sent", "way", "waiting", "cancelled"):
        assert "REFUSE" not in names(visitor.text(f"/outgoing?state={state}"))
    assert names(visitor.text("/outgoing?q=refuse")) == ["REFUSE"]
    assert names(visitor.text("/outgoing?q=ancienne@exemple")) == ["ANCIEN"]
    assert names(visitor.text("/outgoing?state=failed&box=dr-modele")) == ["REFUSE"]


@pytest.mark.parametrize("pattern", ["rs" * 4, "rrrrrrrr", "ssssssss", "srrrrrrs", "rsssssrs", "r", "s", ""])
@pytest.mark.parametrize("limit", [1, 3, 4, 20])
def test_pages_show_each_once_in_order(scene: PageScene, pattern: str, limit: int) -> None:
    made = []
    for kind in pattern:
        if kind == "r":
            made.append(refuse(scene, "X"))
        else:
            scene.clock.advance(1)
            made.append(scene.submission(scene.take()))
    after, found = None, list[str]()
    for _ in range(len(pattern) + 1):
        page = find_out(scene.journal, limit=limit, after=after)
        assert len(page.rows) <= limit
        found += [row.id for row in page.rows]
        after = page.after
        if after is None:
            break
    assert after is None
    assert found == list(reversed(made))


def test_the_days_count_them_as_failures(scene: PageScene) -> None:
    refuse(scene, "A")
    scene.clock.jump(86_400)
    refuse(scene, "B")
    refuse(scene, "C")
    text = scene.visitor().text()
    rows = re.findall(r'<th scope="row">[^<]+</th>((?:<td>\d+</td>)+)', text)
    assert [re.findall(r"\d+", row)[3] for row in rows[:2]] == ["2", "1"]


def test_the_filter_that_shows_them_exists() -> None:
    assert FAILED in OUTGOING_FILTERS
