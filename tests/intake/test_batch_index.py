"""The index of a batch: what a spreadsheet may have done to it, and what is wrong with a single line."""

import csv
import io
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.limits import Limits
from connector.intake.batch_index import IndexLine, listed_in_index, read_index
from connector.intake.csv_table import is_damaged, read_table
from connector.intake.problem import BadDrop
from connector.intake.sidecar import read_sidecar

HEADER = "fichier;destinataires;reference;nom_naissance;prenoms;naissance;sexe;ins;type;objet"
LINE = "REQ1.pdf;dr.a@x.mssante.fr,dr.b@x.mssante.fr;R1;TESTUT;Hélène,Noé;17/01/1999;F;199017599999849;CR-BIO;"


def index(*lines: str, header: str = HEADER, encoding: str = "utf-8", end: str = "\r\n") -> bytes:
    return end.join((header, *lines, "")).encode(encoding)


def read(data: bytes) -> tuple[IndexLine, ...]:
    return read_index(data, Limits())


def french(line: IndexLine) -> str:
    assert line.problem is not None
    return line.problem.french


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_a_line_becomes_a_sidecar_in_every_encoding(encoding: str, end: str) -> None:
    (line,) = read(index(LINE, encoding=encoding, end=end))
    assert (line.line, line.file, line.problem) == (2, "REQ1.pdf", None)
    sidecar = read_sidecar("X.mss.json", line.sidecar, Limits())
    assert [str(one.address) for one in sidecar.recipients] == ["dr.a@x.mssante.fr", "dr.b@x.mssante.fr"]
    assert sidecar.reference == "R1"
    assert sidecar.patient is not None
    assert (sidecar.patient.birth_family, sidecar.patient.all_given) == ("TESTUT", ("Hélène", "Noé"))
    assert (sidecar.patient.birth_date, sidecar.patient.gender) == ("1999-01-17", "F")
    assert sidecar.patient.ins is not None
    assert [(one.name, one.type) for one in sidecar.files] == [("REQ1.pdf", "CR-BIO")]
    assert sidecar.unknown_keys == ()


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_the_separator_is_found(separator: str) -> None:
    rows = io.StringIO()
    csv.writer(rows, delimiter=separator).writerows([("Fichier", "Destinataires"), ("a.pdf", "a@x.fr,b@x.fr")])
    (line,) = read(rows.getvalue().encode())
    assert json.loads(line.sidecar)["destinataires"] == ["a@x.fr", "b@x.fr"]


def test_a_separator_that_the_file_states_itself_moves_the_numbers_of_the_lines() -> None:
    lines = read(b'sep=;\r\nfichier;destinataires\r\na.pdf;a@x.fr\r\n\r\n"b\r\nc.pdf";b@x.fr\r\nd.pdf;8,1E+10\r\n')
    assert [line.line for line in lines] == [3, 5, 7]


def test_accents_case_and_order_of_the_columns_do_not_count() -> None:
    (line,) = read(index("Noé;a.pdf", header="Prénoms;FICHIER"))
    assert (line.file, json.loads(line.sidecar)["patient"]) == ("a.pdf", {"prenoms": ["Noé"]})


def test_an_unknown_column_is_told_and_changes_nothing() -> None:
    (line,) = read(index("a.pdf;x;y", header="fichier;patient;médecin.traitant"))
    assert line.problem is None
    sidecar = read_sidecar("X.mss.json", line.sidecar, Limits())
    assert sidecar.unknown_keys == ("colonne patient", "colonne medecin traitant")


def test_a_number_kept_as_text_by_a_formula_is_read() -> None:
    (line,) = read(index('a.pdf;"=""00417"""', header="fichier;reference"))
    assert json.loads(line.sidecar)["reference"] == "00417"


@pytest.mark.parametrize("value", ["8,1E+10", "1.99018E+14", "8E+10", "-1,5e-3", "8,1E10"])
@pytest.mark.parametrize("column", ["destinataires", "reference", "ins", "fichier", "naissance"])
def test_what_a_spreadsheet_damaged_is_refused_by_line_and_column(column: str, value: str) -> None:
    cells = {"fichier": "a.pdf", "destinataires": "dr.a@x.mssante.fr", "reference": "", "ins": "", "naissance": ""}
    cells[column] = value
    good, bad = read(index("ok.pdf", ";".join(cells.values()), header=";".join(cells)))
    assert good.problem is None
    assert bad.problem is not None
    assert bad.problem.code == "SIDECAR_INVALIDE"
    assert french(bad).startswith(f"Ligne 3 de l'index : colonne « {column} » : nombre abîmé par le tableur")
    assert value not in bad.problem.detail


@pytest.mark.parametrize("value", ["81000000000", "R1E5B", "E+10", "1E+1000", "2E", "12/03/2026", "3.5-5.0"])
def test_what_only_looks_like_it_is_not_damaged(value: str) -> None:
    assert not is_damaged(value)


