"""CDA documents made for the tests: one good header, in which each test replaces what it is about."""

from datetime import UTC, datetime
from uuid import UUID

from connector.xdm.package_writer import SenderInfo

__all__ = ["INS", "LOCAL", "NOW", "SENDER", "CountingIds", "author", "cda", "level_1", "patient_ids", "service_event"]

NOW = datetime(2026, 3, 10, 14, 15, 30, tzinfo=UTC)
SENDER = SenderInfo(software="Connecteur d'essai", version="1.0", editor="Éditeur Fictif")
INS = ("1.2.250.1.213.1.4.10", "248066319988747")
LOCAL = ("1.2.250.1.999.1.1.2", "IPP-0042")

_PATIENT = """<patient><name>
  <family qualifier="BR">EXEMPLE</family><given>ANNE MARIE</given><given qualifier="BR">ANNE</given>
  <family qualifier="CL">DUPRES</family><given qualifier="CL">ANNIE</given></name>
  <administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="19480615"/>
  <birthplace><place><addr><county>63199</county></addr></place></birthplace></patient>"""

_PERSON = """<assignedPerson><name><prefix>MME</prefix><given>CLAIRE</given><family>TESTEUR</family>
  <suffix>DR</suffix></name></assignedPerson>"""

_ORGANIZATION = """<id root="1.2.250.1.71.4.2.2" extension="1010000017"/><name>CABINET D'EXEMPLE</name>
  <telecom value="tel:0100000000"/><addr><houseNumber>1</houseNumber><streetName>RUE DE L'EXEMPLE</streetName>
  <postalCode>63000</postalCode><city>CLERMONT-FERRAND</city></addr>"""

_CUSTODIAN = f"""<custodian><assignedCustodian><representedCustodianOrganization>{_ORGANIZATION}
  </representedCustodianOrganization></assignedCustodian></custodian>"""

_LEGAL = f"""<legalAuthenticator><time value="20260310151200+0100"/><signatureCode code="S"/><assignedEntity>
  <id root="1.2.250.1.71.4.2.1" extension="899700000017"/>{_PERSON}</assignedEntity></legalAuthenticator>"""

_FACILITY = """<componentOf><encompassingEncounter><code code="AMB" codeSystem="2.16.840.1.113883.5.4"/>
  <effectiveTime nullFlavor="NA"/><location><healthCareFacility>
  <code code="SA07" displayName="Cabinet individuel" codeSystem="1.2.250.1.71.4.2.4"/>
  </healthCareFacility></location></encompassingEncounter></componentOf>"""


class CountingIds:
    """Identifiers 1, 2, 3 … in place of random ones."""

    def __init__(self) -> None:
        self._last = 0

    def uuid(self) -> UUID:
        self._last += 1
        return UUID(int=self._last, version=4)

    def ulid(self) -> str:
        raise NotImplementedError


def level_1(text: str, media_type: str = "application/pdf") -> str:
    inner = f'<text mediaType="{media_type}" representation="B64">{text}</text>'
    return f"<component><nonXMLBody>{inner}</nonXMLBody></component>"


def patient_ids(*identifiers: tuple[str, str]) -> str:
    return "".join(f'<id root="{root}" extension="{extension}"/>' for root, extension in identifiers)


def author(
    *,
    identifier: str = '<id root="1.2.250.1.71.4.2.1" extension="899700000017"/>',
    who: str = _PERSON,
    code: str = '<code code="G15_10/SM54" displayName="Médecin - Médecine Générale (SM)" '
    'codeSystem="1.2.250.1.213.1.1.4.5"/>',
    function: str = "",
    organization: str = _ORGANIZATION,
) -> str:
    place = f"<representedOrganization>{organization}</representedOrganization>" if organization else ""
    return (
        f'<author>{function}<time value="20260310151200+0100"/><assignedAuthor>{identifier}{code}{who}{place}'
        "</assignedAuthor></author>"
    )


def service_event(
    *,
    code: str = "",
    low: str = "20260310143000+0100",
    high: str = "",
    practice: str = '<standardIndustryClassCode code="AMBULATOIRE" displayName="Ambulatoire" '
    'codeSystem="1.2.250.1.213.1.1.4.9"/>',
) -> str:
    times = (f'<low value="{low}"/>' if low else "") + (f'<high value="{high}"/>' if high else "")
    performer = (
        f'<performer typeCode="PRF"><assignedEntity><id root="1.2.250.1.71.4.2.1" extension="899700000017"/>{_PERSON}'
        f"<representedOrganization>{practice}</representedOrganization></assignedEntity></performer>"
        if practice
        else ""
    )
    effective = f"<effectiveTime>{times}</effectiveTime>" if times else ""
    return f"<documentationOf><serviceEvent>{code}{effective}{performer}</serviceEvent></documentationOf>"


def cda(
    *,
    document_id: str = '<id root="1.2.250.1.999.1.1.7000.1"/>',
    code: str = '<code code="11488-4" displayName="Consultation" codeSystem="2.16.840.1.113883.6.1"/>',
    title: str = "<title>Compte rendu de consultation</title>",
    time: str = "20260310151200+0100",
    version: str = '<setId root="1.2.250.1.999.1.1.7000"/><versionNumber value="1"/>',
    templates: str = '<templateId root="1.2.250.1.213.1.1.1.1"/><templateId root="1.3.6.1.4.1.19376.1.2.20"/>',
    ids: str = patient_ids(INS, LOCAL),
    patient: str = _PATIENT,
    more_patients: str = "",
    authors: str = author(),
    custodian: str = _CUSTODIAN,
    legal: str = _LEGAL,
    participants: str = "",
    orders: str = "",
    acts: str = service_event(),
    related: str = "",
    facility: str = _FACILITY,
    body: str = level_1("JVBERi0xLjQK"),
    prolog: str = '<?xml version="1.0" encoding="UTF-8"?>\n',
) -> bytes:
    """A CDA document; every piece can be replaced or left out."""
    return (
        f'{prolog}<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:ps3-20="urn:dicom-org:ps3-20"><realmCode code="FR"/>'
        f'<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>{templates}{document_id}{code}{title}'
        f'<effectiveTime value="{time}"/><confidentialityCode code="N" displayName="Normal" '
        f'codeSystem="2.16.840.1.113883.5.25"/><languageCode code="fr-FR"/>{version}'
        f"<recordTarget><patientRole>{ids}{patient}</patientRole></recordTarget>{more_patients}"
        f"{authors}{custodian}{legal}{participants}{orders}{acts}{related}{facility}{body}</ClinicalDocument>"
    ).encode()
