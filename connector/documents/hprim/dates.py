"""Dates as laboratories write them.

Source rule: folder conventions 1.2, lines 7 and 10. What is not certain is unknown, never guessed: a month above 12
(births without a register) gives no date.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

__all__ = ["birth_date", "french_date", "holds_date", "report_date"]

_BLANKS = " \t."
_NUMERIC = re.compile(r"(?<![0-9])([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![0-9])")
_ISO = re.compile(r"(?<![0-9])([0-9]{4})([-/])([0-9]{1,2})\2([0-9]{1,2})(?![0-9])")
_NAMED = re.compile(r"(?<![0-9])([0-9]{1,2})(?:er)?[ -]([A-Za-zéûÉÛ]{3,9})\.?[ -]([0-9]{4})(?![0-9])")
_PACKED = re.compile(r"[0-9]{8}")
_MONTHS = {
    "jan": 1, "fev": 2, "mar": 3, "avr": 4, "mai": 5, "jun": 6, "juin": 6, "jul": 7, "juil": 7, "aou": 8, "sep": 9,
    "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_PLAIN = str.maketrans("éûÉÛ", "eueu")


def birth_date(raw: str, year: int | None = None) -> str | None:
    """Line 7 as ``YYYY-MM-DD``.

    Args:
        raw: the line; ``JJ/MM/AAAA``, ``JJ/MM/AA``, ``AAAA-MM-JJ``, ``1 JAN 1911``, eight digits.
        year: the latest year that two digits may mean; the current one when it is not given.
    """
    text = raw.strip(_BLANKS)
    whole = next((found for found in _readings(text, year) if found[0] == text), None)
    return whole[1] if whole else _packed(text)


def report_date(raw: str, year: int | None = None) -> str | None:
    """The first date inside line 10, as ``YYYY-MM-DD``: real files hold ``M-5128-23/10/06``."""
    found = next((iso for _, iso in _readings(raw, year) if iso), None)
    return found or _packed(raw.strip(_BLANKS))


def holds_date(raw: str) -> bool:
    """True when a line holds something written like a date, even with a month that does not exist."""
    return any(pattern.search(raw) for pattern in (_NUMERIC, _ISO)) or report_date(raw) is not None


def french_date(iso: str) -> str:
    """``JJ/MM/AAAA`` of an ISO date.

    >>> french_date("1999-01-17")
    '17/01/1999'
    """
    return f"{iso[8:10]}/{iso[5:7]}/{iso[:4]}"


def _readings(text: str, year: int | None) -> Iterator[tuple[str, str | None]]:
    """Everything in a text that is written like a date, and the date when it exists."""
    for found in _NUMERIC.finditer(text):
        yield found[0], _iso(_full_year(found[4], year), int(found[3]), int(found[1]))
    for found in _ISO.finditer(text):
        yield found[0], _iso(int(found[1]), int(found[3]), int(found[4]))
    for found in _NAMED.finditer(text):
        yield found[0], _iso(int(found[3]), _month(found[2]), int(found[1]))


def _full_year(written: str, year: int | None) -> int:
    if len(written) == 4:
        return int(written)
    latest = year or datetime.now(UTC).year
    century = latest - latest % 100
    return century + int(written) - (100 if int(written) > latest % 100 else 0)


def _month(name: str) -> int:
    plain = name.translate(_PLAIN).lower()
    return _MONTHS.get(plain[:4]) or _MONTHS.get(plain[:3]) or 0


def _packed(text: str) -> str | None:
    """Eight digits, when only one of the two orders makes a date that a person may have."""
    if not _PACKED.fullmatch(text):
        return None
    readings = (
        _iso(int(text[4:]), int(text[2:4]), int(text[:2])), _iso(int(text[:4]), int(text[4:6]), int(text[6:])),
    )  # fmt: skip
    likely = [iso for iso in readings if iso and "1850" < iso < "2200"]
    return likely[0] if len(likely) == 1 else None


def _iso(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None
