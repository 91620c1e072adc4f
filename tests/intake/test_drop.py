"""Which files belong together does not depend on the order in which they appear."""

import json
import unicodedata
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.limits import Limits
from connector.intake.drop import Drop, base_name, group
from connector.intake.scan import Observation
from connector.intake.stability import Calm
from connector.intake.wholeness import Whole, sidecar_wholeness, wholeness
from connector.sandbox.samples import sample, sample_names


def seen(*names: str) -> list[Observation]:
    return [Observation(name, 1, 1, number) for number, name in enumerate(names)]


def shape(drops: list[Drop]) -> list[list[str]]:
    return [[file.name for file in drop.files] for drop in drops]


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("X.xml", "X"), ("X.mss.json", "X"), ("X.MSS.INI", "X"), ("X.mss.csv", "X"), ("X.ok", "X"), ("X.xml.ok", "X"),
        ("REQ.2026.ok", "REQ.2026"), ("REQ.2026.pdf", "REQ.2026"), ("X", "X"), (".xml", ".xml"),
        (unicodedata.normalize("NFD", "é.xml"), "é"),
    ],
)  # fmt: skip
def test_base_names(name: str, base: str) -> None:
    assert base_name(name) == base


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["X.xml", "X.pdf", "X.mss.json", "X.ok"], [["X.pdf", "X.xml", "X.mss.json", "X.ok"]]),
        (["REQ.XML", "req.ok"], [["REQ.XML", "req.ok"]]),
        (["Case.xml", "case.xml", "case.ok"], [["Case.xml"], ["case.xml", "case.ok"]]),
        (["X.XML", "X.xml", "X.ok"], [["X.XML", "X.ok"], ["X.xml"]]),
        (["é.xml", unicodedata.normalize("NFD", "é.xml")],
         [[unicodedata.normalize("NFD", "é.xml")], ["é.xml"]]),
        (["X.pdf", "X.pdf.ok"], [["X.pdf", "X.pdf.ok"]]),
        (["X.pdf.xml", "X.pdf.ok"], [["X.pdf.xml", "X.pdf.ok"]]),
        (["a.xml", "b.xml"], [["a.xml"], ["b.xml"]]),
        ([], []),
    ],
)  # fmt: skip
def test_groups(names: list[str], expected: list[list[str]]) -> None:
    assert shape(group(seen(*names))) == expected


def test_a_list_makes_one_drop_of_several_documents_with_their_flags() -> None:
    files = seen("a.xml", "a.ok", "B.xml", "LOT.mss.json", "c.xml")
    drops = group(files, {"LOT.mss.json": ["a.xml", "b.xml", "later.xml"]})
    assert shape(drops) == [["B.xml", "a.xml", "LOT.mss.json", "a.ok"], ["c.xml"]]
    assert drops[0].missing == ("later.xml",)
    assert drops[0].base == "LOT"


def test_a_flag_stays_with_the_document_that_the_list_left() -> None:
    drops = group(seen("a.xml", "a.cda", "a.ok", "L.mss.json"), {"L.mss.json": ["a.xml"]})
    assert shape(drops) == [["a.xml", "L.mss.json"], ["a.cda", "a.ok"]]


def test_two_lists_cannot_share_a_file() -> None:
    drops = group(seen("a.xml", "1.mss.json", "2.mss.json"), {"1.mss.json": ["a.xml"], "2.mss.json": ["a.xml"]})
    assert [drop.missing for drop in drops] == [(), ("a.xml",)]


def test_a_list_whose_sidecar_is_gone_or_listed_by_another_is_harmless() -> None:
    assert shape(group(seen("a.xml"), {"L.mss.json": ["b.xml"]})) == [["a.xml"]]


def test_an_index_takes_what_is_called_like_its_files_and_no_twin_of_them() -> None:
    files = seen("a.xml", "a.pdf", "A.XML", "a.mss.json", "b.xml", "LOT.mss.csv", "LOT.mss.csv.ok")
    drops = group(files, {"LOT.mss.csv": ["a.xml"]})
    assert shape(drops) == [
        ["A.XML", "a.mss.json"], ["LOT.mss.csv", "a.pdf", "a.xml", "LOT.mss.csv.ok"], ["b.xml"],
    ]  # fmt: skip
    assert [drop.index is not None for drop in drops] == [False, True, False]


