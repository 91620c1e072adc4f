"""``/api/v1/inbox/{id}/…``: what its sender hears, replies, one more delivery, and what belongs together."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Body, Request, Response

from connector.api.arrivals import files_of, inbox_item
from connector.api.beside import beside_one, notice_model
from connector.api.envelopes import Envelope
from connector.api.guard.tokens import Caller
from connector.api.render import code_texts, message_model
from connector.api.replies import REPLY, Asker, end_exchange, reply, words_of
from connector.api.requests import IdempotencyKey, InboxId, requires
from connector.api.services import ApiServices
from connector.api.submit import Asked, Budget, announced, read_body, request_hash
from connector.api.taking import tell_taken
from connector.api.threads import thread_of
from connector.client.models.answers import (
    REPLY_HEAD_EXAMPLE,
    AnswerModel,
    DecisionModel,
    EndExchangeModel,
    FailureModel,
    IntegrationModel,
    ReplyHeadModel,
    ThreadModel,
)
from connector.client.models.inbox import InboxItemModel
from connector.client.models.messages import MessageModel
from connector.domain.errors import InvalidSubmission
from connector.domain.ports import IdSource
from connector.domain.scopes import Scope
from connector.domain.submission import SourceKind
from connector.exchange import person
from connector.exchange.arrival import Arrival
from connector.exchange.notices import NoticeAnswer, NoticeDesk, NoticeOutcome
from connector.journal.notices import NoticeRow, NoticeSlot
from connector.journal.records import IncomingMessage
from connector.journal.requests import RequestKey

__all__ = ["routes"]

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/ReplyModel"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["message"],
                    "properties": {
                        "message": {"$ref": "#/components/schemas/ReplyHeadModel"},
                        "documents": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                },
                "encoding": {"message": {"contentType": "application/json"}},
                "example": {"message": REPLY_HEAD_EXAMPLE, "documents": ["cr.xml"]},
            },
        },
    }
}
_Decision = Annotated[DecisionModel | None, Body()]


def routes(
    services: ApiServices, *, ids: IdSource, budget: Budget, notices: NoticeDesk,
    envelope: Callable[[IncomingMessage], Envelope], opened: Callable[[IncomingMessage], Arrival],
) -> APIRouter:  # fmt: skip
    """All about answers.

    Args:
        services: behind the routes.
        ids: for new submissions.
        budget: of bytes that are being taken.
        notices: tells senders.
        envelope: who wrote and what about; quick.
        opened: a message with its documents; raises what reading raises.
    """
    router = APIRouter(prefix="/inbox/{inbox_id}", tags=["inbox"])
    _told(router, services, notices, opened)
    _written(router, services, ids, budget)
    _beside(router, services, envelope)
    return router


def _told(
    router: APIRouter, services: ApiServices, notices: NoticeDesk, opened: Callable[[IncomingMessage], Arrival]
) -> None:
    journal, may_write = services.journal, requires(Scope.INBOX_WRITE)

    def model(inbox_id: str, answer: NoticeAnswer) -> AnswerModel:
        told = journal.notices([inbox_id]).get(inbox_id, [])
        settled = _as_it_stands(answer, told)
        return AnswerModel(
            outcome=settled.outcome.value, notices=[notice_model(each) for each in told], **code_texts(settled.reason)
        )

    @router.post("/read-receipt", summary="Let its sender know that it was read")
    def read_receipt(inbox_id: InboxId, caller: Annotated[Caller, may_write], asked: _Decision = None) -> AnswerModel:
        """On a person's word: *displayed*, whatever address asks for it; with `send: false` it asks nobody any more.

        Leaves at most once, and only when a receipt was asked for; `code` says why not.
        """
        if asked is not None and not asked.send:
            return model(inbox_id, notices.decline(inbox_id, NoticeSlot.RECEIPT, actor=caller.name))
        return model(inbox_id, notices.send_read_receipt(inbox_id, actor=caller.name))

    @router.post("/integration", summary="Say what became of it in the software")
    def integration(inbox_id: InboxId, asked: IntegrationModel, caller: Annotated[Caller, may_write]) -> AnswerModel:
        """`ok`: it is taken, and its sender hears *processed* when the policy of the mailbox says so.

        `failed`: its sender, or whom the settings name, gets the notice of a failed integration, once for a message.
        """
        if asked.result == "ok":
            return model(inbox_id, notices.take(inbox_id, by=caller.name))
        (code, detail), *further = _failures(asked.failures, lambda: opened(journal.incoming(inbox_id)))
        answer = notices.report_integration_failure(inbox_id, code, detail, caller.name, further=further)
        return model(inbox_id, answer)

    @router.post("/failure-notice", summary="Let the notice of a failed integration go")
    def failure_notice(
        inbox_id: InboxId, caller: Annotated[Caller, may_write], asked: _Decision = None
    ) -> AnswerModel:
        """On a person's word, to the address that asks for it; with `send: false` it asks for nobody any more."""
        if asked is not None and not asked.send:
            return model(inbox_id, notices.decline(inbox_id, NoticeSlot.FAILURE, actor=caller.name))
        return model(inbox_id, notices.send_failure_notice(inbox_id, actor=caller.name))


