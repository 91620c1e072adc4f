"""Documents of ours against the official CDA schema, where it lies beside the checkout."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from lxml import etree

from connector.documents.cda.build import build_n1
from connector.documents.cda.request import N1Request
from tests.cda_build.n1_samples import REPLACING, REQUEST
from tests.cda_build.n1_strategies import requests
from tests.shared_data import sample_files

SCHEMAS = sample_files("schemas/cda-xsd/CDA_extended.xsd")


def violations(schema: Path, document: bytes) -> list[str]:
    checker = etree.XMLSchema(etree.parse(str(schema)))
    checker.validate(etree.fromstring(document))
    return [entry.message for entry in checker.error_log]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("request_", [REQUEST, REPLACING])
def test_a_document_is_valid(schema: Path, request_: N1Request) -> None:
    assert violations(schema, build_n1(request_)) == []


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_schema_would_tell(schema: Path) -> None:
    assert violations(schema, build_n1(REQUEST).replace(b"realmCode", b"realmCodes")) != []


@pytest.mark.parametrize("checker", [etree.XMLSchema(etree.parse(str(schema))) for schema in SCHEMAS])
@given(requests())
@settings(deadline=None)
def test_any_document_is_valid(checker: etree.XMLSchema, request_: N1Request) -> None:
    checker.assertValid(etree.fromstring(build_n1(request_)))
