"""What the sender of a received message hears from the API: once, and only where a person or the policy says so."""

from typing import Any

import pytest

from connector.domain.scopes import Scope
from connector.domain.states import IncomingEvent
from tests.api.answer_scene import CITIZEN, LAB, frozen, given, with_policy
from tests.api.api_scene import ApiScene
from tests.api.test_api_inbox import CDA, INBOX, arrive, code_of

NOBODY = f"{INBOX}/01ZZZZZZZZZZZZZZZZZZZZZZZZ"


def shown(scene: ApiScene, row: str) -> list[dict[str, Any]]:
    """The notices, as list and detail tell them alike."""
    web = scene.web()
    whole = web.get(f"{INBOX}/{row}").json()["notices"]
    (listed,) = [item["notices"] for item in web.get(INBOX).json()["items"] if item["id"] == row]
    assert whole == listed
    found: list[dict[str, Any]] = whole
    return found


def test_a_person_sends_the_read_receipt_once(scene: ApiScene) -> None:
    row = given(with_policy(scene), asks=LAB)
    (waiting,) = shown(scene, row)
    assert (waiting["needs_decision"], waiting["code"], waiting["message"]) == (True, "ACCUSE_ACCORD", None)
    web = scene.web(scene.client_token(name="LPS"))
    first = web.post(f"{INBOX}/{row}/read-receipt")
    assert (first.status_code, first.json()["outcome"]) == (200, "queued")
    (told,) = first.json()["notices"]
    assert (told["kind"], told["actor"], told["needs_decision"]) == ("displayed", "LPS", False)
    assert told == shown(scene, row)[0]
    assert scene.decisions == 1
    again = web.post(f"{INBOX}/{row}/read-receipt", json={"send": True}).json()
    assert (again["outcome"], again["code"]) == ("already", "ACCUSE_DEJA_ENVOYE")
    mail = frozen(scene, told["message"])
    assert mail["To"] == LAB
    assert "manual-action/MDN-sent-manually; displayed" in mail.as_string()


def test_a_person_who_does_not_want_it_sent_is_not_asked_any_more(scene: ApiScene) -> None:
    row = given(with_policy(scene), asks=LAB)
    web = scene.web(scene.client_token(name="LPS"))
    answer = web.post(f"{INBOX}/{row}/read-receipt", json={"send": False}).json()
    assert (answer["outcome"], answer["code"]) == ("not_sent", "REPONSE_DECLINEE")
    assert answer["cure_fr"]
    (told,) = shown(scene, row)
    assert (told["needs_decision"], told["code"], told["actor"]) == (False, "REPONSE_DECLINEE", "LPS")
    assert web.post(f"{INBOX}/{row}/read-receipt", json={"send": False}).json()["notices"] == [told]
    assert [entry.action for entry in scene.journal.trace()].count("answer") == 2
    assert web.post(f"{INBOX}/{row}/read-receipt").json()["outcome"] == "queued"
    assert web.post(f"{INBOX}/{row}/read-receipt", json={"send": False}).json()["outcome"] == "already"


@pytest.mark.parametrize(
    ("how", "policy", "code"),
    [({}, "ask", "ACCUSE_NON_DEMANDE"), ({"asks": LAB}, "never", "ACCUSE_JAMAIS"),
     ({"asks": LAB, "head": {"Auto-Submitted": "auto-generated"}}, "ask", "ACCUSE_BOUCLE")],
)  # fmt: skip
def test_some_messages_are_never_answered(scene: ApiScene, how: dict[str, Any], policy: str, code: str) -> None:
    row = given(with_policy(scene, policy), **how)
    answer = scene.web().post(f"{INBOX}/{row}/read-receipt").json()
    assert (answer["outcome"], answer["code"], answer["notices"]) == ("not_sent", code, [])
    assert code_of(scene.web().post(f"{INBOX}/{row}/read-receipt", json={"send": False})) == (409, "TRANSITION")


def test_who_takes_it_tells_the_sender_when_the_policy_says_so(scene: ApiScene) -> None:
    row = given(with_policy(scene, "taken"), asks=LAB)
    web = scene.web(scene.client_token(name="LPS"))
    item = web.post(f"{INBOX}/{row}/taken").json()
    assert (item["taken_by"], item["notices"][0]["kind"], item["notices"][0]["state"]) == (
        "LPS", "processed", "prepared"
    )  # fmt: skip
    assert web.post(f"{INBOX}/{row}/taken").json()["notices"] == item["notices"]


