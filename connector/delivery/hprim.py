"""HPRIM for one software: received files as it reads them, and records made from CDA documents. Pure.

Source rules: lps-folder-conventions 1.3, 1.4 and 8.6. A received file is only written anew when the result says the
same, item by item; else every byte stays as it came.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from connector.documents.hprim.medecin import read_medecin, split_records
from connector.documents.hprim.model import HprimFile, HprimRecord
from connector.documents.hprim.sante import split_patients
from connector.documents.hprim.synthesis import hprim_from_cda
from connector.documents.hprim.writing import HprimOptions, write_medecin
from connector.documents.recognise import FileKind, recognise
from connector.domain.errors import InvalidSubmission
from connector.domain.submission import DocumentAction
from connector.exchange.arrival import Arrival, ArrivalDocument, ArrivalPart, PartRole
from connector.exchange.identity import agree
from connector.settings.lps import HprimSynthesis, LpsOptions

__all__ = ["GivenHprim", "given_hprim", "made_hprim"]

_UNICODE = "utf-8-sig"


@dataclass(frozen=True, slots=True)
class GivenHprim:
    """A file of results."""

    content: bytes = field(repr=False)
    encoding: str = ""  # when we wrote it


def given_hprim(part: ArrivalPart, options: LpsOptions, year: int) -> Sequence[GivenHprim]:
    """A received file, as one or several.

    Args:
        part: as it came.
        options: whether it is cut, and written anew.
        year: of the arrival: the latest that two digits may mean.
    """
    return [_rewritten(content, options, year) for content in _cut(part, options)]


def _cut(part: ArrivalPart, options: LpsOptions) -> Sequence[bytes]:
    """A file for each record (HPRIM Médecin) or patient (HPRIM Santé) of one that holds several patients.

    One that cannot be read stays whole.
    """
    content = part.content
    if not options.hprim_separe or len(part.patients) == 1:
        return (content,)
    split = split_patients if recognise(content) is FileKind.HPRIM_SANTE else split_records
    try:
        return split(content) or (content,)
    except InvalidSubmission:
        return (content,)


def _rewritten(content: bytes, options: LpsOptions, year: int) -> GivenHprim:
    """Written as the options say, when it then still says the same."""
    if not options.hprim_reecrit or recognise(content) is not FileKind.HPRIM_MEDECIN:
        return GivenHprim(content)
    wanted = _writing(options)
    try:
        read = read_medecin(content, year=year)
        if read.warnings:  # of what was guessed or repaired the software shall judge itself
            return GivenHprim(content)
        written = write_medecin(read.records, options=wanted)
        again = read_medecin(written, year=year)
    except InvalidSubmission:
        return GivenHprim(content)
    return GivenHprim(written, wanted.encoding) if _says_the_same(read, again, wanted) else GivenHprim(content)


def _says_the_same(one: HprimFile, other: HprimFile, wanted: HprimOptions) -> bool:
    return [_essence(record, wanted) for record in one.records] == [_essence(r, wanted) for r in other.records]


def _essence(record: HprimRecord, wanted: HprimOptions) -> HprimRecord:
    """What must not change: all but the items that the options set, the capitals of the name and the line breaks."""
    return replace(
        record,
        patient_code=wanted.line_1 or record.patient_code,
        recipient_code=wanted.recipient_code or record.recipient_code,
        family=record.family.upper(),
        text=" ".join(record.text.split()) if wanted.columns else record.text,
    )


def made_hprim(
    arrival: Arrival, options: LpsOptions, owner_name: str, warnings: list[str]
) -> Iterator[tuple[ArrivalDocument, GivenHprim]]:
    """Records made from CDA documents, each a file.

    A document that withdraws an earlier one becomes none: it is no result.

    Args:
        arrival: the message.
        options: when, and how written.
        owner_name: line 12.
        warnings: gets ``HPRIM_NON_FABRIQUE`` for a document of which none can be made.
    """
    if options.hprim_synthese is HprimSynthesis.NEVER:
        return
    for document in arrival.documents:
        is_told = options.hprim_synthese is HprimSynthesis.WHEN_ABSENT and _has_result(arrival, document)
        if is_told or document.action is DocumentAction.DELETE:
            continue
        try:
            yield document, _made(document, options, owner_name)
        except InvalidSubmission:
            warnings.append("HPRIM_NON_FABRIQUE")


def _has_result(arrival: Arrival, document: ArrivalDocument) -> bool:
    """True when a result came about the same patient, or about nobody that we could read."""
    results = (part for part in arrival.parts if part.role is PartRole.HPRIM)
    of = document.patient
    return any(not part.patients or (of and any(agree(of, one) for one in part.patients)) for part in results)


def _made(document: ArrivalDocument, options: LpsOptions, owner_name: str) -> GivenHprim:
    wanted = _writing(options)
    record = hprim_from_cda(
        document.header, document.content, owner_code=wanted.recipient_code, owner_name=owner_name, options=wanted
    )
    try:
        return GivenHprim(write_medecin([record], options=wanted), wanted.encoding)
    except InvalidSubmission as error:
        if error.code != "ENCODAGE":
            raise
    return GivenHprim(write_medecin([record], options=replace(wanted, encoding=_UNICODE)), _UNICODE)


def _writing(options: LpsOptions) -> HprimOptions:
    return HprimOptions(
        encoding=options.encodage, line_end=options.fin_de_ligne, line_13=options.ligne_13, line_1=options.ligne1,
        recipient_code=options.code_destinataire, columns=options.colonnes, used_name=options.nom_utilise,
    )  # fmt: skip
