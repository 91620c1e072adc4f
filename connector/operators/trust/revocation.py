"""The revocation lists that are kept on this machine, and when they are fetched again.

A list is fetched ahead of time by a job, by a person (``trust update``), or in the background once when a connection
misses it; never inside a handshake. The last list that was signed rightly keeps serving whatever later downloads
bring. The host of IGC-Santé shuts an address out for hours after a few downloads (rules 10.3): each address is asked
at most once an hour, less often after failures, and the try is written down before it is made.

On disk, per address: ``<name>.json`` (address, issuer, tries) and ``<name>.crl`` (DER), each replaced in one step.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connector.domain.errors import ConnectorError, Unavailable
from connector.domain.ports import Clock
from connector.operators.trust.certificates import read_lists
from connector.operators.trust.download import Fetch
from connector.operators.trust.lists import is_genuine, newest_first
from connector.platform.files import private_folder, remove, remove_litter, write_atomic
from connector.platform.lock import AlreadyRunning, InstanceLock

__all__ = ["MAX_LIST_BYTES", "Fetched", "KeptList", "ListCache", "Outcome"]

MAX_LIST_BYTES = 25_000_000
FIRST_PAUSE = timedelta(hours=1)
LONGEST_PAUSE = timedelta(hours=4)
FRESH_FOR = timedelta(hours=24)  # IGC-Santé publishes each morning
FORGET_AFTER = timedelta(days=35)
NOTE_AGAIN_AFTER = timedelta(days=1)


class Outcome(StrEnum):
    """What became of one list in one round."""

    FETCHED = "fetched"
    UNCHANGED = "unchanged"  # what came is not newer than what is there
    NOT_DUE = "not_due"  # fresh enough, or asked for too recently
    FAILED = "failed"
    BUSY = "busy"  # another process is at it


@dataclass(frozen=True, slots=True)
class Fetched:
    """One list in one round."""

    address: str
    outcome: Outcome
    code: str = ""
    detail: str = ""


Tell = Callable[[Fetched], None]


@dataclass(frozen=True, slots=True)
class KeptList:
    """What is known of the list behind one address."""

    address: str
    issuer: x509.Certificate = field(repr=False)  # the authority that signs it
    asked_at: datetime | None = None  # last try
    taken_at: datetime | None = None  # last success
    wanted_at: datetime | None = None  # when somebody last had to do with it, to the day
    failures: int = 0  # in a row
    code: str = ""  # of the last failure
    revocations: x509.CertificateRevocationList | None = field(default=None, compare=False, repr=False)

    @property
    def name(self) -> str:
        """Stem of its files."""
        return hashlib.sha256(self.address.encode()).hexdigest()[:24]

    def due_at(self, now: datetime) -> datetime:
        """When it is to be fetched next; a try that lies in the future (the clock was set back) does not count."""
        wanted = now
        if self.revocations is not None and self.taken_at is not None:
            wanted = min(self.taken_at + FRESH_FOR, _ahead_of_end(self.revocations, now))
        if self.asked_at is None or self.asked_at > now:
            return wanted
        pause = min(FIRST_PAUSE * (1 << min(max(self.failures - 1, 0), 8)), LONGEST_PAUSE)
        return max(wanted, self.asked_at + pause)

    def note(self) -> bytes:
        """For the disk."""
        times = {name: at.isoformat() if at else None for name, at in self._times().items()}
        plain = {"address": self.address, "failures": self.failures, "code": self.code}
        return json.dumps(plain | times | {"issuer": self._issuer()}).encode()

    def _issuer(self) -> str:
        return base64.b64encode(self.issuer.public_bytes(Encoding.DER)).decode()

    def _times(self) -> dict[str, datetime | None]:
        return {"asked_at": self.asked_at, "taken_at": self.taken_at, "wanted_at": self.wanted_at}

    @classmethod
    def read(cls, note: Mapping[str, Any]) -> Self:
        """From the disk.

        Raises:
            ValueError, KeyError, TypeError: it is damaged.
        """
        issuer = x509.load_der_x509_certificate(base64.b64decode(note["issuer"], validate=True))
        asked_at, taken_at, wanted_at = (_time(note[key]) for key in ("asked_at", "taken_at", "wanted_at"))
        return cls(
            str(note["address"]), issuer, asked_at, taken_at, wanted_at, int(note["failures"]), str(note["code"])
        )


def _time(text: str | None) -> datetime | None:
    """From the note; raises ``ValueError`` for a time without zone."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without zone")
    return at


def _ahead_of_end(revocations: x509.CertificateRevocationList, now: datetime) -> datetime:
    """A quarter of its life before its end."""
    ends = revocations.next_update_utc
    if ends is None:
        return now
    return ends - (ends - revocations.last_update_utc) / 4


