"""What arrived: the list, one message with its documents and its thread."""

from fastapi import APIRouter
from starlette.responses import Response

from connector.api.beside import beside_one, waits
from connector.api.mailboxes import find_mailbox
from connector.api.page.desk import ACTOR, Desk
from connector.api.page.entry import LONGEST_PASSAGE, Entry, PageRoute
from connector.api.page.facts import waiting_answers
from connector.api.page.listing import find_received, find_these, received_row
from connector.api.page.received import open_notices, relations_of, signs_of, thread_rows
from connector.api.page.render import Visit
from connector.api.page.routes.answers import answer_routes
from connector.api.page.routes.pieces import piece_routes
from connector.api.pieces import Piece, pieces_of_arrival
from connector.api.threads import thread_of
from connector.domain.errors import ConnectorError, MalformedMessage, Unavailable
from connector.domain.states import IncomingState
from connector.domain.text import Text
from connector.exchange.arrival import Arrival
from connector.exchange.identity import IdentityState
from connector.exchange.notices import FAILURE_LABELS
from connector.journal.notices import NoticeSlot
from connector.journal.records import IncomingMessage
from connector.support.received_words import IDENTITY_WORDS
from connector.support.words import ACTION_WORDS

__all__ = ["routes"]

_PAGE = 25
_FILTERS = {"aside": (IncomingState.QUARANTINED,)}
_WAITING = "answer"
"""The filter that shows those whose senders wait for a decision."""
_UNTAKEN = "untaken"
"""The filter that shows those that the software leaves in its folder."""


def routes(desk: Desk, entry: Entry) -> APIRouter:
    """List, message, answers, documents."""
    router = APIRouter(prefix="/received", route_class=PageRoute)

    @router.get("")
    def list_(state: str = "", q: str = "", box: str = "", after: str = "", visit: Visit = entry.visit) -> Response:
        """Received messages, newest first."""
        mailbox = find_mailbox(desk.settings, box).address if box else None
        if state == _WAITING:
            waiting = dict.fromkeys(notice.incoming_id for notice in waiting_answers(desk.api))
            found = find_these(desk.journal, desk.envelopes, list(waiting))
        elif state == _UNTAKEN:
            boxes = [one.address for one in desk.settings.mailboxes]
            found = find_these(desk.journal, desk.envelopes, desk.journal.overdue_ids(boxes))
        else:
            found = find_received(
                desk.journal,
                desk.envelopes,
                q[:200],
                states=_FILTERS.get(state),
                mailbox=mailbox,
                limit=_PAGE,
                after=after[:26] or None,
            )
        return visit.page(
            "received.html", here="received", rows=found.rows, after=found.after, state=state, q=q[:200], box=box,
            boxes=desk.settings.mailboxes, signs_of=signs_of,
        )  # fmt: skip

    @router.get("/{message_id}")
    def message(message_id: str, visit: Visit = entry.visit) -> Response:
        """One message: who, what, its text, its documents, and everything that can be answered."""
        row, found = desk.journal.incoming(message_id), beside_one(desk.journal, message_id)
        arrival, code = _opened(desk, row)
        thread = thread_of(desk.journal, desk.envelopes.of, row.id)
        return visit.page(
            "message.html", here="received", message=row, row=received_row(row, desk.envelopes, found),
            arrival=arrival, code=code, trace=desk.journal.trace(subject_id=row.id),
            pieces=pieces_of_arrival(arrival) if arrival is not None else (), action_words=ACTION_WORDS, actor=ACTOR,
            signs=signs_of(found), relations=relations_of(found), open_notices=open_notices(found), waits=waits,
            thread=thread_rows(thread, row.id), is_whole=thread.is_whole, identity=_identity(arrival),
            has_failed=any(notice.slot is NoticeSlot.FAILURE for notice in found.notices),
            can_write=_can_write(desk, row), key=desk.ids.ulid(), ko_codes=FAILURE_LABELS, most=LONGEST_PASSAGE,
            can_requeue=row.state in (IncomingState.ACKNOWLEDGED, IncomingState.QUARANTINED),
        )  # fmt: skip

    def pieces(message_id: str) -> tuple[Piece, ...]:
        return pieces_of_arrival(desk.arrival(desk.journal.incoming(message_id)))

    router.include_router(answer_routes(desk, entry))
    router.include_router(piece_routes(desk, entry, pieces, here="received"))
    return router


def _identity(arrival: Arrival | None) -> Text | None:
    """How sure it is whom the message is about; nothing when it names nobody."""
    if arrival is None or arrival.identity is IdentityState.NONE:
        return None
    return IDENTITY_WORDS[arrival.identity]


def _can_write(desk: Desk, row: IncomingMessage) -> bool:
    """True when the mailbox is there and sends."""
    return any(mailbox.address == row.mailbox and mailbox.send for mailbox in desk.settings.mailboxes)


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
