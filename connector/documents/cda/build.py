"""A CDA R2 document of level 1 around a file, clean against the French schema and schematrons.

Source rules: HL7 CDA R2 (order of the elements); CI-SIS "Structuration minimale de documents de santé" 1.16; IHE
ITI-XDS-SD for the body. What is written is what :func:`connector.documents.cda.parse.parse_cda` reads back.

Author, legal authenticator and performer of the act are one professional, custodian and place of the act one
structure: that is what a practice or a laboratory can say of a file that comes without a header. No signature is
made: in exchange by mail the legal authenticator is declared (``signatureCode`` S).
"""

import base64
from collections.abc import Iterable
from datetime import datetime

from lxml import etree

from connector.documents.cda.model import Code, InstanceId
from connector.documents.cda.parse import HL7_V3
from connector.documents.cda.request import Moment, N1Author, N1Patient, N1Request, N1Structure, one_line
from connector.documents.cda.request_check import refuse_unusable
from connector.documents.xml import SafeElement

__all__ = ["build_n1"]

_TEMPLATES = ("2.16.840.1.113883.2.8.2.1", "1.2.250.1.213.1.1.1.1", "1.3.6.1.4.1.19376.1.2.20")
"""HL7 France, CI-SIS header, unstructured body; a level 1 document has these three and no other."""

_CONFIDENTIALITY_SYSTEM = "2.16.840.1.113883.5.25"
_CONFIDENTIALITY = {"N": "Normal", "R": "Restreint", "V": "Très restreint"}
_GENDER_SYSTEM = "2.16.840.1.113883.5.1"
_GENDERS = {"M": "Masculin", "F": "Féminin", "UN": "Inconnu"}


def build_n1(request: N1Request) -> bytes:
    """The document, in UTF-8; the same request always gives the same bytes.

    Raises:
        InvalidSubmission: ``PATIENT_INCOMPLET``, ``INS_SANS_TRAITS``, ``DOCUMENT_INCOMPLET``, ``TEXTE_INTERDIT``.
    """
    refuse_unusable(request)
    root = etree.Element(f"{{{HL7_V3}}}ClinicalDocument", nsmap={None: HL7_V3})
    _identification(root, request)
    _record_target(root, request.patient)
    _author(root, request)
    _custodian(root, request.structure)
    _legal_authenticator(root, request)
    for order in request.orders:
        _instance_id(_sub(_sub(root, "inFulfillmentOf"), "order"), "id", order)
    _act(root, request)
    if request.replaces:
        related = _sub(root, "relatedDocument", typeCode="RPLC")
        _instance_id(_sub(related, "parentDocument"), "id", request.replaces)
    _encounter(root, request)
    body = _sub(_sub(root, "component"), "nonXMLBody")
    text = _sub(body, "text", mediaType=request.body.media_type, representation="B64")
    text.text = base64.b64encode(request.body.content).decode("ascii")
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


# --- small elements -----------------------------------------------------------------------------------------------


def _sub(parent: SafeElement, name: str, **attributes: str) -> SafeElement:
    return etree.SubElement(parent, f"{{{HL7_V3}}}{name}", {key: text for key, text in attributes.items() if text})


def _text(parent: SafeElement, name: str, text: str, **attributes: str) -> None:
    if line := one_line(text):
        _sub(parent, name, **attributes).text = line


def _instance_id(parent: SafeElement, name: str, identifier: InstanceId) -> None:
    _sub(parent, name, root=identifier.root, extension=one_line(identifier.extension))


def _code(parent: SafeElement, name: str, code: Code) -> None:
    _sub(parent, name, code=code.code, displayName=one_line(code.display_name), codeSystem=code.code_system)


def _telecoms(parent: SafeElement, telecoms: Iterable[str]) -> None:
    for telecom in telecoms:
        _sub(parent, "telecom", value=telecom)


def _address(parent: SafeElement, lines: Iterable[str]) -> None:
    written = [line for line in map(one_line, lines) if line]
    if written:
        address = _sub(parent, "addr")
        for line in written:
            _text(address, "streetAddressLine", line)


def _time(moment: Moment) -> str:
    """``YYYYMMDD``, or ``YYYYMMDDhhmmss+ZZzz``; the year has four digits whatever the platform does."""
    day = f"{moment.year:04}{moment.month:02}{moment.day:02}"
    return f"{day}{moment:%H%M%S%z}"[:19] if isinstance(moment, datetime) else day


# --- parts of the header, in the order of the schema --------------------------------------------------------------


