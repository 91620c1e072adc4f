"""HPRIM Médecin as the field writes it: everything of it is read, and the parts of a file are files."""

from typing import Any

import pytest

from connector.documents.hprim.encoding import LineEnd
from connector.documents.hprim.medecin import HprimRecord, HprimText, read_medecin, split_records
from connector.documents.hprim.words import record_as_text
from connector.documents.recognise import FileKind, recognise
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from tests.hprim.hprim_samples import ENCODINGS, EXAMPLE, LINE_ENDS, example, header, record

END = "****FINFICHIER****\n"


def one(text: str, year: int = 2026) -> HprimRecord:
    (found,) = read_medecin(text.encode(), year=year).records
    return found


def refusal(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(InvalidSubmission) as caught:
        read_medecin(data, limits or Limits())
    return caught.value.code


@pytest.mark.parametrize("line_end", LINE_ENDS)
@pytest.mark.parametrize("encoding", ENCODINGS)
class TestExample:
    def test_is_read(self, encoding: str, line_end: LineEnd) -> None:
        file = read_medecin(example(encoding, line_end))
        first, second = file.records
        assert file.warnings == ()
        assert file.is_closed
        assert (first.patient_code, first.family, first.given) == ("L2026-0417", "TESTUT", "Camille")
        assert (first.address_1, first.address_2) == ("12 RUE DES ESSAIS", "")
        assert (first.postcode, first.town) == ("62000", "ARRAS")
        assert (first.birth_date, first.nir, first.nir_is_valid) == ("1999-01-17", "199017599999849", True)
        assert (first.request_number, first.report_date) == ("REQ0417", "2026-11-20")
        assert (first.sender_code, first.sender_name) == ("LB", "LABORATOIRE FICTIF DES ESSAIS")
        assert (first.recipient_code, first.recipient_name) == ("42", "DR EXEMPLE Alix")
        assert first.text.split("\n")[1] == "Hémoglobine                    13,3 g/dL      (12,5 à 15,5)"
        assert first.tex == first.text
        (result,) = first.coded
        assert (result.value, result.unit, result.value_2, result.unit_2) == ("13.3", "g/dL", "133", "g/L")
        assert (second.given, second.nir, second.coded) == ("Noé", "", ())
        assert second.text == "Compte rendu transmis en pièce jointe (PDF)."

    def test_is_split_into_files_about_the_same(self, encoding: str, line_end: LineEnd) -> None:
        data = example(encoding, line_end)
        parts = split_records(data)
        assert [read_medecin(part).records for part in parts] == [(each,) for each in read_medecin(data).records]
        assert all(read_medecin(part).is_closed for part in parts)

    def test_is_recognised_whole_and_in_parts(self, encoding: str, line_end: LineEnd) -> None:
        data = example(encoding, line_end)
        assert {recognise(part) for part in (data, *split_records(data))} == {FileKind.HPRIM_MEDECIN}


def test_parts_hold_the_very_bytes_of_their_record() -> None:
    data = example("cp850")
    first, second = split_records(data)
    end = b"****FINFICHIER****\r\n"
    assert first.removesuffix(end) + second.removesuffix(end) + end == data


def test_a_file_of_one_record_is_its_own_part() -> None:
    data = (record("texte") + "\x1a").encode()
    assert split_records(data) == (data,)


def test_five_hundred_patients_in_one_file() -> None:
    text = "".join(record(f"n° {number}", code=f"L{number}", request=f"R{number}") for number in range(500)) + END
    data = text.encode("cp1252")
    records = read_medecin(data).records
    assert [each.request_number for each in records] == [f"R{number}" for number in range(500)]
    parts = split_records(data)
    assert [read_medecin(part).records[0] for part in parts] == list(records)


class TestDefects:
    def test_end_tags_are_missing(self) -> None:
        found = one(record("texte", end=()))
        assert found.text == "texte"
        assert found.warnings == ("HPRIM_BALISE_ABSENTE",)

    @pytest.mark.parametrize("tag", ["****FIN***", "****FIN****   ", "****fin****", "***FIN****", "****FIN****\x1a"])
    def test_end_tag_is_damaged(self, tag: str) -> None:
        text = record("un", end=(tag,)) + record("deux") + END
        assert [each.text for each in read_medecin(text.encode()).records] == ["un", "deux"]

    def test_a_missing_end_tag_gives_no_patient_the_results_of_the_next_one(self) -> None:
        text = record("un", coded=("RES|A|A|N|1",), end=()) + record("deux", family="MAQUETTE") + END
        first, second = read_medecin(text.encode()).records
        assert (first.family, first.text, len(first.coded_lines)) == ("TESTUT", "un", 1)
        assert (second.family, second.text, second.coded) == ("MAQUETTE", "deux", ())
        assert first.warnings == ("HPRIM_BALISE_ABSENTE",)
        assert len(split_records(text.encode())) == 2

    @pytest.mark.parametrize(
        "changed",
        [
            {"birth": "02/07/85"},
            {"birth": "1985-07-02"},
            {"birth": "2 JUL 1985"},
            {"birth": "02/42/1985"},
            {"town": " "},
            {"town": " ", "nir": " "},
            {"town": "LILLE", "sender": "LB LABO", "recipient": "42 DR EXEMPLE"},
            {"town": "B-1000 BRUXELLES"},
        ],
    )
    @pytest.mark.parametrize("coded", [(), ("RES|A|A|N|1",)])
    def test_not_either_when_the_next_header_is_poor(self, changed: dict[str, Any], coded: tuple[str, ...]) -> None:
        text = (
            record("un", coded=coded, end=()) + record("deux", coded=coded, **{"family": "MAQUETTE", **changed}) + END
        )
        records = read_medecin(text.encode()).records
        assert [(each.family, each.text, len(each.coded)) for each in records] == [
            ("TESTUT", "un", len(coded)), ("MAQUETTE", "deux", len(coded)),
        ]  # fmt: skip
        assert len(split_records(text.encode())) == 2

    def test_names_and_dates_in_a_text_begin_no_record(self) -> None:
        lines = ["Antériorités", "Glycémie", "Urée", "", "", "Dates", "17/01/2024", "", "", "18/01/2024", "a", "b"]
        assert one(record("Cher confrère", *lines)).text.endswith("18/01/2024\na\nb")

    def test_two_coded_parts_in_one_record_are_told(self) -> None:
        unknown = record("deux", coded=("RES|B|B|N|2",), family="12345", town=" ")
        found = one(record("un", coded=("RES|A|A|N|1",), end=()) + unknown)
        assert found.warnings == ("HPRIM_DEUX_RESULTATS",)
        apart = record("un", coded=("RES|A|A|N|1",)) + unknown.replace("12345", "MAQUETTE")
        assert read_medecin(apart.encode()).warnings == ()

    def test_only_the_end_of_the_file_is_there(self) -> None:
        assert one(record("texte", end=("****FINFICHIER****",))).text == "texte"

    def test_ctrl_z_and_blank_lines_between_records(self) -> None:
        text = record("un") + "\n \n\x1a\n" + record("deux") + "\n" + END + "\x1a"
        file = read_medecin(text.encode())
        assert [each.text for each in file.records] == ["un", "deux"]
        assert file.warnings == ()
        assert len(split_records(text.encode())) == 2

    @pytest.mark.parametrize("between", [(), ("",), (" ",), (" ", "")])
    def test_twelve_or_thirteen_lines(self, between: tuple[str, ...]) -> None:
        text = "\n".join([*header(), *between, "  texte", "****FIN****", END])
        assert one(text).text == "  texte"

    @pytest.mark.parametrize("blanks", [1, 2, 5])
    def test_the_header_is_shifted(self, blanks: int) -> None:
        found = one("\n" * blanks + record("texte"))
        assert (found.family, found.birth_date, found.text) == ("TESTUT", "1999-01-17", "texte")
        assert found.warnings == ("HPRIM_EN_TETE_DECALE",)

    def test_an_unknown_code_is_no_shift(self) -> None:
        found = one(record("texte", code=" "))
        assert (found.patient_code, found.family, found.warnings) == ("", "TESTUT", ())

    def test_unknown_is_empty_blank_or_a_dot(self) -> None:
        found = one(record("texte", address_1="", address_2=".", nir=".", request=" ", sender=".", recipient=""))
        assert (found.address_1, found.address_2, found.nir, found.request_number) == ("", "", "", "")
        assert (found.sender_code, found.sender_name, found.recipient_code, found.recipient_name) == ("", "", "", "")
        assert found.warnings == ()

    def test_what_follows_the_end_is_no_record_and_told(self) -> None:
        file = read_medecin((record("texte") + END + "Envoyé par le portail\n").encode())
        assert [each.text for each in file.records] == ["texte"]
        assert file.warnings == ("HPRIM_SUITE_IGNOREE",)

    def test_two_files_one_behind_the_other(self) -> None:
        text = (record("un") + END) * 2
        assert len(read_medecin(text.encode()).records) == len(split_records(text.encode())) == 2

    def test_html_of_a_portal(self) -> None:
        text = (record("R&eacute;sultat", birth="17/01/1999") + record("deux") + END).replace("\n", "<br />\r\n")
        file = read_medecin(text.encode())
        assert [each.text for each in file.records] == ["Résultat", "deux"]
        assert file.warnings == ("HPRIM_HTML",)
        assert recognise(text.encode()) is FileKind.HPRIM_MEDECIN
        assert [read_medecin(part).records[0] for part in split_records(text.encode())] == list(file.records)

    def test_names_with_damaged_accents(self) -> None:
        text = record("Hémoglobine très élevée", given="Noé").encode("cp1252").decode("mac_roman")
        found = read_medecin(text.encode())
        assert (found.records[0].given, found.records[0].text) == ("Noé", "Hémoglobine très élevée")
        assert found.warnings == ("HPRIM_ACCENTS_REPARES",)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("17/01/1999", "1999-01-17"),
        ("17.01.1999", "1999-01-17"),
        ("7/1/1999", "1999-01-07"),
        ("17/01/26", "2026-01-17"),
        ("17/01/27", "1927-01-17"),
        ("1999-01-17", "1999-01-17"),
        ("1 JAN 1911", "1911-01-01"),
        ("1er août 1911", "1911-08-01"),
        ("17 JUIN 1911", "1911-06-17"),
        ("17 JUL 1911", "1911-07-17"),
        ("17 FÉV 1911", "1911-02-17"),
        ("17011999", "1999-01-17"),
        ("19990117", "1999-01-17"),
        ("20011998", "1998-01-20"),
        ("17/42/1999", None),
        ("17/20/1999", None),
        ("31/02/1999", None),
        ("inconnue", None),
        ("né le 17/01/1999", None),
        ("", None),
    ],
)
def test_dates_of_birth(written: str, expected: str | None) -> None:
    found = one(record("texte", birth=written))
    assert (found.birth_date, found.birth_raw) == (expected, written)
    assert found.warnings == (() if expected else ("HPRIM_NAISSANCE_INCONNUE",))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("M-5128-23/10/06", "2006-10-23"),
        ("20/11/2026 10:15", "2026-11-20"),
        ("2026-11-20", "2026-11-20"),
        ("20261120", "2026-11-20"),
        ("20/11/26", "2026-11-20"),
        ("DOSSIER 12", None),
    ],
)
def test_dates_of_the_report(written: str, expected: str | None) -> None:
    assert one(record("texte", date=written)).report_date == expected


