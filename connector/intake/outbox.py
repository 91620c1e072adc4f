"""The outbox of one mailbox: look, judge, take.

One round after the other; nothing is remembered that a scan or the disk does not show.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from pathlib import Path
from typing import TypeVar

import structlog

from connector.domain.errors import ConfigurationError, InvalidSubmission, Unavailable
from connector.domain.limits import Limits
from connector.domain.ports import Clock, IdSource, reach
from connector.intake.assemble import ClaimedDrop, assemble
from connector.intake.batch_index import listed_in_index
from connector.intake.claim import Claims
from connector.intake.drop import Drop, group, is_batch_index, is_sidecar, same_name
from connector.intake.filing import entries
from connector.intake.inputs.n1 import Desk
from connector.intake.layout import BoxLayout
from connector.intake.ledger import IntakeLedger
from connector.intake.lot import Lots
from connector.intake.problem import BadDrop
from connector.intake.record import Records
from connector.intake.refusal import Refusals
from connector.intake.results import StatusFiles
from connector.intake.scan import Listing, Observation, list_folder
from connector.intake.sidecar import Sidecar, listed_names, read_sidecar
from connector.intake.split import Part, is_lot, split, split_index
from connector.intake.stability import Calm, Facts, Verdict, judge
from connector.intake.wholeness import Whole, sidecar_wholeness, wholeness
from connector.platform.files import read_regular_file, remove_litter, unavailable
from connector.settings.model import MailboxSettings, Readiness

__all__ = ["Outbox", "OutboxHealth"]

_log = structlog.get_logger(__name__)

_T = TypeVar("_T")

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
        desk: for what has to be made of a drop.
        ids: one ULID per claim, which becomes that of the submission.
        is_share: the folder is on a network share: longer settling.
        deadline_hours: how long a submission may try to leave.
        zone: zone for people; ``None`` = that of the machine.
        look: lists a folder; replaced in tests by a share that goes away.
    """

    def __init__(  # noqa: PLR0913 - the composition root names each of them
        self, mailbox: MailboxSettings, layout: BoxLayout, *, journal: IntakeLedger, clock: Clock, ids: IdSource,
        desk: Callable[[], Desk],
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
        self._desk = desk
        self._limits = limits or Limits()
        self._look = look
        self._settle = self._settings.share_settle_seconds if is_share else self._settings.settle_seconds
        self._calm = Calm()
        self._sidecars: dict[Observation, Sidecar | None] = {}
        self._indexes: dict[Observation, tuple[str, ...] | None] = {}
        self._ends: dict[Observation, Whole] = {}
        self._is_settled = False  # False: claims on the disk have to be looked at first
        self.claims = Claims(layout, self._limits)
        files = StatusFiles(layout, self._settings, zone)
        self._refusals = Refusals(
            mailbox.address, layout, claims=self.claims, files=files, journal=journal, zone=zone
        )
        self._lots = Lots(layout, claims=self.claims, files=files, ids=ids, zone=zone)
        self._open_lots: list[str] = []
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
        parts = self._take_parts()
        return parts + self._take_ready(drops, BATCH - parts)

    def _recover(self) -> None:
        """Claims without a journal row go back to the LPS's folder; refused ones, lots and parts are finished."""
        self._layout.check()
        self._tidy()
        self._open_lots = []
        settled = [self._settle_claim(claim_id) for claim_id in self.claims.pending()]
        self._is_settled = all(settled)

    def _settle_claim(self, claim_id: str) -> bool:
        """Returns False when the LPS used a name again: when that drop is taken, the name is free."""
        if self._refusals.is_refused(claim_id):
            self._refusals.finish(claim_id)
        elif self._lots.is_lot(claim_id):
            self._lots.tell(claim_id)
            self._open_lots.append(claim_id)
        elif not self._journal.has_submission(claim_id):
            if self._lots.part(claim_id) is None:
                self._lots.abandon(claim_id)
                return self.claims.give_back(claim_id)
            self._take_part(claim_id)
        return True

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
        self._indexes = {file: value for file, value in self._indexes.items() if file in there}
        self._ends = {file: value for file, value in self._ends.items() if file in there}

    def _lists(self, files: Sequence[Observation]) -> Mapping[str, Sequence[str]]:
        """What the readable sidecars and indexes demand."""
        read = {file.name: self._sidecar(file) for file in files if is_sidecar(file.name)}
        indexes = {file.name: self._index(file) for file in files if is_batch_index(file.name)}
        demanded = {name: listed_names(sidecar) for name, sidecar in read.items() if sidecar is not None}
        return demanded | {name: names for name, names in indexes.items() if names is not None}

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

    def _index(self, file: Observation) -> tuple[str, ...] | None:
        """What the index of a batch lists; as :meth:`_sidecar`."""
        if file not in self._indexes:
            try:
                self._indexes[file] = listed_in_index(self._read(file), self._limits)
            except InvalidSubmission:
                self._indexes[file] = None
            except (OSError, Unavailable):
                return None  # busy: next round
        return self._indexes[file]

    def _read(self, file: Observation) -> bytes:
        return read_regular_file(self._layout.outbox / file.place, max_bytes=self._limits.max_member_bytes)

    def _take_parts(self) -> int:
        """Go on with the lots that are open: at most as much as one round takes."""
        taken = 0
        before, self._is_settled = self._is_settled, False
        for lot in tuple(self._open_lots):
            while taken < BATCH and (part := self._lots.hand_over(lot)):
                self._take_part(part)
                taken += 1
            if taken < BATCH and self._lots.close(lot):
                self._open_lots.remove(lot)
        self._is_settled = before
        return taken

    def _take_ready(self, drops: Sequence[Drop], most: int) -> int:
        taken, self.is_settling = 0, False
        now = self._clock.monotonic()
        for drop in drops:
            if taken >= most:
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
        indexes = [self._index(file) for file in (drop.index,) if file is not None]
        facts = Facts(
            has_data=bool(drop.data),
            has_flag=bool(drop.flags),
            has_sidecar=bool(drop.sidecars or indexes),
            sidecar_is_valid=bool(sidecars or indexes) and None not in (*sidecars, *indexes),
            is_missing_files=bool(drop.missing),
            settled=quiet >= self._settle,
        )
        verdict = judge(self._settings.readiness, facts)
        if verdict is not Verdict.WAIT:
            ends = {self._end(file) for file in (*drop.data, *drop.sidecars)}
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
                data = self._read(file)
                is_ours = is_sidecar(file.name)
                self._ends[file] = (
                    sidecar_wholeness(file.name, data, self._limits) if is_ours else wholeness(data, self._limits)
                )
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
        cut = {file.name for file in drop.data if self._end(file) is Whole.NO} if is_incomplete else set()
        self._is_settled, before = False, self._is_settled
        if not self.claims.begin(drop, claim_id):
            self._is_settled = before and not self.claims.folder(claim_id).exists()
            return False
        created_at = self._clock.now()
        try:
            if is_incomplete and drop.index is None:
                self._check_sidecars(claim_id, drop)
                raise _incomplete(drop, self._settings.readiness)
            self._take_claim(claim_id, drop.base, cut, created_at)
        except InvalidSubmission as error:
            self._refuse(claim_id, drop.base, error, created_at)
        self._is_settled = before
        return True

    def _check_sidecars(self, claim_id: str, drop: Drop) -> None:
        """What is wrong with a sidecar says more than that something is missing.

        Raises:
            InvalidSubmission: it cannot be read.
        """
        for file in drop.sidecars:
            read_sidecar(file.name, self.claims.read(claim_id, file.name), self._limits)

    def _take_claim(self, claim_id: str, base: str, cut: Collection[str], now: datetime) -> None:
        """Give it to the journal as one submission, or make a lot of it."""
        index = next((name for name in self.claims.places(claim_id) if is_batch_index(name)), None)
        files = [] if index else self.claims.content(claim_id)  # an index may come with more than fits the memory
        drop = ClaimedDrop(claim_id, base, files)
        parts = self._understood(claim_id, lambda: self._parts(drop, index, cut))
        if not is_lot(parts):
            self._submit(drop, now)
            return
        self._lots.begin(claim_id, base, parts, now)
        self._lots.tell(claim_id)
        self._open_lots.append(claim_id)
        _log.info("lot_taken", parts=len(parts), submission=claim_id)

    def _parts(self, drop: ClaimedDrop, index: str | None, cut: Collection[str]) -> tuple[Part, ...]:
        if index is None:
            return split(drop, self._mailbox, self._limits)
        others = [name for name in self.claims.places(drop.id) if name != index]
        return split_index(self.claims.read(drop.id, index), others, self._limits, cut=cut)

    def _take_part(self, claim_id: str) -> None:
        """Give a part of a lot to the journal, or refuse it; the other parts do not depend on it."""
        part = self._lots.part(claim_id)
        if part is None or not entries(self.claims.folder(claim_id)):
            self.claims.forget(claim_id)  # refused, and its files are filed
            return
        now = self._clock.now()
        try:
            if part.problem is not None:
                raise part.problem
            self._submit(ClaimedDrop(claim_id, part.base, self.claims.content(claim_id), part.lot), now)
        except InvalidSubmission as error:
            self._refuse(claim_id, part.base, error, now)

    def _refuse(self, claim_id: str, base: str, error: InvalidSubmission, now: datetime) -> None:
        self._refusals.refuse(claim_id, base, error, now)
        _log.info("drop_refused", code=error.code, detail=error.detail, submission=claim_id)

    def _submit(self, drop: ClaimedDrop, now: datetime) -> None:
        submission = self._understood(drop.id, lambda: assemble(drop, self._desk(), self._limits))
        hours = self._settings.duplicate_hours
        self._journal.take(submission, deadline_at=now + self._deadline, duplicate_hours=hours)
        reach("claim.taken")

    def _understood(self, claim_id: str, read: Callable[[], _T]) -> _T:
        """What reading a drop gives; our own fault on one drop must not stop the folder: it is set aside, visibly.

        Raises:
            InvalidSubmission: it cannot be taken, or ``INTERNE``.
        """
        try:
            return read()
        except (InvalidSubmission, Unavailable, OSError):
            raise
        except ConfigurationError as error:  # a document cannot be made until the mailbox is set up for it
            raise InvalidSubmission(error.code, error.detail) from error
        except Exception as error:
            _log.exception("drop_not_understood", submission=claim_id)
            raise InvalidSubmission("INTERNE", f"{type(error).__name__} while reading a drop") from error

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