@dataclass(slots=True)
class ListCache:
    """The kept lists. Safe between threads; between processes, only one fetches at a time."""

    folder: Path | None  # None: nothing is kept and nothing fetched
    clock: Clock
    fetch: Fetch
    _known: dict[str, tuple[str, KeptList]] = field(default_factory=dict, init=False, repr=False)  # name: stamp, list
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def kept(self) -> list[KeptList]:
        """Everything that is known, read again where a file has changed."""
        with self._lock:
            return [entry for path in self._notes() if (entry := self._load(path)) is not None]

    def of(self, issuer: x509.Certificate) -> list[x509.CertificateRevocationList]:
        """The genuine lists of an authority, the newest first."""
        found = (entry.revocations for entry in self.kept() if entry.issuer == issuer)
        return list(newest_first(revocations for revocations in found if revocations is not None))

    def last_failure(self, issuer: x509.Certificate) -> str:
        """Code of what keeps the list of an authority away; empty when nothing was tried, or it went well."""
        return next((entry.code for entry in self.kept() if entry.issuer == issuer and entry.code), "")

    def revision(self) -> str:
        """Changes when a list was replaced."""
        if self.folder is None or not self.folder.is_dir():
            return ""
        return "|".join(_stamp(path) for path in sorted(self.folder.glob("*.crl")))

    def want(self, address: str, issuer: x509.Certificate) -> None:
        """Remember that this list is needed from now on.

        Raises:
            OSError: it cannot be written.
        """
        if self.folder is None:
            return
        with self._lock:
            now = self.clock.now()
            entry = next((entry for entry in self.kept() if entry.address == address), None)
            if entry is None or entry.issuer != issuer:
                entry = KeptList(address, issuer)
            if entry.wanted_at is None or not timedelta() <= now - entry.wanted_at < NOTE_AGAIN_AFTER:
                private_folder(self.folder)
                self._write(replace(entry, wanted_at=now))

    def is_anything_due(self) -> bool:
        """True when a round would fetch something now."""
        now = self.clock.now()
        return self.folder is not None and any(entry.due_at(now) <= now for entry in self.kept())

    def refresh(self, *, force: bool = False, tell: Tell = lambda _: None) -> list[Fetched]:
        """Fetch what is due, one after the other.

        Args:
            force: a person wants it: fetch everything now.
            tell: called with each outcome as it comes.

        Raises:
            OSError: the folder cannot be written.
        """
        if self.folder is None:
            return []
        private_folder(self.folder)
        outcomes = []
        for one in self._round(self.folder, force=force):
            tell(one)
            outcomes.append(one)
        return outcomes

    def _round(self, folder: Path, *, force: bool) -> Iterator[Fetched]:
        try:
            with InstanceLock(folder):
                remove_litter(folder)
                self._forget_old()
                for entry in self.kept():
                    yield self._renewed(entry, force=force)
        except AlreadyRunning:
            yield from (Fetched(entry.address, Outcome.BUSY) for entry in self.kept())

    def _renewed(self, entry: KeptList, *, force: bool) -> Fetched:
        now = self.clock.now()
        if not force and entry.due_at(now) > now:
            return Fetched(entry.address, Outcome.NOT_DUE)
        self._note(entry, asked_at=now)  # counts even if we die in the middle
        try:
            fresh = _genuine(self.fetch(entry.address, MAX_LIST_BYTES), entry)
        except ConnectorError as error:
            self._note(entry, failures=entry.failures + 1, code=error.code)
            return Fetched(entry.address, Outcome.FAILED, error.code, error.detail)
        is_newer = _is_newer(fresh, entry.revocations)
        if is_newer:
            write_atomic(self._path(entry.name, ".crl"), fresh.public_bytes(Encoding.DER))
        self._note(entry, failures=0, code="", taken_at=now)
        return Fetched(entry.address, Outcome.FETCHED if is_newer else Outcome.UNCHANGED)

    def _note(self, entry: KeptList, **changes: Any) -> None:
        """Write down what has changed, over what is written there now: a connection may have noted something too."""
        with self._lock:
            current = self._load(self._path(entry.name, ".json")) or entry
            self._write(replace(current, **changes))

    def _forget_old(self) -> None:
        """Drop the lists that nobody has had to do with for weeks."""
        now = self.clock.now()
        for entry in self.kept():
            if entry.wanted_at is not None and now - entry.wanted_at > FORGET_AFTER:
                for suffix in (".json", ".crl"):
                    remove(self._path(entry.name, suffix))

    def _write(self, entry: KeptList) -> None:
        write_atomic(self._path(entry.name, ".json"), entry.note())

    def _path(self, name: str, suffix: str) -> Path:
        if self.folder is None:
            raise OSError("there is no folder to keep lists in")
        return self.folder / f"{name}{suffix}"

    def _notes(self) -> list[Path]:
        return sorted(self.folder.glob("*.json")) if self.folder is not None and self.folder.is_dir() else []

    def _load(self, path: Path) -> KeptList | None:
        """A list as it is kept; ``None`` for a damaged note (it is wanted again at the next connection)."""
        file = path.with_suffix(".crl")
        stamp = _stamp(path) + _stamp(file)
        known = self._known.get(path.stem)
        if known is not None and known[0] == stamp:
            return known[1]
        try:
            entry = KeptList.read(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        before = known[1] if known is not None and known[0].endswith(_stamp(file)) else None
        is_same = before is not None and before.issuer == entry.issuer
        entry = replace(entry, revocations=before.revocations if before and is_same else _read_kept(file, entry))
        self._known[path.stem] = stamp, entry
        return entry


def _read_kept(file: Path, entry: KeptList) -> x509.CertificateRevocationList | None:
    """The list on disk; one that does not bear its issuer's signature any more counts as absent."""
    try:
        return _genuine(file.read_bytes(), entry)
    except (OSError, Unavailable):
        return None


def _genuine(data: bytes, entry: KeptList) -> x509.CertificateRevocationList:
    """What was fetched, if the right authority signed it.

    Raises:
        Unavailable: ``CRL_INVALIDE``.
    """
    try:
        lists = read_lists(data)
    except ValueError as error:
        raise Unavailable("CRL_INVALIDE", f"{entry.address} gives no revocation list") from error
    for revocations in lists:
        if is_genuine(revocations, entry.issuer):
            return revocations
    raise Unavailable("CRL_INVALIDE", f"{entry.address} is not signed by the authority that it stands for")


def _is_newer(fresh: x509.CertificateRevocationList, kept: x509.CertificateRevocationList | None) -> bool:
    """An older list than the one that is there never replaces it: somebody may replay it."""
    return kept is None or fresh.last_update_utc > kept.last_update_utc


def _stamp(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "absent"
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}"
