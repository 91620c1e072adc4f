"""``/api/v1/openapi.json`` and ``/api/v1/docs``: what the API can do, for programs and for those who write them."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse, JSONResponse, Response

from connector.api.reference import STYLE, reference_page

__all__ = ["routes"]

_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def routes(openapi: Callable[[], dict[str, Any]]) -> APIRouter:
    """The description; it is no secret, so it needs no token.

    Args:
        openapi: gives the whole description.
    """
    router = APIRouter(prefix="/api/v1", include_in_schema=False)

    @router.get("/openapi.json")
    def description() -> JSONResponse:
        return JSONResponse(openapi())

    @router.get("/docs")
    def docs() -> HTMLResponse:
        return HTMLResponse(reference_page(openapi()), headers={"Content-Security-Policy": _POLICY})

    @router.get("/docs.css")
    def style() -> Response:
        return Response(STYLE, media_type="text/css")

    return router
