"""``/api/v1/metrics``: numbers for monitoring."""

from fastapi import APIRouter
from starlette.responses import Response

from connector.api.requests import requires
from connector.api.services import ApiServices
from connector.domain.scopes import Scope
from connector.support.metrics import METRICS_MEDIA_TYPE, MetricSources, metrics_text

__all__ = ["routes"]

_EXAMPLE = 'mss_outgoing_messages{box="labo",state="sent"} 42.0\nmss_card_signatures_total 7.0\n'
_ANSWER = {
    "description": "The numbers, in the text format of Prometheus.",
    "content": {"text/plain": {"schema": {"type": "string"}, "example": _EXAMPLE}},
}


def routes(services: ApiServices) -> APIRouter:
    """The one route."""
    router = APIRouter(tags=["health"])
    sources = MetricSources(
        report=services.report,
        counts=services.journal.counts,
        refused=services.journal.refused_counts,
        folders={str(mailbox.address): mailbox.folder for mailbox in services.settings.mailboxes},
        card=services.cards.status if services.cards is not None else None,
    )

    @router.get(
        "/metrics", summary="Numbers for monitoring", dependencies=[requires(Scope.STATUS_READ)],
        response_class=Response, responses={200: _ANSWER},
    )  # fmt: skip
    def metrics() -> Response:
        """Messages by state, refused drops, components, card signatures; no name of anybody or anything."""
        return Response(metrics_text(sources), media_type=METRICS_MEDIA_TYPE)

    return router
