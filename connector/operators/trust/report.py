"""What people may want to know of the trust on this machine, as values: for the terminal, the doctor, the page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from connector.operators.trust.certificates import common_name, fingerprint, read_certificates
from connector.operators.trust.pins import PINS, Igc, Pin, server_pins
from connector.operators.trust.revocation import KeptList
from connector.operators.trust.service import Trust
from connector.settings.model import OperatorSettings

__all__ = ["AuthorityView", "ListView", "UnpinnedFile", "list_views", "missing_authorities", "trust_views",
           "unpinned_files"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListView:
    """A revocation list that this machine keeps, or would like to."""

    address: str
    issuer: str  # common name
    issued_at: datetime | None  # thisUpdate; None while there is none
    valid_until: datetime | None  # nextUpdate
    asked_at: datetime | None
    code: str  # what the last try failed with; empty after a success

    @classmethod
    def of(cls, kept: KeptList) -> "ListView":
        """What is known of a kept list."""
        revocations = kept.revocations
        return cls(
            address=kept.address,
            issuer=common_name(kept.issuer.subject),
            issued_at=revocations.last_update_utc if revocations is not None else None,
            valid_until=revocations.next_update_utc if revocations is not None else None,
            asked_at=kept.asked_at,
            code=kept.code,
        )


@dataclass(frozen=True, slots=True)
class AuthorityView:
    """An accepted authority, with the newest of its lists."""

    name: str
    sha256: str
    igc: Igc
    pinned: bool  # else a person added it on purpose
    serves: bool  # it makes servers trusted; else it is kept for the certificates of persons
    source: str
    valid_until: datetime
    revocation_list: ListView | None


@dataclass(frozen=True, slots=True)
class UnpinnedFile:
    """An authority that the settings of an operator name, and that is not one of IGC-Santé: a test bench."""

    operator: str
    path: Path
    name: str
    sha256: str


def trust_views(trust: Trust) -> list[AuthorityView]:
    """Every accepted authority: those for servers first, then by name."""
    kept = trust.lists.kept()
    views = []
    for authority in trust.store.authorities():
        lists = [ListView.of(entry) for entry in kept if entry.issuer == authority.certificate]
        newest = max(lists, key=lambda view: (view.issued_at is not None, view.issued_at or trust.clock.now()),
                     default=None)  # fmt: skip
        views.append(
            AuthorityView(
                authority.name, authority.sha256, authority.igc, not authority.by_hand, authority.serves,
                authority.source, authority.certificate.not_valid_after_utc, newest,
            )
        )  # fmt: skip
    return sorted(views, key=lambda view: (not view.serves, view.igc, view.name))


def list_views(trust: Trust) -> list[ListView]:
    """Every kept or wanted revocation list."""
    return [ListView.of(entry) for entry in trust.lists.kept()]


def missing_authorities(trust: Trust, igc: Igc) -> list[str]:
    """Names of the pinned server authorities of a hierarchy that are not accepted yet."""
    held = {authority.sha256 for authority in trust.store.servers(igc)}
    return [pin.name for pin in server_pins(igc, trust.pins) if pin.sha256 not in held]


def unpinned_files(operators: Mapping[str, OperatorSettings], pins: Iterable[Pin] = PINS) -> list[UnpinnedFile]:
    """The authorities in the settings that are not pinned; files that cannot be read are left out."""
    found, known = [], {pin.sha256 for pin in pins}
    for operator, settings in operators.items():
        for path in settings.tls.trust:
            try:
                certificates = read_certificates(path.read_bytes())
            except (OSError, ValueError):
                continue
            found += [
                UnpinnedFile(operator, path, common_name(one.subject), fingerprint(one))
                for one in certificates
                if fingerprint(one) not in known
            ]
    return found