@pytest.mark.parametrize(
    ("written", "nir", "is_valid"),
    [
        ("1990175999998 49", "199017599999849", True),
        ("199017599999849", "199017599999849", True),
        ("1 99 01 75 999 998 49", "199017599999849", True),
        ("1 99 01 2A 999 998 09", "199012A99999809", True),
        ("1 99 01 2B 999 998 09", "199012B99999809", False),
        ("1990175999998 48", "199017599999848", False),
        ("1990175999998", "1990175999998", False),
    ],
)
def test_nir_and_its_key(written: str, nir: str, is_valid: bool) -> None:
    found = one(record("texte", nir=written))
    assert (found.nir, found.nir_is_valid) == (nir, is_valid)
    assert ("HPRIM_NIR_INVALIDE" in found.warnings) is not is_valid


@pytest.mark.parametrize(
    ("written", "code", "name"),
    [
        ("        LB LABORATOIRE FICTIF", "LB", "LABORATOIRE FICTIF"),
        ("         C CABINET", "C", "CABINET"),
        ("LB LABORATOIRE", "LB", "LABORATOIRE"),
        ("LB        LABORATOIRE", "LB", "LABORATOIRE"),
        ("99700000017 DR EXEMPLE Alix", "99700000017", "DR EXEMPLE Alix"),
        ("           DR EXEMPLE Alix", "", "DR EXEMPLE Alix"),
        ("DR EXEMPLE Alix", "", "DR EXEMPLE Alix"),
        ("Laboratoire fictif", "", "Laboratoire fictif"),
        ("        42", "42", ""),
    ],
)
def test_codes_and_identities(written: str, code: str, name: str) -> None:
    found = one(record("texte", sender=written, recipient=written))
    assert (found.sender_code, found.sender_name) == (found.recipient_code, found.recipient_name) == (code, name)


