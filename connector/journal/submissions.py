"""Submissions: taking them from the LPS, and what status files, the CLI and the API show of them."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connector.domain.address import MailboxAddress
from connector.domain.ports import reach
from connector.domain.states import OUTGOING_FAILED, OutgoingState, RecipientState
from connector.domain.submission import DocumentAction, FileRole, SourceKind, Submission
from connector.journal import statements as sql
from connector.journal.failure import UnknownRow
from connector.journal.payloads import payload_row
from connector.journal.records import SubmissionView, Taken
from connector.journal.requests import RequestKey, earlier_submission, remember
from connector.journal.rows import seal_submission, submission_views
from connector.journal.store import JournalPart, Writing, alphanumeric
from connector.journal.threads import tie_reply

__all__ = ["Submissions", "fingerprint"]

_NO_SIGN = (FileRole.SIDECAR, FileRole.FLAG, FileRole.CDA_BUILT, FileRole.HL7)
_MICROSECOND = timedelta(microseconds=1)


def fingerprint(submission: Submission) -> str:
    """What two submissions of the same documents to the same people have in common: SHA-256, hex.

    Sidecars, flags and the HL7 v2 message around documents do not count: an LPS may write a new date into them at
    every export. Documents that we built do not either: their originals do.
    """
    documents = sorted(f.sha256 for f in submission.files if f.role not in _NO_SIGN)
    people = sorted(str(recipient.address) for recipient in submission.recipients)
    parts = [str(submission.mailbox), *documents, "", *people]
    if submission.action is not DocumentAction.FIRST:  # what is withdrawn is what was sent
        parts.append(submission.action)
    if submission.answers is not None:  # an answer may have no document: then its words tell it from another one
        words = hashlib.sha256((submission.body or "").encode("utf-8", "replace")).hexdigest()
        parts += [submission.answers.incoming_id, words]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class Submissions(JournalPart):
    """What the LPS gave us and what became of it."""

    def take(
        self, submission: Submission, *, deadline_at: datetime, duplicate_hours: float,
        request: RequestKey | None = None, actor: str | None = None,
    ) -> Taken:  # fmt: skip
        """Make a submission ours: when this returns, its originals survive power loss.

        Taking the same id again changes nothing and gives the same answer, so that a caller who was killed in
        between can simply do it again.

        Args:
            submission: everything, originals included.
            deadline_at: after this it has failed.
            duplicate_hours: the same documents for the same recipients within this are set aside; 0 = never.
            request: by which it came; the same one again gives the submission that it brought the first time.
            actor: who asks, for the trace; default: we.

        Raises:
            InvalidSubmission: ``CLE_DEJA_UTILISEE``: another request came with the same key.
            Unavailable: ``JOURNAL_INDISPONIBLE`` or ``DISQUE_PLEIN``: not taken.
        """
        return self.take_lot(
            [submission], deadline_at=deadline_at, duplicate_hours=duplicate_hours, request=request, actor=actor
        )[0]

    def take_lot(
        self, submissions: Sequence[Submission], *, deadline_at: datetime, duplicate_hours: float,
        request: RequestKey | None = None, actor: str | None = None,
    ) -> list[Taken]:  # fmt: skip
        """Make several submissions ours, all of them or none, in one transaction.

        Args:
            submissions: at least one; those of one request have the lot in common.
            deadline_at: after this they have failed.
            duplicate_hours: as for :meth:`take`.
            request: by which they came; the same one again gives all the submissions that it brought the first time.
            actor: who asks, for the trace; default: we.

        Raises:
            InvalidSubmission: ``CLE_DEJA_UTILISEE``: another request came with the same key.
            Unavailable: ``JOURNAL_INDISPONIBLE`` or ``DISQUE_PLEIN``: none was taken.
        """
        payloads = [
            [payload_row(self._store, submission.id, f.content, sha256=f.sha256) for f in submission.files]
            for submission in submissions
        ]
        with self._store.write() as writing:
            earlier_id = earlier_submission(writing, request) if request is not None else None
            if earlier_id is not None and (earlier := _brought(writing, earlier_id, alone=len(submissions) == 1)):
                return earlier
            taken = [
                _taken(writing, submission.id)
                or self._take(writing, submission, own, deadline_at, duplicate_hours, actor)
                for submission, own in zip(submissions, payloads, strict=True)
            ]
            if request is not None and earlier_id is None:
                remember(writing, request, submissions[0].id)
        reach("journal.taken")
        return taken

    def _take(  # noqa: PLR0917 - a piece of its only caller
        self, writing: Writing, submission: Submission, payloads: list[dict[str, Any]], deadline_at: datetime,
        duplicate_hours: float, actor: str | None,
    ) -> Taken:  # fmt: skip
        twin = _twin(writing, submission, duplicate_hours)
        message_id = self._store.ids.ulid()
        state = OutgoingState.RECEIVED if twin is None else OutgoingState.DUPLICATE
        self._insert(writing, submission, payloads, twin)
        writing.run(sql.ADD_MESSAGE, _first_message(writing, submission, message_id, state, deadline_at))
        if recipients := _recipients(submission, message_id):
            writing.run(sql.ADD_RECIPIENT, recipients)
        writing.note(
            "take", mailbox=submission.mailbox, subject_id=submission.id, outcome=state,
            answer=f"{submission.source}, {len(submission.files)} files, {len(recipients)} recipients", actor=actor,
        )  # fmt: skip
        return Taken(submission.id, message_id, state, twin)

    def brought_by(self, request: RequestKey) -> Taken | None:
        """What the same request has brought before; ``None`` when it is new.

        Raises:
            InvalidSubmission: ``CLE_DEJA_UTILISEE``: another request came with the same key.
        """
        with self._store.write() as writing:
            earlier_id = earlier_submission(writing, request)
            earlier = _taken(writing, earlier_id) if earlier_id is not None else None
        return replace(earlier, repeated=True) if earlier is not None else None

    def _insert(
        self, writing: Writing, submission: Submission, payloads: list[dict[str, Any]], twin: str | None
    ) -> None:
        if payloads:
            writing.run(sql.ADD_PAYLOAD, payloads)
        row = {
            "id": submission.id, "mailbox": submission.mailbox, "source": submission.source,
            "created_at": submission.created_at, "taken_at": writing.now, "fingerprint": fingerprint(submission),
            "duplicate_of": twin, "lot_id": submission.lot, "revision": 1,
            "reference_key": self._reference_key(submission.mailbox, submission.reference), "reported_revision": 0,
            "unreported": submission.source is SourceKind.FOLDER,
            "answers_news": False if submission.hl7 and submission.hl7.wants_answers else None,
            "sealed": seal_submission(self._store.vault, submission),
        }  # fmt: skip
        writing.run(sql.ADD_SUBMISSION, row)
        files = [
            {
                "submission_id": submission.id, "position": position, "role": file.role, "sha256": file.sha256,
                "size_bytes": len(file.content), "payload_id": payload["id"],
            }
            for position, (file, payload) in enumerate(zip(submission.files, payloads, strict=True))
        ]  # fmt: skip
        if files:
            writing.run(sql.ADD_FILE, files)
        if submission.answers is not None:
            tie_reply(writing, submission.id, submission.answers.incoming_id)

    def _reference_key(self, mailbox: MailboxAddress, reference: str | None) -> str | None:
        """References may name a patient, so they are found by a keyed hash."""
        return self._store.vault.mark(f"{mailbox}\n{reference}") if reference else None

    def submission_by_reference(self, mailbox: MailboxAddress, reference: str) -> SubmissionView | None:
        """The newest submission of a mailbox that the LPS knows by this reference and that did not fail."""
        values = {"key": self._reference_key(mailbox, reference), "failed": sorted(OUTGOING_FAILED)}
        with self._store.read() as connection:
            rows = connection.execute(sql.BY_REFERENCE, values).all()
            return next(iter(submission_views(connection, self._store.vault, rows)), None)

    def has_submission(self, submission_id: str) -> bool:
        """True when it was taken."""
        with self._store.read() as connection:
            return connection.execute(sql.HAS_SUBMISSION, {"submission": submission_id}).first() is not None

    def submission(self, submission_id: str) -> SubmissionView:
        """One submission with its messages.

        Raises:
            UnknownRow: ``INTROUVABLE``.
        """
        with self._store.read() as connection:
            rows = connection.execute(sql.SUBMISSION, {"submission": submission_id}).all()
            if not rows:
                raise UnknownRow("submission", submission_id)
            newer = connection.execute(sql.REPLACED_BY, {"submission": submission_id}).scalar()
            return replace(submission_views(connection, self._store.vault, rows)[0], replaced_by=newer)

    def submissions(
        self, *, states: Sequence[OutgoingState] | None = None, mailbox: MailboxAddress | None = None,
        limit: int = 100, after: str | None = None,
    ) -> list[SubmissionView]:  # fmt: skip
        """Submissions, newest first.

        Args:
            states: only those with a message in one of these.
            mailbox: only those of this mailbox.
            limit: at most that many.
            after: only those older than this id: the last one of the page before.
        """
        statement = sql.list_submissions(
            states=states is not None, mailbox=mailbox is not None, after=after is not None
        )
        values = {"states": states, "box": mailbox, "after": after, "limit": limit}
        wanted = {name: value for name, value in values.items() if value is not None}
        with self._store.read() as connection:
            return submission_views(connection, self._store.vault, connection.execute(statement, wanted).all())

    def find_submissions(self, ending: str, *, limit: int = 10) -> list[str]:
        """Ids that end so, newest first: people type the last characters, or all of them."""
        kept = alphanumeric(ending)
        if not kept:
            return []
        with self._store.read() as connection:
            return list(connection.execute(sql.ENDING, {"ending": kept, "limit": limit}).scalars())

    def unreported(self, mailbox: MailboxAddress, *, limit: int = 100) -> list[SubmissionView]:
        """Submissions from folders that changed since their status file was last written, oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(sql.UNREPORTED, {"box": mailbox, "limit": limit}).all()
            return submission_views(connection, self._store.vault, rows)

    def mark_reported(self, submission_id: str, revision: int) -> None:
        """The status file shows this revision. An older one than was marked before changes nothing."""
        with self._store.write() as writing:
            writing.run(sql.MARK_REPORTED, {"submission": submission_id, "seen": revision})
        reach("journal.reported")

    def counts(self) -> dict[str, dict[str, int]]:
        """Mailbox to state to number: ``{"dr@…": {"out:sent": 3, "in:delivered": 2}}``."""
        found: dict[str, dict[str, int]] = {}
        with self._store.read() as connection:
            for prefix, statement in (("out", sql.COUNT_OUTGOING), ("in", sql.COUNT_INCOMING)):
                for mailbox, state, number in connection.execute(statement):
                    found.setdefault(str(mailbox), {})[f"{prefix}:{state}"] = number
        return found


