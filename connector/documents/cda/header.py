"""The header of a ``ClinicalDocument`` element as values.

Source rule: CI-SIS "Structuration minimale de documents de santé"; what it requires and an older document lacks
is absent in the result, never invented. Extension elements (DICOM ``ps3-20``) are read where the XDS mapping needs
them.
"""

import binascii
import re

from connector.documents.cda.model import (
    AssignedEntity,
    Author,
    CdaDocument,
    Code,
    Custodian,
    InstanceId,
    Organization,
    ParentDocument,
    PatientRole,
    PersonName,
    ServiceEvent,
    UnstructuredBody,
)  # fmt: skip
from connector.documents.xml import SafeElement
from connector.domain.errors import ConnectorError
from connector.domain.patient import PatientIdentifier

__all__ = ["decode_base64", "gaps", "read_header"]

_V3 = "{urn:hl7-org:v3}"
_ACCESSION = "{urn:dicom-org:ps3-20}accessionNumber"
_ADDRESS_LINE = {
    f"{_V3}{name}": line
    for line, names in enumerate(
        (
            ("houseNumber", "houseNumberNumeric", "streetNameType", "streetName"),
            ("additionalLocator", "unitID"),
            ("postBox",),
            ("postalCode", "city"),
            ("country",),
        )
    )
    for name in names
}
"""The line on which each part of an address stands; any other part is a line of its own, as it is written."""

_LINE_BREAK = re.compile(r"\s*[\r\n]\s*")


def read_header(element: SafeElement, *, error: type[ConnectorError]) -> CdaDocument:
    """The header as values.

    Args:
        element: a ``ClinicalDocument``.
        error: what to raise.

    Raises:
        ConnectorError: ``error`` with ``CDA_INVALIDE`` when id, type or patient is absent, or the body is not Base64.
    """
    is_wrapped = element.getparent() is not None
    document_id = _instance_id(_child(element, "id"))
    code = _code(_child(element, "code"))
    roles = [
        role for target in _children(element, "recordTarget") if (role := _child(target, "patientRole")) is not None
    ]
    if document_id is None or code is None or not roles:
        raise error("CDA_INVALIDE", f"the ClinicalDocument has no {', no '.join(gaps(element))}")
    encounter = _path(element, "componentOf", "encompassingEncounter")
    return CdaDocument(
        id=document_id,
        code=code,
        title=_text(_child(element, "title")),
        effective_time=_value(_child(element, "effectiveTime")),
        confidentiality=_code(_child(element, "confidentialityCode")) or Code(""),
        language=_attribute(_child(element, "languageCode"), "code"),
        set_id=_instance_id(_child(element, "setId")),
        version=_version(_child(element, "versionNumber")),
        template_ids=tuple(root for item in _children(element, "templateId") if (root := _attribute(item, "root"))),
        patient=_patient(roles[0]),
        patients_count=len(roles),
        authors=tuple(_author(author) for author in _children(element, "author")),
        custodian=_custodian(element),
        legal_authenticator=_assigned_entity(_path(element, "legalAuthenticator", "assignedEntity")),
        service_events=_service_events(element),
        encounter_code=_code(_child(encounter, "code")),
        facility=_code(_path(encounter, "location", "healthCareFacility", "code")),
        orders=_orders(element),
        parent=_parent(element),
        informant_addresses=_correspondents(element),
        body=_body(element, error),
        is_self_presenting=is_wrapped,
    )


def gaps(element: SafeElement) -> tuple[str, ...]:
    """What a document cannot be read without, and this one lacks: paths below ``ClinicalDocument``."""
    roles = (_child(target, "patientRole") for target in _children(element, "recordTarget"))
    there = {
        "id": _instance_id(_child(element, "id")),
        "code": _code(_child(element, "code")),
        "recordTarget/patientRole": next((role for role in roles if role is not None), None),
    }
    return tuple(path for path, found in there.items() if found is None)


# --- steps through the tree ---------------------------------------------------------------------------------------


def _child(element: SafeElement | None, name: str) -> SafeElement | None:
    return None if element is None else next(element.iterchildren(_V3 + name), None)


def _children(element: SafeElement | None, name: str) -> list[SafeElement]:
    return [] if element is None else list(element.iterchildren(_V3 + name))


def _path(element: SafeElement | None, *names: str) -> SafeElement | None:
    for name in names:
        element = _child(element, name)
    return element


def _attribute(element: SafeElement | None, name: str) -> str:
    return "" if element is None else (element.get(name) or "").strip()


