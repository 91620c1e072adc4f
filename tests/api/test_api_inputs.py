"""Everything that a folder takes, over the API: files that are no CDA, HL7 v2, replacing, withdrawing."""

import base64
from typing import Any

import pytest
from starlette.testclient import TestClient

from connector.documents.cda.parse import parse_cda
from connector.documents.pdf.sheets import text_to_pdf
from connector.domain.submission import DocumentAction
from tests.api.api_scene import ApiScene
from tests.hl7.hl7_messages import FLAGS, mdm
from tests.xdm.cda_samples import cda

MESSAGES = "/api/v1/messages"
PDF = text_to_pdf("Bilan", "Bilan")
PATIENT = {
    "birth_family": "TESTUT", "given_names": ["Camille"], "birth_date": "1999-01-17", "gender": "F",
    "local_number": {"value": "D-4711"},
}  # fmt: skip


def asked(name: str = "X.pdf", content: bytes = PDF, **said: Any) -> dict[str, Any]:
    document = {"name": name, "content": base64.b64encode(content).decode()}
    to = [{"address": "correspondant@autre.mssante.fr"}]
    return {"mailbox": "dr-modele", "recipients": to, "documents": [document], **said}


@pytest.fixture
def web(scene: ApiScene) -> TestClient:
    return scene.web(scene.client_token(name="LPS du cabinet"))


def taken(web: TestClient, **said: Any) -> dict[str, Any]:
    answer = web.post(MESSAGES, json=asked(**said))
    assert answer.status_code == 202, answer.text
    message: dict[str, Any] = answer.json()
    return message


def refused(web: TestClient, **said: Any) -> str:
    answer = web.post(MESSAGES, json=asked(**said))
    assert answer.status_code == 422
    return str(answer.json()["code"])


def test_a_pdf_with_its_patient_becomes_a_document(scene: ApiScene, web: TestClient) -> None:
    said = {
        "patient": PATIENT,
        "files": [{"name": "X.pdf", "type": "CR-BIO", "title": "Bilan", "date": "2026-11-20"}],
    }
    message = taken(web, **said)
    assert [file["role"] for file in message["files"]] == ["original", "cda_built"]
    view = scene.journal.submission(message["id"])
    document = parse_cda(scene.journal.payload(view.files[1].payload_id))
    assert (document.title, document.patient.family, document.code.code) == ("Bilan", "TESTUT", "11502-2")


def test_what_is_missing_or_wrong_is_told(web: TestClient) -> None:
    assert refused(web) == "PATIENT_INCOMPLET"
    assert refused(web, patient=PATIENT) == "TYPE_DOCUMENT_ABSENT"
    wrong = {**PATIENT, "ins": {"value": "199017599999850", "oid": "1.2.250.1.213.1.4.10", "qualified": True}}
    assert refused(web, patient=wrong, files=[{"name": "X.pdf", "type": "CR-BIO"}]) == "INS_INVALIDE"


def test_an_earlier_message_is_replaced_and_withdrawn_by_its_reference(scene: ApiScene, web: TestClient) -> None:
    said: dict[str, Any] = {"patient": PATIENT, "files": [{"name": "X.pdf", "type": "CR-BIO"}]}
    taken(web, reference="REQ1", **said)
    second = taken(web, reference="REQ2", replaces="REQ1", content=text_to_pdf("Corrigé", "Bilan"), **said)
    assert second["action"] == "replace"
    gone = taken(web, withdraws="REQ2", patient=PATIENT)
    assert gone["action"] == "delete"
    assert scene.journal.submission(gone["id"]).action is DocumentAction.DELETE
    assert refused(web, replaces="REQ9", **said) == "REMPLACE_INCONNU"


def test_an_hl7_message_is_taken_with_the_recipients_that_it_names(scene: ApiScene, web: TestClient) -> None:
    answer = web.post(MESSAGES, json=asked("M1.hl7", mdm(document=cda()), recipients=[]))
    assert answer.status_code == 202, answer.text
    view = scene.journal.submission(answer.json()["id"])
    assert [str(one.address) for one in view.messages[0].recipients] == ["paul.destinataire@medecin.test.mssante.fr"]
    assert view.hl7 is not None
    assert refused(web, name="M2.hl7", content=mdm(flags={**FLAGS, "MASQUE_PS": "Y"})) == "HL7_DOCUMENT_MASQUE"
