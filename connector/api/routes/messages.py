"""``/api/v1/messages``: give something to be sent, see what became of it."""

from collections.abc import Sequence
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response

from connector.api.guard.tokens import Caller
from connector.api.kept import KeptJson, as_json, page_of
from connector.api.mailboxes import find_mailbox
from connector.api.render import message_detail, message_model
from connector.api.requests import IdempotencyKey, MessageId, Since, Until, requires
from connector.api.services import ApiServices
from connector.api.submit import MESSAGES_PATH as PATH
from connector.api.submit import SUBMISSION, Budget, announced, read_body
from connector.api.taking import take_submission, tell_repeated, tell_taken
from connector.client.models.messages import HEAD_EXAMPLE, LotModel, MessageDetailModel, MessageModel, MessagesModel
from connector.domain.ports import IdSource
from connector.domain.scopes import Scope
from connector.domain.states import OutgoingState
from connector.journal.records import SubmissionView, Taken

__all__ = ["BODY", "PATH", "routes"]

Cursor = Annotated[str | None, Query(pattern="^[0-9A-Z]{26}$", description="`next_cursor` of the page before")]
Limit = Annotated[int, Query(ge=1, le=100)]

_KEPT_BYTES = 4_000_000  # of list items that are ready: some 2 000
BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/SubmitModel"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["message", "documents"],
                    "properties": {
                        "message": {"$ref": "#/components/schemas/SubmitHeadModel"},
                        "documents": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                },
                "encoding": {"message": {"contentType": "application/json"}},
                "example": {"message": HEAD_EXAMPLE, "documents": ["cr.xml", "cr.pdf"]},
            },
        },
    }
}


def routes(services: ApiServices, ids: IdSource, budget: Budget) -> APIRouter:
    """All about what is sent.

    Args:
        services: behind the routes.
        ids: for new submissions.
        budget: of bytes that are being taken.
    """
    router = APIRouter(prefix="/messages", tags=["messages"])
    _taking(router, services, ids, budget)
    _reading(router, services)
    return router


def _taking(router: APIRouter, services: ApiServices, ids: IdSource, budget: Budget) -> None:
    journal, limit = services.journal, services.settings.api.max_body_bytes
    may_write = requires(Scope.MESSAGES_WRITE)

    def shown(taken: Sequence[Taken]) -> MessageModel | LotModel:
        views = [journal.submission(one.submission_id) for one in taken]
        items = [message_model(view, journal.correction_of(view.id)) for view in views]
        return items[0] if len(items) == 1 else LotModel(lot=views[0].lot or "", items=items)

    @router.post(
        "", summary="Send documents", status_code=202, response_model=MessageModel | LotModel, openapi_extra=BODY
    )
    async def submit(
        request: Request,
        response: Response,
        caller: Annotated[Caller, may_write],
        idempotency_key: IdempotencyKey = None,
    ) -> Any:
        """Takes documents over: with the answer 202 they are kept and survive power loss.

        Ask at ``Location`` what became of them, or follow the events. The same ``Idempotency-Key`` with the same
        request gives the same message again (``Idempotent-Replay: true``) and sends nothing twice.

        Documents that a folder would divide (several patients when the mailbox says so, several messages of HL7 v2,
        several HPRIM records) are several messages: the answer is then a `LotModel` with all of them, and has no
        ``Location``. All are kept or none: a part that cannot be sent refuses the request.
        """
        with budget.reserve(announced(request, limit)):
            asked = await read_body(request, SUBMISSION)
            taken = await to_thread.run_sync(take_submission, services, ids, asked, caller, idempotency_key)
        services.received()
        if len(taken) == 1:
            tell_taken(taken[0], response)
        else:
            tell_repeated(taken[0], response)
        return await to_thread.run_sync(shown, taken)


def _reading(router: APIRouter, services: ApiServices) -> None:
    journal, may_read, kept = services.journal, requires(Scope.MESSAGES_READ), KeptJson(_KEPT_BYTES)

    def item(view: SubmissionView, corrected_by: str | None) -> bytes:
        nexts = tuple(message.next_attempt_at for message in view.messages)  # may change under the same revision
        return kept.of(view.id, (view.revision, nexts, corrected_by), lambda: message_model(view, corrected_by))

    @router.get("", summary="List messages", dependencies=[may_read], response_model=MessagesModel)
    def list_(
        *,
        mailbox: Annotated[str | None, Query(max_length=320, description="Folder name or address")] = None,
        state: Annotated[list[OutgoingState] | None, Query()] = None,
        reference: Annotated[str | None, Query(max_length=64, description="Exactly the one that was given")] = None,
        q: Annotated[str, Query(max_length=200, description="Words: address, reference, file name, subject")] = "",
        since: Since = None,
        until: Until = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Response:
        """Newest first, whatever door they came by.

        With ``q`` or ``reference`` a page may hold less than there is: go on while there is a ``next_cursor``.
        """
        box = find_mailbox(services.settings, mailbox).address if mailbox is not None else None
        page = journal.find(
            q, states=state or None, mailbox=box, reference=reference, since=since, until=until, limit=limit,
            after=cursor,
        )  # fmt: skip
        corrected = journal.corrections_of([view.id for view in page.items])
        return page_of((item(view, corrected.get(view.id)) for view in page.items), page.after)

    @router.get(
        "/{message_id}", summary="One message with its story", dependencies=[may_read],
        response_model=MessageDetailModel,
    )  # fmt: skip
    def show(message_id: MessageId) -> Response:
        """Recipients, answers of the operator, receipts, and every line of its trace."""
        story, receipts = journal.story(message_id), journal.receipts(message_id)
        return as_json(message_detail(story.view, story.trace, receipts, story.corrected_by))
