"""Packages from anywhere: every variant that was met, and nothing that is dangerous."""

import hashlib
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.errors import InvalidSubmission, MalformedMessage
from connector.domain.limits import Limits
from connector.xdm.ebrim_writer import write_metadata
from connector.xdm.model import DocumentEntry, Metadata, SubmissionSet
from connector.xdm.pack import pack
from connector.xdm.package_reader import read_xdm
from tests.our_errors import only_our_errors
from tests.shared_data import sample_files
from tests.xdm.cda_samples import NOW, SENDER, CountingIds, cda

PACKAGES = sample_files("xdm/*/*.zip") + sample_files("xdm/ans/*/*.ZIP") + sample_files("synthetic/*.ZIP")
FOLDER = "IHE_XDM/SUBSET01/"


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def entry(
    content: bytes = b"<a/>", *, uri: str = "DOC0001.XML", unique_id: str = "1.2.3", sums: bool = True
) -> DocumentEntry:
    return DocumentEntry(
        entry_uuid=f"urn:uuid:{unique_id}",
        unique_id=unique_id,
        uri=uri,
        hash=hashlib.sha1(content, usedforsecurity=False).hexdigest() if sums else "",
        size=str(len(content)) if sums else "",
    )


def metadata(*entries: DocumentEntry) -> bytes:
    submission_set = SubmissionSet(entry_uuid="s", unique_id="1.9")
    return write_metadata(Metadata(submission_sets=(submission_set,), document_entries=entries))


def code_of(data: bytes, limits: Limits = DEFAULT_LIMITS, verify: bool = True) -> str:
    with pytest.raises(MalformedMessage) as caught:
        read_xdm(data, limits, verify=verify)
    return caught.value.code


def test_our_own_package_comes_back() -> None:
    packed = pack([cda()], now=NOW, ids=CountingIds(), sender=SENDER)
    (package,) = read_xdm(packed.content)
    assert package.metadata == packed.metadata
    assert package.submission_set == packed.metadata.submission_sets[0]
    assert [document.content for document in package.documents] == [cda()]
    assert (package.folder, package.companions, package.missing, package.is_degraded) == (FOLDER, (), (), False)


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({f"{FOLDER}METADATA.XML": metadata(entry()), f"{FOLDER}DOC0001.XML": b"<a/>"}, f"{FOLDER}DOC0001.XML"),
        ({"ihe_xdm/x/metadata.xml": metadata(entry()), "ihe_xdm/x/doc0001.xml": b"<a/>"}, "ihe_xdm/x/doc0001.xml"),
        ({"top/X/S/METADATA.XML": metadata(entry()), "top/X/S/DOC0001.XML": b"<a/>"}, "top/X/S/DOC0001.XML"),
        ({"METADATA.XML": metadata(entry()), "DOC0001.XML": b"<a/>"}, "DOC0001.XML"),
        ({"A/METADATA.XML": metadata(entry(uri="./SUB/D.XML")), "A/SUB/D.XML": b"<a/>"}, "A/SUB/D.XML"),
        ({"A/METADATA.XML": metadata(entry(uri="SUB\\D.XML")), "A/SUB/D.XML": b"<a/>"}, "A/SUB/D.XML"),
        ({"A/METADATA.XML": metadata(entry(uri="x/y/D.XML")), "A/D.XML": b"<a/>"}, "A/D.XML"),
        ({"A/METADATA.XML": metadata(entry(uri="")), "A/D.XML": b"<a/>"}, "A/D.XML"),
        ({"A/METADATA.XML": metadata(entry(uri="")), "A/E.XML": b"<e/>", "A/D.XML": b"<a/>"}, "A/D.XML"),
        ({"A/METADATA.XML": metadata(entry(uri="", sums=False)), "A/D.XML": b"<a/>"}, "A/D.XML"),
        (
            {
                "A/METADATA.XML": metadata(DocumentEntry(entry_uuid="d", unique_id="1", size="4")),
                "A/E.XML": b"<eee/>",
                "A/D.XML": b"<a/>",
            },
            "A/D.XML",
        ),
    ],
    ids=[
        "usual", "lower-case", "top-folder", "root", "sub-folder", "backslash", "base-name", "one-file", "by-hash",
        "no-sums", "by-size",
    ],
)  # fmt: skip
def test_a_document_is_found_wherever_it_is(files: dict[str, bytes], name: str) -> None:
    (package,) = read_xdm(zipped(files))
    assert [document.name for document in package.documents] == [name]
    assert package.documents[0].content == b"<a/>"


