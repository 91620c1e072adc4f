"""Messages over the API: taken once and kept, seen with their whole story, decided about."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from connector.api.guard import GuardSettings
from connector.api.submit import Budget
from connector.client.models.messages import DocumentModel, SubmitModel
from connector.domain.errors import Unavailable
from connector.domain.scopes import Scope
from connector.domain.states import OutgoingEvent, OutgoingState, WaitingFor
from connector.sandbox.samples import sample
from tests.api.api_scene import PORT, ApiScene, settings_of
from tests.journal.journal_builders import BOX, Scene

MESSAGES = "/api/v1/messages"
TO = "correspondant@autre.mssante.fr"
CDA = sample("cr-biologie-v1.xml")


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def asked(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "mailbox": "dr-modele", "reference": "CR-1", "recipients": [{"address": TO}],
        "documents": [{"name": "cr.xml", "content": b64(CDA)}],
    }  # fmt: skip
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["code"])


def journal_of(scene: ApiScene) -> Scene:
    return Scene(scene.journal, scene.clock, Path())


def files_of(scene: ApiScene, message_id: str) -> dict[str, bytes]:
    view = scene.journal.submission(message_id)
    return {file.name: scene.journal.payload(file.payload_id) for file in view.files}


# --- submit ---


def test_a_document_is_taken_kept_and_told_where_to_ask(scene: ApiScene) -> None:
    web = scene.web(scene.client_token(name="LPS du cabinet"))
    answer = web.post(MESSAGES, json=asked(options={"read_receipt": True, "file_number": "12"}))
    assert answer.status_code == 202
    message = answer.json()
    assert answer.headers["location"] == f"{MESSAGES}/{message['id']}"
    assert (message["state"], message["source"], message["reference"]) == ("received", "rest", "CR-1")
    assert message["emails"][0]["recipients"][0]["address"] == TO
    assert files_of(scene, message["id"]) == {"cr.xml": CDA}
    view = scene.journal.submission(message["id"])
    assert (view.mailbox, view.options.read_receipt, view.options.file_number) == (BOX, True, "12")
    assert scene.takings == 1
    shown = web.get(answer.headers["location"]).json()
    assert shown["id"] == message["id"]
    assert [(entry["action"], entry["actor"]) for entry in shown["timeline"]] == [("take", "LPS du cabinet")]


def test_what_is_taken_is_taken_as_from_a_folder(scene: ApiScene) -> None:
    """Everything that a sidecar can say reaches the submission."""
    body = asked(
        mailbox="dr.modele@exemple.mssante.fr", copies=[{"address": "confrere@autre.mssante.fr"}], to_patient=False,
        subject="Résultats", body="Bonjour,\nVoici.",
        options={
            "delivery_receipt": False, "urgent": True, "no_reply_from_patient": True, "hide_from_patient": True,
            "hide_from_professionals": True, "allow_duplicate": True,
        },
    )  # fmt: skip
    view = scene.journal.submission(scene.web().post(MESSAGES, json=body).json()["id"])
    assert (view.subject, view.body) == ("Résultats", "Bonjour,\nVoici.")
    assert [(str(r.address), r.kind.value) for r in view.messages[0].recipients] == [
        (TO, "to"), ("confrere@autre.mssante.fr", "cc")
    ]  # fmt: skip
    options = view.options
    assert not options.delivery_receipt
    assert options.urgent
    assert options.no_reply_from_patient
    assert options.hide_from_patient
    assert options.hide_from_professionals
    assert options.allow_duplicate


def test_without_reference_a_message_still_has_a_name(scene: ApiScene) -> None:
    message = scene.web().post(MESSAGES, json=asked(reference=None)).json()
    assert message["name"] == f"REST-{message['id'][-6:]}"
    assert message["reference"] is None


def test_base64_may_have_line_ends(scene: ApiScene) -> None:
    text = b64(CDA)
    lines = "\r\n".join(text[i : i + 76] for i in range(0, len(text), 76))
    answer = scene.web().post(MESSAGES, json=asked(documents=[{"name": "cr.xml", "content": lines}]))
    assert files_of(scene, answer.json()["id"]) == {"cr.xml": CDA}


def test_a_document_that_does_not_have_its_hash_is_refused(scene: ApiScene) -> None:
    right, wrong = hashlib.sha256(CDA).hexdigest().upper(), "0" * 64
    document = {"name": "cr.xml", "content": b64(CDA)}
    assert scene.web().post(MESSAGES, json=asked(documents=[{**document, "sha256": right}])).status_code == 202
    refused = scene.web().post(MESSAGES, json=asked(documents=[{**document, "sha256": wrong}]))
    assert code_of(refused) == (422, "INCOMPLET")
    assert "empreinte" in refused.json()["detail_fr"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"mailbox": "nobody"}, 404, "BOITE_INCONNUE"),
        ({"recipients": []}, 422, "DESTINATAIRE_INCONNU"),
        ({"recipients": [{"address": "no address"}]}, 422, "DESTINATAIRE_INVALIDE"),
        ({"documents": [{"name": "x.bin", "content": b64(b"\x00\x01")}]}, 422, "FORMAT_INCONNU"),
        ({"documents": [{"name": "x.mss.json", "content": b64(b"{}")}]}, 422, "FORMAT_INCONNU"),
        ({"documents": [{"name": "x.ok", "content": ""}]}, 422, "FORMAT_INCONNU"),
        ({"documents": [{"name": "x.pdf", "content": b64(b"%PDF-1.4")}]}, 422, "PATIENT_INCOMPLET"),
        ({"documents": []}, 422, "API_REQUETE_INVALIDE"),
        ({"documents": [{"name": "../cr.xml", "content": b64(CDA)}]}, 422, "API_REQUETE_INVALIDE"),
        ({"documents": [{"name": ".cr.xml", "content": b64(CDA)}]}, 422, "API_REQUETE_INVALIDE"),
        ({"documents": [{"name": "cr.xml", "content": "not base64!"}]}, 422, "API_REQUETE_INVALIDE"),
        ({"documents": [{"name": "cr.xml", "content": "QUJ"}]}, 422, "API_REQUETE_INVALIDE"),
        ({"documents": [{"name": "cr.xml", "content": 7}]}, 422, "API_REQUETE_INVALIDE"),
        ({"documents": [{"name": "cr.xml", "content": b64(CDA), "sha256": "x"}]}, 422, "API_REQUETE_INVALIDE"),
        ({"reference": "a\nb"}, 422, "API_REQUETE_INVALIDE"),
        ({"subject": "a\x07b"}, 422, "API_REQUETE_INVALIDE"),
        ({"body": "a\x00b"}, 422, "API_REQUETE_INVALIDE"),
        ({"priority": "high"}, 422, "API_REQUETE_INVALIDE"),
        ({"options": {"urgnet": True}}, 422, "API_REQUETE_INVALIDE"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_at_once_and_not_kept(
    scene: ApiScene, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = scene.web().post(MESSAGES, json=asked(**changes))
    assert code_of(answer) == (status, code)
    assert scene.journal.submissions() == []
    assert scene.takings == 0


def test_a_mailbox_that_does_not_send(scene: ApiScene) -> None:
    mailboxes = settings_of().model_dump()["mailboxes"]
    scene.settings = settings_of(mailboxes=[{**mailboxes[0], "send": False}])
    assert code_of(scene.web().post(MESSAGES, json=asked())) == (409, "BOITE_SANS_ENVOI")


def test_the_same_documents_again_are_set_aside(scene: ApiScene) -> None:
    web = scene.web()
    first = web.post(MESSAGES, json=asked()).json()
    again = web.post(MESSAGES, json=asked()).json()
    assert (again["state"], again["duplicate_of"]) == ("duplicate", first["id"])
    assert again["emails"][0]["code"] == "DOUBLON"
    assert again["emails"][0]["cure_fr"]


# --- the same request again ---


def test_the_same_key_gives_the_same_message(scene: ApiScene) -> None:
    web = scene.web()
    first = web.post(MESSAGES, json=asked(), headers={"Idempotency-Key": "k-1"})
    again = web.post(MESSAGES, content=json.dumps(asked(), indent=3), headers={"Idempotency-Key": "k-1",
                     "Content-Type": "application/json"})  # fmt: skip
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["location"] == first.headers["location"]
    assert (first.headers.get("idempotent-replay"), again.headers["idempotent-replay"]) == (None, "true")
    assert len(scene.journal.submissions()) == 1


def test_multipart_and_json_are_the_same_request(scene: ApiScene) -> None:
    web = scene.web()
    first = web.post(MESSAGES, json=asked(), headers={"Idempotency-Key": "k-1"}).json()
    again = multipart(web, headers={"Idempotency-Key": "k-1"}).json()
    assert again["id"] == first["id"]


def test_the_same_key_for_something_else_is_refused(scene: ApiScene) -> None:
    web = scene.web()
    web.post(MESSAGES, json=asked(), headers={"Idempotency-Key": "k-1"})
    refused = web.post(MESSAGES, json=asked(reference="CR-2"), headers={"Idempotency-Key": "k-1"})
    assert code_of(refused) == (409, "CLE_DEJA_UTILISEE")


def test_keys_of_two_applications_have_nothing_to_do_with_each_other(scene: ApiScene) -> None:
    ids = set()
    for name in ("a", "b"):
        web = scene.web(scene.client_token(name=name))
        ids.add(web.post(MESSAGES, json=asked(), headers={"Idempotency-Key": "k-1"}).json()["id"])
    assert len(ids) == 2


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
def test_a_key_is_one_visible_word(scene: ApiScene, key: str) -> None:
    answer = scene.web().post(MESSAGES, json=asked(), headers={b"Idempotency-Key": key.encode("latin-1")})
    assert code_of(answer) == (422, "API_REQUETE_INVALIDE")


# --- multipart ---


def multipart(web: TestClient, *documents: tuple[str, bytes], **options: Any) -> Any:
    message = json.dumps(asked(documents=None))
    parts: list[Any] = [("message", (None, message, "application/json"))]
    parts += [("documents", (name, content, "text/xml")) for name, content in documents or (("cr.xml", CDA),)]
    return web.post(MESSAGES, files=parts, **options)


def test_documents_come_as_parts_byte_for_byte(scene: ApiScene) -> None:
    pdf = b"%PDF-1.4\r\n--x\r\n\r\n\x00\xff"
    answer = multipart(scene.web(), ("Élodie.xml", CDA), ("Élodie.pdf", pdf))
    assert answer.status_code == 202, answer.text
    assert files_of(scene, answer.json()["id"]) == {"Élodie.xml": CDA, "Élodie.pdf": pdf}


def by_hand(boundary: bytes, file_name: bytes) -> bytes:
    named = b'Content-Disposition: form-data; name="%b"'
    parts = (
        (named % b"message", json.dumps(asked(documents=None)).encode()),
        (named % b"documents" + b'; filename="%b"' % file_name, CDA),
    )
    lines = [b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary, header, content) for header, content in parts]
    return b"".join([*lines, b"--%b--\r\n" % boundary])


def test_over_the_wire_in_pieces(scene: ApiScene) -> None:
    boundary = b"--------x"
    body = by_hand(boundary, b"cr.xml")
    with scene.live() as live:
        answer = httpx.post(
            f"{live.endpoint.url}{MESSAGES}", content=(body[i : i + 100] for i in range(0, len(body), 100)),
            headers={
                "Authorization": f"Bearer {scene.owner.token}",
                "Content-Type": f"multipart/form-data; boundary={boundary.decode()}",
            },
        )  # fmt: skip
    assert answer.status_code == 202, answer.text
    assert files_of(scene, answer.json()["id"]) == {"cr.xml": CDA}


@pytest.mark.parametrize(
    ("parts", "where"),
    [
        ([("documents", ("cr.xml", CDA))], "body.message"),
        ([("message", (None, "{}")), ("message", (None, "{}")), ("documents", ("a.xml", CDA))], "body.message"),
        ([("message", (None, json.dumps(asked(documents=None))))], "body.documents"),
        ([("message", (None, "{}")), ("documents", ("a.xml", CDA)), ("other", ("b.xml", CDA))], "body.documents"),
        ([("message", (None, "{")), ("documents", ("cr.xml", CDA))], "body.message"),
        ([("message", (None, json.dumps(asked()))), ("documents", ("cr.xml", CDA))], "body.message.documents"),
        ([("message", (None, json.dumps(asked(documents=None)))), ("documents", ("a/b.xml", CDA))],
         "body.documents.filename"),
        ([("message", (None, json.dumps(asked(documents=None)))), ("documents", (None, "x"))],
         "body.documents.filename"),
        ([("message", (None, "{}"))] + [("documents", ("a.xml", b""))] * 70, "body"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit(scene: ApiScene, parts: Any, where: str) -> None:
    answer = scene.web().post(MESSAGES, files=parts)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["where"] == where
    assert scene.journal.submissions() == []


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b"no multipart"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\n{}"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n{}\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Type: text/xml\r\n\r\n{}\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(20)) + b"\r\n"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_multipart(scene: ApiScene, content_type: str, body: bytes) -> None:
    answer = scene.web().post(MESSAGES, content=body, headers={"Content-Type": content_type})
    assert code_of(answer) == (422, "API_REQUETE_INVALIDE")
    assert answer.json()["errors"][0]["where"] == "body"


def test_a_file_name_in_an_old_encoding(scene: ApiScene) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = scene.web().post(MESSAGES, content=by_hand(b"x", b"\xc9lodie.xml"), headers=kind)
    assert [file["name"] for file in answer.json()["files"]] == ["Élodie.xml"]


# --- bounds ---


def test_documents_may_be_larger_than_other_bodies_up_to_the_limit(scene: ApiScene) -> None:
    scene.guard = GuardSettings(port=PORT, large_bodies={MESSAGES: 400_000})
    web = scene.web()
    document = CDA + b"<!--" + bytes(100_000).replace(b"\x00", b"x") + b"-->"
    assert web.post(MESSAGES, json=asked(documents=[{"name": "a.xml", "content": b64(document)}])).status_code == 202
    large = web.post(MESSAGES, json=asked(documents=[{"name": "a.xml", "content": b64(bytes(400_000))}]))
    assert code_of(large) == (413, "API_CORPS_TROP_GROS")


def test_so_many_bytes_at_a_time(scene: ApiScene) -> None:
    budget = Budget(100)
    with budget.reserve(60):
        with pytest.raises(Unavailable) as busy, budget.reserve(41):
            raise AssertionError("too much was held")
        assert busy.value.code == "API_OCCUPEE"
        with budget.reserve(40):
            pass
    with pytest.raises(KeyError), budget.reserve(100):
        raise KeyError
    with budget.reserve(100):
        pass


def test_a_document_is_not_printed_with_its_request() -> None:
    model = SubmitModel.model_validate(asked(documents=[{"name": "a.xml", "content": b64(b"Dupond")}]))
    assert "Dupond" not in repr(model)
    assert b64(b"Dupond") in model.model_dump_json()
    assert DocumentModel(name="a.xml", content=b"raw").content == b"raw"


# --- list, show ---


def test_the_list_is_newest_first_in_pages(scene: ApiScene) -> None:
    journal = journal_of(scene)
    ids = [journal.message(journal.taken()).submission_id for _ in range(5)]
    web = scene.web()
    seen: list[str] = []
    cursor = None
    for size in (2, 2, 1):
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = web.get(MESSAGES, params=query).json()
        assert len(page["items"]) == size
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert seen == ids[::-1]


def test_the_list_is_filtered_and_searched(scene: ApiScene) -> None:
    journal = journal_of(scene)
    held, sent = journal.held(), journal.sent()
    named = journal.taken(reference="Réf-77")
    web = scene.web()

    def ids(**query: Any) -> list[str]:
        return [item["emails"][0]["id"] for item in web.get(MESSAGES, params=query).json()["items"]]

    assert ids(state="waiting") == [held]
    assert ids(state=["waiting", "sent"]) == [sent, held]
    assert ids(q="ref-77") == [named]
    assert ids(mailbox="dr-modele") == [named, sent, held]
    assert ids(mailbox="psc") == []
    assert code_of(web.get(MESSAGES, params={"mailbox": "nobody"}))[0] == 404
    for wrong in ({"state": "gone"}, {"limit": 0}, {"limit": 101}, {"cursor": "../x"}, {"q": "x" * 201}):
        assert web.get(MESSAGES, params=wrong).status_code == 422, wrong


def test_what_waits_says_for_what_and_the_neediest_state_stands_for_all(scene: ApiScene) -> None:
    journal = journal_of(scene)
    journal.held(WaitingFor.PIN)
    (message,) = scene.web().get(MESSAGES).json()["items"]
    assert (message["state"], message["waiting_for"]) == ("waiting", ["pin"])
    assert message["emails"][0]["waiting_for"] == "pin"


def test_the_story_of_a_sent_message(scene: ApiScene) -> None:
    journal = journal_of(scene)
    row = journal.sent()
    submission_id = journal.message(row).submission_id
    shown = scene.web().get(f"{MESSAGES}/{submission_id}").json()
    assert [entry["action"] for entry in shown["timeline"]] == ["take", "freeze", "claim", "data", "send"]
    (email,) = shown["emails"]
    assert (email["id"], email["state"], email["answer"]) == (row, "sent", "250 2.0.0 queued as 4F")
    assert [(r["kind"], r["state"], r["code"]) for r in email["recipients"]] == [
        ("to", "accepted", 250), ("cc", "accepted", 250)
    ]  # fmt: skip


@pytest.mark.parametrize("message_id", ["01ZZZZZZZZZZZZZZZZZZZZZZZZ"])
def test_an_unknown_message(scene: ApiScene, message_id: str) -> None:
    web = scene.web()
    assert code_of(web.get(f"{MESSAGES}/{message_id}")) == (404, "INTROUVABLE")
    assert code_of(web.post(f"{MESSAGES}/{message_id}/retry")) == (404, "INTROUVABLE")
    assert web.get(f"{MESSAGES}/x").status_code == 422


# --- decisions ---


@pytest.mark.parametrize(
    ("decision", "start", "end"),
    [
        ("retry", "held", OutgoingState.PREPARED),
        ("cancel", "prepared", OutgoingState.CANCELLED),
        ("release", "unknown", OutgoingState.PREPARED),
    ],
)
def test_a_decision_is_carried_out_and_traced(scene: ApiScene, decision: str, start: str, end: OutgoingState) -> None:
    journal = journal_of(scene)
    submission_id = journal.message(getattr(journal, start)()).submission_id
    web = scene.web(scene.client_token(name="LPS"))
    answer = web.post(f"{MESSAGES}/{submission_id}/{decision}")
    assert (answer.status_code, answer.json()["state"]) == (200, end)
    assert scene.decisions == 1
    last = scene.journal.trace(subject_id=submission_id)[-1]
    assert (last.action, last.actor) == (decision, "LPS")


def test_a_decision_that_is_not_possible_now(scene: ApiScene) -> None:
    journal = journal_of(scene)
    row = journal.taken()
    scene.journal.record(row, OutgoingEvent.REJECT, code="CDA_INVALIDE")
    answer = scene.web().post(f"{MESSAGES}/{journal.message(row).submission_id}/release")
    assert code_of(answer) == (409, "TRANSITION")
    assert scene.decisions == 0


def test_reading_and_writing_are_two_rights(scene: ApiScene) -> None:
    reader = scene.web(scene.client_token(Scope.MESSAGES_READ, name="r"))
    writer = scene.web(scene.client_token(Scope.MESSAGES_WRITE, name="w"))
    assert reader.get(MESSAGES).status_code == 200
    assert reader.post(MESSAGES, json=asked()).status_code == 403
    assert writer.post(MESSAGES, json=asked()).status_code == 202
    assert writer.get(MESSAGES).status_code == 403
