"""Encryption of one value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.errors import ConfigurationError
from connector.journal.failure import PayloadCorrupt
from connector.journal.vault import Vault
from tests.journal.journal_builders import KEY


@given(data=st.binary(max_size=2000), payload_id=st.text(max_size=30))
def test_what_was_encrypted_comes_back(data: bytes, payload_id: str) -> None:
    vault = Vault(KEY)
    assert vault.decrypt(payload_id, vault.encrypt(payload_id, data)) == data


def test_the_same_bytes_never_look_the_same_twice() -> None:
    vault = Vault(KEY)
    assert vault.encrypt("a", b"same") != vault.encrypt("a", b"same")


@given(position=st.integers(0, 12 + 4 + 16 - 1), bit=st.integers(0, 7))
def test_every_changed_bit_is_found(position: int, bit: int) -> None:
    vault = Vault(KEY)
    stored = bytearray(vault.encrypt("a", b"four"))
    stored[position] ^= 1 << bit
    with pytest.raises(PayloadCorrupt):
        vault.decrypt("a", bytes(stored))


def test_bytes_moved_to_another_row_do_not_decrypt() -> None:
    vault = Vault(KEY)
    with pytest.raises(PayloadCorrupt):
        vault.decrypt("b", vault.encrypt("a", b"data"))


def test_another_key_does_not_decrypt() -> None:
    with pytest.raises(PayloadCorrupt) as caught:
        Vault(b"x" * 32).decrypt("a", Vault(KEY).encrypt("a", b"data"))
    assert caught.value.code == "PAYLOAD_ALTERE"


@pytest.mark.parametrize("size", [0, 11, 27])
def test_a_cut_off_value_is_corrupt_and_not_a_crash(size: int) -> None:
    with pytest.raises(PayloadCorrupt):
        Vault(KEY).decrypt("a", b"\0" * size)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Vault(b"k" * size)
    assert caught.value.code == "CLE_INVALIDE"
