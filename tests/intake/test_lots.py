"""A drop that means several sendings: each leaves or fails by itself, and what is left of the lot is filed."""

import json
import unicodedata
from typing import Any

import pytest

from connector.domain.errors import Unavailable
from connector.domain.states import OutgoingEvent, OutgoingState
from connector.intake import outbox as outbox_module
from connector.intake.results import StatusReporter
from tests.crash.crash_samples import document
from tests.intake.bench import MODELE, PARIS, Bench
from tests.intake.conftest import MakeBench
from tests.intake.lot_samples import drop_batch, finish, hl7_batch, hl7_message, index_of, other_patient, send_all


def base_names(bench: Bench) -> list[str]:
    return sorted(view.source_name for view in bench.submissions())


def filed(bench: Bench, folder: str) -> list[str]:
    return sorted(name.rpartition("/")[2] for name in bench.names(folder))


def status(bench: Bench, base: str) -> Any:
    return json.loads((bench.layout.statuses / f"{base}.statut.json").read_text("utf-8"))


class TestIndex:
    def test_each_line_is_a_sending_of_its_own(self, bench: Bench) -> None:
        drop_batch(bench)
        assert bench.settle() == 1
        finish(bench)
        assert base_names(bench) == ["a", "b", "c"]
        assert {view.reference for view in bench.submissions()} == {"a", "b", "c"}
        assert [r.address for view in bench.submissions() for m in view.messages for r in m.recipients] == [
            MODELE
        ] * 3
        assert filed(bench, "ENVOYES") == [
            "LOT.mss.csv", "LOT.ok", "a.mss.json", "a.xml", "b.mss.json", "b.xml", "c.mss.json", "c.xml",
        ]  # fmt: skip
        assert bench.names("A_ENVOYER") == []
        assert bench.names("ERREURS") == []
        assert bench.work() == []

    def test_the_lot_tells_its_parts_and_when_all_are_final(self, bench: Bench) -> None:
        drop_batch(bench)
        bench.settle()
        told = status(bench, "LOT")
        assert (told["etat"], [part["nom"] for part in told["parties"]]) == ("pris", ["a", "b", "c"])
        finish(bench)
        told = status(bench, "LOT")
        assert (told["etat"], told["erreurs"], told["emplacement"][:8]) == ("envoye", [], "ENVOYES/")
        assert {part["id"] for part in told["parties"]} == {view.id for view in bench.submissions()}
        assert {view.lot for view in bench.submissions()} == {told["id"]}

    def test_a_bad_line_holds_up_no_other(self, bench: Bench) -> None:
        drop_batch(bench, bad=True)
        bench.settle()
        finish(bench)
        assert base_names(bench) == ["a", "c"]
        assert filed(bench, "ERREURS") == ["b.erreur.txt", "b.mss.json", "b.xml"]
        assert "FORMAT_INCONNU" in bench.text("ERREURS", "b.erreur.txt")
        assert status(bench, "b")["etat"] == "erreur"
        assert [drop.name for drop in bench.journal.refused_drops()] == ["b"]
        told = status(bench, "LOT")
        assert (told["etat"], [one["code"] for one in told["erreurs"]]) == ("erreur", ["LOT_PARTIEL"])
        assert "LOT.mss.csv" in filed(bench, "ENVOYES")
        assert bench.work() == []

    def test_a_lot_of_which_nothing_left_is_in_the_errors_with_its_note(self, bench: Bench) -> None:
        bench.drop("a.xml", b"<html></html>")
        bench.drop("LOT.mss.csv", index_of("a.xml"))
        bench.settle()
        finish(bench)
        assert filed(bench, "ERREURS") == ["LOT.erreur.txt", "LOT.mss.csv", "a.erreur.txt", "a.mss.json", "a.xml"]
        assert "Code : LOT_REFUSE" in bench.text("ERREURS", "LOT.erreur.txt")
        assert bench.work() == []

    def test_a_number_that_a_spreadsheet_damaged_names_line_and_column(self, bench: Bench) -> None:
        bench.drop("a.xml", document(1))
        bench.drop("b.xml", document(2))
        lines = "a.xml;dr.modele@test.mssante.example;8,1E+10\r\nb.xml;dr.modele@test.mssante.example;R2\r\n"
        bench.drop("LOT.mss.csv", b"fichier;destinataires;reference\r\n" + lines.encode())
        bench.settle()
        finish(bench)
        note = bench.text("ERREURS", "a.erreur.txt").replace("\r\n", " ")
        assert "Ligne 2 de l'index" in note
        assert "« reference »" in note
        assert "a.xml" in bench.names("ERREURS")
        assert base_names(bench) == ["b"]

    def test_a_file_that_is_not_there_yet_is_waited_for(self, bench: Bench) -> None:
        bench.drop("LOT.mss.csv", index_of("a.xml", "b.xml"))
        bench.drop("a.xml", document(1))
        assert bench.settle() == 0
        assert bench.scan(after=300) == 0
        bench.drop("b.xml", document(2))
        assert bench.settle() == 1
        finish(bench)
        assert base_names(bench) == ["a", "b"]

    @pytest.mark.parametrize("late", [None, document(2)[:4000]])
    def test_what_never_comes_or_never_ends_fails_alone_after_a_while(self, bench: Bench, late: bytes | None) -> None:
        bench.drop("LOT.mss.csv", index_of("a.xml", "b.xml"))
        bench.drop("a.xml", document(1))
        if late is not None:
            bench.drop("b.xml", late)
        bench.scan()
        assert bench.scan(after=599) == 0
        assert bench.scan(after=1) == 1
        finish(bench)
        assert base_names(bench) == ["a"]
        assert "Code : INCOMPLET" in bench.text("ERREURS", "b.erreur.txt")
        assert ("b.xml" in bench.names("ERREURS")) == (late is not None)
        assert bench.work() == []

    def test_the_copy_of_a_document_goes_with_it(self, bench: Bench) -> None:
        bench.drop("a.xml", document(1))
        bench.drop("a.pdf", b"%PDF-1.4\n%%EOF\n")
        bench.drop("LOT.mss.csv", index_of("a.xml"))
        bench.settle()
        finish(bench)
        assert sorted(file.name for file in bench.only().files) == ["a.mss.json", "a.pdf", "a.xml"]

    def test_the_index_is_the_trigger_of_readiness_accompagne(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="accompagne")
        bench.drop("a.xml", document(1))
        bench.drop("b.xml", document(2))
        assert bench.settle() == 0
        bench.drop("LOT.mss.csv", index_of("a.xml", "b.xml"))
        assert bench.scan() == 0, "an index may still be growing: nothing in it says where it ends"
        assert bench.settle() == 1
        finish(bench)
        assert base_names(bench) == ["a", "b"]

    @pytest.mark.parametrize("flag", ["LOT.ok", "LOT.mss.csv.ok"])
    def test_a_flag_of_the_index_is_that_of_the_lot(self, make_bench: MakeBench, flag: str) -> None:
        bench = make_bench(readiness="drapeau")
        bench.drop("a.xml", document(1))
        bench.drop("LOT.mss.csv", index_of("a.xml"))
        assert bench.settle() == 0
        bench.drop(flag, b"")
        assert bench.settle() == 1
        finish(bench)
        assert filed(bench, "ENVOYES") == sorted(["LOT.mss.csv", flag, "a.mss.json", "a.xml"])

    def test_the_same_lot_again_is_a_duplicate_line_by_line(self, bench: Bench) -> None:
        drop_batch(bench)
        bench.settle()
        finish(bench)
        bench.drop("b.xml", document(2))
        bench.drop("d.xml", document(4))
        bench.drop("LOT.mss.csv", index_of("b.xml", "d.xml"))
        bench.settle()
        finish(bench)
        states = sorted(m.state for view in bench.submissions() for m in view.messages)
        assert states == sorted([OutgoingState.DUPLICATE, *[OutgoingState.SENT] * 4])
        assert status(bench, "b-2")["etat"] == "doublon"
        assert status(bench, "LOT-2")["etat"] == "erreur"
        assert bench.work() == []

    def test_an_index_without_header_is_refused_with_its_own_reason(self, bench: Bench) -> None:
        bench.drop("LOT.mss.csv", b"a.xml;dr.modele@test.mssante.example\r\n")
        assert bench.settle() == 1
        assert "en-tête" in bench.text("ERREURS", "LOT.erreur.txt")
        assert bench.work() == []

    def test_an_index_and_a_sidecar_for_one_drop_contradict_each_other(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="dossier")
        bench.drop("LOT/a.xml", document(1))
        bench.drop("LOT/LOT.mss.csv", index_of("a.xml"))
        bench.drop("LOT/a.mss.json", b"{}")
        assert bench.settle() == 1
        assert "SIDECAR_INVALIDE" in bench.text("ERREURS", "LOT.erreur.txt")
        assert bench.names("ERREURS") == ["LOT.erreur.txt", "LOT/LOT.mss.csv", "LOT/a.mss.json", "LOT/a.xml"]

    def test_a_file_of_the_folder_that_no_line_names_never_stays_unseen(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="dossier")
        bench.drop("LOT/a.xml", document(1))
        bench.drop("LOT/oublie.xml", document(2))
        bench.drop("LOT/index.mss.csv", index_of("a.xml"))
        bench.settle()
        finish(bench)
        assert base_names(bench) == ["a"]
        assert filed(bench, "ERREURS") == ["oublie.erreur.txt", "oublie.xml"]
        assert bench.names("ENVOYES")[0].endswith("LOT/index.mss.csv")
        assert bench.work() == []

    def test_an_index_in_utf_16_is_taken(self, bench: Bench) -> None:
        bench.drop("a.xml", document(1))
        bench.drop("LOT.mss.csv", index_of("a.xml").decode("cp1252").replace(";", "\t").encode("utf-16"))
        assert bench.settle() == 1
        finish(bench)
        assert base_names(bench) == ["a"]

    @pytest.mark.parametrize(
        "name", ["CON.xml", "aux.XML", "x" * 196 + ".xml", "éàü.xml", "-rf.xml", "a..b.xml", "with blank.xml"]
    )
    def test_odd_names_are_taken_and_filed(self, bench: Bench, name: str) -> None:
        bench.drop(unicodedata.normalize("NFD", name), document(1))
        bench.drop("LOT.mss.csv", index_of(name))
        assert bench.settle() == 1
        finish(bench)
        assert len(bench.submissions()) == 1
        assert len(bench.names("ENVOYES")) == 3
        assert len(bench.names("STATUTS")) == 4
        assert bench.work() == []


