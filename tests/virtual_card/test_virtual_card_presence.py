"""Where the card stands, with a real PC/SC service and a real middleware in between."""

import re

import pytest
from cryptography.hazmat.primitives.hashes import SHA256

from connector.domain.states import WaitingFor
from connector.identities.card.status import CardStatus, Presence
from tests.virtual_card.cards import UnknownCard
from tests.virtual_card.fixtures import StartRoom
from tests.virtual_card.holders import Holder
from tests.virtual_card.pcscd import Pcscd
from tests.virtual_card.piv import DEFAULT_PIN, PivCard
from tests.virtual_card.remote import CardProcess
from tests.virtual_card.waiting import wait_until

WRONG_PIN = "9999"
LOOKS = 3


def _state(status: CardStatus) -> tuple[Presence, str]:
    return status.presence, status.code


def _let_it_look(room: CardProcess) -> None:
    """Several looks of the card room, each as its own watch thread does them."""
    for _ in range(LOOKS):
        room.call("watch")


def _open(room: CardProcess, pcscd: Pcscd, card: PivCard) -> CardStatus:
    pcscd.slots[0].insert(card)
    room.wait_for(Presence.LOCKED)
    status = room.call("unlock", pin=DEFAULT_PIN)
    assert isinstance(status, CardStatus)
    assert status.presence is Presence.OPEN
    return status


# --- each situation has its own answer ---------------------------------------------------------------------------


def test_no_card_service(pcscd: Pcscd, start_room: StartRoom) -> None:
    pcscd.stop()
    assert _state(start_room().status()) == (Presence.NO_READER, "SERVICE_CARTES_ARRETE")


def test_no_reader(pcscd: Pcscd, start_room: StartRoom) -> None:
    pcscd.restart(reader=None)
    assert _state(start_room().status()) == (Presence.NO_READER, "LECTEUR_ABSENT")


def test_no_middleware(start_room: StartRoom) -> None:
    room = start_room(module="/nowhere/libcps3_pkcs11_lux.so")
    assert _state(room.status()) == (Presence.NO_MIDDLEWARE, "MODULE_ABSENT")


def test_a_reader_without_card(room: CardProcess) -> None:
    status = room.status()
    assert _state(status) == (Presence.NO_CARD, "CARTE_ABSENTE")
    assert status.readers == ("Lecteur virtuel 00 00", "Lecteur virtuel 00 01")


def test_an_unknown_card(pcscd: Pcscd, room: CardProcess) -> None:
    pcscd.slots[0].insert(UnknownCard())
    assert room.wait_for(Presence.UNKNOWN_CARD).code == "CARTE_INCONNUE"
    assert room.refusal("unlock", pin=DEFAULT_PIN).code == "CARTE_INCONNUE"


def test_a_card_shows_whose_it_is_before_any_pin(pcscd: Pcscd, room: CardProcess, card: PivCard) -> None:
    pcscd.slots[0].insert(card)
    status = room.wait_for(Presence.LOCKED)
    (token,) = status.tokens
    assert token.certificate is not None
    assert token.certificate.common_name == "899700012345"
    assert token.certificate.profession == "Médecin"
    assert token.reader == "Lecteur virtuel 00 00"
    assert token.can_pss
    assert status.code == ""
    assert card.pins_tried == 0


def test_the_authentication_certificate_is_taken_never_the_signature_one(
    pcscd: Pcscd, room: CardProcess, card: PivCard
) -> None:
    pcscd.slots[0].insert(card)
    (token,) = room.wait_for(Presence.LOCKED).tokens
    assert token.certificate is not None
    assert token.certificate.sha256 == card.authentication.certificate.fingerprint(SHA256()).hex()


def test_open_and_signing(pcscd: Pcscd, room: CardProcess, card: PivCard) -> None:
    _open(room, pcscd, card)
    assert room.call("test") == "CKM_RSA_PKCS_PSS"
    assert room.status().signatures == card.signatures == 1
    assert card.pins_tried == 1


def test_locking_forgets_the_pin(pcscd: Pcscd, room: CardProcess, card: PivCard) -> None:
    _open(room, pcscd, card)
    assert room.call("lock").presence is Presence.LOCKED
    assert room.refusal("test").code == "PIN"
    assert (card.pins_tried, card.signatures_asked) == (1, 0)


# --- PIN ---------------------------------------------------------------------------------------------------------


