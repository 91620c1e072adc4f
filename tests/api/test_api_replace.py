"""Corrected recipients, and lists by time and reference, over the API."""

import base64
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from connector.client import Connection, ServiceError
from connector.domain.scopes import Scope
from connector.domain.states import OutgoingState, WaitingFor
from connector.journal.submissions import Submissions
from tests.api.api_scene import settings_of
from tests.api.test_api_inbox import CDA, code_of
from tests.page.page_scene import MARTIN, RIGHT, WRONG, PageScene, open_scene

MESSAGES = "/api/v1/messages"


@pytest.fixture
def practice(tmp_path: Path) -> Iterator[PageScene]:
    """A journal whose ids are dated by the clock of the test."""
    scene = open_scene(tmp_path)
    yield scene
    assert scene.journal.violations() == []
    scene.journal.close()


def refused(practice: PageScene) -> str:
    """MARTIN has it, WRONG does not exist."""
    return practice.submission(practice.sent(MARTIN, WRONG, refused=(WRONG,), files=(("cr.xml", CDA),)))


def replace(web: TestClient, message: str, to: Any, key: str = "", **more: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"recipients": [{"address": str(to)}], **more}
    return web.post(f"{MESSAGES}/{message}/replace", json=body, headers=headers)


# --- corrected recipients ---


def test_the_same_documents_go_to_somebody_else_and_each_names_the_other(practice: PageScene) -> None:
    old, web = refused(practice), practice.web(practice.client_token(name="LPS"))
    answer = replace(web, old, RIGHT, copies=[{"address": "copie@autre.mssante.fr"}])
    assert answer.status_code == 202, answer.text
    new = answer.json()
    assert answer.headers["location"] == f"{MESSAGES}/{new['id']}"
    assert (new["source"], new["corrects"], new["corrected_by"]) == ("rest", old, None)
    people = [(each["address"], each["kind"]) for each in new["emails"][0]["recipients"]]
    assert people == [(str(RIGHT), "to"), ("copie@autre.mssante.fr", "cc")]
    earlier = web.get(f"{MESSAGES}/{old}").json()
    assert earlier["corrected_by"] == new["id"]
    assert (earlier["timeline"][-1]["action"], earlier["timeline"][-1]["actor"]) == ("correct", "LPS")
    listed = {item["id"]: item["corrected_by"] for item in web.get(MESSAGES).json()["items"]}
    assert listed == {old: new["id"], new["id"]: None}
    assert [file["sha256"] for file in new["files"]] == [file["sha256"] for file in earlier["files"]]
    assert practice.decisions == 1