class TestPatients:
    def two_patients(self, bench: Bench, sidecar: bytes = b"{}") -> None:
        bench.drop("LOT/a.xml", document(1))
        bench.drop("LOT/b.xml", other_patient(2))
        bench.drop("LOT/c.xml", document(3))
        bench.drop("LOT/c.pdf", b"%PDF-1.4\n%%EOF\n")
        bench.drop("LOT/LOT.mss.json", sidecar)

    def test_documents_of_two_patients_are_two_sendings(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="dossier")
        self.two_patients(bench, b'{"reference": "R1"}')
        bench.settle()
        finish(bench)
        files = {view.source_name: sorted(file.name for file in view.files) for view in bench.submissions()}
        assert files == {
            "LOT_1": ["LOT_1.mss.json", "a.xml", "c.pdf", "c.xml"], "LOT_2": ["LOT_2.mss.json", "b.xml"],
        }  # fmt: skip
        assert {view.reference for view in bench.submissions()} == {"R1"}
        assert bench.names("A_ENVOYER") == []
        assert bench.work() == []

    def test_they_are_refused_when_the_setting_says_so(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="dossier", several_patients="refuse")
        self.two_patients(bench)
        bench.settle()
        assert "Code : PATIENTS_MULTIPLES" in bench.text("ERREURS", "LOT.erreur.txt")
        assert bench.submissions() == []

    @pytest.mark.parametrize(
        "sidecar",
        [b'{"patient": {"nom_naissance": "TESTUT"}}', b'{"options": {"numero_dossier": "D1"}}',
         b'{"options": {"remplace": "R0"}}'],
    )  # fmt: skip
    def test_they_are_refused_when_the_sidecar_speaks_of_one(self, make_bench: MakeBench, sidecar: bytes) -> None:
        bench = make_bench(readiness="dossier")
        self.two_patients(bench, sidecar)
        bench.settle()
        assert "Code : PATIENTS_MULTIPLES" in bench.text("ERREURS", "LOT.erreur.txt")
        assert bench.submissions() == []

    def test_documents_of_one_patient_stay_one_sending(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="dossier", several_patients="refuse")
        bench.drop("LOT/a.xml", document(1))
        bench.drop("LOT/c.xml", document(3))
        bench.settle()
        assert bench.only().lot is None


