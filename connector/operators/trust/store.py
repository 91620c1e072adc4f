"""The authorities that this machine has accepted: one file each, by fingerprint, in ``<data_dir>/trust/authorities``.

An authority gets in for one of two reasons: its fingerprint is pinned, or a person named the fingerprint on purpose.
The file is checked again each time it is read, so that a damaged or exchanged one counts as absent.
"""

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connector.domain.errors import ConfigurationError
from connector.domain.ports import Clock
from connector.operators.trust.certificates import (
    common_name,
    fingerprint,
    is_authority,
    plain_fingerprint,
    read_certificates,
)
from connector.operators.trust.chain import is_signed_by
from connector.operators.trust.pins import PINS, Igc, Pin, Purpose
from connector.platform.files import private_folder, write_atomic

__all__ = ["Authority", "TrustStore"]

MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Authority:
    """An accepted authority."""

    certificate: x509.Certificate = field(repr=False)
    sha256: str
    igc: Igc
    pin: Pin | None  # what is known of it beforehand; None: a person took the decision
    source: str  # where its certificate came from: a folder, an address, a file
    added_at: datetime

    @property
    def name(self) -> str:
        """Common name."""
        return common_name(self.certificate.subject)

    @property
    def by_hand(self) -> bool:
        """True when a person accepted it on purpose."""
        return self.pin is None

    @property
    def serves(self) -> bool:
        """True when it makes servers trusted: the pinned branch, and what a person added on purpose."""
        return self.pin is None or self.pin.purpose is Purpose.SERVERS


@dataclass(slots=True)
class TrustStore:
    """The accepted authorities on disk. Safe between threads and processes: files are only ever replaced whole."""

    folder: Path | None  # None: nothing is kept, as on a test bench
    clock: Clock
    pins: Sequence[Pin] = PINS
    _read: tuple[str, tuple[Authority, ...]] | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def pin_of(self, certificate: x509.Certificate) -> Pin | None:
        """What is known beforehand of an authority."""
        sha256 = fingerprint(certificate)
        return next((pin for pin in self.pins if pin.sha256 == sha256), None)

    def revision(self) -> str:
        """Changes when an authority comes or goes."""
        return "|".join(f"{path.stem[:16]}-{stamp}" for path, stamp in self._files())

    def authorities(self) -> tuple[Authority, ...]:
        """All of them, by name."""
        with self._lock:
            revision = self.revision()
            if self._read is None or self._read[0] != revision:
                found = (self._load(path) for path, _ in self._files())
                self._read = revision, tuple(sorted(filter(None, found), key=lambda authority: authority.name))
            return self._read[1]

    def servers(self, igc: Igc) -> list[Authority]:
        """Those that make an operator of this hierarchy trusted."""
        return [authority for authority in self.authorities() if authority.igc == igc and authority.serves]

    def issuer_of(self, certificate: x509.Certificate) -> Authority | None:
        """The accepted authority that signed a certificate, of any kind (to send it along with a card's)."""
        for authority in self.authorities():
            if is_signed_by(certificate, authority.certificate):
                return authority
        return None

    def add(
        self, certificate: x509.Certificate, *, source: str, accepted: Iterable[str] = (), igc: Igc = "production"
    ) -> Authority:
        """Accept an authority; one that is there already stays as it is.

        Args:
            certificate: from wherever.
            source: where it came from, for people.
            accepted: fingerprints that a person accepts on purpose, in any spelling.
            igc: the hierarchy of an authority that is not pinned.

        Raises:
            ConfigurationError: ``AUTORITE_INCONNUE`` when it is neither pinned nor accepted, or is no authority.
            OSError: it cannot be written.
        """
        sha256 = fingerprint(certificate)
        for known in self.authorities():
            if known.sha256 == sha256:
                return known
        self.vouch(certificate, accepted)
        pin = self.pin_of(certificate)
        made = Authority(certificate, sha256, pin.igc if pin else igc, pin, source, self.clock.now())
        self._write(made)
        return made

    def vouch(self, certificate: x509.Certificate, accepted: Iterable[str]) -> None:
        """Do nothing for an authority that is pinned, or that a person accepts.

        Args:
            certificate: from wherever.
            accepted: fingerprints, in any spelling.

        Raises:
            ConfigurationError: ``AUTORITE_INCONNUE``.
        """
        sha256 = fingerprint(certificate)
        by_hand = sha256 in {plain_fingerprint(text) for text in accepted}
        if self.pin_of(certificate) is None and not (by_hand and is_authority(certificate)):
            what = "is not an authority" if by_hand else "is not one of the pinned ones"
            text = f"{common_name(certificate.subject)} {what}: SHA-256 {sha256}"
            raise ConfigurationError("AUTORITE_INCONNUE", text)

    def _write(self, authority: Authority) -> None:
        """The note first: a certificate without its note counts only if it is pinned."""
        if self.folder is None:
            raise OSError("there is no folder to keep authorities in")
        private_folder(self.folder)
        note = {
            "name": authority.name, "igc": authority.igc, "by_hand": authority.by_hand, "source": authority.source,
            "added_at": authority.added_at.isoformat(),
        }  # fmt: skip
        write_atomic(self.folder / f"{authority.sha256}.json", json.dumps(note, ensure_ascii=False).encode())
        write_atomic(self.folder / f"{authority.sha256}.cer", authority.certificate.public_bytes(Encoding.DER))

    def _files(self) -> list[tuple[Path, str]]:
        if self.folder is None or not self.folder.is_dir():
            return []
        stats = ((path, path.stat()) for path in sorted(self.folder.glob("*.cer")))
        return [(path, f"{status.st_mtime_ns}-{status.st_size}") for path, status in stats]

    def _load(self, path: Path) -> Authority | None:
        """An authority as it is kept; ``None`` when the file is not what its name says, or nobody vouches for it."""
        try:
            (certificate,) = read_certificates(path.read_bytes()[:MAX_BYTES])
        except (OSError, ValueError):
            return None
        sha256, note = fingerprint(certificate), _note(path.with_suffix(".json"))
        pin, igc = self.pin_of(certificate), note.get("igc")
        if sha256 != path.stem:
            return None
        if pin is not None:
            return Authority(certificate, sha256, pin.igc, pin, str(note.get("source", "")), _when(note))
        if note.get("by_hand") is True and igc in ("production", "test"):
            return Authority(certificate, sha256, igc, None, str(note.get("source", "")), _when(note))
        return None


def _note(path: Path) -> dict[str, Any]:
    try:
        note = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _when(note: dict[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(str(note.get("added_at")))
    except ValueError:
        at = datetime.fromtimestamp(0, UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
