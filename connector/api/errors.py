"""Every error of a route as a problem, and nothing of what the client sent in any of them."""

import re
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.api.guard.pipe import BodyRefused
from connector.api.problem import problem, problem_of
from connector.api.requests import RefusedRequest, accept_language
from connector.domain.errors import ConnectorError
from connector.exchange.prepare import where_it_broke

__all__ = ["Containment", "answer_errors"]

_log = structlog.get_logger(__name__)

_SAFE_STEP = re.compile(r"[A-Za-z_]{1,40}|[0-9]{1,3}")  # a name, or a place in a list
_BOUNDS = ("ge", "gt", "le", "lt", "min_length", "max_length", "pattern", "expected")
_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_HTTP_CODES = {404: "API_ROUTE_INCONNUE", 405: "API_METHODE_REFUSEE"}


def answer_errors(app: FastAPI) -> None:
    """Install the handlers."""
    app.add_exception_handler(ConnectorError, _own)
    app.add_exception_handler(RefusedRequest, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


async def _own(request: Request, error: Exception) -> Response:
    assert isinstance(error, ConnectorError)  # noqa: S101 - Starlette's type is wider than what it calls with
    return problem_of(error, accept_language=accept_language(request))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedRequest)  # noqa: S101 - as above
    refusal = error.refusal
    return problem(
        refusal.code, refusal.status, detail=refusal.detail, accept_language=accept_language(request),
        headers=refusal.headers,
    )  # fmt: skip


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    errors = [_field(details) for details in error.errors()[:20]]
    return problem(
        "API_REQUETE_INVALIDE", 422, detail="the request does not fit its description", errors=errors,
        accept_language=accept_language(request),
    )  # fmt: skip


def _field(details: dict[str, Any]) -> dict[str, Any]:
    """Where, what kind, which bound: never the value, and never a sentence that may quote it."""
    steps = [str(step) if _SAFE_STEP.fullmatch(str(step)) else "?" for step in details["loc"]]
    bounds = {name: value for name, value in (details.get("ctx") or {}).items() if name in _BOUNDS}
    return {"where": ".".join(steps), "kind": details["type"], **bounds}


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    code = _HTTP_CODES.get(error.status_code, "API_REQUETE_INVALIDE")
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    return problem(code, error.status_code, detail="", accept_language=accept_language(request), headers=headers)


def _allowed(request: Request) -> str:
    """Every method of an address (RFC 9110 10.2.1); the router names those of the first route only."""
    routes = request.app.routes
    return ", ".join(
        method
        for method in _METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    )


class Containment:
    """ASGI middleware: a fault of our own becomes an answer and one line of the log, without quotes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; answer 500 when that fails."""
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except BodyRefused:
            raise
        except Exception as error:  # noqa: BLE001 - the one place where a fault of any route is contained
            where = where_it_broke(error)
            _log.error("request_failed", error=type(error).__name__, detail=where)
            if started:
                raise ConnectionAbortedError(where) from None
            await problem("INTERNE", 500, detail=where)(scope, receive, send)
