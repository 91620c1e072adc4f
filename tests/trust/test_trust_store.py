"""The accepted authorities: pinned, or taken on purpose; nothing else gets in, nothing that was exchanged counts."""

import json
import stat
import sys
from pathlib import Path

import pytest

from connector.domain.errors import ConfigurationError
from connector.operators.trust.certificates import fingerprint
from connector.operators.trust.store import TrustStore
from connector.testing.clock import FakeClock
from tests.trust.trust_scene import DER, NOW, family, trust_in

PRODUCTION, TEST = family("production"), family("test")
PINS = (*PRODUCTION.pins, *TEST.pins)


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    return TrustStore(tmp_path / "authorities", FakeClock(), PINS)


def test_a_pinned_authority_is_kept_with_where_it_came_from(store: TrustStore) -> None:
    added = store.add(PRODUCTION.root.certificate, source="Coffre")
    again = TrustStore(store.folder, FakeClock(), PINS).authorities()
    assert again == (added,)
    assert (added.by_hand, added.serves, added.igc, added.source, added.added_at) == (
        False, True, "production", "Coffre", NOW,
    )  # fmt: skip


def test_an_authority_that_is_there_already_stays_as_it_is(store: TrustStore) -> None:
    first = store.add(PRODUCTION.root.certificate, source="Coffre")
    assert store.add(PRODUCTION.root.certificate, source="elsewhere") == first


@pytest.mark.parametrize("accepted", [[], ["00" * 32]], ids=["nothing", "another"])
def test_what_is_not_pinned_is_refused(store: TrustStore, accepted: list[str]) -> None:
    store.pins = TEST.pins
    with pytest.raises(ConfigurationError, match=rf"AUTORITE_INCONNUE.*{fingerprint(PRODUCTION.root.certificate)}"):
        store.add(PRODUCTION.root.certificate, source="x", accepted=accepted)
    assert store.authorities() == ()
    assert store.folder is not None
    assert not store.folder.exists()


def test_a_person_can_accept_another_on_purpose_and_it_stays_marked(store: TrustStore) -> None:
    store.pins = ()
    spelled = ":".join(f"{byte:02X}" for byte in bytes.fromhex(fingerprint(PRODUCTION.root.certificate)))
    added = store.add(PRODUCTION.root.certificate, source="bench.pem", accepted=[f" {spelled} "], igc="test")
    (kept,) = TrustStore(store.folder, FakeClock(), ()).authorities()
    assert kept == added
    assert (kept.by_hand, kept.serves, kept.igc) == (True, True, "test")
    assert store.servers("test") == [kept]
    assert store.servers("production") == []


def test_a_certificate_that_is_no_authority_is_never_one(store: TrustStore) -> None:
    server = PRODUCTION.server().certificate
    with pytest.raises(ConfigurationError, match=r"AUTORITE_INCONNUE.*is not an authority"):
        store.add(server, source="x", accepted=[fingerprint(server)])


def test_the_hierarchies_and_the_branches_stay_apart(store: TrustStore) -> None:
    for one in (PRODUCTION, TEST):
        for authority in (one.root, one.organisations, one.persons):
            store.add(authority.certificate, source="x")
    for one in (PRODUCTION, TEST):
        assert {authority.certificate for authority in store.servers(one.igc)} == set(one.servers)
    assert len(store.authorities()) == 6


def test_the_issuer_of_any_certificate_is_found(store: TrustStore) -> None:
    for authority in (PRODUCTION.root, PRODUCTION.organisations, TEST.organisations):
        store.add(authority.certificate, source="x")
    found = store.issuer_of(PRODUCTION.server().certificate)
    assert found is not None
    assert found.certificate == PRODUCTION.organisations.certificate
    assert store.issuer_of(TEST.root.certificate) is None


def test_a_file_that_was_exchanged_or_damaged_counts_as_absent(store: TrustStore) -> None:
    sha256 = store.add(PRODUCTION.root.certificate, source="x").sha256
    assert store.folder is not None
    kept = store.folder / f"{sha256}.cer"
    for content in (TEST.root.certificate.public_bytes(DER), b"", b"x" * 2_000_000):
        kept.write_bytes(content)
        assert store.authorities() == ()
    kept.write_bytes(PRODUCTION.root.certificate.public_bytes(DER))
    assert len(store.authorities()) == 1


@pytest.mark.parametrize(
    "note", [b"", b"[]", b"{}", b'{"by_hand": false, "igc": "test"}', b'{"by_hand": true, "igc": "moon"}',
             b'{"by_hand": "yes", "igc": "test"}'],
)  # fmt: skip
def test_a_file_that_nobody_vouches_for_is_no_authority(store: TrustStore, note: bytes) -> None:
    store.pins = ()
    sha256 = fingerprint(PRODUCTION.root.certificate)
    store.add(PRODUCTION.root.certificate, source="x", accepted=[sha256])
    assert store.folder is not None
    (store.folder / f"{sha256}.json").write_bytes(note)
    (store.folder / f"{sha256}.cer").touch()
    fresh = TrustStore(store.folder, FakeClock(), ())
    assert fresh.authorities() == ()


@pytest.mark.parametrize("at", [None, "yesterday", "2026-11-20T09:00:00"])
def test_a_pinned_one_needs_no_note(store: TrustStore, at: str | None) -> None:
    sha256 = store.add(PRODUCTION.root.certificate, source="x").sha256
    assert store.folder is not None
    note = store.folder / f"{sha256}.json"
    if at is None:
        note.unlink()
    else:
        note.write_text(json.dumps({"added_at": at}))
    (kept,) = TrustStore(store.folder, FakeClock(), PINS).authorities()
    assert kept.added_at.tzinfo is not None
    assert kept.source == ""


def test_the_revision_changes_with_the_authorities(store: TrustStore) -> None:
    seen = {store.revision()}
    for authority in (PRODUCTION.root, PRODUCTION.organisations):
        store.add(authority.certificate, source="x")
        seen.add(store.revision())
    assert len(seen) == 3


def test_without_a_folder_nothing_can_be_kept() -> None:
    store = TrustStore(None, FakeClock(), PINS)
    assert (store.authorities(), store.revision()) == ((), "")
    with pytest.raises(OSError, match="no folder"):
        store.add(PRODUCTION.root.certificate, source="x")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights")
def test_the_files_are_private(tmp_path: Path) -> None:
    folder = trust_in(tmp_path).store.folder
    assert folder is not None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
