"""Our rules of the header beside the official schematron: what it finds missing is told, and nothing is made up."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from connector.documents.cda.build import build_n1
from connector.documents.cda.parse import clinical_document
from connector.documents.cda.request import N1Request
from connector.documents.validation.cda import header_findings
from connector.documents.validation.tree import place
from connector.documents.xml import SafeElement
from connector.domain.finding import Finding, Severity
from tests.cda_build.n1_samples import REPLACING, REQUEST
from tests.cda_build.test_n1_schematron import HEADERS, SAXON
from tests.shared_data import sample_files

OFFICIAL = sample_files("cda/*.xml")
KNOWN = {
    "BIO-TROD_2024.01_Angine": ["CDA_DATE_INVALIDE"], "CARD-F-PRC-AVK_2022.01": ["CDA_VERSION"],
    "CSE-CS8_2024.01": ["CDA_VERSION"], "CSE-MDE_2023.01": ["CDA_VERSION"],
    "SDM-MR_2024.01_nouveau-ne": ["CDA_VERSION"], "eDISP-MED_2024.01": ["CDA_NOM_QUALIFICATIF"],
}  # fmt: skip
"""Defects that these samples really have."""

Damage = Callable[[SafeElement], None]


def told(root: SafeElement) -> list[Finding]:
    return [one for one in header_findings(root) if one.severity is not Severity.ADVICE]


def remove(element: SafeElement) -> None:
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)


def drop(attribute: str) -> Damage:
    def damage(element: SafeElement) -> None:
        del element.attrib[attribute]

    return damage


def damages(root: SafeElement) -> Iterator[tuple[int, Damage]]:
    """Each element removed, each attribute dropped: one at a time."""
    for number, element in enumerate(root.iter()):
        if number:
            yield number, remove
        for attribute in element.attrib:
            yield number, drop(str(attribute))


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("request_", [REQUEST, REPLACING])
def test_whatever_the_schematron_finds_missing_is_told(header: Path, request_: N1Request) -> None:
    good = clinical_document(build_n1(request_))
    missed, found = [], 0
    for number, damage in damages(good):
        root = deepcopy(good)
        element = list(root.iter())[number]
        where = place(element)
        damage(element)
        if SAXON.failed(header, root):
            found += 1
            if not told(root):
                missed.append(where)
    assert missed == []
    assert found > 90


@pytest.mark.parametrize("path", OFFICIAL, ids=lambda path: path.stem)
def test_an_official_document_has_no_more_than_its_known_defects(path: Path) -> None:
    found = told(clinical_document(path.read_bytes()))
    assert [one.code for one in found if one.severity is Severity.WARNING] == KNOWN.get(path.stem, [])
