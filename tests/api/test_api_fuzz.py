"""Random requests made of the description of the API: answers as described, reasons for refusals, never a fault."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeAlias
from urllib.parse import quote

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import APIOperation, CheckFunction, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.schemas import OpenApiSchema

from connector.domain.catalogue import explain
from tests.api.api_scene import ApiScene
from tests.api.fuzz_scene import Known, document_of, fill, full_live

MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
EXAMPLES = 6
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


Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Case: TypeAlias = schemathesis.Case[Any]
Look: TypeAlias = Callable[[Case], None]


def test_whatever_is_asked_is_answered_as_described(
    scene: ApiScene, document: OpenApiSchema, known: Known, session: requests.Session, subtests: pytest.Subtests
) -> None:
    """Every operation: its edge cases one by one, then random ones, each also with names of what is there."""

    def ask(case: Case) -> None:
        look(case, session, scene.owner.token, CHECKS)
        if known.put_in(case):
            look(case, session, scene.owner.token, CHECKS[1:])  # what was wrong may be right now

    for operation in operations(document):
        with subtests.test(operation=operation.label):
            edges(document, operation, ask)
            at_random(operation.as_strategy(GenerationMode.POSITIVE), ask)
            with suppress(Unsatisfiable):  # nothing that is asked there can be wrong
                at_random(operation.as_strategy(GenerationMode.NEGATIVE), ask)


def operations(document: OpenApiSchema) -> Iterator[Operation]:
    """All of them; one that cannot be understood is an error."""
    for result in document.get_all_operations():
        assert isinstance(result, Ok)
        yield result.ok()


def edges(document: OpenApiSchema, operation: Operation, ask: Look) -> None:
    """Least and greatest values, missing and doubled ones, other methods."""
    generation = document.config.generation_for(operation=operation, phase="coverage")
    for case in document.iter_coverage_cases(operation, generation_modes=MODES, generation_config=generation):
        ask(case)


def at_random(cases: SearchStrategy[Case], ask: Look) -> None:
    """The same ones at each run."""

    @settings(
        derandomize=True, max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases)
    def one(case: Case) -> None:
        ask(case)

    one()


def look(case: Case, session: requests.Session, token: str, checks: list[CheckFunction]) -> None:
    """Ask, and look at the answer."""
    answer = case.call(session=session, headers={"Authorization": f"Bearer {token}"})
    if answer.status_code == 413:  # refused for its size before it was looked at: that is a rejection too
        checks = [check for check in checks if check is not schemathesis.checks.negative_data_rejection]
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


# --- without a token ---

OPEN = {
    ("GET", "/health"), ("GET", "/api/v1/instance"), ("POST", "/api/v1/pairing"),
    ("GET", "/api/v1/pairing/{request_id}"),
}  # fmt: skip
"""What answers without a token: who is there, and an application that asks to be let in."""
BODIES: list[dict[str, Any]] = [{}, {"json": {}}, {"data": {"pin": "1234"}}, {"files": {"documents": b"x"}}]
REFUSED = {401, 403, 404, 405, 415, 421, 422}


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer"}, {"Authorization": "Basic b3duZXI6"}, {"Authorization": "Bearer owner.guessed"},
     {"Authorization": "Bearer mss1.owner." + "A" * 43}, {"Cookie": "session=guessed"},
     {"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=lambda headers: "".join(headers.values())[:24] or "nothing",
)  # fmt: skip
def test_without_a_token_nothing_is_told_and_nothing_happens(
    scene: ApiScene, document: OpenApiSchema, session: requests.Session, headers: dict[str, str]
) -> None:
    before = scene.journal.last_number()
    closed = [one for one in operations(document) if (one.method.upper(), one.path) not in OPEN]
    assert len(closed) > 20
    for operation in closed:
        url = f"{operation.base_url}" + _filled(operation.path)
        for body in BODIES:
            answer = session.request(operation.method, url, headers=headers, timeout=10, **body)
            assert answer.status_code in REFUSED, (operation.label, body)
            assert answer.json()["code"]
    assert scene.journal.last_number() == before
    assert scene.cards is not None
    assert (scene.cards.given, scene.decisions, scene.takings) == ([], 0, 0)


def _filled(path: str) -> str:
    """A path with names of things, one of them there."""
    names = {"box": "psc", "number": "0", "request_id": "x"}
    return re.sub(r"\{(\w+)\}", lambda found: names.get(found[1], f"01SUB{4:021d}"), path)


# --- junk ---

STEPS = st.lists(
    st.sampled_from(
        ["api", "v1", "messages", "inbox", "raw", "mailboxes", "token", "..", ".", "", "%2e%2e", "%2F", "%00",
         "%0d%0a", "%ff", ";", "*", "01SUB000000000000000000001", "é", "documents", "-1", "9" * 30,
         "retry", "events", "page"]
    ),
    max_size=6,
)  # fmt: skip
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW", "get"])
NAMES = st.sampled_from(
    ["Accept", "Accept-Language", "Content-Length", "Content-Type", "Cookie", "Expect", "Idempotency-Key", "If-Match",
     "Last-Event-ID", "Origin", "Range", "Referer", "Sec-Fetch-Site", "Transfer-Encoding", "Upgrade",
     "X-Forwarded-For", "X-HTTP-Method-Override", "X-"]
)  # fmt: skip
VALUES = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40),
    st.sampled_from(["0", "-1", "+5", "9" * 25, "chunked", "gzip, chunked", "100-continue", "h2c", "null",
                     "bytes=0-", "fr;q=nan", ",,,;;;", "application/json; charset=utf-7", "multipart/form-data"]),
)  # fmt: skip
ONCE = settings(
    derandomize=True, max_examples=150, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


def test_junk_in_path_and_headers_is_refused_without_a_fault(scene: ApiScene) -> None:
    with full_live(scene) as live:

        @ONCE
        @given(METHODS, STEPS, st.lists(st.tuples(NAMES, VALUES), max_size=4))
        def ask(method: str, steps: list[str], headers: list[tuple[str, str]]) -> None:
            path = "/" + quote("/".join(steps), safe="/%;*.")
            lines = [f"Authorization: Bearer {live.endpoint.token}", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in headers]
            harmless(live.say(live.head(method, path, *lines), b"0\r\n\r\n"))

        ask()
        assert b" 200 " in live.say(live.head())


def harmless(answer: bytes) -> None:
    """Something of HTTP or a hang-up, and no fault of ours."""
    status = int(answer[9:12]) if answer else 400
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    assert status < 500 or status in (503, 504), answer