class TestMessages:
    def test_each_message_of_an_hl7_file_is_a_sending(self, bench: Bench) -> None:
        bench.drop("LOT.hl7", hl7_batch(3))
        bench.settle()
        finish(bench)
        assert base_names(bench) == ["LOT_1", "LOT_2", "LOT_3"]
        assert filed(bench, "ENVOYES")[0] == "LOT.hl7"
        assert bench.work() == []

    def test_one_that_is_wrong_holds_up_no_other(self, bench: Bench) -> None:
        bench.drop("LOT.hl7", hl7_message(1) + b"MSH|^~\\&|A|B\rPID|1\r" + hl7_message(2))
        bench.settle()
        finish(bench)
        assert base_names(bench) == ["LOT_1", "LOT_3"]
        assert filed(bench, "ERREURS") == ["LOT_2.erreur.txt", "LOT_2.hl7"]
        assert bench.work() == []


def test_a_large_lot_is_handed_over_round_by_round(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "BATCH", 2)
    names = [f"d{number}.xml" for number in range(5)]
    for number, name in enumerate(names):
        bench.drop(name, document(number))
    bench.drop("LOT.mss.csv", index_of(*names))
    bench.drop("alone.xml", document(77))
    assert bench.settle() == 2  # the lot itself and the other drop
    assert [bench.scan() for _ in range(4)] == [2, 2, 1, 0]
    assert len(bench.submissions()) == 6


