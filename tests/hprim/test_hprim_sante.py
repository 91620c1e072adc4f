"""HPRIM Santé: recognised, its patients shown, one file for each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents.hprim.encoding import LineEnd
from connector.documents.hprim.sante import Delimiters, HprimSante, read_sante, split_patients
from connector.documents.recognise import FileKind, recognise
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from tests.hprim.hprim_samples import ENCODINGS, LINE_ENDS, SANTE, example


def sante(text: str = SANTE) -> HprimSante:
    return read_sante(text.encode())


@pytest.mark.parametrize("line_end", LINE_ENDS)
@pytest.mark.parametrize("encoding", ENCODINGS)
class TestEncodings:
    def test_is_read_and_recognised(self, encoding: str, line_end: LineEnd) -> None:
        data = example(encoding, line_end, SANTE)
        assert recognise(data) is FileKind.HPRIM_SANTE
        assert read_sante(data).patients == sante().patients

    def test_is_split_into_whole_files(self, encoding: str, line_end: LineEnd) -> None:
        parts = split_patients(example(encoding, line_end, SANTE))
        assert [read_sante(part).patients for part in parts] == [(patient,) for patient in sante().patients]
        assert all(read_sante(part).is_closed for part in parts)


def test_the_header() -> None:
    file = sante()
    assert file.delimiters == Delimiters("|", "~", "^", "\\", "&")
    assert (file.file_name, file.sender, file.kind) == ("L0417.HPR", ("L620009999", "LABO FICTIF"), "ORU")
    assert (file.receiver, file.version, file.date) == (("CAB42", "CABINET EXEMPLE"), "H2.2", "202611201015")
    assert (file.is_test, file.is_closed) == (False, True)


def test_the_patients() -> None:
    first, second = sante().patients
    assert (first.family, first.given, first.birth_family) == ("TESTUT", "Camille", "TESTUT")
    assert (first.birth_date, first.sex, first.nir) == ("1999-01-17", "F", "199017599999849")
    assert first.ids == ("IPP1", "LAB1", "199017599999849")
    assert (second.family, second.birth_date, second.sex) == ("MAQUETTE", "1985-07-02", "M")


def test_continued_lines_are_glued_before_they_are_cut_into_fields() -> None:
    assert "OBX|1|NM|HB~Hémoglobine||13.3|g/dL|12.5-15.5|N|||F" in sante().patients[0].lines


def test_other_delimiters_are_those_of_the_file() -> None:
    text = SANTE.replace("~", "§").replace("^", "~").replace("§", "^").replace("|", "!")
    assert [patient.given for patient in sante(text).patients] == ["Camille", "Noé"]
    assert recognise(text.encode()) is FileKind.HPRIM_SANTE


def test_a_short_declaration_is_completed() -> None:
    assert sante("H|~^|L.HPR|\nP|1||||A~B\nL|1\n").delimiters == Delimiters("|", "~", "^", "\\", "&")


def test_the_number_of_the_insured_is_used_when_its_key_is_right() -> None:
    key = 97 - 2850701001001 % 97
    good = SANTE.replace("2850701001001 96", f"2850701001001 {key:02}")
    wrong = SANTE.replace("2850701001001 96", f"2850701001001 {(key + 1) % 97:02}")
    assert sante(good).patients[1].nir == f"2850701001001{key:02}"
    assert sante(wrong).patients[1].nir == ""


def test_a_part_counts_its_own_patients_and_lines() -> None:
    first, second = split_patients(SANTE.encode())
    lines = second.decode().splitlines()
    assert lines[0] == SANTE.splitlines()[0]
    assert lines[1].startswith("P|2|IPP2|")
    assert lines[-1] == f"L|1||1|{len(lines)}|"
    assert first.decode().splitlines()[-1] == f"L|1||1|{len(first.decode().splitlines())}|"


def test_counts_that_mean_something_else_stay() -> None:
    parts = split_patients(SANTE.replace("L|1||2|10|", "L|1|x|77|99|").encode())
    assert all(part.endswith(b"L|1|x|77|99|\n") for part in parts)


def test_a_part_is_closed_although_the_file_was_not() -> None:
    open_file = SANTE.removesuffix("L|1||2|10|\n")
    assert not sante(open_file).is_closed
    parts = split_patients(open_file.encode())
    assert [part.decode().splitlines()[-1] for part in parts] == ["L|1", "L|1"]


def test_lines_before_the_first_patient_go_to_every_part() -> None:
    text = SANTE.replace("\nP|1", "\nC|1|L|Envoi du soir\nP|1")
    assert all("C|1|L|Envoi du soir\n" in part.decode() for part in split_patients(text.encode()))


@pytest.mark.parametrize("text", ["H|~^\\&|L.HPR\nL|1\n", SANTE.split("P|2")[0] + "L|1\n"])
def test_one_patient_or_none_is_the_file_itself(text: str) -> None:
    assert split_patients(text.encode()) == (text.encode(),)


@pytest.mark.parametrize("text", ["", "P|1\n", "H|~~\\&|x", "HELLO", "H1234"])
def test_what_has_no_header_is_refused(text: str) -> None:
    with pytest.raises(InvalidSubmission, match="HPRIM_SANTE_INVALIDE"):
        sante(text)


def test_bounds() -> None:
    for limits in (Limits(max_hprim_records=1), Limits(max_hprim_bytes=50)):
        with pytest.raises(InvalidSubmission, match="TROP_GROS"):
            split_patients(SANTE.encode(), limits)


@given(st.binary(max_size=200), st.text("HPLA|~^\\&\r\n0 ", max_size=200))
def test_random_content_is_read_or_refused(data: bytes, text: str) -> None:
    for content in (data, text.encode(), SANTE.encode() + data, (SANTE[:40] + text).encode()):
        try:
            found = len(read_sante(content).patients)
        except InvalidSubmission as error:
            found = {"HPRIM_SANTE_INVALIDE": -1, "ENCODAGE": -2, "TROP_GROS": -3}[error.code]
        assert found < 0 or len(split_patients(content)) == max(found, 1)
