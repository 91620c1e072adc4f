"""The description of the API: complete, true, and a page that needs nothing from elsewhere."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from connector.api.reference import reference_page
from connector.domain.scopes import Scope
from tests.api.api_scene import ApiScene, settings_of


@pytest.fixture
def schema(scene: ApiScene) -> dict[str, Any]:
    return scene.app().openapi()


def operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_says_what_it_does_with_an_example_at_every_place(schema: dict[str, Any]) -> None:
    missing = []
    for name, operation in operations(schema):
        missing += [f"{name}: {word}" for word in ("summary", "description") if not operation.get(word)]
        bodies = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for where, body in bodies.items():
            for media_type, media in body.get("content", {}).items():
                if "example" not in media:
                    missing.append(f"{name}: {where} {media_type}")
        if name.startswith(("GET", "POST", "PUT")) and operation["operationId"] != "page_link":
            missing += [f"{name}: no problem"] if "default" not in operation["responses"] else []
    assert missing == []


def test_operations_have_names_of_their_own_and_scopes_that_exist(schema: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(schema)]
    assert len(set(names)) == len(names)
    assert {"messages_submit", "messages_list", "inbox_document", "card_unlock", "events_events"} <= set(names)
    for _, operation in operations(schema):
        for need in operation.get("security", []):
            assert [Scope(scope) for scope in need["token"]]
            assert {"401", "403"} <= set(operation["responses"])


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    wanted = set(re.findall(r"#/components/schemas/(\w+)", repr(schema)))
    assert wanted <= set(schema["components"]["schemas"])
    assert {"SubmitModel", "SubmitHeadModel", "EventModel", "ProblemModel"} <= wanted | {"EventModel"}
    assert "HTTPValidationError" not in schema["components"]["schemas"]


def test_the_description_is_served_to_everybody_on_this_machine(scene: ApiScene, schema: dict[str, Any]) -> None:
    answer = scene.web(None).get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["paths"].keys() == schema["paths"].keys()
    assert answer.json()["openapi"].startswith("3.1")


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.append(value or "")
            elif name == "id":
                self.ids.add(value or "")


def test_the_page_needs_no_script_and_nothing_from_elsewhere(scene: ApiScene) -> None:
    web = scene.web(None)
    page = web.get("/api/v1/docs")
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    found = Links()
    found.feed(page.text)
    assert not found.tags & {"script", "img", "iframe", "style"}
    inside = {link.removeprefix("#") for link in found.links if link.startswith("#")}
    assert inside
    assert inside <= found.ids
    for link in set(found.links) - {f"#{name}" for name in inside}:
        assert web.get(f"/api/v1/{link}").status_code == 200, link


def test_what_a_description_says_never_becomes_markup() -> None:
    hostile = "<script>alert(1)</script>"
    page = reference_page(
        {
            "info": {"title": hostile, "version": hostile, "description": f"``{hostile}``"},
            "paths": {f"/{hostile}": {"get": {
                "operationId": hostile, "summary": hostile, "description": hostile,
                "parameters": [{"name": hostile, "in": hostile, "schema": {"type": hostile}}],
                "responses": {"200": {"description": hostile, "content": {hostile: {"example": hostile}}}},
            }}},
            "components": {"schemas": {hostile: {
                "enum": [hostile], "description": hostile,
                "properties": {hostile: {"anyOf": [{"$ref": hostile}, {"type": "array"}], "description": hostile}},
            }}},
        }
    )  # fmt: skip
    assert "<script" not in page


def test_a_connector_with_codes_describes_them(scene: ApiScene) -> None:
    class Codes:
        """Never asked."""

    scene.codes = Codes()  # type: ignore[assignment] # only described
    scene.settings = settings_of()
    assert "/api/v1/mailboxes/{box}/code" in scene.app().openapi()["paths"]
