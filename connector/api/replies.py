"""Answers to received messages: replies and the end of an exchange become submissions, receipts go to the notices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from connector.api.mailboxes import find_mailbox
from connector.api.services import ApiServices
from connector.api.submit import Asked, BodyForm, file_of, options_of, patient_of
from connector.client.models.answers import ReplyHeadModel, ReplyModel
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.errors import InvalidSubmission
from connector.domain.ports import IdSource
from connector.domain.states import OUTGOING_FAILED
from connector.domain.submission import SendOptions, SourceKind, SubmittedFile
from connector.exchange.replies import END_TEXT, answered, check_citizen, reply_subject
from connector.intake.compose import Order, compose
from connector.intake.sidecar import Sidecar, SidecarFile, SidecarPatient, SidecarRecipient
from connector.journal.journal import Journal
from connector.journal.records import Taken
from connector.journal.requests import RequestKey
from connector.mail.parse import OpenedMessage, open_message

__all__ = ["REPLY", "REPLY_PATH", "Asker", "Words", "end_exchange", "reply", "words_of"]

_log = structlog.get_logger(__name__)

REPLY_PATH = "/api/v1/inbox/{id}/reply"
"""Takes documents: its bodies may be large."""
REPLY: BodyForm[ReplyHeadModel] = BodyForm(ReplyHeadModel, ReplyModel, needs_documents=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What somebody answers."""

    body: str = field(repr=False)
    files: tuple[SubmittedFile, ...] = ()
    said: tuple[SidecarFile, ...] = ()  # what each file is
    patient: SidecarPatient | None = field(default=None, repr=False)  # of files that are no CDA
    options: SendOptions = field(default_factory=SendOptions)
    reference: str | None = None
    sha256: Mapping[str, str] = field(default_factory=dict)  # of files, as the client says


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who answers, by which door."""

    actor: str  # for the trace
    source: SourceKind
    request: RequestKey | None = None


def words_of(asked: Asked[ReplyHeadModel]) -> Words:
    """What a request says.

    Raises:
        InvalidSubmission: ``INS_INVALIDE``.
    """
    head = asked.head
    return Words(
        body=head.body, files=asked.files, said=tuple(map(file_of, head.files)), patient=patient_of(head.patient),
        options=options_of(head.options), reference=head.reference or None, sha256=asked.sha256,
    )  # fmt: skip


def reply(services: ApiServices, ids: IdSource, inbox_id: str, words: Words, asker: Asker) -> Taken:
    """Answer a received message, at its Reply-To or From, in its thread; the same way goes every submission. Blocks.

    Args:
        services: journal, settings, clock.
        ids: for the new submission.
        inbox_id: the message.
        words: text and files.
        asker: who answers.

    Raises:
        InvalidSubmission: it cannot be sent as it is; ``DESTINATAIRE_INVALIDE``, ``BOITE_INCONNUE``,
            ``BOITE_SANS_ENVOI``, ``CLE_DEJA_UTILISEE``.
        MalformedMessage: what is answered cannot be read.
        UnknownRow, PayloadMissing: there is nothing to answer (any more).
        Unavailable: nothing was taken.
    """
    return _take(services, ids, inbox_id, _opened(services.journal, inbox_id), words=words, asker=asker)


def end_exchange(
    services: ApiServices, ids: IdSource, inbox_id: str, *, body: str | None, earlier_too: bool, asker: Asker
) -> Taken:  # fmt: skip
    """Say a last word to a citizen, who cannot answer it; once for a message. Blocks.

    Args:
        services: journal, settings, clock.
        ids: for the new submission.
        inbox_id: the message of the citizen.
        body: plain text; a sentence of ours when there is none.
        earlier_too: the answer to all earlier messages is taken away as well.
        asker: who ends it.

    Raises:
        InvalidSubmission: ``FIN_SANS_PATIENT``; else as :func:`reply`.
    """
    opened = _opened(services.journal, inbox_id)
    check_citizen(opened)
    ended = _ended(services.journal, inbox_id, earlier_too=earlier_too)
    if ended is not None:
        return ended
    words = Words(body=body or END_TEXT, options=SendOptions(no_reply_from_patient=True))
    return _take(services, ids, inbox_id, opened, words=words, asker=asker, ends_exchange=earlier_too)


def _opened(journal: Journal, inbox_id: str) -> OpenedMessage:
    row = journal.incoming(inbox_id)
    return open_message(journal.payload(row.payload_id or ""), DEFAULT_LIMITS)


def _ended(journal: Journal, inbox_id: str, *, earlier_too: bool) -> Taken | None:
    """The last word that was said before, when it says as much."""
    for submission_id in journal.answering([inbox_id]).get(inbox_id, ()):
        view = journal.submission(submission_id)
        is_end = view.options.no_reply_from_patient and view.answers is not None
        says_enough = view.answers is not None and (view.answers.ends_exchange or not earlier_too)
        first = view.messages[0]
        if is_end and says_enough and first.state not in OUTGOING_FAILED:
            return Taken(view.id, first.id, first.state, repeated=True)
    return None


def _take(
    services: ApiServices, ids: IdSource, inbox_id: str, opened: OpenedMessage, *, words: Words, asker: Asker,
    ends_exchange: bool = False,
) -> Taken:  # fmt: skip
    settings, journal, now = services.settings, services.journal, services.clock.now()
    mailbox = find_mailbox(settings, str(journal.incoming(inbox_id).mailbox))
    if not mailbox.send:
        raise InvalidSubmission("BOITE_SANS_ENVOI", "this mailbox does not send (send = false)")
    answers = answered(inbox_id, opened, ends_exchange=ends_exchange)
    sidecar = Sidecar(
        reference=words.reference, recipients=(SidecarRecipient(answers.correspondent),), body=words.body,
        subject=reply_subject(opened), files=words.said, patient=words.patient, options=words.options,
        sha256=words.sha256,
    )  # fmt: skip
    submission_id = ids.ulid()
    name = words.reference or f"REPONSE-{submission_id[-6:]}"
    order = Order(submission_id, asker.source, name, words.files, sidecar, answers=answers)
    submission = compose(order, services.desks.desk(mailbox), DEFAULT_LIMITS)
    return journal.take(
        submission, deadline_at=now + timedelta(hours=settings.retry.deadline_hours),
        duplicate_hours=mailbox.outbox.duplicate_hours, request=asker.request, actor=asker.actor,
    )  # fmt: skip
