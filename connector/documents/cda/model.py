"""The CDA R2 header as values, in the words of the CI-SIS "Structuration minimale".

Strings are those of the file: the patient's traits, identifiers and codes are trimmed; names, titles and labels
keep their blanks, because the metadata repeat them. Times keep the CDA form (``YYYYMMDD[hhmm[ss]][+ZZzz]``).
Nothing is guessed here: what is absent is ``None`` or empty, and :mod:`connector.xdm.derive` decides what follows.
"""

from dataclasses import dataclass, field

from connector.domain.patient import PatientIdentifier

__all__ = [
    "AssignedEntity", "Author", "CdaDocument", "Code", "Custodian", "InstanceId", "Organization", "ParentDocument",
    "PatientRole", "PersonName", "ServiceEvent", "UnstructuredBody",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Code:
    """A coded value (CE/CD)."""

    code: str
    code_system: str = ""
    display_name: str = ""


@dataclass(frozen=True, slots=True)
class InstanceId:
    """An II: ``root`` OID and optional ``extension``."""

    root: str
    extension: str = ""

    @property
    def unique_id(self) -> str:
        """The XDS form: ``root`` or ``root^extension``."""
        return f"{self.root}^{self.extension}" if self.extension else self.root


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonName:
    """A person's name; the first family and the first given of the first name element."""

    family: str = ""
    given: str = ""
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """An organisation: id (usually under 1.2.250.1.71.4.2.2), name, activity code, contact."""

    ids: tuple[InstanceId, ...] = ()
    name: str = ""
    standard_industry_class: Code | None = None
    telecoms: tuple[str, ...] = ()
    address_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedEntity:
    """A person or device in a role, with its organisation."""

    ids: tuple[InstanceId, ...] = ()
    code: Code | None = None  # profession / specialty
    name: PersonName | None = None
    organization: Organization | None = None
    telecoms: tuple[str, ...] = ()
    address_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """One author: a person or a device."""

    entity: AssignedEntity
    time: str = ""
    function: Code | None = None  # functionCode, JDV_J47
    device_model: str = ""  # manufacturerModelName
    device_software: str = ""  # softwareName

    @property
    def is_device(self) -> bool:
        """True when a device or a software signed as author."""
        return bool(self.device_model or self.device_software)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientRole:
    """recordTarget/patientRole: identifiers in document order and the strict traits."""

    ids: tuple[PatientIdentifier, ...]
    birth_family: str = ""  # family qualifier BR
    used_family: str = ""  # family qualifier CL
    unqualified_family: str = ""  # any other, met in older documents
    all_given: str = ""  # given without qualifier: all birth first names
    birth_given: str = ""  # given qualifier BR
    used_given: str = ""  # given qualifier CL
    gender: str = ""  # administrativeGenderCode/@code
    birth_time: str = ""
    birth_place: str = ""  # birthplace/place/addr/county: COG code
    telecoms: tuple[str, ...] = ()
    address_lines: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The birth name, or the best that the document has."""
        return self.birth_family or self.unqualified_family or self.used_family

    @property
    def given(self) -> str:
        """The first birth first name, or the best that the document has."""
        return self.birth_given or self.all_given.split(" ")[0] or self.used_given

    @property
    def ins(self) -> PatientIdentifier | None:
        """The matricule INS, if there is one."""
        return next((identifier for identifier in self.ids if identifier.is_ins), None)

    @property
    def has_qualified_ins(self) -> bool:
        """True with matricule, OID and the four traits (Ref#2 ECO.2.4.2)."""
        return bool(self.ins and self.family and self.given and self.birth_time and self.gender)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEvent:
    """documentationOf/serviceEvent."""

    code: Code | None = None
    low: str = ""
    high: str = ""
    performer: AssignedEntity | None = None
    translations: tuple[Code, ...] = ()  # code/translation: the same act in other code systems (imaging)


@dataclass(frozen=True, slots=True)
class ParentDocument:
    """relatedDocument: what this document replaces (typeCode RPLC)."""

    type_code: str
    id: InstanceId


@dataclass(frozen=True, slots=True)
class Custodian:
    """The structure that keeps the document."""

    ids: tuple[InstanceId, ...]
    organization: Organization


@dataclass(frozen=True, slots=True)
class UnstructuredBody:
    """nonXMLBody/text of a level 1 document, decoded."""

    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CdaDocument:
    """The header of one CDA document, and its body when that is level 1."""

    id: InstanceId
    code: Code
    title: str
    effective_time: str
    confidentiality: Code
    language: str
    set_id: InstanceId | None
    version: int | None
    template_ids: tuple[str, ...]
    patient: PatientRole
    patients_count: int  # number of recordTarget; anything but 1 is an error for us
    authors: tuple[Author, ...]
    custodian: Custodian | None
    legal_authenticator: AssignedEntity | None
    service_events: tuple[ServiceEvent, ...]  # the main act first (§2.9 of the profile), then the others in order
    encounter_code: Code | None
    facility: Code | None  # healthCareFacility/code
    orders: tuple[tuple[InstanceId, str], ...]  # inFulfillmentOf/order: id and its XDS kind (order, accession)
    parent: ParentDocument | None
    informant_addresses: tuple[str, ...] = ()  # mailto: of informationRecipient, INF, PRF … for default recipients
    body: UnstructuredBody | None = None  # None for a structured body
    is_self_presenting: bool = False  # was wrapped in an xsl:stylesheet

    @property
    def is_level_1(self) -> bool:
        """True when the body is one opaque file."""
        return self.body is not None

    @property
    def main_act(self) -> ServiceEvent | None:
        """The act that the document is about."""
        return self.service_events[0] if self.service_events else None

    @property
    def replaces(self) -> InstanceId | None:
        """The id of the document that this one replaces."""
        return self.parent.id if self.parent and self.parent.type_code == "RPLC" else None
