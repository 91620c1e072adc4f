"""The header block of a rendered document: who, for whom, what, when.

Source rules: Ref#2 ECO.2.1.5 (title, type, date, author, organisation), ECO.2.2.6 (INS and traits); CI-SIS
"Structuration minimale" for the other participants. The parsed header is used where it has the data; what it does
not carry (recipients, other participants, encounter) is read from the document.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from connector.documents.cda.model import (
    AssignedEntity,
    Author,
    CdaDocument,
    Organization,
    PatientRole,
    PersonName,
    ServiceEvent,
)
from connector.documents.pdf.french import french_time, sex, telecom
from connector.documents.pdf.narrative import collapsed
from connector.documents.xml import SafeElement, local_name
from connector.domain.patient import INS_TEST_OIDS, PatientIdentifier

__all__ = ["Panel", "footer_of", "further_panels_of", "panels_of"]

_V3 = "{urn:hl7-org:v3}"
_ROLES = {  # participants that only the document has: path below ClinicalDocument, title of the panel
    "dataEnterer": "Opérateur de saisie",
    "informant": "Informateur",
    "informationRecipient": "Destinataire",
    "authenticator": "Validé par",
    "participant": "Participant",
}
_TITLES = {"DR": "Dr", "PR": "Pr"}
_CIVILITIES = {"M": "M.", "MME": "Mme"}
_CONFIDENTIALITY = {"R": "Restreint", "V": "Très restreint"}


@dataclass(frozen=True, slots=True)
class Panel:
    """A titled group of lines, each with a label that may be empty."""

    title: str
    lines: tuple[tuple[str, str], ...]


def panels_of(document: SafeElement, header: CdaDocument) -> tuple[Panel, ...]:
    """What a physician looks for first: patient, document, main act, authors, recipients, who answers for it."""
    panels = [
        Panel("Patient", tuple(_patient_lines(header.patient))),
        Panel("Document", tuple(_document_lines(header))),
        *(Panel("Acte", tuple(_act_lines(event))) for event in header.service_events[:1]),
        *(Panel("Auteur", tuple(_author_lines(author))) for author in header.authors),
        *_participants(document, "informationRecipient"),
    ]
    if header.legal_authenticator:
        lines = (*_entity_lines(header.legal_authenticator), *_signed_lines(document))
        panels.append(Panel("Responsable du document", lines))
    if header.custodian:
        panels.append(Panel("Conservation du document", tuple(_organization_lines(header.custodian.organization))))
    return _tidy(panels)


def further_panels_of(document: SafeElement, header: CdaDocument) -> tuple[Panel, ...]:
    """The rest of the header, for the end of the document: other acts, encounter, other participants."""
    acts = (Panel("Acte", tuple(_act_lines(event))) for event in header.service_events[1:])
    encounter = Panel("Prise en charge", tuple(_encounter_lines(document, header)))
    names = (name for name in _ROLES if name != "informationRecipient")
    others = (panel for name in names for panel in _participants(document, name))
    return _tidy((*acts, encounter, *others))


def footer_of(header: CdaDocument) -> str:
    """The line at the foot of every page: no page may be taken for another patient's."""
    patient = header.patient
    name = " ".join(part for part in (patient.family, patient.given) if part)
    born = f"né(e) le {french_time(patient.birth_time)}" if patient.birth_time else ""
    ins = f"INS {patient.ins.extension}" if patient.ins else ""
    return " – ".join(part for part in (name, born, ins, header.title) if part)


def _tidy(panels: Iterable[Panel]) -> tuple[Panel, ...]:
    """Panels without empty or repeated lines; empty and repeated panels go."""
    full = (Panel(each.title, tuple(dict.fromkeys(line for line in each.lines if line[1]))) for each in panels)
    return tuple(dict.fromkeys(panel for panel in full if panel.lines))


def _patient_lines(patient: PatientRole) -> Iterator[tuple[str, str]]:
    yield "Nom de naissance", patient.birth_family or patient.unqualified_family
    yield "Nom utilisé", patient.used_family
    yield "Prénom(s) de naissance", patient.all_given or patient.birth_given
    yield "Premier prénom", patient.birth_given if patient.birth_given != patient.all_given else ""
    yield "Prénom utilisé", patient.used_given
    yield "Sexe", sex(patient.gender)
    yield "Date de naissance", french_time(patient.birth_time)
    yield "Lieu de naissance (code COG)", patient.birth_place
    for identifier in patient.ids:
        yield _identifier_line(identifier)
    yield "Adresse", ", ".join(patient.address_lines)
    yield "Contact", _contacts(patient.telecoms)


def _identifier_line(identifier: PatientIdentifier) -> tuple[str, str]:
    if not identifier.is_ins:
        return "Identifiant", identifier.extension or identifier.root
    test = " (identité de test)" if identifier.root in INS_TEST_OIDS else ""
    return "Matricule INS", f"{identifier.extension}{test}"


def _document_lines(header: CdaDocument) -> Iterator[tuple[str, str]]:
    yield "Type", header.code.display_name or header.code.code
    yield "Date", french_time(header.effective_time)
    yield "Version", str(header.version) if header.version else ""
    yield "Identifiant", header.id.unique_id
    yield "Remplace", header.replaces.unique_id if header.replaces else ""
    code = header.confidentiality
    yield "Confidentialité", code.display_name or _CONFIDENTIALITY.get(code.code, "") if code.code != "N" else ""
    for identifier, _kind in header.orders:
        yield "Demande n°", identifier.extension or identifier.root


def _author_lines(author: Author) -> Iterator[tuple[str, str]]:
    yield from _entity_lines(author.entity)
    yield "Système", " – ".join(part for part in (author.device_model, author.device_software) if part)
    yield "Rôle", author.function.display_name if author.function else ""
    yield "Le", french_time(author.time)


