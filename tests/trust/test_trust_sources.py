"""Where the authorities come from: Cryptolib first, the ANS for what is missing, a file by hand."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from connector.domain.errors import ConfigurationError
from connector.operators.trust.certificates import fingerprint
from connector.operators.trust.sources import MAX_FILE_BYTES, Gained, gather, import_file
from tests.trust.trust_scene import DER, SITE, family, trust_in

ROOT, ORGANISATIONS = family().servers
PERSONS = family().persons.certificate
STRANGER = family("test").root.certificate


@pytest.fixture
def coffre(tmp_path: Path) -> Path:
    """As Cryptolib installs it."""
    folder = tmp_path / "Coffre"
    folder.mkdir()
    (folder / "ACR_ELEMENTAIRE_20130625.cer").write_bytes(ROOT.public_bytes(DER))
    (folder / "AC_ELEMENTAIRE_ORGANISATIONS_20130625.CER").write_bytes(ORGANISATIONS.public_bytes(Encoding.PEM))
    (folder / "AC_STANDARD_PERSONNES.cer").write_bytes(PERSONS.public_bytes(DER))
    (folder / "broken.cer").write_bytes(b"broken")
    (folder / "huge.cer").write_bytes(ROOT.public_bytes(DER) + b"x" * MAX_FILE_BYTES)
    (folder / "readme.txt").write_text("no certificate")
    (folder / "folder.cer").mkdir()
    return folder


def test_what_cryptolib_has_is_taken_and_nobody_is_asked(tmp_path: Path, coffre: Path) -> None:
    source = family().source()
    trust = trust_in(tmp_path, source, filled=False)
    told: list[Gained] = []
    gained = gather(trust.store, ["production"], source, folders=[tmp_path / "none", coffre], tell=told.append)
    assert gained == told
    assert [(one.name, one.is_new, one.code) for one in gained] == [
        ("racine", True, ""), ("organisations", True, ""), ("personnes", True, ""),
    ]  # fmt: skip
    assert {authority.source for authority in trust.store.authorities()} == {str(coffre)}
    assert source.asked == []
    again = gather(trust.store, ["production"], source, folders=[coffre])
    assert not any(one.is_new for one in again)


def test_what_is_missing_comes_from_the_ans(tmp_path: Path) -> None:
    source = family().source()
    trust = trust_in(tmp_path, source, filled=False)
    gained = gather(trust.store, ["production"], source, folders=[])
    assert [one.name for one in gained] == ["racine", "organisations"]  # nobody gives away those of persons
    assert source.asked == [f"{SITE}/production/racine.cer", f"{SITE}/production/organisations.cer"]
    assert trust.authorities("production") == [ORGANISATIONS, ROOT]
    gather(trust.store, ["production"], source, folders=[])
    assert len(source.asked) == 2


def test_only_hierarchies_in_use_are_asked_for(tmp_path: Path) -> None:
    source = family("test").source()
    trust = trust_in(tmp_path, source, filled=False)
    gather(trust.store, [], source, folders=[])
    assert source.asked == []
    gather(trust.store, ["test"], source, folders=[])
    assert {authority.igc for authority in trust.store.authorities()} == {"test"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "TELECHARGEMENT"),
        (b"<html>", "AUTORITE_INCONNUE"),
        (family().persons.certificate.public_bytes(DER)[:-1], "AUTORITE_INCONNUE"),
        (family("test").server().certificate.public_bytes(DER), "AUTORITE_INCONNUE"),
    ],
    ids=["refused", "a page", "cut off", "another certificate"],
)
def test_a_bad_answer_adds_nothing_and_is_told(tmp_path: Path, content: bytes | None, code: str) -> None:
    source = family().source()
    address = f"{SITE}/production/organisations.cer"
    source.content.pop(address)
    if content is not None:
        source.content[address] = content
    trust = trust_in(tmp_path, source, filled=False)
    root, organisations = gather(trust.store, ["production"], source, folders=[])
    assert (root.authority is not None, root.code) == (True, "")
    assert (organisations.authority, organisations.code) == (None, code)
    assert organisations.detail
    assert trust.authorities("production") == [ROOT]


def test_a_chain_in_one_file_is_imported_as_far_as_it_is_pinned(tmp_path: Path) -> None:
    trust = trust_in(tmp_path, filled=False)
    chain = tmp_path / "Chaine_de_certification.p7b"
    server = family().server().certificate
    chain.write_bytes(pkcs7.serialize_certificates([ROOT, ORGANISATIONS, server], DER))
    assert {one.sha256 for one in import_file(trust.store, chain)} == {fingerprint(ROOT), fingerprint(ORGANISATIONS)}


def test_a_person_names_the_fingerprint_of_a_bench(tmp_path: Path) -> None:
    trust = trust_in(tmp_path, filled=False)
    trust.store.pins = ()
    bench = tmp_path / "bench.pem"
    bench.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in (ROOT, STRANGER)))
    (taken,) = import_file(trust.store, bench, accepted=[fingerprint(STRANGER)], igc="test")
    assert (taken.by_hand, taken.igc, taken.source) == (True, "test", str(bench))
    assert trust.authorities("test") == [STRANGER]


@pytest.mark.parametrize(
    ("content", "accepted", "code"),
    [
        (b"nothing", [], "TRUST_ILLISIBLE"),
        (family().server().certificate.public_bytes(DER), [], "AUTORITE_INCONNUE"),
        (ROOT.public_bytes(DER), [fingerprint(STRANGER)], "AUTORITE_INCONNUE"),
    ],
    ids=["no certificate", "not pinned", "a fingerprint that is not in it"],
)
def test_an_import_that_cannot_be_done_as_asked_adds_nothing(
    tmp_path: Path, content: bytes, accepted: list[str], code: str
) -> None:
    trust = trust_in(tmp_path, filled=False)
    file = tmp_path / "file.cer"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=code):
        import_file(trust.store, file, accepted=accepted)
    assert trust.store.authorities() == ()


def test_one_bad_certificate_keeps_the_whole_file_out(tmp_path: Path) -> None:
    trust = trust_in(tmp_path, filled=False)
    server = family().server().certificate
    file = tmp_path / "file.pem"
    file.write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in (ROOT, server)))
    with pytest.raises(ConfigurationError, match=r"AUTORITE_INCONNUE.*is not an authority"):
        import_file(trust.store, file, accepted=[fingerprint(server)])
    assert trust.store.authorities() == ()
