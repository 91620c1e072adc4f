"""What an LPS finds in its folder, and that it finds it once, whole and in order."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from connector.delivery import folder as folder_module
from connector.documents.cda.parse import parse_cda
from connector.domain.errors import Unavailable
from connector.exchange.arrival import PartRole, Quarantined
from connector.platform.rename import exclusive_rename
from connector.sandbox.samples import sample
from tests.delivery.delivery_scene import (
    N1,
    N3,
    NOON,
    PREFIX,
    ULID,
    Killed,
    Places,
    arrival,
    digest,
    document,
    full,
    inbox,
    index,
    killed_at,
    listing,
    part,
)

FULL_NAMES = [
    f"{PREFIX}.mss.json", f"{PREFIX}_01.txt", f"{PREFIX}_02_CR-CONSULT.xml", f"{PREFIX}_03_CR-CONSULT.pdf",
    f"{PREFIX}_04.hpr", f"{PREFIX}_05_CON_é.jpg", f"{PREFIX}_IHE_XDM.zip",
]  # fmt: skip


class TestWhatTheLpsFinds:
    def test_every_file_under_one_prefix(self, places: Places) -> None:
        delivered = inbox(places).deliver(full())
        assert delivered.prefix == PREFIX
        assert listing(places.received) == FULL_NAMES
        assert dict(delivered.files) == {
            name: digest((places.received / name).read_bytes()) for name in listing(places.received)
        }

    def test_the_document_is_byte_identical(self, places: Places) -> None:
        inbox(places).deliver(full())
        assert (places.received / f"{PREFIX}_02_CR-CONSULT.xml").read_bytes() == N1

    def test_the_index_tells_who_what_and_for_which_patient(self, places: Places) -> None:
        inbox(places).deliver(full())
        values = index(places)
        assert values["expediteur"] == {
            "adresse": "dr.modele@test.mssante.example", "nom": "Dr_Noé_MODELE", "type": "professionnel",
        }  # fmt: skip
        assert values["objet"] == "CR-BIO"
        assert values["message_id"] == "<a@b>"
        assert values["avertissements"][0]["code"] == "XDM_DEGRADE"
        header = parse_cda(N1)
        assert values["patient"]["source"] == "CDA"
        assert values["patient"]["fichier"] == f"{PREFIX}_02_CR-CONSULT.xml"
        assert values["patient"]["nom_naissance"] == header.patient.birth_family
        assert values["patient"]["ins"]["oid"] == "1.2.250.1.213.1.4.10"
        assert [(f["role"], f["taille"] > 0) for f in values["fichiers"]] == [
            (role, True) for role in ("corps", "cda", "pdf", "hprim", "autre", "xdm")
        ]

    def test_the_same_content_twice_is_marked(self, places: Places) -> None:
        inbox(places).deliver(full())
        by_role = {file["role"]: file for file in index(places)["fichiers"]}
        assert by_role["pdf"]["doublon_de"] == f"{PREFIX}_02_CR-CONSULT.xml"
        assert "doublon_de" not in by_role["hprim"]

    def test_the_pdf_copy_inside_a_structured_document_counts_too(self, places: Places) -> None:
        from connector.documents.cda.parse import clinical_document, embedded_pdf_copy

        copy = embedded_pdf_copy(clinical_document(N3))
        assert copy is not None
        inbox(places).deliver(arrival(documents=[document(N3, "")], parts=[part("a.pdf", PartRole.PDF, copy)]))
        by_role = {file["role"]: file for file in index(places)["fichiers"]}
        assert by_role["pdf"]["doublon_de"] == by_role["cda"]["nom"]

    def test_a_document_without_a_pdf_inside_has_no_double(self, places: Places) -> None:
        bare = sample("lot-2-synthese.xml")
        text = N1.replace(b'mediaType="application/pdf"', b'mediaType="text/plain"')
        parts = [part("a.pdf", PartRole.PDF, b"%PDF-1.4")]
        inbox(places).deliver(arrival(documents=[document(bare, ""), document(text, "")], parts=parts))
        assert all("doublon_de" not in file for file in index(places)["fichiers"])

    def test_a_copy_that_cannot_be_decoded_does_not_stop_the_delivery(self, places: Places) -> None:
        broken = replace(document(N3, ""), content=b"<application/pdf")
        inbox(places).deliver(arrival(documents=[broken], parts=[part("a.pdf", PartRole.PDF, b"%PDF-1.4")]))
        assert len(listing(places.received)) == 4

    @pytest.mark.parametrize(
        ("encoding", "body", "expected", "used"),
        [
            ("cp1252", "Hélène\nœuvre", "Hélène\r\nœuvre\r\n".encode("cp1252"), "cp1252"),
            ("iso-8859-1", "œuvre – 5 €", b"oeuvre - 5 EUR\r\n", "iso-8859-1"),
            ("cp850", "é’", b"\x82'\r\n", "cp850"),
            ("mac_roman", "é\r\n\r\nà", b"\x8e\r\n\r\n\x88\r\n", "mac_roman"),
            ("cp1252", "ćž", b"c\x9e\r\n", "cp1252"),
            ("cp1252", "привет", "\ufeffпривет\r\n".encode(), "utf-8-sig"),
        ],
    )
    def test_the_text_never_loses_a_character(
        self, places: Places, encoding: str, body: str, expected: bytes, used: str
    ) -> None:
        inbox(places, text_encoding=encoding).deliver(arrival(body=body))
        assert (places.received / f"{PREFIX}_01.txt").read_bytes() == expected
        assert index(places)["fichiers"][0]["encodage"] == used

    def test_an_empty_message_is_delivered_all_the_same(self, places: Places) -> None:
        inbox(places).deliver(arrival(body="  "))
        assert (places.received / f"{PREFIX}_01.txt").read_bytes() == b"(message sans texte)\r\n"
        assert index(places)["patient"] is None

    def test_an_empty_text_beside_a_document_is_left_out(self, places: Places) -> None:
        inbox(places).deliver(arrival(documents=[document(N3, "CR d'examens biologiques")], body=""))
        assert listing(places.received) == [f"{PREFIX}.mss.json", f"{PREFIX}_01_CR-d-examens-biologiques.xml"]

    def test_a_second_archive_has_a_number(self, places: Places) -> None:
        parts = [part("a.zip", PartRole.XDM, b"PK1"), part("b.zip", PartRole.XDM, b"PK2")]
        inbox(places).deliver(arrival(parts=parts))
        assert f"{PREFIX}_IHE_XDM-2.zip" in listing(places.received)

    def test_no_name_leaves_the_folder(self, places: Places) -> None:
        names = [
            "../../x",
            "/etc/passwd",
            "C:\\x.exe",
            "a\x00b",
            "..",
            "",
            "CON",
            "x" * 300,
            "e\u0301.txt",
            ".hidden",
        ]
        inbox(places).deliver(arrival(parts=[part(name, PartRole.OTHER, b"x") for name in names]))
        found = listing(places.received)
        assert len(found) == len(names) + 2
        assert all(name.startswith(PREFIX) and len(name) < 110 for name in found)

    def test_the_flag_is_there_when_asked_for(self, places: Places) -> None:
        delivered = inbox(places, ok_flag=True).deliver(arrival())
        assert delivered.files[-1] == (f"{PREFIX}.ok", digest(b""))
        assert (places.received / f"{PREFIX}.ok").read_bytes() == b""

    def test_files_are_private(self, places: Places) -> None:
        inbox(places).deliver(full())
        assert all(path.stat().st_mode & 0o077 == 0 for path in places.received.iterdir())


STEPS = ["deliver.files_written", "deliver.data_renamed", "deliver.index_renamed", "deliver.flag_written"]


class TestOnce:
    @pytest.mark.parametrize("step", STEPS)
    def test_a_cut_delivery_is_finished(self, places: Places, step: str) -> None:
        with killed_at(step):
            inbox(places, ok_flag=True).deliver(full())
        has_index = f"{PREFIX}.mss.json" in listing(places.received)
        assert has_index == (step in STEPS[2:])
        delivered = inbox(places, ok_flag=True).deliver(full())
        assert listing(places.received) == sorted([*FULL_NAMES, f"{PREFIX}.ok"])
        assert len(delivered.files) == 8

    @pytest.mark.parametrize("step", STEPS[1:])
    def test_what_the_lps_took_in_between_does_not_come_again(self, places: Places, step: str) -> None:
        with killed_at(step):
            inbox(places, ok_flag=True).deliver(full())
        taken = listing(places.received)
        for name in taken:
            (places.received / name).unlink()
        inbox(places, ok_flag=True).deliver(full())
        assert set(listing(places.received)) == {*FULL_NAMES, f"{PREFIX}.ok"} - set(taken)

    def test_a_cut_while_writing_shows_nothing_and_begins_again(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def cut(*_: object) -> None:
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(folder_module, "write_atomic", cut)
            with pytest.raises(Killed):
                inbox(places).deliver(full())
        assert listing(places.received) == []
        inbox(places).deliver(full())
        assert listing(places.received) == FULL_NAMES

    def test_a_cut_between_two_renames(self, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
        given: list[str] = []

        def cut_after_two(source: Path, target: Path) -> None:
            if len(given) == 2:
                raise Killed
            given.append(target.name)
            exclusive_rename(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(folder_module, "exclusive_rename", cut_after_two)
            with pytest.raises(Killed):
                inbox(places).deliver(full())
        (places.received / given[0]).unlink()
        inbox(places).deliver(full())
        assert listing(places.received) == sorted(set(FULL_NAMES) - {given[0]})

    def test_after_settling_nothing_of_ours_is_left(self, places: Places) -> None:
        box = inbox(places)
        box.deliver(full())
        box.settle([ULID, "01JD3M0000000000000NEVERXX"])
        assert listing(places.delivery_work / "livraison") == []

    def test_a_settling_that_failed_is_tried_again(self, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
        box = inbox(places)
        box.deliver(full())
        with monkeypatch.context() as patched:
            patched.setattr(folder_module.HandOver, "settle", _refuse)
            box.settle([ULID])
        box.settle([])
        assert listing(places.delivery_work / "livraison") == []

    def test_receipts_that_a_crash_left_are_swept_at_the_start(self, places: Places) -> None:
        inbox(places).deliver(full())
        assert inbox(places).recover(lambda _: True) == 0
        assert inbox(places).recover(lambda incoming_id: incoming_id != ULID) == 1
        assert inbox(places).recover(lambda _: False) == 0

    def test_delivered_again_on_a_persons_wish_nothing_is_doubled_or_overwritten(self, places: Places) -> None:
        box = inbox(places)
        box.deliver(full())
        box.settle([ULID])
        (places.received / f"{PREFIX}_04.hpr").write_bytes(b"changed by the LPS")
        (places.received / f"{PREFIX}_01.txt").unlink()
        box.deliver(full())
        assert (places.received / f"{PREFIX}_04.hpr").read_bytes() == b"changed by the LPS"
        assert listing(places.received) == sorted([*FULL_NAMES, f"{PREFIX}_04-2.hpr"])

    def test_a_folder_under_our_name_is_stepped_around(self, places: Places) -> None:
        (places.received / f"{PREFIX}_01.txt").mkdir()
        inbox(places).deliver(arrival())
        assert f"{PREFIX}_01-2.txt" in listing(places.received)

    def test_two_messages_of_one_second_and_one_short_id(self, places: Places) -> None:
        box = inbox(places)
        box.deliver(arrival())
        other = replace(arrival(), incoming_id="01JD3M0000000000000YK3QF2X")
        assert box.deliver(other).prefix == "20261120-101532_000YK3QF2X"
        third = replace(arrival(), incoming_id="01JD3M000000000X000YK3QF2X")
        assert box.deliver(third).prefix == "20261120-101532_01JD3M000000000X000YK3QF2X"


def _refuse(*_: object) -> None:
    raise OSError(16, "busy")


class TestTrouble:
    def test_a_full_disk_is_a_passing_condition_that_leaves_nothing(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full_disk(_: int) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full_disk)
            with pytest.raises(Unavailable) as refused:
                inbox(places).deliver(full())
        assert refused.value.code == "DISQUE_PLEIN"
        assert listing(places.received) == []
        assert listing(places.delivery_work / "livraison") == []
        assert inbox(places).deliver(full()).prefix == PREFIX

    def test_an_absent_folder_is_a_passing_condition(self, places: Places) -> None:
        places.is_there = False
        for call in (
            lambda: inbox(places).deliver(full()),
            lambda: inbox(places).quarantine(_bad()),
            lambda: inbox(places).recover(lambda _: False),
        ):
            with pytest.raises(Unavailable, match="SPOOL_ABSENT"):
                call()

    def test_quarantine_shows_a_person_the_original_and_the_reason(self, places: Places) -> None:
        delivered = inbox(places).quarantine(_bad())
        assert inbox(places).quarantine(_bad()) == delivered
        folder = places.errors / "RECEPTION"
        assert listing(folder) == [f"{PREFIX}.eml", f"{PREFIX}.erreur.txt"]
        assert (folder / f"{PREFIX}.eml").read_bytes() == b"raw"
        text = (folder / f"{PREFIX}.erreur.txt").read_bytes().decode("cp1252")
        assert "Code : ARCHIVE_DANGEREUSE\r\n" in text
        assert listing(places.received) == []

    def test_a_quarantine_that_was_killed_leaves_no_half_file(self, places: Places) -> None:
        inbox(places).quarantine(_bad())
        (places.errors / "RECEPTION" / ".mss-abcdefgh.part").write_bytes(b"ra")
        inbox(places).recover(lambda _: True)
        assert listing(places.errors / "RECEPTION") == [f"{PREFIX}.eml", f"{PREFIX}.erreur.txt"]

    def test_quarantine_on_a_full_disk(self, places: Places) -> None:
        (places.errors / "RECEPTION").write_bytes(b"a file where the folder should be")
        with pytest.raises(Unavailable):
            inbox(places).quarantine(_bad())

    def test_receipts_that_cannot_be_swept(self, places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(folder_module.HandOver, "sweep", _refuse)
        with pytest.raises(Unavailable):
            inbox(places).recover(lambda _: False)


def _bad() -> Quarantined:
    return Quarantined(incoming_id=ULID, received_at=NOON, raw=b"raw", code="ARCHIVE_DANGEREUSE")
