"""What belongs to a message, and what lists tell of it besides: alerts, patient, relations, answers."""

from typing import Any

import pytest

from connector.domain.scopes import Scope
from connector.domain.states import OutgoingEvent, RecipientState
from connector.domain.submission import DocumentAction
from connector.journal import threads
from connector.journal.documents import ReceivedDocument, ReceivedMessage
from connector.journal.receipts import ReceiptNews
from connector.journal.records import RecipientChange
from tests.api.answer_scene import LAB, frozen, given, with_policy
from tests.api.api_scene import ApiScene
from tests.api.test_api_inbox import CDA, INBOX, arrive
from tests.api.test_api_replies import replied
from tests.journal.journal_builders import BOX


def noted(scene: ApiScene, row: str, **found: Any) -> None:
    """As the opening notes it."""
    scene.journal.note_received(BOX, [ReceivedMessage(incoming_id=row, **found)])


def document(number: int, **changes: Any) -> ReceivedDocument:
    return ReceivedDocument(document_id=f"2.25.{number}", sha256=f"{number:064}", **changes)


def thread(scene: ApiScene, row: str) -> list[tuple[str, str, str | None, str]]:
    shown = scene.web().get(f"{INBOX}/{row}/thread").json()
    assert shown["is_whole"]
    return [(each["kind"], each["id"], each["about"], each["relation"]) for each in shown["entries"]]


def listed(scene: ApiScene, row: str) -> dict[str, Any]:
    (found,) = [item for item in scene.web().get(INBOX).json()["items"] if item["id"] == row]
    item: dict[str, Any] = found
    return item


# --- the thread ---


def test_a_question_its_answer_the_receipt_and_what_came_back(scene: ApiScene) -> None:
    question = given(with_policy(scene), asks=LAB)
    scene.clock.advance(60)
    scene.web().post(f"{INBOX}/{question}/read-receipt")
    scene.clock.advance(60)
    reply = replied(scene, question)
    header = str(frozen(scene, reply["id"])["Message-ID"])
    scene.clock.advance(60)
    message = scene.journal.submission(reply["id"]).messages[0]
    news = ReceiptNews(named=LAB, recipient=message.recipients[0].address, kind="read", form="mdn", text="lu")
    scene.journal.add_receipts(message.id, "01RECEIPT", [news])
    scene.clock.advance(60)
    back = given(scene, uid=2)
    noted(scene, back, answers=("<unknown@autre.mssante.fr>", header))
    expected = [
        ("received", question, None, ""), ("notice", question, question, ""),
        ("sent", reply["id"], question, "answers"), ("receipt", reply["id"], reply["id"], ""),
        ("received", back, reply["id"], "answers"),
    ]  # fmt: skip
    assert thread(scene, question) == expected
    assert thread(scene, back) == expected
    assert listed(scene, back)["answers"] == reply["id"]
    assert listed(scene, question)["answered_by"] == [reply["id"]]
    told = scene.web().get(f"/api/v1/messages/{reply['id']}").json()["receipts"]
    assert [(each["address"], each["kind"], each["text"]) for each in told] == [(LAB, "read", "lu")]


def test_a_thread_of_words_says_who_and_what(scene: ApiScene) -> None:
    question = given(with_policy(scene))
    scene.clock.advance(60)
    reply = replied(scene, question)
    first, second = scene.web().get(f"{INBOX}/{question}/thread").json()["entries"]
    assert (first["who"], first["subject"], first["state"]) == ("Labo", "Examens TESTUT", "delivered")
    assert (second["who"], second["subject"], second["state"]) == (LAB, "Re: Examens TESTUT", "received")
    scene.journal.record(scene.journal.submission(reply["id"]).messages[0].id, OutgoingEvent.REJECT, code="TROP_GROS")
    second = scene.web().get(f"{INBOX}/{question}/thread").json()["entries"][1]
    assert (second["state"], second["code"]) == ("rejected", "TROP_GROS")
    assert second["cure_fr"]


def test_a_thread_is_for_who_may_read_both_sides(scene: ApiScene) -> None:
    question = given(with_policy(scene))
    for scope in (Scope.INBOX_READ, Scope.MESSAGES_READ):
        assert scene.web(scene.client_token(scope, name=scope)).get(f"{INBOX}/{question}/thread").status_code == 403
    both = scene.web(scene.client_token(Scope.INBOX_READ, Scope.MESSAGES_READ, name="both"))
    assert both.get(f"{INBOX}/{question}/thread").status_code == 200


