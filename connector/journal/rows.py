"""Rows of the database to the records of :mod:`connector.journal.records`, a batch at a time."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Connection, Row

from connector.domain.address import MailboxAddress
from connector.domain.states import IncomingState, OutgoingState, RecipientState, WaitingFor
from connector.domain.submission import (
    Answered,
    DeclaredSender,
    DocumentAction,
    FileRole,
    Hl7Origin,
    RecipientKind,
    SendOptions,
    SourceKind,
    Submission,
)
from connector.journal import statements as sql
from connector.journal.failure import JournalVersion
from connector.journal.records import (
    IncomingMessage,
    JournalFile,
    MessageRecipient,
    OutgoingMessage,
    SubmissionView,
    TraceEntry,
)
from connector.journal.vault import Vault

__all__ = [
    "incoming_message", "known", "opened", "outgoing_messages", "seal", "seal_submission", "send_options",
    "submission_views", "trace_entry",
]  # fmt: skip

_Word = TypeVar("_Word", bound=StrEnum)
AnyRow = Row[Any]


def known(kind: type[_Word], text: str) -> _Word:
    """A stored word of one of our vocabularies.

    Raises:
        JournalVersion: ``JOURNAL_VERSION``: a newer version wrote a word that we do not know.
    """
    try:
        return kind(text)
    except ValueError:
        raise JournalVersion(f"{kind.__name__} {text[:40]!r} is not known to this version") from None


# --- sealed columns ---


def seal(vault: Vault, subject_id: str, values: Mapping[str, Any]) -> bytes:
    """What may name a patient, encrypted; bound to its row like a payload."""
    return vault.encrypt(f"sealed:{subject_id}", json.dumps(values, ensure_ascii=False).encode())


def opened(vault: Vault, subject_id: str, sealed: bytes) -> dict[str, Any]:
    """What :func:`seal` was given.

    Raises:
        PayloadCorrupt: ``PAYLOAD_ALTERE``.
    """
    values: dict[str, Any] = json.loads(vault.decrypt(f"sealed:{subject_id}", sealed))
    return values


def seal_submission(vault: Vault, submission: Submission) -> bytes:
    """The words of a submission."""
    values = {
        "source_name": submission.source_name, "reference": submission.reference, "subject": submission.subject,
        "body": submission.body, "options": asdict(submission.options), "warnings": submission.warnings,
        "names": [file.name for file in submission.files], "corrects": submission.corrects,
        "action": submission.action, "body_for_patient": submission.body_for_patient,
        "reply_to": str(submission.reply_to) if submission.reply_to else None,
        "declared_sender": asdict(submission.declared_sender) if submission.declared_sender else None,
        "hl7": asdict(submission.hl7) if submission.hl7 else None,
        "answers": _answered_words(submission.answers) if submission.answers else None,
    }  # fmt: skip
    return seal(vault, submission.id, values)


def _answered_words(answered: Answered) -> dict[str, Any]:
    return {**asdict(answered), "correspondent": str(answered.correspondent)}


# --- outgoing ---


def outgoing_messages(connection: Connection, rows: Sequence[AnyRow]) -> list[OutgoingMessage]:
    """Message rows with their recipients, in the order of the rows."""
    if not rows:
        return []
    ids = {"messages": [row.id for row in rows]}
    recipients = _grouped(connection.execute(sql.RECIPIENTS, ids), "message_id")
    return [_outgoing(row, recipients[row.id]) for row in rows]


def _grouped(rows: Iterable[AnyRow], key: str) -> defaultdict[str, list[AnyRow]]:
    groups = defaultdict(list)
    for row in rows:
        groups[getattr(row, key)].append(row)
    return groups


def _outgoing(row: AnyRow, recipients: list[AnyRow]) -> OutgoingMessage:
    return OutgoingMessage(
        id=row.id, submission_id=row.submission_id, mailbox=row.mailbox, state=known(OutgoingState, row.state),
        state_since=row.state_since, revision=row.revision, attempts=row.attempts,
        next_attempt_at=row.next_attempt_at, deadline_at=row.deadline_at,
        waiting_for=known(WaitingFor, row.waiting_for) if row.waiting_for is not None else None,
        data_begun=row.data_begun, header_message_id=row.header_message_id, payload_id=row.payload_id,
        size_bytes=row.size_bytes, code=row.code, detail=row.detail, answer=row.answer,
        recipients=tuple(_recipient(each) for each in recipients),
        document_codes=tuple(json.loads(row.document_codes)), awaits_receipt=bool(row.awaits_receipt),
    )  # fmt: skip


def _recipient(row: AnyRow) -> MessageRecipient:
    return MessageRecipient(
        row.address, known(RecipientKind, row.kind), known(RecipientState, row.state), row.code, row.text,
        row.waits_since,
    )  # fmt: skip


def submission_views(connection: Connection, vault: Vault, rows: Sequence[AnyRow]) -> list[SubmissionView]:
    """Submission rows with their files and messages, in the order of the rows."""
    if not rows:
        return []
    ids = {"submissions": [row.id for row in rows]}
    files = _grouped(connection.execute(sql.FILES, ids), "submission_id")
    messages: dict[str, list[OutgoingMessage]] = defaultdict(list)
    for message in outgoing_messages(connection, connection.execute(sql.MESSAGES_OF, ids).all()):
        messages[message.submission_id].append(message)
    return [_view(row, opened(vault, row.id, row.sealed), files[row.id], messages[row.id]) for row in rows]


def _view(
    row: AnyRow, words: Mapping[str, Any], files: list[AnyRow], messages: list[OutgoingMessage]
) -> SubmissionView:
    return SubmissionView(
        id=row.id, mailbox=row.mailbox, source=known(SourceKind, row.source), source_name=words["source_name"],
        reference=words["reference"], created_at=row.created_at, subject=words["subject"], body=words["body"],
        options=_options(words["options"]), warnings=tuple(words["warnings"]), duplicate_of=row.duplicate_of,
        files=tuple(_file(file, words["names"][file.position]) for file in files), messages=tuple(messages),
        revision=row.revision, reported_revision=row.reported_revision, corrects=words.get("corrects"),
        lot=row.lot_id, replaces=row.replaces_id, **_particulars(words),
    )  # fmt: skip


def _particulars(words: Mapping[str, Any]) -> dict[str, Any]:
    """What only some inputs say; older rows have none of it."""
    reply_to, sender, hl7 = words.get("reply_to"), words.get("declared_sender"), words.get("hl7")
    answers = words.get("answers")
    return {
        "action": DocumentAction(words.get("action", DocumentAction.FIRST)),
        "body_for_patient": words.get("body_for_patient"),
        "reply_to": MailboxAddress.parse(reply_to) if reply_to else None,
        "declared_sender": DeclaredSender(**sender) if sender else None,
        "hl7": _hl7_origin(hl7) if hl7 else None,
        "answers": _answered(answers) if answers else None,
    }


def _answered(values: Mapping[str, Any]) -> Answered:
    correspondent = MailboxAddress.parse(values["correspondent"])
    return Answered(**{**values, "correspondent": correspondent, "references": tuple(values["references"])})


def _hl7_origin(values: Mapping[str, Any]) -> Hl7Origin:
    pairs = tuple((address, person_id) for address, person_id in values.get("person_ids", ()))
    return Hl7Origin(**{**values, "person_ids": pairs})


def send_options(vault: Vault, submission_id: str, sealed: bytes) -> SendOptions:
    """What the LPS asked for, out of the sealed column of a submission."""
    return _options(opened(vault, submission_id, sealed)["options"])


def _options(values: Mapping[str, Any]) -> SendOptions:
    try:
        return SendOptions(**values)
    except TypeError:
        raise JournalVersion(f"send options {sorted(values)} are not all known to this version") from None


def _file(row: AnyRow, name: str) -> JournalFile:
    return JournalFile(name, known(FileRole, row.role), row.sha256, row.size_bytes, row.payload_id)


# --- incoming and trace ---


def incoming_message(vault: Vault, row: AnyRow) -> IncomingMessage:
    """One incoming row."""
    delivered = opened(vault, row.id, row.sealed) if row.sealed is not None else {}
    return IncomingMessage(
        id=row.id, mailbox=row.mailbox, folder=row.folder, uid_validity=row.uid_validity, uid=row.uid,
        state=known(IncomingState, row.state), state_since=row.state_since, received_at=row.received_at,
        header_message_id=row.header_message_id, sha256=row.sha256, size_bytes=row.size_bytes,
        payload_id=row.payload_id, attempts=row.attempts, next_attempt_at=row.next_attempt_at, code=row.code,
        detail=row.detail, duplicate_of=row.duplicate_of, delivered_prefix=delivered.get("prefix"),
    )  # fmt: skip


def trace_entry(row: AnyRow) -> TraceEntry:
    """One line of the trace."""
    return TraceEntry(
        seq=row.seq, at=row.at, actor=row.actor, action=row.action, mailbox=row.mailbox, subject_id=row.subject_id,
        server=row.server, answer=row.answer, outcome=row.outcome, previous_hash=row.previous_hash, hash=row.hash,
    )  # fmt: skip
