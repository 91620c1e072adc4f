"""``/api/v1/messages/{id}/…``: what may be decided about a message that was taken."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Response

from connector.api.guard.tokens import Caller
from connector.api.render import message_model
from connector.api.replace import replace_message
from connector.api.requests import IdempotencyKey, MessageId, requires
from connector.api.services import ApiServices
from connector.api.taking import tell_taken
from connector.client.models.messages import MessageModel, ReplaceModel
from connector.domain.ports import IdSource
from connector.domain.scopes import Scope
from connector.exchange import person

__all__ = ["routes"]

Decision = Callable[..., int]


def routes(services: ApiServices, ids: IdSource) -> APIRouter:
    """Try again, give up, let leave, send to somebody else.

    Args:
        services: behind the routes.
        ids: for new submissions.
    """
    router = APIRouter(prefix="/messages/{message_id}", tags=["messages"])
    journal, may_write = services.journal, requires(Scope.MESSAGES_WRITE)

    def shown(message_id: str) -> MessageModel:
        return message_model(journal.submission(message_id), journal.correction_of(message_id))

    def decide(message_id: str, decision: Decision, caller: Caller) -> MessageModel:
        decision(journal, services.clock, message_id, actor=caller.name)
        services.decided()
        return shown(message_id)

    @router.post("/retry", summary="Try again now")
    def retry(message_id: MessageId, caller: Annotated[Caller, may_write]) -> MessageModel:
        """What failed, waits or was postponed, to those who did not get it."""
        return decide(message_id, person.retry, caller)

    @router.post("/cancel", summary="Give up")
    def cancel(message_id: MessageId, caller: Annotated[Caller, may_write]) -> MessageModel:
        """What has not left."""
        return decide(message_id, person.cancel, caller)

    @router.post("/release", summary="Let it leave")
    def release(message_id: MessageId, caller: Annotated[Caller, may_write]) -> MessageModel:
        """A duplicate, or a message whose outcome is unknown: it may then arrive twice."""
        return decide(message_id, person.release, caller)

    @router.post("/replace", summary="Send again to corrected recipients", status_code=202)
    def replace(
        message_id: MessageId, asked: ReplaceModel, response: Response, caller: Annotated[Caller, may_write],
        idempotency_key: IdempotencyKey = None,
    ) -> MessageModel:  # fmt: skip
        """The same documents as a new message; the earlier one stays as it is, and each names the other.

        Only for people who did not get them and will not: nobody is served twice.
        """
        taken = replace_message(services, ids, message_id, asked, caller=caller, key=idempotency_key)
        services.decided()
        tell_taken(taken, response)
        return shown(taken.submission_id)

    return router
