"""Whether a level 1 document can be made of a request: everything that is missing or wrong, named at once.

Places are named by the words of the sidecar and of the settings; values are never repeated.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from unicodedata import combining, normalize

from connector.documents.cda.model import InstanceId
from connector.documents.cda.request import BODY_MEDIA_TYPES, N1Patient, N1Request, one_line
from connector.domain.errors import InvalidSubmission

__all__ = ["refuse_unusable"]

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*))+")
_COG = re.compile(r"(?:\d{2}|2[AB])\d{3}")
_TELECOM = re.compile(r"(?:tel|fax|mailto|https?|ftp):\S+")
_NO_LETTER = re.compile(r"[\W_]+")
_MAX_OID = 64
_MAX_ADDRESS_LINES = 7
_GENDERS = frozenset({"M", "F", "UN"})
_CONFIDENTIALITY = frozenset({"N", "R", "V"})
_PREFIXES = frozenset({"", "M", "MME"})
_SUFFIXES = frozenset({"", "DR", "PR", "MC", "MG", "PC", "PG"})


def refuse_unusable(request: N1Request) -> None:
    """Raise when the request cannot become a document that keeps the rules.

    Raises:
        InvalidSubmission: ``TEXTE_INTERDIT`` (a character that XML cannot hold), ``INS_SANS_TRAITS``,
            ``PATIENT_INCOMPLET``, ``DOCUMENT_INCOMPLET``; the detail names every place.
    """
    for code, places in (
        ("TEXTE_INTERDIT", _unwritable(request)),
        ("PATIENT_INCOMPLET", _patient(request.patient)),
        ("INS_SANS_TRAITS", _traits_of_ins(request.patient)),
        ("DOCUMENT_INCOMPLET", _document(request)),
    ):
        if named := ", ".join(dict.fromkeys(places)):
            raise InvalidSubmission(code, f"missing or wrong: {named}")


def _unwritable(request: N1Request) -> Iterator[str]:
    patient, author, structure = request.patient, request.author, request.structure
    texts = {
        "titre": (request.title,),
        "patient": (
            patient.birth_family, patient.used_family, *patient.all_given, patient.birth_given, patient.used_given,
            *patient.address_lines, *(one.extension for one in patient.ids),
        ),
        "author": (author.family, author.given),
        "structure": (structure.name, *structure.address_lines),
        "ordre": tuple(order.extension for order in request.orders),
    }  # fmt: skip
    return (place for place, values in texts.items() if any(_FORBIDDEN.search(value) for value in values))


def _patient(patient: N1Patient) -> Iterator[str]:
    if not one_line(patient.birth_family):
        yield "patient.nom_naissance"
    if not any(one_line(name) for name in (*patient.all_given, patient.birth_given)):
        yield "patient.prenoms"
    if patient.birth_date is None:
        yield "patient.naissance"
    if patient.gender not in _GENDERS:
        yield "patient.sexe"
    if patient.birth_place and not _COG.fullmatch(patient.birth_place):
        yield "patient.lieu_naissance"
    usable = [one for one in patient.ids if not one.is_ins]
    if not usable and patient.written_ins is None:
        yield "patient.ins"
    if any(not _is_oid(one.root) or not one_line(one.extension) for one in usable):
        yield "patient.identifiant"
    yield from _reachability("patient", patient.telecoms, patient.address_lines)


def _traits_of_ins(patient: N1Patient) -> Iterator[str]:
    """A matricule leaves with all its traits or not at all (Ref#2 ECO.2.4.2)."""
    if patient.written_ins is None:
        return
    if patient.gender not in {"M", "F"}:
        yield "patient.sexe"
    if not patient.birth_place:
        yield "patient.lieu_naissance"
    if not patient.all_given:
        yield "patient.prenoms"
    elif not _letters(" ".join(patient.all_given)).startswith(_letters(patient.first_given)):
        yield "patient.prenom"  # the first birth first name opens the list


def _letters(text: str) -> str:
    plain = "".join(c for c in normalize("NFD", text) if not combining(c))
    return _NO_LETTER.sub(" ", plain).strip().casefold()


def _document(request: N1Request) -> Iterator[str]:
    if not one_line(request.title):
        yield "titre"
    if request.created.tzinfo is None or any(
        isinstance(moment, datetime) and moment.tzinfo is None for moment in (request.act_start, request.act_end)
    ):
        yield "date (zone)"
    if request.version < 1 or (request.version == 1) is not (request.replaces is None):
        yield "version"
    if request.replaces in (request.id, request.set_id):
        yield "remplace"
    identifiers = (request.id, request.set_id, request.replaces, *request.orders)
    if not all(_is_oid(one.root) for one in identifiers if one is not None):
        yield "identifiant"
    if request.confidentiality not in _CONFIDENTIALITY:
        yield "confidentialite"
    if request.body.media_type not in BODY_MEDIA_TYPES or not request.body.content:
        yield "fichier"
    yield from _people(request)


def _people(request: N1Request) -> Iterator[str]:
    author, structure = request.author, request.structure
    if not one_line(author.family):
        yield "author.family"
    if author.prefix not in _PREFIXES:
        yield "author.prefix"
    if author.suffix not in _SUFFIXES:
        yield "author.suffix"
    if not one_line(structure.name):
        yield "structure.name"
    if not _is_full(author.id):
        yield "author.id"
    if not _is_full(structure.id):
        yield "structure.id"
    yield from _reachability("author", author.telecoms, ())
    yield from _reachability("structure", structure.telecoms, structure.address_lines)


def _reachability(owner: str, telecoms: tuple[str, ...], address_lines: tuple[str, ...]) -> Iterator[str]:
    if not all(_TELECOM.fullmatch(telecom) for telecom in telecoms):
        yield f"{owner}.telecom"
    if len(address_lines) > _MAX_ADDRESS_LINES:
        yield f"{owner}.address"


def _is_full(identifier: InstanceId) -> bool:
    return _is_oid(identifier.root) and bool(one_line(identifier.extension))


def _is_oid(text: str) -> bool:
    return len(text) <= _MAX_OID and _OID.fullmatch(text) is not None
