"""How many sendings a drop means, without any folder."""

import unicodedata
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.submission import FileRole
from connector.intake import split as split_module
from connector.intake.assemble import ClaimedDrop, as_file
from connector.intake.problem import BadDrop
from connector.intake.split import Part, is_lot, split, split_index
from tests.crash.crash_samples import document
from tests.intake.bench import mailbox_settings
from tests.intake.lot_samples import hl7_batch, hl7_message, index_of, other_patient

PDF = b"%PDF-1.4\n%%EOF\n"
MAILBOX = mailbox_settings()


def drop(*files: tuple[str, bytes]) -> ClaimedDrop:
    return ClaimedDrop("01TEST00000000000000000001", "X", files)


def parts_of(*files: tuple[str, bytes]) -> tuple[Part, ...]:
    return split(drop(*files), MAILBOX, Limits())


def names(part: Part, *files: tuple[str, bytes]) -> list[str]:
    return [name for name, _ in part.files(drop(*files))]


@pytest.mark.parametrize(
    "files",
    [
        [("X.xml", document(1)), ("X.pdf", PDF), ("X.mss.json", b"{}"), ("X.ok", b"")],
        [("X.hl7", hl7_message(1)), ("X.pdf", PDF), ("X.mss.json", b"{}")],
        [("a.xml", document(1)), ("b.xml", document(2))],
        [("a.xml", document(1)), ("b.xml", b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>")],
        [("X.pdf", PDF)],
        [("X.ok", b"")],
        [("X.hl7", hl7_message(1)), ("X.xml", document(1))],
        [("X.docx", b"\x00anything")],
    ],
)
def test_what_is_one_sending_stays_as_it_is(files: list[tuple[str, bytes]]) -> None:
    parts = parts_of(*files)
    assert not is_lot(parts)
    assert sorted(parts[0].files(drop(*files))) == sorted(files)
    assert parts[0].base == "X"


def test_the_messages_of_a_file_keep_their_order_and_get_the_sidecar() -> None:
    files = (("Lôt.HL7", hl7_batch(12)), ("Lôt.mss.ini", b"[message]\r\nreference=R\r\n"), ("Lôt.ok", b""))
    parts = parts_of(*files)
    assert [part.base for part in parts] == [f"Lôt_{number:02}" for number in range(1, 13)]
    assert [dict(part.files(drop(*files)))[f"{part.base}.HL7"] for part in parts] == [
        hl7_message(number) for number in range(12)
    ]
    assert all(names(part, *files) == [f"{part.base}.HL7", f"{part.base}.mss.ini"] for part in parts)
    assert all(as_file(name, content).role is FileRole.HL7 for part in parts for name, content in part.made[:1])


def test_several_message_files_are_a_sending_each_with_their_pdf() -> None:
    files = (("a.hl7", hl7_message(1)), ("b.hl7", hl7_message(2)), ("b.pdf", PDF), ("c.hl7", hl7_batch(2)))
    parts = parts_of(*files)
    assert [(part.base, names(part, *files)) for part in parts] == [
        ("a", ["a.hl7"]), ("b", ["b.hl7", "b.pdf"]), ("c_1", ["c_1.hl7"]), ("c_2", ["c_2.hl7"]),
    ]  # fmt: skip


@pytest.mark.parametrize("pdf", ["X.pdf", "other.pdf"])
def test_a_pdf_beside_several_messages_is_nobodys(pdf: str) -> None:
    with pytest.raises(BadDrop) as refused:
        parts_of(("X.hl7", hl7_batch(2)), (pdf, PDF))
    assert refused.value.code == "PDF_SANS_DOCUMENT"
    assert pdf in refused.value.french


def report(family: str, text: str = "normal") -> str:
    """An HPRIM Médecin record."""
    header = ["L1", family, "Hélène", " ", " ", "62000 ARRAS", "17/01/1999", " ", "REQ1", "20/11/2026", "LB LABO",
              "42 DR EXEMPLE Alix"]  # fmt: skip
    return "\r\n".join([*header, " ", text, "****FIN****", ""])


def medecin(*families: str) -> bytes:
    return ("".join(map(report, families)) + "****FINFICHIER****\r\n").encode("cp1252")


SANTE = b"H|~^\\&|L.HPR||L~LABO|..|ORU|||C~CAB||P|H2.2~C|202611201015\r\n%sL|1\r\n"
SANTE_PATIENTS = [
    b"P|1|11|||TESTUT~Camille||19990117|M\r\nOBR|1\r\n",
    b"P|2|12|||MAQUETTE~No||19850702|M\r\nOBR|1\r\n",
]


@pytest.mark.parametrize(
    ("name", "content", "count"),
    [
        ("X.hpr", medecin("TESTUT"), 1),
        ("X.hpr", medecin("TESTUT", "MAQUETTE", "TESTUT"), 3),
        ("X.HPR", SANTE % SANTE_PATIENTS[0], 1),
        ("X.HPR", SANTE % b"".join(SANTE_PATIENTS), 2),
    ],
)
def test_hprim_of_several_reports_is_split_in_its_own_bytes(name: str, content: bytes, count: int) -> None:
    files = ((name, content), ("X.ok", b""))
    parts = parts_of(*files)
    if count == 1:
        assert not is_lot(parts)
        return
    assert [names(part, *files) for part in parts] == [[f"X_{number}{name[1:]}"] for number in range(1, count + 1)]
    made = [as_file(*part.made[0]) for part in parts]
    assert {file.role for file in made} == {FileRole.HPRIM}
    assert [parts_of(*part.made) for part in parts] == [(Part("X", (part.made[0][0],)),) for part in parts], (
        "a part is one report, however often it is split"
    )


def test_the_pdf_goes_with_one_report_and_with_no_other() -> None:
    assert not is_lot(parts_of(("X.hpr", medecin("TESTUT")), ("X.pdf", PDF)))
    with pytest.raises(BadDrop) as refused:
        parts_of(("X.hpr", medecin("TESTUT", "MAQUETTE")), ("X.pdf", PDF))
    assert refused.value.code == "PDF_SANS_DOCUMENT"


@pytest.mark.parametrize(
    ("content", "is_refused"),
    [
        (medecin("TESTUT", "Testut"), False),
        (medecin("TESTUT", "MAQUETTE"), True),
        (SANTE % b"".join(SANTE_PATIENTS), True),
    ],
)
def test_hprim_of_several_patients_is_refused_when_the_setting_says_so(content: bytes, *, is_refused: bool) -> None:
    mailbox = mailbox_settings(several_patients="refuse")
    if not is_refused:
        assert len(split(drop(("X.hpr", content)), mailbox, Limits())) == 2
        return
    with pytest.raises(BadDrop) as refused:
        split(drop(("X.hpr", content)), mailbox, Limits())
    assert refused.value.code == "PATIENTS_MULTIPLES"


def test_patients_are_told_apart_by_any_identifier_that_they_share() -> None:
    ours = document(3)
    local = ours.partition(b"1.2.250.1.213.1.4.10")[2]
    without_ins = ours[: ours.index(b'<id root="1.2.250.1.213.1.4.10"')] + local[local.index(b"/>") + 2 :]
    files = (("a.xml", document(1)), ("b.xml", other_patient(2)), ("c.xml", without_ins))
    assert [part.kept for part in parts_of(*files)] == [("a.xml", "c.xml"), ("b.xml",)]


def test_a_file_that_belongs_to_no_document_of_several_patients_refuses_them() -> None:
    with pytest.raises(BadDrop) as refused:
        parts_of(("a.xml", document(1)), ("b.xml", other_patient(2)), ("c.pdf", PDF))
    assert refused.value.code == "PDF_SANS_DOCUMENT"


def test_a_file_with_more_messages_than_a_night_gives_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split_module, "MOST_PARTS", 2)
    with pytest.raises(BadDrop) as refused:
        parts_of(("X.hl7", hl7_batch(3)))
    assert refused.value.code == "TROP_GROS"


def test_a_batch_that_is_cut_is_refused_as_a_whole() -> None:
    with pytest.raises(InvalidSubmission) as refused:
        parts_of(("X.hl7", b"FHS|^~\\&|A\rBHS|^~\\&|A\r" + hl7_batch(2) + b"BTS|3\rFTS|1\r"))
    assert refused.value.code == "HL7_LOT_INCOMPLET"


def test_an_index_gives_each_line_its_file_and_what_is_called_like_it() -> None:
    files = (
        ("lot.mss.csv", index_of("a.xml", "B.pdf", "absent.pdf")), ("a.xml", document(1)), ("a.pdf", PDF),
        ("b.PDF", PDF), ("lot.ok", b""),
    )  # fmt: skip
    parts = parts_of(*files)
    assert [(part.base, part.kept) for part in parts] == [
        ("a", ("a.xml", "a.pdf")), ("B", ("b.PDF",)), ("absent", ()),
    ]  # fmt: skip
    assert [part.problem.code if part.problem else "" for part in parts] == ["", "", "INCOMPLET"]
    assert all(name == f"{part.base}.mss.json" for part in parts for name, _ in part.made)


def test_two_lines_of_one_base_name_have_a_document_each() -> None:
    parts = split_index(index_of("a.xml", "a.pdf"), ["a.pdf", "a.jpg", "a.xml"], Limits())
    assert [part.kept for part in parts] == [("a.xml", "a.jpg"), ("a.pdf",)]


def test_spellings_of_a_name_are_found_and_their_very_own_first() -> None:
    decomposed = unicodedata.normalize("NFD", "é.pdf")
    (part,) = split_index(index_of("É.PDF"), [decomposed], Limits())
    assert part.kept == (decomposed,)
    mine, nobodys = split_index(index_of("Twin.pdf"), ["twin.pdf", "Twin.pdf"], Limits())
    assert (mine.kept, mine.problem) == (("Twin.pdf",), None)
    assert nobodys.kept == ("twin.pdf",)
    assert nobodys.problem is not None


def test_a_long_name_leaves_room_for_what_is_added() -> None:
    files = (("x" * 200 + ".hl7", hl7_batch(2)), ("x" * 200 + ".mss.json", b"{}"))
    assert max(len(name.encode()) for part in parts_of(*files) for name in names(part, *files)) < 130


_file_names = st.lists(
    st.sampled_from(["a.pdf", "A.PDF", "a.xml", "b.pdf", "é.pdf", unicodedata.normalize("NFD", "é.pdf"), "c.jpg",
                     "b.ok", "a.xml.ok"]),
    unique=True,
)  # fmt: skip
_lines = st.lists(
    st.sampled_from(["a.pdf", "A.pdf", "a.xml", "b.pdf", "é.pdf", "../b.pdf", "8,1E+10", "absent.pdf", ""]),
    min_size=1,
)


@given(_file_names, _lines, st.randoms(use_true_random=False))
def test_every_document_of_a_batch_is_in_exactly_one_part(others: list[str], lines: list[str], luck: Random) -> None:
    index = "\n".join(["fichier;reference", *(f"{line};R{number}" for number, line in enumerate(lines)), ""]).encode()
    parts = split_index(index, others, Limits())
    assert sorted(name for part in parts for name in part.kept) == sorted(n for n in others if not n.endswith(".ok"))
    assert sum(bool(part.made) for part in parts) == len(lines)
    leaving = [part for part in parts if part.problem is None]
    assert all(part.kept for part in leaving)
    shuffled = list(others)
    luck.shuffle(shuffled)
    again = split_index(index, shuffled, Limits())
    assert [(p.base, p.made, p.problem and p.problem.code) for p in again if p.made] == [
        (p.base, p.made, p.problem and p.problem.code) for p in parts if p.made
    ]