def test_the_same_request_again_sends_nothing_twice(practice: PageScene) -> None:
    old, web = refused(practice), practice.web()
    first, again = (replace(web, old, RIGHT, "k-1") for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert ("idempotent-replay" in first.headers, again.headers["idempotent-replay"]) == (False, "true")
    assert code_of(replace(web, old, MARTIN, "k-1")) == (409, "CLE_DEJA_UTILISEE")
    corrections = [entry for entry in practice.journal.trace(subject_id=old) if entry.action == "correct"]
    assert len(corrections) == 1


def test_the_same_request_at_the_same_moment(practice: PageScene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have looked before either was taken."""
    old, web = refused(practice), practice.web()
    monkeypatch.setattr(Submissions, "brought_by", lambda *_: None)
    assert replace(web, old, RIGHT, "k-1").json()["id"] == replace(web, old, RIGHT, "k-1").json()["id"]
    assert [entry.action for entry in practice.journal.trace(subject_id=old)].count("correct") == 1


def test_a_key_of_a_submission_is_no_key_of_a_correction(practice: PageScene) -> None:
    old, web = refused(practice), practice.web()
    body = {"mailbox": "dr-modele", "recipients": [{"address": str(MARTIN)}],
            "documents": [{"name": "a.xml", "content": base64.b64encode(CDA).decode()}]}  # fmt: skip
    assert web.post(MESSAGES, json=body, headers={"Idempotency-Key": "k-2"}).status_code == 202
    assert code_of(replace(web, old, RIGHT, "k-2")) == (409, "CLE_DEJA_UTILISEE")


def test_nobody_is_served_twice(practice: PageScene) -> None:
    old, web = refused(practice), practice.web()
    assert code_of(replace(web, old, MARTIN)) == (409, "TRANSITION")
    assert code_of(replace(web, practice.submission(practice.sent()), RIGHT)) == (409, "TRANSITION")


def test_what_cannot_be_replaced(practice: PageScene) -> None:
    old, web = refused(practice), practice.web()
    assert code_of(replace(web, "01ZZZZZZZZZZZZZZZZZZZZZZZZ", RIGHT)) == (404, "INTROUVABLE")
    assert code_of(replace(web, old, "nobody")) == (422, "DESTINATAIRE_INVALIDE")
    assert code_of(web.post(f"{MESSAGES}/{old}/replace", json={})) == (422, "SANS_DESTINATAIRE")
    assert replace(web, old, RIGHT, cc=[]).status_code == 422
    reader = practice.web(practice.client_token(Scope.MESSAGES_READ))
    assert replace(reader, old, RIGHT).status_code == 403


def test_a_mailbox_that_does_not_send_any_more(practice: PageScene) -> None:
    old = refused(practice)
    mailboxes = settings_of().model_dump(mode="json", exclude_unset=True)["mailboxes"]
    practice.settings = settings_of(mailboxes=[{**mailboxes[0], "send": False}, *mailboxes[1:]])
    assert code_of(replace(practice.web(), old, RIGHT)) == (409, "BOITE_SANS_ENVOI")


def test_the_client_corrects_and_reads_the_originals(practice: PageScene) -> None:
    old = refused(practice)
    with practice.live() as live, Connection(live.endpoint) as connector:
        new = connector.replace(old, [str(RIGHT)], key="k")
        assert connector.replace(old, [str(RIGHT)], key="k").id == new.id
        assert connector.message(old).corrected_by == new.id
        assert connector.original(new.id, 0) == connector.original(old, 0)
        assert connector.original_preview(old, 0).media_type == "text/html"
        with pytest.raises(ServiceError) as caught:
            connector.original_preview(old, 1)
        assert caught.value.code == "INTROUVABLE"


# --- lists ---


def ids(web: TestClient, path: str = MESSAGES, **query: Any) -> list[str]:
    answer = web.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_messages_are_listed_by_the_time_at_which_they_came(practice: PageScene) -> None:
    found, moments = [], []
    for _ in range(3):
        practice.clock.advance(3600)
        moments.append(practice.clock.now())
        found.append(practice.submission(practice.take()))
    first, second, third = found
    web = practice.web()
    assert ids(web, since=moments[1].isoformat()) == [third, second]
    assert ids(web, until=moments[1].isoformat()) == [first]
    assert ids(web, since=moments[1].isoformat(), until=moments[2].isoformat()) == [second]
    assert ids(web, since=(moments[2] + timedelta(seconds=1)).isoformat()) == []
    page = web.get(MESSAGES, params={"until": moments[2].isoformat(), "limit": 1}).json()
    assert [page["items"][0]["id"], *ids(web, until=moments[2].isoformat(), cursor=page["next_cursor"])] == [
        second, first,
    ]  # fmt: skip
    for moment in ("2026-11-20T09:00:00", "0", "2026-11-20", "", "99999-01-01T00:00:00Z"):
        assert web.get(MESSAGES, params={"since": moment}).status_code == 422, moment
    for moment in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.9-23:59"):
        assert len(ids(web, since=moment)) in (0, 3)


def test_messages_are_listed_by_reference_state_and_mailbox(practice: PageScene) -> None:
    wanted = practice.submission(practice.held(WaitingFor.PIN, reference="CR-1"))
    other = practice.submission(practice.take(reference="CR-11"))
    web = practice.web()
    assert ids(web, reference="CR-1") == [wanted]
    assert ids(web, reference="CR-1", state=OutgoingState.RECEIVED.value) == []
    assert ids(web, reference="CR-11", mailbox="dr-modele") == [other]
    assert ids(web, reference="CR") == []
    assert ids(web, q="cr-1") == [other, wanted]


def test_received_messages_are_listed_by_time_and_by_who_has_taken_them(practice: PageScene) -> None:
    first = practice.arrive()
    practice.clock.advance(3600)
    moment = practice.clock.now()
    second = practice.arrive()
    web = practice.web()
    inbox = "/api/v1/inbox"
    assert ids(web, inbox, since=moment.isoformat()) == [second]
    assert ids(web, inbox, until=moment.isoformat()) == [first]
    web.post(f"{inbox}/{first}/taken")
    assert ids(web, inbox, taken=True) == [first]
    assert ids(web, inbox, taken=False) == [second]
    assert ids(web, inbox) == [second, first]


def test_the_client_narrows_lists(practice: PageScene) -> None:
    practice.take(reference="CR-1")
    practice.arrive()
    now = practice.clock.now()
    later = now + timedelta(hours=1)
    with practice.live() as live, Connection(live.endpoint) as connector:
        assert [item.reference for item in connector.messages(reference="CR-1", since=now, until=later).items] == [
            "CR-1"
        ]
        assert connector.messages(since=later).items == []
        (item,) = connector.inbox(taken=False, since=now, until=later).items
        assert connector.inbox(taken=True).items == []
        shown = connector.inbox_preview(item.id, 0)
        assert (shown.media_type, b"<article" in shown.content) == ("text/html", True)
        assert connector.inbox_preview(item.id, 0, page=1).media_type == "image/png"
