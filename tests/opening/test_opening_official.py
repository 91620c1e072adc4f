"""Every official and foreign package, in a message built around it, opens whole; where the samples are there."""

from pathlib import Path

import pytest

from connector.documents.recognise import FileKind, recognise
from connector.domain.errors import MalformedMessage
from connector.exchange.arrival import PartRole
from tests.opening.opened import MARK, arrival, attached, forwarded, message, text, unzipped, zipped
from tests.shared_data import sample_files

PACKAGES = [*sample_files("xdm/**/*.ZIP"), *sample_files("xdm/**/*.zip"), *sample_files("synthetic/*.ZIP")]
OTHER_PATIENT = {"C32_Sample1.zip", "lynn-xdm.zip", "vendor-MIE.zip"}
"""American samples whose metadata name another patient than their document."""
DOCUMENTS = sample_files("cda/*.xml")


def cdas(archive: bytes) -> set[bytes]:
    """The documents of a package, its noise aside."""
    files = {name: content for name, content in unzipped(archive).items() if "__MACOSX" not in name}
    return {content for content in files.values() if recognise(content) is FileKind.CDA}


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: "/".join(path.parts[-3:]))
def test_a_package_opens_alone_forwarded_and_zipped_again(path: Path) -> None:
    content = path.read_bytes()
    beside = text("Bonjour."), attached(path.name, content, "application/zip")
    raw = message(*beside, subject="XDM/1.0/DDM+CR")
    inside = message(text("Voir."), forwarded(message(*beside, boundary="z")))
    again = message(attached("pieces.zip", zipped({path.name: content})))
    for whole in (raw, inside, again):
        found = arrival(whole, MARK)
        assert {document.content for document in found.documents} <= cdas(content)
        assert bool(found.documents) == bool(cdas(content))
        assert any(part.role is PartRole.XDM for part in found.parts) or not found.documents
        assert all(document.patient for document in found.documents)


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: "/".join(path.parts[-3:]))
def test_only_packages_about_two_patients_are_set_aside(path: Path) -> None:
    raw = message(attached(path.name, path.read_bytes()))
    if path.name in OTHER_PATIENT:
        with pytest.raises(MalformedMessage, match="different patients"):
            arrival(raw)
        return
    assert "PATIENT_INCOHERENT" not in arrival(raw).warnings


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_opens_without_archive(path: Path) -> None:
    (document,) = arrival(message(attached(path.name, path.read_bytes()))).documents
    assert document.content == path.read_bytes()