def test_a_folder_is_one_drop() -> None:
    files = [Observation(name, 1, 1, 1, "LOT") for name in ("b.xml", "a.xml")]
    (drop,) = group(files, {}, "LOT")
    assert (drop.base, drop.folder, len(drop.files)) == ("LOT", "LOT", 2)
    assert group([], {}, "LOT") == []


_stems = st.sampled_from(["a", "A", "b", "é", unicodedata.normalize("NFD", "é"), "x.1"])
_suffixes = st.sampled_from([".xml", ".XML", ".pdf", ".mss.json", ".ok", ".xml.ok", ".zip"])
_names = st.lists(st.builds(lambda stem, suffix: stem + suffix, _stems, _suffixes), unique=True, max_size=12)
_lists = st.dictionaries(
    st.sampled_from(["a.mss.json", "A.mss.json", "b.mss.json"]),
    st.lists(st.sampled_from(["a.xml", "b.xml", "É.xml", "é.zip", "missing.xml"]), max_size=3),
)


@given(_names, _lists, st.randoms(use_true_random=False))
def test_every_file_is_in_exactly_one_drop_in_any_order(
    names: list[str], lists: dict[str, list[str]], luck: Random
) -> None:
    files = seen(*names)
    drops = group(files, lists)
    assert sorted(file for drop in drops for file in drop.files) == sorted(files)
    shuffled = list(files)
    luck.shuffle(shuffled)
    assert group(shuffled, lists) == drops


def test_calm_counts_from_the_last_change_and_survives_a_scan_that_failed() -> None:
    calm, (file,) = Calm(), seen("a.xml")
    calm.see([file], 10.0)
    assert calm.quiet_seconds([file], 13.0) == 3.0
    grown = Observation(file.name, 2, 1, file.inode)
    calm.see([grown], 14.0)
    assert calm.quiet_seconds([grown], 14.0) == 0.0
    assert calm.quiet_seconds([grown], 99.0) == 85.0
    assert calm.quiet_seconds([], 99.0) == 0.0


JPEG = (
    b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xdb\x00\x03x\xff\xda\x00\x03s"
    b"pixels\xff\x00\xff\xd3more\xff\xc4\x00\x03h\xff\xda\x00\x03s\x01\x02\xff\xd9"
)
PREVIEW = JPEG[:2] + b"\xff\xe1" + (len(JPEG) + 2).to_bytes(2, "big") + JPEG + JPEG[2:]
HPRIM = b"A\r\nB\r\n****LAB****\r\nRES|x\r\n****FIN****\r\n****FINFICHIER****\r\n"


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"%PDF-1.4\n...%%EOF\n", Whole.YES),
        (b"junk%PDF-1.4\n...", Whole.NO),
        (b"<a>text</a>", Whole.YES),
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><a>text</a >\r\n", Whole.YES),
        (b"<a/>", Whole.YES),
        (b"<a>text</a><!-- end -->", Whole.YES),
        (b"<a>text</b>", Whole.NO),
        (b"<a>te", Whole.NO),
        (b"<", Whole.NO),
        (b"<a>" + b"\x00" * 50 + b"</a>", Whole.NO),
        ("<a>é</a>".encode("utf-16"), Whole.YES),
        (b"PK\x03\x04truncated", Whole.NO),
        (b"MSH|^~\\&|A\rPID|1|x\r", Whole.CANNOT_TELL),
        (b"MSH|^~\\&|A\rPID|1|", Whole.CANNOT_TELL),
        (b"FHS|^~\\&|A\rBHS|^~\\&\rMSH|^~\\&|A\rPID|1|x\rBTS|1\r", Whole.NO),
        (b"FHS|^~\\&|A\rBHS|^~\\&\rMSH|^~\\&|A\rPID|1|x\rBTS|1\rFTS|1\r", Whole.YES),
        (b"BHS|^~\\&\rMSH|^~\\&|A\rPID|1|x\rBTS\r\n", Whole.YES),
        (b"BHS|^~\\&\rMSH|^~\\&|A\rPID|1|x\r", Whole.NO),
        (b"\x0bMSH|^~\\&|A\rPID|1\r\x1c\r", Whole.YES),
        (b"MSH|^~\\&|A\rPID", Whole.NO),
        (b"H|~^\\&|L|..|ORU\r\nP|1\r\nL|1\r\n", Whole.YES),
        (b"H|~^\\&|L|..|ORU\r\nP|1\r\n", Whole.NO),
        (HPRIM, Whole.YES),
        (HPRIM[:25], Whole.NO),
        (HPRIM.partition(b"****FINF")[0], Whole.CANNOT_TELL),
        (HPRIM[:-8], Whole.NO),
        (HPRIM.replace(b"****FINFICHIER****", b"****FINFICHIER***") + b"\x1a", Whole.YES),
        (b"%PDF-1.4\n<</Linearized 1/L 60/H[1 2]>>%%EOF more\n", Whole.NO),
        (b"%PDF-1.4\n<</Linearized 1/L 60/H[1 2]>>%%EOF more than it\n%%EOF\n", Whole.YES),
        (JPEG, Whole.YES),
        (JPEG + b"camera's own notes", Whole.YES),
        (PREVIEW, Whole.YES),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x00IEND\xaeB`\x82", Whole.YES),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\x00IEND\xaeB`", Whole.NO),
        (HPRIM.replace(b"\r\n", b"<br />\r\n"), Whole.YES),
        (b"A\r\n****FIN****\r\nB\r\n", Whole.NO),
        (b"A\r\nB\r\n****F", Whole.NO),
        (b"A\r\n*********\r\n", Whole.CANNOT_TELL),
        (HPRIM.decode().encode("utf-16"), Whole.YES),
        ("fichier;objet\r\na;é\r\n".encode("utf-16"), Whole.CANNOT_TELL),
        ("fichier".encode("utf-16")[:-1], Whole.NO),
        ("MSH".encode("utf-16"), Whole.NO),
        (b"plain text", Whole.CANNOT_TELL),
        (b"%", Whole.NO),
        (b"P", Whole.NO),
        (b"\xff\xd8", Whole.NO),
        (b"MSH|", Whole.NO),
        (b"", Whole.CANNOT_TELL),
    ],
)
def test_the_end_of_a_file_is_recognised(data: bytes, answer: Whole) -> None:
    assert wholeness(data, Limits()) is answer


