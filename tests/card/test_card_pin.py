"""The PIN reaches the card once per entry, or not at all, and is found nowhere afterwards."""

import gc
import traceback
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import NeedsPerson, Unavailable
from connector.domain.states import WaitingFor
from connector.identities.card.held import HeldCard
from connector.identities.card.pin import Pin
from connector.identities.card.reader import Reader
from connector.identities.card.status import Presence
from connector.settings.model import CardChoice
from tests.card.rig import PIN, CardRig, code_of

_LOGINS = ("Login pin", "Login pad")


def test_a_right_pin_opens_the_card_with_one_login(rig: CardRig) -> None:
    status = rig.service().unlock(PIN)
    assert status.presence is Presence.OPEN
    assert rig.count(*_LOGINS) == 1


def test_nothing_is_sent_to_a_card_that_is_open(rig: CardRig) -> None:
    service = rig.open()
    assert service.unlock("0000").presence is Presence.OPEN
    assert rig.count(*_LOGINS) == 1


@pytest.mark.parametrize("pin", ["", "123", "12345", "12a4", "１２３４", " 1234", "1234\n"])
def test_what_is_not_four_digits_is_not_sent(rig: CardRig, pin: str) -> None:
    service = rig.service()
    assert code_of(lambda: service.unlock(pin)) == "PIN_FORMAT"
    assert rig.count(*_LOGINS) == 0


def test_a_wrong_pin_costs_one_try_and_is_forgotten(rig: CardRig) -> None:
    service = rig.service()
    with pytest.raises(NeedsPerson) as refusal:
        service.unlock("0000")
    assert (refusal.value.code, getattr(refusal.value, "waiting_for", None)) == ("PIN_FAUX", WaitingFor.PIN)
    for _ in range(3):
        service.look()
    (token,) = service.status().tokens
    assert (token.presence, token.tries_left_low) == (Presence.LOCKED, True)
    assert (rig.count("Wrong PIN"), rig.count(*_LOGINS)) == (1, 1)


def test_a_right_pin_after_a_wrong_one_gives_all_tries_back(rig: CardRig) -> None:
    service = rig.service()
    assert code_of(lambda: service.unlock("0000")) == "PIN_FAUX"
    (token,) = service.unlock(PIN).tokens
    assert (token.presence, token.tries_left_low) == (Presence.OPEN, False)


def test_the_last_try_needs_the_persons_word(rig: CardRig) -> None:
    service = rig.service()
    for pin in ("0000", "1111"):
        assert code_of(lambda pin=pin: service.unlock(pin)) == "PIN_FAUX"  # type: ignore[misc]
    assert service.status().presence is Presence.LAST_TRY
    assert service.status().code == "PIN_DERNIER_ESSAI"
    assert code_of(lambda: service.unlock(PIN)) == "PIN_DERNIER_ESSAI"
    assert code_of(lambda: service.key(CardChoice())) == "PIN_DERNIER_ESSAI"
    assert rig.count(*_LOGINS) == 2
    assert service.unlock(PIN, accept_last_try=True).presence is Presence.OPEN
    assert rig.count(*_LOGINS) == 3


def test_a_blocked_card_is_reported_and_never_asked_again(rig: CardRig) -> None:
    service = rig.service()
    for pin in ("0000", "1111"):
        assert code_of(lambda pin=pin: service.unlock(pin)) == "PIN_FAUX"  # type: ignore[misc]
    with pytest.raises(NeedsPerson) as refusal:
        service.unlock("2222", accept_last_try=True)
    assert (refusal.value.code, getattr(refusal.value, "waiting_for", None)) == ("CARTE_BLOQUEE", WaitingFor.CARD)
    assert (service.status().presence, service.status().code) == (Presence.BLOCKED, "CARTE_BLOQUEE")
    assert code_of(lambda: service.unlock(PIN, accept_last_try=True)) == "CARTE_BLOQUEE"
    assert code_of(lambda: service.key(CardChoice())) == "CARTE_BLOQUEE"
    assert rig.count(*_LOGINS) == 3


def test_tries_used_by_another_program_are_seen_before_the_pin_is_sent(rig: CardRig) -> None:
    service = rig.service()
    (token,) = service.look().tokens
    assert not token.tries_left_low
    (slot,) = {int(reader.rpartition(" ")[2], 16) for reader in service.status().readers}
    (rig.folder / f"wrong-{slot}").write_text("2")
    assert code_of(lambda: service.unlock(PIN)) == "PIN_DERNIER_ESSAI"
    assert rig.count(*_LOGINS) == 0


def test_a_card_that_goes_right_before_the_pin_is_sent(rig: CardRig, monkeypatch: pytest.MonkeyPatch) -> None:
    service = rig.service()
    (slot,) = service.look().readers
    rig.readers.show(Reader(slot, card=True))
    service.look()
    counted = HeldCard.ask_token

    def gone(held: HeldCard) -> Any:
        rig.control("token=e0")
        return counted(held)

    monkeypatch.setattr(HeldCard, "ask_token", gone)
    assert code_of(lambda: service.unlock(PIN)) == "CARTE_ABSENTE"
    assert rig.count(*_LOGINS) == 0