def test_a_wrong_pin_costs_exactly_one_try_and_is_never_sent_again(
    pcscd: Pcscd, room: CardProcess, card: PivCard
) -> None:
    pcscd.slots[0].insert(card)
    room.wait_for(Presence.LOCKED)
    assert room.refusal("unlock", pin=WRONG_PIN).code == "PIN_FAUX"
    _let_it_look(room)
    assert room.refusal("test").code == "PIN"
    assert (card.pins_tried, card.tries_left) == (1, 2)
    assert room.call("unlock", pin=DEFAULT_PIN).presence is Presence.OPEN
    assert (card.pins_tried, card.tries_left) == (2, 3)


@pytest.mark.parametrize("pin", ["", "123", "12345", "12a4"])
def test_a_pin_that_cannot_be_right_is_not_sent(pcscd: Pcscd, room: CardProcess, card: PivCard, pin: str) -> None:
    pcscd.slots[0].insert(card)
    room.wait_for(Presence.LOCKED)
    assert room.refusal("unlock", pin=pin).code == "PIN_FORMAT"
    assert (card.pins_tried, card.tries_left) == (0, 3)


def test_the_last_try_is_not_made_without_the_explicit_word(pcscd: Pcscd, room: CardProcess, holder: Holder) -> None:
    card = holder.card(tries_left=1)
    pcscd.slots[0].insert(card)
    assert room.wait_for(Presence.LAST_TRY).code == "PIN_DERNIER_ESSAI"
    assert room.refusal("unlock", pin=DEFAULT_PIN).code == "PIN_DERNIER_ESSAI"
    assert (card.pins_tried, card.tries_left) == (0, 1)
    assert room.call("unlock", pin=DEFAULT_PIN, accept_last_try=True).presence is Presence.OPEN
    assert (card.pins_tried, card.tries_left) == (1, 3)


def test_a_blocked_card_gets_no_pin(pcscd: Pcscd, room: CardProcess, holder: Holder) -> None:
    card = holder.card(tries_left=0)
    pcscd.slots[0].insert(card)
    assert room.wait_for(Presence.BLOCKED).code == "CARTE_BLOQUEE"
    error = room.refusal("unlock", pin=DEFAULT_PIN, accept_last_try=True)
    assert (error.code, error.waiting_for) == ("CARTE_BLOQUEE", WaitingFor.CARD)
    assert card.pins_tried == 0


def test_the_way_to_a_blocked_card(pcscd: Pcscd, room: CardProcess, card: PivCard) -> None:
    pcscd.slots[0].insert(card)
    room.wait_for(Presence.LOCKED)
    codes = [room.refusal("unlock", pin=WRONG_PIN, accept_last_try=n == 2).code for n in range(3)]
    assert codes == ["PIN_FAUX", "PIN_FAUX", "CARTE_BLOQUEE"]
    assert room.status().presence is Presence.BLOCKED
    assert (card.pins_tried, card.tries_left) == (3, 0)


def test_the_counter_is_read_anew_when_the_card_comes_back(pcscd: Pcscd, room: CardProcess, card: PivCard) -> None:
    pcscd.slots[0].insert(card)
    room.wait_for(Presence.LOCKED)
    room.refusal("unlock", pin=WRONG_PIN)
    pcscd.slots[0].pull()
    room.wait_for(Presence.NO_CARD)
    card.tries_left = 1  # in another program meanwhile
    pcscd.slots[0].insert(card)
    room.wait_for(Presence.LAST_TRY)
    assert card.pins_tried == 1


def test_no_log_holds_a_pin(pcscd: Pcscd, room: CardProcess, holder: Holder) -> None:
    pcscd.slots[0].insert(holder.card(pin="7391"))
    room.wait_for(Presence.LOCKED)
    room.refusal("unlock", pin="8462")
    room.call("unlock", pin="7391")
    room.call("test")
    written = room.log.read_text() + pcscd.log
    assert "state=open" in written
    assert not re.search(r"\b(7391|8462)\b", written)


# --- in and out --------------------------------------------------------------------------------------------------


def test_out_and_in_again(pcscd: Pcscd, room: CardProcess, card: PivCard) -> None:
    _open(room, pcscd, card)
    pcscd.slots[0].pull()
    assert room.wait_for(Presence.NO_CARD).code == "CARTE_ABSENTE"
    assert room.refusal("test").code == "CARTE_ABSENTE"
    pcscd.slots[0].insert(card)
    room.wait_for(Presence.LOCKED)
    assert room.refusal("test").code == "PIN"
    assert room.call("unlock", pin=DEFAULT_PIN).presence is Presence.OPEN
    room.call("test")
    assert (card.pins_tried, card.signatures) == (2, 1)