@pytest.mark.parametrize(
    ("name", "data", "answer"),
    [
        ("X.mss.json", b'\xef\xbb\xbf{"a": {"b": "}"}}\r\n', Whole.YES),
        ("X.mss.json", b'{"a": {"b": 1}', Whole.NO),
        ("X.mss.json", b'{"a": "text with }', Whole.NO),
        ("X.mss.json", b'{"a": tru', Whole.NO),
        ("X.mss.json", b'{"nom": "\xc3', Whole.NO),
        ("X.MSS.JSON", b'{"a": nonsense}', Whole.YES),
        ("X.mss.json", b'{"a": 1}}', Whole.YES),
        ("X.mss.json", b'{"a":' * 2000 + b"}", Whole.YES),
        ("X.mss.xml", b"<message><a/></message>", Whole.YES),
        ("X.mss.xml", b"<message><a/>", Whole.NO),
        ("X.mss.ini", b"[message]\r\ndestinataire1=dr.a@x.fr\r\n", Whole.CANNOT_TELL),
    ],
)
def test_the_end_of_a_sidecar_is_recognised(name: str, data: bytes, answer: Whole) -> None:
    assert sidecar_wholeness(name, data, Limits()) is answer


@given(
    st.recursive(st.none() | st.booleans() | st.text(max_size=5), lambda x: st.dictionaries(st.text(max_size=3), x))
)
def test_a_json_sidecar_is_whole_at_its_last_byte_only(tree: object) -> None:
    data = json.dumps({"a": tree}, ensure_ascii=False).encode()
    assert sidecar_wholeness("X.mss.json", data, Limits()) is Whole.YES
    assert {sidecar_wholeness("X.mss.json", data[:cut], Limits()) for cut in range(len(data))} == {Whole.NO}


@pytest.mark.parametrize("picture", [JPEG, PREVIEW], ids=["plain", "preview"])
def test_a_picture_is_whole_at_its_last_byte_only(picture: bytes) -> None:
    assert {wholeness(picture[:cut], Limits()) for cut in range(3, len(picture))} == {Whole.NO}


@pytest.mark.parametrize("name", sample_names(".xml"))
def test_a_document_is_whole_at_its_last_byte_only(name: str) -> None:
    data = sample(name).rstrip()
    assert wholeness(data, Limits()) is Whole.YES
    assert {wholeness(data[:cut], Limits()) for cut in range(1, len(data), len(data) // 40)} == {Whole.NO}
