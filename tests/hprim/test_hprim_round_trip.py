"""What is written is read again as the same record, in every encoding and with every line end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents.hprim.encoding import LineEnd
from connector.documents.hprim.medecin import (
    HprimOptions,
    HprimRecord,
    HprimResult,
    HprimText,
    read_medecin,
    split_records,
    write_medecin,
)
from connector.documents.recognise import FileKind, recognise
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.patient import key_of
from tests.hprim.hprim_samples import ENCODINGS, EXAMPLE, LINE_ENDS

EVIDENCE = "Hémoglobine élevée, contrôle à prévoir : forêt, maçon, à 37 °C."
"""Enough French that no reading of another code page is likelier; two letters alone can be anything."""

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ACCENTS = "éèàçêôùîëïûâ"  # in every one of the code pages
words = st.text(_LETTERS + _ACCENTS, min_size=1, max_size=12).map(lambda word: word[0] + word[1:].lower())
phrases = st.lists(words, min_size=1, max_size=4).map(" ".join)
maybe = phrases | st.just("")
codes = st.text("ABCXYZ0123456789", max_size=10)
days = st.dates(date(1900, 1, 1), date(2026, 12, 31)).map(date.isoformat)
numbers = st.from_regex(r"[<>]?[0-9]{1,4}([.,][0-9]{1,2})?", fullmatch=True)
texts = st.lists(st.sampled_from(("", "  ")).flatmap(lambda pad: maybe.map(lambda line: (pad + line).rstrip())))


@st.composite
def nirs(draw: st.DrawFn) -> str:
    first = draw(st.from_regex(r"[12][0-9]{4}(?:[0-9]{2}|2[AB])[0-9]{6}", fullmatch=True))
    return f"{first}{key_of(first):02}"


results = st.builds(
    HprimResult, label=phrases, code=codes, kind=st.sampled_from(("N", "A", "C", "T", "")), value=numbers | maybe,
    unit=st.sampled_from(("", "g/dL", "%", "10^9/L")), low=numbers | st.just(""), high=numbers | st.just(""),
    flag=st.sampled_from(("", "L", "H", "LL", "HH", "N")), status=st.sampled_from(("", "F", "R", "C")),
    value_2=numbers | st.just(""), unit_2=maybe, low_2=numbers | st.just(""), high_2=numbers | st.just(""),
)  # fmt: skip
lines = st.lists(results | maybe.map(HprimText), max_size=6).map(tuple)
records = st.builds(
    HprimRecord, patient_code=codes, family=phrases, given=phrases, address_1=maybe, address_2=maybe,
    postcode=st.sampled_from(("", "62000", "2A004")), town=phrases, birth_date=days, nir=nirs() | st.just(""),
    request_number=codes, report_date=days, sender_code=codes, sender_name=phrases, recipient_code=codes,
    recipient_name=phrases, text=texts.map(lambda found: "\n".join([*found, EVIDENCE])), coded_lines=lines,
)  # fmt: skip


def canonical(record: HprimRecord) -> HprimRecord:
    """Without what the format cannot hold: blank lines in front of the text, a dot for an unknown patient code."""
    kept = record.text.split("\n")
    while not kept[0]:
        kept.pop(0)
    return replace(record, text="\n".join(kept))


@given(
    st.lists(records.map(canonical), min_size=1, max_size=3), st.sampled_from(ENCODINGS), st.sampled_from(LINE_ENDS)
)
def test_written_and_read_again(some: list[HprimRecord], encoding: str, line_end: LineEnd) -> None:
    options = HprimOptions(encoding=encoding, line_end=line_end, uppercase_names=False)
    data = write_medecin(some, options=options)
    file = read_medecin(data, year=2026)
    assert list(file.records) == some
    assert file.warnings == ()
    assert recognise(data) is FileKind.HPRIM_MEDECIN


@given(st.lists(records.map(canonical), min_size=2, max_size=4), st.sampled_from(LINE_ENDS), st.booleans())
def test_split_and_read_again(some: list[HprimRecord], line_end: LineEnd, line_13: bool) -> None:
    options = HprimOptions(line_end=line_end, line_13=line_13, uppercase_names=False)
    parts = split_records(write_medecin(some, options=options))
    assert [read_medecin(part, year=2026).records for part in parts] == [(each,) for each in some]


def refusal(use: Callable[[bytes, Limits], object], data: bytes) -> str:
    try:
        use(data, Limits())
    except InvalidSubmission as error:
        return error.code
    return ""


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_random_bytes_are_read_or_refused(front: bytes, behind: bytes) -> None:
    example = EXAMPLE.encode("cp1252")
    for data in (front, front + example, example + behind, example[: len(front)] + behind + example[len(front) :]):
        assert refusal(read_medecin, data) in {"", "HPRIM_INVALIDE", "ENCODAGE", "TROP_GROS"}
        assert refusal(split_records, data) in {"", "HPRIM_INVALIDE", "ENCODAGE", "TROP_GROS"}


@given(st.text(st.sampled_from("\n\r *FINLABCHER|0/\t"), max_size=200))
def test_reading_and_splitting_agree_on_tags_in_disorder(text: str) -> None:
    data = (EXAMPLE + text).encode()
    try:
        count = len(read_medecin(data).records)
    except InvalidSubmission:
        return
    assert len(split_records(data)) == count


class TestOptions:
    record = HprimRecord(
        patient_code="L1", family="Tëstut", given="Camille", birth_date="1999-01-17", nir="199017599999849",
        report_date="2026-11-20", sender_code="LB", sender_name="LABO", recipient_code="42", recipient_name="DR X",
        text="  Une phrase assez longue pour être coupée, mais jamais dans un mot ni dans 1234567890.",
    )  # fmt: skip

    def written(self, options: HprimOptions | None = None, record: HprimRecord | None = None) -> list[str]:
        return write_medecin([record or self.record], options=options).decode("cp1252").split("\r\n")

    def test_header(self) -> None:
        assert self.written()[:12] == [
            "L1", "TËSTUT", "Camille", " ", " ", " ", "17/01/1999", "1990175999998 49", " ", "20/11/2026",
            "        LB LABO", "        42 DR X",
        ]  # fmt: skip

    def test_end(self) -> None:
        assert self.written()[-3:] == ["****FIN****", "****FINFICHIER****", ""]

    def test_line_1_line_13_and_recipient(self) -> None:
        lines = self.written(HprimOptions(line_1="MNEMO", line_13=True, recipient_code="99"))
        assert (lines[0], lines[11], lines[12]) == ("MNEMO", "        99 DR X", " ")

    def test_without_a_code(self) -> None:
        assert self.written(record=replace(self.record, patient_code=""))[0] == "."
        assert self.written(record=replace(self.record, sender_code=""))[10] == " " * 11 + "LABO"

    def test_wrapped_below_its_beginning_between_words(self) -> None:
        lines = self.written(HprimOptions(columns=40))[12:-3]
        assert lines == [
            "  Une phrase assez longue pour être",
            "  coupée, mais jamais dans un mot ni",
            "  dans 1234567890.",
        ]

    def test_an_uncertain_date_and_number_stay_as_they_are(self) -> None:
        lines = write_medecin([replace(self.record, birth_date=None, birth_raw="17/42/1999", nir="123")]).split(
            b"\r\n"
        )
        assert (lines[6], lines[7]) == (b"17/42/1999", b"123")

    @pytest.mark.parametrize("tag", ["****FIN****", "****FINFICHIER****", "****LAB****", "***FIN**"])
    def test_a_text_never_ends_a_record(self, tag: str) -> None:
        data = write_medecin([replace(self.record, text=f"avant\n{tag}\naprès", family=tag)])
        (found,) = read_medecin(data).records
        assert found.text.split("\n")[::2] == ["avant", "après"]
        assert data.count(b"****FIN****") == data.count(b"****FINFICHIER****") == 1

    def test_a_bar_in_a_field_becomes_a_stroke(self) -> None:
        data = write_medecin([replace(self.record, coded_lines=(HprimResult(label="A|B", value="1"),))])
        assert b"RES|A/B|||1\r\n" in data

    def test_what_the_code_page_lacks_is_refused(self) -> None:
        with pytest.raises(InvalidSubmission, match="ENCODAGE"):
            self.written(record=replace(self.record, text="☃"))