@pytest.mark.parametrize(
    "name",
    ["../a.pdf", "a/b.pdf", "C:\\a.pdf", "\\\\srv\\a.pdf", "a.pdf:x", ".a.pdf", "~$a.pdf", "a*.pdf", "", "x.mss.json",
     "x.mss.csv", "x.ok", "x.tmp", "Thumbs.db", "a\x00.pdf"],
)  # fmt: skip
def test_names_that_lead_elsewhere_or_are_no_documents_refuse_their_line_only(name: str) -> None:
    bad, good = read(index(f"{name};dr.a@x.mssante.fr", "ok.pdf;dr.a@x.mssante.fr", header="fichier;destinataires"))
    assert bad.problem is not None
    assert bad.file == ""
    assert good.problem is None
    assert listed_in_index(index(f"{name};a@x.fr", "ok.pdf;a@x.fr", header="fichier;destinataires"), Limits()) == (
        "ok.pdf",
    )


def test_a_bad_address_is_told_with_its_line() -> None:
    _, bad = read(index("a.pdf;dr.a@x.mssante.fr", "b.pdf;personne", header="fichier;destinataires"))
    assert bad.problem is not None
    assert bad.problem.code == "DESTINATAIRE_INVALIDE"
    assert french(bad).startswith("Ligne 3 de l'index : Rubrique « destinataires[1].adresse » : ")
    assert bad.file == "b.pdf"


def test_more_values_than_columns_refuse_the_line() -> None:
    bad, good = read(index("a.pdf;R1;surplus", "b.pdf;R2;;;", header="fichier;reference"))
    assert "plus de valeurs" in french(bad)
    assert good.problem is None


def test_a_file_on_two_different_lines_leaves_for_nobody() -> None:
    first, other, second = read(index("A.pdf;a@x.fr", "b.pdf;a@x.fr", "a.PDF;b@x.fr", header="fichier;destinataires"))
    assert "figure aussi ligne 4" in french(first)
    assert "figure aussi ligne 2" in french(second)
    assert other.problem is None


def test_the_same_line_twice_leaves_once() -> None:
    first, second = read(index("a.pdf;a@x.fr", "a.pdf;a@x.fr", header="fichier;destinataires"))
    assert first.problem is None
    assert second.problem is not None
    assert second.problem.code == "DOUBLON"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "SIDECAR_INVALIDE"),
        (b"REQ1.pdf;dr.a@x.mssante.fr\r\n", "SIDECAR_INVALIDE"),
        (b"fichier;destinataires\r\n", "SIDECAR_INVALIDE"),
        (b"fichier;destinataires\r\n;\r\n\r\n", "SIDECAR_INVALIDE"),
        (b"fichier;fichier\r\na;b\r\n", "SIDECAR_INVALIDE"),
        (b'fichier;objet\r\na.pdf;"never closed\r\n', "SIDECAR_INVALIDE"),
        (b"fichier;objet\r\na.pdf;\x81\r\n", "ENCODAGE"),
        (b"\xff\xfef\x00i", "ENCODAGE"),
        (b"\xff\xfea\x00\x00", "ENCODAGE"),
        (b"fichier\r\n" + b"a.pdf\r\n" * 200_000, "TROP_GROS"),
    ],
)
def test_an_index_that_cannot_be_used_is_refused_as_a_whole(data: bytes, code: str) -> None:
    with pytest.raises(BadDrop) as refused:
        read(data)
    assert refused.value.code == code


_cells = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\u2028\u2029\x85"), max_size=12
)
_plain = st.from_regex(r"[A-Za-z0-9]{1,8}\.pdf", fullmatch=True)
_rows = st.lists(st.tuples(_plain, _cells, _cells), min_size=1, max_size=6, unique_by=lambda row: row[0].casefold())


@given(_rows, st.sampled_from([";", "\t", ","]), st.sampled_from(["\r\n", "\n"]), st.booleans())
def test_what_a_spreadsheet_writes_is_read_back(
    rows: list[tuple[str, str, str]], separator: str, end: str, quoted: bool
) -> None:
    text = io.StringIO()
    quoting: Any = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows([("fichier", "objet", "titre"), *rows])
    table = read_table(text.getvalue().encode("utf-8-sig"), "fichier")
    found = [tuple(row.values.get(column, "") for column in ("fichier", "objet", "titre")) for row in table.rows]
    expected = [tuple(_told(cell) for cell in row) for row in rows]
    assert found == expected
    assert [line.file for line in read(text.getvalue().encode("utf-8"))] == [row[0] for row in rows]


def _told(cell: str) -> str:
    bare = cell.strip()
    is_formula = len(bare) >= 3 and bare.startswith('="') and bare.endswith('"')
    return (bare[2:-1] if is_formula else bare).strip()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    lines: tuple[IndexLine, ...] = ()
    with suppress(BadDrop):
        lines = read(b"fichier;ins;destinataires\r\n" + data)
    assert all(line.file or line.problem for line in lines)
