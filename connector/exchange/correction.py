"""Sending the documents of an earlier submission anew, to a corrected recipient.

The earlier one stays as it is, with its answers and its trace; the new one is a submission of its own, made of the
same originals, and each knows the other. Only those who did not get it are named again: nobody is served twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from connector.domain.address import MailboxAddress
from connector.domain.errors import IllegalTransition, InvalidSubmission
from connector.domain.ports import Clock, IdSource
from connector.domain.states import OutgoingState, RecipientState
from connector.domain.submission import (
    FileRole,
    Recipient,
    RecipientKind,
    SourceKind,
    Submission,
    SubmittedFile,
)
from connector.journal.journal import Journal
from connector.journal.records import OutgoingMessage, SubmissionView, Taken
from connector.journal.requests import RequestKey

__all__ = ["Correction", "correct", "correctable"]

_ENDED = (OutgoingState.REJECTED, OutgoingState.FAILED, OutgoingState.BOUNCED, OutgoingState.CANCELLED)
_NOT_THERE = (RecipientState.REFUSED, RecipientState.BOUNCED)
_NEVER_LEFT = (RecipientState.PENDING, RecipientState.DEFERRED)
_NOT_AGAIN = (FileRole.SIDECAR, FileRole.FLAG)
"""A sidecar named the wrong recipient, and a flag said that the drop was complete; everything else is sent again."""

Correction = Sequence[tuple[MailboxAddress, RecipientKind]]
"""To whom the documents go now."""


def correctable(view: SubmissionView) -> tuple[Recipient, ...]:
    """Those who did not get a submission and will not, in its order; empty when everybody has it or still may."""
    found = [
        Recipient(each.address, each.kind)
        for message in view.messages
        for each in message.recipients
        if each.state in _NOT_THERE or (message.state in _ENDED and each.state in _NEVER_LEFT)
    ]
    return tuple(dict.fromkeys(found))


def correct(  # noqa: PLR0913 - the last four by name
    journal: Journal, clock: Clock, ids: IdSource, submission_id: str, recipients: Correction, *, actor: str,
    deadline_hours: float, source: SourceKind = SourceKind.PAGE, request: RequestKey | None = None,
) -> Taken:  # fmt: skip
    """Send the documents of a submission anew.

    Args:
        journal: holds the originals.
        clock: for the deadline.
        ids: for the new submission.
        submission_id: the earlier one.
        recipients: everybody to whom it goes now.
        actor: who decided, for the trace.
        deadline_hours: after this it has failed.
        source: the door by which the decision came.
        request: by which it came; the same one again gives the submission that it brought the first time.

    Returns:
        The new submission.

    Raises:
        InvalidSubmission: ``SANS_DESTINATAIRE``; ``CLE_DEJA_UTILISEE``: another request came with the same key.
        IllegalTransition: ``TRANSITION``: somebody named has it already, or nothing has failed.
        PayloadMissing: ``PAYLOAD_ABSENT``: the originals are no longer kept.
        UnknownRow: ``INTROUVABLE``.
    """
    if request is not None and (earlier := journal.brought_by(request)) is not None:
        return earlier
    view = journal.submission(submission_id)
    once: dict[MailboxAddress, Recipient] = {}
    for address, kind in recipients:
        once.setdefault(address, Recipient(address, kind))
    if not once:
        raise InvalidSubmission("SANS_DESTINATAIRE", "the corrected submission names nobody")
    _check(view, set(once))
    now = clock.now()
    submission = Submission(
        id=ids.ulid(), mailbox=view.mailbox, source=source, source_name=view.source_name,
        recipients=tuple(once.values()), files=_documents(journal, view), created_at=now,
        reference=view.reference, subject=view.subject, body=view.body,
        options=replace(view.options, allow_duplicate=True), corrects=view.id,
        action=view.action, body_for_patient=view.body_for_patient, reply_to=view.reply_to,
        declared_sender=view.declared_sender, hl7=view.hl7, answers=view.answers,
    )  # fmt: skip
    taken = journal.take(
        submission, deadline_at=now + timedelta(hours=deadline_hours), duplicate_hours=0, request=request, actor=actor
    )  # fmt: skip
    if not taken.repeated:  # by the same request at the same time
        journal.add_trace(
            action="correct", mailbox=view.mailbox, subject_id=view.id, answer=taken.submission_id, actor=actor
        )
    return taken


def _check(view: SubmissionView, wanted: set[MailboxAddress]) -> None:
    """Nobody who has it, or may still get it, is named; and there is something to correct."""
    if not any(message.state in _ENDED for message in view.messages) and not correctable(view):
        raise IllegalTransition("TRANSITION", "nothing of this submission has failed")
    failing = {recipient.address for recipient in correctable(view)}
    if wanted & (_everybody(view.messages) - failing):
        raise IllegalTransition("TRANSITION", "one of the recipients has it already, or still may get it")


def _everybody(messages: Sequence[OutgoingMessage]) -> set[MailboxAddress]:
    return {each.address for message in messages for each in message.recipients}


def _documents(journal: Journal, view: SubmissionView) -> tuple[SubmittedFile, ...]:
    return tuple(
        SubmittedFile(file.name, file.role, journal.payload(file.payload_id), file.sha256)
        for file in view.files
        if file.role not in _NOT_AGAIN
    )
