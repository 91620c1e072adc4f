"""Random requests, made of the description of the API: answers as described, refusals with a reason, never a fault."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import APIOperation, CheckFunction, GenerationMode
from schemathesis.specs.openapi.schemas import OpenApiSchema

from connector.domain.catalogue import explain
from tests.api.api_scene import ApiScene
from tests.api.fuzz_scene import Known, document_of, fill, full_live

MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
EXAMPLES = 10
CHECKS: list[CheckFunction] = [
    schemathesis.checks.negative_data_rejection,
    schemathesis.checks.status_code_conformance,
    schemathesis.checks.content_type_conformance,
    schemathesis.checks.response_headers_conformance,
    schemathesis.checks.response_schema_conformance,
    schemathesis.checks.missing_required_header,
    schemathesis.checks.unsupported_method,
    schemathesis.checks.allow_header_conformance,
]


@pytest.fixture
def known(scene: ApiScene) -> Known:
    return fill(scene)


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as one:
        one.trust_env = False
        yield one


@pytest.fixture
def document(scene: ApiScene, known: Known) -> Iterator[OpenApiSchema]:
    with full_live(scene) as live:
        yield document_of(scene, live)


Look = Callable[[schemathesis.Case], None]


def test_whatever_is_asked_is_answered_as_described(
    scene: ApiScene, document: OpenApiSchema, known: Known, session: requests.Session, subtests: pytest.Subtests
) -> None:
    """Every operation: its edge cases one by one, then random ones, each also with names of what is there."""

    def ask(case: schemathesis.Case) -> None:
        look(case, session, scene.owner.token, CHECKS)
        if known.put_in(case):
            look(case, session, scene.owner.token, CHECKS[1:])  # what was wrong may be right now

    for result in document.get_all_operations():
        operation = result.ok()
        with subtests.test(operation=operation.label):
            edges(document, operation, ask)
            at_random(operation.as_strategy(GenerationMode.POSITIVE), ask)
            with suppress(Unsatisfiable):  # nothing that is asked there can be wrong
                at_random(operation.as_strategy(GenerationMode.NEGATIVE), ask)


def edges(document: OpenApiSchema, operation: APIOperation, ask: Look) -> None:
    """Least and greatest values, missing and doubled ones, other methods."""
    generation = document.config.generation_for(operation=operation, phase="coverage")
    for case in document.iter_coverage_cases(operation, generation_modes=MODES, generation_config=generation):
        ask(case)


def at_random(cases: SearchStrategy[schemathesis.Case], ask: Look) -> None:
    """The same ones at each run."""

    @settings(
        derandomize=True, max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases)
    def one(case: schemathesis.Case) -> None:
        ask(case)

    one()


def look(case: schemathesis.Case, session: requests.Session, token: str, checks: list[CheckFunction]) -> None:
    """Ask, and look at the answer."""
    answer = case.call(session=session, headers={"Authorization": f"Bearer {token}"})
    case.validate_response(answer, checks=checks)
    if answer.status_code >= 400:
        refused_with_a_reason(answer, case.path)


def refused_with_a_reason(answer: schemathesis.Response, path: str) -> None:
    """A problem of the catalogue, and no fault of ours."""
    if path == "/health":
        return
    problem = answer.json()
    assert answer.headers["content-type"] == ["application/problem+json"]
    assert (answer.status_code, problem["status"]) == (problem["status"], answer.status_code)
    assert problem["title_fr"] == explain(problem["code"]).title_fr
    assert problem["type"].endswith(problem["code"])
    assert answer.status_code < 500 or answer.status_code in (503, 504)
