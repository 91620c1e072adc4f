"""A drop taken and prepared as it would be, and thrown away: nothing is stored, nothing leaves.

The steps are those of the folder (:mod:`connector.intake.outbox`) and of the preparer
(:mod:`connector.exchange.prepare`), with the same functions.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from connector.domain.errors import ConnectorError, InvalidSubmission
from connector.domain.finding import Finding, Severity, each_once
from connector.domain.limits import Limits
from connector.domain.states import OutgoingState, RecipientState
from connector.domain.submission import Submission, SubmittedFile
from connector.exchange.content import read_content
from connector.exchange.plan import MailboxRules, objections, plan_messages
from connector.exchange.prepare import where_it_broke
from connector.intake.assemble import ClaimedDrop, as_file, assemble
from connector.intake.check.formats import file_findings, refusal
from connector.intake.compose import check_hashes
from connector.intake.inputs.n1 import Desk
from connector.intake.sidecar import Sidecar
from connector.intake.split import Part, is_lot, split
from connector.journal.records import JournalFile, MessageRecipient, OutgoingMessage, SubmissionView

__all__ = ["Examined", "Rehearsal", "Sending", "submission_view"]

_TOLD_AS = {"INS_ENVIRONNEMENT": "INS_DE_TEST"}  # a forgiven refusal, and what the file alone says of the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What one sending of a drop would be."""

    name: str
    recipients: tuple[str, ...]
    action: str
    documents: int
    messages: int


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found of one drop."""

    name: str
    findings: tuple[Finding, ...]
    sendings: tuple[Sending, ...] = ()

    @property
    def is_refused(self) -> bool:
        """True when something of it would not leave."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What preparing one submission came to."""

    findings: tuple[Finding, ...]
    documents: int = 0
    messages: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """Examines drops for one mailbox.

    Attributes:
        desk: what making a document needs; a new one for each drop.
        rules: what preparing needs.
        limits: bounds of reading.
        forgiven: refusals that only these settings cause, and that are told as advice.
    """

    desk: Callable[[], Desk]
    rules: MailboxRules
    limits: Limits
    forgiven: frozenset[str] = frozenset()

    def examine(self, drop: ClaimedDrop, said: Sidecar | None = None) -> Examined:
        """Everything that is to be said of a drop.

        Args:
            drop: names and bytes.
            said: what was said besides the files, by a door that has no sidecars.
        """
        files = [as_file(name, content) for name, content in drop.files]
        own = [one for file in files for one in _file_findings(file, self.limits)]
        try:
            rehearsed, sendings = self._rehearsed(drop, files, said)
        except Exception as error:  # noqa: BLE001 - the outbox sets such a drop aside, and goes on with the next one
            ours = InvalidSubmission("INTERNE", f"{type(error).__name__} at {where_it_broke(error)}")
            rehearsed, sendings = list(refusal(ours, drop.base)), []
        return Examined(drop.base, each_once([*own, *self._new(own, rehearsed)]), tuple(sendings))

    def _rehearsed(
        self, drop: ClaimedDrop, files: Sequence[SubmittedFile], said: Sidecar | None
    ) -> tuple[list[Finding], list[Sending]]:
        """What taking and preparing would say."""
        rehearsed: list[Finding] = []
        sendings: list[Sending] = []
        try:
            parts = split(drop, self.rules.mailbox, self.limits, said)
            if said is not None and is_lot(parts):  # parts have names of their own
                check_hashes(files, said)
        except ConnectorError as error:
            rehearsed += refusal(error, drop.base)
            parts = ()
        if parts and is_lot(parts):
            rehearsed.append(_lot(drop, parts))
        for part in parts:
            self._part(drop, part, said, rehearsed, sendings)
        return rehearsed, sendings

    def _new(self, own: list[Finding], rehearsed: list[Finding]) -> Iterator[Finding]:
        """What the files alone have not told with its place; what only the settings are to blame for is advice."""
        told = {one.code for one in own if one.severity is Severity.ERROR}
        warned = {one.code for one in own}
        for one in rehearsed:
            known = told if one.severity is Severity.ERROR else warned
            if one.code in self.forgiven:
                if _TOLD_AS.get(one.code) not in warned:
                    yield replace(one, severity=Severity.ADVICE)
            elif known.isdisjoint({one.code, f"XDM_{one.code}"}):
                yield one

    def _part(
        self, drop: ClaimedDrop, part: Part, said: Sidecar | None, findings: list[Finding], sendings: list[Sending]
    ) -> None:
        inner = ClaimedDrop(self.rules.ids.ulid(), part.base, part.files(drop), drop.id if part.made else None)
        try:
            if part.problem is not None:
                raise part.problem
            desk = self.desk()
            submission = assemble(inner, desk, self.limits, said)
        except ConnectorError as error:
            findings += refusal(error, part.base)
            return
        deep = desk.deep(submission.files)
        known = {one.code for one in deep}
        findings += [*deep, *(_warning(code, part.base) for code in submission.warnings if code not in known)]
        prepared = self._prepared(submission)
        findings += (replace(one, file=part.base) for one in prepared.findings)
        sendings.append(
            Sending(
                name=part.base, recipients=tuple(str(one.address) for one in submission.recipients),
                action=submission.action.value, documents=prepared.documents, messages=prepared.messages,
            )
        )  # fmt: skip

    def _prepared(self, submission: Submission) -> "_Prepared":
        """What preparing would say and make."""
        view = submission_view(submission)
        try:
            content = read_content(submission.files, self.limits)
        except ConnectorError as error:
            return _Prepared(tuple(refusal(error, "")))
        found = list(objections(view, content, self.rules.software))
        told = [one for objection in found for one in refusal(objection, "")]
        documents = len(content.documents)
        if any(objection.code not in self.forgiven for objection in found):
            return _Prepared((*told, *(_warning(code, "") for code in content.warnings)), documents)
        try:
            plan = plan_messages(view, submission.files, self._forgiving(found))
        except ConnectorError as error:
            return _Prepared((*told, *refusal(error, "")), documents)
        return _Prepared((*told, *(_warning(code, "") for code in plan.warnings)), documents, len(plan.messages))

    def _forgiving(self, found: list[InvalidSubmission]) -> MailboxRules:
        """The rules under which what was forgiven is no objection: those of the other environment."""
        if not found:
            return self.rules
        other = "production" if self.rules.software.environment == "test" else "test"
        return replace(self.rules, software=self.rules.software.model_copy(update={"environment": other}))


