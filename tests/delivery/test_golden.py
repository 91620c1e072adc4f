"""Whole messages under every profile, against listings that are kept: what lies where, and what it is.

``golden/<profile>-ours.txt`` has messages made here, with the hash of each file; ``golden/<profile>-official.txt`` a
message around each official package, names and kinds only, compared where those samples are. After a wanted change:
``MSS_UPDATE_GOLDEN=1 python -m pytest tests/delivery/test_golden.py``.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from connector.delivery.profile import profile_names
from connector.documents.cda.parse import open_cda, pdf_of
from connector.documents.recognise import recognise
from connector.exchange.arrival import Arrival
from tests.delivery.delivery_scene import inbox, make_places, tree
from tests.hprim.hprim_samples import EXAMPLE
from tests.opening.opened import MARK, N1, N3, OTHER, arrival, attached, hprim, message, text, xdm
from tests.shared_data import SHARED_DATA, sample_files

GOLDEN = Path(__file__).parent / "golden"
PACKAGES = [*sample_files("xdm/**/*.ZIP"), *sample_files("xdm/**/*.zip")]
PROFILES = sorted(profile_names())


def pdf_in(document: bytes) -> bytes:
    content = pdf_of(open_cda(document))
    assert content is not None
    return content


def ours() -> dict[str, bytes]:
    """Messages as they come: a report in all its forms, letters, results, what no profile foresees."""
    words = text("Bonjour,\nci-joint le compte rendu.")
    archive = attached("IHE_XDM.zip", xdm(N3), "application/zip")
    copy = attached("CR.pdf", pdf_in(N3), "application/pdf")
    result = attached("1F00.hpr", hprim(given=b"Camille", birth=b"17/01/1999", coded=b"RES|K|K|N|6.9|||5.0|LL|F"))
    photo = attached("../photo.jpg", b"\xff\xd8\xff\xe0", "image/jpeg")
    return {
        "a report as archive, PDF and HPRIM": message(words, archive, copy, result),
        "a report as archive and PDF": message(words, archive, copy),
        "a report as archive alone": message(words, attached("IHE_XDM.zip", xdm(N1), "application/zip")),
        "two documents of two patients": message(words, attached("a.xml", N1), attached("b.xml", OTHER)),
        "a result of two patients": message(words, attached("LABO.HPR", EXAMPLE.encode("cp850"))),
        "a letter": message(text("Pouvez-vous me rappeler \u2264 18 h ?")),
        "a letter with a photograph": message(words, photo),
        "nothing at all": message(text(" ")),
    }


def official() -> dict[str, bytes]:
    return {
        path.relative_to(SHARED_DATA / "xdm").as_posix(): message(
            text("Bonjour."), attached("IHE_XDM.zip", path.read_bytes(), "application/zip")
        )
        for path in PACKAGES
    }


def kind(path: str, content: bytes) -> str:
    return "index" if path.endswith(".mss.json") else recognise(content).value


def delivered(whole: Arrival, profile: str, folder: Path) -> dict[str, bytes]:
    places = make_places(folder)
    given = inbox(places, profile=profile).deliver(whole)
    found = {path: (places.received / path).read_bytes() for path in tree(places.received)}
    assert dict(given.files) == {path: hashlib.sha256(content).hexdigest() for path, content in found.items()}
    return found


def listed(messages: Mapping[str, bytes], profile: str, folder: Path, *, with_hash: bool) -> Iterator[str]:
    for number, (name, raw) in enumerate(messages.items()):
        yield f"# {name}"
        for path, content in delivered(arrival(raw, MARK), profile, folder / str(number)).items():
            found = kind(path, content)
            is_set_by_us = found == "pdf" and content not in raw_files()
            varies = is_set_by_us or found in ("index", "xdm")  # archives: with the version of zlib
            shown = "-" if varies else hashlib.sha256(content).hexdigest()[:12]
            yield " ".join([path, found, *([shown] if with_hash else [])])


@cache
def raw_files() -> frozenset[bytes]:
    """PDFs that are in our messages; any other was typeset, by whatever version of the typesetter."""
    return frozenset(map(pdf_in, (N1, N3)))


def compare(name: str, lines: list[str]) -> None:
    path = GOLDEN / name
    if os.environ.get("MSS_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n", "utf-8")
    assert path.read_text("utf-8").splitlines() == lines


@pytest.mark.parametrize("profile", PROFILES)
def test_our_messages(profile: str, tmp_path: Path) -> None:
    compare(f"{profile}-ours.txt", list(listed(ours(), profile, tmp_path, with_hash=True)))


@pytest.mark.skipif(not PACKAGES, reason="the official samples are not here")
@pytest.mark.parametrize("profile", PROFILES)
def test_a_message_around_each_official_package(profile: str, tmp_path: Path) -> None:
    compare(f"{profile}-official.txt", list(listed(official(), profile, tmp_path, with_hash=False)))
