"""What arrived: the list, one message with its documents, the mark that it was dealt with."""

from fastapi import APIRouter
from starlette.responses import Response

from connector.api.mailboxes import find_mailbox
from connector.api.page.desk import ACTOR, Desk
from connector.api.page.entry import Entry, Form, PageRoute
from connector.api.page.listing import find_received, received_row
from connector.api.page.render import Visit
from connector.api.page.routes.pieces import piece_routes
from connector.api.pieces import Piece, pieces_of_arrival
from connector.domain.errors import ConnectorError, MalformedMessage, Unavailable
from connector.domain.states import IncomingState
from connector.domain.text import Text
from connector.exchange.arrival import Arrival
from connector.journal.records import IncomingMessage
from connector.support.words import ACTION_WORDS

__all__ = ["routes"]

_PAGE = 25
_FILTERS = {"aside": (IncomingState.QUARANTINED,)}


def routes(desk: Desk, entry: Entry) -> APIRouter:
    """List, message, mark."""
    router = APIRouter(prefix="/received", route_class=PageRoute)

    @router.get("")
    def list_(state: str = "", q: str = "", box: str = "", after: str = "", visit: Visit = entry.visit) -> Response:
        """Received messages, newest first."""
        mailbox = find_mailbox(desk.settings, box).address if box else None
        found = find_received(
            desk.journal, desk.envelopes, q[:200], states=_FILTERS.get(state), mailbox=mailbox, limit=_PAGE,
            after=after[:26] or None,
        )  # fmt: skip
        return visit.page(
            "received.html", here="received", rows=found.rows, after=found.after, state=state, q=q[:200], box=box,
            boxes=desk.settings.mailboxes,
        )  # fmt: skip

    @router.get("/{message_id}")
    def message(message_id: str, visit: Visit = entry.visit) -> Response:
        """One message: who, what, its text, its documents."""
        row = desk.journal.incoming(message_id)
        mark = desk.journal.taken_marks([row.id]).get(row.id)
        arrival, code = _opened(desk, row)
        return visit.page(
            "message.html", here="received", message=row, row=received_row(row, desk.envelopes, mark),
            arrival=arrival, code=code, trace=desk.journal.trace(subject_id=row.id),
            pieces=pieces_of_arrival(arrival) if arrival is not None else (), action_words=ACTION_WORDS, actor=ACTOR,
        )  # fmt: skip

    @router.post("/{message_id}/taken")
    def taken(message_id: str, form: Form = entry.form) -> Response:
        """Somebody has dealt with it."""
        desk.journal.mark_taken(message_id, by=ACTOR)
        form.visit.done(Text("Le message est marqué comme traité.", "The message is marked as dealt with."))
        return form.visit.go(f"/received/{message_id}")

    def pieces(message_id: str) -> tuple[Piece, ...]:
        return pieces_of_arrival(desk.arrival(desk.journal.incoming(message_id)))

    router.include_router(piece_routes(desk, entry, pieces, here="received"))
    return router


def _opened(desk: Desk, row: IncomingMessage) -> tuple[Arrival | None, str]:
    """The message, or the code of why it cannot be shown."""
    if row.state is IncomingState.QUARANTINED:
        return None, row.code or "MESSAGE_ILLISIBLE"
    try:
        return desk.arrival(row), row.code or ""
    except (Unavailable, MalformedMessage) as error:
        return None, error.code
    except ConnectorError as error:
        return None, row.code or error.code
