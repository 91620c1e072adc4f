"""Reading HPRIM Médecin: every record of a file, with the tolerances of the field; splitting it, byte for byte.

Source rules: folder conventions 1.1 to 1.4.
"""

import re
from collections.abc import Sequence

from connector.documents.hprim.dates import birth_date, report_date
from connector.documents.hprim.encoding import break_tags_undone, check_size, decode, one_for_one
from connector.documents.hprim.frames import HEADER_LINES, Frame, find_frames, header_shift, is_blank
from connector.documents.hprim.model import (
    CodedLine,
    HprimFile,
    HprimRecord,
    HprimResult,
    HprimText,
    nir_is_valid,
)
from connector.documents.hprim.writing import HprimOptions, write_medecin
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits

__all__ = ["HprimFile", "HprimOptions", "HprimRecord", "HprimResult", "HprimText", "broken_records", "read_medecin",
           "split_records", "write_medecin"]  # fmt: skip

_BLANKS = " \t\u00a0"
_TOWN = re.compile(r"([0-9][0-9AB][0-9]{3})(?![0-9])[ \t]*(.*)")
_FOREIGN_TOWN = re.compile(r"(\S*[0-9]\S*)[ \t]+(\S.*)")
_TITLES = frozenset({
    "CABINET", "CENTRE", "CLINIQUE", "DOCTEUR", "DR", "HOPITAL", "LABO", "LABORATOIRE", "M", "MADAME", "MLLE", "MME",
    "MONSIEUR", "PR", "PROFESSEUR", "SELARL", "SELAS",
})  # fmt: skip
_CODE_COLUMNS = 10
_RES_FIELDS = 13  # behind the type
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_END = "****FIN****"
_END_OF_FILE = "****FINFICHIER****"


def read_medecin(data: bytes, limits: Limits = DEFAULT_LIMITS, *, year: int | None = None) -> HprimFile:
    """Every record of a file, in order.

    Args:
        data: the file, in any encoding and with any line ends that :func:`decode` knows.
        limits: ``max_hprim_bytes`` and ``max_hprim_records``.
        year: the latest year that two digits may mean; the current one when it is not given.

    Raises:
        InvalidSubmission: ``HPRIM_INVALIDE`` (a record without a header), ``ENCODAGE``, ``TROP_GROS``.
    """
    check_size(data, limits)
    decoded = decode(data)
    lines = decoded.text.split("\n")
    frames = find_frames(lines)
    _check_count(len(frames.records), limits)
    records = tuple(_record(lines, frame, number, year) for number, frame in enumerate(frames.records, 1))
    told = [*decoded.warnings, *(["HPRIM_SUITE_IGNOREE"] if frames.has_rest else [])]
    told += [code for record in records for code in record.warnings]
    return HprimFile(
        records=records, encoding=decoded.encoding, is_closed=frames.is_closed, warnings=tuple(dict.fromkeys(told))
    )


