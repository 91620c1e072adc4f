"""Archives in every form met in the field, and what their documents say of themselves."""

import pytest

from connector.documents.cda.parse import open_cda, pdf_of
from connector.domain.submission import DocumentAction
from connector.exchange.arrival import PartRole
from connector.sandbox.samples import sample
from connector.xdm.archive import base_name
from tests.opening.opened import N1, N3, OTHER, arrival, attached, message, text, unzipped, xdm, zipped

V2 = sample("cr-biologie-v2.xml")
SLOT = b"<Slot name='urn:action:extraMetadataSlot'><ValueList><Value>%s</Value></ValueList></Slot>"


def with_action(archive: bytes, action: bytes) -> bytes:
    """The archive with another action at its document."""
    files = unzipped(archive)
    name = next(name for name in files if base_name(name) == "METADATA.XML")
    metadata = files[name]
    start = metadata.index(b"ExtrinsicObject")
    end = metadata.index(b">", start) + 1
    return zipped(files | {name: metadata[:end] + SLOT % action + metadata[end:]})


def test_several_archives_in_one_message() -> None:
    found = arrival(message(attached("IHE_XDM.zip", xdm(N1)), attached("IHE_XDM.zip", xdm(OTHER, first_id=50))))
    assert [d.content for d in found.documents] == [N1, OTHER]
    assert [p.role for p in found.parts] == [PartRole.XDM, PartRole.XDM]


def test_several_submission_sets_in_one_archive() -> None:
    first, second = unzipped(xdm(N1)), unzipped(xdm(OTHER, first_id=50))
    moved = {name.replace("SUBSET01", "LUCY_0"): content for name, content in second.items() if "SUBSET01" in name}
    found = arrival(message(attached("envoi.zip", zipped(first | moved))))
    assert {d.content for d in found.documents} == {N1, OTHER}


@pytest.mark.parametrize("rename", [str.lower, lambda name: f"envoi/du jour/{name}", str.swapcase])
def test_odd_folders_and_letter_case(rename: object) -> None:
    assert callable(rename)
    files = {rename(name): content for name, content in unzipped(xdm(N1)).items()}
    assert [d.content for d in arrival(message(attached("a.dat", zipped(files)))).documents] == [N1]


def test_an_archive_inside_an_ordinary_zip_is_opened() -> None:
    outer = zipped({"pièces/IHE_XDM.zip": xdm(N1), "pièces/vide.zip": zipped({"a.txt": b"a"}), "lisez.txt": b"x"})
    found = arrival(message(attached("pieces.zip", outer)))
    assert [d.content for d in found.documents] == [N1]
    assert [(p.name, p.role, p.content) for p in found.parts] == [("pieces.zip", PartRole.XDM, outer)]


def test_a_zip_of_documents_without_metadata_is_opened_with_a_warning() -> None:
    found = arrival(message(attached("cr.zip", zipped({"cr.xml": N1}))))
    assert ([d.content for d in found.documents], found.warnings) == ([N1], ("XDM_DEGRADE",))


@pytest.mark.parametrize("files", [{"a.txt": b"a"}, {"a.xml": b"<a/>"}, {"a.zip": b"no zip"}])
def test_an_ordinary_zip_is_a_file(files: dict[str, bytes]) -> None:
    found = arrival(message(attached("photos.zip", zipped(files))))
    assert [(p.role, p.warnings) for p in found.parts] == [(PartRole.OTHER, ())]
    assert (found.documents, found.warnings) == ((), ())


def test_an_ordinary_zip_that_may_be_dangerous_stays_closed_and_is_told() -> None:
    found = arrival(message(attached("a.zip", zipped({"../../a.xml": N1}))))
    assert (found.documents, found.warnings, found.parts[0].warnings) == (
        (),
        ("ARCHIVE_FERMEE",),
        ("ARCHIVE_FERMEE",),
    )


def test_an_announced_archive_that_is_not_there_is_told() -> None:
    assert arrival(message(text("x"), subject="XDM/1.0/DDM+CR")).warnings == ("XDM_ABSENT",)
    assert arrival(message(attached("cr.xml", N1), subject="XDM/1.0/DDM+CR")).warnings == ()
    assert arrival(message(attached("a", xdm(N1)), subject="XDM/1.0/DDM+CR")).warnings == ()


@pytest.mark.parametrize("content", [N1, N3])
def test_the_pdf_beside_a_document_is_its_twin(content: bytes) -> None:
    pdf = pdf_of(open_cda(content))
    assert pdf is not None
    found = arrival(
        message(attached("IHE_XDM.zip", xdm(content)), attached("a.pdf", pdf), attached("b.pdf", pdf + b" "))
    )
    (document,) = found.documents
    assert document.pdf == pdf
    twins = {p.name: p.duplicate_of for p in found.parts}
    assert twins == {"IHE_XDM.zip": "", "a.pdf": document.sha256, "b.pdf": ""}


def test_the_same_file_twice_is_marked() -> None:
    found = arrival(message(attached("a.bin", b"\x01"), attached("b.bin", b"\x01")))
    first, second = found.parts
    assert (first.duplicate_of, second.duplicate_of) == ("", first.sha256)


def test_a_document_in_the_archive_and_beside_it_is_one_and_both_names_are_told() -> None:
    (document,) = arrival(message(attached("cr.xml", N1), attached("IHE_XDM.zip", xdm(N1)))).documents
    assert (document.file_name, document.also_as) == ("DOC0001.XML", ("cr.xml",))
    assert document.entry


def test_actions_come_from_the_entry_else_from_the_header() -> None:
    def action(content: bytes) -> DocumentAction:
        (document,) = arrival(message(attached("a", content))).documents
        return document.action

    assert action(xdm(N1)) is DocumentAction.FIRST
    assert action(with_action(xdm(N1), b"C")) is DocumentAction.REPLACE
    assert action(with_action(xdm(N1), b"D")) is DocumentAction.DELETE
    assert action(V2) is DocumentAction.REPLACE
    assert action(with_action(xdm(N1), b"X")) is DocumentAction.FIRST


def test_masks_of_the_entry_are_told() -> None:
    files = unzipped(xdm(N1))
    name = next(name for name in files if base_name(name) == "METADATA.XML")
    flagged = files[name].replace(b'nodeRepresentation="N"', b'nodeRepresentation="MASQUE_PS"')
    assert flagged != files[name]
    (document,) = arrival(message(attached("a", zipped(files | {name: flagged})))).documents
    assert document.masks == ("MASQUE_PS",)


@pytest.mark.parametrize("code", [b"AA", b"HH", b"LL"])
def test_alerts_of_a_structured_document(code: bytes) -> None:
    content = N3.replace(b'<interpretationCode code="H"', b'<interpretationCode code="%s"' % code)
    found = arrival(message(attached("cr.xml", content)))
    assert found.documents[0].alerts == found.alerts == (code.decode(),)


def test_no_alert_without_the_code_of_the_laboratory() -> None:
    other = N3.replace(b'code="H" displayName="Anormalement \xc3\xa9lev\xc3\xa9" codeSystem="2.16.840.1.113883.5.83"',
                       b'code="HH" codeSystem="1.2.3"')  # fmt: skip
    assert other != N3
    assert arrival(message(attached("a.xml", N3))).alerts == ()
    assert arrival(message(attached("a.xml", other))).alerts == ()
