"""Certificates in files: dates at each threshold, key and password, issuers, purpose."""

from datetime import timedelta
from pathlib import Path

import pytest

from connector.support.doctor import Severity
from connector.support.doctor.expiry import expiry
from connector.testing.clock import EPOCH
from tests.servers.pki import Issued, Pki
from tests.support.doctor_scene import BOX, Practice


@pytest.fixture
def practice(tmp_path: Path, pki: Pki) -> Practice:
    pki.client(str(BOX)).write(tmp_path / "alix.pem")
    return Practice(tmp_path)


@pytest.mark.parametrize(
    ("days", "code", "severity"),
    [
        (91, "CERTIFICAT_OK", Severity.OK),
        (90, "CERTIFICAT_A_RENOUVELER", Severity.WARNING),
        (60, "CERTIFICAT_A_RENOUVELER", Severity.WARNING),
        (31, "CERTIFICAT_A_RENOUVELER", Severity.WARNING),
        (30, "CERTIFICAT_BIENTOT_EXPIRE", Severity.WARNING),
        (8, "CERTIFICAT_BIENTOT_EXPIRE", Severity.WARNING),
        (7, "CERTIFICAT_DERNIERS_JOURS", Severity.ERROR),
        (1, "CERTIFICAT_DERNIERS_JOURS", Severity.ERROR),
        (0, "CERTIFICAT_EXPIRE", Severity.ERROR),
        (-1, "CERTIFICAT_EXPIRE", Severity.ERROR),
    ],
)
def test_each_threshold_has_its_weight(days: int, code: str, severity: Severity) -> None:
    found = expiry("x", EPOCH - timedelta(days=1), EPOCH + timedelta(days=days), EPOCH)
    assert (found.code, found.severity) == (code, severity)
    if days > 0:
        assert found.detail.startswith(f"{days} days left, until 20")
        assert found.detail_fr.startswith(f"encore {days} jours")


def test_a_certificate_of_tomorrow_is_not_valid_yet() -> None:
    assert expiry("x", EPOCH + timedelta(days=1), EPOCH + timedelta(days=700), EPOCH).code == "CERTIFICAT_FUTUR"


def test_a_certificate_in_order_is_one_line(practice: Practice) -> None:
    (found,) = practice.looked("certificates")
    assert (found.code, found.subject) == ("CERTIFICAT_OK", "dr-modele, alix.pem")


def test_the_clock_of_the_doctor_decides(practice: Practice) -> None:
    practice.clock.advance(by=timedelta(days=640))
    assert practice.told("certificates") == ["CERTIFICAT_A_RENOUVELER"]
    practice.clock.advance(by=timedelta(days=60))
    assert practice.told("certificates") == ["CERTIFICAT_EXPIRE"]


def give(practice: Practice, issued: Issued, *, chain: bool = True) -> None:
    pem = issued.chain_pem if chain else issued.chain_pem.partition(b"-----END CERTIFICATE-----\n")[0]
    end = b"" if chain else b"-----END CERTIFICATE-----\n"
    (practice.folder / "alix.pem").write_bytes(issued.key_pem + pem + end)


def test_a_key_of_another_certificate_is_an_error(practice: Practice, pki: Pki) -> None:
    ours, other = pki.client(str(BOX)), pki.client("autre@exemple.mssante.fr")
    (practice.folder / "alix.pem").write_bytes(other.key_pem + ours.chain_pem)
    (found,) = practice.looked("certificates")
    assert (found.code, found.detail) == ("CERTIFICAT_INVALIDE", "the private key does not belong to the certificate")


def test_a_certificate_without_its_issuer_is_a_warning(practice: Practice, pki: Pki) -> None:
    give(practice, pki.client(str(BOX)), chain=False)
    assert practice.told("certificates") == ["CERTIFICAT_OK", "CERTIFICAT_SANS_CHAINE"]


def test_a_certificate_of_a_server_is_of_no_use(practice: Practice, pki: Pki) -> None:
    give(practice, pki.server)
    assert practice.told("certificates") == ["CERTIFICAT_OK", "CERTIFICAT_USAGE"]


def test_a_p12_needs_its_password(practice: Practice, pki: Pki) -> None:
    (practice.folder / "alix.p12").write_bytes(pki.client(str(BOX)).p12("right"))
    secret = practice.folder / "secret.txt"
    secret.touch(mode=0o600)
    practice.mailbox["identity"] = {"certificate": "alix.p12", "certificate_password": {"file": "secret.txt"}}
    assert practice.told("certificates") == ["SECRET_ABSENT"]
    secret.write_text("wrong")
    assert practice.told("certificates") == ["CERTIFICAT_MOT_DE_PASSE"]
    secret.write_text("right")
    assert practice.told("certificates") == ["CERTIFICAT_OK"]


@pytest.mark.parametrize("auth", ["external", "none", "xoauth2"])
def test_what_follows_the_handshake_does_not_matter_here(practice: Practice, auth: str) -> None:
    practice.mailbox["identity"]["auth"] = auth
    assert practice.told("certificates") == ["CERTIFICAT_OK"]


def test_a_mailbox_without_certificate_is_not_looked_at(practice: Practice) -> None:
    practice.mailbox["identity"] = {"auth": "xoauth2"}
    assert practice.told("certificates") == []


def test_a_file_that_is_no_certificate_is_an_error(practice: Practice) -> None:
    (practice.folder / "alix.pem").write_text("DUPONT")
    (found,) = practice.looked("certificates")
    assert found.code == "CERTIFICAT_INVALIDE"
    assert "DUPONT" not in found.detail
