"""``POST /api/v1/check``: the verdict of a request to send, and nothing of it stays."""

import base64
from typing import Any

import pytest
from starlette.testclient import TestClient

from connector.client.connection import Connection
from connector.domain.scopes import Scope
from connector.sandbox.samples import sample
from connector.settings.validation import ValidationSettings
from tests.api.api_scene import ApiScene, settings_of
from tests.api.test_api_inputs import PATIENT, PDF, asked
from tests.hl7.hl7_messages import FLAGS, mdm
from tests.validation.small_publication import publish

CHECK, MESSAGES = "/api/v1/check", "/api/v1/messages"
N1 = sample("cr-consultation-n1.xml")
PRODUCT = {"product_reference": "DEV0417", "environment": "test"}
MADE: dict[str, Any] = {"patient": PATIENT, "files": [{"name": "X.pdf", "type": "CR-BIO"}]}


@pytest.fixture
def web(scene: ApiScene) -> TestClient:
    scene.settings = settings_of(software=PRODUCT)
    return scene.web(scene.client_token(Scope.MESSAGES_WRITE))


def checked(web: TestClient, **said: Any) -> dict[str, Any]:
    answer = web.post(CHECK, json=asked(**said))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def errors(told: dict[str, Any]) -> list[str]:
    return [one["code"] for one in told["findings"] if one["severity"] == "error"]


def test_a_good_document_would_leave_and_nothing_is_stored(scene: ApiScene, web: TestClient) -> None:
    before = len(scene.journal.trace(limit=50))
    told = checked(web, name="cr.xml", content=N1, reference="R-1")
    assert not told["refused"]
    assert told["sendings"] == [{
        "name": "R-1", "recipients": ["correspondant@autre.mssante.fr"], "action": "first", "documents": 1,
        "messages": 1,
    }]  # fmt: skip
    assert scene.journal.submissions() == []
    assert len(scene.journal.trace(limit=50)) == before
    assert scene.takings == 0


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, "PATIENT_INCOMPLET"),
        ({"patient": PATIENT}, "TYPE_DOCUMENT_ABSENT"),
        ({**MADE, "replaces": "REQ9"}, "REMPLACE_INCONNU"),
        ({"name": "M.hl7", "content": mdm(flags={**FLAGS, "MASQUE_PS": "Y"})}, "HL7_DOCUMENT_MASQUE"),
        ({"name": "a.xml", "content": b"<html></html>"}, "FORMAT_INCONNU"),
    ],
)
def test_what_submitting_refuses_is_an_error(web: TestClient, said: dict[str, Any], code: str) -> None:
    assert code in errors(checked(web, **said))
    assert web.post(MESSAGES, json=asked(**said)).json()["code"] == code


def test_an_earlier_message_is_known_here(scene: ApiScene, web: TestClient) -> None:
    assert web.post(MESSAGES, json=asked(reference="REQ1", **MADE)).status_code == 202
    told = checked(web, replaces="REQ1", **MADE)
    assert errors(told) == []
    assert told["sendings"][0]["action"] == "replace"


def test_everything_is_told_with_its_place_and_in_two_languages(web: TestClient) -> None:
    told = checked(web, name="a.xml", content=N1.replace(b'code="fr-FR"', b'code="en-US"'))
    (found,) = [one for one in told["findings"] if one["code"] == "CDA_VALEUR_INATTENDUE"]
    assert found["where"].endswith("/ClinicalDocument/languageCode")
    assert all(found[key] for key in ("title_fr", "cure_fr", "title_en", "cure_en", "rule"))


def test_a_hash_that_does_not_fit_is_told(web: TestClient) -> None:
    body = asked("cr.xml", N1)
    body["documents"][0]["sha256"] = "0" * 64
    assert errors(web.post(CHECK, json=body).json()) == ["INCOMPLET"]


def test_it_takes_the_scope_of_sending(scene: ApiScene) -> None:
    reader = scene.web(scene.client_token(Scope.MESSAGES_READ))
    assert reader.post(CHECK, json=asked()).status_code == 403
    assert scene.web(None).post(CHECK, json=asked()).status_code == 401


@pytest.mark.parametrize(("box", "status"), [("nobody", 404), ("dr-modele", 409)])
def test_a_mailbox_that_cannot_send_checks_nothing(scene: ApiScene, box: str, status: int) -> None:
    settings = settings_of(software=PRODUCT)
    first, *others = settings.mailboxes
    deaf = first.model_copy(update={"send": False})
    scene.settings = settings.model_copy(update={"mailboxes": [deaf, *others]})
    assert scene.web().post(CHECK, json=asked(mailbox=box)).status_code == status


def test_a_large_document_comes_through_and_a_larger_one_does_not(scene: ApiScene) -> None:
    scene.settings = settings_of(software=PRODUCT, api={"max_body_bytes": 1_000_000})
    large = base64.b64encode(b"x" * 600_000).decode()
    body = {**asked(), "documents": [{"name": "a.bin", "content": large}]}
    assert scene.web().post(CHECK, json=body).status_code == 200
    assert scene.web().post(CHECK, json={**body, "body": "x" * 300_000}).status_code == 413


def test_a_refusal_by_the_official_schemas_lists_its_findings(scene: ApiScene, tmp_path: Any) -> None:
    validation = ValidationSettings.model_validate({"schemas": publish(tmp_path), "xsd": "refuse"})
    scene.settings = settings_of(software=PRODUCT).model_copy(update={"validation": validation})
    wrong = asked("a.xml", N1.replace(b'code="fr-FR"', b'code="en-US"'))
    answer = scene.web().post(MESSAGES, json=wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "VALIDATION_REFUSEE")
    assert [one["code"] for one in answer.json()["findings"]] == ["VALIDATION_XSD"]
    assert "languageCode" in answer.json()["detail_fr"]
    assert errors(scene.web().post(CHECK, json=wrong).json()) == ["VALIDATION_XSD"]


def test_the_client_asks_for_it(scene: ApiScene) -> None:
    scene.settings = settings_of(software=PRODUCT)
    with scene.live() as live, Connection(live.endpoint) as connector:
        told = connector.check("dr-modele", {"X.pdf": PDF}, recipients=["a@b.mssante.fr"])
    assert told.refused
    assert "PATIENT_INCOMPLET" in [one.code for one in told.findings]
