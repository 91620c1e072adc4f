"""What the API says when it says no; and what holds for every route and every model."""

import pytest
from pydantic import BaseModel, TypeAdapter
from starlette.testclient import TestClient

from connector.api.problem import language, problem_of, status_of
from connector.client.models import card, events, inbox, instance, mailboxes, messages, problem
from connector.domain.errors import (
    ConfigurationError,
    ConnectorError,
    IllegalTransition,
    InvalidSubmission,
    MalformedMessage,
    NeedsPerson,
    Unavailable,
)
from connector.intake.problem import BadDrop
from connector.journal.failure import PayloadMissing, TraceBroken, UnknownRow
from connector.support.health import Component, Condition
from tests.api.api_scene import ApiScene

PUBLIC = {"/api/v1/instance", "/api/v1/pairing", "/api/v1/pairing/{request_id}"}
"""The person decides about pairing; see :mod:`connector.api.pairing`."""


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", "fr"), ("en", "en"), ("en-GB,en;q=0.9", "en"), ("fr-FR,fr;q=0.9,en;q=0.8", "fr"), ("de", "fr"),
        ("en;q=0.5, fr;q=0.4", "en"), ("en;q=0", "fr"), ("en;q=x", "fr"), ("EN ; Q=1", "en"), ("en;level=1", "en"),
        ("en;q=7", "en"), ("fr;q=nan, en", "en"), ("de," * 30 + "en", "fr"), (";;,,=;q", "fr"),
    ],
)  # fmt: skip
def test_the_language_is_french_unless_english_is_liked_better(accept: str, expected: str) -> None:
    assert language(accept) == expected


def test_both_languages_are_always_there_and_the_header_chooses_the_title(scene: ApiScene) -> None:
    web = scene.web()
    french = web.get("/nowhere")
    english = web.get("/nowhere", headers={"Accept-Language": "en"})
    assert french.status_code == 404
    assert (french.headers["content-language"], english.headers["content-language"]) == ("fr", "en")
    told = french.json()
    assert told["type"] == "urn:mssante-connector:problem:API_ROUTE_INCONNUE"
    assert (told["title"], english.json()["title"]) == (told["title_fr"], told["title_en"])
    assert told["cure_fr"]
    assert told["cure_en"]


def test_a_wrong_method_names_the_right_ones(scene: ApiScene) -> None:
    answer = scene.web().delete("/api/v1/card")
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "API_METHODE_REFUSEE", "GET")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnknownRow("submission", "x"), 404), (PayloadMissing("x"), 410), (NeedsPerson("PIN", ""), 409),
        (Unavailable("DISQUE_PLEIN", ""), 503), (InvalidSubmission("INCOMPLET", ""), 422),
        (MalformedMessage("MESSAGE_MALFORME", ""), 422), (IllegalTransition("TRANSITION", ""), 409),
        (ConfigurationError("REGLAGE_INVALIDE", ""), 409), (TraceBroken(1, "x"), 500),
        (InvalidSubmission("INTROUVABLE", ""), 404), (InvalidSubmission("TROP_GROS", ""), 413),
    ],
)  # fmt: skip
def test_every_kind_of_error_has_its_status(error: ConnectorError, status: int) -> None:
    assert status_of(error) == status
    assert problem_of(error).status_code == status


def test_a_sentence_about_the_case_comes_along() -> None:
    answer = problem_of(BadDrop("INCOMPLET", "no document", "Le dépôt ne contient aucun document."))
    assert "Le dépôt ne contient aucun document." in bytes(answer.body).decode()


def test_only_a_passing_hindrance_says_when_to_come_back() -> None:
    assert problem_of(Unavailable("DISQUE_PLEIN", "")).headers["retry-after"] == "5"
    assert "retry-after" not in problem_of(NeedsPerson("PIN", "")).headers


# --- health ---


@pytest.mark.parametrize(
    ("condition", "status"), [(Condition.OK, 200), (Condition.WAITING, 200), (Condition.ERROR, 503)]
)
def test_health_is_the_worst_of_its_parts_and_tells_strangers_nothing_else(
    scene: ApiScene, condition: Condition, status: int
) -> None:
    part = Component("dr-modele", condition, "OPERATEUR_INJOIGNABLE", "2026-11-20T09:00:00+00:00", "refused")
    scene.tree = Component("connector", parts=(Component("journal"), part))
    answer = scene.web(None).get("/health")
    assert answer.status_code == status
    assert set(answer.json()) == {"status", "version"}
    whole = scene.web().get("/api/v1/health")
    assert (whole.status_code, whole.json()["status"]) == (200, condition.value)
    assert whole.json()["components"][1]["cure_fr"].startswith("Vérifiez la connexion")


# --- every route, every model ---


def test_every_route_but_these_wants_a_scope(scene: ApiScene) -> None:
    web: TestClient = scene.web(None)
    seen = 0
    for path, operations in scene.app().openapi()["paths"].items():
        for method in operations if path.startswith("/api/") else ():
            seen += 1
            answer = web.request(method, path.replace("{box}", "psc"), json={} if method in ("post", "put") else None)
            if path in PUBLIC:
                assert answer.status_code in (200, 404, 422), (method, path)
            else:
                assert (answer.status_code, answer.json()["code"]) == (401, "ACCES_SANS_JETON"), (method, path)
    assert seen >= 8


MODELS = [
    model
    for module in (card, events, inbox, instance, mailboxes, messages, problem)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, BaseModel) and model.__module__ == module.__name__
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_has_examples_that_are_true(model: type[BaseModel]) -> None:
    extra = model.model_config.get("json_schema_extra")
    assert isinstance(extra, dict)
    examples = extra["examples"]
    assert isinstance(examples, list)
    assert examples
    for example in examples:
        TypeAdapter(model).validate_python(example, strict=False)
        assert isinstance(example, dict)
        assert set(example) <= set(model.model_fields)
