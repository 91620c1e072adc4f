"""Answers that are kept ready are told only while they are true."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from connector.api.kept import KeptJson
from connector.domain.errors import Unavailable
from connector.domain.scopes import Scope
from connector.domain.states import IncomingEvent, OutgoingEvent
from connector.testing.clock import EPOCH
from tests.api.api_scene import ApiScene
from tests.api.test_api_inbox import CDA, INBOX, arrive, mail
from tests.api.test_api_messages import MESSAGES, journal_of


class Word(BaseModel):
    word: str


class Maker:
    """Makes words, and knows how many."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self) -> Word:
        self.made += 1
        return Word(word="x" * 989)  # 1 000 bytes of JSON


def test_json_is_made_once_for_a_sign() -> None:
    kept, make = KeptJson(10_000), Maker()
    assert kept.of("a", 1, make) == kept.of("a", 1, make) == make().model_dump_json().encode()
    assert make.made == 2
    kept.of("a", 2, make)
    kept.of("a", 1, make)
    assert make.made == 4


def test_kept_json_is_bounded_and_what_was_asked_for_last_stays() -> None:
    kept, make = KeptJson(6_000), Maker()  # three of them with what they take besides
    for place in ("a", "b", "c", "a", "d"):
        kept.of(place, 1, make)
    assert make.made == 4
    kept.of("a", 1, make)
    assert make.made == 4
    kept.of("b", 1, make)
    assert make.made == 5


def test_json_that_is_larger_than_the_bound_is_told_and_not_kept() -> None:
    kept, make = KeptJson(1_500), Maker()
    assert len(kept.of("a", 1, make)) == 1_000
    kept.of("a", 1, make)
    assert make.made == 2


def test_what_could_not_be_made_is_not_kept_and_what_is_no_longer_true_goes() -> None:
    kept, make = KeptJson(10_000), Maker()
    kept.of("a", 1, make)

    def fail() -> Word:
        raise Unavailable("JOURNAL_INDISPONIBLE", "locked")

    with pytest.raises(Unavailable):
        kept.of("a", 2, fail)
    kept.of("a", 1, make)
    assert make.made == 2


# --- over the API ---


def items(web: Any, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = web.get(path).json()["items"]
    return found


def test_a_list_of_messages_shows_each_change(scene: ApiScene) -> None:
    web, scenes = scene.web(), journal_of(scene)
    row = scenes.taken()
    assert items(web, MESSAGES) == items(web, MESSAGES)
    scene.journal.claim_received(owner="o")
    scene.journal.release_claim(row, next_attempt_at=EPOCH + timedelta(minutes=7))
    (item,) = items(web, MESSAGES)
    assert item["emails"][0]["next_attempt_at"] == "2026-11-20T09:07:00Z"
    scene.journal.record(row, OutgoingEvent.CANCEL)
    (item,) = items(web, MESSAGES)
    assert (item["state"], item["emails"][0]["next_attempt_at"]) == ("cancelled", None)
    whole = web.get(f"{MESSAGES}/{item['id']}").json()
    assert whole == {**item, "timeline": whole["timeline"], "receipts": []}


def test_a_list_of_messages_shows_what_sends_one_anew(scene: ApiScene) -> None:
    web, scenes = scene.web(), journal_of(scene)
    first, second = (scenes.message(scenes.taken()).submission_id for _ in range(2))
    assert [item["corrected_by"] for item in items(web, MESSAGES)] == [None, None]
    scene.journal.add_trace(action="correct", subject_id=first, answer=second)
    assert [item["corrected_by"] for item in items(web, MESSAGES)] == [None, second]
    assert web.get(f"{MESSAGES}/{first}").json()["corrected_by"] == second


def test_an_inbox_shows_each_change(scene: ApiScene) -> None:
    row = arrive(scene, deliver=False)
    web = scene.web(scene.client_token(Scope.INBOX_READ, Scope.INBOX_WRITE, name="LPS"))
    assert [item["state"] for item in items(web, INBOX)] == ["stored"]
    assert web.get(f"{INBOX}/{row}").json()["state"] == "stored"
    scene.journal.record_incoming(row, IncomingEvent.OPEN)
    scene.journal.record_deliveries([(row, "20261120", [("20261120-cr.xml", "ab" * 32)])])
    assert [item["state"] for item in items(web, INBOX)] == ["delivered"]
    assert web.get(f"{INBOX}/{row}").json()["state"] == "delivered"
    web.post(f"{INBOX}/{row}/taken")
    assert [item["taken_by"] for item in items(web, INBOX)] == ["LPS"]
    assert web.get(f"{INBOX}/{row}").json()["taken_by"] == "LPS"


def test_what_is_no_longer_kept_is_no_longer_told(scene: ApiScene) -> None:
    """Also when it was ready: four others were opened since, so nothing else remembers it."""
    web = scene.web()
    rows = [arrive(scene, mail(("cr.xml", CDA), name=f"Labo {uid}"), uid=uid) for uid in range(1, 6)]
    assert [web.get(f"{INBOX}/{row}").status_code for row in rows] == [200] * 5
    scene.journal.record_incoming(rows[0], IncomingEvent.ACKNOWLEDGE)
    assert web.get(f"{INBOX}/{rows[0]}").status_code == 200
    assert [web.get(f"{INBOX}/{row}").status_code for row in rows[1:]] == [200] * 4
    for row in rows[1:4]:
        assert web.get(f"{INBOX}/{row}/documents/0").status_code == 200
    scene.clock.advance(10)
    assert scene.journal.purge(payload_before=scene.clock.now(), trace_before=EPOCH) == 1
    answer = web.get(f"{INBOX}/{rows[0]}")
    assert (answer.status_code, answer.json()["code"]) == (410, "PAYLOAD_ABSENT")
