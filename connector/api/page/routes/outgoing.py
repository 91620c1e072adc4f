"""What is sent: the list, one message's whole story, and what a person may decide."""

from collections.abc import Callable, Iterator, Sequence

from fastapi import APIRouter
from starlette.responses import Response

from connector.api.mailboxes import find_mailbox
from connector.api.page.desk import ACTOR, Desk
from connector.api.page.entry import Entry, Form, PageRoute
from connector.api.page.listing import OUTGOING_FILTERS, out_row, outgoing_shade
from connector.api.page.need import RECIPIENT_CODES
from connector.api.page.received import thread_rows
from connector.api.page.refused import FAILED, find_out
from connector.api.page.render import Visit
from connector.api.page.routes.pieces import piece_routes
from connector.api.page.story import timeline
from connector.api.pieces import Piece, pieces_of_files
from connector.api.threads import thread_of
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, InvalidSubmission
from connector.domain.states import OUTGOING, OutgoingEvent, OutgoingState
from connector.domain.submission import FileRole, RecipientKind
from connector.domain.text import Text
from connector.exchange import person
from connector.exchange.correction import correct, correctable
from connector.journal.records import SubmissionView
from connector.support.words import ACTION_WORDS, OUTGOING_WORDS, RECIPIENT_WORDS, WAITING_WORDS

__all__ = ["routes"]

_PAGE = 25
_TRACE = 300
_HIDDEN = (FileRole.SIDECAR, FileRole.FLAG)
_DECISIONS: dict[str, tuple[OutgoingEvent, Callable[..., int], Text]] = {
    "retry": (OutgoingEvent.RETRY, person.retry, Text("C'est relancé.", "It is tried again.")),
    "cancel": (OutgoingEvent.CANCEL, person.cancel, Text("L'envoi est annulé.", "It is cancelled.")),
    "release": (OutgoingEvent.RELEASE, person.release, Text("L'envoi repart.", "It leaves.")),
}
_WORDS = {
    "action_words": ACTION_WORDS, "state_words": OUTGOING_WORDS, "recipient_words": RECIPIENT_WORDS,
    "waiting_words": WAITING_WORDS, "states": set(OutgoingState), "shade_of": outgoing_shade,
}  # fmt: skip


def routes(desk: Desk, entry: Entry) -> APIRouter:
    """List, story, decisions, documents."""
    router = APIRouter(prefix="/outgoing", route_class=PageRoute)

    @router.get("")
    def list_(state: str = "", q: str = "", box: str = "", after: str = "", visit: Visit = entry.visit) -> Response:
        """Submissions and refused drops, newest first."""
        mailbox = find_mailbox(desk.settings, box).address if box else None
        found = find_out(desk.journal, q[:200], state=state, mailbox=mailbox, limit=_PAGE, after=after[:26] or None)
        return visit.page(
            "outgoing.html", here="outgoing", rows=found.rows, after=found.after,
            looked_at=found.looked_at, state=state, q=q[:200], box=box, filters=OUTGOING_FILTERS,
            boxes=desk.settings.mailboxes,
            refused=desk.journal.refused_drops(unseen=True, limit=2) if state == FAILED else [],
        )  # fmt: skip

    @router.get("/{submission_id}")
    def story(submission_id: str, visit: Visit = entry.visit) -> Response:
        """One submission: where it stands, who has it, what happened, what can be done."""
        return _story(desk, visit, submission_id)

    @router.post("/{submission_id}/correct")
    def correction(submission_id: str, form: Form = entry.form) -> Response:
        """Send the documents anew, to corrected recipients."""
        try:
            recipients = list(_recipients(form))
            taken = correct(
                desk.journal, desk.clock, desk.ids, submission_id, recipients, actor=ACTOR,
                deadline_hours=desk.settings.retry.deadline_hours,
            )  # fmt: skip
        except InvalidSubmission as error:
            typed = list(_typed(form))
            return _story(desk, form.visit, submission_id, status=422, problem=error.code, typed=typed)
        desk.api.decided()
        form.visit.done(Text("C'est envoyé au destinataire corrigé.", "Sent to the corrected recipient."))
        return form.visit.go(f"/outgoing/{taken.submission_id}")

    @router.post("/{submission_id}/{decision}")
    def decide(submission_id: str, decision: str, form: Form = entry.form) -> Response:
        """Send again, give up, let leave."""
        if decision not in _DECISIONS:
            raise InvalidSubmission("API_ROUTE_INCONNUE", "no such decision")
        _, carry_out, told = _DECISIONS[decision]
        try:
            carry_out(desk.journal, desk.clock, submission_id, actor=ACTOR)
        except ConnectorError as error:
            form.visit.problem(error.code)
        else:
            desk.api.decided()
            form.visit.done(told)
        return form.visit.go(f"/outgoing/{submission_id}")

    def pieces(submission_id: str) -> tuple[Piece, ...]:
        view = desk.journal.submission(submission_id)
        files = [file for file in view.files if file.role not in _HIDDEN]
        return pieces_of_files((file.name, desk.journal.payload(file.payload_id)) for file in files)

    router.include_router(piece_routes(desk, entry, pieces, here="outgoing"))
    return router


def _story(
    desk: Desk, visit: Visit, submission_id: str, *, status: int = 200, problem: str = "",
    typed: Sequence[tuple[str, RecipientKind]] = (),
) -> Response:  # fmt: skip
    view = desk.journal.submission(submission_id)
    trace = desk.journal.trace(subject_id=view.id, limit=_TRACE)
    steps = [timeline(message, trace, read_receipt=view.options.read_receipt) for message in view.messages]
    thread = thread_of(desk.journal, desk.envelopes.of, view.id)
    failing = [(str(recipient.address), recipient.kind) for recipient in correctable(view)]
    return visit.page(
        "story.html", here="outgoing", status=status, view=view, row=out_row(view), steps=steps, trace=trace,
        decisions=_possible(view), failing=typed or failing or [("", RecipientKind.TO)],
        can_correct=_can_correct(view),
        thread=thread_rows(thread, view.id), is_whole=thread.is_whole,
        corrected_by=desk.journal.correction_of(view.id), problem=problem, pieces_at=f"/outgoing/{view.id}/pieces",
        files=[file for file in view.files if file.role not in _HIDDEN], **_WORDS,
    )  # fmt: skip


def _possible(view: SubmissionView) -> set[str]:
    """The decisions that at least one message allows."""
    states = {message.state for message in view.messages}
    return {name for name, (event, _, _) in _DECISIONS.items() if any(event in OUTGOING[state] for state in states)}


def _can_correct(view: SubmissionView) -> bool:
    """True when somebody did not get it, or when nobody was named."""
    nobody_named = any(
        message.state is OutgoingState.REJECTED and message.code in RECIPIENT_CODES for message in view.messages
    )
    return nobody_named or bool(correctable(view))


def _typed(form: Form) -> Iterator[tuple[str, RecipientKind]]:
    kinds = form.texts("kind")
    for index, address in enumerate(form.texts("address")):
        is_copy = index < len(kinds) and kinds[index] == RecipientKind.CC.value
        if address:
            yield address, RecipientKind.CC if is_copy else RecipientKind.TO


def _recipients(form: Form) -> Iterator[tuple[MailboxAddress, RecipientKind]]:
    """The addresses as they were typed; an emptied one is left out.

    Raises:
        InvalidSubmission: ``DESTINATAIRE_INVALIDE``.
    """
    for address, kind in _typed(form):
        yield MailboxAddress.parse(address), kind
