"""The official samples: each document packs cleanly, each package packed again says the same as before."""

import io
import zipfile
from functools import lru_cache
from pathlib import Path

import pytest
from lxml import etree

from connector.xdm.check import check_xdm
from connector.xdm.pack import pack
from connector.xdm.package_reader import read_xdm
from tests.shared_data import SHARED_DATA, sample_files
from tests.xdm.cda_samples import NOW, SENDER, CountingIds
from tests.xdm.conformity import OFFICIAL, PAGE, REASONS, differences, page, reason_of

DOCUMENTS = sample_files("cda/*.xml") + sample_files("synthetic/minimal*.xml")


@lru_cache
def oasis() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(SHARED_DATA / "schemas" / "ebrs-xsd" / "ebRS" / "lcm.xsd"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_each_official_document_packs_into_a_clean_package(path: Path) -> None:
    content = pack([path.read_bytes()], now=NOW, ids=CountingIds(), sender=SENDER).content
    assert check_xdm(content) == []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        oasis().assertValid(etree.fromstring(archive.read("IHE_XDM/SUBSET01/METADATA.XML")))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_each_official_document_comes_back_as_it_was(path: Path) -> None:
    packed = pack([path.read_bytes()], now=NOW, ids=CountingIds(), sender=SENDER)
    (package,) = read_xdm(packed.content)
    assert package.metadata == packed.metadata
    assert package.documents[0].content == path.read_bytes()


@pytest.mark.parametrize("path", OFFICIAL, ids=lambda path: path.parent.name)
def test_each_difference_from_an_official_package_has_a_reason(path: Path) -> None:
    unexplained = [difference for difference in differences(path) if reason_of(difference) is None]
    assert unexplained == []


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.title)
def test_each_reason_is_on_the_page(reason: object) -> None:
    text = PAGE.read_text("utf-8")
    assert getattr(reason, "title", "") in text
    assert getattr(reason, "text", "") in text


@pytest.mark.parametrize("_", OFFICIAL[:1], ids=["page"])
def test_the_page_of_differences_is_up_to_date(_: Path) -> None:
    assert PAGE.read_text("utf-8") == page()
