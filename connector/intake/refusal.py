"""A drop that cannot be sent: set aside, told once, never lost.

It never becomes a submission, so its own durable word is ``.travail/<id>/.refus.json``: written before anything is
told, it holds the verdict and every name that will be used. A crash anywhere later is finished from it:

1. the verdict is written [``claim.refused``];
2. note, status files and marker are written under the names of the verdict;
3. the originals are renamed into ``ERREURS`` [``claim.filed``];
4. the journal remembers it for the person, with an entry in the trace, once;
5. the verdict and the claim's folder go.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, tzinfo
from pathlib import Path

from connector.documents.hl7.errors import Hl7Error
from connector.documents.recognise import role_of
from connector.domain.address import MailboxAddress
from connector.domain.catalogue import explain
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.ports import reach
from connector.domain.submission import FileRole
from connector.intake.acknowledge import refusal
from connector.intake.claim import Claims
from connector.intake.filing import VERDICT_FILE, entries, free_number, move_all, numbered
from connector.intake.layout import BoxLayout
from connector.intake.ledger import IntakeLedger
from connector.intake.problem import BadDrop, ValidationRefused, sentence_of
from connector.intake.results import StatusFiles
from connector.intake.status import Etat, Problem, Status, status_note
from connector.journal.records import RefusedDrop
from connector.platform.files import private_folder, remove, rename_durable, safe_name, write_atomic
from connector.platform.together import write_together

__all__ = ["Refusals", "french_of"]

_MOST_TOLD = 10  # problems of one message in a note
_MOST_LISTED = 100  # findings of one document in a status file


@dataclass(frozen=True, slots=True)
class _Verdict:
    """The content of ``.refus.json``."""

    code: str
    sentence: str  # French, particular to this drop, may be empty
    at: str  # ISO 8601, UTC
    status: str  # base name in STATUTS
    note: str  # name in ERREURS
    files: dict[str, str]  # name in the claim to name in ERREURS
    ack: str = ""  # Base64 of the answer to an HL7 v2 message
    more: list[tuple[str, str]] = field(default_factory=list)  # code and sentence of each finding of a validation


class Refusals:
    """Sets drops of one mailbox aside.

    Args:
        mailbox: whose drops they are.
        layout: the folders.
        claims: where refused drops are.
        files: how status files are written.
        journal: remembers what was refused.
        zone: zone for people; ``None`` = that of the machine.
    """

    def __init__(
        self, mailbox: MailboxAddress, layout: BoxLayout, *, claims: Claims, files: StatusFiles,
        journal: IntakeLedger, zone: tzinfo | None,
    ) -> None:  # fmt: skip
        self._mailbox = mailbox
        self._layout = layout
        self._claims = claims
        self._files = files
        self._journal = journal
        self._zone = zone
        self._limits = Limits()

    def is_refused(self, claim_id: str) -> bool:
        """True when a verdict on this claim is on the disk."""
        return self._path(claim_id).exists()

    def refuse(self, claim_id: str, base: str, error: InvalidSubmission, now: datetime) -> None:
        """Set a claimed drop aside for good.

        Raises:
            OSError: not finished; :meth:`finish` will.
        """
        verdict = self._verdict(base, entries(self._claims.folder(claim_id)), error, now)
        verdict = replace(verdict, ack=self._ack(claim_id, error, now))
        write_atomic(self._path(claim_id), json.dumps(asdict(verdict), ensure_ascii=False).encode("utf-8"))
        reach("claim.refused")
        self.finish(claim_id)

    def refuse_bytes(
        self, claim_id: str, base: str, files: Sequence[tuple[str, bytes]], error: InvalidSubmission, now: datetime
    ) -> None:
        """Set something aside that came by another door than the folder, as if it had been dropped.

        It is built where no scan looks and appears with its verdict, so that nobody takes it for a drop.

        Raises:
            OSError: not finished; :meth:`finish` will, if the claim is there by now.
            Unavailable: the same.
        """
        hidden = self._layout.work / f".porte-{claim_id}"
        private_folder(hidden)
        for name, content in files:
            write_atomic(hidden / name, content)
        verdict = self._verdict(base, [name for name, _ in files], error, now)
        write_atomic(hidden / VERDICT_FILE, json.dumps(asdict(verdict), ensure_ascii=False).encode("utf-8"))
        rename_durable(hidden, self._claims.folder(claim_id))
        reach("claim.refused")
        self.finish(claim_id)

    def _verdict(self, base: str, names: Sequence[str], error: InvalidSubmission, now: datetime) -> _Verdict:
        base = safe_name(base, max_chars=100)
        number = free_number(lambda n: self._taken(base, names, n))
        stem = base if number == 1 else f"{base}-{number}"
        return _Verdict(
            error.code, french_of(error), now.isoformat(), stem, f"{stem}.erreur.txt",
            {name: numbered(name, number) for name in names}, more=_each(error),
        )  # fmt: skip

    def finish(self, claim_id: str) -> None:
        """Carry out a verdict; may be repeated at will.

        Raises:
            OSError: not finished; call again.
            Unavailable: the journal cannot take it; call again.
        """
        verdict = _Verdict(**json.loads(self._path(claim_id).read_text("utf-8")))
        status = _status(claim_id, verdict)
        note = (self._layout.errors / verdict.note, status_note(status, self._zone, left=False))
        files = self._files.content(verdict.status, status, "ERREURS")
        ack = self._files.answer(verdict.status, base64.b64decode(verdict.ack))
        write_together([note, *files, *ack])
        names = move_all([self._claims.folder(claim_id)], self._layout.errors, verdict.files)
        reach("claim.filed")
        self._journal.refuse_drop(self._refused(claim_id, verdict, tuple(names.values())))
        remove(self._path(claim_id))
        self._claims.forget(claim_id)

    def _ack(self, claim_id: str, error: InvalidSubmission, now: datetime) -> str:
        """The answer to the HL7 v2 message of a claim, in Base64; empty when there is none or nobody wants it."""
        if not self._files.wants_hl7_answers:
            return ""
        for name in self._claims.places(claim_id):
            try:
                content = self._claims.read(claim_id, name)
            except InvalidSubmission:  # too large, or no file: that may be what is wrong with it
                continue
            if role_of(content) is FileRole.HL7:
                return base64.b64encode(refusal(content, error, claim_id, now, self._limits)).decode("ascii")
        return ""

    def _path(self, claim_id: str) -> Path:
        return self._claims.folder(claim_id) / VERDICT_FILE

    def _taken(self, base: str, names: Sequence[str], number: int) -> Iterable[Path]:
        stem = base if number == 1 else f"{base}-{number}"
        yield from self._files.names(stem)
        yield self._layout.errors / f"{stem}.erreur.txt"
        yield from (self._layout.errors / numbered(name, number) for name in names)

    def _refused(self, claim_id: str, verdict: _Verdict, files: tuple[str, ...]) -> RefusedDrop:
        return RefusedDrop(
            id=claim_id, mailbox=self._mailbox, at=datetime.fromisoformat(verdict.at), code=verdict.code,
            name=verdict.status, files=files, note=verdict.note, sentence=verdict.sentence,
        )  # fmt: skip


def french_of(error: InvalidSubmission) -> str:
    """What is particular to this drop, in French; of an HL7 v2 message everything that is wrong, with its place."""
    if isinstance(error, BadDrop):
        return error.french
    if isinstance(error, Hl7Error):
        told = [
            f"{one.location} : {explain(one.code).title_fr}" for one in error.problems[:_MOST_TOLD] if one.location
        ]
        return " ".join(told)
    return ""


def _each(error: InvalidSubmission) -> list[tuple[str, str]]:
    """Every finding of a deep validation, for the program that reads the status file."""
    findings = error.findings[:_MOST_LISTED] if isinstance(error, ValidationRefused) else ()
    return [(finding.code, sentence_of(finding)) for finding in findings]


def _status(claim_id: str, verdict: _Verdict) -> Status:
    title = explain(verdict.code).title_fr
    problem = Problem(verdict.code, f"{title} {verdict.sentence}".strip())
    more = [Problem(code, text) for code, text in verdict.more]
    return Status(
        id=claim_id,
        reference=None,
        files=tuple(verdict.files.values()),
        etat=Etat.ERREUR,
        since=datetime.fromisoformat(verdict.at),
        problems=(problem, *more),
    )