def test_a_receipt_that_cannot_be_written_never_keeps_the_mark_away(scene: ApiScene) -> None:
    row = given(with_policy(scene, "taken"), asks=LAB)
    with_policy(scene, "taken", product_reference="")
    assert scene.web().post(f"{INBOX}/{row}/taken").json()["taken_by"]
    assert scene.journal.notices([row]) == {}


def test_what_waits_for_a_person_is_not_said_to_be_decided(scene: ApiScene) -> None:
    row = given(with_policy(scene, "ask"), asks=LAB)
    web = scene.web()

    def integrated() -> tuple[str, str]:
        answer = web.post(f"{INBOX}/{row}/integration", json={"result": "ok"}).json()
        return answer["outcome"], answer["code"]

    assert integrated() == ("not_sent", "ACCUSE_ACCORD")
    web.post(f"{INBOX}/{row}/read-receipt", json={"send": False})
    assert integrated() == ("not_sent", "REPONSE_DECLINEE")
    web.post(f"{INBOX}/{row}/read-receipt")
    assert integrated() == ("already", "ACCUSE_DEJA_ENVOYE")


# --- integration ---


def test_an_integration_that_went_well_is_a_taking(scene: ApiScene) -> None:
    row = given(with_policy(scene, "taken"), asks=LAB)
    web = scene.web(scene.client_token(name="LPS"))
    answer = web.post(f"{INBOX}/{row}/integration", json={"result": "ok"}).json()
    assert (answer["outcome"], answer["notices"][0]["kind"]) == ("queued", "processed")
    assert web.get(f"{INBOX}/{row}").json()["taken_by"] == "LPS"
    assert web.post(f"{INBOX}/{row}/integration", json={"result": "ok"}).json()["outcome"] == "already"


def test_a_failed_integration_is_told_with_code_and_document(scene: ApiScene) -> None:
    row = given(with_policy(scene, "taken"), ("cr.xml", CDA), asks=LAB)
    web = scene.web(scene.client_token(name="LPS"))
    failures = [{"document": 0, "code": "902", "detail": "patient inconnu"}, {"code": "906"}]
    answer = web.post(f"{INBOX}/{row}/integration", json={"result": "failed", "failures": failures}).json()
    assert answer["outcome"] == "queued"
    assert {(each["slot"], each["kind"]) for each in answer["notices"]} == {
        ("receipt", "failed"),
        ("failure", "failed"),
    }
    assert answer["notices"][0]["codes"] == ["902", "906"]
    mail = frozen(scene, answer["notices"][0]["message"])
    assert str(mail["Subject"]).startswith("[KO Intégration système !][902] XDM/1.0/DDM+Examens")
    words = next(part for part in mail.walk() if part.get_content_type() == "text/plain").get_content()
    assert "902 : Identifiant de patient inconnu (cr.xml : patient inconnu)" in words
    assert web.get(f"{INBOX}/{row}").json()["taken_at"] is None
    again = web.post(f"{INBOX}/{row}/integration", json={"result": "failed", "failures": failures}).json()
    assert again["outcome"] == "already"


@pytest.mark.parametrize(
    "body",
    [{"result": "failed"}, {"result": "ok", "failures": [{"code": "902"}]}, {"result": "perhaps"}, {},
     {"result": "failed", "failures": [{"code": "899"}]}, {"result": "failed", "failures": [{"code": "9020"}]},
     {"result": "failed", "failures": [{"code": "902", "detail": "x" * 301}]},
     {"result": "failed", "failures": [{"code": "902"}] * 51}],
)  # fmt: skip
def test_what_is_no_report_changes_nothing(scene: ApiScene, body: dict[str, Any]) -> None:
    row = given(with_policy(scene, "taken"), asks=LAB)
    answer = scene.web().post(f"{INBOX}/{row}/integration", json=body)
    assert code_of(answer) == (422, "API_REQUETE_INVALIDE")
    assert scene.journal.notices([row]) == {}


def test_a_document_that_is_not_there_cannot_have_failed(scene: ApiScene) -> None:
    row = given(with_policy(scene, "taken"), ("cr.xml", CDA), asks=LAB)
    body = {"result": "failed", "failures": [{"document": 7, "code": "902"}]}
    assert code_of(scene.web().post(f"{INBOX}/{row}/integration", json=body)) == (404, "INTROUVABLE")
    assert scene.journal.notices([row]) == {}


