"""A collection of requests for Postman, Bruno and their like, made from the description of the API.

::

    curl -s http://127.0.0.1:8723/api/v1/openapi.json | python -m connector.api.collection > connector.json

The format is Postman's v2.1, which all of them read. Two variables stand in it: ``api`` (where the connector listens)
and ``token``; nothing secret is written.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["collection", "collection_text"]

_FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_METHODS = ("get", "post", "put", "delete")
_JSON = "application/json"
_Object = Mapping[str, Any]


def collection_text(schema: _Object) -> str:
    """The collection as a file; the same description always gives the same bytes.

    Args:
        schema: OpenAPI 3.1.
    """
    return json.dumps(collection(schema), ensure_ascii=False, indent=1) + "\n"


def collection(schema: _Object) -> dict[str, Any]:
    """The collection: one folder per resource, one request per operation, filled with the examples.

    Args:
        schema: OpenAPI 3.1.
    """
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, methods in schema["paths"].items():
        for method in filter(methods.__contains__, _METHODS):
            operation = methods[method]
            folders.setdefault(operation.get("tags", ["other"])[0], []).append(_item(path, method, operation))
    return {
        "info": {
            "name": schema["info"]["title"], "version": schema["info"]["version"],
            "description": schema["info"].get("description", ""), "schema": _FORMAT,
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
        "variable": [
            {"key": "api", "value": schema["servers"][0]["url"], "type": "string"},
            {"key": "token", "value": "", "type": "string"},
        ],
        "item": [{"name": tag, "item": items} for tag, items in folders.items()],
    }  # fmt: skip


def _item(path: str, method: str, operation: _Object) -> dict[str, Any]:
    parameters = operation.get("parameters", [])
    body = _body(operation.get("requestBody", {}).get("content", {}))
    request: dict[str, Any] = {
        "method": method.upper(),
        "header": [*body.pop("header", []), *_fields(parameters, "header")],
        "url": _url(path, parameters),
        "description": operation.get("description", ""),
        **body,
    }
    if not operation.get("security"):
        request["auth"] = {"type": "noauth"}
    return {
        "name": operation.get("summary") or operation["operationId"], "request": request,
        "response": list(_responses(operation)),
    }  # fmt: skip


def _url(path: str, parameters: list[_Object]) -> dict[str, Any]:
    """Postman writes a step of the path that is to be filled in as ``:name``."""
    steps = [f":{step[1:-1]}" if step.startswith("{") else step for step in path.strip("/").split("/")]
    query = _fields(parameters, "query")
    wanted = [f"{one['key']}={one['value']}" for one in query if not one["disabled"]]
    raw = "{{api}}/" + "/".join(steps) + ("?" + "&".join(wanted) if wanted else "")
    variables = [{name: one[name] for name in ("key", "value", "description")} for one in _fields(parameters, "path")]
    return {"raw": raw, "host": ["{{api}}"], "path": steps, "query": query, "variable": variables}


def _fields(parameters: list[_Object], where: str) -> list[dict[str, Any]]:
    """Parameters of one place; what may be left out is there, switched off."""
    return [
        {
            "key": one["name"], "value": str(_value(one)), "description": one.get("description", ""),
            "disabled": not one.get("required", False),
        }
        for one in parameters
        if one["in"] == where
    ]  # fmt: skip


def _value(parameter: _Object) -> Any:
    """An example of a parameter, its default, or its least value."""
    schema = parameter.get("schema", {})
    examples = [*schema.get("examples", []), *schema.get("enum", [])]
    return examples[0] if examples else schema.get("default", schema.get("minimum", ""))


def _body(content: _Object) -> dict[str, Any]:
    """The JSON body with its example; an operation that takes JSON and multipart is asked with JSON."""
    if _JSON not in content:
        return {}
    raw = json.dumps(content[_JSON].get("example", {}), ensure_ascii=False, indent=2)
    return {
        "header": [{"key": "Content-Type", "value": _JSON}],
        "body": {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}},
    }


def _responses(operation: _Object) -> Iterator[dict[str, Any]]:
    """What it answers when all is well."""
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            content = response.get("content", {})
            media_type = next(iter(content), "")
            example = content[media_type].get("example", "") if media_type else ""
            is_text = isinstance(example, str)
            yield {
                "name": response.get("description", ""), "code": int(status),
                "header": [{"key": "Content-Type", "value": media_type}] if media_type else [],
                "body": example if is_text else json.dumps(example, ensure_ascii=False, indent=2),
            }  # fmt: skip


if __name__ == "__main__":  # pragma: no cover - the test runs it in a process of its own
    sys.stdout.write(collection_text(json.load(sys.stdin)))
