"""``/api/v1/page/link``: a one-time link for the person who started the connector."""

from typing import Annotated

from fastapi import APIRouter, Request

from connector.api.guard.tokens import Caller, insufficient
from connector.api.page.sessions import LINK_SECONDS, Sessions
from connector.api.requests import RefusedRequest, requires
from connector.api.services import OWNER
from connector.client.models.pairing import PageLinkModel
from connector.domain.scopes import Scope

__all__ = ["routes"]


def routes(sessions: Sessions) -> APIRouter:
    """Makes links.

    Args:
        sessions: of the page.
    """
    router = APIRouter(prefix="/page", tags=["page"])

    @router.post("/link", summary="A link that opens the page, once", status_code=201)
    async def link(
        request: Request, caller: Annotated[Caller, requires(Scope.STATUS_READ)]
    ) -> PageLinkModel:  # fmt: skip
        """For the owner's token only: the page may do everything that the person may."""
        if caller.id != OWNER:
            raise RefusedRequest(insufficient(Scope.STATUS_READ))
        host, port = request.scope["server"]
        name = f"[{host}]" if ":" in host else host
        url = f"{request.url.scheme}://{name}:{port}/open/{sessions.new_link()}"
        return PageLinkModel(url=url, seconds=int(LINK_SECONDS))

    return router