def test_a_notice_to_a_strange_address_waits_for_a_person(scene: ApiScene) -> None:
    row = given(with_policy(scene, "taken"), asks="autre@autre.mssante.fr")
    web = scene.web()
    body = {"result": "failed", "failures": [{"code": "904", "detail": "INS"}]}
    answer = web.post(f"{INBOX}/{row}/integration", json=body).json()
    assert (answer["outcome"], answer["code"]) == ("not_sent", "ACCUSE_ADRESSE")
    failure = next(each for each in shown(scene, row) if each["slot"] == "failure")
    assert (failure["needs_decision"], failure["codes"]) == (True, ["904"])
    declined = web.post(f"{INBOX}/{row}/failure-notice", json={"send": False}).json()
    assert (declined["outcome"], declined["code"]) == ("not_sent", "REPONSE_DECLINEE")
    sent = web.post(f"{INBOX}/{row}/failure-notice").json()
    assert sent["outcome"] == "queued"
    assert frozen(scene, sent["notices"][-1]["message"])["To"] == "autre@autre.mssante.fr"


def test_without_a_failure_there_is_no_notice_to_let_go(scene: ApiScene) -> None:
    row = given(with_policy(scene), asks=LAB)
    for body in (None, {"send": False}):
        assert code_of(scene.web().post(f"{INBOX}/{row}/failure-notice", json=body)) == (409, "TRANSITION")


# --- who may, and what is not there ---


@pytest.mark.parametrize(
    "action", ["read-receipt", "integration", "failure-notice", "requeue", "reply", "end-exchange"]
)
def test_reading_is_not_answering(scene: ApiScene, action: str) -> None:
    row = given(with_policy(scene), asks=LAB)
    bodies: dict[str, Any] = {"integration": {"result": "ok"}, "reply": {"body": "Bonjour"}}
    reader = scene.web(scene.client_token(Scope.INBOX_READ, Scope.MESSAGES_READ, name="r"))
    assert reader.post(f"{INBOX}/{row}/{action}", json=bodies.get(action)).status_code == 403
    assert scene.web().post(f"{NOBODY}/{action}", json=bodies.get(action)).status_code == 404
    assert reader.get(f"{NOBODY}/thread").status_code == 404


def test_the_bytes_are_gone(scene: ApiScene) -> None:
    row = given(with_policy(scene), sender=CITIZEN, asks=CITIZEN)
    scene.journal.record_incoming(row, IncomingEvent.ACKNOWLEDGE)
    scene.clock.jump(400 * 86_400)
    now = scene.clock.now()
    assert scene.journal.purge(payload_before=now, trace_before=now) > 0
    for action in ("read-receipt", "reply", "end-exchange"):
        body = {"body": "Bonjour"} if action == "reply" else None
        assert code_of(scene.web().post(f"{INBOX}/{row}/{action}", json=body)) == (410, "PAYLOAD_ABSENT")


def test_what_is_integrated_late_counts_although_nobody_can_be_told_any_more(scene: ApiScene) -> None:
    row = given(with_policy(scene, "taken"), asks=LAB)
    scene.journal.record_incoming(row, IncomingEvent.ACKNOWLEDGE)
    scene.clock.jump(400 * 86_400)
    now = scene.clock.now()
    assert scene.journal.purge(payload_before=now, trace_before=now) > 0
    answer = scene.web().post(f"{INBOX}/{row}/integration", json={"result": "ok"}).json()
    assert (answer["outcome"], answer["code"]) == ("not_sent", "PAYLOAD_ABSENT")
    assert scene.journal.received(row).mark is not None


def test_a_mailbox_that_is_no_longer_in_the_settings_cannot_answer(scene: ApiScene) -> None:
    row = arrive(with_policy(scene))
    others = scene.settings.mailboxes[1:]
    scene.settings = scene.settings.model_copy(update={"mailboxes": others})
    assert code_of(scene.web().post(f"{INBOX}/{row}/reply", json={"body": "x"})) == (404, "BOITE_INCONNUE")
    assert code_of(scene.web().post(f"{INBOX}/{row}/read-receipt")) == (404, "BOITE_INCONNUE")
