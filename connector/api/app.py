"""The FastAPI application: the gate first, then one router per resource."""

from fastapi import APIRouter, FastAPI
from starlette.middleware import Middleware

from connector import __version__
from connector.api.access import Access
from connector.api.blocking import Blocking
from connector.api.errors import Containment, answer_errors
from connector.api.guard import Gate, GuardSettings
from connector.api.page import Desk, PageOptions, page_routes
from connector.api.preview import Previews
from connector.api.replies import REPLY_PATH
from connector.api.routes import (
    answers,
    card,
    check,
    codes,
    decisions,
    description,
    doctor,
    events,
    inbox,
    instance,
    mailboxes,
    messages,
    metrics,
    originals,
    refusals,
)
from connector.api.schema import describe, operation_id
from connector.api.services import ApiServices
from connector.api.submit import Budget

__all__ = ["create_app"]

_BODIES_AT_ONCE = 4  # of the largest size; usual ones are a hundredth of it


def create_app(
    services: ApiServices, *, port: int = 0, guard: GuardSettings | None = None, page: PageOptions | None = None
) -> FastAPI:
    """Build the application.

    Args:
        services: everything behind the routes.
        port: the port that we listen on, for the check of ``Host``; 0 = the one of the socket.
        guard: other bounds than those of the settings, for tests.
        page: what the page can do besides.
    """
    access = Access(services.owner, services.journal, services.clock)
    bounds = guard or _bounds(services, port)
    app = FastAPI(
        title="MSSanté connector",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        middleware=[
            Middleware(Gate, settings=bounds, authenticate=access.authenticate, clock=services.clock),
            Middleware(Containment),
        ],
    )
    answer_errors(app)
    app.include_router(instance.public_routes(services))
    desk = Desk(services, page or PageOptions())
    app.include_router(_version_1(services, bounds.port, desk))
    app.include_router(page_routes(desk))
    describe(app)
    app.include_router(description.routes(app.openapi))
    app.state.before_stop = desk.feed.close
    return app


def _bounds(services: ApiServices, port: int) -> GuardSettings:
    api = services.settings.api
    large = dict.fromkeys((messages.PATH, check.PATH, REPLY_PATH), api.max_body_bytes)
    return GuardSettings(port=port, allowed_origins=frozenset(api.allowed_origins), large_bodies=large)


def _version_1(services: ApiServices, port: int, desk: Desk) -> APIRouter:
    """Everything under ``/api/v1``; a resource that this connector does not have gets no route."""
    router, blocking, previews = APIRouter(prefix="/api/v1"), Blocking(), Previews(desk.pages)
    budget = Budget(_BODIES_AT_ONCE * services.settings.api.max_body_bytes)
    router.include_router(instance.routes(services, port))
    router.include_router(metrics.routes(services))
    router.include_router(mailboxes.routes(services))
    router.include_router(messages.routes(services, desk.ids, budget))
    router.include_router(check.routes(services, desk.ids, budget))
    router.include_router(decisions.routes(services, desk.ids))
    router.include_router(originals.routes(services.journal, previews))
    router.include_router(inbox.routes(services, desk.envelopes.of, desk.arrival, previews, desk.notices))
    router.include_router(
        answers.routes(
            services, ids=desk.ids, budget=budget, notices=desk.notices, envelope=desk.envelopes.of,
            opened=desk.arrival,
        )
    )  # fmt: skip
    router.include_router(refusals.routes(services))
    router.include_router(events.routes(services.journal, desk.feed))
    if services.cards is not None:
        router.include_router(card.routes(services.cards, services.settings.card, services.clock, blocking))
    if services.tokens is not None:
        router.include_router(mailboxes.token_routes(services, services.tokens))
    if services.codes is not None:
        router.include_router(codes.routes(services.codes, services.settings, blocking))
    if desk.checkup is not None:
        router.include_router(doctor.routes(desk.checkup, services.clock, blocking))
    return router
