"""All routes of the page, put together."""

from fastapi import APIRouter
from starlette.responses import Response

from connector.api.page.desk import Desk
from connector.api.page.entry import Entry, PageRoute
from connector.api.page.render import Visit
from connector.api.page.routes import applications, card, checks, home, live, outgoing, received, refused, session
from connector.api.routes import page, pairing

__all__ = ["page_routes"]


def page_routes(desk: Desk) -> APIRouter:
    """The router of everything outside ``/api/``, and of the two resources of the API that lead to the page.

    Args:
        desk: everything behind the page.
    """
    entry = Entry(desk)
    inside = APIRouter(prefix="/p/{key}")
    for part in (session, home, outgoing, refused, received, card, checks, applications, live):
        inside.include_router(part.routes(desk, entry))
    inside.include_router(_nothing_else(entry))
    router = APIRouter()
    router.include_router(session.outside_routes(desk))
    router.include_router(inside, include_in_schema=False)
    for api in (page.routes(desk.sessions), pairing.routes(desk.pairing, desk.clock)):
        router.include_router(api, prefix="/api/v1")
    return router


def _nothing_else(entry: Entry) -> APIRouter:
    """An address below a session that means nothing."""
    router = APIRouter(route_class=PageRoute)

    @router.get("/{rest:path}")
    async def unknown(visit: Visit = entry.visit) -> Response:
        return visit.page("error.html", status=404, code="API_ROUTE_INCONNUE")

    return router
