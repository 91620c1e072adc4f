"""Requests made for the tests: one good one, in which each test replaces what it is about."""

from datetime import UTC, date, datetime, timedelta, timezone

from connector.documents.cda.identifiers import professional_id, structure_id
from connector.documents.cda.model import Code, InstanceId, UnstructuredBody
from connector.documents.cda.request import N1Author, N1Patient, N1Request, N1Structure
from connector.domain.patient import MatriculeINS, PatientIdentifier

__all__ = ["AUTHOR", "INS", "LOCAL", "PARIS", "PATIENT", "PDF", "REPLACING", "REQUEST", "STRUCTURE", "UNQUALIFIED"]

PARIS = timezone(timedelta(hours=1))
PDF = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n%%EOF\n"
INS = MatriculeINS("248066319988747", "1.2.250.1.213.1.4.10")
LOCAL = PatientIdentifier("1.2.250.1.999.1.1.2", "IPP-0042")

PATIENT = N1Patient(
    ids=(LOCAL,), ins=INS, ins_is_qualified=True,
    birth_family="EXEMPLE", used_family="DUPRÉS", all_given=("ANNE", "MARIE"), birth_given="ANNE", used_given="ANNIE",
    gender="F", birth_date=date(1948, 6, 15), birth_place="63199",
    telecoms=("tel:+33100000000",), address_lines=("1 RUE DE L'EXEMPLE", "63000 CLERMONT-FERRAND"),
)  # fmt: skip

UNQUALIFIED = N1Patient(
    ids=(LOCAL,), ins=INS, ins_is_qualified=False, birth_family="EXEMPLE", all_given=("ANNE",), gender="F",
    birth_date=date(1948, 6, 15),
)  # fmt: skip

AUTHOR = N1Author(
    id=professional_id("99700000017"), family="TESTEUR", given="CLAIRE", prefix="MME", suffix="DR",
    specialty=Code("G15_10/SM54", "1.2.250.1.213.1.1.4.5", "Médecin - Médecine Générale (SM)"),
    telecoms=("tel:+33100000001",),
)  # fmt: skip

STRUCTURE = N1Structure(
    id=structure_id("finess", "010000017"), name="CABINET D'EXEMPLE",
    facility=Code("SA07", "1.2.250.1.71.4.2.4", "Cabinet individuel"),
    setting=Code("AMBULATOIRE", "1.2.250.1.213.1.1.4.9", "Ambulatoire"),
    telecoms=("tel:+33100000000",), address_lines=("1 RUE DE L'EXEMPLE", "63000 CLERMONT-FERRAND"),
)  # fmt: skip

REQUEST = N1Request(
    id=InstanceId("1.2.250.1.999.1.1.7000.1"), set_id=InstanceId("1.2.250.1.999.1.1.7000"),
    type=Code("11488-4", "2.16.840.1.113883.6.1", "CR ou fiche de consultation ou de visite"),
    title="Compte rendu de consultation",
    created=datetime(2026, 3, 10, 15, 12, tzinfo=PARIS), act_start=date(2026, 3, 10),
    patient=PATIENT, author=AUTHOR, structure=STRUCTURE, body=UnstructuredBody("application/pdf", PDF),
)  # fmt: skip

REPLACING = N1Request(
    id=InstanceId("1.2.250.1.999.1.1.7000.2"), set_id=REQUEST.set_id, version=2, replaces=REQUEST.id,
    type=Code("11502-2", "2.16.840.1.113883.6.1", "CR d'examens biologiques"), title="Compte rendu d'examens",
    created=datetime(2026, 3, 11, 8, tzinfo=UTC), act_start=datetime(2026, 3, 10, 7, 30, tzinfo=UTC),
    act_end=datetime(2026, 3, 10, 7, 40, tzinfo=UTC), confidentiality="R", patient=UNQUALIFIED, author=AUTHOR,
    structure=STRUCTURE, orders=(InstanceId("1.2.250.1.999.1.1.9", "P-1"),),
    encounter=Code("AMB", "2.16.840.1.113883.5.4", "Ambulatoire"), body=UnstructuredBody("application/pdf", PDF),
)  # fmt: skip
