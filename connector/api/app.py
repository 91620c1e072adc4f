"""The FastAPI application. In this version: ``/health``."""

from collections.abc import Callable

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from starlette.middleware import Middleware

from connector import __version__
from connector.api.guard import HostGuard
from connector.support.health import Component, Condition

__all__ = ["create_app"]


def create_app(report: Callable[[], Component], *, port: int) -> FastAPI:
    """Build the application.

    Args:
        report: gives the health tree.
        port: the port that we listen on, for the check of ``Host``; 0 = the one of the socket.
    """
    app = FastAPI(
        title="MSSanté connector",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[Middleware(HostGuard, port=port)],
    )

    @app.get("/health")
    def health() -> JSONResponse:
        """How the connector is: 200 when it works or waits, 503 when something is broken."""
        tree = report()
        status = 503 if tree.overall is Condition.ERROR else 200
        return JSONResponse({"version": __version__, **tree.as_dict()}, status_code=status)

    return app
