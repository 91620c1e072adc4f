"""The outbox of one mailbox: look, judge, take.

One round after the other; nothing is remembered that a scan or the disk does not show.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from pathlib import Path

import structlog

from connector.domain.errors import InvalidSubmission, Unavailable
from connector.domain.limits import Limits
from connector.domain.ports import Clock, IdSource, reach
from connector.intake.assemble import ClaimedDrop, assemble
from connector.intake.claim import Claims
from connector.intake.drop import Drop, group, is_sidecar, same_name
from connector.intake.layout import BoxLayout
from connector.intake.ledger import IntakeLedger
from connector.intake.problem import BadDrop
from connector.intake.record import Records
from connector.intake.refusal import Refusals
from connector.intake.results import StatusFiles
from connector.intake.scan import Listing, Observation, list_folder
from connector.intake.sidecar import Sidecar, listed_names, read_sidecar
from connector.intake.stability import Calm, Facts, Verdict, judge
from connector.intake.wholeness import Whole, wholeness
from connector.platform.files import read_regular_file, remove_litter, unavailable
from connector.settings.model import MailboxSettings, Readiness

__all__ = ["Outbox", "OutboxHealth"]

_log = structlog.get_logger(__name__)

BATCH = 100
"""Drops taken in one round, so that preparing and reporting begin while a burst is still being taken."""


@dataclass(frozen=True, slots=True)
class OutboxHealth:
    """Whether the folder can be worked with."""

    code: str | None  # None: it can
    since: datetime
    detail: str = ""

    @property
    def is_ok(self) -> bool:
        """True when the last round could look at the folder."""
        return self.code is None


class _Decision(Enum):
    WAIT = "wait"
    TAKE = "take"
    GIVE_UP = "give_up"  # incomplete for too long


class Outbox:
    """Takes what the LPS drops.

    Args:
        mailbox: its settings.
        layout: its folders (:func:`connector.intake.layout.establish`).
        journal: takes the submissions.
        clock: wall clock for dates, monotonic clock for settling.
        ids: one ULID per claim, which becomes that of the submission.
        is_share: the folder is on a network share: longer settling.
        deadline_hours: how long a submission may try to leave.
        zone: zone for people; ``None`` = that of the machine.
        look: lists a folder; replaced in tests by a share that goes away.
    """

    def __init__(  # noqa: PLR0913 - the composition root names each of them
        self, mailbox: MailboxSettings, layout: BoxLayout, *, journal: IntakeLedger, clock: Clock, ids: IdSource,
        is_share: bool = False, deadline_hours: float = 48.0, limits: Limits | None = None,
        zone: tzinfo | None = None, look: Callable[[Path], Listing] = list_folder,
    ) -> None:  # fmt: skip
        self._mailbox = mailbox
        self._settings = mailbox.outbox
        self._layout = layout
        self._journal = journal
        self._clock = clock
        self._ids = ids
        self._deadline = timedelta(hours=deadline_hours)
        self._limits = limits or Limits()
        self._look = look
        self._settle = self._settings.share_settle_seconds if is_share else self._settings.settle_seconds
        self._calm = Calm()
        self._sidecars: dict[Observation, Sidecar | None] = {}
        self._ends: dict[Observation, Whole] = {}
        self._is_settled = False  # False: claims on the disk have to be looked at first
        self.claims = Claims(layout, self._limits)
        self._refusals = Refusals(
            mailbox.address, layout, claims=self.claims, files=StatusFiles(layout, self._settings, zone),
            journal=journal, zone=zone,
        )  # fmt: skip
        self.health = OutboxHealth(None, clock.now())
        self.is_settling = False
        """True when something in the folder may be complete after the settling time."""

    def recover(self) -> None:
        """Bring every claim that a crash left behind to where it belongs.

        A folder or journal that is not there now is no reason to fail: the next round tries again.
        """
        try:
            self._recover()
        except OSError as error:
            self._unwell(unavailable(error))
        except Unavailable as error:
            self._unwell(error)

    def run_once(self) -> int:
        """One round: look at the folder, take what is complete.

        Returns:
            How many drops were claimed, refused ones included. 0 when the folder is not there: see :attr:`health`.

        Raises:
            Unavailable: the journal cannot take anything now; nothing is lost.
        """
        try:
            self._layout.check()
            if not self._is_settled:
                self._recover()
            drops = self._drops()
        except OSError as error:
            self._unwell(unavailable(error))
            return 0
        except Unavailable as error:
            self._unwell(error)
            return 0
        self._well()
        return self._take_ready(drops)

    def _recover(self) -> None:
        """Claims without a journal row go back to the LPS's folder; refused ones are finished."""
        self._layout.check()
        self._tidy()
        waiting = 0
        for claim_id in self.claims.pending():
            if self._refusals.is_refused(claim_id):
                self._refusals.finish(claim_id)
            elif not self._journal.has_submission(claim_id) and not self.claims.give_back(claim_id):
                waiting += 1  # the LPS used the name again: when that drop is taken, the name is free
        self._is_settled = waiting == 0

    def _tidy(self) -> None:
        """Remove half-written files of a killed process, from the folders that only our thread writes into."""
        layout = self._layout
        claims = [self.claims.folder(claim_id) for claim_id in self.claims.pending()]
        for folder in (layout.statuses, layout.errors, *Records(layout).folders(), *claims):
            remove_litter(folder)

    def _drops(self) -> list[Drop]:
        """What is in the folder now, grouped."""
        listing = self._look(self._layout.outbox)
        inner: dict[str, tuple[Observation, ...]] = {}
        if self._settings.readiness is Readiness.FOLDER:
            for folder in listing.folders:
                files = list_folder(self._layout.outbox / folder, folder=folder).files
                inner[folder] = files
        everything = [*listing.files, *(file for files in inner.values() for file in files)]
        self._calm.see(everything, self._clock.monotonic())
        self._forget_gone(everything)
        drops = group(listing.files, self._lists(listing.files))
        for folder, files in inner.items():
            drops += group(files, self._lists(files), folder)
        return drops

    def _forget_gone(self, files: Sequence[Observation]) -> None:
        there = set(files)
        self._sidecars = {file: value for file, value in self._sidecars.items() if file in there}
        self._ends = {file: value for file, value in self._ends.items() if file in there}

    def _lists(self, files: Sequence[Observation]) -> Mapping[str, Sequence[str]]:
        """What the readable sidecars demand."""
        read = {file.name: self._sidecar(file) for file in files if is_sidecar(file.name)}
        return {name: listed_names(sidecar) for name, sidecar in read.items() if sidecar is not None}

    def _sidecar(self, file: Observation) -> Sidecar | None:
        """The sidecar, or ``None`` while it cannot be read; read once per state of the file."""
        if file not in self._sidecars:
            try:
                self._sidecars[file] = read_sidecar(file.name, self._read(file), self._limits)
            except InvalidSubmission:
                self._sidecars[file] = None
            except (OSError, Unavailable):
                return None  # busy: next round
        return self._sidecars[file]

    def _read(self, file: Observation) -> bytes:
        return read_regular_file(self._layout.outbox / file.place, max_bytes=self._limits.max_member_bytes)

    def _take_ready(self, drops: Sequence[Drop]) -> int:
        taken, self.is_settling = 0, False
        now = self._clock.monotonic()
        for drop in drops:
            if taken >= BATCH:
                self.is_settling = True
                break
            quiet = self._calm.quiet_seconds(drop.files, now)
            decision = self._decide(drop, quiet)
            if decision is _Decision.WAIT:
                self.is_settling |= quiet < self._settle
                continue
            try:
                taken += self._take(drop, is_incomplete=decision is _Decision.GIVE_UP)
            except OSError as error:
                self._is_settled = False
                self._unwell(unavailable(error))
                break
        return taken

    def _decide(self, drop: Drop, quiet: float) -> _Decision:
        sidecars = [self._sidecar(file) for file in drop.sidecars]
        facts = Facts(
            has_data=bool(drop.data),
            has_flag=bool(drop.flags),
            has_sidecar=bool(drop.sidecars),
            sidecar_is_valid=bool(sidecars) and all(sidecar is not None for sidecar in sidecars),
            is_missing_files=bool(drop.missing),
            settled=quiet >= self._settle,
        )
        verdict = judge(self._settings.readiness, facts)
        if verdict is not Verdict.WAIT:
            ends = {self._end(file) for file in drop.data}
            proven = ends <= {Whole.YES}
            if Whole.NO not in ends and self._hashes_fit(drop, sidecars) and (verdict is Verdict.READY or proven):
                return _Decision.TAKE
        given_up = quiet >= self._settings.incomplete_minutes * 60
        return _Decision.GIVE_UP if given_up else _Decision.WAIT

    def _end(self, file: Observation) -> Whole:
        if file.size_bytes > self._limits.max_member_bytes:
            return Whole.YES  # refused after the claim
        if file not in self._ends:
            try:
                self._ends[file] = wholeness(self._read(file), self._limits)
            except InvalidSubmission:
                return Whole.YES  # refused after the claim
            except (OSError, Unavailable):
                return Whole.NO  # held by its writer
        return self._ends[file]

    def _hashes_fit(self, drop: Drop, sidecars: Sequence[Sidecar | None]) -> bool:
        """A file that does not have its hash yet is still being written."""
        expected = {
            same_name(name): value for sidecar in sidecars if sidecar for name, value in sidecar.sha256.items()
        }
        wanted = [file for file in drop.data if same_name(file.name) in expected]
        return all(hashlib.sha256(self._read(file)).hexdigest() == expected[same_name(file.name)] for file in wanted)

    def _take(self, drop: Drop, *, is_incomplete: bool) -> bool:
        """Claim a drop and give it to the journal, or set it aside.

        Returns:
            False when it could not be claimed now.
        """
        claim_id = self._ids.ulid()
        self._is_settled, before = False, self._is_settled
        if not self.claims.begin(drop, claim_id):
            self._is_settled = before and not self.claims.folder(claim_id).exists()
            return False
        created_at = self._clock.now()
        try:
            if is_incomplete:
                raise _incomplete(drop, self._settings.readiness)
            self._submit(claim_id, drop, created_at)
        except InvalidSubmission as error:
            self._refusals.refuse(claim_id, drop.base, error, created_at)
            _log.info("drop_refused", code=error.code, detail=error.detail, submission=claim_id)
        self._is_settled = before
        return True

    def _submit(self, claim_id: str, drop: Drop, created_at: datetime) -> None:
        files = self.claims.content(claim_id)
        try:
            submission = assemble(ClaimedDrop(claim_id, drop.base, files), self._mailbox, created_at, self._limits)
        except InvalidSubmission:
            raise
        except Exception as error:
            # our own fault on one drop must not stop the folder: it is set aside, visibly, with its bytes kept
            _log.exception("drop_not_understood", submission=claim_id)
            raise InvalidSubmission("INTERNE", f"{type(error).__name__} while reading a drop") from error
        hours = self._settings.duplicate_hours
        self._journal.take(submission, deadline_at=created_at + self._deadline, duplicate_hours=hours)
        reach("claim.taken")

    def _well(self) -> None:
        if not self.health.is_ok:
            self.health = OutboxHealth(None, self._clock.now())
            _log.info("folder_is_back")

    def _unwell(self, error: Unavailable) -> None:
        if self.health.code != error.code:
            self.health = OutboxHealth(error.code, self._clock.now(), error.detail)
            _log.warning("folder_unavailable", code=error.code, detail=error.detail)


def _incomplete(drop: Drop, readiness: Readiness) -> BadDrop:
    """Why a drop never became complete."""
    if drop.missing:
        missing = ", ".join(f"« {name} »" for name in drop.missing)
        sentence = f"Le fichier d'accompagnement annonce des fichiers qui ne sont jamais arrivés : {missing}."
    elif not drop.data:
        sentence = "Aucun document n'est arrivé avec ce fichier."
    elif readiness is Readiness.FLAG and not drop.flags:
        sentence = "Le fichier marqueur (.ok) n'est jamais arrivé."
    elif readiness is Readiness.SIDECAR and not drop.sidecars:
        sentence = "Le fichier d'accompagnement (.mss) n'est jamais arrivé."
    else:
        sentence = "La fin d'un fichier manque, ou son empreinte ne correspond pas."
    return BadDrop("INCOMPLET", "the drop stayed incomplete", sentence)
