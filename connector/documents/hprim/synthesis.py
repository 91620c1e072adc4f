"""An HPRIM Médecin record made from a CDA document, for an LPS that reads nothing else.

Source rules: folder conventions 8.6 (header from the CDA header, narrative as text, coded part only when every value
maps; line 11 the author's organisation, line 12 the owner of the mailbox) and 1.2 (a matricule that is no qualified
INS is never written).
"""

import re
import textwrap
from collections.abc import Sequence
from datetime import date

from connector.documents.cda.model import AssignedEntity, CdaDocument, PatientRole
from connector.documents.cda.parse import clinical_document
from connector.documents.hprim.coded import coded_results
from connector.documents.hprim.dates import french_date
from connector.documents.hprim.encoding import decode
from connector.documents.hprim.model import CodedLine, HprimRecord, HprimResult, HprimText
from connector.documents.hprim.plain import text_of_blocks
from connector.documents.hprim.writing import HprimOptions
from connector.documents.pdf.body import body_blocks
from connector.documents.xml import SafeElement
from connector.domain.errors import InvalidSubmission
from connector.domain.patient import INS_NIA, MatriculeINS

__all__ = ["hprim_from_cda"]

_CODE_CHARS = 10  # lines 1, 9 and the codes of lines 11 and 12
_CODE = re.compile(r"[A-Za-z0-9_/-]{1,10}")
_TOWN = re.compile(r"([0-9][0-9AB][0-9]{3})\s+(\S.*)")
_COLUMNS = 80
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def hprim_from_cda(
    document: CdaDocument, xml: bytes, *, owner_code: str, owner_name: str, options: HprimOptions | None = None
) -> HprimRecord:
    """The record.

    Args:
        document: the header of ``xml``.
        xml: the document.
        owner_code: by which the LPS knows the owner of the mailbox.
        owner_name: who that is.
        options: ``used_name``, ``columns`` (80 unless it says otherwise) and ``recipient_code`` are obeyed here.

    Raises:
        InvalidSubmission: ``CDA_INVALIDE``, ``XML_INVALIDE``, ``ENCODAGE``; ``TROP_GROS`` for a huge narrative.
    """
    wanted = options or HprimOptions()
    element = clinical_document(xml)
    patient = document.patient
    address_1, address_2, postcode, town = _address(patient.address_lines)
    sender_code, sender_name = _sender(document)
    text = _text(element, document, wanted.columns or _COLUMNS)
    return HprimRecord(
        patient_code=_patient_code(document), family=_flat(_family(patient, wanted)),
        given=_flat(_given(patient, wanted)), address_1=_flat(address_1), address_2=_flat(address_2),
        postcode=postcode, town=_flat(town), birth_date=_day(patient.birth_time),
        birth_raw=_birth_raw(patient.birth_time), nir=_nir(patient),
        request_number=_request_number(document), report_date=_day(document.effective_time),
        sender_code=sender_code, sender_name=_flat(sender_name),
        recipient_code=wanted.recipient_code or owner_code, recipient_name=_flat(owner_name), text=text,
        coded_lines=_coded(text, coded_results(element, document)),
    )  # fmt: skip


# --- the header ---------------------------------------------------------------------------------------------------


def _flat(text: str) -> str:
    return " ".join(text.split())


def _family(patient: PatientRole, options: HprimOptions) -> str:
    return (patient.used_family if options.used_name else "") or patient.family


def _given(patient: PatientRole, options: HprimOptions) -> str:
    return (patient.used_given if options.used_name else "") or patient.given


def _patient_code(document: CdaDocument) -> str:
    """The patient's number at the sender, when it fits."""
    local = (one.extension for one in document.patient.ids if not one.is_ins)
    return next(filter(_CODE.fullmatch, local), "")


def _request_number(document: CdaDocument) -> str:
    numbers = (identifier.extension for identifier, _ in document.orders)
    return next((number for number in numbers if 0 < len(number) <= _CODE_CHARS), "")


