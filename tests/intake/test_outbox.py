"""What an LPS may rely on when it drops files."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest

from connector.domain.errors import Unavailable
from connector.domain.limits import Limits
from connector.domain.submission import FileRole
from connector.intake import outbox as outbox_module
from connector.intake import refusal
from connector.intake.layout import MARKER, KnownFolders, establish
from connector.intake.scan import Listing, list_folder
from connector.platform.together import write_together
from connector.sandbox.samples import sample
from connector.settings.model import SpoolSettings
from tests.intake.bench import CDA, MODELE, N1, PARIS, Bench
from tests.intake.conftest import MakeBench

PDF = b"%PDF-1.4\n1 0 obj\nendobj\ntrailer\n%%EOF\n"


class TestStable:
    def test_a_file_is_taken_when_two_scans_agree(self, bench: Bench) -> None:
        bench.drop("REQ0417.xml")
        assert bench.scan() == 0
        assert bench.outbox.is_settling
        assert bench.scan(after=2.0) == 1
        view = bench.only()
        assert view.source_name == "REQ0417"
        assert [r.address for m in view.messages for r in m.recipients] == [MODELE]
        assert bench.names("A_ENVOYER") == []
        assert bench.journal.payload(view.files[0].payload_id) == CDA

    def test_a_file_still_growing_is_left_alone(self, bench: Bench) -> None:
        path = bench.drop("long.xml", b"")
        kibibytes = [CDA[start : start + 1024] for start in range(0, len(CDA), 1024)]
        for chunk in kibibytes:
            with path.open("ab") as file:
                file.write(chunk)
            assert bench.scan(after=0.1) == 0
        assert bench.scan(after=1.9) == 0
        assert bench.scan(after=0.1) == 1

    def test_a_writer_that_pauses_longer_than_the_settling_time_is_waited_for(self, bench: Bench) -> None:
        path = bench.drop("pause.xml", CDA[:5000])
        assert bench.scan() == 0
        assert bench.scan(after=60) == 0
        path.write_bytes(CDA)
        assert bench.settle() == 1

    def test_a_file_that_never_ends_is_set_aside_as_incomplete(self, bench: Bench) -> None:
        bench.drop("coupe.xml", CDA[:5000])
        assert bench.scan() == 0
        assert bench.scan(after=599) == 0
        assert bench.scan(after=1) == 1
        assert "Code : INCOMPLET" in bench.text("ERREURS", "coupe.erreur.txt")
        assert "coupe.xml" in bench.names("ERREURS")

    @pytest.mark.parametrize(
        ("form", "code"), [("json", "SIDECAR_INVALIDE"), ("ini", "INCOMPLET"), ("xml", "SIDECAR_INVALIDE")]
    )
    def test_a_document_never_leaves_without_the_sidecar_that_is_about_to_be_written(
        self, bench: Bench, form: str, code: str
    ) -> None:
        bench.drop("X.xml")
        bench.drop(f"X.mss.{form}", b"")
        assert bench.scan() == 0
        assert bench.scan(after=599) == 0
        assert bench.submissions() == []
        assert bench.scan(after=1) == 1
        assert f"Code : {code}" in bench.text("ERREURS", "X.erreur.txt")
        assert bench.submissions() == []

    def test_a_sidecar_that_is_filled_late_counts(self, bench: Bench) -> None:
        bench.drop("X.xml")
        path = bench.drop("X.mss.json", b"")
        assert bench.settle() == 0
        path.write_bytes(b'{"destinataires": ["dr.autre@test.mssante.example"]}')
        assert bench.settle() == 1
        assert [str(r.address) for m in bench.only().messages for r in m.recipients] == [
            "dr.autre@test.mssante.example"
        ]

    def test_a_temporary_name_is_ignored_until_it_is_renamed(self, bench: Bench) -> None:
        path = bench.drop("X.xml.tmp")
        assert bench.settle() == 0
        path.rename(path.with_name("X.xml"))
        assert bench.settle() == 1

    @pytest.mark.parametrize(
        "name", [".hidden.xml", "~$X.xml", "._X.xml", "Thumbs.db", "desktop.ini", "X.PART", "X.crdownload", "X.~"]
    )
    def test_litter_is_ignored(self, bench: Bench, name: str) -> None:
        bench.drop(name)
        assert bench.settle() == 0
        assert bench.names("A_ENVOYER") == [name]

    def test_a_link_is_never_followed(self, bench: Bench, tmp_path: Path) -> None:
        secret = tmp_path / "secret.xml"
        secret.write_bytes(CDA)
        (bench.layout.outbox / "X.xml").symlink_to(secret)
        assert bench.settle() == 0
        assert secret.exists()

    def test_a_valid_sidecar_makes_the_wait_unnecessary(self, bench: Bench) -> None:
        bench.drop("cr-biologie-v1.xml")
        bench.drop("cr-biologie-v1.mss.json", sample("cr-biologie-v1.mss.json"))
        assert bench.scan() == 1
        view = bench.only()
        assert view.reference == "TIL-26-1120-0417"
        assert sorted(f.role for f in view.files) == [FileRole.CDA, FileRole.SIDECAR]

    def test_a_flag_makes_the_wait_unnecessary_but_not_the_end_of_the_document(self, bench: Bench) -> None:
        path = bench.drop("X.xml", CDA[:9000])
        bench.drop("X.ok", b"")
        assert bench.scan() == 0
        path.write_bytes(CDA)
        assert bench.scan() == 1

    def test_a_file_without_an_end_is_not_taken_early(self, bench: Bench) -> None:
        bench.drop("X.xml", b"some text")
        bench.drop("X.ok", b"")
        assert bench.scan() == 0
        assert bench.scan(after=2) == 1

    def test_a_file_that_changes_between_scan_and_claim_is_given_back(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = bench.drop("X.xml")
        bench.scan()
        monkeypatch.setattr(bench.outbox._lookout, "_look", lambda folder: _then_append(list_folder(folder), path))
        assert bench.scan(after=2) == 0
        assert bench.names("A_ENVOYER") == ["X.xml"]
        assert bench.work() == []


def _then_append(listing: Listing, path: Path) -> Listing:
    with path.open("ab") as file:
        file.write(b"<!-- more -->")
    return listing


class TestFlag:
    def test_data_without_flag_waits_and_is_then_incomplete(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="drapeau")
        bench.drop("X.xml")
        assert bench.settle() == 0
        assert bench.scan(after=600) == 1
        assert "marqueur (.ok) n'est jamais" in bench.text("ERREURS", "X.erreur.txt")

    @pytest.mark.parametrize("flag", ["X.ok", "X.xml.ok", "x.OK"])
    def test_flag_after_data(self, make_bench: MakeBench, flag: str) -> None:
        bench = make_bench(readiness="drapeau")
        bench.drop("X.xml")
        assert bench.scan() == 0
        bench.drop(flag, b"")
        assert bench.scan() == 1
        assert bench.names("A_ENVOYER") == []

    def test_flag_before_data(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="drapeau")
        bench.drop("X.ok", b"")
        assert bench.settle() == 0
        path = bench.drop("X.xml", CDA[:4000])
        assert bench.scan() == 0
        path.write_bytes(CDA)
        assert bench.scan() == 1

    def test_flag_without_data_is_told(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="drapeau")
        bench.drop("X.ok", b"")
        bench.scan()
        assert bench.scan(after=600) == 1
        assert bench.names("ERREURS") == ["X.erreur.txt", "X.ok"]


class TestSidecarProfile:
    def test_sidecar_before_data(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="accompagne")
        bench.drop("X.mss.json", b'{"fichiers": [{"nom": "a.xml"}, {"nom": "b.xml"}]}')
        assert bench.settle() == 0
        bench.drop("a.xml", sample("lot-1-ordonnance.xml"))
        assert bench.settle() == 0
        bench.drop("b.xml", sample("lot-2-synthese.xml"))
        assert bench.scan() == 1
        assert [f.name for f in bench.only().files] == ["a.xml", "b.xml", "X.mss.json"]

    def test_data_alone_waits(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="accompagne")
        bench.drop("X.xml")
        assert bench.settle() == 0
        bench.drop("X.mss.ini", b"[message]\r\ndestinataire1=dr.b@test.mssante.exa")
        assert bench.scan() == 0, "half an INI file may look like a whole one"
        bench.drop("X.mss.ini", b"[message]\r\ndestinataire1=dr.b@test.mssante.example\r\n")
        assert bench.scan(after=1.9) == 0
        assert bench.scan(after=2.0) == 1
        assert [str(r.address) for r in bench.only().messages[0].recipients] == ["dr.b@test.mssante.example"]

    def test_half_a_json_sidecar_is_waited_for_however_long_its_writer_pauses(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="accompagne")
        bench.drop("X.xml")
        bench.drop("X.mss.json", b'{"options": {"urgent": true}')
        bench.scan()
        assert bench.scan(after=599) == 0
        bench.drop("X.mss.json", b'{"options": {"urgent": true}}')
        assert bench.scan() == 1

    def test_a_sidecar_that_stays_half_is_told_as_what_it_is(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="accompagne")
        bench.drop("X.xml")
        bench.drop("X.mss.json", b'{"options": {"urgent": true}')
        bench.scan()
        assert bench.scan(after=600) == 1
        assert "Code : SIDECAR_INVALIDE" in bench.text("ERREURS", "X.erreur.txt")

    def test_a_listed_file_that_never_comes_is_named(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="accompagne")
        bench.drop("X.mss.json", b'{"fichiers": ["absent.xml"]}')
        bench.scan()
        bench.scan(after=600)
        assert "« absent.xml »" in bench.text("ERREURS", "X.erreur.txt")

    def test_a_file_that_lacks_its_hash_waits(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="accompagne")
        bench.drop("X.xml")
        bench.drop("X.mss.json", b'{"sha256": {"X.xml": "' + b"0" * 64 + b'"}}')
        assert bench.settle() == 0
        assert bench.scan(after=600) == 1
        assert "INCOMPLET" in bench.text("ERREURS", "X.erreur.txt")


class TestFolderProfile:
    def test_a_folder_is_one_drop_of_several_documents(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="dossier")
        bench.drop("LOT.tmp/a.xml", sample("lot-1-ordonnance.xml"))
        bench.drop("LOT.tmp/b.xml", sample("lot-2-synthese.xml"))
        assert bench.settle() == 0
        (bench.layout.outbox / "LOT.tmp").rename(bench.layout.outbox / "LOT")
        assert bench.settle() == 1
        view = bench.only()
        assert view.source_name == "LOT"
        assert [f.name for f in view.files] == ["a.xml", "b.xml"]
        bench.send()
        bench.reporter.run_once()
        month = bench.clock.now().astimezone(PARIS).strftime("%Y-%m")
        assert bench.names("ENVOYES") == [f"{month}/LOT/a.xml", f"{month}/LOT/b.xml"]
        assert bench.work() == []

    def test_a_refused_folder_stays_whole(self, make_bench: MakeBench) -> None:
        bench = make_bench(readiness="dossier")
        bench.drop("LOT/a.docx", b"\x00anything")
        assert bench.settle() == 1
        assert bench.names("ERREURS") == ["LOT.erreur.txt", "LOT/a.docx"]


class TestSeveralFiles:
    def test_a_pdf_of_the_same_name_is_the_copy_of_the_document(self, bench: Bench) -> None:
        bench.drop("X.xml")
        bench.drop("X.pdf", PDF)
        assert bench.settle() == 1
        assert {f.name: f.role for f in bench.only().files} == {"X.pdf": FileRole.PDF, "X.xml": FileRole.CDA}

    def test_names_that_differ_by_case_only_are_two_drops(self, bench: Bench) -> None:
        bench.drop("Twin.xml", CDA)
        bench.drop("twin.xml", N1)
        assert bench.settle() == 2
        assert sorted(v.source_name for v in bench.submissions()) == ["Twin", "twin"]

    def test_decomposed_accents_are_the_same_name(self, bench: Bench) -> None:
        bench.drop(unicodedata.normalize("NFD", "Hélène.xml"))
        bench.drop(unicodedata.normalize("NFC", "Hélène.ok"), b"")
        assert bench.scan() == 1
        assert bench.only().source_name == "Hélène"

    def test_a_burst_of_three_thousand_files_is_taken_whole(self, bench: Bench) -> None:
        for number in range(3000):
            (bench.layout.outbox / f"{number:05}.dat").write_bytes(b"x")
        bench.scan()
        bench.clock.advance(2)
        assert bench.scan() == outbox_module.BATCH
        assert len(bench.names("A_ENVOYER")) == 3000 - outbox_module.BATCH
        assert bench.outbox.is_settling

    def test_one_bad_drop_does_not_hold_up_the_others(self, bench: Bench) -> None:
        bench.drop("a.xml", b"<html></html>")
        bench.drop("b.xml", CDA)
        bench.drop("c.hl7", b"MSH|^~\\&|A|B\rPID|1\r")
        assert bench.settle() == 3
        assert bench.only().source_name == "b"
        assert "FORMAT_INCONNU" in bench.text("ERREURS", "a.erreur.txt")
        assert "HL7_TYPE_INCONNU" in bench.text("ERREURS", "c.erreur.txt")

    def test_a_fault_of_our_own_sets_the_drop_aside(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*_: object) -> None:
            raise RecursionError

        bench.drop("a.xml")
        bench.scan()
        monkeypatch.setattr(outbox_module, "assemble", broken)
        assert bench.scan(after=2) == 1
        assert "Code : INTERNE" in bench.text("ERREURS", "a.erreur.txt")


class TestNames:
    @pytest.mark.parametrize(
        "name",
        ["CON.xml", "aux.XML", "trailing. .xml", "a:b.xml", "x" * 196 + ".xml", "éàü € ∂.xml", "-rf.xml", "a..b.xml"],
    )
    def test_odd_names_are_taken_and_filed(self, bench: Bench, name: str) -> None:
        bench.drop(name)
        assert bench.settle() == 1
        bench.send()
        assert bench.reporter.run_once() == 1
        assert len(bench.names("ENVOYES")) == 1
        assert len(bench.names("STATUTS")) == 2
        assert bench.work() == []


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "content", "code"),
        [
            ("X.pdf", PDF, "PATIENT_INCOMPLET"),
            ("X.hpr", b"A\r\n****FIN****\r\n****FINFICHIER****\r\n", "HPRIM_INVALIDE"),
            ("lot.mss.csv", b"fichier;destinataires\r\n", "SIDECAR_INVALIDE"),
            ("X.docx", b"\x00anything", "FORMAT_INCONNU"),
        ],
    )
    def test_other_formats_are_refused_with_a_clear_sentence(
        self, bench: Bench, name: str, content: bytes, code: str
    ) -> None:
        bench.drop(name, content)
        assert bench.settle() == 1
        base = name.partition(".")[0]
        assert f"Code : {code}" in bench.text("ERREURS", f"{base}.erreur.txt")
        assert (bench.layout.errors / name).read_bytes() == content
        assert "ETAT=ERREUR\r\n" in bench.text("STATUTS", f"{base}.statut.txt")
        assert [entry.outcome for entry in bench.journal.trace() if entry.action == "refuse"] == [code]
        (drop,) = bench.journal.refused_drops(unseen=True)
        assert (drop.name, drop.code, drop.files, drop.note) == (base, code, (name,), f"{base}.erreur.txt")
        assert bench.submissions() == []
        assert bench.work() == []

    def test_a_second_refusal_of_the_same_name_overwrites_nothing(self, bench: Bench) -> None:
        for content in (b"first", b"second"):
            bench.drop("X.doc", content)
            bench.settle()
        assert (bench.layout.errors / "X.doc").read_bytes() == b"first"
        assert (bench.layout.errors / "X-2.doc").read_bytes() == b"second"
        assert "X-2.erreur.txt" in bench.names("ERREURS")
        assert "X-2.statut.json" in bench.names("STATUTS")
        assert [drop.files for drop in bench.journal.refused_drops()] == [("X-2.doc",), ("X.doc",)]

    def test_a_name_that_was_taken_meanwhile_is_told_as_it_stands(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def write_it_first(writes: Sequence[tuple[Path, bytes]]) -> None:
            (bench.layout.errors / "X.doc").write_bytes(b"of somebody else")
            write_together(writes)

        monkeypatch.setattr(refusal, "write_together", write_it_first)
        bench.drop("X.doc", b"word")
        bench.settle()
        (drop,) = bench.journal.refused_drops()
        assert [(bench.layout.errors / name).read_bytes() for name in drop.files] == [b"word"]

    def test_no_recipient_at_all(self, make_bench: MakeBench) -> None:
        bench = make_bench(default_recipients=[])
        bench.drop("X.xml")
        bench.settle()
        assert "DESTINATAIRE_INCONNU" in bench.text("ERREURS", "X.erreur.txt")

    def test_too_big(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bench.outbox._lookout, "_limits", _small())
        monkeypatch.setattr(bench.outbox.claims, "_limits", _small())
        bench.drop("X.xml")
        assert bench.settle() == 1
        assert "TROP_GROS" in bench.text("ERREURS", "X.erreur.txt")


def _small() -> Limits:
    return Limits(max_member_bytes=1000)


class TestFolderGone:
    def test_a_share_that_goes_away_is_an_error_and_comes_back_without_a_storm(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.drop("a.xml")
        bench.scan()

        def gone(_: Path) -> Listing:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as away:
            away.setattr(bench.outbox._lookout, "_look", gone)
            assert bench.scan(after=60) == 0
            since = bench.outbox.health.since
            assert bench.outbox.health.code == "SPOOL_ABSENT"
            assert bench.scan(after=60) == 0
            assert bench.outbox.health.since == since
        assert bench.scan(after=60) == 1
        assert bench.outbox.health.is_ok

    def test_a_root_without_marker_is_never_taken_for_empty_nor_made_again(self, bench: Bench) -> None:
        hidden = bench.root.with_name("unmounted")
        bench.root.rename(hidden)
        bench.root.mkdir()
        assert bench.scan() == 0
        assert bench.outbox.health.code == "SPOOL_ABSENT"
        assert list(bench.root.iterdir()) == []
        bench.root.rmdir()
        hidden.rename(bench.root)
        bench.drop("a.xml")
        assert bench.settle() == 1

    def test_a_known_folder_is_not_made_again_at_the_next_start(self, bench: Bench, tmp_path: Path) -> None:
        known = KnownFolders(tmp_path / "known.json")
        (bench.layout.box / MARKER).unlink()
        with pytest.raises(Unavailable) as refused:
            establish(SpoolSettings(root=bench.root), bench.mailbox, known)
        assert refused.value.code == "SPOOL_ABSENT"
        establish(SpoolSettings(root=bench.root), bench.mailbox, known, anew=True)
        assert (bench.layout.box / MARKER).exists()

    def test_an_unreadable_list_of_known_folders_is_not_an_empty_one(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "known.json").write_text("{broken", "utf-8")
        with pytest.raises(Unavailable):
            establish(SpoolSettings(root=tmp_path / "other"), bench.mailbox, KnownFolders(tmp_path / "known.json"))

    def test_a_removed_subfolder_comes_back(self, bench: Bench) -> None:
        bench.layout.statuses.rmdir()
        bench.drop("a.xml")
        assert bench.settle() == 1
        assert bench.layout.statuses.is_dir()

    def test_the_tree_is_private_and_explained(self, bench: Bench) -> None:
        for folder in (bench.root, bench.layout.box, bench.layout.outbox, bench.layout.work, bench.layout.received):
            assert folder.stat().st_mode & 0o077 == 0
        readme = (bench.root / "LISEZMOI.txt").read_bytes()
        assert b"\r\n" in readme
        assert "opérateur" in readme.decode("cp1252")

    def test_the_journal_being_away_loses_nothing(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        def locked(*_: object, **__: object) -> None:
            raise Unavailable("JOURNAL_INDISPONIBLE", "locked")

        bench.drop("a.xml")
        bench.scan()
        with monkeypatch.context() as away:
            away.setattr(bench.journal, "take", locked)
            with pytest.raises(Unavailable):
                bench.scan(after=2)
        assert bench.settle() == 1
        assert bench.only().source_name == "a"
        assert bench.work() == [f"{bench.only().id}/a.xml"]
