"""The patient's identity: matricule INS and strict traits.

Source rules: Ref#2 ECO.2.2.6 and 2.4.2; key of the NIR: public algorithm, ``97 - (N mod 97)``.
"""

import re
from dataclasses import dataclass
from typing import Self

from connector.domain.errors import InvalidSubmission

__all__ = ["INS_NIA", "INS_OIDS", "INS_TEST_OIDS", "MatriculeINS", "PatientIdentifier"]

INS_NIR = "1.2.250.1.213.1.4.8"
INS_NIA = "1.2.250.1.213.1.4.9"
"""Authority of the waiting number, which is no NIR."""

INS_NIR_TEST = "1.2.250.1.213.1.4.10"
INS_NIR_DEMO = "1.2.250.1.213.1.4.11"

INS_TEST_OIDS = frozenset({INS_NIR_TEST, INS_NIR_DEMO})
"""Assigning authorities that must never be met in production."""

INS_OIDS = frozenset({INS_NIR, INS_NIA}) | INS_TEST_OIDS
"""Assigning authorities of the matricule INS."""

_SHAPE = re.compile(r"[1-9]\d{4}(?:\d{2}|2[AB])\d{6}\d{2}")


@dataclass(frozen=True, slots=True)
class MatriculeINS:
    """A matricule INS: 15 characters, key included, and the OID of its authority."""

    value: str
    oid: str

    @classmethod
    def parse(cls, value: str, oid: str) -> Self:
        """Check shape, key and authority.

        Args:
            value: 15 characters; blanks are taken off.
            oid: assigning authority.

        Raises:
            InvalidSubmission: ``INS_INVALIDE``.
        """
        bare = re.sub(r"\s", "", value).upper()
        if oid not in INS_OIDS:
            raise InvalidSubmission("INS_INVALIDE", f"authority {oid!r} is not one of the INS")
        if not _SHAPE.fullmatch(bare):
            raise InvalidSubmission("INS_INVALIDE", f"a matricule has 15 characters, this one {len(bare)}")
        if int(bare[13:]) != key_of(bare[:13]):
            raise InvalidSubmission("INS_INVALIDE", "the key of the matricule does not fit")
        return cls(bare, oid)

    @property
    def is_test(self) -> bool:
        """True for the test and demonstration authorities."""
        return self.oid in INS_TEST_OIDS


def key_of(first_13: str) -> int:
    """The two-digit key of the first 13 characters; Corsica's 2A and 2B count as 19 and 18."""
    number = int(first_13.replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97


@dataclass(frozen=True, slots=True)
class PatientIdentifier:
    """One identifier of a patient: ``root`` is the OID of the authority, ``extension`` the value."""

    root: str
    extension: str

    @property
    def is_ins(self) -> bool:
        """True when the authority is one of the INS."""
        return self.root in INS_OIDS

    @property
    def is_test(self) -> bool:
        """True for the test and demonstration authorities of the INS."""
        return self.root in INS_TEST_OIDS
