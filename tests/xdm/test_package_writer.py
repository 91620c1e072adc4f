"""The zip that leaves: names, order, the two files that people read, and the same bytes every time."""

import io
import zipfile
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from connector.xdm.ascii_text import fold
from connector.xdm.package_writer import SenderInfo, build_xdm, document_name
from connector.xdm.zip_writer import write_zip
from tests.xdm.cda_samples import NOW, SENDER

FULL = SenderInfo(
    software="Connecteur",
    version="1.0",
    editor="Éditeur & fils",
    name="DR Hélène TESTEUR",
    organization="Hôpital d'Exemple <Sud>",
    organization_id="1010000017",
    address="1 rue de l'Œuvre, 63000 X",
    phone="0100000000",
)


def opened(content: bytes) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(content))


def package(sender: SenderInfo = FULL, count: int = 1, now: datetime = NOW) -> zipfile.ZipFile:
    return opened(build_xdm([b"<a/>"] * count, b"<m/>", sender=sender, now=now))


def test_entries_stand_in_the_order_of_the_official_packages() -> None:
    archive = package(count=2)
    assert archive.testzip() is None
    assert archive.namelist() == [
        "INDEX.HTM", "README.TXT", "IHE_XDM/", "IHE_XDM/SUBSET01/", "IHE_XDM/SUBSET01/DOC0001.XML",
        "IHE_XDM/SUBSET01/DOC0002.XML", "IHE_XDM/SUBSET01/METADATA.XML",
    ]  # fmt: skip


def test_files_worth_it_are_deflated_and_no_entry_has_flags() -> None:
    archive = opened(build_xdm([b"<a/>" * 1000], b"<m/>" * 1000, sender=FULL, now=NOW))
    for info in archive.infolist():
        assert info.compress_type == (zipfile.ZIP_STORED if info.file_size < 1024 else zipfile.ZIP_DEFLATED)
        assert info.compress_size <= info.file_size
        assert (info.flag_bits, info.create_system, info.extra, info.comment) == (0, 0, b"", b"")
        assert info.date_time == (2026, 3, 10, 14, 15, 30)


def test_the_same_input_gives_the_same_bytes_in_every_zone() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=11)))
    first, second = (build_xdm([b"<a/>"], b"<m/>", sender=FULL, now=now) for now in (NOW, elsewhere))
    assert first == second


def test_a_clock_before_1980_does_not_stop_a_sending() -> None:
    assert package(now=datetime(1970, 1, 1, tzinfo=UTC)).infolist()[0].date_time[0] == 1980


def test_names_are_8_3_up_to_the_last_number() -> None:
    assert [document_name(number) for number in (1, 42, 9999)] == ["DOC0001.XML", "DOC0042.XML", "DOC9999.XML"]


def test_readme_is_ascii_with_crlf_and_says_who_and_what() -> None:
    data = package(count=2).read("README.TXT")
    text = data.decode("ascii")
    assert data.count(b"\n") == data.count(b"\r\n") > 15
    for line in (
        ". Nom : DR Helene TESTEUR", ". Organisme : Hopital d'Exemple <Sud> (1010000017)",
        ". Adresse : 1 rue de l'OEuvre, 63000 X", ". Telephone : 0100000000", ". Nom : Connecteur", ". Version : 1.0",
        ". Editeur : Editeur & fils", "IHE_XDM\\SUBSET01\\DOC0002.XML", "IHE_XDM\\SUBSET01\\METADATA.XML",
        "INDEX.HTM",
    ):  # fmt: skip
        assert line in text.split("\r\n")


def test_readme_of_a_sender_that_says_little_has_no_gap() -> None:
    text = package(sender=SENDER).read("README.TXT").decode("ascii")
    assert ". Organisme : -\r\n" in text
    assert ". Nom : -\r\n" in text


def test_a_brace_in_a_name_is_only_a_brace() -> None:
    sender = SenderInfo(software="{tree}", version="{0}", editor="{}", organization="{x}")
    assert ". Version : {0}\r\n" in package(sender=sender).read("README.TXT").decode("ascii")


def test_index_is_well_formed_ascii_xhtml_with_links() -> None:
    data = package(count=2).read("INDEX.HTM")
    assert data.isascii()
    assert data.count(b"\n") == data.count(b"\r\n")
    root = etree.fromstring(data, etree.XMLParser(load_dtd=False, no_network=True))
    text = "".join(root.itertext())
    assert "Emetteur : Hôpital d'Exemple <Sud> (1010000017)" in text
    assert [link.get("href") for link in root.iter("{http://www.w3.org/1999/xhtml}a")] == [
        "README.TXT", "IHE_XDM/SUBSET01/DOC0001.XML", "IHE_XDM/SUBSET01/DOC0002.XML",
    ]  # fmt: skip


def test_index_falls_back_on_the_person() -> None:
    data = package(sender=SenderInfo(software="s", version="1", editor="e", name="DR X")).read("INDEX.HTM")
    assert b"<p>Emetteur : DR X</p>" in data


@given(st.text())
def test_folded_text_is_one_printable_ascii_line(text: str) -> None:
    folded = fold(text)
    assert folded.isascii()
    assert folded == "" or folded.isprintable()
    assert folded == folded.strip()


@pytest.mark.parametrize(
    ("text", "folded"),
    [("«  Cœur » – l’été", '" Coeur " - l\'ete'), ("plain text", "plain text"), ("a\tb\nc", "a b c")],
)
def test_french_text_folds_readably(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.dictionaries(st.text("ABC0123456789_", min_size=1, max_size=8), st.binary(max_size=3000), max_size=5))
def test_what_is_zipped_is_unzipped(files: dict[str, bytes]) -> None:
    archive = opened(write_zip(list(files.items()), moment=NOW))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == files