def _nir(patient: PatientRole) -> str:
    """The NIR of a qualified INS whose key fits; an identifier that is no NIR does not go there."""
    ins = patient.ins
    if ins is None or not patient.has_qualified_ins or ins.root == INS_NIA:
        return ""
    try:
        return MatriculeINS.parse(ins.extension, ins.root).value
    except InvalidSubmission:
        return ""


def _day(time: str) -> str | None:
    """``YYYY-MM-DD`` of a CDA time that is exact to the day, when there is such a day."""
    try:
        return date.fromisoformat(_iso(time)).isoformat()
    except ValueError:
        return None


def _iso(time: str) -> str:
    return f"{time[:4]}-{time[4:6]}-{time[6:8]}" if re.match(r"[0-9]{8}", time) else ""


def _birth_raw(time: str) -> str:
    """A date whose day or month is not known or does not exist (``19420000``), as such registers write it."""
    iso = _iso(time)
    return french_date(iso) if iso else ""


def _address(lines: Sequence[str]) -> tuple[str, str, str, str]:
    """Two lines, postcode and town; a country behind the town is left out."""
    place = next((number for number, line in enumerate(lines) if _TOWN.fullmatch(line)), None)
    before = list(lines if place is None else lines[:place])
    found = _TOWN.fullmatch(lines[place]) if place is not None else None
    postcode, town = (found[1], found[2]) if found else ("", "")
    return (before[0] if before else ""), " ".join(before[1:]), postcode, town


def _sender(document: CdaDocument) -> tuple[str, str]:
    """The author's organisation, or whoever keeps the document; its number when that fits in ten columns."""
    entities = [author.entity for author in document.authors]
    with_organization = next((entity for entity in entities if entity.organization), None)
    organization = with_organization.organization if with_organization else None
    if organization is None and document.custodian:
        organization = document.custodian.organization
    if organization is None:
        return "", next(filter(None, map(_person, entities)), "")
    code = next((one.extension for one in organization.ids if _CODE.fullmatch(one.extension)), "")
    return code, organization.name or next(filter(None, map(_person, entities)), "")


def _person(entity: AssignedEntity) -> str:
    name = entity.name
    return " ".join(filter(None, (name.prefix, name.family, name.given))) if name else ""


# --- the report ---------------------------------------------------------------------------------------------------


def _text(element: SafeElement, document: CdaDocument, columns: int) -> str:
    """Title, what it replaces, and the body."""
    title = _flat(document.title or document.code.display_name or "Document de santé")
    replaced = ["Ce document annule et remplace une version précédente."] if document.replaces else []
    titled = textwrap.fill(title, columns, break_long_words=False, break_on_hyphens=False)
    whole = "\n\n".join([titled, *replaced, _body(element, document, columns)])
    return "\n".join(_CONTROL.sub(" ", line).rstrip() for line in whole.rstrip().split("\n"))


def _body(element: SafeElement, document: CdaDocument, columns: int) -> str:
    body = document.body
    if body is not None and body.media_type == "application/pdf":
        return "Compte rendu transmis en pièce jointe (PDF)."
    if body is not None and body.media_type != "text/plain":
        kind = "image" if body.media_type.startswith("image/") else body.media_type
        return f"Compte rendu transmis en pièce jointe ({kind})."
    if body is not None:
        return decode(body.content).text
    return text_of_blocks(body_blocks(element, document), columns)


def _coded(text: str, results: Sequence[HprimResult]) -> tuple[CodedLine, ...]:
    """The text once more, each result behind the line that names it; those that no line names come last."""
    if not results:
        return ()
    lines = text.split("\n")
    behind: dict[int, list[CodedLine]] = {}
    reached = 0  # results come in the order of the text, so a label that occurs twice is met in turn
    for result in results:
        places = (
            number for number in (*range(reached, len(lines)), *range(reached)) if result.label in lines[number]
        )
        place = next(places, len(lines) - 1)
        behind.setdefault(place, []).append(result)
        reached = place if place < len(lines) - 1 else reached
    return tuple(one for number, line in enumerate(lines) for one in (HprimText(line), *behind.get(number, ())))
