"""Whom a message is about: every source is heard, and compared with the others."""

from dataclasses import replace

import pytest

from connector.domain.errors import MalformedMessage
from connector.domain.patient import PatientIdentifier
from connector.exchange.arrival import Arrival, PartRole
from connector.exchange.identity import FoundPatient, IdentitySource, agree, distinct, doubts
from connector.exchange.unwrap import ReceptionRules
from connector.xdm.archive import base_name
from tests.opening.opened import MARK, N1, N3, OTHER, arrival, attached, hprim, message, text, unzipped, xdm, zipped

INS = PatientIdentifier("1.2.250.1.213.1.4.10", "251033306312374")
ZOE = FoundPatient(
    source=IdentitySource.CDA, ids=(INS,), families=("D'ESSAI-MODÈLE", "LEFICTIF"), givens=("ZOÉ", "ZOÉ MARIE ANNE"),
    birth_date="19510312", gender="F", is_qualified=True,
)  # fmt: skip
OF_ZOE = {"family": b"LEFICTIF", "given": b"Zoe", "birth": b"12/03/1951"}
MATRICULE_1, MATRICULE_2 = b"251033306312374", b"199017599999849"
HL7 = (
    b"MSH|^~\\&|LIS|L|LPS|C|20261120||ORU^R01|1|P|2.5\r"
    b"PID|||251033306312374^^^&1.2.250.1.213.1.4.10&ISO^INS||LEFICTIF^ZOE^ZOE^^^^D||19510312|F\r"
)


def metadata_says(before: bytes, after: bytes) -> bytes:
    """An archive whose metadata say something else than the document."""
    files = unzipped(xdm(N1))
    name = next(name for name in files if base_name(name) == "METADATA.XML")
    assert before in files[name]
    return zipped(files | {name: files[name].replace(before, after)})


def refused(*pieces: tuple[str, bytes]) -> str:
    with pytest.raises(MalformedMessage) as caught:
        arrival(message(*pieces))
    assert "251033306312374" not in caught.value.detail
    return caught.value.code


def marked(*pieces: tuple[str, bytes]) -> Arrival:
    return arrival(message(*pieces), MARK)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(MATRICULE_1, MATRICULE_2, id="identifier"),
        pytest.param(b"PID-7|19510312", b"PID-7|19520312", id="birth date"),
        pytest.param(b"PID-8|F", b"PID-8|M", id="sex"),
    ],
)
def test_metadata_about_somebody_else_are_set_aside_or_marked(before: bytes, after: bytes) -> None:
    content = metadata_says(before, after)
    assert refused(attached("IHE_XDM.zip", content)) == "PATIENT_INCOHERENT"
    found = marked(attached("IHE_XDM.zip", content))
    assert found.warnings == found.documents[0].warnings == ("PATIENT_INCOHERENT",)


def test_metadata_with_the_same_patient_are_believed() -> None:
    found = arrival(message(attached("IHE_XDM.zip", xdm(N1))))
    assert found.documents[0].warnings == ()
    (patient,) = found.patients
    assert (patient.source, patient.ins, patient.is_qualified) == (IdentitySource.CDA, INS, True)


def test_a_result_beside_the_document_of_somebody_else_is_set_aside_or_marked() -> None:
    stranger = attached("r.hpr", hprim(family=b"AUTRE", given=b"PAUL", birth=b"01/02/1940"))
    assert refused(attached("cr.xml", N1), stranger) == "PATIENT_INCOHERENT"
    found = marked(attached("cr.xml", N1), stranger)
    assert found.warnings == ("PATIENT_INCOHERENT", "PLUSIEURS_PATIENTS")
    assert [p.source for p in found.patients] == [IdentitySource.CDA, IdentitySource.HPRIM]


def test_the_same_patient_in_result_and_document_is_one() -> None:
    found = arrival(message(attached("cr.xml", N1), attached("r.hpr", hprim(**OF_ZOE))))
    assert (len(found.patients), found.warnings) == (1, ())


def test_documents_of_several_patients_are_delivered_and_told() -> None:
    found = arrival(message(attached("a.xml", N1), attached("b.xml", N3)))
    assert (len(found.documents), len(found.patients), found.warnings) == (2, 2, ("PLUSIEURS_PATIENTS",))


def test_documents_of_one_patient_are_not() -> None:
    assert arrival(message(attached("a.xml", N1), attached("b.xml", OTHER))).warnings == ()


def test_a_document_with_two_patients_is_told() -> None:
    target = N1[N1.index(b"<recordTarget") : N1.index(b"</recordTarget>") + len(b"</recordTarget>")]
    assert "PLUSIEURS_PATIENTS" in arrival(message(attached("a.xml", N1.replace(target, target * 2)))).warnings


def test_a_result_alone_names_its_patient_and_its_alerts() -> None:
    coded = b"RES|Kali|K|N|6.9|mmol/l|3.5|5.0|HH|F\r\nRES|Sodium|NA|N|140|mmol/l|135|145|N|F\r\nRES|x"
    found = arrival(message(attached("r.hpr", hprim(nir=b"2510333063123 74", coded=coded, **OF_ZOE))))
    (part,) = found.parts
    assert (part.role, part.alerts, found.alerts) == (PartRole.HPRIM, ("HH",), ("HH",))
    (patient,) = found.patients
    assert (patient.source, patient.families, patient.birth_date) == (IdentitySource.HPRIM, ("LEFICTIF",), "19510312")
    assert (patient.ins, patient.is_qualified) == (None, False)


