"""What was asked comes back from the document, and the package that carries it is clean."""

import re
from datetime import datetime

from hypothesis import given, settings

from connector.documents.cda.build import build_n1
from connector.documents.cda.model import CdaDocument
from connector.documents.cda.parse import parse_cda
from connector.documents.cda.request import Moment, N1Request
from connector.domain.patient import PatientIdentifier
from connector.xdm.check import check_xdm
from connector.xdm.pack import pack
from connector.xdm.package_reader import read_xdm
from tests.cda_build.n1_samples import REPLACING, REQUEST
from tests.cda_build.n1_strategies import requests
from tests.xdm.cda_samples import NOW, SENDER, CountingIds


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M%S%z")


def same_moment(text: str, moment: Moment | None) -> bool:
    if moment is None:
        return text == ""
    return instant(text) == moment if isinstance(moment, datetime) else text == f"{moment:%Y%m%d}"


def same_patient(header: CdaDocument, request: N1Request) -> bool:
    asked, found = request.patient, header.patient
    ins = (PatientIdentifier(asked.ins.oid, asked.ins.value),) if asked.ins and asked.ins_is_qualified else ()
    return (
        found.ids == ins + asked.ids
        and (found.birth_family, found.used_family) == (asked.birth_family, asked.used_family)
        and found.all_given == " ".join(asked.all_given)
        and (found.birth_given, found.used_given) == (asked.all_given[0], asked.used_given)
        and (found.gender, found.birth_place) == (asked.gender, asked.birth_place)
        and same_moment(found.birth_time, asked.birth_date)
        and (found.telecoms, found.address_lines) == (asked.telecoms, asked.address_lines)
    )


def same_people(header: CdaDocument, request: N1Request) -> bool:
    asked, structure = request.author, request.structure
    entity = header.authors[0].entity
    act = header.main_act
    assert entity.name
    assert entity.organization
    assert header.custodian
    assert act
    assert act.performer
    assert act.performer.organization
    return (
        (entity.ids, entity.code, entity.telecoms) == ((asked.id,), asked.specialty, asked.telecoms)
        and (entity.name.family, entity.name.given) == (asked.family, asked.given)
        and (entity.name.prefix, entity.name.suffix) == (asked.prefix, asked.suffix)
        and (entity.organization.ids, entity.organization.name) == ((structure.id,), structure.name)
        and (entity.organization.telecoms, entity.organization.address_lines)
        == (structure.telecoms, structure.address_lines)
        and header.custodian.ids == (structure.id,)
        and act.performer.organization.standard_industry_class == structure.setting
        and header.facility == structure.facility
    )


@given(requests())
@settings(deadline=None)
def test_what_was_asked_comes_back(request: N1Request) -> None:
    header = parse_cda(build_n1(request))
    assert (header.id, header.set_id, header.version) == (request.id, request.set_id, request.version)
    assert (header.code, header.title, header.replaces) == (request.type, request.title, request.replaces)
    assert header.confidentiality.code == request.confidentiality
    assert header.orders == tuple((order, "order") for order in request.orders)
    assert (header.encounter_code, header.body) == (request.encounter, request.body)
    assert instant(header.effective_time) == request.created
    assert header.main_act
    assert same_moment(header.main_act.low, request.act_start)
    assert same_moment(header.main_act.high, request.act_end)
    assert same_patient(header, request)
    assert same_people(header, request)


@given(requests())
@settings(deadline=None)
def test_no_matricule_of_an_unqualified_identity_leaves(request: N1Request) -> None:
    has_ins = re.search(rb'root="1\.2\.250\.1\.213\.1\.4\.(8|9|10|11)"', build_n1(request)) is not None
    assert has_ins is request.patient.ins_is_qualified


@given(requests())
@settings(max_examples=40, deadline=None)
def test_the_package_of_any_document_has_no_error(request: N1Request) -> None:
    package = pack([build_n1(request)], now=NOW, ids=CountingIds(), sender=SENDER)
    assert check_xdm(package.content) == []


def test_two_documents_of_one_patient_make_one_package() -> None:
    first = build_n1(REQUEST)
    package = pack([first, build_n1(REPLACING)], now=NOW, ids=CountingIds(), sender=SENDER)
    (read,) = read_xdm(package.content)
    assert [document.entry.action for document in read.documents] == ["", "C"]
    assert read.documents[0].content == first
    assert {document.entry.patient_id for document in read.documents} == {
        "248066319988747^^^&1.2.250.1.213.1.4.10&ISO^NH"
    }
