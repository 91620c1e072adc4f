"""The pins: production and TEST apart, the branch of servers apart from that of persons, folders on three systems."""

from pathlib import Path

import pytest

from connector.operators.trust.certificates import common_name, fingerprint, read_certificates
from connector.operators.trust.pins import PINS, Igc, Purpose, cryptolib_folders, server_pins
from tests.shared_data import sample_files


@pytest.mark.parametrize("igc", ["production", "test"])
def test_one_root_and_one_authority_make_servers_trusted(igc: Igc) -> None:
    root, organisations = server_pins(igc)
    assert (root.is_root, organisations.is_root) == (True, False)
    assert root.name.endswith("AC RACINE IGC-SANTE ELEMENTAIRE")
    assert organisations.name.endswith("AC IGC-SANTE ELEMENTAIRE ORGANISATIONS")
    assert all(pin.address and pin.list_address for pin in (root, organisations))


def test_production_and_test_are_two_worlds() -> None:
    for pin in PINS:
        assert (pin.igc == "test") == pin.name.startswith("TEST ")
        assert ("TEST" in pin.address + pin.list_address) == (pin.igc == "test" and bool(pin.address))
    assert len({pin.sha256 for pin in PINS}) == len(PINS)
    assert all(len(bytes.fromhex(pin.sha256)) == 32 and pin.sha256 == pin.sha256.lower() for pin in PINS)


def test_persons_never_make_a_server_trusted() -> None:
    serving = {pin.name for pin in PINS if pin.purpose is Purpose.SERVERS}
    assert len(serving) == 4
    assert not any("PERSONNES" in name or "STANDARD" in name or "FORT" in name for name in serving)


def test_cryptolib_is_looked_for_where_it_installs_itself() -> None:
    windows = cryptolib_folders("win32", {"ProgramData": "C:/ProgramData", "ProgramFiles": "C:/Program Files"})
    assert windows == [Path("C:/ProgramData/santesocial/CPS/Coffre"), Path("C:/Program Files/santesocial/CPS/Coffre")]
    assert cryptolib_folders("win32", {}) == []
    assert all(path.parts[1] == "Library" for path in cryptolib_folders("darwin", {}))
    assert cryptolib_folders("linux", {}) == [Path("/etc/opt/santesocial/CPS/Coffre")]


@pytest.mark.parametrize("path", sample_files("trust/*.pem"), ids=lambda path: path.stem)
def test_the_real_certificates_have_the_pinned_fingerprints(path: Path) -> None:
    (certificate,) = read_certificates(path.read_bytes())
    pin = next(pin for pin in PINS if pin.sha256 == fingerprint(certificate))
    assert pin.name == common_name(certificate.subject)
    assert pin.is_root == (certificate.issuer == certificate.subject)
    assert (pin.igc == "test") == path.stem.endswith("-TEST")