def test_a_result_in_the_text_of_the_message_is_a_part_of_its_own() -> None:
    words = hprim(family="DUPRÉ".encode(), given=b"ANNE").decode("utf-8").replace("\r\n", "\n")
    found = arrival(message(text(words)))
    (part,) = found.parts
    assert (part.name, part.role, part.from_body) == ("corps.hpr", PartRole.HPRIM, True)
    assert b"DUPR\xc9\r\nANNE\r\n" in part.content
    assert "****FIN****" in found.body


def test_an_hl7_message_alone_names_its_patient() -> None:
    found = arrival(message(attached("r.hl7", HL7)))
    (patient,) = found.patients
    assert (patient.source, patient.families, patient.gender) == (IdentitySource.HL7, ("LEFICTIF",), "F")
    assert arrival(message(attached("r.hl7", b"MSH|^~\\&|\rMSH"))).patients == ()
    assert arrival(message(attached("r.hl7", HL7.partition(b"PID")[0]))).patients == ()


def test_many_records_of_one_file_are_several_patients() -> None:
    two = hprim(end=b"") + hprim(family=b"AUTRE", given=b"PAUL", birth=b"01/02/1940")
    found = arrival(message(attached("r.hpr", two)))
    assert [p.families for p in found.patients] == [("TESTUT",), ("AUTRE",)]
    assert found.warnings == ("PLUSIEURS_PATIENTS",)


# --- the matricule ---


def codes(content: bytes, *, is_production: bool = False) -> tuple[str, ...]:
    (document,) = arrival(message(attached("a.xml", content)), ReceptionRules(is_production=is_production)).documents
    return document.warnings


def test_the_matricule_is_checked() -> None:
    assert codes(N1) == ()
    assert codes(N1, is_production=True) == ("INS_RECU_DE_TEST",)
    assert codes(N1.replace(MATRICULE_1, b"251033306312375")) == ("INS_RECU_CLE_FAUSSE",)
    assert codes(N1.replace(b"<birthTime", b"<x")) == ("INS_RECU_NON_QUALIFIE",)
    without = N1.replace(b'<id root="1.2.250.1.213.1.4.10" extension="251033306312374"/>', b"")
    assert codes(without, is_production=True) == ()


def test_without_a_patient_there_is_nothing_to_doubt() -> None:
    assert doubts(replace(ZOE, ids=()), is_production=True) == ()
    assert not replace(ZOE, ids=()).has_valid_ins


# --- comparing ---


@pytest.mark.parametrize(
    ("news", "same"),
    [
        ({"ids": (replace(INS, extension="199017599999849"),)}, False),
        ({"ids": (replace(INS, extension="2510333063123 74"),)}, True),
        ({"ids": ()}, True),
        ({"families": ("DESSAI MODELE",)}, True),
        ({"families": ("MODELE",)}, True),
        ({"families": ("D AUTRE",)}, False),
        ({"families": ()}, True),
        ({"givens": ("MARIE",)}, True),
        ({"givens": ("JEANNE",)}, False),
        ({"birth_date": "19510313"}, False),
        ({"birth_date": "1951"}, True),
        ({"birth_date": "19510000"}, True),
        ({"birth_date": "19515312"}, True),
        ({"gender": "M"}, False),
        ({"gender": "U"}, True),
    ],
)
def test_who_is_the_same(news: dict[str, object], same: bool) -> None:
    other = replace(ZOE, **news)  # type: ignore[arg-type]
    assert agree(ZOE, other) is agree(other, ZOE) is same
    assert len(distinct((ZOE, other))) == (1 if same else 2)


# --- HPRIM ---


@pytest.mark.parametrize(
    ("birth", "read"),
    [(b"12/03/1951", "19510312"), (b"1951-03-12", "19510312"), (b"12/03/51", ""), (b"12/30/1951", ""), (b" ", "")],
)
def test_birth_dates_of_results(birth: bytes, read: str) -> None:
    (patient,) = arrival(message(attached("r.hpr", hprim(birth=birth)))).patients
    assert patient.birth_date == read


@pytest.mark.parametrize("page", ["cp1252", "cp850", "utf-8"])
def test_names_of_results_in_every_code_page(page: str) -> None:
    result = hprim(family="D'ESSAI-MODÈLE".encode(page), given="Zoé".encode(page), birth=b"12/03/1951")
    found = arrival(message(attached("cr.xml", N1), attached("r.hpr", result)))
    assert (len(found.patients), found.warnings) == (1, ())


def test_the_number_of_the_insured_is_not_the_patient() -> None:
    result = hprim(nir=b"1990175999998 49", **OF_ZOE)
    found = arrival(message(attached("cr.xml", N1), attached("r.hpr", result)))
    assert (len(found.patients), found.warnings) == (1, ())


def test_a_result_that_cannot_be_read_is_given_and_names_nobody() -> None:
    found = arrival(message(attached("r.hpr", b"****FIN****\r\n****FINFICHIER****\r\n")))
    assert [(p.role, p.patients) for p in found.parts] == [(PartRole.HPRIM, ())]
