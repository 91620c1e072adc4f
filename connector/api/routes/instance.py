"""``/api/v1/instance`` and ``/health``: who answers, and whether it works. Neither needs a token."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse

from connector import __version__
from connector.api.requests import requires
from connector.api.services import ApiServices
from connector.client.models.instance import AliveModel, HealthModel, InstanceModel
from connector.client.proof import NONCE_PATTERN, instance_proof
from connector.domain.scopes import Scope
from connector.support.health import Condition

__all__ = ["public_routes", "routes"]

_PRODUCT = "mssante-connector"


def public_routes(services: ApiServices) -> APIRouter:
    """For whoever watches whether the connector works: nothing about its mailboxes."""
    router = APIRouter(tags=["health"])

    @router.get(
        "/health", summary="Does it work?", response_model=AliveModel,
        responses={503: {"model": AliveModel, "description": "Something is broken."}},
    )  # fmt: skip
    def alive() -> JSONResponse:
        """200 when it works or waits, 503 when something is broken."""
        overall = services.report().overall
        status = 503 if overall is Condition.ERROR else 200
        return JSONResponse({"status": overall.value, "version": __version__}, status)

    return router


def routes(services: ApiServices, port: int) -> APIRouter:
    """The instance and its whole health.

    Args:
        services: behind the routes.
        port: that we listen on; 0 = the one of the socket.
    """
    router = APIRouter(tags=["health"])

    @router.get("/instance", summary="Who answers here?")
    async def instance(
        request: Request, nonce: Annotated[str, Query(pattern=NONCE_PATTERN, examples=["dGhpcy1pcy1hLW5vbmNl"])]
    ) -> InstanceModel:
        """Proves that whoever answers wrote the discovery file. Ask before you send a token or a PIN."""
        host, socket_port = request.scope["server"]
        owner = services.owner
        proof = instance_proof(
            owner.token, instance=owner.instance, host=host, port=port or socket_port, nonce=nonce
        )  # fmt: skip
        return InstanceModel(product=_PRODUCT, version=__version__, instance=owner.instance, proof=proof)

    @router.get(
        "/health", summary="How is every part?", dependencies=[requires(Scope.STATUS_READ)],
        response_model=HealthModel,
    )  # fmt: skip
    def health() -> JSONResponse:
        """The tree of components; always 200, ``status`` tells."""
        return JSONResponse({"version": __version__, **services.report().as_dict()})

    return router
