"""Documents of ours against the official schematron of the header, where it lies beside the checkout."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from connector.documents.cda.build import build_n1
from connector.documents.cda.request import N1Request
from tests.cda_build.n1_samples import REPLACING, REQUEST, UNQUALIFIED
from tests.cda_build.n1_strategies import requests
from tests.cda_build.schematron_runner import Schematron
from tests.shared_data import sample_files

HEADER = sample_files("schemas/schematron/structuration-minimale/ASIP-STRUCT-MIN-StrucMin.sch")


@pytest.fixture(scope="module", params=HEADER)
def header(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Schematron]:
    saxon = pytest.importorskip("saxonche", reason="the optional XSLT 2 processor is not installed")
    path: Path = request.param
    with saxon.PySaxonProcessor(license=False) as processor:
        yield Schematron(processor, path, tmp_path_factory.mktemp("schematron"))


@pytest.mark.parametrize("request_", [REQUEST, REPLACING, replace(REQUEST, patient=UNQUALIFIED)])
def test_a_document_breaks_no_rule(header: Schematron, request_: N1Request) -> None:
    fired, failed = header.run(build_n1(request_))
    assert fired > 60
    assert failed == []


def test_the_schematron_would_tell(header: Schematron) -> None:
    _, failed = header.run(build_n1(REQUEST).replace(b'qualifier="CL"', b'qualifier="SP"'))
    assert failed != []


@given(requests())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_document_breaks_no_rule(header: Schematron, request_: N1Request) -> None:
    assert header.run(build_n1(request_))[1] == []