@pytest.mark.parametrize("uri", ["OTHER.XML", "../OTHER.XML", "..\\..\\etc\\passwd", "/", "", "A/../../D.XML"])
def test_a_uri_that_leads_nowhere_or_outside_is_a_missing_file(uri: str) -> None:
    one = DocumentEntry(entry_uuid="d", unique_id="1", uri=uri)
    (package,) = read_xdm(zipped({"A/METADATA.XML": metadata(one), "A/X.XML": b"<x/>", "A/Y.XML": b"<y/>"}))
    assert (package.documents, package.missing) == ((), (one,))
    assert [companion.name for companion in package.companions] == ["A/X.XML", "A/Y.XML"]


def test_noise_is_ignored_and_companions_are_kept_aside() -> None:
    noise = {
        "__MACOSX/A/._METADATA.XML": b"\x00\x05", "A/._D.XML": b"x", "A/.DS_Store": b"x", "A/.svn/entries": b"x",
        "A/D.XML.swp": b"x", "A/Thumbs.db": b"x",
    }  # fmt: skip
    files = {"A/METADATA.XML": metadata(entry()), "A/DOC0001.XML": b"<a/>", "A/DOC0001.PDF": b"%PDF", **noise}
    (package,) = read_xdm(zipped(files))
    assert [companion.name for companion in package.companions] == ["A/DOC0001.PDF"]


def test_several_submission_sets_are_several_packages() -> None:
    files = {
        "IHE_XDM/CCD1/METADATA.XML": metadata(entry(b"<a/>", unique_id="1.1")), "IHE_XDM/CCD1/DOC0001.XML": b"<a/>",
        "IHE_XDM/CCD2/METADATA.XML": metadata(entry(b"<b/>", unique_id="1.2")), "IHE_XDM/CCD2/DOC0001.XML": b"<b/>",
    }  # fmt: skip
    packages = read_xdm(zipped(files))
    assert [package.documents[0].content for package in packages] == [b"<a/>", b"<b/>"]


def test_a_package_that_is_there_twice_counts_once() -> None:
    files = {
        "IHE_XDM/S/METADATA.XML": metadata(entry()), "IHE_XDM/S/DOC0001.XML": b"<a/>",
        "copy/IHE_XDM/S/METADATA.XML": metadata(entry()), "copy/IHE_XDM/S/DOC0001.XML": b"<a/>",
    }  # fmt: skip
    assert len(read_xdm(zipped(files))) == 1


def test_without_metadata_the_documents_speak_for_themselves() -> None:
    files = {"A/D.XML": cda(), "A/COPY.XML": cda(), "A/X.XML": b"<x/>", "A/D.PDF": b"%PDF", "A/E.XML": cda(ids="")}
    (package,) = read_xdm(zipped(files))
    assert package.is_degraded
    assert package.submission_set is None
    assert [document.entry.unique_id for document in package.documents] == ["1.2.250.1.999.1.1.7000.1"]
    assert package.documents[0].warnings == ("XDM_DEGRADE",)
    assert package.documents[0].entry.patient_id.startswith("248066319988747^")
    assert {companion.name for companion in package.companions} == {"A/X.XML", "A/D.PDF", "A/E.XML"}


@pytest.mark.parametrize("files", [{}, {"a.txt": b"x"}, {"IHE_XDM/X.XML": b"<x/>"}])
def test_an_archive_without_metadata_and_documents_is_no_package(files: dict[str, bytes]) -> None:
    assert code_of(zipped(files)) == "XDM_INVALIDE"


@pytest.mark.parametrize("wrong", [{"hash": "0" * 40}, {"size": "5"}, {"size": "four"}, {"hash": "", "size": "99"}])
def test_a_document_that_does_not_agree_with_its_sums_is_refused(wrong: dict[str, str]) -> None:
    from dataclasses import replace

    data = zipped({"A/METADATA.XML": metadata(replace(entry(), **wrong)), "A/DOC0001.XML": b"<a/>"})  # type: ignore[arg-type] # names of text fields
    assert code_of(data) == "EMPREINTE_FAUSSE"
    assert len(read_xdm(data, verify=False)) == 1


def test_the_hash_is_compared_without_case() -> None:
    from dataclasses import replace

    one = replace(entry(), hash=entry().hash.upper())
    assert read_xdm(zipped({"A/METADATA.XML": metadata(one), "A/DOC0001.XML": b"<a/>"}))


# --- hostile archives ---------------------------------------------------------------------------------------------


