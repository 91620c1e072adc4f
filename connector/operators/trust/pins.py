"""The authorities of IGC-Santé, as facts: fingerprints, addresses, and where Cryptolib CPS puts its copies.

Nothing of theirs ships with the product. A certificate that comes from anywhere is accepted because its SHA-256 is
in this table; that is why plain HTTP is good enough to fetch it. Sources: Cryptolib CPS 5.2.2 (production), the ANS's
own certificates (TEST), rules 10.3; addresses as the ANS publishes them on its pages *PC* and *PC TEST*.

Server certificates of operators come from one branch only: *AC RACINE IGC-SANTE ELEMENTAIRE*, then *AC IGC-SANTE
ELEMENTAIRE ORGANISATIONS* (Ref#2 ECO.1.1.10). The other authorities issue the certificates of persons and of
organisations; they never make a server trusted. Production and TEST are two worlds and never trusted together.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

__all__ = [
    "PINS", "Igc", "Pin", "Purpose", "cryptolib_folders", "server_pins",
]  # fmt: skip

Igc = Literal["production", "test"]
"""The two hierarchies."""

_SITE = "http://igc-sante.esante.gouv.fr"


class Purpose(StrEnum):
    """Whose certificates an authority vouches for."""

    SERVERS = "servers"  # of operators, and the software certificates of organisations
    PERSONS = "persons"  # cards
    ORGANISATIONS = "organisations"  # signatures and seals of organisations: no servers


@dataclass(frozen=True, slots=True)
class Pin:
    """An authority that is known beforehand."""

    sha256: str  # of the DER, lower-case hexadecimal
    name: str  # common name of its subject
    igc: Igc
    purpose: Purpose
    is_root: bool = False
    address: str = ""  # where the ANS gives it away
    list_address: str = ""  # where its own revocation list is


PINS = (
    Pin("2d9e22ca19f777c6b745257c723ecb8df3c35fa6f1f6ec36b83600c97346967f", "AC RACINE IGC-SANTE ELEMENTAIRE",
        "production", Purpose.SERVERS, True, f"{_SITE}/AC/ACR-EL.cer", f"{_SITE}/CRL/ACR-EL.crl"),
    Pin("d834ee5b40686b73573f60547bf6052c6d404d942a5665cdb2c0b9137b5d27b2", "AC IGC-SANTE ELEMENTAIRE ORGANISATIONS",
        "production", Purpose.SERVERS, False, f"{_SITE}/AC/ACI-EL-ORG.cer", f"{_SITE}/CRL/ACI-EL-ORG.crl"),
    Pin("19c1eaeab477b6fbc233cda3b53fbdbc3f4e9bf6cf6973e46f7dfaef89c06c6c", "AC IGC-SANTE ELEMENTAIRE PERSONNES",
        "production", Purpose.PERSONS),
    Pin("5891815e864506c662afb32f8de5b8de38bffa1af721780b69e19a0c050386c3", "AC RACINE IGC-SANTE STANDARD",
        "production", Purpose.PERSONS, True),
    Pin("6c339ebcb3e1b0102b143c9694225c2a4ab2ef6fedf7d364da8db305e7f7d997", "AC IGC-SANTE STANDARD PERSONNES",
        "production", Purpose.PERSONS),
    Pin("c0520a2b14fb68836a807bf86ab2b3e07d1b6061d91bc9c7b86a6f8de4b5638e", "AC IGC-SANTE STANDARD ORGANISATIONS",
        "production", Purpose.ORGANISATIONS),
    Pin("53d30a19570826bde0c0762501f1f1c7a659f976c6c023123df5239df34a4eea", "AC RACINE IGC-SANTE FORT",
        "production", Purpose.PERSONS, True),
    Pin("38284e4f6107456e70c7439c85da7d564d0fe1fe1a968c9eb6d43e1fc0d63c3a", "AC IGC-SANTE FORT PERSONNES",
        "production", Purpose.PERSONS),
    Pin("23f69674002d1dd4b018baecd908dc92687942bb48e5140ff895e2f56bc49c0d", "AC IGC-SANTE FORT ORGANISATIONS",
        "production", Purpose.ORGANISATIONS),
    Pin("01325aeb193871eec90fa89556804e4185cb362e0ca87a3d79939c71186da805", "TEST AC RACINE IGC-SANTE ELEMENTAIRE",
        "test", Purpose.SERVERS, True, f"{_SITE}/AC%20TEST/ACR-EL-TEST.cer", f"{_SITE}/CRL/ACR-EL-TEST.crl"),
    Pin("dc528e3788691b3f7950164076f95b02c64334c68662bdede5750b4e0e5338f6",
        "TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS", "test", Purpose.SERVERS, False,
        f"{_SITE}/AC%20TEST/ACI-EL-ORG-TEST.cer", f"{_SITE}/CRL/ACI-EL-ORG-TEST.crl"),
    Pin("d6059a88efd603feb05405197215ccade2a8b389c6f872f9d343e5f53bfbb426", "TEST AC RACINE IGC-SANTE STANDARD",
        "test", Purpose.PERSONS, True),
    Pin("d4562312535334d8f7c885c6f5a8b3df0cf7bb3cd0b32954ec0ce4d82939a3f2",
        "TEST AC IGC-SANTE STANDARD PERSONNES", "test", Purpose.PERSONS),
)  # fmt: skip
"""Every authority that is known beforehand, those for servers of a hierarchy first."""


def server_pins(igc: Igc, pins: Iterable[Pin] = PINS) -> list[Pin]:
    """The authorities that make an operator's server trusted, the root first."""
    return [pin for pin in pins if pin.igc == igc and pin.purpose is Purpose.SERVERS]


def cryptolib_folders(platform: str = sys.platform, environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Where Cryptolib CPS keeps the authorities, on this system; not all of them exist.

    Args:
        platform: as :data:`sys.platform`.
        environment: tells where Windows has its folders.
    """
    if platform == "win32":
        roots = [
            environment.get(name) for name in ("ProgramData", "ProgramW6432", "ProgramFiles", "ProgramFiles(x86)")
        ]
        return [Path(root) / "santesocial" / "CPS" / "Coffre" for root in dict.fromkeys(roots) if root]
    if platform == "darwin":
        base = Path("/Library/Preferences/santesocial/CPS")
        return [base / "coffre", base / "Coffre"]  # one folder on most disks, two where case counts
    return [Path("/etc/opt/santesocial/CPS/Coffre")]