def _identification(root: SafeElement, request: N1Request) -> None:
    _sub(root, "realmCode", code="FR")
    _sub(root, "typeId", root="2.16.840.1.113883.1.3", extension="POCD_HD000040")
    for template in _TEMPLATES:
        _sub(root, "templateId", root=template)
    _instance_id(root, "id", request.id)
    _code(root, "code", request.type)
    _text(root, "title", request.title)
    _sub(root, "effectiveTime", value=_time(request.created))
    level = request.confidentiality
    _code(root, "confidentialityCode", Code(level, _CONFIDENTIALITY_SYSTEM, _CONFIDENTIALITY[level]))
    _sub(root, "languageCode", code=request.language)
    _instance_id(root, "setId", request.set_id)
    _sub(root, "versionNumber", value=str(request.version))


def _record_target(root: SafeElement, patient: N1Patient) -> None:
    role = _sub(_sub(root, "recordTarget"), "patientRole")
    if ins := patient.written_ins:
        _sub(role, "id", root=ins.oid, extension=ins.value)
    for identifier in patient.ids:
        if not identifier.is_ins:  # a matricule comes as ``ins``, with what says whether it may leave
            _sub(role, "id", root=identifier.root, extension=one_line(identifier.extension))
    _address(role, patient.address_lines)
    _telecoms(role, patient.telecoms)
    person = _sub(role, "patient", classCode="PSN")
    _patient_name(_sub(person, "name"), patient)
    _code(person, "administrativeGenderCode", Code(patient.gender, _GENDER_SYSTEM, _GENDERS[patient.gender]))
    if patient.birth_date:
        _sub(person, "birthTime", value=_time(patient.birth_date))
    if patient.birth_place:
        place = _sub(_sub(person, "birthplace"), "place")
        _text(_sub(place, "addr"), "county", patient.birth_place)


def _patient_name(name: SafeElement, patient: N1Patient) -> None:
    """Qualifier BR: of birth; CL: in use; the first names without qualifier are all those of birth."""
    _text(name, "family", patient.birth_family, qualifier="BR")
    _text(name, "given", " ".join(filter(None, map(one_line, patient.all_given))))
    _text(name, "given", patient.first_given, qualifier="BR")
    _text(name, "family", patient.used_family, qualifier="CL")
    _text(name, "given", patient.used_given, qualifier="CL")


def _author(root: SafeElement, request: N1Request) -> None:
    author = _sub(root, "author")
    _sub(author, "time", value=_time(request.created))
    _entity(_sub(author, "assignedAuthor"), request.author, request.structure)


def _entity(parent: SafeElement, author: N1Author, structure: N1Structure, *, with_setting: bool = False) -> None:
    """The professional in the structure: the content of assignedAuthor and of assignedEntity."""
    _instance_id(parent, "id", author.id)
    if author.specialty:
        _code(parent, "code", author.specialty)
    _telecoms(parent, author.telecoms)
    name = _sub(_sub(parent, "assignedPerson"), "name")
    _text(name, "prefix", author.prefix)
    _text(name, "given", author.given)
    _text(name, "family", author.family)
    _text(name, "suffix", author.suffix)
    organization = _sub(parent, "representedOrganization")
    _organization(organization, structure)
    if with_setting:
        _code(organization, "standardIndustryClassCode", structure.setting)


def _organization(parent: SafeElement, structure: N1Structure) -> None:
    _instance_id(parent, "id", structure.id)
    _text(parent, "name", structure.name)
    _telecoms(parent, structure.telecoms)
    _address(parent, structure.address_lines)


def _custodian(root: SafeElement, structure: N1Structure) -> None:
    custodian = _sub(_sub(root, "custodian"), "assignedCustodian")
    keeper = _sub(custodian, "representedCustodianOrganization")
    _instance_id(keeper, "id", structure.id)
    _text(keeper, "name", structure.name)
    _telecoms(keeper, structure.telecoms[:1])  # the schema allows one here
    _address(keeper, structure.address_lines)


def _legal_authenticator(root: SafeElement, request: N1Request) -> None:
    authenticator = _sub(root, "legalAuthenticator")
    _sub(authenticator, "time", value=_time(request.created))
    _sub(authenticator, "signatureCode", code="S")
    _entity(_sub(authenticator, "assignedEntity"), request.author, request.structure)


def _act(root: SafeElement, request: N1Request) -> None:
    event = _sub(_sub(root, "documentationOf"), "serviceEvent")
    _interval(event, request)
    performer = _sub(event, "performer", typeCode="PRF")
    _entity(_sub(performer, "assignedEntity"), request.author, request.structure, with_setting=True)


def _encounter(root: SafeElement, request: N1Request) -> None:
    encounter = _sub(_sub(root, "componentOf"), "encompassingEncounter")
    if request.encounter:
        _code(encounter, "code", request.encounter)
    _interval(encounter, request)
    _code(_sub(_sub(encounter, "location"), "healthCareFacility"), "code", request.structure.facility)


def _interval(parent: SafeElement, request: N1Request) -> None:
    time = _sub(parent, "effectiveTime")
    _sub(time, "low", value=_time(request.act_start))
    if request.act_end is not None:
        _sub(time, "high", value=_time(request.act_end))
