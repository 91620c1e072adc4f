"""What a person answers to a received message: receipt, reply, not integrated, end of an exchange, once more."""

import hashlib
from collections.abc import Callable

from fastapi import APIRouter
from starlette.responses import Response

from connector.api.page.desk import ACTOR, Desk
from connector.api.page.entry import Entry, Form, PageRoute
from connector.api.replies import Asker, Words, end_exchange, reply
from connector.domain.errors import ConnectorError, InvalidSubmission
from connector.domain.submission import SendOptions, SourceKind
from connector.domain.text import Text
from connector.exchange import person
from connector.exchange.notices import NoticeAnswer, NoticeOutcome
from connector.journal.notices import NoticeSlot
from connector.journal.records import Taken
from connector.journal.requests import RequestKey

__all__ = ["answer_routes"]

_CLIENT = "page"
"""Whose keys they are: a form that is sent twice answers once."""
_LONGEST_DETAIL = 300

_TAKEN = Text("Le message est marqué comme traité.", "The message is marked as dealt with.")
_QUEUED = Text("C'est envoyé à l'expéditeur.", "It is sent to the sender.")
_DECLINED = Text("C'est noté : rien n'est envoyé à l'expéditeur.", "Noted: nothing is sent to the sender.")
_REPLIED = Text("Votre réponse part.", "Your answer leaves.")
_ENDED = Text("L'échange est terminé : un dernier message part.", "The exchange is ended: a last message leaves.")
_REQUEUED = Text("Le message sera remis de nouveau au logiciel.", "The message will be given to the software again.")
_REPORTED = Text("C'est noté : le message n'a pas été intégré.", "Noted: the message was not integrated.")


def answer_routes(desk: Desk, entry: Entry) -> APIRouter:
    """Everything that a form on the sheet of a received message does."""
    router = APIRouter(prefix="/{message_id}", route_class=PageRoute)
    _telling(router, desk, entry)
    _writing(router, desk, entry)
    return router


def _telling(router: APIRouter, desk: Desk, entry: Entry) -> None:
    notices = desk.notices

    @router.post("/taken")
    def taken(message_id: str, form: Form = entry.form) -> Response:
        """Somebody has dealt with it."""
        return _done(form, message_id, _TAKEN, lambda: notices.take(message_id, by=ACTOR))

    @router.post("/read-receipt")
    def read_receipt(message_id: str, form: Form = entry.form) -> Response:
        """Yes or no."""
        if form.text("send") == "no":
            return _told(form, message_id, lambda: notices.decline(message_id, NoticeSlot.RECEIPT, actor=ACTOR))
        return _told(form, message_id, lambda: notices.send_read_receipt(message_id, actor=ACTOR))

    @router.post("/failure-notice")
    def failure_notice(message_id: str, form: Form = entry.form) -> Response:
        """Yes or no."""
        if form.text("send") == "no":
            return _told(form, message_id, lambda: notices.decline(message_id, NoticeSlot.FAILURE, actor=ACTOR))
        return _told(form, message_id, lambda: notices.send_failure_notice(message_id, actor=ACTOR))

    @router.post("/not-integrated")
    def not_integrated(message_id: str, form: Form = entry.form) -> Response:
        """It could not be filed, for this reason."""
        code, detail = form.text("code"), form.text("detail")[:_LONGEST_DETAIL]
        return _told(
            form, message_id, lambda: notices.report_integration_failure(message_id, code, detail, ACTOR),
            unsent=_REPORTED,
        )  # fmt: skip

    @router.post("/requeue")
    def requeue(message_id: str, form: Form = entry.form) -> Response:
        """Once more into the folder."""

        def again() -> None:
            person.requeue(desk.journal, message_id, actor=ACTOR)
            desk.api.decided()

        return _done(form, message_id, _REQUEUED, again)


def _writing(router: APIRouter, desk: Desk, entry: Entry) -> None:
    @router.post("/reply")
    def write(message_id: str, form: Form = entry.form) -> Response:
        """Words to the sender; a form that is sent twice answers once."""

        def send() -> Taken:
            body = form.passage("body")
            if not body:
                raise InvalidSubmission("REPONSE_VIDE", "the answer has no words")
            words = Words(body=body, options=SendOptions(read_receipt=form.has("read_receipt")))
            return reply(desk.api, desk.ids, message_id, words, _asker(form, "reply", message_id, body))

        return _sent(desk, form, message_id, _REPLIED, send)

    @router.post("/end-exchange")
    def end(message_id: str, form: Form = entry.form) -> Response:
        """The last word to a citizen."""

        def send() -> Taken:
            return end_exchange(
                desk.api, desk.ids, message_id, body=form.passage("body") or None,
                earlier_too=form.has("earlier_too"), asker=Asker(actor=ACTOR, source=SourceKind.PAGE),
            )  # fmt: skip

        return _sent(desk, form, message_id, _ENDED, send)


def _asker(form: Form, what: str, message_id: str, body: str) -> Asker:
    key = form.text("key")
    request_hash = hashlib.sha256("\n".join((what, message_id, body)).encode("utf-8", "replace")).hexdigest()
    request = RequestKey(_CLIENT, key, request_hash) if key else None
    return Asker(actor=ACTOR, source=SourceKind.PAGE, request=request)


def _sent(desk: Desk, form: Form, message_id: str, told: Text, send: Callable[[], Taken]) -> Response:
    def carry_out() -> None:
        send()
        desk.api.received()

    return _done(form, message_id, told, carry_out)


def _told(
    form: Form, message_id: str, tell: Callable[[], NoticeAnswer], *, unsent: Text = _DECLINED
) -> Response:  # fmt: skip
    """Say what became of an answer."""
    try:
        answer = tell()
    except ConnectorError as error:
        form.visit.problem(error.code)
        return form.visit.go(f"/received/{message_id}#answers")
    if answer.outcome is NoticeOutcome.QUEUED:
        form.visit.done(_QUEUED)
    elif answer.outcome is NoticeOutcome.ALREADY and not answer.needs_person:
        form.visit.problem(answer.reason)
    else:
        form.visit.done(unsent)
    return form.visit.go(f"/received/{message_id}#answers")


def _done(form: Form, message_id: str, told: Text, carry_out: Callable[[], object]) -> Response:
    try:
        carry_out()
    except ConnectorError as error:
        form.visit.problem(error.code)
    else:
        form.visit.done(told)
    return form.visit.go(f"/received/{message_id}")
