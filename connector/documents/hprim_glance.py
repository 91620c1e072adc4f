"""Whom an HPRIM Médecin file is about, and which alerts it holds: a glance, not a reading of the results.

Source rule: HPRIM Médecin as met in the field (12 header lines, ``****LAB****``, ``RES|`` with the flag in its ninth
field). Nothing here fails: what cannot be understood is absent.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from connector.documents.cda.alerts import worst_first

__all__ = ["HprimGlance", "hprim_glance"]

MAX_RECORDS = 200
MAX_BYTES = 4 << 20  # of a file that is looked at; a longer one is only looked at that far

_END = re.compile(rb"^\*{4}FIN\*{3,4}[ \t]*$", re.MULTILINE)
_END_OF_FILE = re.compile(rb"^\*{4}FINFICHIER\*{3,4}[ \t]*$", re.MULTILINE)
_CODED = re.compile(rb"^\*{4}LAB\*{3,4}[ \t]*$", re.MULTILINE)
_DATE = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})|(\d{4})-(\d{2})-(\d{2})")
_NIR = re.compile(r"[1-9]\d{4}(?:\d{2}|2[AB])\d{6}\d{2}")
_FLAG_FIELD = 8  # the ninth
_CODE_PAGES = ("cp1252", "cp850", "mac_roman")


@dataclass(frozen=True, slots=True, kw_only=True)
class HprimGlance:
    """One record. Names are told in every code page in which they can be read, as none is ever named."""

    families: tuple[str, ...] = ()
    givens: tuple[str, ...] = ()
    birth_date: str = ""  # YYYYMMDD, when it is certain
    nir: str = ""  # 15 characters, unverified
    alerts: tuple[str, ...] = ()  # of AA, HH, LL


def hprim_glance(data: bytes) -> tuple[HprimGlance, ...]:
    """The records of a file, in order.

    Args:
        data: HPRIM Médecin in any single-byte code page or UTF-8, any line ends.
    """
    text = data[:MAX_BYTES].removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    body = _END_OF_FILE.split(text, maxsplit=1)[0]
    records = [record for record in _END.split(body, maxsplit=MAX_RECORDS) if record.strip(b" \n\t\x1a\x00")]
    return tuple(_record(record, is_first=not number) for number, record in enumerate(records[:MAX_RECORDS]))


def _record(record: bytes, *, is_first: bool) -> HprimGlance:
    header, *coded = _CODED.split(record, maxsplit=1)
    lines = (header if is_first else header.removeprefix(b"\n")).split(b"\n", 14)[:14]
    family, given, birth, nir = _header_lines([line.strip(b" \t\x00") for line in lines])
    return HprimGlance(
        families=_readings(family), givens=_readings(given), birth_date=_date(birth), nir=_nir(nir),
        alerts=_alerts(b"".join(coded)),
    )  # fmt: skip


def _header_lines(lines: Sequence[bytes]) -> tuple[bytes, bytes, bytes, bytes]:
    """Lines 2, 3, 7 and 8; an empty first line that shifts the header by one is dropped."""
    padded = [*lines, *[b""] * 14]
    if not padded[0] and (not padded[1] or b"/" not in padded[9]):
        padded = padded[1:]
    return padded[1], padded[2], padded[6], padded[7]


def _readings(raw: bytes) -> tuple[str, ...]:
    """A name, or what it may be; a dot or a blank stands for unknown."""
    if not raw.strip(b". "):
        return ()
    try:
        return (raw.decode("utf-8"),)
    except UnicodeDecodeError:
        return tuple(dict.fromkeys(raw.decode(page, "replace") for page in _CODE_PAGES))


def _date(raw: bytes) -> str:
    """Eight digits; two-digit years and months that do not exist stay unknown."""
    found = _DATE.fullmatch(raw.decode("latin-1").strip())
    if found is None:
        return ""
    day, month, year = (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
    return f"{year}{int(month):02}{int(day):02}" if 1 <= int(month) <= 12 and 1 <= int(day) <= 31 else ""


def _nir(raw: bytes) -> str:
    bare = re.sub(r"[\s.]", "", raw.decode("latin-1")).upper()
    return bare if _NIR.fullmatch(bare) else ""


def _alerts(coded: bytes) -> tuple[str, ...]:
    rows = (line.split(b"|", _FLAG_FIELD + 1) for line in coded.split(b"\n") if line.startswith(b"RES|"))
    flags = (row[_FLAG_FIELD].strip().upper() for row in rows if len(row) > _FLAG_FIELD)
    return worst_first(flag.decode("latin-1") for flag in flags)
