"""Dates, telecoms and codes of a CDA in the French that a reader expects."""

import re
from datetime import UTC, datetime, timedelta, timezone

__all__ = ["french_time", "instant_of", "sex", "telecom"]

_TIME = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d{2})(?:(?P<day>\d{2})(?:(?P<hour>\d{2})(?:(?P<minute>\d{2})(?:\d{2}(?:\.\d+)?)?)?)?)?)?"
    r"(?P<zone>[+-]\d{4})?"
)
_SEXES = {"M": "Masculin", "F": "Féminin", "U": "Indéterminé", "UN": "Indéterminé"}
_SCHEMES = {"tel": "Tél. ", "fax": "Fax ", "mailto": "", "http": "http:", "ftp": "ftp:", "https": "https:"}


def french_time(value: str) -> str:
    """``20260310151200+0100`` as ``10/03/2026 à 15:12``, in the local time of the document.

    What is not a CDA time is given back as it is: it is shown, not judged.
    """
    match = _TIME.fullmatch(value)
    if match is None:
        return value
    date = "/".join(part for part in (match["day"], match["month"], match["year"]) if part)
    return f"{date} à {match['hour']}:{match['minute']}" if match["minute"] else date


def instant_of(value: str) -> datetime:
    """A CDA time as an instant with its offset; missing parts are the lowest, a missing or odd offset is UTC.

    What is no time at all gives 1 January 1970, so that the same document always gives the same bytes.
    """
    match = _TIME.fullmatch(value)
    try:
        parts = [int(part) for part in match.group("year", "month", "day", "hour", "minute") if part] if match else []
        padded = (parts + [1970, 1, 1, 0, 0][len(parts) :])[:5]
        year, month, day, hour, minute = padded
        return datetime(year, month, day, hour, minute, tzinfo=_zone(match["zone"] if match else None))
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)


def _zone(text: str | None) -> timezone:
    if not text:
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return timezone(-offset if text[0] == "-" else offset)


def sex(code: str) -> str:
    """The French word for an administrative gender code."""
    return _SEXES.get(code, code)


def telecom(value: str) -> str:
    """``tel:0102030405`` as ``Tél. 0102030405``; empty for an address without anything behind its scheme."""
    scheme, colon, rest = value.partition(":")
    if not colon:
        return value
    return f"{_SCHEMES[scheme.lower()]}{rest}" if scheme.lower() in _SCHEMES and rest else rest and value
