"""What an HPRIM Médecin file holds, as values in the words of the format.

Source rules: folder conventions 1.2 (the twelve header lines) and 1.3 (the coded line). Values are those of the file,
trimmed: nothing is rounded, converted or judged here.
"""

import re
from dataclasses import dataclass, field

from connector.documents.cda.alerts import ALERT_CODES, worst_first
from connector.domain.patient import key_of

__all__ = ["CodedLine", "HprimFile", "HprimRecord", "HprimResult", "HprimText", "nir_is_valid"]

_NIR = re.compile(r"[1-9][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{6}[0-9]{2}")
_NUMBER = re.compile(r"(<=|>=|[<>≤≥])?\s*([+-]?[0-9]+(?:[.,][0-9]+)?)")
_BOTH_BOUNDS = re.compile(r"([+-]?[0-9]+(?:[.,][0-9]+)?)\s*(?:-|–|à|a|/)\s*([+-]?[0-9]+(?:[.,][0-9]+)?)")
_COMPARATORS = {"≤": "<=", "≥": ">="}


@dataclass(frozen=True, slots=True, kw_only=True)
class HprimResult:
    """One line ``RES|``: what each field says, trimmed and otherwise untouched."""

    label: str
    code: str = ""
    kind: str = ""  # N numeric, A alphanumeric, C code, T text
    value: str = ""
    unit: str = ""
    low: str = ""
    high: str = ""
    flag: str = ""  # L, H, LL, HH, N; AA is met too
    status: str = ""  # F validated, R not validated, C corrected
    value_2: str = ""  # the same result in a second unit
    unit_2: str = ""
    low_2: str = ""
    high_2: str = ""

    @property
    def number(self) -> str | None:
        """The value with a decimal point, without its comparator; nothing when it is no number."""
        found = _NUMBER.fullmatch(self.value)
        return found[2].replace(",", ".") if found else None

    @property
    def comparator(self) -> str:
        """``<``, ``>``, ``<=``, ``>=`` in front of a number, or nothing."""
        found = _NUMBER.fullmatch(self.value)
        return _COMPARATORS.get(found[1], found[1] or "") if found else ""

    @property
    def bounds(self) -> tuple[str, str]:
        """Low and high normal with decimal points; both may stand in the field of the lower one."""
        both = _BOTH_BOUNDS.fullmatch(self.low) if not self.high else None
        low, high = (both[1], both[2]) if both else (self.low, self.high)
        return low.replace(",", "."), high.replace(",", ".")

    @property
    def is_alert(self) -> bool:
        """True for AA, HH and LL: it must be seen at once."""
        return self.flag.upper() in ALERT_CODES


@dataclass(frozen=True, slots=True)
class HprimText:
    """Any other line of the coded part: one for people (``TEX``), or one that we do not know."""

    text: str
    is_tex: bool = True


CodedLine = HprimResult | HprimText


@dataclass(frozen=True, slots=True, kw_only=True)
class HprimRecord:
    """One record: a patient and a report. An item that the sender does not know is empty."""

    patient_code: str = ""
    family: str
    given: str
    address_1: str = ""
    address_2: str = ""
    postcode: str = ""
    town: str = ""
    birth_date: str | None = None  # YYYY-MM-DD, when it is certain
    birth_raw: str = field(default="", compare=False)  # line 7 as written
    nir: str = ""  # without blanks, key included; unchecked
    request_number: str = ""
    report_date: str | None = None  # YYYY-MM-DD
    report_raw: str = field(default="", compare=False)  # line 10 as written
    sender_code: str = ""
    sender_name: str = ""
    recipient_code: str = ""
    recipient_name: str = ""
    text: str = field(default="", repr=False)  # lines end with a line feed, none at the end
    coded_lines: tuple[CodedLine, ...] = field(default=(), repr=False)  # everything behind ``****LAB****``, in order
    raw: str = field(default="", repr=False, compare=False)  # the whole record as decoded, without its end tag
    warnings: tuple[str, ...] = field(default=(), compare=False)  # codes of the catalogue

    @property
    def coded(self) -> tuple[HprimResult, ...]:
        """The results: the lines ``RES|``."""
        return tuple(line for line in self.coded_lines if isinstance(line, HprimResult))

    @property
    def tex(self) -> str:
        """The text as the coded part repeats it (``TEX|``); lines end with a line feed."""
        lines = (line.text for line in self.coded_lines if isinstance(line, HprimText) and line.is_tex)
        return "\n".join(lines)

    @property
    def nir_is_valid(self) -> bool:
        """True for 15 characters whose key fits."""
        return nir_is_valid(self.nir)

    @property
    def alerts(self) -> tuple[str, ...]:
        """Those of AA, HH, LL that a result has."""
        return worst_first(result.flag.upper() for result in self.coded)

    @property
    def is_alert(self) -> bool:
        """True when a result must be seen at once (AA, HH, LL)."""
        return bool(self.alerts)


def nir_is_valid(nir: str) -> bool:
    """True for the 15 characters of a NIR whose key fits; Corsica included.

    >>> nir_is_valid("199017599999849")
    True
    """
    return bool(_NIR.fullmatch(nir)) and int(nir[13:]) == key_of(nir[:13])


@dataclass(frozen=True, slots=True, kw_only=True)
class HprimFile:
    """A file of records."""

    records: tuple[HprimRecord, ...]
    encoding: str  # the Python codec that it was read with
    is_closed: bool  # ``****FINFICHIER****`` is there
    warnings: tuple[str, ...] = ()  # codes of the catalogue: of the file and of its records, each once
