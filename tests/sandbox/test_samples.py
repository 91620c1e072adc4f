"""The samples keep the rules that they are there to show."""

import base64
import configparser
import io
import json
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from lxml import etree

from connector.domain.patient import MatriculeINS
from connector.sandbox.samples import sample, sample_names

CDA = "{urn:hl7-org:v3}"
NS = {"c": "urn:hl7-org:v3"}
DOCUMENTS = sample_names(".xml")
SCHEMA = (
    Path(__file__).resolve().parents[2]
    / ".." / "shared" / "data" / "schemas" / "cda-xsd" / "CDA_extended.xsd"
)  # fmt: skip
WITH_SCHEMA = DOCUMENTS if SCHEMA.exists() else []

REQUIRED = [
    "realmCode[@code='FR']",
    "typeId",
    "templateId[@root='2.16.840.1.113883.2.8.2.1']",
    "templateId[@root='1.2.250.1.213.1.1.1.1']",
    "id/@root",
    "code/@displayName",
    "title",
    "effectiveTime/@value",
    "confidentialityCode/@displayName",
    "languageCode[@code='fr-FR']",
    "setId/@root",
    "versionNumber/@value",
    "author/time/@value",
    "author/assignedAuthor/id/@extension",
    "author/assignedAuthor/assignedPerson/name/family",
    "author/assignedAuthor/representedOrganization/id[@root='1.2.250.1.71.4.2.2']",
    "custodian/assignedCustodian/representedCustodianOrganization/id[@root='1.2.250.1.71.4.2.2']",
    "legalAuthenticator/signatureCode[@code='S']",
    "legalAuthenticator/assignedEntity/assignedPerson/name/family",
    "documentationOf/serviceEvent/effectiveTime/low/@value",
    "documentationOf/serviceEvent/performer[@typeCode='PRF']/assignedEntity/id",
    "documentationOf/serviceEvent/performer/assignedEntity/representedOrganization/standardIndustryClassCode/@displayName",
    "componentOf/encompassingEncounter/effectiveTime",
    "componentOf/encompassingEncounter/location/healthCareFacility/code",
    "recordTarget/patientRole/patient/name/family[@qualifier='BR']",
    "recordTarget/patientRole/patient/name/given[not(@qualifier)]",
    "recordTarget/patientRole/patient/name/given[@qualifier='BR']",
    "recordTarget/patientRole/patient/administrativeGenderCode",
    "recordTarget/patientRole/patient/birthTime",
    "recordTarget/patientRole/patient/birthplace/place/addr/county",
]
"""xdm-cda-hl7v2 3.1 and 3.2: what the header Schematron demands of a document with an INS."""


def clinical_document(name: str) -> Any:
    root = etree.fromstring(sample(name), etree.XMLParser(resolve_entities=False, no_network=True))
    return root if root.tag == f"{CDA}ClinicalDocument" else next(root.iter(f"{CDA}ClinicalDocument"))


def find(document: Any, path: str) -> Any:
    steps = [step if step[0] in "@*" else f"c:{step}" for step in path.split("/")]
    return document.xpath("/".join(steps), namespaces=NS)


def embedded_pdf(document: Any) -> pikepdf.Pdf:
    text = document.xpath("(//c:text|//c:value)[@mediaType='application/pdf']/text()", namespaces=NS)[0]
    return pikepdf.open(io.BytesIO(base64.b64decode(text)))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_header_has_what_the_french_profile_demands(name: str) -> None:
    document = clinical_document(name)

    assert [path for path in REQUIRED if not find(document, path)] == []


@pytest.mark.parametrize("name", WITH_SCHEMA)
def test_it_is_valid_against_the_extended_schema(name: str) -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMA))

    schema.assertValid(etree.ElementTree(etree.fromstring(etree.tostring(clinical_document(name)))))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_patient_has_a_test_ins_with_its_key(name: str) -> None:
    first = find(clinical_document(name), "recordTarget/patientRole/id")[0]

    assert MatriculeINS.parse(first.get("extension"), first.get("root")).is_test


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_address_leads_anywhere(name: str) -> None:
    mails = clinical_document(name).xpath("//c:telecom/@value", namespaces=NS)

    assert all(mail.endswith(".example") for mail in mails if mail.startswith("mailto:"))


@pytest.mark.parametrize("name", [n for n in DOCUMENTS if n not in ("lot-2-synthese.xml", "cr-autopresentable.xml")])
def test_an_embedded_pdf_is_pdf_a_1b(name: str) -> None:
    with embedded_pdf(clinical_document(name)) as pdf, pdf.open_metadata() as metadata:
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("1", "B")


def test_version_2_replaces_version_1_in_the_same_set() -> None:
    first, second = clinical_document("cr-biologie-v1.xml"), clinical_document("cr-biologie-v2.xml")

    assert find(second, "relatedDocument[@typeCode='RPLC']/parentDocument/id/@root") == find(first, "id/@root")
    assert find(second, "setId/@root") == find(first, "setId/@root")
    assert (find(first, "versionNumber/@value"), find(second, "versionNumber/@value")) == (["1"], ["2"])


@pytest.mark.parametrize(
    "element", ["table", "sub", "sup", "list", "renderMultiMedia", "footnote", "linkHtml", "caption", "br", "col"]
)
def test_the_laboratory_report_has_every_kind_of_narrative(element: str) -> None:
    assert list(clinical_document("cr-biologie-v1.xml").iter(f"{CDA}{element}"))


def test_every_picture_of_the_narrative_is_in_the_document() -> None:
    document = clinical_document("cr-biologie-v1.xml")
    shown = document.xpath("//c:renderMultiMedia/@referencedObject", namespaces=NS)
    there = document.xpath("//c:observationMedia/@ID", namespaces=NS)

    assert sorted(shown) == sorted(there) == ["copie-1", "courbe-1"]


def test_the_set_is_about_one_patient() -> None:
    patients = [
        find(clinical_document(name), "recordTarget/patientRole/id/@extension")
        for name in ("lot-1-ordonnance.xml", "lot-2-synthese.xml")
    ]

    assert patients[0] == patients[1]


def test_the_self_presenting_one_is_wrapped_as_in_the_field() -> None:
    root = etree.fromstring(sample("cr-autopresentable.xml"))

    assert root.tag == "{http://www.w3.org/1999/XSL/Transform}stylesheet"
    assert root.find("{urn:asip-sante:ci-sis}Contenu") is not None


def test_each_sidecar_names_the_document_of_the_same_stem() -> None:
    ini = configparser.RawConfigParser()
    ini.read_string(sample("cr-consultation-n1.mss.ini").decode("cp1252"))
    xml = etree.fromstring(sample("cr-autopresentable.mss.xml"))

    assert json.loads(sample("cr-biologie-v1.mss.json"))["fichiers"][0]["nom"] == "cr-biologie-v1.xml"
    assert ini["fichier1"]["nom"] == "cr-consultation-n1.xml"
    assert xml.findtext("fichiers/fichier/nom") == "cr-autopresentable.xml"


def test_a_name_that_is_no_sample_is_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        sample("../__init__.py")


def test_documents_and_sidecars_can_be_listed_apart() -> None:
    assert all(".mss." not in name for name in DOCUMENTS)
    assert sample_names(".mss.xml") == ["cr-autopresentable.mss.xml"]
