"""HPRIM from the drop to the message: recipients by their codes, as it is or as a document, one per patient."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.documents.cda.parse import parse_cda
from connector.documents.pdf.sheets import text_to_pdf
from connector.domain.errors import InvalidSubmission
from connector.domain.submission import DocumentAction, FileRole
from connector.intake.assemble import ClaimedDrop
from connector.intake.split import is_lot, split
from connector.journal.records import SubmissionView
from connector.xdm.package_reader import read_xdm
from tests.exchange.exchange_scene import ALIX
from tests.intake.test_input_hl7 import Laboratory
from tests.intake.test_input_made import Office, part

PDF = text_to_pdf("Bilan", "Bilan")
ONE = (
    "D-4711\r\nTESTUT\r\nCamille\r\n12 RUE DES ESSAIS\r\n \r\n62000 ARRAS\r\n17/01/1999\r\n \r\n"
    "REQ0417\r\n20/11/2026\r\n"
    "        LB LABORATOIRE FICTIF\r\n        42 DR EXEMPLE Alix\r\n \r\nHémoglobine 13,3 g/dL\r\n****FIN****\r\n"
)
OTHER = ONE.replace("D-4711", "D-4712").replace("TESTUT", "MAQUETTE").replace("Camille", "Noé")
END = "****FINFICHIER****\r\n"
SANTE = (
    "H|~^\\&|L0417.HPR||LB~LABO|..|ORU|||42~CABINET EXEMPLE||P|H2.2~C|202611201015\r\n"
    "P|1|D-4711|||TESTUT~Camille||19990117|M\r\nL|1\r\n"
)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Laboratory]:
    made = Laboratory(tmp_path, correspondents={"42": str(ALIX)})
    yield made
    assert made.scene.journal.violations() == []
    made.scene.journal.close()


def hprim(*records: str) -> bytes:
    return ("".join(records or (ONE,)) + END).encode("cp1252")


def test_a_result_leaves_as_it_is_with_its_pdf_for_the_doctor_of_its_code(lab: Laboratory) -> None:
    view = lab.took(("L1.hpr", hprim()), ("L1.pdf", PDF))
    message = lab.message(view)
    assert [contact.address for contact in message.to] == [str(ALIX)]
    assert [(one.name, one.content) for one in message.parts] == [("L1.hpr", hprim()), ("L1.pdf", PDF)]
    assert view.reference == "REQ0417"


def test_hprim_sante_leaves_as_it_is(lab: Laboratory) -> None:
    message = lab.message(lab.took(("L1.hpr", SANTE.encode("latin-1"))))
    assert [contact.address for contact in message.to] == [str(ALIX)]


def test_a_code_that_nobody_knows_refuses_the_result_and_does_not_show_it(lab: Laboratory) -> None:
    with pytest.raises(InvalidSubmission) as error:
        lab.order(("L1.hpr", hprim(ONE.replace("        42 ", "      4567 "))))
    assert error.value.code == "DESTINATAIRE_INCONNU"
    assert "4567" not in str(getattr(error.value, "french", ""))


def test_a_sidecar_names_the_recipients_when_the_table_does_not(tmp_path: Path) -> None:
    office = Office(tmp_path)
    message = office.message(office.take(("X.hpr", hprim())))
    assert [contact.address for contact in message.to] == [str(ALIX)]
    office.scene.journal.close()


@pytest.mark.parametrize("with_pdf", [True, False])
def test_a_result_becomes_a_document_by_setting(tmp_path: Path, *, with_pdf: bool) -> None:
    lab = Laboratory(tmp_path, correspondents={"42": str(ALIX)}, outbox={"hprim": "cda"})
    files = [("L1.hpr", hprim()), *([("L1.pdf", PDF)] if with_pdf else [])]
    view = lab.took(*files)
    message = lab.message(view)
    (package,) = read_xdm(part(message, "application/zip"))
    document = parse_cda(package.documents[0].content)
    assert (document.patient.family, document.patient.ins, document.code.code) == ("TESTUT", None, "11502-2")
    assert (part(message, "application/pdf") == PDF) is with_pdf
    assert FileRole.CDA_BUILT in {file.role for file in view.files}
    assert [one.name for one in message.parts if one.name.endswith(".hpr")] == ["L1.hpr"]
    lab.scene.journal.close()


class TestCorrections:
    """What a sidecar says of an earlier sending, by setting."""

    @pytest.fixture
    def office(self, tmp_path: Path) -> Iterator[Office]:
        made = Office(tmp_path, outbox={"hprim": "cda"})
        yield made
        assert made.scene.journal.violations() == []
        made.scene.journal.close()

    def test_a_correction_replaces_the_document_that_was_made_before(self, office: Office) -> None:
        first = office.take(("X.hpr", hprim()), reference="R1")
        corrected = hprim(ONE.replace("13,3", "13,5"))
        second = office.take(("X.hpr", corrected), reference="R2", options={"remplace": "R1"})
        assert (first.action, second.action) == (DocumentAction.FIRST, DocumentAction.REPLACE)
        old, new = (parse_cda(built(office, view)) for view in (first, second))
        assert new.replaces is not None
        assert (new.replaces, new.set_id, new.version) == (old.id, old.set_id, 2)

    def test_a_withdrawal_sends_that_very_document_and_not_the_result(self, office: Office) -> None:
        first = office.take(("X.hpr", hprim()), ("X.pdf", PDF), reference="R1")
        gone = office.take(("X.hpr", hprim()), ("X.pdf", PDF), options={"annule": "R1"})
        assert gone.action is DocumentAction.DELETE
        assert built(office, gone) == built(office, first)
        message = office.message(gone)
        (package,) = read_xdm(part(message, "application/zip"))
        assert package.documents[0].entry.action == "D"
        assert [one.name for one in message.parts if one.name.endswith(".hpr")] == []

    @pytest.mark.parametrize("option", ["annule", "remplace"])
    def test_what_nobody_sent_is_told(self, office: Office, option: str) -> None:
        with pytest.raises(InvalidSubmission) as error:
            office.submission(("X.hpr", hprim()), options={option: "R9"})
        assert error.value.code == "REMPLACE_INCONNU"

    def test_a_file_that_goes_as_it_is_withdraws_nothing(self, tmp_path: Path) -> None:
        office = Office(tmp_path)
        with pytest.raises(InvalidSubmission) as error:
            office.submission(("X.hpr", hprim()), options={"annule": "R1"})
        assert error.value.code == "FORMAT_NON_PRIS_EN_CHARGE"
        told = office.submission(("X.hpr", hprim()), options={"remplace": "R1"})
        assert told.action is DocumentAction.FIRST
        assert told.warnings == ("SIDECAR_CLE_IGNOREE",)
        office.scene.journal.close()


def built(office: Office, view: SubmissionView) -> bytes:
    """The document that was made for a sending."""
    (file,) = [one for one in view.files if one.role is FileRole.CDA_BUILT]
    return office.scene.journal.payload(file.payload_id)


@pytest.mark.parametrize("setting", ["tel_quel", "cda"])
def test_a_sidecar_about_somebody_else_is_refused(tmp_path: Path, setting: str) -> None:
    office = Office(tmp_path, outbox={"hprim": setting})
    office.submission(("X.hpr", hprim()), patient={"nom_naissance": "X", "naissance": "1999-01-17"})
    with pytest.raises(InvalidSubmission) as error:
        office.submission(("X.hpr", hprim()), patient={"nom_naissance": "TESTUT", "naissance": "1985-07-02"})
    assert error.value.code == "PATIENT_DIFFERENT"
    office.scene.journal.close()


def test_two_patients_who_may_be_mixed_up_do_not_leave(lab: Laboratory) -> None:
    coded = ONE.replace("****FIN", "****LAB****\r\nRES|A|A|N|1\r\n****FIN")
    poor = coded.replace("TESTUT", "12345").replace("62000 ARRAS", " ")
    with pytest.raises(InvalidSubmission) as error:
        lab.order(("L1.hpr", hprim(coded.replace("****FIN****\r\n", ""), poor)))
    assert error.value.code == "HPRIM_DEUX_RESULTATS"


def test_each_warning_is_told_once(lab: Laboratory) -> None:
    warnings = lab.order(("L1.hpr", hprim(ONE.replace("17/01/1999", " ")))).warnings
    assert warnings.count("HPRIM_NAISSANCE_INCONNUE") == 1


@pytest.mark.parametrize("beside", ["L2.pdf", "L1.xyz"])
def test_only_the_pdf_of_the_same_name_goes_with_a_result(lab: Laboratory, beside: str) -> None:
    with pytest.raises(InvalidSubmission) as error:
        lab.order(("L1.hpr", hprim()), (beside, PDF if beside.endswith("pdf") else b"\x00\x01"))
    assert error.value.code == "FORMAT_INCONNU"


def test_no_document_is_made_of_hprim_sante(tmp_path: Path) -> None:
    lab = Laboratory(tmp_path, correspondents={"42": str(ALIX)}, outbox={"hprim": "cda"})
    with pytest.raises(InvalidSubmission) as error:
        lab.order(("L1.hpr", SANTE.encode("latin-1")))
    assert error.value.code == "FORMAT_NON_PRIS_EN_CHARGE"
    lab.scene.journal.close()


def test_each_patient_of_a_file_is_a_sending_of_its_own(lab: Laboratory) -> None:
    drop = ClaimedDrop("01TEST00000000000000000001", "L1", [("L1.hpr", hprim(ONE, OTHER))])
    parts = split(drop, lab.mailbox, lab.scene.rules().limits)
    assert is_lot(parts)
    assert len(parts) == 2
    texts = [dict(one.files(drop)).popitem()[1].decode("cp1252") for one in parts]
    assert ["TESTUT" in text and "MAQUETTE" not in text for text in texts] == [True, False]
    assert all(text.endswith(END) for text in texts)


def test_two_patients_where_one_is_expected_are_refused(lab: Laboratory) -> None:
    with pytest.raises(InvalidSubmission) as error:
        lab.order(("L1.hpr", hprim(ONE, OTHER)))
    assert error.value.code == "PATIENTS_MULTIPLES"
