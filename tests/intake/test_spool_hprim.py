"""HPRIM files through the folders: one sending for each patient, to the doctor of its code or into the errors."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.documents.cda.parse import parse_cda
from connector.documents.pdf.sheets import text_to_pdf
from connector.domain.address import MailboxAddress
from connector.domain.submission import FileRole
from connector.settings.model import MailboxSettings
from tests.exchange.exchange_scene import IDENTITY
from tests.hprim.hprim_samples import EXAMPLE
from tests.intake.bench import MODELE, Bench
from tests.intake.lot_samples import finish

AUTRE = MailboxAddress.parse("dr.autre@test.mssante.example")
PDF = text_to_pdf("Bilan", "Bilan")
NIGHT = EXAMPLE.replace("42 DR EXEMPLE Alix", "43 DR AUTRE Sacha", 1)
"""Two patients of two doctors."""


def bench_for(folder: Path, **outbox: str) -> Bench:
    """A laboratory's folder; nobody is written to unless a file says so."""
    bench = Bench.make(folder)
    bench.mailbox = MailboxSettings.model_validate({
        "address": str(bench.mailbox.address), "kind": "ORG", "entity": "Laboratoire", "operator": "sandbox",
        "identity": IDENTITY, "author": {"rpps": "99700000017", "family": "BIOLOGISTE", "given": "Zoe"},
        "structure": {"finess": "010000017", "name": "Laboratoire", "facility": "SA25"},
        "correspondents": {"42": str(MODELE), "43": str(AUTRE)}, "outbox": outbox,
    })  # fmt: skip
    return bench.again()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = bench_for(tmp_path)
    yield made
    assert made.journal.violations() == []
    made.journal.close()


def crlf(text: str, encoding: str = "cp1252") -> bytes:
    return text.replace("\n", "\r\n").encode(encoding)


def take_all(bench: Bench) -> None:
    """The drop, then each part of it."""
    while bench.settle():
        pass


def sent(bench: Bench) -> dict[str, list[MailboxAddress]]:
    """Who gets what, by the name of the drop."""
    return {
        view.source_name: [r.address for message in view.messages for r in message.recipients]
        for view in bench.submissions()
    }


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "mac_roman", "utf-16"])
def test_a_night_of_results_reaches_each_doctor_with_his_patient_only(bench: Bench, encoding: str) -> None:
    bench.drop("NUIT.HPR", crlf(NIGHT, encoding))
    take_all(bench)
    contents = {view.source_name: bench.journal.payload(view.files[0].payload_id) for view in bench.submissions()}
    texts = [contents[name].decode(encoding) for name in sorted(contents)]
    assert [("TESTUT" in text, "MAQUETTE" in text) for text in texts] == [(True, False), (False, True)]
    finish(bench)
    assert sent(bench) == {"NUIT_1": [AUTRE], "NUIT_2": [MODELE]}
    assert (bench.names("A_ENVOYER"), bench.names("ERREURS"), bench.work()) == ([], [], [])


def test_an_unknown_doctor_holds_up_no_other(bench: Bench) -> None:
    bench.drop("NUIT.hpr", crlf(NIGHT.replace("43 DR AUTRE", "77 DR AUTRE")))
    bench.settle()
    finish(bench)
    assert sent(bench) == {"NUIT_2": [MODELE]}
    (note,) = [name for name in bench.names("ERREURS") if name.endswith(".erreur.txt")]
    assert "Code : DESTINATAIRE_INCONNU" in bench.text("ERREURS", note)
    assert "77" not in bench.text("ERREURS", note)


def test_a_result_with_its_pdf_is_one_sending(bench: Bench) -> None:
    bench.drop("L1.pdf", PDF)
    bench.drop("L1.hpm", crlf(EXAMPLE.split("L2026-0418")[0]))
    bench.settle()
    view = bench.only()
    assert {file.role for file in view.files} == {FileRole.HPRIM, FileRole.PDF}
    assert view.reference == "REQ0417"


def test_a_file_that_is_no_text_at_all_is_told(bench: Bench) -> None:
    bench.drop("L1.hpr", crlf(EXAMPLE).replace(b"TESTUT", b"TES\x01UT"))
    bench.settle()
    assert sent(bench) == {}
    assert "Code : ENCODAGE" in bench.text("ERREURS", "L1.erreur.txt")


@pytest.mark.parametrize("with_pdf", [True, False])
def test_each_patient_becomes_a_document_by_setting(tmp_path: Path, *, with_pdf: bool) -> None:
    bench = bench_for(tmp_path, hprim="cda")
    bench.drop("L1.hpr", crlf(NIGHT if not with_pdf else EXAMPLE.split("L2026-0418")[0]))
    if with_pdf:
        bench.drop("L1.pdf", PDF)
    take_all(bench)
    documents = [
        parse_cda(bench.journal.payload(file.payload_id))
        for view in bench.submissions() for file in view.files if file.role is FileRole.CDA_BUILT
    ]  # fmt: skip
    names = ["TESTUT"] if with_pdf else ["MAQUETTE", "TESTUT"]
    assert sorted(document.patient.family for document in documents) == names
    assert {document.patient.ins for document in documents} == {None}
    bodies = [document.body.content for document in documents if document.body]
    assert (PDF in bodies) is with_pdf
    bench.journal.close()
