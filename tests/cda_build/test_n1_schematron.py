"""Documents of ours against the official schematron of the header, where it lies beside the checkout."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from connector.documents.cda.build import build_n1
from connector.documents.cda.parse import clinical_document
from connector.documents.cda.request import N1Request
from connector.exchange.deep.saxon import Saxon
from tests.cda_build.n1_samples import REPLACING, REQUEST, UNQUALIFIED
from tests.cda_build.n1_strategies import requests
from tests.shared_data import sample_files

HEADERS = sample_files("schemas/schematron/structuration-minimale/ASIP-STRUCT-MIN-StrucMin.sch")
SAXON = Saxon()


def failed(header: Path, document: bytes) -> list[str]:
    return [one.text for one in SAXON.failed(header, clinical_document(document))]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("request_", [REQUEST, REPLACING, replace(REQUEST, patient=UNQUALIFIED)])
def test_a_document_breaks_no_rule(header: Path, request_: N1Request) -> None:
    assert failed(header, build_n1(request_)) == []


@pytest.mark.parametrize("header", HEADERS)
def test_the_schematron_would_tell(header: Path) -> None:
    assert failed(header, build_n1(REQUEST).replace(b'qualifier="CL"', b'qualifier="SP"')) != []


@pytest.mark.parametrize("header", HEADERS)
@given(requests())
@settings(max_examples=60, deadline=None)
def test_any_document_breaks_no_rule(header: Path, request_: N1Request) -> None:
    assert failed(header, build_n1(request_)) == []
