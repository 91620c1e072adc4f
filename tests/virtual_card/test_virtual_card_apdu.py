"""The emulated cards answer as ISO 7816-4 and NIST SP 800-73-4 say."""

import pytest

from tests.servers.pki import Issued
from tests.virtual_card.apdu import Command, tlv, tlv_items
from tests.virtual_card.cards import UnknownCard, make_atr
from tests.virtual_card.piv import PivCard

SELECT = bytes.fromhex("00A4040009A00000030800001000")
PIN, WRONG_PIN = b"1234\xff\xff\xff\xff", b"9999\xff\xff\xff\xff"


def _verify(card: PivCard, pin: bytes = b"") -> str:
    return _answer(card, b"\x00\x20\x00\x80" + (bytes([len(pin)]) + pin if pin else b"")).hex()


def _answer(card: PivCard, command: bytes) -> bytes:
    response = card.transmit(command)
    assert response is not None
    return response


def _template(block: bytes) -> bytes:
    return tlv(0x7C, tlv(0x82, b"") + tlv(0x81, block))


def _padded(issued: Issued) -> bytes:
    return b"\x00\x01" + b"\xff" * (issued.key.key_size // 8 - 35) + b"\x00" + b"d" * 32


def _sign(card: PivCard, slot: int, issued: Issued) -> str:
    """Status word of a signature that is asked for with two chained commands."""
    data = _template(_padded(issued))
    first, rest = data[:255], data[255:]
    head = bytes([0x87, 0x07, slot])
    assert _answer(card, b"\x10" + head + bytes([len(first)]) + first) == b"\x90\x00"
    return _answer(card, b"\x00" + head + bytes([len(rest)]) + rest + b"\x00")[-2:].hex()


@pytest.mark.parametrize(
    ("raw", "data", "expected"),
    [
        ("00CB3FFF", "", 0),
        ("00CB3FFF00", "", 256),
        ("00CB3FFF10", "", 16),
        ("00CB3FFF035C017E", "5c017e", 0),
        ("00CB3FFF035C017E00", "5c017e", 256),
        ("00CB3FFF000100", "", 256),
        ("00CB3FFF000000", "", 65536),
        ("00CB3FFF0000035C017E", "5c017e", 0),
        ("00CB3FFF0000035C017E0200", "5c017e", 512),
    ],
)
def test_all_forms_of_a_command(raw: str, data: str, expected: int) -> None:
    command = Command.parse(bytes.fromhex(raw))
    assert (command.ins, command.data.hex(), command.expected) == (0xCB, data, expected)


@pytest.mark.parametrize("raw", ["00CB3F", "00CB3FFF055C017E", "00CB3FFF035C017E0000"])
def test_lengths_that_do_not_fit(card: PivCard, raw: str) -> None:
    assert _answer(card, bytes.fromhex(raw)) == b"\x67\x00"


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 70000])
def test_data_objects_of_any_length(size: int) -> None:
    assert list(tlv_items(tlv(0x53, b"x" * size) + tlv(0x5C, b""))) == [(0x53, b"x" * size), (0x5C, b"")]


@pytest.mark.parametrize("data", ["53", "5302AA", "538201"])
def test_data_objects_that_are_cut_off(data: str) -> None:
    with pytest.raises(ValueError, match="data object"):
        list(tlv_items(bytes.fromhex(data)))


def test_the_answer_to_reset_checks() -> None:
    check = 0
    for byte in make_atr(b"TEST")[1:]:
        check ^= byte
    assert check == 0


def test_it_answers_to_the_name_of_piv(card: PivCard) -> None:
    assert _answer(card, SELECT)[-2:] == b"\x90\x00"
    assert _answer(card, bytes.fromhex("00A4040005A000000167")) == b"\x6a\x82"


def test_long_objects_come_in_pieces(card: PivCard) -> None:
    response = _answer(card, bytes.fromhex("00CB3FFF055C035FC10500"))
    content, pieces = response[:-2], 1
    while response[-2] == 0x61:
        response = _answer(card, bytes.fromhex("00C00000") + response[-1:])
        content, pieces = content + response[:-2], pieces + 1
    assert pieces > 2
    assert response[-2:] == b"\x90\x00"
    assert content == _answer(card, bytes.fromhex("00CB3FFF0000055C035FC1050000"))[:-2]


def test_what_is_not_there(card: PivCard) -> None:
    assert _answer(card, bytes.fromhex("00CB3FFF055C035FC10B00")) == b"\x6a\x82"
    assert _answer(card, bytes.fromhex("00DA000000")) == b"\x6d\x00"


def test_the_pin_counter(card: PivCard) -> None:
    assert _verify(card) == "63c3"
    assert _verify(card, WRONG_PIN) == "63c2"
    assert _verify(card) == "63c2"
    assert _verify(card, PIN) == "9000"
    assert _verify(card) == "9000"
    card.power_on()
    assert _verify(card) == "63c3"
    assert [_verify(card, WRONG_PIN) for _ in range(3)] == ["63c2", "63c1", "6983"]
    assert _verify(card, PIN) == "6983"
    assert (card.pins_tried, card.tries_left) == (6, 0)


def test_the_authentication_key_signs_until_the_reset(card: PivCard) -> None:
    assert _sign(card, 0x9A, card.authentication) == "6982"
    _verify(card, PIN)
    assert [_sign(card, 0x9A, card.authentication) for _ in range(2)] == ["6108", "6108"]
    card.power_on()
    assert _sign(card, 0x9A, card.authentication) == "6982"
    assert (card.signatures_asked, card.signatures) == (2, 2)


def test_the_signature_key_signs_right_after_the_pin_only(card: PivCard) -> None:
    _verify(card, PIN)
    data = _template(_padded(card.signature))
    command = bytes([0x00, 0x87, 0x07, 0x9C, 0x00]) + len(data).to_bytes(2, "big") + data + b"\x00\x00"
    assert _answer(card, command)[-2:] == b"\x90\x00"
    assert _answer(card, command)[-2:] == b"\x69\x82"


def test_power_that_goes_away_takes_the_signature_with_it(card: PivCard) -> None:
    _verify(card, PIN)
    data = _template(_padded(card.authentication))
    command = bytes([0x00, 0x87, 0x07, 0x9A, 0x00]) + len(data).to_bytes(2, "big") + data + b"\x00\x00"
    card.power_off()
    assert card.transmit(command) is None
    assert (card.signatures_asked, card.signatures) == (1, 0)


def test_an_unknown_card_knows_nothing() -> None:
    card = UnknownCard()
    assert card.transmit(SELECT) == b"\x6d\x00"
    assert card.commands == 1