def submission_view(submission: Submission) -> SubmissionView:
    """A submission as the journal would show it right after taking it, with one message that holds everybody."""
    at, box = submission.created_at, submission.mailbox
    people = tuple(MessageRecipient(one.address, one.kind, RecipientState.PENDING) for one in submission.recipients)
    message = OutgoingMessage(
        id=submission.id, submission_id=submission.id, mailbox=box, state=OutgoingState.RECEIVED, state_since=at,
        revision=1, attempts=0, next_attempt_at=None, deadline_at=None, waiting_for=None, data_begun=False,
        header_message_id=None, payload_id=None, size_bytes=None, code=None, detail=None, answer=None,
        recipients=people,
    )  # fmt: skip
    files = tuple(JournalFile(one.name, one.role, one.sha256, len(one.content), "") for one in submission.files)
    return SubmissionView(
        id=submission.id, mailbox=box, source=submission.source, source_name=submission.source_name,
        reference=submission.reference, created_at=at, subject=submission.subject, body=submission.body,
        options=submission.options, warnings=submission.warnings, duplicate_of=None, files=files,
        messages=(message,), revision=1, reported_revision=0, lot=submission.lot, action=submission.action,
        body_for_patient=submission.body_for_patient, reply_to=submission.reply_to,
        declared_sender=submission.declared_sender, hl7=submission.hl7,
    )  # fmt: skip


def _file_findings(file: SubmittedFile, limits: Limits) -> tuple[Finding, ...]:
    """Those of one file; a fault of our own rules is no verdict on it."""
    try:
        return file_findings(file, limits)
    except Exception as error:  # noqa: BLE001 - a file that we do not foresee must not hide what is wrong with others
        detail = f"{type(error).__name__} at {where_it_broke(error)}"
        return (Finding(severity=Severity.ADVICE, code="INTERNE", file=file.name, detail=detail),)


def _warning(code: str, file: str) -> Finding:
    return Finding(severity=Severity.WARNING, code=code, file=file)


def _lot(drop: ClaimedDrop, parts: tuple[Part, ...]) -> Finding:
    return Finding(
        severity=Severity.ADVICE, code="LOT_PARTAGE", file=drop.base, detail=f"{len(parts)} sendings are made of it",
        french=f"{len(parts)} envois.",
    )  # fmt: skip
