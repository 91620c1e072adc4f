"""Looking at the outbox of one mailbox: which drops are there, and which of them are complete.

Nothing is remembered but what scans have seen: each file is opened once for each state that it was seen in.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path

from connector.domain.errors import InvalidSubmission, Unavailable
from connector.domain.limits import Limits
from connector.intake.batch_index import listed_in_index
from connector.intake.drop import Drop, group, is_batch_index, is_sidecar, same_name
from connector.intake.problem import BadDrop
from connector.intake.scan import Listing, Observation, list_folder
from connector.intake.sidecar import Sidecar, listed_names, read_sidecar
from connector.intake.stability import Calm, Facts, Verdict, judge
from connector.intake.wholeness import Whole, sidecar_wholeness, wholeness
from connector.platform.files import read_regular_file
from connector.settings.model import OutboxSettings, Readiness

__all__ = ["Decision", "Lookout", "incomplete"]


class Decision(Enum):
    """What to do with a drop now."""

    WAIT = "wait"  # for something to happen
    SETTLE = "settle"  # it may be complete when the settling time is over
    TAKE = "take"
    GIVE_UP = "give_up"  # incomplete for too long


class Lookout:
    """Watches one folder.

    Args:
        folder: ``A_ENVOYER``.
        settings: readiness, and how long an incomplete drop is waited for.
        limits: bounds of reading.
        settle_seconds: how long a file has to stay unchanged.
        look: lists a folder.
    """

    def __init__(
        self, folder: Path, settings: OutboxSettings, limits: Limits, *, settle_seconds: float,
        look: Callable[[Path], Listing] = list_folder,
    ) -> None:  # fmt: skip
        self._folder = folder
        self._settings = settings
        self._limits = limits
        self._settle = settle_seconds
        self._look = look
        self._calm = Calm()
        self._sidecars: dict[Observation, Sidecar | None] = {}
        self._indexes: dict[Observation, tuple[str, ...] | None] = {}
        self._ends: dict[Observation, Whole] = {}

    def drops(self, now: float) -> list[Drop]:
        """What is in the folder now, grouped.

        Args:
            now: monotonic seconds.

        Raises:
            OSError: the folder cannot be listed.
        """
        listing = self._look(self._folder)
        inner: dict[str, tuple[Observation, ...]] = {}
        if self._settings.readiness is Readiness.FOLDER:
            for folder in listing.folders:
                files = list_folder(self._folder / folder, folder=folder).files
                inner[folder] = files
        everything = [*listing.files, *(file for files in inner.values() for file in files)]
        self._calm.see(everything, now)
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
        return read_regular_file(self._folder / file.place, max_bytes=self._limits.max_member_bytes)

    def decide(self, drop: Drop, now: float) -> Decision:
        """Whether a drop of the last scan is complete.

        Args:
            drop: the drop.
            now: monotonic seconds.
        """
        quiet = self._calm.quiet_seconds(drop.files, now)
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
                return Decision.TAKE
        if quiet >= self._settings.incomplete_minutes * 60:
            return Decision.GIVE_UP
        return Decision.SETTLE if quiet < self._settle else Decision.WAIT

    def cut(self, drop: Drop) -> frozenset[str]:
        """The documents of a drop whose end is not there."""
        return frozenset(file.name for file in drop.data if self._end(file) is Whole.NO)

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
        try:
            return all(_sha256(self._read(file)) == expected[same_name(file.name)] for file in wanted)
        except InvalidSubmission:
            return True  # refused after the claim
        except (OSError, Unavailable):
            return False  # held by its writer


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def incomplete(drop: Drop, readiness: Readiness) -> BadDrop:
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
