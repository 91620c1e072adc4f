"""Refused drops over REST: told with cause and cure, marked as seen once, never among the messages."""

import pytest

from connector.client import Connection
from connector.domain.catalogue import explain
from connector.domain.scopes import Scope
from connector.journal.records import RefusedDrop
from tests.api.api_scene import ApiScene
from tests.api.test_api_metrics import numbers
from tests.journal.journal_builders import BOX, OTHER_BOX

PATH = "/api/v1/refusals"


def refuse(scene: ApiScene, *numbers: int, mailbox: object = BOX) -> list[str]:
    for number in numbers:
        name = f"REQ{number:04d}"
        drop = RefusedDrop(
            id=f"01REF{number:021d}", mailbox=mailbox, at=scene.clock.now(), code="DESTINATAIRE_INCONNU",  # type: ignore[arg-type] # an address
            name=name, files=(f"{name}.xml",), note=f"{name}.erreur.txt", sentence="Aucune adresse.",
        )  # fmt: skip
        scene.journal.refuse_drop(drop)
    return [f"01REF{number:021d}" for number in numbers]


def test_a_refusal_is_told_whole(scene: ApiScene) -> None:
    (refusal_id,) = refuse(scene, 1)
    web = scene.web()
    texts = explain("DESTINATAIRE_INCONNU")
    expected = {
        "id": refusal_id, "mailbox": str(BOX), "at": scene.clock.now().isoformat().replace("+00:00", "Z"),
        "name": "REQ0001", "files": ["REQ0001.xml"], "note": "REQ0001.erreur.txt", "sentence_fr": "Aucune adresse.",
        "seen_at": None, "seen_by": "", "code": "DESTINATAIRE_INCONNU", "title_fr": texts.title_fr,
        "cure_fr": texts.cure_fr, "title_en": texts.title_en, "cure_en": texts.cure_en,
    }  # fmt: skip
    assert web.get(f"{PATH}/{refusal_id}").json() == expected
    assert web.get(PATH).json() == {"items": [expected], "next_cursor": None}


def test_a_refusal_is_no_message(scene: ApiScene) -> None:
    (refusal_id,) = refuse(scene, 1)
    web = scene.web()
    assert web.get("/api/v1/messages").json()["items"] == []
    assert web.get(f"/api/v1/messages/{refusal_id}").status_code == 404


def test_pages_follow_each_other(scene: ApiScene) -> None:
    ids = refuse(scene, 1, 2, 3, 4, 5)
    web, cursor, found = scene.web(), None, []
    while True:
        page = web.get(PATH, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        found += [item["id"] for item in page["items"]]
        assert len(page["items"]) <= 2
        if (cursor := page["next_cursor"]) is None:
            break
    assert found == list(reversed(ids))


def test_the_list_is_narrowed(scene: ApiScene) -> None:
    first, second = refuse(scene, 1, 2)
    refuse(scene, 3, mailbox=OTHER_BOX)
    web = scene.web()
    web.post(f"{PATH}/{first}/seen")
    assert [
        item["id"] for item in web.get(PATH, params={"mailbox": "dr-modele", "unseen": True}).json()["items"]
    ] == [second]
    assert web.get(PATH, params={"mailbox": "nobody"}).json()["code"] == "BOITE_INCONNUE"


def test_the_first_to_see_it_counts(scene: ApiScene) -> None:
    (refusal_id,) = refuse(scene, 1)
    lps = scene.web(scene.client_token(Scope.MESSAGES_WRITE))
    answer = lps.post(f"{PATH}/{refusal_id}/seen")
    assert answer.status_code == 200
    seen = answer.json()
    assert seen["seen_at"]
    assert seen["seen_by"] == scene.journal.trace()[-1].actor != "person of this machine"
    scene.clock.advance(60)
    assert scene.web().post(f"{PATH}/{refusal_id}/seen").json() == seen


def test_what_is_not_there_is_not_found(scene: ApiScene) -> None:
    web = scene.web()
    nobody = "01" + "Z" * 24
    assert web.get(f"{PATH}/{nobody}").json()["code"] == "INTROUVABLE"
    assert web.post(f"{PATH}/{nobody}/seen").json()["code"] == "INTROUVABLE"
    assert web.get(f"{PATH}/short").status_code == 422


@pytest.mark.parametrize(
    ("scope", "may_read", "may_write"),
    [(Scope.MESSAGES_READ, 200, 403), (Scope.MESSAGES_WRITE, 403, 200), (Scope.INBOX_READ, 403, 403)],
)
def test_who_may(scene: ApiScene, scope: Scope, may_read: int, may_write: int) -> None:
    (refusal_id,) = refuse(scene, 1)
    web = scene.web(scene.client_token(scope))
    assert web.get(PATH).status_code == web.get(f"{PATH}/{refusal_id}").status_code == may_read
    assert web.post(f"{PATH}/{refusal_id}/seen").status_code == may_write


def test_the_client_asks_for_all_of_it(scene: ApiScene) -> None:
    first, second = refuse(scene, 1, 2)
    with scene.live() as live, Connection(live.endpoint) as connector:
        assert connector.refusal(first).files == ["REQ0001.xml"]
        assert connector.see_refusal(first).seen_by == "person of this machine"
        assert [item.id for item in connector.refusals(unseen=True, mailbox="dr-modele").items] == [second]
        assert [item.id for item in connector.refusals(limit=1).items] == [second]


def test_events_tell_of_it_under_the_id_that_can_be_asked_for(scene: ApiScene) -> None:
    (refusal_id,) = refuse(scene, 1)
    scene.web().post(f"{PATH}/{refusal_id}/seen")
    told = [event for event in scene.journal.events_after(0) if event.action in ("refuse", "see")]
    assert [(event.kind, event.subject_id, event.outcome) for event in told] == [
        ("connector", refusal_id, "DESTINATAIRE_INCONNU")
    ] * 2


def test_metrics_count_them_without_a_name(scene: ApiScene) -> None:
    first, _ = refuse(scene, 1, 2)
    scene.web().post(f"{PATH}/{first}/seen")
    refuse(scene, 3, mailbox=OTHER_BOX)
    text = scene.web().get("/api/v1/metrics").text
    found = numbers(text)
    assert found["mss_refused_drops", "dr-modele", "unseen"] == 1
    assert found["mss_refused_drops", "dr-modele", "seen"] == 1
    assert found["mss_refused_drops", "other", "unseen"] == 1
    assert "REQ0" not in text