def test_a_failed_login_leaves_no_session_behind(rig: CardRig) -> None:
    service = rig.service()
    for _ in range(2):
        assert code_of(lambda: service.unlock("0000")) == "PIN_FAUX"
    assert rig.count("Initialize NULL") == 3  # a session that python-pkcs11 has lost is closed that way only


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("a1", "PIN_FAUX"),  # CKR_PIN_INVALID
        ("a2", "PIN_FAUX"),  # CKR_PIN_LEN_RANGE
        ("a3", "PIN_NON_INITIALISE"),  # CKR_PIN_EXPIRED
        ("a4", "CARTE_BLOQUEE"),  # CKR_PIN_LOCKED
        ("102", "PIN_NON_INITIALISE"),  # CKR_USER_PIN_NOT_INITIALIZED
        ("50", "PIN_ABANDONNE"),  # CKR_FUNCTION_CANCELED
        ("32", "CARTE_ABSENTE"),  # CKR_DEVICE_REMOVED
        ("e0", "CARTE_ABSENTE"),  # CKR_TOKEN_NOT_PRESENT
        ("5", "CARTE_DEFAILLANTE"),  # CKR_GENERAL_ERROR
        ("100", "CARTE_DEFAILLANTE"),  # CKR_USER_ALREADY_LOGGED_IN
        ("80000001", "CARTE_DEFAILLANTE"),  # a vendor's own
    ],
)
def test_each_refusal_of_the_login_has_its_code_and_is_not_repeated(rig: CardRig, answer: str, code: str) -> None:
    service = rig.service()
    rig.control(f"login={answer}")
    assert code_of(lambda: service.unlock(PIN)) == code
    assert rig.count(*_LOGINS) == 1
    rig.control()
    assert service.unlock(PIN).presence is Presence.OPEN  # a new entry, and nothing is broken


def test_a_vendors_code_is_told(rig: CardRig) -> None:
    service = rig.service()
    rig.control("login=80000001")
    with pytest.raises(Unavailable, match="0x80000001"):
        service.unlock(PIN)


# --- pad -----------------------------------------------------------------------------------------------------------


def test_a_reader_with_a_pad_takes_the_pin_itself(rig: CardRig) -> None:
    rig.control("pad")
    service = rig.service()
    (token,) = service.look().tokens
    assert token.pin_pad
    assert service.unlock(None).presence is Presence.OPEN
    assert rig.count("Login pad") == 1


def test_a_pin_typed_here_is_not_sent_to_a_reader_with_a_pad(rig: CardRig) -> None:
    rig.control("pad")
    service = rig.service()
    assert code_of(lambda: service.unlock(PIN)) == "PIN_AU_LECTEUR"
    assert rig.count(*_LOGINS) == 0


def test_a_reader_without_pad_is_not_asked_for_one(rig: CardRig) -> None:
    service = rig.service()
    assert code_of(lambda: service.unlock(None)) == "PIN"
    assert rig.count(*_LOGINS) == 0


def test_a_person_who_gives_up_at_the_pad(rig: CardRig) -> None:
    rig.control("pad=50")
    service = rig.service()
    assert code_of(lambda: service.unlock(None)) == "PIN_ABANDONNE"
    assert rig.count("Login pad") == 1


# --- what remains --------------------------------------------------------------------------------------------------


def test_a_pin_shows_itself_nowhere_and_can_be_wiped() -> None:
    pin = Pin("4711")
    assert "4711" not in f"{pin} {pin!r}"
    assert bytes(pin.encode()) == b"4711"
    pin.wipe()
    assert bytes(pin.encode()) == bytes(4)


@pytest.mark.parametrize(("pin", "words"), [("4711", ()), ("471", ()), ("4711", ("login=5",)), ("4711", ("pad",))])
def test_no_frame_that_an_error_keeps_holds_the_pin(rig: CardRig, pin: str, words: tuple[str, ...]) -> None:
    rig.control(*words)
    service = rig.service()
    error = _refused(service.unlock, [pin])
    held = [value for frame, _ in traceback.walk_tb(error.__traceback__) for value in frame.f_locals.values()]
    assert pin not in held
    assert bytes(pin, "ascii") not in [bytes(value) for value in held if isinstance(value, bytes | bytearray)]
    assert not any(any(getattr(one, "_digits", b"")) for one in held if isinstance(one, Pin))
    chain: BaseException | None = error
    while chain is not None:
        assert pin not in f"{chain} {chain!r}"
        chain = chain.__cause__ or chain.__context__


def _refused(unlock: object, pins: list[str]) -> BaseException:
    try:
        unlock(pins.pop())  # type: ignore[operator]
    except NeedsPerson as error:
        return error
    except Unavailable as error:
        return error
    raise AssertionError("it was not refused")


def test_no_object_of_the_service_holds_the_pin(rig: CardRig) -> None:
    service = rig.service()
    service.unlock(str(int("1233") + 1))  # made here, so that no constant of this file is the same object
    gc.collect()
    assert not any(any(getattr(one, "_digits", b"")) for one in gc.get_objects() if isinstance(one, Pin))
    assert service.status().presence is Presence.OPEN


def test_nothing_that_is_written_holds_the_pin(rig: CardRig, capfd: pytest.CaptureFixture[str]) -> None:
    service = rig.service()
    assert code_of(lambda: service.unlock("4711")) == "PIN_FAUX"
    told = capfd.readouterr()
    assert "4711" not in told.out + told.err + repr(service.status()) + repr(vars(service))
    assert "4711" not in _written(rig.folder)


def _written(folder: Path) -> str:
    names = ("log", "control")
    return "".join((folder / name).read_text() for name in names)