def _as_it_stands(answer: NoticeAnswer, told: Sequence[NoticeRow]) -> NoticeAnswer:
    """What was decided before, when nothing new could be: sent, waiting, or not wanted."""
    if answer.outcome is not NoticeOutcome.ALREADY or not answer.needs_person:
        return answer
    before = next((row for row in told if row.message_id is None), None)
    if before is None:
        return NoticeAnswer(NoticeOutcome.ALREADY, "ACCUSE_DEJA_ENVOYE")
    return NoticeAnswer(NoticeOutcome.NOT_SENT, before.reason)


def _failures(failures: list[FailureModel], opened: Callable[[], Arrival]) -> list[tuple[str, str]]:
    """Code and words of each; a document is named to the sender as the sender named it.

    Raises:
        InvalidSubmission: ``INTROUVABLE``: the message has no such document.
        ConnectorError: what opening raises, when a document is named.
    """
    names: list[str] = []
    if any(each.document is not None for each in failures):
        names = [file.model.name for file in files_of(opened())]
    if any(each.document is not None and each.document >= len(names) for each in failures):
        raise InvalidSubmission("INTROUVABLE", "the message has no such document")
    told = [("" if each.document is None else names[each.document], each) for each in failures]
    return [(each.code, " : ".join(filter(None, (name, each.detail)))) for name, each in told]


def _written(router: APIRouter, services: ApiServices, ids: IdSource, budget: Budget) -> None:
    journal, may_write = services.journal, requires(Scope.MESSAGES_WRITE)
    limit = services.settings.api.max_body_bytes

    def shown(message_id: str) -> MessageModel:
        return message_model(journal.submission(message_id), journal.correction_of(message_id))

    @router.post("/reply", summary="Answer it", status_code=202, response_model=MessageModel, openapi_extra=_BODY)
    async def answer(
        inbox_id: InboxId, request: Request, response: Response, caller: Annotated[Caller, may_write],
        idempotency_key: IdempotencyKey = None,
    ) -> Any:  # fmt: skip
        """To its Reply-To, else its sender, in its thread; the answer is a message like every other.

        With the answer 202 it is kept and survives power loss; all rules of sending hold.
        """
        with budget.reserve(announced(request, limit)):
            asked = await read_body(request, REPLY)
            asker = _asker(caller, idempotency_key, inbox_id, asked)
            taken = await to_thread.run_sync(
                lambda: reply(services, ids, inbox_id, words_of(asked), asker)
            )  # fmt: skip
        services.received()
        tell_taken(taken, response)
        return await to_thread.run_sync(shown, taken.submission_id)

    @router.post("/end-exchange", summary="End the exchange with a citizen", status_code=202)
    def end(
        inbox_id: InboxId, response: Response, caller: Annotated[Caller, may_write],
        asked: Annotated[EndExchangeModel | None, Body()] = None,
    ) -> MessageModel:  # fmt: skip
        """A last message that cannot be answered (`X-MSS-MES: FIN`); only to who wrote from a citizen's mailbox.

        Asked for again it gives the same message: nobody is told twice.
        """
        wanted, asker = asked or EndExchangeModel(), Asker(actor=caller.name, source=SourceKind.REST)
        taken = end_exchange(
            services, ids, inbox_id, body=wanted.body, earlier_too=wanted.earlier_too, asker=asker
        )  # fmt: skip
        services.received()
        tell_taken(taken, response)
        return shown(taken.submission_id)


def _asker(caller: Caller, key: str | None, inbox_id: str, asked: Asked[ReplyHeadModel]) -> Asker:
    request = RequestKey(caller.id, key, request_hash(asked, "reply", inbox_id)) if key is not None else None
    return Asker(actor=caller.name, source=SourceKind.REST, request=request)


def _beside(router: APIRouter, services: ApiServices, envelope: Callable[[IncomingMessage], Envelope]) -> None:
    journal = services.journal

    @router.post("/requeue", summary="Have it given to the software once more")
    def requeue(inbox_id: InboxId, caller: Annotated[Caller, requires(Scope.INBOX_WRITE)]) -> InboxItemModel:
        """It is opened anew and its files come into the folder again, also those that were taken.

        Also for a message that was set aside, after its cause is gone. The trace says who wanted it.
        """
        person.requeue(journal, inbox_id, actor=caller.name)
        services.decided()
        row = journal.incoming(inbox_id)
        return inbox_item(row, envelope(row), beside_one(journal, inbox_id))

    may_read = requires(Scope.INBOX_READ, Scope.MESSAGES_READ)

    @router.get("/thread", summary="What belongs to it", dependencies=[may_read])
    def thread(inbox_id: InboxId) -> ThreadModel:
        """Replies in both directions, replacements and withdrawals, receipts and notices, oldest first."""
        return thread_of(journal, envelope, inbox_id)