def _taken(writing: Writing, submission_id: str) -> Taken | None:
    row = writing.run(sql.SUBMISSION, {"submission": submission_id}).first()
    if row is None:
        return None
    message_id = writing.run(sql.FIRST_MESSAGE, {"submission": submission_id}).scalar_one()
    state = OutgoingState.RECEIVED if row.duplicate_of is None else OutgoingState.DUPLICATE
    return Taken(submission_id, message_id, state, row.duplicate_of)


def _brought(writing: Writing, submission_id: str, *, alone: bool) -> list[Taken]:
    """A submission that an earlier request brought, with the others of its lot unless each has its own request."""
    lot = () if alone else writing.run(sql.SAME_LOT, {"submission": submission_id}).scalars().all()
    ids = lot or (submission_id,)
    found = [_taken(writing, each) for each in ids]
    return [replace(each, repeated=True) for each in found if each is not None]


def _twin(writing: Writing, submission: Submission, duplicate_hours: float) -> str | None:
    """The submission of which this one is a duplicate."""
    if submission.options.allow_duplicate or duplicate_hours <= 0:
        return None
    since = writing.now - timedelta(hours=duplicate_hours)
    found: str | None = writing.run(
        sql.EARLIER_TWIN, {"fingerprint": fingerprint(submission), "since": since}
    ).scalar()
    return found


def _first_message(
    writing: Writing, submission: Submission, message_id: str, state: OutgoingState, deadline_at: datetime
) -> dict[str, Any]:
    return {
        "id": message_id, "submission_id": submission.id, "position": 0, "mailbox": submission.mailbox,
        "state": state, "state_since": writing.now, "revision": 1, "attempts": 0, "next_attempt_at": writing.now,
        "deadline_at": deadline_at, "lifetime_us": (deadline_at - writing.now) // _MICROSECOND, "data_begun": False,
        "document_codes": "[]", "code": "DOUBLON" if state is OutgoingState.DUPLICATE else None,
    }  # fmt: skip


def _recipients(submission: Submission, message_id: str) -> list[dict[str, Any]]:
    return [
        {
            "message_id": message_id, "position": position, "address": recipient.address, "kind": recipient.kind,
            "state": RecipientState.PENDING, "code": 0, "text": "", "order_key": None,
        }
        for position, recipient in enumerate(submission.recipients)
    ]  # fmt: skip