def with_info(change: Callable[[zipfile.ZipInfo], None]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("IHE_XDM/A.XML", (2026, 3, 10, 0, 0, 0))
        change(info)
        archive.writestr(info, b"content")
    return buffer.getvalue()


def link(info: zipfile.ZipInfo) -> None:
    info.create_system = 3
    info.external_attr = 0o120777 << 16


def pipe(info: zipfile.ZipInfo) -> None:
    info.create_system = 3
    info.external_attr = 0o010666 << 16


def test_links_and_special_files_are_refused() -> None:
    assert [code_of(with_info(change)) for change in (link, pipe)] == ["ARCHIVE_DANGEREUSE"] * 2


@pytest.mark.parametrize(
    "name",
    ["../a.xml", "a/../../b", "/etc/passwd", "C:/a.xml", "C:\\a.xml", "..\\a.xml", "a\nb.xml", "x" * 300, "\x1b"],
)  # fmt: skip
def test_names_that_point_outside_are_refused(name: str) -> None:
    assert code_of(zipped({name: b"x"})) == "ARCHIVE_DANGEREUSE"


def test_encryption_is_refused() -> None:
    data = bytearray(zipped({"A/METADATA.XML": b"<a/>"}))
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    assert code_of(bytes(data)) == "ARCHIVE_DANGEREUSE"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_bounded_inflation_are_refused(method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("A/METADATA.XML", b"x" * 100)
    assert code_of(buffer.getvalue()) == "ARCHIVE_DANGEREUSE"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["A/METADATA.XML", "a/metadata.xml"])
def test_the_same_name_twice_is_refused(second: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("A/METADATA.XML", b"1")
        archive.writestr(second, b"2")
    assert code_of(buffer.getvalue()) == "ARCHIVE_DANGEREUSE"


@pytest.mark.parametrize(
    "limits", [Limits(max_members=1), Limits(max_expanded_bytes=1500), Limits(max_member_bytes=900)]
)
def test_counts_and_declared_sizes_are_measured_first(limits: Limits) -> None:
    assert code_of(zipped({"a": b"x" * 1000, "b": b"y" * 1000}), limits) == "ARCHIVE_DANGEREUSE"


def test_an_unreasonable_ratio_is_refused() -> None:
    assert code_of(zipped({"a": bytes(5 << 20)})) == "ARCHIVE_DANGEREUSE"


def test_a_crowd_of_entries_is_refused_before_the_directory_is_parsed() -> None:
    data = zipped({"a": b"x"})
    assert code_of(data + b"PK\x01\x02" * 20_001) == "ARCHIVE_DANGEREUSE"


@pytest.mark.parametrize("declared", [10, 3_000_000])
def test_an_entry_that_lies_about_its_size_is_damaged(declared: int) -> None:
    data = bytearray(zipped({"A/METADATA.XML": b"<a/>" * 100_000}))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(mark) + offset, declared)
    assert code_of(bytes(data), Limits(max_ratio=10_000)) == "XDM_INVALIDE"


def test_a_nested_archive_is_a_companion_and_stays_closed() -> None:
    inner = zipped({"A/METADATA.XML": metadata(entry()), "A/DOC0001.XML": b"<a/>"})
    files = {"A/METADATA.XML": metadata(entry()), "A/DOC0001.XML": b"<a/>", "A/MORE.ZIP": inner}
    (package,) = read_xdm(zipped(files))
    assert [companion.content for companion in package.companions] == [inner]


@pytest.mark.parametrize("xml", [b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>", b"<a", b""])
def test_metadata_that_attack_the_parser_are_refused(xml: bytes) -> None:
    assert code_of(zipped({"A/METADATA.XML": xml})) == "XML_INVALIDE"


def test_deep_metadata_are_refused() -> None:
    assert code_of(zipped({"A/METADATA.XML": b"<a>" * 500 + b"</a>" * 500})) == "TROP_GROS"


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"x" * 1000])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    assert code_of(data) == "XDM_INVALIDE"


def test_the_caller_chooses_the_error() -> None:
    with pytest.raises(InvalidSubmission):
        read_xdm(b"x", error=InvalidSubmission)


PACKED = pack([cda()], now=NOW, ids=CountingIds(), sender=SENDER).content
CODES = {"XDM_INVALIDE", "XML_INVALIDE", "ENCODAGE", "TROP_GROS", "ARCHIVE_DANGEREUSE", "EMPREINTE_FAUSSE"}


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(PACKED) - 1), st.binary(min_size=1, max_size=8))
def test_a_damaged_package_is_refused_or_unharmed(position: int, noise: bytes) -> None:
    damaged = PACKED[:position] + noise + PACKED[position + len(noise) :]
    with only_our_errors(MalformedMessage, *CODES):
        packages = read_xdm(damaged)
        assert all(document.content == cda() for package in packages for document in package.documents)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_our_errors(data: bytes) -> None:
    for attempt in (data, b"PK\x03\x04" + data, data + PACKED[-60:]):
        with pytest.raises(MalformedMessage):
            read_xdm(attempt)


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_official_and_foreign_packages_are_read_whole(path: Path) -> None:
    packages = read_xdm(path.read_bytes())
    assert all(package.documents and not package.missing and not package.is_degraded for package in packages)
    assert all(package.submission_set for package in packages)
