"""The description of the API (OpenAPI 3.1): every operation with what it needs, an example, and how it refuses."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from connector.client.models.answers import ReplyHeadModel, ReplyModel
from connector.client.models.events import EventModel
from connector.client.models.messages import SubmitHeadModel, SubmitModel
from connector.client.models.problem import ProblemModel

__all__ = ["describe", "operation_id"]

_REFERENCE = "#/components/schemas/"
_BESIDE = (SubmitModel, SubmitHeadModel, ReplyModel, ReplyHeadModel, EventModel, ProblemModel)
"""Models that FastAPI does not find by itself."""
_FRAMEWORK = ("HTTPValidationError", "ValidationError")
_PROBLEM = "application/problem+json"
_REFUSALS = {
    "401": "No token, or one that opens nothing (`ACCES_SANS_JETON`, `ACCES_JETON_INVALIDE`, `ACCES_JETON_EXPIRE`).",
    "403": "The token does not have the scope (`ACCES_INSUFFISANT`).",
    "422": "The request does not fit its description (`API_REQUETE_INVALIDE`), or cannot be carried out.",
    "default": "Any other problem; act on `code`.",
}
_DESCRIPTION = """\
Local API of the MSSanté connector. It answers this machine only, and only programs that have a token.

Dates are ISO 8601 in UTC. Every refusal is `application/problem+json` (RFC 9457) with a stable `code`, and with what
happened and what to do in French and English. Unknown members of a request are errors; clients ignore members of an
answer that they do not know. Addresses and values of version 1 never change their meaning; new ones may come.
"""


def operation_id(route: APIRoute) -> str:
    """``messages_submit``: what generated clients call it."""
    return "_".join([*map(str, route.tags[:1]), route.name.rstrip("_")])


def describe(app: FastAPI) -> None:
    """Let ``app.openapi()`` give the whole description; it is made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _schema(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way


def _schema(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes,
        servers=[{"url": "http://127.0.0.1:8723", "description": "This machine; the port is in the settings."}],
    )  # fmt: skip
    schemas: dict[str, Any] = schema["components"]["schemas"]
    _, beside = models_json_schema(
        [(model, "validation") for model in _BESIDE], ref_template=_REFERENCE + "{model}"
    )  # fmt: skip
    schemas |= beside["$defs"]
    for name in _FRAMEWORK:
        schemas.pop(name, None)
    for operation in _operations(schema):
        _add_refusals(operation)
        _add_examples(operation, schemas)
    return schema


def _operations(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in schema["paths"].values():
        yield from path.values()


def _add_refusals(operation: dict[str, Any]) -> None:
    """How an operation can end otherwise."""
    responses = operation["responses"]
    wanted = ["default"]
    if "422" in responses:
        wanted.append("422")
    if operation.get("security"):
        wanted += ["401", "403"]
    content = {_PROBLEM: {"schema": {"$ref": f"{_REFERENCE}{ProblemModel.__name__}"}}}
    for status in wanted:
        responses[status] = {"description": _REFUSALS[status], "content": deepcopy(content)}


def _add_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """The example of a model at every place where it goes over the wire."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for body in bodies:
        for media in body.get("content", {}).values():
            name = _model_of(media.get("schema", {}))
            examples = schemas.get(name, {}).get("examples")
            if examples:
                media.setdefault("example", examples[0])


def _model_of(schema: dict[str, Any]) -> str:
    """The model that goes over the wire; also of a body that may be left out."""
    choices = [schema, *schema.get("anyOf", [])]
    return next((each["$ref"].removeprefix(_REFERENCE) for each in choices if "$ref" in each), "")
