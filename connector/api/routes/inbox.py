"""``/api/v1/inbox``: what arrived, its documents, and the mark that an application has taken it."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from connector.api.arrivals import InboxFile, files_of, inbox_item, inbox_message
from connector.api.attachment import attachment
from connector.api.beside import Beside, beside, beside_one
from connector.api.envelopes import Envelope
from connector.api.guard.tokens import Caller
from connector.api.kept import KeptJson, page_of, ready
from connector.api.mailboxes import find_mailbox
from connector.api.preview import PREVIEW, PreviewPage, Previews
from connector.api.requests import InboxId, Since, Until, requires
from connector.api.services import ApiServices
from connector.client.models.inbox import InboxItemModel, InboxMessageModel, InboxModel
from connector.domain.errors import InvalidSubmission
from connector.domain.scopes import Scope
from connector.domain.states import IncomingState
from connector.exchange.arrival import Arrival
from connector.exchange.notices import NoticeDesk
from connector.journal.journal import Journal
from connector.journal.kept import Kept
from connector.journal.records import IncomingMessage

__all__ = ["routes"]

Number = Annotated[int, Path(ge=0, le=10_000, description="`number` of the document")]
Cursor = Annotated[str | None, Query(pattern="^[0-9A-Z]{26}$", description="`next_cursor` of the page before")]

_KEPT_BYTES = 3_000_000  # of answers that are ready, each: some 2 000 list items, a few hundred whole messages
_KEPT_PAGES = 50
_Responses = dict[int | str, dict[str, Any]]
_BYTES: _Responses = {
    200: {
        "content": {"application/octet-stream": {"example": "<?xml version='1.0'?><ClinicalDocument …"}},
        "description": "The bytes, exactly as they came.",
    }
}
_RAW: _Responses = {
    200: {
        "content": {"message/rfc822": {"example": "From: Labo <labo@autre.mssante.fr>\r\n…"}},
        "description": "The message, exactly as the operator gave it.",
    }
}


def routes(
    services: ApiServices, envelope: Callable[[IncomingMessage], Envelope],
    opened: Callable[[IncomingMessage], Arrival], previews: Previews, notices: NoticeDesk,
) -> APIRouter:  # fmt: skip
    """All about what arrived.

    Args:
        services: behind the routes.
        envelope: who wrote and what about; quick.
        opened: a message with its documents; raises what reading raises.
        previews: of documents.
        notices: tells senders that it was taken.
    """
    router = APIRouter(prefix="/inbox", tags=["inbox"])
    _messages(router, services, envelope, opened)
    _taking(router, services, envelope, notices)
    _documents(router, services.journal, opened, previews)
    return router


def _messages(
    router: APIRouter, services: ApiServices, envelope: Callable[[IncomingMessage], Envelope],
    opened: Callable[[IncomingMessage], Arrival],
) -> None:  # fmt: skip
    journal, may_read = services.journal, [requires(Scope.INBOX_READ)]
    items, wholes = KeptJson(_KEPT_BYTES), KeptJson(_KEPT_BYTES)
    pages: Kept[dict[str, Beside]] = Kept(_KEPT_PAGES)

    def besides(ids: Sequence[str]) -> dict[str, Beside]:
        """As it was while nothing has happened: whatever changes it leaves an entry in the trace, or one follows."""
        place, number = " ".join(ids), journal.last_number()
        found = pages.some([(place, number)]).get(place)
        if found is None:
            found = beside(journal, ids)
            pages.keep(place, number, found)
        return found

    def item(row: IncomingMessage, found: Beside) -> bytes:
        about = envelope(row)  # may only be known later
        return items.of(row.id, (row, about, found), lambda: inbox_item(row, about, found))

    @router.get("", summary="List received messages", dependencies=may_read, response_model=InboxModel)
    def list_(
        *,
        mailbox: Annotated[str | None, Query(max_length=320, description="Folder name or address")] = None,
        state: Annotated[list[IncomingState] | None, Query()] = None,
        taken: Annotated[bool | None, Query(description="Only those that an application has taken, or none")] = None,
        since: Since = None,
        until: Until = None,
        cursor: Cursor = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> Response:
        """Newest first: messages for people, neither receipts nor duplicates."""
        box = find_mailbox(services.settings, mailbox).address if mailbox is not None else None
        rows = journal.newest_received(
            limit=limit + 1, after=cursor, states=state or None, mailbox=box, since=since, until=until, is_taken=taken
        )  # fmt: skip
        known = besides([row.id for row in rows[:limit]])
        shown = [item(row, known[row.id]) for row in rows[:limit]]
        return page_of(shown, rows[limit - 1].id if len(rows) > limit else None)

    @router.get(
        "/{inbox_id}", summary="One received message, opened", dependencies=may_read,
        response_model=InboxMessageModel,
    )  # fmt: skip
    def show(inbox_id: InboxId) -> Response:
        """Sender, text, documents with their patients. Nothing of it is verified but what the operator checks."""
        entry, found = journal.received(inbox_id), beside_one(journal, inbox_id)
        row = entry.message
        return ready(wholes.of(row.id, (entry, found), lambda: inbox_message(row, opened(row), found)))


def _taking(
    router: APIRouter, services: ApiServices, envelope: Callable[[IncomingMessage], Envelope], notices: NoticeDesk
) -> None:
    journal = services.journal

    @router.post("/{inbox_id}/taken", summary="Say that you have it")
    def taken(inbox_id: InboxId, caller: Annotated[Caller, requires(Scope.INBOX_WRITE)]) -> InboxItemModel:
        """For the other applications and for the person; the first one counts. Nothing is deleted anywhere.

        Its sender hears *processed* when a receipt was asked for and the policy of the mailbox is `taken`.
        """
        notices.take(inbox_id, by=caller.name)
        row = journal.incoming(inbox_id)
        return inbox_item(row, envelope(row), beside_one(journal, inbox_id))


def _documents(
    router: APIRouter, journal: Journal, opened: Callable[[IncomingMessage], Arrival], previews: Previews
) -> None:
    may_read = [requires(Scope.INBOX_READ)]

    def file(inbox_id: str, number: int) -> InboxFile:
        files = files_of(opened(journal.incoming(inbox_id)))
        if number >= len(files):
            raise InvalidSubmission("INTROUVABLE", "the message has no such document")
        return files[number]

    @router.get(
        "/{inbox_id}/documents/{number}", summary="One document", dependencies=may_read, responses=_BYTES,
        response_class=Response,
    )  # fmt: skip
    def document(inbox_id: InboxId, number: Number) -> Response:
        """The bytes, exactly as they came; to be saved, never run."""
        found = file(inbox_id, number)
        return attachment(found.content, found.model.name)

    @router.get(
        "/{inbox_id}/documents/{number}/preview", summary="One document to look at", dependencies=may_read,
        responses=PREVIEW, response_class=Response,
    )  # fmt: skip
    async def preview(inbox_id: InboxId, number: Number, page: PreviewPage = None) -> Response:
        """As the connector's own page shows it: built anew, so that nothing of the sender's runs."""

        def given() -> tuple[str, bytes]:
            found = file(inbox_id, number)
            return found.model.name, found.content

        return await previews.answer(given, page)

    @router.get(
        "/{inbox_id}/raw", summary="The whole message", dependencies=may_read, responses=_RAW, response_class=Response
    )
    def raw(inbox_id: InboxId) -> Response:
        """As the operator gave it, also when it was set aside."""
        row = journal.incoming(inbox_id)
        content = journal.payload(row.payload_id or "")
        return attachment(content, f"{row.id}.eml", "message/rfc822")
