"""Replies over the API: in the thread of what they answer, to who wrote, under every rule of sending, once."""

import json
from typing import Any

import pytest

from connector.domain.scopes import Scope
from connector.domain.states import IncomingEvent, OutgoingEvent, OutgoingState
from connector.domain.submission import Recipient, SourceKind
from connector.exchange.replies import END_TEXT
from connector.sandbox.samples import sample
from tests.api.answer_scene import ASKED, CITIZEN, LAB, frozen, given, with_policy
from tests.api.api_scene import ApiScene
from tests.api.test_api_inbox import INBOX, code_of
from tests.journal.journal_builders import BOX, submission

CDA = sample("cr-biologie-v1.xml")
BODY = {"body": "Bien reçu, merci."}
OTHER = "secretariat@autre.mssante.fr"
KEY = {"Idempotency-Key": "k1"}


def replied(scene: ApiScene, row: str, body: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
    answer = scene.web(**headers).post(f"{INBOX}/{row}/reply", json=body or BODY)
    assert answer.status_code == 202, answer.text
    shown: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/messages/{shown['id']}"
    return shown


# --- the answer itself ---


def test_a_reply_goes_to_who_wrote_in_its_thread(scene: ApiScene) -> None:
    row = given(with_policy(scene), head={"References": "<first@autre.mssante.fr>"})
    shown = replied(scene, row, {**BODY, "reference": "REP-1"})
    assert (shown["answers"], shown["reference"], shown["source"], shown["state"]) == (
        row,
        "REP-1",
        "rest",
        "received",
    )
    assert scene.takings == 1
    mail = frozen(scene, shown["id"])
    assert (mail["To"], mail["Subject"], mail["In-Reply-To"]) == (LAB, "Re: Examens TESTUT", ASKED)
    assert str(mail["References"]).split() == ["<first@autre.mssante.fr>", ASKED]
    assert (mail["X-MSS-NIL"], mail["X-MSS-CODECDA"], mail["X-MSS-MES"]) == ("DEV0417", None, None)
    body = mail.get_body()
    assert body is not None
    assert body.get_content().strip() == BODY["body"]
    seen = scene.web().get(f"{INBOX}/{row}").json()
    assert (seen["answered_by"], seen["answers"]) == ([shown["id"]], None)


def test_a_reply_goes_where_answers_are_wanted_and_says_re_once(scene: ApiScene) -> None:
    row = given(with_policy(scene), head={"Reply-To": OTHER})
    mail = frozen(scene, replied(scene, row)["id"])
    assert mail["To"] == OTHER
    second = given(scene, uid=2, sender=OTHER)
    assert frozen(scene, replied(scene, second)["id"])["Subject"] == "Re: Examens TESTUT"


def test_documents_of_a_reply_follow_the_rules_of_every_document(scene: ApiScene) -> None:
    row = given(with_policy(scene))
    parts: list[tuple[str, Any]] = [
        ("message", (None, json.dumps(BODY), "application/json")),
        ("documents", ("cr.xml", CDA, "application/octet-stream")),
    ]
    answer = scene.web().post(f"{INBOX}/{row}/reply", files=parts)
    assert answer.status_code == 202, answer.text
    mail = frozen(scene, answer.json()["id"])
    assert str(mail["Subject"]).startswith("XDM/1.0/DDM+")
    assert mail["In-Reply-To"] == ASKED
    assert mail["X-MSS-CODECDA"]
    assert "IHE_XDM.zip" in [part.get_filename() for part in mail.walk()]


@pytest.mark.parametrize(
    "body",
    [{}, {"body": ""}, {"body": "x", "to": LAB}, {"body": "x", "recipients": []}, {"body": "a\x00b"},
     {"body": "x", "documents": [{"name": "../a", "content": ""}]}],
)  # fmt: skip
def test_what_is_no_reply_is_refused(scene: ApiScene, body: dict[str, Any]) -> None:
    row = given(with_policy(scene))
    assert code_of(scene.web().post(f"{INBOX}/{row}/reply", json=body)) == (422, "API_REQUETE_INVALIDE")
    assert scene.journal.submissions() == []


def test_a_file_that_is_no_document_needs_its_patient_also_in_a_reply(scene: ApiScene) -> None:
    row = given(with_policy(scene))
    body = {**BODY, "documents": [{"name": "note.pdf", "content": "JVBERi0xLjQKJSVFT0YK"}]}
    assert code_of(scene.web().post(f"{INBOX}/{row}/reply", json=body)) == (422, "PATIENT_INCOMPLET")


def test_documents_may_be_large_words_alone_not_elsewhere(scene: ApiScene) -> None:
    row = given(with_policy(scene))
    long = {"body": "x" * 90_000}
    assert scene.web().post(f"{INBOX}/{row}/reply", json=long).status_code == 202
    assert code_of(scene.web().post(f"{INBOX}/{row}/integration", json=long)) == (413, "API_CORPS_TROP_GROS")


# --- once ---


def test_the_same_reply_again_is_the_same_message(scene: ApiScene) -> None:
    row = given(with_policy(scene))
    first = replied(scene, row, Idempotency_Key="k1")
    again = scene.web(Idempotency_Key="k1").post(f"{INBOX}/{row}/reply", json=BODY)
    assert (again.json()["id"], again.headers["idempotent-replay"]) == (first["id"], "true")
    second = given(scene, uid=2, sender=OTHER)
    for target, body in ((second, BODY), (row, {"body": "Autre chose"})):
        answer = scene.web(Idempotency_Key="k1").post(f"{INBOX}/{target}/reply", json=body)
        assert code_of(answer) == (409, "CLE_DEJA_UTILISEE")
    assert len(scene.journal.submissions()) == 1


def test_without_a_key_the_same_words_are_a_duplicate_other_words_are_not(scene: ApiScene) -> None:
    row = given(with_policy(scene))
    first = replied(scene, row)
    twice = replied(scene, row)
    assert (twice["state"], twice["duplicate_of"]) == ("duplicate", first["id"])
    assert replied(scene, row, {"body": "Et encore ceci."})["state"] == "received"


# --- citizens ---


def test_a_citizen_who_wrote_is_answered_without_a_document(scene: ApiScene) -> None:
    row = given(with_policy(scene), sender=CITIZEN)
    mail = frozen(scene, replied(scene, row)["id"])
    assert (mail["To"], mail["X-MSS-MES"]) == (CITIZEN, None)


def test_only_at_the_very_address_that_wrote(scene: ApiScene) -> None:
    row = given(with_policy(scene), head={"Reply-To": CITIZEN})
    assert code_of(scene.web().post(f"{INBOX}/{row}/reply", json=BODY)) == (422, "DESTINATAIRE_INVALIDE")


def test_an_address_whose_key_does_not_fit_is_answered_by_nobody(scene: ApiScene) -> None:
    row = given(with_policy(scene), sender="279035121518900@patient.mssante.fr")
    shown = replied(scene, row)
    with pytest.raises(AssertionError, match="INS_INVALIDE"):
        frozen(scene, shown["id"])


def test_words_to_a_citizen_who_did_not_write_still_need_a_document(scene: ApiScene) -> None:
    row = given(with_policy(scene), sender=CITIZEN)
    shown = replied(scene, row)
    view = scene.journal.submission(shown["id"])
    assert view.answers is not None
    strange = view.answers.correspondent.__class__.parse("190017500000014@patient.mssante.fr")
    other = submission(
        7, mailbox=BOX, source=SourceKind.REST, files=(), recipients=(Recipient(strange),), answers=view.answers,
        body="Bonjour",
    )  # fmt: skip
    scene.journal.take(other, deadline_at=scene.clock.now(), duplicate_hours=0)
    with pytest.raises(AssertionError, match="INS_NON_QUALIFIEE"):
        frozen(scene, other.id)


@pytest.mark.parametrize(("earlier_too", "subject"), [(False, "Re: Examens TESTUT"), (True, "[FIN]")])
def test_the_end_of_an_exchange_leaves_no_answer_open(scene: ApiScene, earlier_too: bool, subject: str) -> None:
    row = given(with_policy(scene), sender=CITIZEN)
    answer = scene.web().post(f"{INBOX}/{row}/end-exchange", json={"earlier_too": earlier_too})
    assert answer.status_code == 202, answer.text
    mail = frozen(scene, answer.json()["id"])
    assert (mail["To"], mail["X-MSS-MES"], mail["Subject"], mail["In-Reply-To"]) == (CITIZEN, "FIN", subject, ASKED)
    body = mail.get_body()
    assert body is not None
    assert body.get_content().strip() == END_TEXT.strip()


def test_an_exchange_is_ended_once_with_the_words_of_the_person(scene: ApiScene) -> None:
    row = given(with_policy(scene), sender=CITIZEN)
    web = scene.web()
    first = web.post(f"{INBOX}/{row}/end-exchange", json={"body": "Au revoir."})
    again = web.post(f"{INBOX}/{row}/end-exchange")
    assert (again.json()["id"], again.headers["idempotent-replay"]) == (first.json()["id"], "true")
    more = web.post(f"{INBOX}/{row}/end-exchange", json={"earlier_too": True})
    assert more.json()["id"] != first.json()["id"]
    assert web.post(f"{INBOX}/{row}/end-exchange").json()["id"] in (first.json()["id"], more.json()["id"])
    scene.journal.record(scene.journal.submission(first.json()["id"]).messages[0].id, OutgoingEvent.CANCEL)
    scene.journal.record(scene.journal.submission(more.json()["id"]).messages[0].id, OutgoingEvent.CANCEL)
    anew = web.post(f"{INBOX}/{row}/end-exchange", json={"body": "Au revoir, donc."})
    assert "idempotent-replay" not in anew.headers
    assert scene.journal.submission(anew.json()["id"]).messages[0].state is OutgoingState.RECEIVED


def test_with_a_colleague_there_is_nothing_to_end(scene: ApiScene) -> None:
    row = given(with_policy(scene))
    assert code_of(scene.web().post(f"{INBOX}/{row}/end-exchange")) == (422, "FIN_SANS_PATIENT")


# --- which mailbox, which person ---


def test_a_mailbox_that_does_not_send_does_not_reply(scene: ApiScene) -> None:
    row = given(with_policy(scene), sender=CITIZEN)
    first, *others = scene.settings.mailboxes
    scene.settings = scene.settings.model_copy(
        update={"mailboxes": (first.model_copy(update={"send": False}), *others)}
    )
    for action, body in (("reply", BODY), ("end-exchange", None)):
        assert code_of(scene.web().post(f"{INBOX}/{row}/{action}", json=body)) == (409, "BOITE_SANS_ENVOI")


def test_replying_is_sending(scene: ApiScene) -> None:
    row = given(with_policy(scene))
    keeper = scene.web(scene.client_token(Scope.INBOX_READ, Scope.INBOX_WRITE, name="k"))
    assert keeper.post(f"{INBOX}/{row}/reply", json=BODY).status_code == 403
    sender = scene.web(scene.client_token(Scope.MESSAGES_WRITE, name="LPS"))
    answer = sender.post(f"{INBOX}/{row}/reply", json=BODY)
    assert answer.status_code == 202
    assert [entry.actor for entry in scene.journal.trace() if entry.action == "take"] == ["LPS"]


# --- one more delivery ---


def test_a_message_is_delivered_once_more_and_the_trace_says_for_whom(scene: ApiScene) -> None:
    row = given(with_policy(scene), done=True)
    web = scene.web(scene.client_token(name="LPS"))
    answer = web.post(f"{INBOX}/{row}/requeue")
    assert (answer.status_code, answer.json()["state"]) == (200, "stored")
    assert web.post(f"{INBOX}/{row}/requeue").json()["state"] == "stored"
    assert [entry.actor for entry in scene.journal.trace() if entry.action == "requeue"] == ["LPS"]
    assert scene.decisions == 2


def test_what_the_server_has_not_marked_yet_is_not_done(scene: ApiScene) -> None:
    row = given(with_policy(scene))
    assert code_of(scene.web().post(f"{INBOX}/{row}/requeue")) == (409, "TRANSITION")
    scene.journal.record_incoming(row, IncomingEvent.ACKNOWLEDGE)
    assert scene.web().post(f"{INBOX}/{row}/requeue").status_code == 200