def test_out_and_in_before_anybody_looked(pcscd: Pcscd, room: CardProcess, card: PivCard) -> None:
    """What was opened does not outlive the card's absence, however short."""
    _open(room, pcscd, card)
    pcscd.slots[0].pull()
    pcscd.slots[0].insert(card)
    room.wait_for(Presence.LOCKED)
    assert card.pins_tried == 1


def test_into_the_other_reader(pcscd: Pcscd, room: CardProcess, card: PivCard) -> None:
    _open(room, pcscd, card)
    pcscd.slots[0].pull()
    pcscd.slots[1].insert(card)
    (token,) = room.wait_for(Presence.LOCKED).tokens
    assert token.reader == "Lecteur virtuel 00 01"
    room.call("unlock", pin=DEFAULT_PIN)
    assert room.call("test")


def test_another_practitioners_card(pcscd: Pcscd, room: CardProcess, card: PivCard, other_holder: Holder) -> None:
    opened = _open(room, pcscd, card)
    other = other_holder.card()
    pcscd.slots[0].pull()
    pcscd.slots[0].insert(other)
    room.wait_for(Presence.LOCKED)
    wait_until(lambda: room.status().tokens[0].serial != opened.tokens[0].serial, "the other card is seen")
    (token,) = room.status().tokens
    assert token.certificate is not None
    assert token.certificate.common_name == "899700067890"
    assert room.refusal("test").code == "PIN"
    assert other.pins_tried == 0


def test_two_cards_at_once(pcscd: Pcscd, room: CardProcess, card: PivCard, other_holder: Holder) -> None:
    other = other_holder.card(pin="4711")
    pcscd.slots[0].insert(card)
    pcscd.slots[1].insert(other)
    wait_until(lambda: len(room.status().tokens) == 2, "both cards are seen")
    assert room.refusal("unlock", pin=DEFAULT_PIN).code == "CARTES_MULTIPLES"
    by_reader = {token.reader: token.serial for token in room.status().tokens}
    room.call("unlock", pin="4711", serial=by_reader["Lecteur virtuel 00 01"])
    assert room.call("test", serial=by_reader["Lecteur virtuel 00 01"])
    assert (card.pins_tried, other.pins_tried) == (0, 1)
    assert (card.signatures, other.signatures) == (0, 1)


# --- the card service --------------------------------------------------------------------------------------------


def test_the_card_service_stops_and_comes_back(pcscd: Pcscd, room: CardProcess, card: PivCard) -> None:
    _open(room, pcscd, card)
    pcscd.stop()
    assert room.wait_for(Presence.NO_READER).code == "SERVICE_CARTES_ARRETE"
    pcscd.start()
    room.wait_for(Presence.LOCKED)
    assert room.call("unlock", pin=DEFAULT_PIN).presence is Presence.OPEN
    assert room.call("test")
    assert card.pins_tried == 2


def test_the_card_service_is_restarted_while_a_card_is_open(pcscd: Pcscd, room: CardProcess, card: PivCard) -> None:
    _open(room, pcscd, card)
    pcscd.restart()
    room.wait_for(Presence.LOCKED)
    room.call("unlock", pin=DEFAULT_PIN)
    assert room.call("test")
    assert (card.pins_tried, card.signatures) == (2, 1)


def test_the_reader_is_replaced(pcscd: Pcscd, room: CardProcess, card: PivCard) -> None:
    _open(room, pcscd, card)
    pcscd.restart("Autre lecteur")
    status = room.wait_for(Presence.LOCKED)
    assert status.readers == ("Autre lecteur 00 00", "Autre lecteur 00 01")
    assert status.tokens[0].reader == "Autre lecteur 00 00"
    room.call("unlock", pin=DEFAULT_PIN)
    assert room.call("test")


def test_the_reader_is_taken_away_and_another_comes(pcscd: Pcscd, room: CardProcess, card: PivCard) -> None:
    _open(room, pcscd, card)
    pcscd.restart(reader=None)
    assert room.wait_for(Presence.NO_READER).code == "LECTEUR_ABSENT"
    pcscd.restart("Autre lecteur")
    room.wait_for(Presence.LOCKED)


def test_a_process_that_started_before_the_card_service(pcscd: Pcscd, start_room: StartRoom, card: PivCard) -> None:
    pcscd.stop()
    room = start_room()
    pcscd.start()
    _open(room, pcscd, card)
    assert room.call("test")
