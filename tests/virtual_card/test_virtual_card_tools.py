"""OpenSC's own tools take the emulated card for a card."""

import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.virtual_card.cards import UnknownCard
from tests.virtual_card.fixtures import OPENSC_MODULE
from tests.virtual_card.holders import Holder
from tests.virtual_card.pcscd import Pcscd
from tests.virtual_card.piv import PivCard
from tests.virtual_card.waiting import wait_until

READER = "Lecteur virtuel 00 00"
MESSAGE = b"Bonjour"
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)


def _tool(pcscd: Pcscd, *command: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | pcscd.environment | {"LC_ALL": "C.UTF-8"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def _pkcs11(pcscd: Pcscd, *options: str) -> "subprocess.CompletedProcess[str]":
    return _tool(pcscd, "pkcs11-tool", "--module", str(OPENSC_MODULE), *options)


def _readers(pcscd: Pcscd) -> str:
    return _tool(pcscd, "opensc-tool", "--list-readers").stdout


def _insert(pcscd: Pcscd, card: PivCard | UnknownCard) -> None:
    pcscd.slots[0].insert(card)
    wait_until(lambda: "Yes" in _readers(pcscd), "the card is seen")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data"
    path.write_bytes(MESSAGE)
    return path


def _sign(pcscd: Pcscd, data: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    output = data.with_name("signature")
    return _pkcs11(
        pcscd, "--sign", "--login", "--pin", "1234", "--input-file", str(data), "--output-file", str(output), *options
    )


def test_a_reader_without_card_and_with_one(pcscd: Pcscd, card: PivCard) -> None:
    assert READER in _readers(pcscd)
    assert "Yes" not in _readers(pcscd)
    _insert(pcscd, card)
    assert "Personal Identity Verification Card" in _tool(pcscd, "opensc-tool", "--name").stdout
    pcscd.slots[0].pull()
    wait_until(lambda: "Yes" not in _readers(pcscd), "the removal is seen")


def test_both_certificates_are_on_the_card(pcscd: Pcscd, card: PivCard) -> None:
    _insert(pcscd, card)
    objects = _pkcs11(pcscd, "--list-objects", "--type", "cert").stdout
    for issued, identifier in ((card.authentication, "01"), (card.signature, "02")):
        assert f"{issued.certificate.serial_number:X}" in objects
        assert f"ID:         {identifier}" in objects


def test_only_the_signature_key_wants_the_pin_each_time(pcscd: Pcscd, card: PivCard) -> None:
    _insert(pcscd, card)
    keys = _pkcs11(pcscd, "--list-objects", "--type", "privkey", "--login", "--pin", "1234").stdout
    authentication, signature = keys.split("SIGN key")
    assert "always authenticate" not in authentication
    assert "always authenticate" in signature


def test_the_authentication_key_signs_after_the_pin(pcscd: Pcscd, card: PivCard, data: Path) -> None:
    _insert(pcscd, card)
    assert _sign(pcscd, data, "--id", "01", "--mechanism", "SHA256-RSA-PKCS").returncode == 0
    public = card.authentication.key.public_key()
    public.verify(data.with_name("signature").read_bytes(), MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    assert (card.pins_tried, card.signatures_asked, card.signatures) == (1, 1, 1)


def test_pss_too(pcscd: Pcscd, card: PivCard, data: Path) -> None:
    _insert(pcscd, card)
    options = ("--mechanism", "SHA256-RSA-PKCS-PSS", "--mgf", "MGF1-SHA256", "--salt-len", "32")
    assert _sign(pcscd, data, "--id", "01", *options).returncode == 0
    public = card.authentication.key.public_key()
    public.verify(data.with_name("signature").read_bytes(), MESSAGE, PSS, hashes.SHA256())


def test_a_wrong_pin_costs_one_try_and_a_right_one_gives_them_back(pcscd: Pcscd, card: PivCard) -> None:
    _insert(pcscd, card)
    refused = _pkcs11(pcscd, "--login", "--pin", "9999", "--list-objects")
    assert "CKR_PIN_INCORRECT" in refused.stderr
    assert (card.pins_tried, card.tries_left) == (1, 2)
    assert _pkcs11(pcscd, "--login", "--pin", "1234", "--list-objects").returncode == 0
    assert (card.pins_tried, card.tries_left) == (2, 3)


@pytest.mark.parametrize(("tries_left", "flag"), [(1, "final user PIN try"), (0, "user PIN locked")])
def test_the_counter_shows(pcscd: Pcscd, holder: Holder, tries_left: int, flag: str) -> None:
    card = holder.card(tries_left=tries_left)
    _insert(pcscd, card)
    assert flag in _pkcs11(pcscd, "--list-token-slots").stdout
    assert card.pins_tried == 0


def test_the_counter_survives_removal(pcscd: Pcscd, card: PivCard) -> None:
    _insert(pcscd, card)
    _pkcs11(pcscd, "--login", "--pin", "9999", "--list-objects")
    pcscd.slots[0].pull()
    wait_until(lambda: "Yes" not in _readers(pcscd), "the removal is seen")
    _insert(pcscd, card)
    _pkcs11(pcscd, "--login", "--pin", "9999", "--list-objects")
    assert card.tries_left == 1


def test_a_card_that_nobody_knows(pcscd: Pcscd) -> None:
    card = UnknownCard()
    _insert(pcscd, card)
    assert "token not recognized" in _pkcs11(pcscd, "--list-slots").stdout
    assert card.commands > 0


def test_two_cards_in_two_slots(pcscd: Pcscd, card: PivCard, other_holder: Holder) -> None:
    _insert(pcscd, card)
    pcscd.slots[1].insert(other_holder.card())
    wait_until(lambda: _readers(pcscd).count("Yes") == 2, "both cards are seen")
    slots = _pkcs11(pcscd, "--list-slots").stdout
    assert "899700012345" in slots
    assert "899700067890" in slots


def test_pcscd_starts_again_with_the_card_in_its_reader(pcscd: Pcscd, card: PivCard) -> None:
    _insert(pcscd, card)
    pcscd.stop()
    assert READER not in _readers(pcscd)
    pcscd.start("Autre lecteur")
    wait_until(lambda: "Yes             Autre lecteur 00 00" in _readers(pcscd), "the card is seen again")


def test_no_reader_then_one(pcscd: Pcscd, card: PivCard) -> None:
    pcscd.restart(reader=None)
    pcscd.slots[0].insert(card)
    assert "No smart card readers found" in _readers(pcscd)
    pcscd.restart()
    wait_until(lambda: "Yes" in _readers(pcscd), "reader and card are seen")
