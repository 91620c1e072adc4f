"""What check says and what the connector does with the same files are one and the same."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.documents.cda.build import build_n1
from connector.documents.cda.model import UnstructuredBody
from connector.documents.cda.parse import clinical_document, embedded_pdf_copy
from connector.documents.pdf.sheets import text_to_pdf
from connector.sandbox.samples import sample
from connector.xdm.pack import pack
from tests.cda_build.n1_samples import REPLACING, REQUEST
from tests.hl7.hl7_messages import b64, classic_oru, mdm, oru
from tests.hprim.hprim_samples import EXAMPLE, SANTE
from tests.intake.lot_samples import other_patient
from tests.shared_data import sample_files
from tests.validation.check_scene import check_refuses, intake_refuses
from tests.xdm.cda_samples import NOW, SENDER, CountingIds, cda, level_1

N1 = sample("cr-consultation-n1.xml")
PDF = text_to_pdf("Bonjour", "Essai")
WITH_PDF = cda(body=level_1(b64(PDF)))
BUILT = replace(REQUEST, body=UnstructuredBody("application/pdf", PDF))
SHARED = [
    *sample_files("cda/*.xml"), *sample_files("hl7v2/*"), *sample_files("xdm/ans/*/*.ZIP"),
    *sample_files("xdm/nist/*.zip"), *sample_files("synthetic/*"),
]  # fmt: skip


def archive() -> bytes:
    return pack((WITH_PDF,), now=NOW, ids=CountingIds(), sender=SENDER).content


def changed_archive(name: str, change: Callable[[bytes], bytes]) -> bytes:
    before, buffer = zipfile.ZipFile(io.BytesIO(archive())), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as after:
        for entry in before.namelist():
            content = before.read(entry)
            after.writestr(entry, change(content) if entry.endswith(name) else content)
    return buffer.getvalue()


def with_broken_readme() -> bytes:
    """A byte of what nobody needs in order to send it."""
    content = archive()
    entry = zipfile.ZipFile(io.BytesIO(content)).getinfo("README.TXT")
    place = entry.header_offset + 30 + len("README.TXT") + 5
    return content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]


def with_broken_copy() -> bytes:
    """The PDF that a structured document carries of itself is none; the connector makes its own."""
    before, mark, rest = sample("cr-biologie-v1.xml").partition(b'mediaType="application/pdf"')
    opening, _, after = rest.partition(b">")
    changed = before + mark + opening + b">JVBERi0xLjQK<" + after.partition(b"<")[2]
    assert embedded_pdf_copy(clinical_document(changed)) == b"%PDF-1.4\n"
    return changed


OURS: dict[str, list[tuple[str, bytes]]] = {
    "N1": [("a.xml", N1)],
    "N1 built": [("a.xml", build_n1(BUILT))],
    "N1 replacing": [("a.xml", build_n1(replace(REPLACING, body=BUILT.body)))],
    "laboratory": [("a.xml", sample("cr-biologie-v1.xml"))],
    "damaged copy inside": [("a.xml", with_broken_copy())],
    "self-presenting": [("a.xml", sample("cr-autopresentable.xml"))],
    "cut": [("a.xml", N1[: len(N1) // 2])],
    "no id and no code": [("a.xml", N1.replace(b"<id ", b"<ids ", 1).replace(b"<code ", b"<codes ", 1))],
    "wrong key": [("a.xml", WITH_PDF.replace(b"248066319988747", b"248066319988748"))],
    "two patients": [("a.xml", N1), ("b.xml", other_patient(1))],
    "html": [("a.xml", b"<html></html>")],
    "HL7": [("a.hl7", mdm(document=WITH_PDF))],
    "HL7 without a readable PDF": [("a.hl7", mdm())],
    "HL7 two": [("a.hl7", oru(documents=[WITH_PDF]) + oru(documents=[WITH_PDF], replace={"MSG0002": "MSG9"}))],
    "HL7 flags": [("a.hl7", mdm(document=WITH_PDF).replace(b"DESTMSSANTEPS", b"DESTMSSANTEXX"))],
    "HL7 without document": [("a.hl7", classic_oru("", more=()))],
    "HPRIM": [("a.hpr", EXAMPLE.encode("cp1252"))],
    "HPRIM without patient": [("a.hpr", EXAMPLE.replace("TESTUT", "").replace("Camille", "").encode("cp1252"))],
    "HPRIM Santé": [("a.hpr", SANTE.encode("cp1252"))],
    "XDM": [("a.zip", archive())],
    "XDM hash": [("a.zip", changed_archive("DOC0001.XML", lambda data: data + b"\n"))],
    "XDM with a damaged README": [("a.zip", with_broken_readme())],
    "XDM without metadata": [("a.zip", changed_archive("METADATA.XML", lambda _: b"<a/>"))],
    "sidecar wrong": [("a.xml", N1), ("a.mss.json", b'{"destinataires": ["nobody"]}')],
    "sidecar empty": [("a.xml", N1), ("a.mss.json", b"")],
    "sidecar right": [("a.xml", N1), ("a.mss.json", b'{"destinataires": ["dr.modele@test.mssante.example"]}')],
    "PDF alone": [("a.pdf", b"%PDF-1.4\n%%EOF\n")],
    "PDF beside": [("a.xml", sample("cr-biologie-v1.xml")), ("a.pdf", b"%PDF-1.4\n%%EOF\n")],
}  # fmt: skip


TAKEN = {
    "N1", "N1 built", "N1 replacing", "laboratory", "self-presenting", "two patients", "HL7", "HL7 two", "HPRIM",
    "HPRIM Santé", "damaged copy inside", "XDM", "XDM with a damaged README", "sidecar right",
}  # fmt: skip
"""So that the comparison is one of two different things."""


@pytest.mark.parametrize("name", OURS)
def test_what_is_refused_has_an_error_and_nothing_else_has(name: str, tmp_path: Path) -> None:
    files = OURS[name]
    refused = check_refuses(tmp_path / "checked", files)
    assert refused == (name not in TAKEN)
    assert refused == intake_refuses(tmp_path, files)


@pytest.mark.parametrize("path", SHARED, ids=lambda path: str(path.relative_to(path.parents[2])))
def test_so_it_is_with_every_official_sample(path: Path, tmp_path: Path) -> None:
    files = [(path.name, path.read_bytes())]
    assert check_refuses(tmp_path / "checked", files) == intake_refuses(tmp_path, files)


BASES = {
    "CDA": ("a.xml", N1), "HL7": ("a.hl7", mdm(document=WITH_PDF)), "HPRIM": ("a.hpr", EXAMPLE.encode("cp1252")),
    "HPRIM Santé": ("a.hpr", SANTE.encode("cp1252")), "XDM": ("a.zip", archive()),
    "sidecar": ("a.mss.json", b'{"destinataires": ["dr.modele@test.mssante.example"], "options": {"urgent": true}}'),
}  # fmt: skip
CUTS = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.just(0.999)), st.integers(1, 60), st.binary(max_size=4)), max_size=2
)


def damaged(content: bytes, cuts: list[tuple[float, int, bytes]]) -> bytes:
    for share, length, other in cuts:
        start = int(share * len(content))
        content = content[:start] + other + content[start + length :]
    return content


@pytest.mark.parametrize("base", BASES)
@given(cuts=CUTS)
@settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_so_it_is_with_a_damaged_file(
    tmp_path_factory: pytest.TempPathFactory, base: str, cuts: list[tuple[float, int, bytes]]
) -> None:
    name, content = BASES[base]
    beside = [("a.xml", N1)] if base == "sidecar" else []
    files = [*beside, (name, damaged(content, cuts))]
    folder = tmp_path_factory.mktemp("box")
    assert check_refuses(folder / "checked", files) == intake_refuses(folder, files)