def _entity_lines(entity: AssignedEntity) -> Iterator[tuple[str, str]]:
    yield "", _person(entity.name) if entity.name else ""
    yield "", entity.code.display_name or entity.code.code if entity.code else ""
    yield "Identifiant", next((each.extension for each in entity.ids if each.extension), "")
    if entity.organization:
        yield from _organization_lines(entity.organization)
    yield "Adresse", ", ".join(entity.address_lines)
    yield "Contact", _contacts(entity.telecoms)


def _organization_lines(organization: Organization) -> Iterator[tuple[str, str]]:
    yield "Structure", organization.name
    if not organization.name:
        yield "Structure n°", next((each.extension for each in organization.ids if each.extension), "")
    activity = organization.standard_industry_class
    yield "Secteur", activity.display_name or activity.code if activity else ""
    yield "Adresse", ", ".join(organization.address_lines)
    yield "Contact", _contacts(organization.telecoms)


def _person(name: PersonName) -> str:
    """``Dr Marcel CAMPARINI``, ``Mme Eva BLUE``: the title if there is one, else the civility (JDV_J245, J246)."""
    title = _TITLES.get(name.suffix.upper(), "")
    before = title or _CIVILITIES.get(name.prefix.upper(), name.prefix)
    after = "" if title else name.suffix
    return " ".join(part for part in (before, name.given, name.family, after) if part)


def _contacts(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(text for text in map(telecom, values) if text))


def _act_lines(event: ServiceEvent) -> Iterator[tuple[str, str]]:
    yield "", event.code.display_name or event.code.code if event.code else ""
    yield "Début" if event.high else "Date", french_time(event.low)
    yield "Fin", french_time(event.high)
    if event.performer:
        yield "Exécutant", _person(event.performer.name) if event.performer.name else ""
        for label, value in _entity_lines(event.performer):
            if label in {"Structure", "Secteur"}:
                yield label, value


def _encounter_lines(document: SafeElement, header: CdaDocument) -> Iterator[tuple[str, str]]:
    yield "Type", header.encounter_code.display_name if header.encounter_code else ""
    encounter = document.find(f"{_V3}componentOf/{_V3}encompassingEncounter")
    if encounter is None:
        return
    time = encounter.find(f"{_V3}effectiveTime")
    if time is not None:
        yield "Date", french_time(time.get("value", ""))
        for label, name in (("Début", "low"), ("Fin", "high")):
            bound = time.find(f"{_V3}{name}")
            yield label, french_time(bound.get("value", "")) if bound is not None else ""
    yield "Lieu", header.facility.display_name if header.facility else ""
    place = encounter.find(f".//{_V3}healthCareFacility/{_V3}location/{_V3}name")
    yield "", collapsed("".join(place.itertext())).strip() if place is not None else ""
    responsible = encounter.find(f"{_V3}responsibleParty")
    if responsible is not None:
        yield "Responsable", ", ".join(value for _, value in _participant_lines(responsible) if value)


def _signed_lines(document: SafeElement) -> Iterator[tuple[str, str]]:
    time = document.find(f"{_V3}legalAuthenticator/{_V3}time")
    yield "Validé le", french_time(time.get("value", "")) if time is not None else ""


def _participants(document: SafeElement, name: str) -> Iterator[Panel]:
    for element in document.findall(f"{_V3}{name}"):
        yield Panel(_ROLES[name], tuple(_participant_lines(element)))


def _participant_lines(element: SafeElement) -> Iterator[tuple[str, str]]:
    """Name, function, organisation, address and contact of any participation, whatever its shape."""
    function = _first(element, "functionCode")
    yield "", _label_of(function)
    names = [child for child in element.iter(f"{_V3}name") if local_name(_parent(child)) in _PERSONS]
    for name in names[:1]:
        yield "", _spoken(name)
    role = next((child for child in element if local_name(child) not in _NOT_A_ROLE), element)
    yield "", _label_of(role.find(f"{_V3}code"))
    organization = next((child for child in element.iter(f"{_V3}name") if child not in names), None)
    yield "Structure", _spoken(organization) if organization is not None else ""
    address = _first(element, "addr")
    yield "Adresse", ", ".join(_words(address)) if address is not None else ""
    yield "Contact", _contacts(each.get("value", "") for each in element.iter(f"{_V3}telecom"))
    time = element.find(f"{_V3}time")
    if time is not None:
        low = time.find(f"{_V3}low")
        yield "Le", french_time(time.get("value", "") or (low.get("value", "") if low is not None else ""))


_PERSONS = frozenset({"assignedPerson", "associatedPerson", "relatedPerson", "informationRecipient"})
_NOT_A_ROLE = frozenset({"functionCode", "templateId", "time", "signatureCode", "typeId", "realmCode"})


def _parent(element: SafeElement) -> SafeElement:
    parent = element.getparent()
    return element if parent is None else parent


def _first(element: SafeElement, name: str) -> SafeElement | None:
    return next(element.iter(f"{_V3}{name}"), None)


def _label_of(code: SafeElement | None) -> str:
    return code.get("displayName", "") if code is not None else ""


def _words(element: SafeElement) -> list[str]:
    return [text for text in (collapsed(each).strip() for each in element.itertext()) if text]


def _spoken(name: SafeElement) -> str:
    """A name in the order in which it is said: prefix, given, family, suffix; plain text as it stands."""
    parts: dict[str, list[str]] = {}
    for part in name:
        parts.setdefault(local_name(part), []).extend(_words(part))
    words = {key: " ".join(parts.get(key, ())) for key in ("prefix", "given", "family", "suffix")}
    return _person(PersonName(**words)) or " ".join(_words(name))