@pytest.mark.parametrize(
    ("written", "postcode", "town"),
    [
        ("62000 ARRAS", "62000", "ARRAS"),
        ("62000ARRAS", "62000", "ARRAS"),
        ("2A004 AJACCIO", "2A004", "AJACCIO"),
        ("B-1000 BRUXELLES", "B-1000", "BRUXELLES"),
        ("LE MANS", "", "LE MANS"),
        ("62000", "62000", ""),
    ],
)
def test_postcodes(written: str, postcode: str, town: str) -> None:
    found = one(record("texte", town=written))
    assert (found.postcode, found.town) == (postcode, town)


class TestResults:
    def test_four_fields(self) -> None:
        (result,) = one(record("x", coded=("RES|Commentaire|COM|C",))).coded
        assert (result.label, result.code, result.kind, result.value) == ("Commentaire", "COM", "C", "")

    def test_ten_fields_with_blanks_around(self) -> None:
        (result,) = one(record("x", coded=("RES| Sodium | NA |N| 140 | mmol/L | 135 | 145 | N | C",))).coded
        assert (result.label, result.value, result.unit, result.flag, result.status) == (
            "Sodium", "140", "mmol/L", "N", "C",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("value", "number", "comparator"),
        [
            ("13.3", "13.3", ""),
            ("13,3", "13.3", ""),
            ("-2", "-2", ""),
            ("< 0.5", "0.5", "<"),
            ("<0,5", "0.5", "<"),
            (">100", "100", ">"),
            ("≤ 3", "3", "<="),
            ("traces", None, ""),
            ("", None, ""),
        ],
    )
    def test_values_stay_as_they_are_and_say_their_number(
        self, value: str, number: str | None, comparator: str
    ) -> None:
        (result,) = one(record("x", coded=(f"RES|A|A|N|{value}",))).coded
        assert (result.value, result.number, result.comparator) == (value, number, comparator)

    @pytest.mark.parametrize(
        ("fields", "bounds"),
        [("3.5|5.0", ("3.5", "5.0")), ("3,5-5,0|", ("3.5", "5.0")), ("3.5 à 5|", ("3.5", "5")), ("|5", ("", "5"))],
    )
    def test_bounds_in_one_field_or_two(self, fields: str, bounds: tuple[str, str]) -> None:
        (result,) = one(record("x", coded=(f"RES|A|A|N|4|g|{fields}",))).coded
        assert result.bounds == bounds

    @pytest.mark.parametrize(
        ("flag", "is_alert"), [("HH", True), ("ll", True), ("AA", True), ("H", False), ("", False)]
    )
    def test_alerts(self, flag: str, is_alert: bool) -> None:
        found = one(record("x", coded=("RES|B|B|N|1|g|||N", f"RES|A|A|N|4|g|1|2|{flag}")))
        assert (found.is_alert, found.alerts) == (is_alert, (flag.upper(),) if is_alert else ())

    def test_lines_of_other_kinds_are_kept(self) -> None:
        found = one(record("x", coded=("TEX", "TEX|  texte", "AUTRE|1", "RES|A")))
        assert found.coded_lines[:3] == (HprimText(""), HprimText("  texte"), HprimText("AUTRE|1", is_tex=False))
        assert found.tex == "\n  texte"
        assert len(found.coded) == 1