def test_replacements_belong_together_whichever_is_asked_for(scene: ApiScene) -> None:
    first, second = given(with_policy(scene)), given(scene, uid=2)
    noted(scene, first, documents=(document(1, set_id="2.25.9", version=1),))
    noted(scene, second, documents=(document(2, set_id="2.25.9", version=2),))
    expected = [("received", first, None, ""), ("received", second, first, "replaces")]
    assert thread(scene, first) == thread(scene, second) == expected
    assert listed(scene, second)["relations"] == [{"kind": "replaces", "inbox_id": first}]
    assert listed(scene, first)["relations"] == [{"kind": "replaced_by", "inbox_id": second}]


def test_the_same_document_twice_and_its_withdrawal(scene: ApiScene) -> None:
    first, twin, end = (given(with_policy(scene), uid=n) for n in (1, 2, 3))
    noted(scene, first, documents=(document(1),))
    noted(scene, twin, documents=(document(1),))
    noted(scene, end, documents=(document(1, action=DocumentAction.DELETE),))
    assert listed(scene, twin)["relations"][0] == {"kind": "duplicate_of", "inbox_id": first}
    assert listed(scene, end)["relations"] == [{"kind": "withdraws", "inbox_id": twin}]
    assert {"kind": "withdrawn_by", "inbox_id": end} in listed(scene, twin)["relations"]
    assert len(thread(scene, first)) == 3


def test_strangers_do_not_join_a_thread(scene: ApiScene) -> None:
    first, second = given(with_policy(scene)), given(scene, uid=2)
    noted(scene, second, answers=("<question@autre.mssante.fr>",))  # a message of theirs, not of ours
    assert thread(scene, first) == [("received", first, None, "")]
    assert thread(scene, second) == [("received", second, None, "")]


def test_an_answer_sent_from_another_mailbox_is_not_ours_to_tie(scene: ApiScene) -> None:
    question = given(with_policy(scene))
    header = str(frozen(scene, replied(scene, question)["id"])["Message-ID"])
    other = scene.settings.mailboxes[1].address
    stranger = arrive(scene, uid=5)
    scene.journal.note_received(other, [ReceivedMessage(incoming_id=stranger, answers=(header,))])
    assert len(thread(scene, question)) == 2


@pytest.mark.parametrize("count", [4, 5, 9])
def test_an_endless_thread_is_shown_in_part_and_says_so(
    scene: ApiScene, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "MOST_MEMBERS", 5)
    question = given(with_policy(scene))
    for number in range(count):
        replied(scene, question, {"body": f"Réponse {number}"})
    shown = scene.web().get(f"{INBOX}/{question}/thread").json()
    assert shown["is_whole"] is (count < 5)
    assert len(shown["entries"]) == min(count + 1, 5)


# --- what lists tell ---


def test_lists_tell_alerts_doubts_and_the_patient_without_opening_anything(scene: ApiScene) -> None:
    row = given(with_policy(scene), ("cr.xml", CDA))
    assert (listed(scene, row)["identity"], listed(scene, row)["alerts"]) == ("", [])
    noted(scene, row, alerts=("AA", "HH"), warnings=("INS_RECU_DE_TEST", "XDM_ABSENT"), identity="doubtful")
    item = listed(scene, row)
    assert (item["alerts"], item["identity"]) == (["AA", "HH"], "doubtful")
    assert item["warnings"] == ["INS_RECU_DE_TEST", "XDM_ABSENT"]
    noted(scene, row, alerts=("LL",), identity="none")  # opened again: what was found first stays
    assert listed(scene, row)["alerts"] == ["AA", "HH"]


def test_one_message_is_told_from_its_content(scene: ApiScene) -> None:
    row = given(with_policy(scene), ("cr.xml", CDA))
    whole = scene.web().get(f"{INBOX}/{row}").json()
    assert whole["identity"] == "qualified"
    noted(scene, row, warnings=("ACCUSE_NON_RATTACHE",), identity="none")
    whole = scene.web().get(f"{INBOX}/{row}").json()
    assert "ACCUSE_NON_RATTACHE" in whole["warnings"]
    assert whole["identity"] == "qualified"


def test_recipients_say_since_when_a_receipt_is_awaited(scene: ApiScene) -> None:
    reply = replied(scene, given(with_policy(scene)))
    frozen(scene, reply["id"])
    (message,) = scene.journal.claim_due(BOX, owner="o", limit=9)
    scene.journal.data_begun(message.id)
    accepted = [RecipientChange(each.address, RecipientState.ACCEPTED, 250) for each in message.recipients]
    scene.journal.record(message.id, OutgoingEvent.ACCEPT, answer="250 ok", recipients=accepted)
    (shown,) = scene.web().get(f"/api/v1/messages/{reply['id']}").json()["emails"][0]["recipients"]
    assert (shown["state"], shown["waits_since"] is not None) == ("accepted", True)
