"""Applications: those that ask to be let in, and those that were."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.responses import Response

from connector.api.page.desk import Desk
from connector.api.page.entry import Entry, Form, PageRoute
from connector.api.page.render import Visit
from connector.domain.errors import ConnectorError
from connector.domain.scopes import SCOPE_TEXTS, Scope
from connector.domain.text import Text

__all__ = ["routes"]

_DAYS = {"30": 30, "365": 365, "": None}


def routes(desk: Desk, entry: Entry) -> APIRouter:
    """Requests, accesses, decisions."""
    router = APIRouter(prefix="/applications", route_class=PageRoute)

    @router.get("")
    def show(visit: Visit = entry.visit) -> Response:
        """Who asks, who has access."""
        now = desk.clock.now()
        clients = sorted(
            desk.journal.clients(), key=lambda client: (not client.is_valid(now), client.name.casefold())
        )
        return visit.page(
            "applications.html", here="applications", requests=desk.pairing.pending(), clients=clients, now=now,
            scope_texts=SCOPE_TEXTS,
        )  # fmt: skip

    @router.post("/accept")
    def accept(form: Form = entry.form) -> Response:
        """Let it in; it fetches its token by itself."""
        scopes = [Scope(word) for word in form.texts("scope") if word in set(Scope)]
        return _decided(
            form, lambda: desk.pairing.accept(form.text("code"), scopes, days=_DAYS.get(form.text("days"), 365)),
            Text("L\'application reçoit son accès.", "The application gets its access."),
        )  # fmt: skip

    @router.post("/refuse")
    def refuse(form: Form = entry.form) -> Response:
        """Do not."""
        told = Text("La demande est refusée.", "The request is refused.")
        return _decided(form, lambda: desk.pairing.refuse(form.text("code")), told)

    @router.post("/revoke")
    def revoke(form: Form = entry.form) -> Response:
        """No longer, from the next request on."""
        told = Text("L'accès est révoqué.", "The access is revoked.")
        return _decided(form, lambda: desk.journal.revoke_client(form.text("client")), told)

    return router


def _decided(form: Form, decision: Callable[[], object], told: Text) -> Response:
    try:
        decision()
    except ConnectorError as error:
        form.visit.problem(error.code)
    else:
        form.visit.done(told)
    return form.visit.go("/applications")