class TestRefusals:
    @pytest.mark.parametrize(
        "text",
        ["", "\n \n", "Bonjour\n****FIN****\n", "un\n" * 5, "\n".join(header(family=" ", given=".")),
         "\n".join([*header()[:8], "****LAB****", "RES|A"])],
    )  # fmt: skip
    def test_without_a_header(self, text: str) -> None:
        assert refusal(text.encode()) == "HPRIM_INVALIDE"

    def test_over_the_bounds(self) -> None:
        data = (record("un") * 3 + END).encode()
        assert refusal(data, Limits(max_hprim_records=2)) == "TROP_GROS"
        assert refusal(data, Limits(max_hprim_bytes=100)) == "TROP_GROS"
        with pytest.raises(InvalidSubmission, match="TROP_GROS"):
            split_records(data, Limits(max_hprim_records=2))

    def test_splitting_nothing(self) -> None:
        with pytest.raises(InvalidSubmission, match="HPRIM_INVALIDE"):
            split_records(b"\r\n")
        with pytest.raises(InvalidSubmission, match="ENCODAGE"):
            split_records(b"\xff\xfea")


class TestWords:
    def test_a_record_as_text(self) -> None:
        first = read_medecin(EXAMPLE.encode()).records[0]
        text = record_as_text(first)
        assert "Patient : TESTUT Camille\nDate de naissance : 17/01/1999\n" in text
        assert "Destinataire : DR EXEMPLE Alix\n" in text
        assert text.endswith("Hémoglobine                    13,3 g/dL      (12,5 à 15,5)\n")

    def test_results_without_a_text_are_told(self) -> None:
        found = one(record(coded=("RES|Potassium|K|N|7,1|mmol/L|3,5|5|HH|C|28|mg/dL", "RES|Note|N")))
        assert record_as_text(found).endswith(
            "\n\nPotassium : 7,1 mmol/L soit 28 mg/dL (normale : 3.5 - 5) [TRÈS HAUT - ALERTE] [corrigé]\nNote : \n"
        )

    def test_nothing_at_all_is_told_too(self) -> None:
        assert record_as_text(one(record())).endswith("(aucun texte)\n")

    def test_a_date_that_is_not_certain_is_shown_as_written(self) -> None:
        assert "Date de naissance : 17/42/1999\n" in record_as_text(one(record("x", birth="17/42/1999")))
