"""The index of a delivered message, ``<prefix>.mss.json``: what came, from whom, for which patient. Pure.

Source rule: lps-folder-conventions 8.6. It repeats headers and metadata; it never holds clinical content.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connector.documents.cda.model import CdaDocument
from connector.domain.catalogue import explain
from connector.domain.submission import DocumentAction
from connector.exchange.arrival import Arrival, ArrivalDocument, ArrivalPart, ArrivalPerson, PartRole
from connector.exchange.identity import FoundPatient

__all__ = ["IndexedFile", "index_bytes"]

_KINDS = {"professional": "professionnel", "usager": "usager"}
_ACTIONS = {DocumentAction.FIRST: None, DocumentAction.REPLACE: "C", DocumentAction.DELETE: "D"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedFile:
    """One delivered file as the index tells it."""

    name: str
    role: PartRole
    media_type: str
    size_bytes: int
    sha256: str
    original_name: str = ""
    duplicate_of: str = ""  # name of the delivered file that holds the same content
    encoding: str = ""  # of a text
    document: ArrivalDocument | None = None
    part: ArrivalPart | None = None
    source: ArrivalDocument | None = None  # of a file that we made: the document that it says again

    def made_of(self, document: ArrivalDocument) -> "IndexedFile":
        """The same file, made by us from a document."""
        return replace(self, source=document)


def index_bytes(arrival: Arrival, prefix: str, files: Sequence[IndexedFile], warnings: Sequence[str] = ()) -> bytes:
    """The index as UTF-8 JSON; times in ISO 8601 with offset.

    Args:
        arrival: the message.
        prefix: of the names.
        files: as they were delivered.
        warnings: codes of the delivery, besides those of the message.
    """
    values = {
        "version": 1,
        "id": arrival.incoming_id,
        "prefixe": prefix,
        "boite": str(arrival.mailbox),
        "recu_le": _iso(arrival.received_at),
        "expediteur": {
            **_person(arrival.sender),
            "type": _KINDS.get(arrival.sender_kind, arrival.sender_kind),
            **({"ins": arrival.sender_ins} if arrival.sender_ins else {}),
        },
        "destinataires": [_person(person) for person in arrival.recipients],
        "copie": [_person(person) for person in arrival.copies],
        "objet": arrival.subject_display,
        "objet_brut": arrival.subject_raw,
        "date": _iso(arrival.date),
        "message_id": arrival.message_id or None,
        "taille": arrival.size_bytes,
        "patient": _patient(arrival, files),
        "autres_patients": [_mention(patient) for patient in arrival.patients[1:]],
        "alertes": list(arrival.alerts),
        "fichiers": [_file(file, files) for file in files],
        "avertissements": _warnings((*arrival.warnings, *warnings)),
    }
    return (json.dumps(values, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _person(person: ArrivalPerson) -> dict[str, object]:
    return {"adresse": person.address, "nom": person.name or None}


def _warnings(codes: Sequence[str]) -> list[dict[str, str]]:
    return [{"code": code, "texte": explain(code).title_fr} for code in codes]


def _file(file: IndexedFile, files: Sequence[IndexedFile]) -> dict[str, object]:
    values: dict[str, object] = {
        "nom": file.name,
        "role": file.role.value,
        "type_mime": file.media_type,
        "taille": file.size_bytes,
        "sha256": file.sha256,
        "nom_origine": file.original_name or None,
    }
    if file.duplicate_of:
        values["doublon_de"] = file.duplicate_of
    if file.encoding:
        values["encodage"] = file.encoding
    if file.source is not None:
        beside = (one.name for one in files if one.document and one.document.sha256 == file.source.sha256)
        values["fait_de"] = next(beside, file.source.file_name)
    if file.part is not None:
        values |= _of_part(file.part)
    if file.document is not None:
        values["document"] = _document(file.document)
    return values


def _of_part(part: ArrivalPart) -> dict[str, object]:
    """What is only told where there is something to tell."""
    told: dict[str, object] = {
        "transfere": part.forwarded,
        "extrait_du_corps": part.from_body,
        "alertes": list(part.alerts),
        "avertissements": _warnings(part.warnings),
    }
    return {name: value for name, value in told.items() if value}


def _document(document: ArrivalDocument) -> dict[str, object]:
    header = document.header
    return {
        "identifiant": header.id.unique_id,
        "type": {"code": header.code.code, "systeme": header.code.code_system, "libelle": header.code.display_name},
        "titre": header.title,
        "date": header.effective_time,
        "version": header.version,
        "serie": header.set_id.unique_id if header.set_id else None,
        "remplace": header.replaces.unique_id if header.replaces else None,
        "action": _ACTIONS[document.action],
        "relation": {"lien": document.relation.kind.value, "id": document.relation.incoming_id}
        if document.relation
        else None,
        "confidentialite": header.confidentiality.code,
        "masques": list(document.masks),
        "alertes": list(document.alerts),
        "transfere": document.forwarded,
        "metadonnees": dict(document.entry) or None,
        "avertissements": _warnings(document.warnings),
    }


def _patient(arrival: Arrival, files: Sequence[IndexedFile]) -> dict[str, object] | None:
    """The patient of the first document that has one, else of the first result, and where that was found."""
    for file in files:
        if file.document is not None:
            return {"source": "CDA", "fichier": file.name, **_identity(file.document.header)}
        if file.source is not None:
            return {"source": "CDA", "fichier": file.name, **_identity(file.source.header)}
    for file in files:
        if file.part is not None and file.part.patients:
            return {"fichier": file.name, **_mention(file.part.patients[0])}
    return _mention(arrival.patients[0]) if arrival.patients else None


def _mention(patient: FoundPatient) -> dict[str, object]:
    """The same for a patient whom no document names; a NIR in a result is nobody's qualified INS."""
    ins = patient.ins
    return {
        "source": patient.source.value,
        "ins": {"valeur": ins.extension, "oid": ins.root, "qualifiee": patient.is_qualified} if ins else None,
        "identifiants": [{"oid": identifier.root, "valeur": identifier.extension} for identifier in patient.ids],
        "nom_naissance": patient.families[0] if patient.families else None,
        "nom_utilise": None,
        "prenoms": None,
        "prenom": patient.givens[0] if patient.givens else None,
        "naissance": patient.birth_date or None,
        "sexe": patient.gender or None,
        "lieu_naissance": patient.birth_place or None,
    }


def _identity(header: CdaDocument) -> dict[str, object]:
    patient = header.patient
    ins = patient.ins
    return {
        "ins": {"valeur": ins.extension, "oid": ins.root, "qualifiee": patient.has_qualified_ins} if ins else None,
        "identifiants": [{"oid": identifier.root, "valeur": identifier.extension} for identifier in patient.ids],
        "nom_naissance": patient.birth_family or patient.unqualified_family or None,
        "nom_utilise": patient.used_family or None,
        "prenoms": patient.all_given or None,
        "prenom": patient.birth_given or patient.used_given or patient.given or None,
        "naissance": patient.birth_time or None,
        "sexe": patient.gender or None,
        "lieu_naissance": patient.birth_place or None,
    }
