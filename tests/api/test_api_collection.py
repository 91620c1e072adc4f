"""The collection for Postman, Bruno and their like: that of the API, complete, and without anybody's secret."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.api.collection import collection, collection_text
from tests.api.api_scene import ApiScene
from tests.api.whole_api import whole_schema

STORED = Path(__file__).resolve().parents[2] / "docs" / "collection" / "mssante-connector.postman_collection.json"


@pytest.fixture
def schema(scene: ApiScene) -> dict[str, Any]:
    return whole_schema(scene)


def items(made: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for folder in made["item"]:
        yield from folder["item"]


def test_the_stored_collection_is_that_of_the_api(schema: dict[str, Any]) -> None:
    made = collection_text(schema)
    if os.environ.get("MSS_UPDATE_DOCS"):
        STORED.parent.mkdir(exist_ok=True)
        STORED.write_text(made, "utf-8", newline="\n")
    assert STORED.read_text("utf-8") == made


def test_every_operation_is_a_request(schema: dict[str, Any]) -> None:
    made = collection(schema)
    asked = {
        (one["request"]["method"].lower(), "/" + "/".join(one["request"]["url"]["path"])) for one in items(made)
    }  # fmt: skip
    described = {
        (method, path.replace("{", ":").replace("}", ""))
        for path, methods in schema["paths"].items()
        for method in methods
    }
    assert asked == described
    assert made["info"]["schema"].endswith("/v2.1.0/collection.json")


def test_a_request_is_ready_to_be_sent(schema: dict[str, Any]) -> None:
    found = {one["name"]: one for one in items(collection(schema))}
    submit = found["Send documents"]["request"]
    assert json.loads(submit["body"]["raw"])["documents"][0]["name"] == "cr.xml"
    assert {"key": "Content-Type", "value": "application/json"} in submit["header"]
    key = next(one for one in submit["header"] if one["key"] == "idempotency-key")
    assert key["disabled"]
    shown = found["One received message, opened"]["request"]["url"]
    assert shown["path"][-1] == ":inbox_id"
    assert len(shown["variable"][0]["value"]) == 26
    nonce = found["Who answers here?"]["request"]
    assert nonce["url"]["raw"].endswith("?nonce=dGhpcy1pcy1hLW5vbmNl")
    assert nonce["auth"] == {"type": "noauth"}
    (answer,) = found["List messages"]["response"]
    assert json.loads(answer["body"])["items"]
    assert found["What a vendor needs to see"]["response"]


def test_there_is_no_token_in_it(schema: dict[str, Any], scene: ApiScene) -> None:
    made = collection(schema)
    assert scene.owner.token not in json.dumps(made)
    assert {one["key"]: one["value"] for one in made["variable"]}["token"] == ""


def test_the_module_makes_it_of_what_a_connector_says(schema: dict[str, Any]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "connector.api.collection"], input=json.dumps(schema), capture_output=True, check=True,
        encoding="utf-8", env={**os.environ, "PYTHONIOENCODING": "utf-8"}, timeout=60,
    )  # fmt: skip
    assert done.stdout == collection_text(schema)


def test_an_operation_without_examples_and_tags() -> None:
    made = collection(
        {
            "info": {"title": "t", "version": "1"}, "servers": [{"url": "http://127.0.0.1:1"}],
            "paths": {"/x": {"get": {
                "operationId": "x", "responses": {"204": {"description": "done"}, "default": {}},
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"default": 50}},
                    {"name": "state", "in": "query", "schema": {"enum": ["sent"]}, "required": True},
                ],
            }}},
        }
    )  # fmt: skip
    (folder,) = made["item"]
    (item,) = folder["item"]
    assert (folder["name"], item["name"], item["response"][0]["body"]) == ("other", "x", "")
    assert item["request"]["url"]["raw"] == "{{api}}/x?state=sent"
    assert [one["value"] for one in item["request"]["url"]["query"]] == ["50", "sent"]
