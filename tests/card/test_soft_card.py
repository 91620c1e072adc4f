"""A SoftHSM card as the demo and vendors use it: without any module of ours in front."""

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connector.identities.card.service import CardService
from connector.identities.card.status import Presence
from connector.sandbox import soft_card
from connector.sandbox.hierarchy import create_hierarchy
from connector.sandbox.person import DOCTOR
from connector.sandbox.soft_card import (
    AUTHENTICATION_LABEL,
    CardObject,
    SoftCardError,
    make_soft_card,
    practitioner_objects,
)
from connector.settings.model import CardSettings
from connector.testing.clock import FakeClock
from tests.card.rig import FakeReaders, code_of

NOW = datetime.now(UTC)
HIERARCHY = create_hierarchy(now=NOW)


def test_a_practitioners_card_opens_and_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = make_soft_card(tmp_path, practitioner_objects(HIERARCHY.persons, DOCTOR, now=NOW), pin="4321")
    monkeypatch.setenv("SOFTHSM2_CONF", card.environment["SOFTHSM2_CONF"])
    service = CardService(CardSettings(module=card.module), FakeClock(NOW), readers=FakeReaders())
    try:
        status = service.look()
        (token,) = status.tokens
        assert token.certificate is not None
        assert (token.label, token.certificate.holder) == ("CPS", DOCTOR.national_id)
        assert token.certificate.label == AUTHENTICATION_LABEL
        assert len(status.readers) == 1  # SoftHSM's spare slot is no reader
        assert code_of(lambda: service.unlock("1234")) == "PIN_FAUX"
        assert service.unlock("4321").presence is Presence.OPEN
        assert service.test() == "CKM_RSA_PKCS_PSS"
    finally:
        service.close()


def test_a_folder_without_a_token_is_a_reader_without_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    module = soft_card.softhsm_module()
    service = CardService(CardSettings(module=module), FakeClock(NOW), readers=FakeReaders())
    try:
        assert (service.look().presence, len(service.status().readers)) == (Presence.NO_CARD, 1)
    finally:
        service.close()


def test_the_folder_is_readable_by_its_owner_only_and_holds_no_key_in_clear(tmp_path: Path) -> None:
    folder = tmp_path / "card"
    objects = practitioner_objects(HIERARCHY.persons, DOCTOR, now=NOW)
    make_soft_card(folder, objects)
    assert (folder / "tokens").stat().st_mode & 0o077 == 0
    key = objects[0].key
    assert key is not None
    secret = key.private_numbers().p.to_bytes(128, "big")  # type: ignore[union-attr]
    assert not any(secret in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_without_softhsm_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SoftCardError, match="softhsm2-util"):
        make_soft_card(tmp_path, ())
    monkeypatch.setattr(soft_card, "_PLACES", ())
    with pytest.raises(SoftCardError, match="apt install softhsm2"):
        make_soft_card(tmp_path, ())


def test_what_softhsm_says_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(command: list[str], **_: object) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.CompletedProcess(command, 1, b"", b"no room on the token")

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(SoftCardError, match="no room on the token"):
        make_soft_card(tmp_path, (CardObject(HIERARCHY.persons.certificate),))
