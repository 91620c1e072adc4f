"""Writing HPRIM Médecin, as the strictest readers of the field want it.

Source rules: folder conventions 1.1 to 1.4 and the options of 8.6.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.documents.hprim.dates import french_date
from connector.documents.hprim.encoding import LineEnd, encode
from connector.documents.hprim.model import CodedLine, HprimRecord, HprimResult, nir_is_valid

__all__ = ["HprimOptions", "wrapped", "write_medecin"]

_UNKNOWN = " "  # an empty line is dropped by mail programs that fold blank lines
_NO_CODE = "."  # for line 1: a blank one in front of a header looks like a shifted header
_CODE_COLUMNS = 10
_STARS = re.compile(r"\*{3,}(?=[ \t]*(?:FIN|LAB))|(?<=FIN)\*{2,}|(?<=FICHIER)\*{2,}|(?<=LAB)\*{2,}", re.IGNORECASE)
_LEAST_FIELDS = 3  # behind the type: label, code, kind


@dataclass(frozen=True, slots=True, kw_only=True)
class HprimOptions:
    """How a particular LPS reads HPRIM Médecin."""

    encoding: str = "cp1252"  # a Python codec
    line_end: LineEnd = LineEnd.CRLF
    line_13: bool = False  # an empty line between header and text
    line_1: str = ""  # a fixed mnemonic in place of the patient code
    recipient_code: str = ""  # of line 12, in place of the one in the record
    columns: int = 0  # text is wrapped there; 0 = as it is
    uppercase_names: bool = True  # the surname in capitals
    used_name: bool = False  # for records made from a CDA: the used name instead of the birth name


def write_medecin(records: Sequence[HprimRecord], *, options: HprimOptions | None = None) -> bytes:
    """One file of all records, end tags included.

    Args:
        records: at least one.
        options: how the reader wants it; CP1252 and CRLF unless it says otherwise.

    Raises:
        InvalidSubmission: ``ENCODAGE`` when a character exists neither in the code page nor near to it.
    """
    wanted = options or HprimOptions()
    lines = [line for record in records for line in _record(record, wanted)]
    return encode("\n".join([*lines, "****FINFICHIER****", ""]), wanted.encoding, wanted.line_end)


def _record(record: HprimRecord, options: HprimOptions) -> Iterator[str]:
    yield from _header(record, options)
    if options.line_13:
        yield _UNKNOWN
    yield from _text(record.text, options.columns)
    if record.coded_lines:
        yield "****LAB****"
        yield from map(_coded, record.coded_lines)
    yield "****FIN****"


def _header(record: HprimRecord, options: HprimOptions) -> Iterator[str]:
    family = record.family.upper() if options.uppercase_names else record.family
    lines = (
        options.line_1 or record.patient_code or _NO_CODE, family, record.given, record.address_1, record.address_2,
        f"{record.postcode} {record.town}", french_date(record.birth_date) if record.birth_date else record.birth_raw,
        f"{record.nir[:13]} {record.nir[13:]}" if nir_is_valid(record.nir) else record.nir, record.request_number,
        french_date(record.report_date) if record.report_date else record.report_raw,
    )  # fmt: skip
    yield from (_one_line(line) or _UNKNOWN for line in lines)
    yield _party(record.sender_code, record.sender_name)
    yield _party(options.recipient_code or record.recipient_code, record.recipient_name)


def _party(code: str, name: str) -> str:
    """The code right-aligned in ten columns, then who it is."""
    written = f"{''.join(code.split()):>{_CODE_COLUMNS}} {_one_line(name)}".rstrip()
    return written or _UNKNOWN


def _one_line(text: str) -> str:
    return _harmless(" ".join(text.split()))


def _harmless(line: str) -> str:
    """A line of text that no reader takes for a tag of the format."""
    return _STARS.sub(lambda stars: " ".join(stars[0]), line) if "**" in line else line


def _text(text: str, columns: int) -> Iterator[str]:
    for line in text.split("\n") if text else ():
        yield from map(_harmless, wrapped(line.rstrip(), columns))


def wrapped(line: str, columns: int) -> Sequence[str]:
    """A line that is too long goes on below its own beginning; no word and no number is cut in two.

    Args:
        line: without its end.
        columns: 0 = as it is.
    """
    if not columns or len(line) <= columns:
        return (line,)
    indent = line[: len(line) - len(line.lstrip())][: columns // 2]
    return textwrap.wrap(
        line.strip(), columns, initial_indent=indent, subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def _coded(line: CodedLine) -> str:
    if isinstance(line, HprimResult):
        return _result(line)
    text = _harmless(line.text.rstrip())
    return (f"TEX|{text}" if text else "TEX") if line.is_tex else text


def _result(result: HprimResult) -> str:
    """There is no escape: a bar inside a field becomes a stroke; empty fields at the end are left out."""
    fields = [
        result.label, result.code, result.kind, result.value, result.unit, result.low, result.high, result.flag,
        result.status, result.value_2, result.unit_2, result.low_2, result.high_2,
    ]  # fmt: skip
    while len(fields) > _LEAST_FIELDS and not fields[-1]:
        fields.pop()
    return "|".join(["RES", *(_one_line(value).replace("|", "/") for value in fields)])
