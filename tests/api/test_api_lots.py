"""Requests whose documents are several sendings: what a folder divides, the API divides alike."""

import base64
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.testclient import TestClient

from connector.client.connection import Connection
from connector.client.failure import SeveralMessages
from connector.sandbox.samples import sample
from connector.settings.model import OutboxSettings
from tests.api.api_scene import ApiScene
from tests.hprim.hprim_samples import record
from tests.intake.lot_samples import hl7_batch, hl7_message, other_patient

MESSAGES = "/api/v1/messages"
N1 = sample("cr-consultation-n1.xml")
TO = "correspondant@autre.mssante.fr"
TWO = (("a.xml", N1), ("b.xml", other_patient(1)))


def asked(*files: tuple[str, bytes], **said: Any) -> dict[str, Any]:
    documents = [{"name": name, "content": base64.b64encode(content).decode()} for name, content in files]
    return {"mailbox": "dr-modele", "recipients": [{"address": TO}], "documents": documents, **said}


@pytest.fixture
def web(scene: ApiScene) -> TestClient:
    return scene.web(scene.client_token(name="LPS"))


def refused(web: TestClient, files: Sequence[tuple[str, bytes]], **said: Any) -> str:
    answer = web.post(MESSAGES, json=asked(*files, **said))
    assert answer.status_code == 422, answer.text
    return str(answer.json()["code"])


def test_two_patients_are_two_messages_of_one_lot(scene: ApiScene, web: TestClient) -> None:
    answer = web.post(MESSAGES, json=asked(*TWO, reference="R-7"))
    assert answer.status_code == 202
    told = answer.json()
    assert [[file["name"] for file in item["files"]] for item in told["items"]] == [["a.xml"], ["b.xml"]]
    assert {item["lot"] for item in told["items"]} == {told["lot"]}
    assert {item["reference"] for item in told["items"]} == {"R-7"}
    assert "Location" not in answer.headers
    assert {view.id for view in scene.journal.submissions()} == {item["id"] for item in told["items"]}
    assert scene.takings == 1


def test_one_patient_is_one_message_as_ever(web: TestClient) -> None:
    answer = web.post(MESSAGES, json=asked(TWO[0]))
    assert answer.json()["lot"] is None
    assert answer.headers["Location"] == f"{MESSAGES}/{answer.json()['id']}"


@pytest.mark.parametrize(
    ("name", "content", "number"),
    [("batch.hl7", hl7_batch(3), 3), ("results.hpr", (record() + record(family="AUTRE")).encode("cp1252"), 2)],
)
def test_a_file_of_several_is_several_messages(web: TestClient, name: str, content: bytes, number: int) -> None:
    answer = web.post(MESSAGES, json=asked((name, content)))
    assert answer.status_code == 202, answer.text
    assert len(answer.json()["items"]) == number


def test_the_same_request_gives_the_same_messages_again(scene: ApiScene, web: TestClient) -> None:
    first, second = (web.post(MESSAGES, json=asked(*TWO), headers={"Idempotency-Key": "k-1"}) for _ in range(2))
    assert first.json() == second.json()
    assert "Idempotent-Replay" not in first.headers
    assert second.headers["Idempotent-Replay"] == "true"
    assert len(scene.journal.submissions()) == 2
    other = web.post(MESSAGES, json=asked(TWO[0]), headers={"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (409, "CLE_DEJA_UTILISEE")


def test_a_part_that_cannot_be_sent_refuses_the_whole(scene: ApiScene, web: TestClient) -> None:
    broken = hl7_message(1).replace(b"|MSG1|P|", b"|MSG1|Q|")
    assert refused(web, [("batch.hl7", hl7_message(0) + broken)]) == "HL7_TRAITEMENT_INCONNU"
    assert scene.journal.submissions() == []


def test_what_speaks_of_one_patient_does_not_hold_for_two(web: TestClient) -> None:
    assert refused(web, TWO, patient={"birth_family": "TESTUT"}) == "PATIENTS_MULTIPLES"
    assert refused(web, TWO, options={"file_number": "D-1"}) == "PATIENTS_MULTIPLES"


def test_a_hash_of_the_whole_file_counts_before_it_is_divided(web: TestClient) -> None:
    body = asked(("batch.hl7", hl7_batch(2)))
    body["documents"][0]["sha256"] = "0" * 64
    assert web.post(MESSAGES, json=body).json()["code"] == "INCOMPLET"


def test_a_mailbox_that_refuses_several_patients_does_so_here_too(scene: ApiScene) -> None:
    first, *others = scene.settings.mailboxes
    strict = first.model_copy(update={"outbox": OutboxSettings.model_validate({"several_patients": "refuse"})})
    scene.settings = scene.settings.model_copy(update={"mailboxes": [strict, *others]})
    assert refused(scene.web(), TWO) == "PATIENTS_MULTIPLES"


def test_an_index_is_for_folders(web: TestClient) -> None:
    index = ("x.mss.csv", b"fichier\r\na.xml\r\n")
    assert refused(web, [index, TWO[0]]) == "FORMAT_INCONNU"
    assert refused(web, [index, *TWO]) == "PDF_SANS_DOCUMENT"


def test_the_client_hears_of_all_of_them(scene: ApiScene) -> None:
    with scene.live() as live, Connection(live.endpoint) as connector:
        both = connector.submit_all("dr-modele", dict(TWO), recipients=[TO], key="k-2")
        assert len(both) == 2
        with pytest.raises(SeveralMessages) as told:
            connector.submit("dr-modele", dict(TWO), recipients=[TO], key="k-2")
        assert told.value.ids == tuple(message.id for message in both)
        assert len(connector.submit_all("dr-modele", {"c.xml": N1}, recipients=[TO])) == 1