def broken_records(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[InvalidSubmission, ...]:
    """Why each record that cannot be read cannot; :func:`read_medecin` tells the first of them.

    Returns:
        Nothing for a good file, and for one that cannot be decoded at all.
    """
    found: list[InvalidSubmission] = []
    try:
        check_size(data, limits)
        lines = decode(data).text.split("\n")
    except InvalidSubmission:
        return ()
    for number, frame in enumerate(find_frames(lines).records[: limits.max_hprim_records], 1):
        try:
            _record(lines, frame, number, None)
        except InvalidSubmission as error:
            found.append(error)
    return tuple(found)


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.max_hprim_records:
        detail = f"the file has {count} records, {limits.max_hprim_records} are allowed"
        raise InvalidSubmission("TROP_GROS", detail)
    if not count:
        raise InvalidSubmission("HPRIM_INVALIDE", "the file holds no record")


# --- one record ---------------------------------------------------------------------------------------------------


def _record(lines: Sequence[str], frame: Frame, number: int, year: int | None) -> HprimRecord:
    own = lines[frame.start : frame.end]
    shift = header_shift(own)
    header = [line.strip(_BLANKS) for line in own[shift : shift + HEADER_LINES]]
    header = ["" if line == "." else line for line in header] + [""] * (HEADER_LINES - len(header))
    coded_at = len(own) if frame.coded is None else frame.coded - frame.start
    if coded_at < shift + HEADER_LINES and coded_at < len(own):
        raise InvalidSubmission("HPRIM_INVALIDE", f"record {number}: the header has not its twelve lines")
    if not (header[1] or header[2]) or len(own) < shift + HEADER_LINES - 2:
        raise InvalidSubmission("HPRIM_INVALIDE", f"record {number}: there is no header with the name of a patient")
    postcode, town = _postcode(header[5])
    born = birth_date(header[6], year)
    nir = re.sub(r"[\s.]", "", header[7]).upper()
    sender, recipient = (_party(own[shift + place : shift + place + 1]) for place in (10, 11))
    return HprimRecord(
        patient_code=header[0], family=header[1], given=header[2], address_1=header[3], address_2=header[4],
        postcode=postcode, town=town, birth_date=born, birth_raw=header[6], nir=nir, request_number=header[8],
        report_date=report_date(header[9], year), report_raw=header[9],
        sender_code=sender[0], sender_name=sender[1], recipient_code=recipient[0], recipient_name=recipient[1],
        text=_without_blank_ends(own[shift + HEADER_LINES : coded_at]),
        coded_lines=_coded(own[coded_at + 1 :]),
        raw="\n".join(own),
        warnings=_record_warnings(frame, shift, born, nir),
    )  # fmt: skip


def _record_warnings(frame: Frame, shift: int, born: str | None, nir: str) -> tuple[str, ...]:
    found = {
        "HPRIM_BALISE_ABSENTE": not frame.is_closed,
        "HPRIM_DEUX_RESULTATS": frame.has_two,
        "HPRIM_EN_TETE_DECALE": bool(shift) and not frame.start,  # blank lines between records are usual
        "HPRIM_NAISSANCE_INCONNUE": born is None,
        "HPRIM_NIR_INVALIDE": bool(nir) and not nir_is_valid(nir),
    }
    return tuple(code for code, holds in found.items() if holds)


def _postcode(line: str) -> tuple[str, str]:
    """Five characters and the rest; a foreign code up to the first blank; else all of it is the town."""
    found = _TOWN.fullmatch(line) or _FOREIGN_TOWN.fullmatch(line)
    return (found[1], found[2]) if found else ("", line)


def _party(lines: Sequence[str]) -> tuple[str, str]:
    """Code and identity of line 11 or 12: the first word, or the first ten columns when they are blank."""
    line = lines[0].rstrip(_BLANKS) if lines else ""
    words = line.split(None, 1)
    if not words or line.strip(_BLANKS) == ".":
        return "", ""
    if is_blank(line[:_CODE_COLUMNS]):
        return "", line.strip(_BLANKS)
    is_identity = line[0] not in _BLANKS and words[0].rstrip(".").upper() in _TITLES
    return ("", line) if is_identity else (words[0], words[1] if len(words) > 1 else "")


def _without_blank_ends(lines: Sequence[str]) -> str:
    """The text; an empty thirteenth header line and blank lines at the end are none of it."""
    first = next((number for number, line in enumerate(lines) if not is_blank(line)), len(lines))
    last = next((number for number in range(len(lines), first, -1) if not is_blank(lines[number - 1])), first)
    return "\n".join(line.rstrip(" \t") for line in lines[first:last])


def _coded(lines: Sequence[str]) -> tuple[CodedLine, ...]:
    end = next((number for number in range(len(lines), 0, -1) if not is_blank(lines[number - 1])), 0)
    return tuple(_coded_line(line.rstrip(" \t")) for line in lines[:end])


def _coded_line(line: str) -> CodedLine:
    kind, _, rest = line.partition("|")
    match kind.strip(_BLANKS).upper():
        case "RES":
            return _result(rest)
        case "TEX":
            return HprimText(rest)
        case _:
            return HprimText(line, is_tex=False)


def _result(rest: str) -> HprimResult:
    """Fields that are cut off at the end are empty."""
    fields = [value.strip(_BLANKS) for value in rest.split("|")[:_RES_FIELDS]]
    label, code, kind, value, unit, low, high, flag, status, value_2, unit_2, low_2, high_2 = (
        fields + [""] * (_RES_FIELDS - len(fields))
    )  # fmt: skip
    return HprimResult(
        label=label, code=code, kind=kind, value=value, unit=unit, low=low, high=high, flag=flag, status=status,
        value_2=value_2, unit_2=unit_2, low_2=low_2, high_2=high_2,
    )  # fmt: skip


# --- splitting ----------------------------------------------------------------------------------------------------


def split_records(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[bytes, ...]:
    """One whole file for each record, in the encoding and with the lines of the original.

    Args:
        data: HPRIM Médecin.
        limits: ``max_hprim_bytes`` and ``max_hprim_records``.

    Returns:
        The file itself when it holds one record; else files whose end tags are there, in order: as many as
        :func:`read_medecin` finds, and about the same patients.

    Raises:
        InvalidSubmission: ``HPRIM_INVALIDE``, ``ENCODAGE``, ``TROP_GROS``.
    """
    check_size(data, limits)
    whole = one_for_one(data)
    lines = _LINE.findall(break_tags_undone(whole.text))
    frames = find_frames([line.rstrip("\r\n") for line in lines]).records
    _check_count(len(frames), limits)
    if len(frames) == 1:
        return (data,)
    end = _line_end(lines)
    return tuple(whole.part(_closed(lines[frame.start : frame.end], end)) for frame in frames)


def _line_end(lines: Sequence[str]) -> str:
    """That of the first line."""
    return lines[0][len(lines[0].rstrip("\r\n")) :] or "\r\n"


def _closed(lines: Sequence[str], end: str) -> str:
    """A file of its own: blank lines in front go, the two end tags are there."""
    kept = lines[header_shift([line.rstrip("\r\n") for line in lines]) :]
    body = "".join(kept)
    closed = body if body.endswith(("\r", "\n")) else body + end
    return f"{closed}{_END}{end}{_END_OF_FILE}{end}"
