"""The profiles that come with the connector, one habit of a software at a time."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from connector.delivery import folder as folder_module
from connector.domain.errors import Unavailable
from connector.domain.submission import DocumentAction
from connector.exchange.arrival import PartRole
from connector.platform.rename import exclusive_rename
from connector.sandbox.samples import sample
from tests.delivery.delivery_scene import (
    N1,
    N3,
    PREFIX,
    ULID,
    Killed,
    Places,
    arrival,
    digest,
    document,
    full,
    inbox,
    killed_at,
    listing,
    part,
    tree,
)
from tests.hprim.hprim_samples import EXAMPLE
from tests.opening.opened import arrival as opened
from tests.opening.opened import attached, hprim, message, text

STEPS = ["deliver.files_written", "deliver.data_renamed", "deliver.index_renamed", "deliver.flag_written"]
FLAG = {"drapeau": ".ok"}


class TestFolderOfItsOwn:
    def test_it_appears_whole(self, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[list[str]] = []

        def look(source: Path, target: Path) -> None:
            exclusive_rename(source, target)
            seen.append(tree(places.received))

        monkeypatch.setattr(folder_module, "exclusive_rename", look)
        inbox(places, profile="dossier", options=FLAG).deliver(full())
        assert len(seen) == 1
        assert seen[0] == tree(places.received)
        assert seen[0][5:7] == [f"{PREFIX}/{PREFIX}.mss.json", f"{PREFIX}/{PREFIX}.ok"]
        assert len(seen[0]) == 8

    @pytest.mark.parametrize("profile", ["dossier", "par_type", "texte_f"])
    @pytest.mark.parametrize("step", STEPS)
    def test_a_cut_delivery_is_finished_once(self, places: Places, tmp_path: Path, profile: str, step: str) -> None:
        options = FLAG if profile != "texte_f" else {**FLAG, "index": True}
        with killed_at(step):
            inbox(places, profile=profile, options=options).deliver(full())
        taken = tree(places.received)
        for path in taken:
            (places.received / path).rename(tmp_path / path.replace("/", "!"))
        given = inbox(places, profile=profile, options=options).deliver(full())
        assert sorted([*taken, *tree(places.received)]) == sorted(name for name, _ in given.files)
        assert inbox(places, profile=profile, options=options).deliver(full()) == given
        assert len(given.files) == 8

    @pytest.mark.parametrize("number", [0, 1, 2, 3])
    def test_a_cut_between_renames(self, places: Places, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
        given: list[str] = []

        def cut(source: Path, target: Path) -> None:
            if len(given) == number:
                raise Killed
            given.append(target.name)
            exclusive_rename(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(folder_module, "exclusive_rename", cut)
            with pytest.raises(Killed):
                inbox(places, profile="par_type", options=FLAG).deliver(full())
        delivered = inbox(places, profile="par_type", options=FLAG).deliver(full())
        assert tree(places.received) == sorted(name for name, _ in delivered.files)

    def test_delivered_again_on_a_persons_wish_it_is_not_doubled(self, places: Places) -> None:
        box = inbox(places, profile="dossier")
        box.deliver(full())
        box.settle([ULID])
        box.deliver(full())
        assert listing(places.received) == [PREFIX]
        (places.received / PREFIX / "01.txt").write_bytes(b"changed by the LPS")
        box.settle([ULID])
        box.deliver(full())
        assert listing(places.received) == [PREFIX, f"{PREFIX}-2"]
        assert (places.received / PREFIX / "01.txt").read_bytes() == b"changed by the LPS"

    def test_a_cut_while_a_double_is_thrown_away_gives_nothing_again(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        box = inbox(places, profile="dossier")
        box.deliver(full())
        box.settle([ULID])

        def cut(*_: object, **__: object) -> None:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(shutil, "rmtree", cut)
            with pytest.raises(Killed):
                box.deliver(full())
        for path in tree(places.received):
            (places.received / path).unlink()
        inbox(places, profile="dossier").deliver(full())
        assert tree(places.received) == []

    def test_the_text_comes_after_its_attachments(self, places: Places) -> None:
        given = inbox(places, profile="texte_f").deliver(full())
        assert given.files[-1][0] == f"{PREFIX.replace('_', '-')}.txt"
        assert tree(places.received)[0].startswith(f"{PREFIX.replace('_', '-')}.f/01_CR-CONSULT")

    def test_an_empty_text_is_given_where_the_software_looks_for_it(self, places: Places) -> None:
        inbox(places, profile="texte_f").deliver(arrival(documents=[document(N3, "CR-BIO")], body=""))
        assert (places.received / f"{PREFIX.replace('_', '-')}.txt").read_bytes() == b"(message sans texte)\r\n"

    def test_a_link_in_the_folder_is_never_followed(self, places: Places, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (places.received / "PDF").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(Unavailable, match="link"):
            inbox(places, profile="par_type").deliver(full())
        assert tree(places.received) == []
        assert listing(tmp_path / "elsewhere") == []
        (places.received / "PDF").unlink()
        assert len(inbox(places, profile="par_type").deliver(full()).files) == 7

    def test_nothing_of_ours_is_left_and_all_is_private(self, places: Places) -> None:
        box = inbox(places, profile="par_type")
        box.deliver(full())
        box.settle([ULID])
        assert listing(places.delivery_work / "livraison") == []
        assert all(path.stat().st_mode & 0o077 == 0 for path in places.received.rglob("*"))


class TestEarlierVersions:
    @pytest.mark.parametrize("given", [0, 1, 2, 3])
    def test_a_delivery_that_an_earlier_version_began_is_finished(self, places: Places, given: int) -> None:
        """Its receipt has the flag behind the index, and knows no folders."""
        names = {"P_01.txt": b"text", "P.mss.json": b"{}", "P.ok": b""}
        folder = places.delivery_work / "livraison" / ULID
        folder.mkdir(parents=True)
        for name, content in list(names.items())[given:]:
            (folder / name).write_bytes(content)
        pairs = [[name, digest(content)] for name, content in names.items()]
        (folder / ".recu.json").write_text(json.dumps({"prefix": "P", "data": pairs[:1], "last": pairs[1:]}))
        delivered = inbox(places).deliver(full())
        assert delivered.files == tuple((name, sha256) for name, sha256 in pairs)
        assert tree(places.received) == sorted(list(names)[given:])


class TestResultsOnly:
    def test_one_patient_a_file_written_for_old_software(self, places: Places) -> None:
        raw = message(attached("labo.txt", EXAMPLE.replace("\n", "\r").encode("mac_roman")))
        given = inbox(places, profile="hprim", options={"ligne1": "MODELE", "code_destinataire": "7"}).deliver(
            opened(raw)
        )
        assert [name[-6:] for name, _ in given.files] == ["01.hpm", "02.hpm"]
        first, second = ((places.received / name).read_bytes().decode("cp1252") for name, _ in given.files)
        assert first.split("\r\n")[:3] == ["MODELE", "TESTUT", "Camille"]
        assert "\r\n         7 DR EXEMPLE Alix\r\n" in first
        assert "Hémoglobine" in first
        assert "MAQUETTE" not in first
        assert "MAQUETTE" in second
        assert second.endswith("****FIN****\r\n****FINFICHIER****\r\n")

    def test_two_results_of_one_patient_stay_together(self, places: Places) -> None:
        one, end = hprim().split(b"****FINFICHIER****")
        given = inbox(places, profile="hprim").deliver(
            opened(message(attached("a.hpr", one + one + b"****FINFICHIER****" + end)))
        )
        (name, _), *rest = given.files
        assert (places.received / name).read_bytes().count(b"****FIN****") == 2
        assert rest == []

    def test_what_was_guessed_stays_as_it_came(self, places: Places) -> None:
        raw = hprim().replace(b"11/03/1951", b"11/42/1951")
        (name, sha256), *rest = inbox(places, profile="hprim").deliver(opened(message(attached("a.hpr", raw)))).files
        assert sha256 == digest((places.received / name).read_bytes())
        assert b"11/42/1951" in (places.received / name).read_bytes()
        assert rest == []

    def test_a_file_that_is_no_record_is_given_as_it_is(self, places: Places) -> None:
        broken = part("a.hpr", PartRole.HPRIM, b"****FIN****\r\n")
        inbox(places, profile="hprim").deliver(arrival(parts=[broken], body=""))
        assert (places.received / "20261120-10153201.hpm").read_bytes() == broken.content

    def test_two_messages_of_one_second_are_two_files(self, places: Places) -> None:
        box = inbox(places, profile="hprim")
        box.deliver(arrival(parts=[part("a.hpr", PartRole.HPRIM, b"one")]))
        box.deliver(
            replace(arrival(parts=[part("a.hpr", PartRole.HPRIM, b"two")]), incoming_id="01JD3M0000000000000YK3QF2X")
        )
        assert listing(places.received) == ["20261120-10153201-2.hpm", "20261120-10153201.hpm"]

    @pytest.mark.parametrize("body", ["Bonjour", ""])
    def test_a_message_without_result_stands_whole_beside_them(self, places: Places, body: str) -> None:
        inbox(places, profile="hprim").deliver(arrival(documents=[document(N3, "CR-BIO")], body=body))
        names = tree(places.received)
        assert f"AUTRES/{PREFIX}.mss.json" in names
        assert all(name.startswith("AUTRES/") for name in names)
        index = json.loads((places.received / f"AUTRES/{PREFIX}.mss.json").read_text("utf-8"))
        assert [warning["code"] for warning in index["avertissements"]] == ["XDM_DEGRADE", "RECU_HORS_PROFIL"]
        assert {file["nom"] for file in index["fichiers"]} == {name.removeprefix("AUTRES/") for name in names} - {
            f"{PREFIX}.mss.json"
        }

    def test_a_result_and_a_document_of_somebody_else_are_both_seen(self, places: Places) -> None:
        raw = message(text("Voir."), attached("a.hpr", hprim()), attached("b.xml", N3))
        from tests.opening.opened import MARK

        inbox(places, profile="hprim").deliver(opened(raw, MARK))
        names = tree(places.received)
        assert [name for name in names if not name.startswith("AUTRES/")] == ["20261120-10000001.hpm"]
        assert any(name.endswith(".xml") for name in names)

    def test_the_document_of_the_result_is_the_same_report(self, places: Places) -> None:
        result = attached("a.hpr", hprim(given=b"Camille", birth=b"17/01/1999"))
        inbox(places, profile="hprim").deliver(opened(message(text("Voir."), result, attached("b.xml", N3))))
        assert tree(places.received) == ["20261120-10000001.hpm"]


class TestPdfOnly:
    def test_the_pdf_of_a_document_comes_once(self, places: Places) -> None:
        inner = document(N1, "CR").pdf
        assert inner is not None
        for number, parts in enumerate(([], [part("a.pdf", PartRole.PDF, inner)])):
            one = replace(
                arrival(documents=[document(N1, "CR")], parts=parts), incoming_id=f"{ULID[:-6]}00000{number}"
            )
            (path, sha256), *rest = inbox(places, profile="pdf_seul").deliver(one).files
            assert (path, sha256) == (f"20261120-101532_00000{number}_01_CR.pdf", digest(inner))
            assert rest == []

    def test_a_document_that_withdraws_another_is_no_report(self, places: Places) -> None:
        withdrawn = replace(document(N1, "CR"), action=DocumentAction.DELETE)
        inbox(places, profile="pdf_seul").deliver(arrival(documents=[withdrawn]))
        assert all(name.startswith("AUTRES/") for name in tree(places.received))

    def test_another_attachment_is_not_lost(self, places: Places) -> None:
        parts = [part("a.pdf", PartRole.PDF, b"%PDF-1.4"), part("photo.jpg", PartRole.OTHER, b"\xff\xd8")]
        inbox(places, profile="pdf_seul").deliver(arrival(parts=parts))
        assert f"{PREFIX}_01.pdf" in tree(places.received)
        assert f"AUTRES/{PREFIX}_03_photo.jpg" in tree(places.received)

    def test_the_copy_that_the_sender_attached_is_the_document(self, places: Places) -> None:
        bare, copy = document(sample("lot-2-synthese.xml"), "CR"), part("copie.pdf", PartRole.PDF, b"%PDF-1.4 copy")
        inbox(places, profile="pdf_seul").deliver(arrival(documents=[bare], parts=[copy]))
        assert tree(places.received) == [f"{PREFIX}_01_CR.pdf"]


class TestNamesThatMeet:
    """A name from outside never keeps a message from being delivered."""

    OWN = (
        'description = "x"\n[options]\ndrapeau = ".ok"\ndrapeau_par = "fichier"\n'
        '[[fichiers]]\nroles = ["hprim"]\nnom = "{nom}x.hpr"\ndossier = "BIO"\n'
        '[[fichiers]]\nroles = ["autre", "corps", "cda", "pdf", "xdm"]\nnom = "{nom}"\n'
    )

    @pytest.mark.parametrize("name", ["BIO", "bio", "a.ok", "A.OK", f"{PREFIX}.mss.json", "a.jpg", "document"])
    def test_of_attachments(self, places: Places, name: str) -> None:
        own = places.errors / "lps"
        own.mkdir()
        (own / "mien.toml").write_text(self.OWN)
        parts = [
            part("r", PartRole.HPRIM, b"1"),
            *(part(each, PartRole.OTHER, each.encode()) for each in ("a.jpg", name, "a.txt", name)),
        ]
        given = inbox(places, profile="mien", profiles=own).deliver(arrival(parts=parts))
        assert sorted(path for path, _ in given.files) == tree(places.received)
        contents = [path.read_bytes() for path in places.received.rglob("*") if path.is_file()]
        assert contents.count(name.encode()) == 2 + (name == "a.jpg")
        assert f"{PREFIX}.mss.json" in tree(places.received)

    def test_of_the_folder_for_what_is_left_out(self, places: Places) -> None:
        withdrawn = replace(document(N1, "CR"), action=DocumentAction.DELETE)
        given = inbox(places, profile="par_type", options={"index": False}).deliver(arrival(documents=[withdrawn]))
        assert sorted(path for path, _ in given.files) == tree(places.received)
        names = [path.partition("/")[2] for path in tree(places.received)]
        assert f"{PREFIX}_01.txt" in names
        assert f"{PREFIX}_01-2.txt" in names


class TestOptions:
    def test_short_names_of_the_time_of_dos(self, places: Places) -> None:
        own = places.errors / "lps"
        own.mkdir()
        (own / "dos.toml").write_text(
            'description = "x"\n[options]\nindex = false\nnoms_8_3 = true\ndrapeau = ".ok"\ndrapeau_par = "fichier"\n'
            '[[fichiers]]\nroles = ["hprim"]\nnom = "{id}{n:02}.hpm"\n'
        )
        box = inbox(places, profile="dos", profiles=own)
        box.deliver(arrival(parts=[part("a", PartRole.HPRIM, b"1"), part("b", PartRole.HPRIM, b"2")], body=""))
        assert listing(places.received) == ["K3QF2X01.HPM", "K3QF2X01.OK", "K3QF2X02.HPM", "K3QF2X02.OK"]
        box.settle([ULID])
        box.deliver(arrival(parts=[part("a", PartRole.HPRIM, b"3")], body=""))
        assert "K3QF2X-2.HPM" in listing(places.received)

    def test_capitals_length_and_line_ends(self, places: Places) -> None:
        options = {"extensions_majuscules": True, "longueur_nom_max": 30, "fin_de_ligne": "cr", "colonnes": 12}
        inbox(places, options=options).deliver(
            arrival(body="Une ligne assez longue\n\nœuvre", parts=[part("x" * 80 + ".jpg", PartRole.OTHER, b"1")])
        )
        assert listing(places.received) == [
            f"{PREFIX}.MSS.JSON",
            f"{PREFIX}_01.TXT",
            f"{PREFIX}_02.JPG",
        ]
        assert (places.received / f"{PREFIX}_01.TXT").read_bytes() == "Une ligne\rassez longue\r\rœuvre\r".encode(
            "cp1252"
        )

    def test_doubles_are_left_out_when_asked(self, places: Places) -> None:
        twice = [part("a.pdf", PartRole.PDF, b"%PDF"), part("b.pdf", PartRole.PDF, b"%PDF")]
        inbox(places, options={"sans_doublon": True}).deliver(arrival(parts=twice))
        assert listing(places.received) == [f"{PREFIX}.mss.json", f"{PREFIX}_01.txt", f"{PREFIX}_02.pdf"]

    def test_a_profile_of_ones_own_comes_before_ours(self, places: Places) -> None:
        own = places.errors / "lps"
        own.mkdir()
        (own / "plat.toml").write_text(
            'description = "BIO"\n[[fichiers]]\nroles = ["corps", "cda", "pdf", "hprim", "autre", "xdm"]\n'
            'dossier = "BIO/{prefixe}"\nnom = "{n:03}_{nom}"\n'
        )
        inbox(places, profiles=own).deliver(arrival(parts=[part("r.hpr", PartRole.HPRIM, b"x")]))
        assert tree(places.received) == [f"{PREFIX}.mss.json", f"BIO/{PREFIX}/001", f"BIO/{PREFIX}/002"]

    def test_a_full_disk_leaves_nothing_in_any_folder(self, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
        def full_disk(_: int) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full_disk)
            with pytest.raises(Unavailable, match="DISQUE_PLEIN"):
                inbox(places, profile="par_type").deliver(full())
        assert tree(places.received) == tree(places.delivery_work) == []
