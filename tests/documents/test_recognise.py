"""A file is what its content says."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents.recognise import FileKind, is_cda, recognise, role_of
from connector.domain.submission import FileRole
from tests.shared_data import sample_files
from tests.xdm.cda_samples import cda


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return buffer.getvalue()


HPRIM_MEDECIN = "\r\n".join(
    [
        "0000001",
        "EXEMPLE",
        "ANNE",
        "1 RUE",
        "",
        "63000 X",
        "15/06/1948",
        "",
        "D1",
        "10/03/2026",
        "C1",
        "L1",
        "Bonjour",
    ]
).encode("cp1252")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (cda(), FileKind.CDA),
        (b"\xef\xbb\xbf\r\n" + cda(), FileKind.CDA),
        (cda().decode().replace("UTF-8", "UTF-16").encode("utf-16"), FileKind.CDA),
        (cda(prolog="").decode().encode("utf-16-be"), FileKind.CDA),
        (b"<!--" + b"x" * 300_000 + b"-->" + cda(prolog=""), FileKind.CDA),
        (b'<c:ClinicalDocument xmlns:c="urn:hl7-org:v3">', FileKind.CDA),
        (b"<ClinicalDocument>", FileKind.XML),
        (b"<?xml version='1.0'?><evenementsPatients/>", FileKind.XML),
        (zipped("IHE_XDM/SUBSET01/METADATA.XML"), FileKind.XDM),
        (zipped("IHE_XDM\\SUBSET01\\DOC0001.XML"), FileKind.XDM),
        (zipped("any/where/metadata.xml"), FileKind.XDM),
        (zipped("METADATA.XML"), FileKind.XDM),
        (zipped("letter.pdf", "__MACOSX/IHE_XDM/._METADATA.XML"), FileKind.ZIP),
        (b"PK\x03\x04 broken", FileKind.ZIP),
        (b"%PDF-1.7\n", FileKind.PDF),
        (b"\x00" * 900 + b"%PDF-1.4", FileKind.PDF),
        (b"MSH|^~\\&|LPS|", FileKind.HL7),
        (b"\x0bMSH|^~\\&|LPS|\r\x1c\r", FileKind.HL7),
        (b"FHS|^~\\&|", FileKind.HL7),
        (b"H|~^\\&|L0417.HPR||LABO", FileKind.HPRIM_SANTE),
        (b"\r\nH|^~\\&|L0417.HPR||LABO", FileKind.HPRIM_SANTE),
        (HPRIM_MEDECIN, FileKind.HPRIM_MEDECIN),
        (b"anything\r\n****FIN****\r\n", FileKind.HPRIM_MEDECIN),
        (b"anything\n****LAB****\nRES|x", FileKind.HPRIM_MEDECIN),
        (b"anything\n****FINFICHIER****", FileKind.HPRIM_MEDECIN),
        (b"Hello, this is text", FileKind.TEXT),
        (b"HEADER|x", FileKind.TEXT),
        (b"MSHA", FileKind.TEXT),
        ("Résultat négatif.".encode("cp1252"), FileKind.TEXT),
        (b"\xef\xbb\xbf" + "Résultat négatif.".encode(), FileKind.TEXT),
        ("Résultat négatif.".encode("utf-16"), FileKind.TEXT),
        (b"Fin de page\x0c\r\n\x1a", FileKind.TEXT),
        (b"text \x01 text", FileKind.UNKNOWN),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind.UNKNOWN),
        (b"{\\rtf1 text}", FileKind.UNKNOWN),
        (b'{"version": 1}', FileKind.UNKNOWN),
        (b"\xff\xfe\x00\xd8\x00\x00", FileKind.UNKNOWN),
        (b"\x89PNG\r\n\x1a\n", FileKind.PNG),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", FileKind.JPEG),
        (b"II*\x00\x08\x00\x00\x00", FileKind.TIFF),
        (b"MM\x00*\x00\x00\x00\x08", FileKind.TIFF),
        (HPRIM_MEDECIN.replace(b"\r\n", b"\r"), FileKind.HPRIM_MEDECIN),
        (HPRIM_MEDECIN.decode("cp1252").encode("utf-16"), FileKind.HPRIM_MEDECIN),
        (b"\r\n\r\n" + HPRIM_MEDECIN, FileKind.HPRIM_MEDECIN),
        (b"x\r****FIN****\ry", FileKind.HPRIM_MEDECIN),
        (b"x\n****fin***  \n", FileKind.HPRIM_MEDECIN),
        (b"x\n****FIN****<br />\n", FileKind.HPRIM_MEDECIN),
        (b"the tag ****FIN**** inside a line", FileKind.TEXT),
        ("MSH|^~\\&|LPS|".encode("utf-16"), FileKind.HL7),
        ("H|~^\\&|L.HPR|".encode("utf-16"), FileKind.HPRIM_SANTE),
        (b"", FileKind.EMPTY),
        (b" \r\n\x00", FileKind.EMPTY),
    ],
)
def test_recognises_each_format(data: bytes, kind: FileKind) -> None:
    assert recognise(data) is kind


@pytest.mark.parametrize(
    ("data", "role"),
    [
        (cda(), FileRole.CDA),
        (zipped("IHE_XDM/A/METADATA.XML"), FileRole.XDM),
        (zipped("a.txt"), FileRole.UNKNOWN),
        (b"<a/>", FileRole.UNKNOWN),
        (b"MSH|^~\\&|", FileRole.HL7),
        (b"H|~^\\&|x", FileRole.HPRIM),
        (HPRIM_MEDECIN, FileRole.HPRIM),
        (b"%PDF-1.4", FileRole.PDF),
        (b"Bonjour", FileRole.TEXT),
        (b"\x89PNG\r\n\x1a\n", FileRole.IMAGE),
        (b"\xff\xd8\xff\xe0", FileRole.IMAGE),
        (b"II*\x00", FileRole.IMAGE),
        (b"", FileRole.UNKNOWN),
    ],
)
def test_each_format_has_its_role(data: bytes, role: FileRole) -> None:
    assert role_of(data) is role


@pytest.mark.parametrize("path", sample_files("cda/*.xml"), ids=lambda path: path.name)
def test_official_documents_are_cda(path: Path) -> None:
    assert recognise(path.read_bytes()) is FileKind.CDA


@pytest.mark.parametrize(
    "path",
    sample_files("xdm/*/*.zip") + sample_files("xdm/ans/*/*.ZIP"),
    ids=lambda path: f"{path.parent.name}-{path.name}",
)
def test_official_and_foreign_packages_are_xdm(path: Path) -> None:
    assert recognise(path.read_bytes()) is FileKind.XDM


@pytest.mark.parametrize("path", sample_files("hl7v2/*"), ids=lambda path: path.name)
def test_official_messages_are_hl7(path: Path) -> None:
    assert recognise(path.read_bytes()) is FileKind.HL7


@given(st.binary(max_size=300))
def test_arbitrary_bytes_have_some_kind(data: bytes) -> None:
    assert recognise(data) in FileKind
    is_cda(data)


@given(st.binary(max_size=300))
def test_an_archive_that_is_none_is_still_only_a_zip(data: bytes) -> None:
    assert recognise(b"PK\x03\x04" + data) in {FileKind.ZIP, FileKind.XDM}
