"""Facts about PDFs from outside: damage is a fact, never an exception."""

import io
import zlib

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.documents.pdf import PdfFacts, inspect_pdf
from tests.documents.pdf.samples import rendered


def made(**options: object) -> bytes:
    """A PDF of two empty pages, saved with these options of pikepdf."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.add_blank_page()
        pdf.save(out, **options)  # type: ignore[arg-type]  # passed on as they are
    return out.getvalue()


def with_xmp(xmp: bytes) -> bytes:
    """A PDF with these bytes as its metadata."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page()
        pdf.Root.Metadata = pikepdf.Stream(pdf, xmp, Type=pikepdf.Name.Metadata, Subtype=pikepdf.Name.XML)
        pdf.save(out)
    return out.getvalue()


def marker(part: str, conformance: str) -> bytes:
    """XMP as other producers write it: as elements, not as attributes."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">'
        f"<pdfaid:part>{part}</pdfaid:part><pdfaid:conformance>{conformance}</pdfaid:conformance>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def test_our_own_pdf_is_pdfa_1b() -> None:
    facts = inspect_pdf(rendered("x"))
    assert facts == PdfFacts(is_pdf=True, is_readable=True, pages=1, pdfa_part=1, pdfa_conformance="B")
    assert facts.is_pdfa1


def test_an_ordinary_pdf_is_readable_and_no_pdfa() -> None:
    facts = inspect_pdf(made())
    assert facts == PdfFacts(is_pdf=True, is_readable=True, pages=2)
    assert not facts.is_pdfa1


@pytest.mark.parametrize(
    ("part", "conformance", "expected"),
    [("1", "A", True), (" 1 ", "b", True), ("2", "B", False), ("3", "U", False), ("un", "B", False), ("", "", False)],
)
def test_the_part_of_the_marker_decides(part: str, conformance: str, expected: bool) -> None:
    facts = inspect_pdf(with_xmp(marker(part, conformance)))
    assert facts.is_pdfa1 is expected
    assert facts.pdfa_conformance == conformance.upper()


@pytest.mark.parametrize("xmp", [b"", b"<x", b"\xff\xfe\x00", b"<a/>", marker("1", "B")[:-30]])
def test_metadata_that_cannot_be_read_counts_as_no_marker(xmp: bytes) -> None:
    facts = inspect_pdf(with_xmp(xmp))
    assert facts.is_readable
    assert facts.pdfa_part in {None, 1}  # a reader may recover what was cut


def by_hand(metadata: bytes) -> bytes:
    """A PDF without a cross-reference table, which a reader rebuilds, and this as object 3."""
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/Metadata 3 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Kids[4 0 R]/Count 1>>endobj\n3 0 obj" + metadata + b"endobj\n"
        b"4 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>"
    )


def stream(content: bytes, entries: bytes) -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream " % (entries, len(content), content)


@pytest.mark.parametrize(
    "metadata",
    [
        b"<<>>", b"(text)", b"[]", stream(b"garbage", b"/Filter/FlateDecode"),
        stream(zlib.compress(marker("1", "B")), b"/Filter[/FlateDecode/FlateDecode]"),
        stream(b"x", b"/Filter/Unknown"),
        stream(bytes(100_000), b"/Filter/FlateDecode"), stream(b" " * (5 << 20), b""),
    ],
    ids=["dictionary", "string", "array", "garbage", "twice packed", "unknown filter", "bomb", "huge"],
)  # fmt: skip
def test_metadata_of_another_kind_or_size_counts_as_no_marker(metadata: bytes) -> None:
    facts = inspect_pdf(by_hand(metadata))
    assert facts.is_readable
    assert facts.pdfa_part is None


def test_packed_metadata_is_read() -> None:
    packed = stream(zlib.compress(marker("1", "B")), b"/Filter/FlateDecode")
    assert inspect_pdf(by_hand(packed)).is_pdfa1


def test_a_password_is_told_from_damage() -> None:
    facts = inspect_pdf(made(encryption=pikepdf.Encryption(owner="o", user="u")))
    assert facts.is_encrypted
    assert not facts.is_readable
    assert facts.problem == "a password is needed"


def test_encryption_without_a_password_to_open_is_no_pdfa() -> None:
    facts = inspect_pdf(made(encryption=pikepdf.Encryption(owner="o", user="")))
    assert facts.is_readable
    assert facts.is_encrypted
    assert not facts.is_pdfa1


@pytest.mark.parametrize("data", [b"", b"%PD", b"<html>", b"PK\x03\x04", b"\0" * 2000 + b"%PDF-1.4"])
def test_what_does_not_begin_like_a_pdf_is_none(data: bytes) -> None:
    assert inspect_pdf(data) == PdfFacts(is_pdf=False, problem="the file does not begin like a PDF")


def test_bytes_before_the_header_are_tolerated() -> None:
    assert inspect_pdf(b"\n\n" + made()).is_readable


def test_a_bare_header_is_damage() -> None:
    facts = inspect_pdf(b"%PDF-1.4\n")
    assert facts.is_pdf
    assert not facts.is_readable
    assert "damaged" in facts.problem


def test_a_pdf_without_pages_is_not_readable() -> None:
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.save(out)
    facts = inspect_pdf(out.getvalue())
    assert not facts.is_readable
    assert facts.problem == "it has no page"


WHOLE = made()


@given(length=st.integers(0, len(WHOLE)))
def test_a_truncated_pdf_never_raises(length: int) -> None:
    assert inspect_pdf(WHOLE[:length]).pages in {0, 1, 2}


@given(noise=st.binary(max_size=400), position=st.integers(9, len(WHOLE)))
def test_noise_never_raises(noise: bytes, position: int) -> None:
    inspect_pdf(WHOLE[:position] + noise + WHOLE[position:])
    inspect_pdf(b"%PDF-1.7" + noise)