def _value(element: SafeElement | None) -> str:
    return _attribute(element, "value")


def _text(element: SafeElement | None) -> str:
    """The text as the file has it; a line break with the indentation around it is one blank, or nothing at an end."""
    if element is None:
        return ""
    text = (element.text or "") if len(element) == 0 else "".join(element.itertext())
    return _LINE_BREAK.sub(" ", text).strip() if "\n" in text or "\r" in text else text


# --- data types ---------------------------------------------------------------------------------------------------


def _code(element: SafeElement | None) -> Code | None:
    code = _attribute(element, "code")
    if element is None or not code:
        return None
    return Code(code, _attribute(element, "codeSystem"), element.get("displayName") or "")


def _instance_id(element: SafeElement | None) -> InstanceId | None:
    root = _attribute(element, "root")
    return InstanceId(root, _attribute(element, "extension")) if root else None


def _instance_ids(element: SafeElement | None) -> tuple[InstanceId, ...]:
    return tuple(found for item in _children(element, "id") if (found := _instance_id(item)))


def _version(element: SafeElement | None) -> int | None:
    value = _value(element)
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else None


def _person_name(name: SafeElement | None) -> PersonName | None:
    if name is None:
        return None
    family, given = _text(_child(name, "family")), _text(_child(name, "given"))
    if not family and not given:
        family = _text(name).strip()  # an unstructured name
    return PersonName(
        family=family, given=given, prefix=_text(_child(name, "prefix")), suffix=_text(_child(name, "suffix"))
    )


def _telecoms(element: SafeElement | None) -> tuple[str, ...]:
    return tuple(value for item in _children(element, "telecom") if (value := _value(item)))


def _address_lines(element: SafeElement | None) -> tuple[str, ...]:
    """The lines as written, or one for number and street, one for complement, one for postcode and town."""
    address = _child(element, "addr")
    if address is None or not len(address):
        return ()
    lines: list[list[str]] = [[], [], [], [], []]
    written: list[str] = []
    for part in address:
        text = _text(part).strip()
        place = _ADDRESS_LINE.get(str(part.tag))
        if text and place is not None:
            lines[place].append(text)
        elif text:
            written.append(text)
    return tuple(written + [" ".join(words) for words in lines if words])


def _organization(element: SafeElement | None) -> Organization | None:
    if element is None:
        return None
    return Organization(
        ids=_instance_ids(element),
        name=_text(_child(element, "name")),
        standard_industry_class=_code(_child(element, "standardIndustryClassCode")),
        telecoms=_telecoms(element),
        address_lines=_address_lines(element),
    )


def _assigned_entity(element: SafeElement | None) -> AssignedEntity | None:
    if element is None:
        return None
    return AssignedEntity(
        ids=_instance_ids(element),
        code=_code(_child(element, "code")),
        name=_person_name(_path(element, "assignedPerson", "name")),
        organization=_organization(_child(element, "representedOrganization")),
        telecoms=_telecoms(element),
        address_lines=_address_lines(element),
    )


# --- participants -------------------------------------------------------------------------------------------------


def _patient(role: SafeElement) -> PatientRole:
    patient = _child(role, "patient")
    name = _child(patient, "name")
    families = _qualified(name, "family")
    givens = _qualified(name, "given")
    return PatientRole(
        ids=tuple(PatientIdentifier(found.root, found.extension) for found in _instance_ids(role)),
        birth_family=_first(families, "BR"),
        used_family=_first(families, "CL"),
        unqualified_family=next((text for mark, text in families if mark not in {"BR", "CL"}), ""),
        all_given=" ".join(text for mark, text in givens if not mark),
        birth_given=_first(givens, "BR"),
        used_given=_first(givens, "CL"),
        gender=_attribute(_child(patient, "administrativeGenderCode"), "code"),
        birth_time=_value(_child(patient, "birthTime")),
        birth_place=_text(_path(patient, "birthplace", "place", "addr", "county")).strip(),
        telecoms=_telecoms(role),
        address_lines=_address_lines(role),
    )


def _qualified(name: SafeElement | None, part: str) -> list[tuple[str, str]]:
    """The parts of a name in document order, each with its qualifier."""
    parts = [(_attribute(item, "qualifier"), _text(item).strip()) for item in _children(name, part)]
    return [(mark, text) for mark, text in parts if text]


def _first(parts: list[tuple[str, str]], qualifier: str) -> str:
    return next((text for mark, text in parts if mark == qualifier), "")


