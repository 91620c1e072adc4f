"""An HPRIM file, record by record: what cannot be read, what was guessed, which coded lines mean nothing.

Source rules: HPRIM Médecin 3.0 (twelve header lines, ``RES|``), HPRIM Santé 2 (``H`` … ``L``).
"""

from collections.abc import Iterator

from connector.documents.hprim.medecin import broken_records, read_medecin
from connector.documents.hprim.model import HprimRecord
from connector.documents.hprim.sante import read_sante
from connector.documents.recognise import FileKind, recognise
from connector.domain.errors import InvalidSubmission
from connector.domain.finding import Finding, Severity
from connector.domain.limits import Limits

__all__ = ["hprim_findings"]

_FLAGS = frozenset({"", "L", "H", "LL", "HH", "N", "AA", "A"})
_STATUSES = frozenset({"", "F", "R", "C"})
_NUMERIC = "N"


def hprim_findings(data: bytes, limits: Limits) -> Iterator[Finding]:
    """Everything that is wrong with a file of either family.

    Args:
        data: the file.
        limits: bounds of reading.
    """
    try:
        if recognise(data) is FileKind.HPRIM_SANTE:
            yield from (_warning(code, "") for code in read_sante(data, limits).warnings)
            return
        file = read_medecin(data, limits)
    except InvalidSubmission as error:
        told = broken_records(data, limits) or (error,)
        yield from (Finding(severity=Severity.ERROR, code=one.code, detail=one.detail) for one in told)
        return
    of_records = {code for record in file.records for code in record.warnings}
    yield from (_warning(code, "") for code in file.warnings if code not in of_records)
    for number, record in enumerate(file.records, 1):
        yield from _record(record, f"record {number}")


def _record(record: HprimRecord, where: str) -> Iterator[Finding]:
    yield from (_warning(code, where) for code in record.warnings)
    if not record.recipient_code:
        yield _warning(
            "HPRIM_DESTINATAIRE_ABSENT",
            f"{where}, line 12",
            "the header names no recipient",
            "l'en-tête ne nomme aucun destinataire",
        )
    for number, result in enumerate(record.coded, 1):
        place = f"{where}, RES {number}"
        if not result.label:
            yield _warning("HPRIM_LIGNE", place, "the result has no label", "le résultat n'a pas de libellé")
        if result.kind.upper() == _NUMERIC and result.value and result.number is None:
            detail, french = (
                "the value of a numeric result is no number",
                "la valeur d'un résultat N n'est pas un nombre",
            )
            yield _warning("HPRIM_LIGNE", place, detail, french)
        if result.flag.upper() not in _FLAGS:
            detail = "the flag is none of L, H, LL, HH, N, AA"
            yield _warning("HPRIM_LIGNE", place, detail, "l'indicateur n'est ni L, H, LL, HH, N ni AA")
        if result.status.upper() not in _STATUSES:
            yield _warning("HPRIM_LIGNE", place, "the status is none of F, R, C", "le statut n'est ni F, ni R, ni C")


def _warning(code: str, where: str, detail: str = "", french: str = "") -> Finding:
    return Finding(severity=Severity.WARNING, code=code, where=where, detail=detail, french=french)
