"""HPRIM with its PDF as a sending: as it is, or as a document around its text, for correspondents by their codes.

Source rule: HPRIM Médecin 3.0, lines 11 and 12 of the header; HPRIM Santé, field 10 of H. A file with several
patients is divided before (:mod:`connector.intake.split`): here it is refused, and so is a record in which two
patients may be mixed up. What a sidecar says of the patient must not contradict the header.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from connector.documents.hprim.medecin import read_medecin
from connector.documents.hprim.model import HprimRecord
from connector.documents.hprim.sante import read_sante
from connector.documents.hprim.words import record_as_text
from connector.documents.recognise import FileKind, recognise
from connector.domain.limits import Limits
from connector.domain.submission import DocumentAction, FileRole, Recipient, SubmittedFile
from connector.intake.drop import base_name, same_name
from connector.intake.inputs.n1 import Built, Desk, Identity, Words, document_again, document_around
from connector.intake.inputs.understood import Understood
from connector.intake.problem import BadDrop, shape
from connector.intake.sidecar import Sidecar
from connector.settings.model import HprimSending

__all__ = ["understand_hprim"]

_LABORATORY_REPORT = "11502-2"


@dataclass(frozen=True, slots=True)
class _Pair:
    """The file and its copy."""

    text: SubmittedFile
    pdf: SubmittedFile | None


@dataclass(frozen=True, slots=True)
class _Said:
    """What the header of a file says, of either family."""

    recipient_code: str
    reference: str
    record: HprimRecord | None = field(default=None, repr=False)  # HPRIM Médecin only: its text can be shown
    warnings: tuple[str, ...] = ()


def understand_hprim(
    files: Sequence[SubmittedFile], data: Sequence[SubmittedFile], sidecar: Sidecar, desk: Desk, limits: Limits
) -> Understood:
    """What an HPRIM file means.

    Args:
        files: all of the drop.
        data: those that are neither sidecar nor flag.
        sidecar: may name the recipients.
        desk: correspondents, and what making a document needs.
        limits: bounds of reading.

    Raises:
        InvalidSubmission: mostly :class:`BadDrop`.
    """
    text = _the_only_one(data)
    pair = _Pair(text, _copy(text, data))
    said = _read(text, limits)
    _check_patient(said, sidecar)
    recipients = () if sidecar.recipients else (_recipient(said.recipient_code, desk),)
    is_sent_as_it_is = desk.mailbox.outbox.hprim is HprimSending.AS_IT_IS
    understood = (
        _as_it_is(files, said, sidecar) if is_sent_as_it_is
        else _withdrawn(files, pair, sidecar, desk) if sidecar.withdraws
        else _as_document(files, pair, said, sidecar, desk)
    )  # fmt: skip
    return replace(understood, recipients=recipients, reference=said.reference or None)


def _as_it_is(files: Sequence[SubmittedFile], said: _Said, sidecar: Sidecar) -> Understood:
    """A correction says itself that it is one; a result without a document of ours has nothing to withdraw."""
    if sidecar.withdraws:
        raise BadDrop(
            "FORMAT_NON_PRIS_EN_CHARGE", "an HPRIM file that goes as it is cannot withdraw another",
            "Rubrique « options.annule » : un résultat HPRIM parti tel quel ne peut pas être retiré ; "
            "envoyez un résultat corrigé.",
        )  # fmt: skip
    ignored = ("SIDECAR_CLE_IGNOREE",) if sidecar.replaces else ()
    return Understood(files=tuple(files), warnings=(*said.warnings, *ignored))


def _withdrawn(files: Sequence[SubmittedFile], pair: _Pair, sidecar: Sidecar, desk: Desk) -> Understood:
    """The document that was made then goes once more; the result itself does not."""
    document = document_again(base_name(pair.text.name), sidecar.withdraws or "", desk)
    kept = [replace(file, role=FileRole.ORIGINAL) if file in (pair.text, pair.pdf) else file for file in files]
    return Understood(files=(*kept, document), action=DocumentAction.DELETE)


def _as_document(
    files: Sequence[SubmittedFile], pair: _Pair, said: _Said, sidecar: Sidecar, desk: Desk
) -> Understood:
    built = _document(pair, said, sidecar, desk)
    kept = [replace(file, role=FileRole.ORIGINAL) if file is pair.pdf else file for file in files]
    action = DocumentAction.REPLACE if sidecar.replaces else DocumentAction.FIRST
    return Understood(files=(*kept, built.file), action=action, warnings=(*said.warnings, *built.warnings))


def _the_only_one(data: Sequence[SubmittedFile]) -> SubmittedFile:
    texts = [file for file in data if file.role is FileRole.HPRIM]
    if len(texts) > 1:
        raise BadDrop(
            "FORMAT_NON_PRIS_EN_CHARGE", f"{len(texts)} HPRIM files in one drop", "Déposez chaque fichier HPRIM seul."
        )
    return texts[0]


def _copy(text: SubmittedFile, data: Sequence[SubmittedFile]) -> SubmittedFile | None:
    others = [file for file in data if file is not text]
    for file in others:
        if file.role is not FileRole.PDF or same_name(base_name(file.name)) != same_name(base_name(text.name)):
            raise BadDrop(
                "FORMAT_INCONNU", f"role {file.role.value} has no place beside an HPRIM file",
                f"Fichier « {file.name} » : seul le PDF du même nom peut accompagner un fichier HPRIM.",
            )  # fmt: skip
    return next(iter(others), None)


def _read(text: SubmittedFile, limits: Limits) -> _Said:
    if recognise(text.content) is FileKind.HPRIM_SANTE:
        message = read_sante(text.content, limits)
        if len(message.patients) != 1:
            raise _several(len(message.patients))
        return _Said(next(iter(message.receiver), ""), message.file_name, warnings=message.warnings)
    file = read_medecin(text.content, limits)
    if len(file.records) != 1:
        raise _several(len(file.records))
    record = file.records[0]
    if "HPRIM_DEUX_RESULTATS" in record.warnings:
        raise BadDrop(
            "HPRIM_DEUX_RESULTATS", "two coded parts in one record: an end tag is missing",
            "Une balise ****FIN**** manque : deux patients sont peut-être mêlés. Exportez le résultat de nouveau.",
        )  # fmt: skip
    return _Said(record.recipient_code, record.request_number or record.patient_code, record, file.warnings)


def _several(number: int) -> BadDrop:
    return BadDrop(
        "PATIENTS_MULTIPLES", f"{number} patients in one HPRIM file", f"Le fichier HPRIM contient {number} patients."
    )


def _check_patient(said: _Said, sidecar: Sidecar) -> None:
    """Refuse a sidecar about somebody else, by the date: names have spellings, line 8 may be a parent's number."""
    stated = sidecar.patient.birth_date if sidecar.patient else None
    if said.record and said.record.birth_date and stated not in {None, said.record.birth_date}:
        raise BadDrop(
            "PATIENT_DIFFERENT", "the sidecar and the HPRIM header have two different dates of birth",
            "La date de naissance du fichier d'accompagnement n'est pas celle de l'en-tête HPRIM.",
        )  # fmt: skip