def _author(author: SafeElement) -> Author:
    assigned = _child(author, "assignedAuthor")
    device = _child(assigned, "assignedAuthoringDevice")
    return Author(
        entity=_assigned_entity(assigned) or AssignedEntity(),
        time=_value(_child(author, "time")),
        function=_code(_child(author, "functionCode")),
        device_model=_text(_child(device, "manufacturerModelName")),
        device_software=_text(_child(device, "softwareName")),
    )


def _custodian(element: SafeElement) -> Custodian | None:
    organization = _organization(_path(element, "custodian", "assignedCustodian", "representedCustodianOrganization"))
    return Custodian(organization.ids, organization) if organization else None


def _correspondents(element: SafeElement) -> tuple[str, ...]:
    """Mail addresses of the recipients that the document itself names, then of its other participants."""
    entities = [_child(item, "intendedRecipient") for item in _children(element, "informationRecipient")]
    entities += [_child(item, "associatedEntity") for item in _children(element, "participant")]
    telecoms = [
        telecom for entity in entities if entity is not None
        for place in (entity, _child(entity, "receivedOrganization")) for telecom in _telecoms(place)
    ]  # fmt: skip
    addresses = [telecom[7:].strip() for telecom in telecoms if telecom[:7].lower() == "mailto:"]
    return tuple(dict.fromkeys(address for address in addresses if address))


# --- acts, relations, body ----------------------------------------------------------------------------------------


def _service_events(element: SafeElement) -> tuple[ServiceEvent, ...]:
    """The acts, the main one first: the first with performer, activity and start; else simply the first."""
    events = [
        _service_event(event)
        for item in _children(element, "documentationOf")
        if (event := _child(item, "serviceEvent")) is not None
    ]
    main = next((event for event in events if _is_main(event)), None)
    if main is None:
        return tuple(events)
    return (main, *(event for event in events if event is not main))


def _service_event(event: SafeElement) -> ServiceEvent:
    time = _child(event, "effectiveTime")
    code = _child(event, "code")
    translations = (_code(item) for item in _children(code, "translation"))
    return ServiceEvent(
        code=_code(code),
        low=_value(_child(time, "low")) or _value(time),
        high=_value(_child(time, "high")),
        performer=_assigned_entity(_path(event, "performer", "assignedEntity")),
        translations=tuple(found for found in translations if found),
    )


def _is_main(event: ServiceEvent) -> bool:
    organization = event.performer.organization if event.performer else None
    return bool(event.low and organization and organization.standard_industry_class)


def _orders(element: SafeElement) -> tuple[tuple[InstanceId, str], ...]:
    found: list[tuple[InstanceId, str]] = []
    for item in _children(element, "inFulfillmentOf"):
        order = _child(item, "order")
        if order is None:
            continue
        found += [(identifier, "order") for identifier in _instance_ids(order)]
        accessions = (_instance_id(number) for number in order.iterchildren(_ACCESSION))
        found += [(identifier, "accession") for identifier in accessions if identifier]
    return tuple(found)


def _parent(element: SafeElement) -> ParentDocument | None:
    """The replaced document, or else the first related one."""
    related = [
        ParentDocument(_attribute(item, "typeCode"), identifier)
        for item in _children(element, "relatedDocument")
        if (identifier := _instance_id(_path(item, "parentDocument", "id")))
    ]
    return next((parent for parent in related if parent.type_code == "RPLC"), related[0] if related else None)


def _body(element: SafeElement, error: type[ConnectorError]) -> UnstructuredBody | None:
    text = _path(element, "component", "nonXMLBody", "text")
    if text is None:
        return None
    raw = text.text or "" if len(text) == 0 else "".join(text.itertext())
    media_type = _attribute(text, "mediaType") or "text/plain"
    if _attribute(text, "representation") != "B64":
        return UnstructuredBody(media_type, raw.encode("utf-8"))
    content = decode_base64(raw)
    if content is None:
        raise error("CDA_INVALIDE", "the body of the document is not Base64")
    return UnstructuredBody(media_type, content)


def decode_base64(text: str) -> bytes | None:
    """The bytes of a Base64 text with any white space and with or without padding; ``None`` when it is not Base64."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)  # most documents have it on one line, well padded
    except ValueError:
        packed = text.encode("ascii", "replace").translate(None, b" \t\r\n").rstrip(b"=")
    try:
        return binascii.a2b_base64(packed + b"=" * (-len(packed) % 4), strict_mode=True)
    except ValueError:
        return None
