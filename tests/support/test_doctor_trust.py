"""Authorities and revocation lists as they are on this machine."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from connector.operators.trust import Trust
from connector.operators.trust.certificates import fingerprint
from tests.servers.pki import Authority, Pki
from tests.support.doctor_scene import Practice

ADDRESS = "http://crl.test/orga.crl"


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    return Practice(tmp_path)


def trust(practice: Practice, *authorities: Authority, crl: bytes | None = None) -> Trust:
    """The accepted authorities, with a list of the last of them, fetched or not."""

    def fetch(_: str, __: int) -> bytes:
        assert crl is not None
        return crl

    made = Trust(practice.data / "trust", practice.clock, fetch)
    for authority in authorities:
        sha256 = fingerprint(authority.certificate)
        made.store.add(authority.certificate, source="test", accepted=[sha256])
    if authorities:
        made.lists.want(ADDRESS, authorities[-1].certificate)
        if crl is not None:
            made.lists.refresh(force=True)
    return made


def der(authority: Authority, next_update: timedelta = timedelta(days=7)) -> bytes:
    return authority.crl(next_update=next_update).public_bytes(Encoding.DER)


# --- authorities


def test_without_authorities_nothing_can_be_trusted(practice: Practice) -> None:
    (found,) = practice.looked("authorities")
    assert (found.code, found.subject) == ("TRUST_VIDE", "IGC-Santé production")


def test_accepted_authorities_are_told_with_their_age_and_what_is_missing(practice: Practice, pki: Pki) -> None:
    made = trust(practice, pki.root, pki.organisations)
    practice.clock.advance(by=timedelta(days=12))
    (found,) = practice.looked("authorities", trust=made)
    assert found.code == "AUTORITES_INCOMPLETES"  # those of the test are none of the pinned ones
    assert "AC IGC-SANTE ELEMENTAIRE ORGANISATIONS" in found.detail


def test_all_pinned_authorities_are_in_order(practice: Practice, pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    made = trust(practice, pki.root, pki.organisations)
    practice.clock.advance(by=timedelta(days=12))
    monkeypatch.setattr("connector.support.doctor.checks.trust.missing_authorities", lambda *_: [])
    (found,) = practice.looked("authorities", trust=made)
    assert (found.code, found.detail, found.detail_fr) == (
        "AUTORITES_OK", "here for 12 days", "ici depuis 12 jours",
    )  # fmt: skip


def test_authorities_near_or_past_their_end_are_named(practice: Practice, pki: Pki) -> None:
    made = trust(practice, pki.organisations)
    practice.clock.advance(by=pki.organisations.certificate.not_valid_after_utc - practice.clock.now())
    practice.clock.jump(-179 * 86400)
    found = practice.looked("authorities", trust=made)
    assert [one.code for one in found] == ["AUTORITES_INCOMPLETES", "AUTORITE_BIENTOT_EXPIREE"]
    assert found[1].subject == "TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS"
    practice.clock.jump(180 * 86400)
    assert practice.told("authorities", trust=made)[1] == "AUTORITE_EXPIREE"


def test_files_of_the_settings_stand_in_for_the_accepted_ones(practice: Practice, pki: Pki) -> None:
    pki.write_trust(practice.folder / "igc.pem")
    practice.operator["tls"]["trust"] = ["igc.pem"]
    found = practice.looked("authorities")
    assert [one.code for one in found] == ["AUTORITES_OK", "AUTORITE_HORS_IGC", "AUTORITE_HORS_IGC"]
    assert (found[0].subject, found[0].detail) == ("operators.op.tls.trust", "2")


@pytest.mark.parametrize("content", [b"DUPONT", None])
def test_a_file_that_cannot_be_read_is_named(practice: Practice, content: bytes | None) -> None:
    practice.operator["tls"]["trust"] = ["igc.pem"]
    if content is not None:
        (practice.folder / "igc.pem").write_bytes(content)
    (found,) = practice.looked("authorities")
    assert found.code == "TRUST_ILLISIBLE"
    assert found.detail in ("igc.pem: ValueError", "igc.pem: FileNotFoundError")


# --- lists


def test_no_list_at_all_is_an_error(practice: Practice) -> None:
    assert practice.told("revocation lists") == ["CRL_ABSENTE"]


def test_a_list_that_is_wanted_and_absent_is_named(practice: Practice, pki: Pki) -> None:
    (found,) = practice.looked("revocation lists", trust=trust(practice, pki.organisations))
    assert (found.code, found.subject) == ("CRL_ABSENTE", "TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS")
    assert found.detail == ADDRESS


def test_why_a_list_is_absent_is_told(practice: Practice, pki: Pki) -> None:
    (found,) = practice.looked("revocation lists", trust=trust(practice, pki.organisations, crl=b"<html>"))
    assert (found.code, found.detail) == ("CRL_ABSENTE", f"{ADDRESS} CRL_INVALIDE")


@pytest.mark.parametrize(
    ("grace", "after", "code"),
    [
        (0, timedelta(days=6), "CRL_OK"),
        (0, timedelta(days=7, minutes=1), "CRL_PERIMEE"),
        (4, timedelta(days=7, minutes=1), "CRL_EN_SURSIS"),
        (4, timedelta(days=7, hours=4, minutes=1), "CRL_PERIMEE"),
    ],
)
def test_a_list_is_judged_by_its_dates_and_the_grace(
    practice: Practice, pki: Pki, grace: int, after: timedelta, code: str
) -> None:
    practice.operator["tls"]["crl_grace_hours"] = grace
    made = trust(practice, pki.organisations, crl=der(pki.organisations))
    practice.clock.advance(by=after)
    (found,) = practice.looked("revocation lists", trust=made)
    assert found.code == code
    assert " h old, until 20" in found.detail
    assert "datée d'il y a" in found.detail_fr


def test_lists_given_by_hand_count_instead(practice: Practice, pki: Pki) -> None:
    (practice.folder / "orga.crl").write_bytes(der(pki.organisations))
    (practice.folder / "old.crl").write_bytes(der(pki.organisations, timedelta(hours=-1)))
    (practice.folder / "bad.crl").write_bytes(b"DUPONT")
    practice.operator["tls"]["crl"] = ["orga.crl", "old.crl", "bad.crl", "absent.crl"]
    found = practice.looked("revocation lists")
    assert [one.code for one in found] == ["CRL_OK", "CRL_PERIMEE", "TRUST_ILLISIBLE", "TRUST_ILLISIBLE"]
    assert found[0].subject == "operators.op.tls.crl, orga.crl"
    practice.operator["tls"]["revocation"] = "if_listed"
    assert practice.told("revocation lists")[0] == "CRL_OK"


def test_to_look_at_no_list_is_a_warning(practice: Practice) -> None:
    practice.operator["tls"]["revocation"] = "off"
    (found,) = practice.looked("revocation lists")
    assert (found.code, found.subject) == ("REVOCATION_IGNOREE", "operators.op.tls.revocation")


def test_only_operators_in_use_are_looked_at(practice: Practice) -> None:
    practice.values["operators"]["unused"] = {**practice.operator, "tls": {"igc": "test", "revocation": "off"}}
    assert [one.subject for one in practice.looked("authorities")] == ["IGC-Santé production"]
    assert practice.told("revocation lists") == ["CRL_ABSENTE"]


def test_the_clock_of_these_tests_is_about_now(practice: Practice) -> None:
    """The lists of the tests are dated by the real clock."""
    assert abs(practice.clock.now() - datetime.now(UTC)) < timedelta(hours=1)
