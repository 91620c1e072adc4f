"""Files that are made from a document for software that does not read it: HPRIM, a page, a PDF."""

import re
from dataclasses import replace

import pytest

from connector.delivery import readable
from connector.documents.hprim.medecin import read_medecin
from connector.documents.pdf.inspect import inspect_pdf
from connector.domain.errors import InvalidSubmission
from connector.domain.submission import DocumentAction
from connector.exchange.arrival import ArrivalDocument, PartRole
from connector.sandbox.samples import sample
from tests.delivery.delivery_scene import (
    N1,
    N3,
    PREFIX,
    Places,
    arrival,
    document,
    inbox,
    index,
    listing,
    part,
)
from tests.opening.opened import arrival as opened
from tests.opening.opened import attached, hprim, message

BARE = sample("lot-2-synthese.xml")  # carries no PDF
HOSTILE = N3.replace(b"<title>", b"<title>&lt;script&gt;alert(1)&lt;/script&gt; ", 1)


def given(places: Places, one: ArrivalDocument, **options: object) -> dict[str, bytes]:
    inbox(places, options=options).deliver(arrival(documents=[one], body=""))
    return {name: (places.received / name).read_bytes() for name in listing(places.received)}


class TestHprim:
    def test_a_record_with_the_header_of_the_document(self, places: Places) -> None:
        files = given(
            places, document(N3, "CR-BIO"), hprim_synthese="si_absent", code_destinataire="42", ligne_13=True
        )
        (record,) = read_medecin(files[f"{PREFIX}_02_CR-BIO.hpr"]).records
        header = document(N3, "").header.patient
        assert (record.family, record.birth_date) == (header.family.upper(), "1999-01-17")
        assert (record.recipient_code, record.recipient_name) == ("42", "Alix EXEMPLE")
        assert record.sender_name
        told = {file["nom"]: file for file in index(places)["fichiers"]}[f"{PREFIX}_02_CR-BIO.hpr"]
        assert (told["role"], told["fait_de"]) == ("hprim", f"{PREFIX}_01_CR-BIO.xml")
        assert told["encodage"] == "cp1252"

    def test_never_unless_it_is_wanted(self, places: Places) -> None:
        assert not any(name.endswith(".hpr") for name in given(places, document(N3, "CR-BIO")))

    @pytest.mark.parametrize(("when", "count"), [("si_absent", 1), ("toujours", 2)])
    def test_beside_a_result_of_the_same_patient(self, places: Places, when: str, count: int) -> None:
        raw = message(attached("a.hpr", hprim(given=b"Camille", birth=b"17/01/1999")), attached("b.xml", N3))
        inbox(places, options={"hprim_synthese": when}).deliver(opened(raw))
        assert sum(name.endswith(".hpr") for name in listing(places.received)) == count

    def test_a_result_of_somebody_else_does_not_count(self, places: Places) -> None:
        from tests.opening.opened import MARK

        raw = message(attached("a.hpr", hprim()), attached("b.xml", N3))
        inbox(places, options={"hprim_synthese": "si_absent"}).deliver(opened(raw, MARK))
        assert sum(name.endswith(".hpr") for name in listing(places.received)) == 2

    def test_a_withdrawal_is_no_result(self, places: Places) -> None:
        withdrawn = replace(document(N3, "CR"), action=DocumentAction.DELETE)
        assert not any(name.endswith(".hpr") for name in given(places, withdrawn, hprim_synthese="toujours"))

    def test_a_name_that_the_code_page_lacks_is_written_in_utf_8(self, places: Places) -> None:
        named = N3.replace(b"TESTUT", "TEST\u0416T".encode())
        files = given(places, document(named, "CR"), hprim_synthese="toujours")
        content = files[f"{PREFIX}_02_CR.hpr"]
        assert "TEST\u0416T" in content.decode("utf-8-sig")
        assert content.startswith(b"\xef\xbb\xbf")

    def test_a_document_of_which_none_can_be_made_is_given_and_told(self, places: Places) -> None:
        broken = replace(document(N3, "CR"), content=b"<broken")
        files = given(places, broken, hprim_synthese="toujours", cda_lisible="html")
        assert list(files) == [f"{PREFIX}.mss.json", f"{PREFIX}_01_CR.xml"]
        codes = [warning["code"] for warning in index(places)["avertissements"]]
        assert codes[1:] == ["LISIBLE_IMPOSSIBLE", "HPRIM_NON_FABRIQUE"]

    def test_the_profile_of_results_gets_it_and_nothing_else(self, places: Places) -> None:
        inbox(places, profile="hprim", options={"hprim_synthese": "si_absent"}).deliver(
            arrival(documents=[document(N3, "CR-BIO")])
        )
        assert listing(places.received) == ["20261120-10153201.hpm"]


class TestPage:
    def test_it_runs_nothing_and_loads_nothing(self, places: Places) -> None:
        page = given(places, document(HOSTILE, "CR"), cda_lisible="html")[f"{PREFIX}_02_CR.html"].decode()
        assert "default-src 'none'" in page
        assert "&lt;script&gt;alert(1)" in page
        assert "<script" not in page
        assert not re.search(r"(?:src|href)=\"(?!data:image/svg\+xml;base64,)", page)

    def test_the_index_says_what_it_is(self, places: Places) -> None:
        given(places, document(N3, "CR"), cda_lisible="html")
        told = index(places)["fichiers"][1]
        assert (told["role"], told["type_mime"], told["fait_de"]) == ("html", "text/html", f"{PREFIX}_01_CR.xml")


class TestPdf:
    def test_the_documents_own_pdf(self, places: Places) -> None:
        one = document(N1, "CR")
        assert given(places, one, cda_lisible="pdf")[f"{PREFIX}_02_CR.pdf"] == one.pdf

    def test_one_is_typeset_where_there_is_none(self, places: Places) -> None:
        one = document(BARE, "CR")
        assert one.pdf is None
        assert inspect_pdf(given(places, one, cda_lisible="pdf")[f"{PREFIX}_02_CR.pdf"]).is_pdfa1

    def test_not_beside_the_copy_that_came(self, places: Places) -> None:
        copy = part("copie.pdf", PartRole.PDF, b"%PDF-1.4 copy")
        inbox(places, options={"cda_lisible": "pdf"}).deliver(arrival(documents=[document(BARE, "CR")], parts=[copy]))
        assert sum(name.endswith(".pdf") for name in listing(places.received)) == 1

    def test_a_document_that_cannot_be_typeset_is_seen_all_the_same(
        self, places: Places, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> bytes:
            raise InvalidSubmission("TROP_GROS", "too long")

        monkeypatch.setattr(readable, "render_cda_pdf", refuse)
        inbox(places, profile="pdf_seul").deliver(arrival(documents=[document(BARE, "CR")]))
        assert f"{PREFIX}_02_CR.xml" in listing(places.received / "AUTRES")
