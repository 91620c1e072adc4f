"""The outbox of one mailbox: look, judge, take.

One round after the other; nothing is remembered that a scan or the disk does not show.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import TypeVar

import structlog

from connector.domain.errors import ConfigurationError, InvalidSubmission, Unavailable
from connector.domain.limits import Limits
from connector.domain.ports import Clock, IdSource, reach
from connector.intake.acknowledge import SameMessage, order_key, reused
from connector.intake.assemble import ClaimedDrop, assemble
from connector.intake.claim import Claims
from connector.intake.drop import Drop, is_batch_index
from connector.intake.filing import entries
from connector.intake.inputs.n1 import Desk
from connector.intake.layout import BoxLayout
from connector.intake.ledger import IntakeLedger
from connector.intake.lookout import Decision, Lookout, incomplete
from connector.intake.lot import Lots
from connector.intake.record import Records
from connector.intake.refusal import Refusals
from connector.intake.results import StatusFiles
from connector.intake.scan import Listing, list_folder
from connector.intake.sidecar import read_sidecar
from connector.intake.split import Part, is_lot, split, split_index
from connector.platform.files import remove_litter, unavailable
from connector.settings.model import MailboxSettings

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
        settle = self._settings.share_settle_seconds if is_share else self._settings.settle_seconds
        self._lookout = Lookout(layout.outbox, self._settings, self._limits, settle_seconds=settle, look=look)
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
            drops = self._lookout.drops(self._clock.monotonic())
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

    def _take_parts(self) -> int:
        """Go on with the lots that are open: at most as much as one round takes."""
        taken = 0
        before, self._is_settled = self._is_settled, False
        try:
            for lot in tuple(self._open_lots):
                while taken < BATCH and (part := self._lots.hand_over(lot)):
                    self._take_part(part)
                    taken += 1
                if taken < BATCH and self._lots.close(lot):
                    self._open_lots.remove(lot)
        except OSError as error:
            self._unwell(unavailable(error))
        else:
            self._is_settled = before
        return taken

    def _take_ready(self, drops: Sequence[Drop], most: int) -> int:
        taken, self.is_settling = 0, False
        now = self._clock.monotonic()
        for drop in drops:
            if taken >= most:
                self.is_settling = True
                break
            decision = self._lookout.decide(drop, now)
            if decision in (Decision.WAIT, Decision.SETTLE):
                self.is_settling |= decision is Decision.SETTLE
                continue
            try:
                taken += self._take(drop, is_incomplete=decision is Decision.GIVE_UP)
            except OSError as error:
                self._is_settled = False
                self._unwell(unavailable(error))
                break
        return taken

    def _take(self, drop: Drop, *, is_incomplete: bool) -> bool:
        """Claim a drop and give it to the journal, or set it aside.

        Returns:
            False when it could not be claimed now.
        """
        claim_id = self._ids.ulid()
        cut = self._lookout.cut(drop) if is_incomplete else ()
        self._is_settled, before = False, self._is_settled
        if not self.claims.begin(drop, claim_id):
            self._is_settled = before and not self.claims.folder(claim_id).exists()
            return False
        created_at = self._clock.now()
        try:
            if is_incomplete and drop.index is None:
                self._check_sidecars(claim_id, drop)
                raise incomplete(drop, self._settings.readiness)
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
        key = self._understood(drop.id, lambda: order_key(submission, self._limits))
        hours = self._settings.duplicate_hours
        try:
            taken = self._journal.take(
                submission, deadline_at=now + self._deadline, duplicate_hours=hours, request=key
            )
        except InvalidSubmission as error:
            raise (reused() if error.code == "CLE_DEJA_UTILISEE" else error) from error
        if taken.submission_id != drop.id:
            raise SameMessage(taken.submission_id[-6:])
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