def test_a_lot_in_hand_does_not_hold_up_other_drops(bench: Bench) -> None:
    drop_batch(bench)
    bench.settle()
    bench.drop("later.xml", document(9))
    assert bench.settle() == 4  # its three parts, and the other drop
    send_all(bench)
    bench.reporter.run_once()
    assert bench.names("ENVOYES")[-1].endswith("later.xml")


def test_a_part_that_a_person_cancels_leaves_the_others(bench: Bench) -> None:
    drop_batch(bench)
    bench.settle()
    bench.scan()
    one = next(view for view in bench.submissions() if view.source_name == "b")
    bench.journal.record(one.messages[0].id, OutgoingEvent.CANCEL)
    finish(bench)
    assert "b.xml" in bench.names("ERREURS")
    assert status(bench, "LOT")["erreurs"][0]["code"] == "LOT_PARTIEL"
    assert bench.work() == []


def test_a_lot_stays_open_while_one_part_is_on_its_way(bench: Bench) -> None:
    drop_batch(bench)
    bench.settle()
    bench.scan()
    reporter = StatusReporter(
        bench.mailbox, bench.layout, journal=bench.journal, claims=bench.outbox.claims, zone=PARIS
    )
    reporter.run_once()
    bench.scan()
    assert status(bench, "LOT")["etat"] == "pris"
    assert bench.names("ENVOYES") == []


def test_a_journal_that_is_away_between_two_parts_loses_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> None:
        raise Unavailable("JOURNAL_INDISPONIBLE", "locked")

    drop_batch(bench)
    bench.settle()
    with monkeypatch.context() as away:
        away.setattr(bench.journal, "take", locked)
        for _ in range(3):
            with pytest.raises(Unavailable):
                bench.outbox._take_parts()
    finish(bench)
    assert base_names(bench) == ["a", "b", "c"]
    assert bench.work() == []