def _recipient(code: str, desk: Desk) -> Recipient:
    address = desk.correspondent(code) if code else None
    if address is None:
        raise BadDrop(
            "DESTINATAIRE_INCONNU", "the recipient code of the HPRIM header is not in the table of correspondents",
            f"Le code destinataire de l'en-tête HPRIM ({shape(code)}) n'est pas dans la table des correspondants.",
        )  # fmt: skip
    return Recipient(address)


def _document(pair: _Pair, said: _Said, sidecar: Sidecar, desk: Desk) -> Built:
    """Around the PDF when there is one, else around the text made readable."""
    if said.record is None:
        raise BadDrop(
            "FORMAT_NON_PRIS_EN_CHARGE", "no document is made of HPRIM Santé",
            "Un fichier HPRIM Santé ne part que tel quel : réglez outbox.hprim = « tel_quel ».",
        )  # fmt: skip
    readable = record_as_text(said.record).encode("utf-8")
    name = base_name(pair.text.name)
    shown = pair.pdf or SubmittedFile(f"{name}.txt", FileRole.TEXT, readable, hashlib.sha256(readable).hexdigest())
    said_of_file = next(iter(sidecar.files), None)
    words = Words(
        types=tuple(filter(None, (said_of_file.loinc, said_of_file.type))) if said_of_file else (_LABORATORY_REPORT,),
        title=(said_of_file.title or "") if said_of_file else "",
        date=_day(said.record.report_date),
        replaces=sidecar.replaces or "",
    )
    return document_around(shown, name, _identity(said.record), words, desk)


def _identity(record: HprimRecord) -> Identity:
    """The header says no sex and qualifies nothing, so no matricule leaves with it."""
    return Identity(
        local_number=record.patient_code, birth_family=record.family, all_given=tuple(record.given.split()),
        birth_date=_day(record.birth_date), gender="UN",
    )  # fmt: skip


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
