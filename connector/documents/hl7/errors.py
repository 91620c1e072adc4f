"""What is wrong with an HL7 v2 message: all of it at once, with the codes of HL7 table 0357 (ERR-3) and the place."""

from dataclasses import dataclass
from enum import IntEnum

from connector.domain.errors import InvalidSubmission

__all__ = ["Err3", "Findings", "Hl7Error", "Hl7Problem"]


class Err3(IntEnum):
    """Condition of ERR-3 (HL7 table 0357), as the ANS volet lists them."""

    ACCEPTED = 0
    SEGMENT_SEQUENCE = 100
    FIELD_MISSING = 101
    DATA_TYPE = 102
    TABLE_VALUE = 103
    CARDINALITY = 198
    OTHER = 199
    MESSAGE_TYPE = 200
    EVENT = 201
    PROCESSING_ID = 202
    VERSION = 203
    UNKNOWN_KEY = 204
    DUPLICATE_KEY = 205
    LOCKED = 206
    APPLICATION = 207

    @property
    def text(self) -> str:
        """The text of the table."""
        return _TEXTS[self]


_TEXTS = {
    Err3.ACCEPTED: "Message accepted",
    Err3.SEGMENT_SEQUENCE: "Segment sequence error",
    Err3.FIELD_MISSING: "Required field missing",
    Err3.DATA_TYPE: "Data type error",
    Err3.TABLE_VALUE: "Table value not found",
    Err3.CARDINALITY: "Non-conformant cardinality",
    Err3.OTHER: "Other HL7 error",
    Err3.MESSAGE_TYPE: "Unsupported message type",
    Err3.EVENT: "Unsupported event code",
    Err3.PROCESSING_ID: "Unsupported processing id",
    Err3.VERSION: "Unsupported version",
    Err3.UNKNOWN_KEY: "Unknown key identifier",
    Err3.DUPLICATE_KEY: "Duplicate key identifier",
    Err3.LOCKED: "Application record locked",
    Err3.APPLICATION: "Application error",
}


@dataclass(frozen=True, slots=True)
class Hl7Problem:
    """One thing that is wrong."""

    code: str  # of the catalogue
    err3: Err3
    location: str  # segment, its occurrence, field: ``PID^1^3``
    detail: str  # one English sentence without patient data
    severity: str = "E"  # ERR-4: E, F, I or W


class Hl7Error(InvalidSubmission):
    """A message that cannot be taken in charge, with everything that is wrong with it.

    Args:
        problems: at least one; the first gives ``code`` and ``detail``.
    """

    def __init__(self, *problems: Hl7Problem) -> None:
        super().__init__(problems[0].code, problems[0].detail)
        self.problems = problems

    @property
    def err3(self) -> Err3:
        """ERR-3 of the first problem."""
        return self.problems[0].err3

    @property
    def location(self) -> str:
        """Place of the first problem."""
        return self.problems[0].location


class Findings:
    """Collects what is wrong with one message, and what was put right, while it is read to its end."""

    def __init__(self) -> None:
        self.problems: list[Hl7Problem] = []
        self._warnings: dict[str, None] = {}

    def add(self, problem: Hl7Problem) -> None:
        """Note something that refuses the message."""
        self.problems.append(problem)

    def warn(self, *codes: str) -> None:
        """Note something that was put right: codes of the catalogue, each kept once."""
        self._warnings.update(dict.fromkeys(codes))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The codes of what was put right, in order."""
        return tuple(self._warnings)

    def check(self) -> None:
        """Refuse the message if anything is wrong.

        Raises:
            Hl7Error: with every problem.
        """
        if self.problems:
            raise Hl7Error(*self.problems)
