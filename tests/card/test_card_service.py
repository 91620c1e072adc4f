"""Cards that come and go: what is seen, what is lost, what goes on."""

import os
import queue
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from connector.domain.errors import NeedsPerson, Unavailable
from connector.domain.states import WaitingFor
from connector.identities.base import IdentityUnavailable
from connector.identities.card.reader import Reader, Service
from connector.identities.card.service import CardService
from connector.identities.card.status import CardPort, CardStatus, Presence
from connector.identities.tls_key import Padding
from connector.settings.model import CardChoice
from tests.card.rig import HOLDER, OTHER_HOLDER, PIN, CardRig, Deck, code_of

ANY = CardChoice()
PATIENCE = 20.0


def signed(service: CardService, choice: CardChoice = ANY) -> bytes:
    """One signature, as a handshake asks for it."""
    key = service.key(choice)
    padding = Padding.PSS if key.can_pss else Padding.PKCS1V15
    return key.signer.sign(bytes(32), hash="sha256", padding=padding, salt_length=32 if key.can_pss else None)


def test_it_is_what_the_rest_of_the_connector_expects(rig: CardRig) -> None:
    port: CardPort = rig.service()
    assert port.status().presence is Presence.NO_READER


def test_a_card_is_shown_with_its_holder_before_any_pin(rig: CardRig) -> None:
    status = rig.service().look()
    (token,) = status.tokens
    assert (status.presence, status.code, token.label) == (Presence.LOCKED, "", "CPS")
    assert token.certificate is not None
    assert (token.certificate.holder, token.certificate.profession) == (HOLDER, "Médecin")
    assert token.certificate.name == "CAMILLE MODELE"
    assert status.middleware == str(rig.module)
    assert rig.count("Login pin") == 0


def test_a_reader_without_card(rig: CardRig) -> None:
    rig.control("removed")
    status = rig.service().look()
    assert (status.presence, status.code, status.tokens) == (Presence.NO_CARD, "CARTE_ABSENTE", ())
    assert len(status.readers) > 0


# --- PIN wanted ----------------------------------------------------------------------------------------------------


def test_a_mailbox_that_waits_makes_the_card_ask_for_its_pin(rig: CardRig) -> None:
    service = rig.service()
    service.look()
    with pytest.raises(IdentityUnavailable) as missing:
        service.key(ANY)
    assert (missing.value.code, missing.value.waiting_for) == ("PIN", WaitingFor.PIN)
    assert (service.status().presence, service.status().code) == (Presence.PIN_NEEDED, "PIN")
    assert service.unlock(PIN).presence is Presence.OPEN
    service.lock()
    assert service.status().presence is Presence.LOCKED


def test_a_mailbox_of_somebody_else_does_not_make_this_card_ask(rig: CardRig) -> None:
    service = rig.service()
    service.look()
    service.want(CardChoice(holder=OTHER_HOLDER))
    assert service.status().presence is Presence.LOCKED
    service.want(CardChoice(holder=HOLDER[1:]))  # RPPS without its leading 8
    assert service.status().presence is Presence.PIN_NEEDED


# --- pulled --------------------------------------------------------------------------------------------------------


def test_a_pulled_card_ends_what_it_had_opened_and_its_return_resumes(rig: CardRig) -> None:
    service = rig.open()
    opened = service.revision(ANY)
    key = service.key(ANY)
    rig.control("removed")
    assert service.look().presence is Presence.NO_CARD
    assert service.revision(ANY) != opened
    with pytest.raises(IdentityUnavailable) as missing:
        service.key(ANY)
    assert (missing.value.code, missing.value.waiting_for) == ("CARTE_ABSENTE", WaitingFor.CARD)
    rig.control()
    assert service.look().presence is Presence.LOCKED
    after = service.revision(ANY)
    assert code_of(lambda: service.key(ANY)) == "PIN"
    service.unlock(PIN)
    assert (service.revision(ANY), service.key(ANY)) == (after, key)
    assert signed(service)


def test_sessions_may_be_kept_when_the_card_is_pulled(rig: CardRig) -> None:
    service = rig.open(keep_sessions_on_removal=True)
    opened = service.revision(ANY)
    rig.control("removed")
    service.look()
    assert service.revision(ANY) == opened
    assert code_of(lambda: signed(service)) == "CARTE_ABSENTE"
    rig.control()
    service.unlock(PIN)
    assert service.revision(ANY) == opened


@pytest.mark.parametrize("answer", ["", "sign=32", "sign=e0", "sign=5"])
def test_a_card_pulled_while_it_signs(rig: CardRig, answer: str) -> None:
    service = rig.open()
    key, opened = service.key(ANY), service.revision(ANY)
    errors: queue.Queue[BaseException] = queue.Queue()
    rig.control("hold", answer)
    waiting = threading.Thread(target=lambda: _sign_into(key.signer, errors))
    waiting.start()
    rig.wait_for("Signing")
    rig.control("removed")
    error = errors.get(timeout=PATIENCE)
    waiting.join(PATIENCE)
    assert isinstance(error, NeedsPerson)
    assert (error.code, getattr(error, "waiting_for", None)) == ("CARTE_ABSENTE", WaitingFor.CARD)
    assert service.status().presence is Presence.NO_CARD
    assert service.revision(ANY) != opened
    assert (rig.count("Signing"), service.status().signatures) == (1, 0)


def _sign_into(signer: object, errors: "queue.Queue[BaseException]") -> None:
    try:
        signer.sign(bytes(32), hash="sha256", padding=Padding.PKCS1V15, salt_length=None)  # type: ignore[attr-defined]
    except Unavailable as error:
        errors.put(error)


def test_a_card_pulled_and_put_back_between_two_looks_wants_its_pin_again(rig: CardRig) -> None:
    service = rig.open()
    opened = service.revision(ANY)
    rig.control("stay=2")
    assert service.look().presence is Presence.LOCKED
    assert service.revision(ANY) != opened
    assert (rig.count("Login pin"), code_of(lambda: service.key(ANY))) == (1, "PIN")


def test_a_lost_session_never_signs_and_nothing_is_signed_twice(rig: CardRig) -> None:
    service = rig.open()
    key = service.key(ANY)
    rig.control("stay=2")
    with pytest.raises(IdentityUnavailable) as lost:
        key.signer.sign(bytes(32), hash="sha256", padding=Padding.PKCS1V15, salt_length=None)
    assert (lost.value.code, lost.value.waiting_for) == ("PIN", WaitingFor.PIN)
    assert (rig.count("Signing"), rig.count("Login pin")) == (0, 1)
    service.unlock(PIN)
    assert signed(service)
    assert (rig.count("Signing"), rig.count("Signed"), service.status().signatures) == (1, 1, 1)


@pytest.mark.parametrize("answer", ["5", "30", "6", "80000001"])  # GENERAL_ERROR, DEVICE_ERROR, FUNCTION_FAILED
def test_a_card_that_fails_once_signs_the_next_time(rig: CardRig, answer: str) -> None:
    service = rig.open()
    opened = service.revision(ANY)
    rig.control(f"sign={answer}")
    with pytest.raises(Unavailable) as failure:
        signed(service)
    assert failure.value.code == "CARTE_DEFAILLANTE"
    rig.control()
    assert signed(service)
    assert (service.revision(ANY), rig.count("Login pin")) == (opened, 1)


@pytest.mark.parametrize("answer", ["b3", "101", "82"])  # SESSION_HANDLE_INVALID, USER_NOT_LOGGED_IN, OBJECT_HANDLE
def test_a_card_that_another_program_has_reset_wants_its_pin_again(rig: CardRig, answer: str) -> None:
    service = rig.open()
    opened = service.revision(ANY)
    rig.control(f"sign={answer}")
    assert code_of(lambda: signed(service)) == "PIN"
    rig.control()
    assert service.revision(ANY) != opened
    assert service.unlock(PIN).presence is Presence.OPEN
    assert signed(service)


def test_a_card_that_fails_is_looked_at_again_for_a_moment(rig: CardRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that is pulled while it works fails first; the card service notices a little later."""
    monkeypatch.setattr("connector.identities.card.desk._NOTICE_SECONDS", 0)
    service = rig.service()
    (slot,) = service.look().readers
    rig.readers.show(Reader(slot, card=True, events=1))
    service.unlock(PIN)
    rig.control("sign=5")
    assert code_of(lambda: signed(service)) == "CARTE_DEFAILLANTE"
    before = rig.readers.looks

    def noticed() -> None:
        if rig.readers.looks == before + 3:
            rig.control("removed", "sign=5")
            rig.readers.show(Reader(slot, events=2))

    rig.readers.before_each = noticed
    assert code_of(lambda: signed(service)) == "CARTE_ABSENTE"
    assert rig.count("Signing") == 2


def test_a_signature_after_the_card_was_locked(rig: CardRig) -> None:
    service = rig.open()
    signer = service.key(ANY).signer
    service.lock()
    assert code_of(lambda: _signature(signer)) == "PIN"
    rig.control("removed")
    service.look()
    assert code_of(lambda: _signature(signer)) == "CARTE_ABSENTE"
    assert rig.count("Signing") == 0


def _signature(signer: object) -> bytes:
    made: bytes = signer.sign(bytes(32), hash="sha256", padding=Padding.PKCS1V15, salt_length=None)  # type: ignore[attr-defined]
    return made


# --- several cards -------------------------------------------------------------------------------------------------


def test_several_cards_are_told_apart_by_holder_and_serial(rig: CardRig, two_cards: Deck) -> None:
    rig.deal(two_cards)
    service = rig.service()
    serials = {token.certificate.holder: token.serial for token in service.look().tokens if token.certificate}
    assert set(serials) == {HOLDER, OTHER_HOLDER}
    assert code_of(lambda: service.unlock(PIN)) == "CARTES_MULTIPLES"
    assert rig.count("Login pin") == 0
    service.unlock(PIN, serial=serials[HOLDER])
    mine = service.find(CardChoice(holder=HOLDER))
    assert mine is not None
    assert (mine.serial, mine.presence) == (serials[HOLDER], Presence.OPEN)
    assert service.find(ANY) is None
    assert code_of(lambda: service.key(ANY)) == "CARTES_MULTIPLES"
    assert signed(service, CardChoice(serial=serials[HOLDER]))
    assert code_of(lambda: service.key(CardChoice(holder=OTHER_HOLDER))) == "PIN"
    assert service.test() == "CKM_RSA_PKCS_PSS"  # of the one that is open
    assert service.unlock(PIN).presence is Presence.OPEN  # the only one that is not
    assert signed(service, CardChoice(holder=OTHER_HOLDER))


def test_pulling_one_card_does_not_touch_the_other(rig: CardRig, two_cards: Deck) -> None:
    rig.deal(two_cards)
    service = rig.service()
    for token in service.look().tokens:
        service.unlock(PIN, serial=token.serial)
    mine, other = CardChoice(holder=HOLDER), CardChoice(holder=OTHER_HOLDER)
    before = service.revision(mine), service.revision(other)
    rig.control("removed=CPSB")
    service.look()
    assert service.revision(mine) == before[0]
    assert service.revision(other) != before[1]
    assert signed(service, mine)
    assert code_of(lambda: service.key(other)) == "CARTE_AUTRE_PORTEUR"


def test_a_failed_login_at_one_card_leaves_the_other_open(rig: CardRig, two_cards: Deck) -> None:
    rig.deal(two_cards)
    service = rig.service()
    first, second = (token.serial for token in service.look().tokens)
    service.unlock(PIN, serial=first)
    assert code_of(lambda: service.unlock("0000", serial=second)) == "PIN_FAUX"
    assert signed(service, CardChoice(serial=first))
    assert (rig.count("Initialize NULL"), rig.count("Login pin")) == (1, 2)


def test_another_practitioners_card_inherits_nothing(rig: CardRig, two_cards: Deck) -> None:
    """A mailbox with ``card = {}`` belongs to the holder of the first card that was opened for it."""
    rig.deal(two_cards)
    rig.control("removed=CPSB")
    service = rig.open()
    opened = service.revision(ANY)
    assert signed(service)
    rig.control("removed=CPSA")
    service.look()
    assert service.revision(ANY) != opened
    with pytest.raises(IdentityUnavailable) as other:
        service.key(ANY)
    assert (other.value.code, other.value.waiting_for) == ("CARTE_AUTRE_PORTEUR", WaitingFor.CARD)
    service.unlock(PIN)
    assert code_of(lambda: service.key(ANY)) == "CARTE_AUTRE_PORTEUR"
    assert service.find(ANY) is None
    rig.control("removed=CPSB")
    service.unlock(PIN)
    assert signed(service)


def test_a_serial_that_is_not_there(rig: CardRig) -> None:
    assert code_of(lambda: rig.service().unlock(PIN, serial="0000")) == "CARTE_ABSENTE"


# --- locking -------------------------------------------------------------------------------------------------------


def test_locking_logs_out_and_ends_what_was_opened(rig: CardRig) -> None:
    service = rig.open()
    opened = service.revision(ANY)
    assert service.lock().presence is Presence.LOCKED
    assert service.revision(ANY) != opened
    assert rig.count("Logout") == 1
    assert code_of(lambda: signed(service)) == "PIN"
    assert rig.count("Signing") == 0


def test_closing_logs_out(rig: CardRig) -> None:
    rig.open().close()
    assert rig.log()[-3:] == ["Logout", "CloseSession", "Finalize"]
    assert rig.readers.closed


def test_the_hours_of_a_pin_end_what_it_opened(rig: CardRig) -> None:
    service = rig.open(pin_policy="hours", pin_hours=2)
    opened = service.revision(ANY)
    rig.clock.advance(2 * 3600 - 1)
    assert service.look().presence is Presence.OPEN
    rig.clock.advance(1)
    assert service.look().presence is Presence.LOCKED
    assert service.revision(ANY) != opened
    assert rig.count("Logout") == 1


def test_a_pin_for_one_session_locks_after_the_last_signature_and_keeps_what_it_opened(rig: CardRig) -> None:
    service = rig.open(pin_policy="session")
    opened = service.revision(ANY)
    rig.clock.advance(59)
    assert service.look().presence is Presence.OPEN
    assert signed(service)
    rig.clock.advance(9)
    assert signed(service)
    rig.clock.advance(9)
    assert service.look().presence is Presence.OPEN
    rig.clock.advance(1)
    assert service.look().presence is Presence.LOCKED
    assert service.revision(ANY) == opened
    assert code_of(lambda: signed(service)) == "PIN"


def test_a_pin_until_removal_does_not_age(rig: CardRig) -> None:
    service = rig.open()
    rig.clock.advance(90 * 3600)
    assert service.look().presence is Presence.OPEN


# --- signing -------------------------------------------------------------------------------------------------------


def test_a_test_signature_is_verified_and_counted(rig: CardRig) -> None:
    service = rig.service()
    assert code_of(service.test) == "PIN"
    service.unlock(PIN)
    assert service.test() == "CKM_RSA_PKCS_PSS"
    assert service.status().signatures == 1


def test_sixteen_threads_share_one_card_without_two_calls_at_once(rig: CardRig) -> None:
    service = rig.open()
    threads = [threading.Thread(target=lambda: [signed(service) for _ in range(5)]) for _ in range(16)]
    for one in threads:
        one.start()
    while any(one.is_alive() for one in threads):
        service.look()
    assert (service.status().signatures, rig.count("Signed")) == (80, 80)
    assert not [entry for entry in rig.log() if entry.startswith(("CONCURRENT", "OTHER"))]


def test_a_card_that_hangs_fails_at_once_for_everybody_and_comes_back(rig: CardRig) -> None:
    service = rig.open(sign_seconds=1.0)
    opened = service.revision(ANY)
    rig.control("hold")
    assert code_of(lambda: signed(service)) == "CARTE_DEFAILLANTE"
    assert (service.status().presence, service.status().code) == (Presence.FAILED, "CARTE_DEFAILLANTE")
    assert service.status().tokens == ()
    with pytest.raises(IdentityUnavailable) as failed:
        service.key(ANY)
    assert (failed.value.code, failed.value.waiting_for) == ("CARTE_DEFAILLANTE", WaitingFor.CARD)
    assert service.hindrance(ANY) is not None
    assert code_of(lambda: service.unlock(PIN)) == "CARTE_DEFAILLANTE"
    assert (rig.count("Signing"), rig.count("Login pin")) == (1, 1)
    rig.control()
    _until_presence(service, Presence.LOCKED)
    assert service.revision(ANY) != opened
    assert service.unlock(PIN).presence is Presence.OPEN
    assert signed(service)


def _until_presence(service: CardService, presence: Presence) -> None:
    tick = threading.Event()
    for _ in range(4000):
        if service.look().presence is presence:
            return
        tick.wait(0.005)
    raise AssertionError(service.status())


# --- watching ------------------------------------------------------------------------------------------------------


def test_listeners_hear_of_every_change_on_a_thread_of_the_service(rig: CardRig) -> None:
    heard: queue.Queue[tuple[Presence, str]] = queue.Queue()
    service = rig.service(poll_seconds=0.05)
    service.subscribe(lambda status: heard.put((status.presence, threading.current_thread().name)))
    service.start()
    service.start()  # once is enough
    assert heard.get(timeout=PATIENCE) == (Presence.LOCKED, "card-watch")
    service.want(ANY)
    assert heard.get(timeout=PATIENCE)[0] is Presence.PIN_NEEDED
    service.unlock(PIN)
    assert heard.get(timeout=PATIENCE)[0] is Presence.OPEN
    rig.control("removed")
    assert heard.get(timeout=PATIENCE)[0] is Presence.NO_CARD
    rig.control()
    assert heard.get(timeout=PATIENCE)[0] is Presence.LOCKED


def test_a_listener_that_fails_keeps_nobody_from_hearing(rig: CardRig) -> None:
    heard: queue.Queue[CardStatus] = queue.Queue()

    def broken(_status: CardStatus) -> None:
        raise RuntimeError("broken")

    service = rig.service(poll_seconds=0.05)
    service.subscribe(broken)
    service.subscribe(heard.put)
    service.start()
    assert heard.get(timeout=PATIENCE).presence is Presence.LOCKED
    rig.control("removed")
    assert heard.get(timeout=PATIENCE).presence is Presence.NO_CARD


def test_watching_goes_on_whatever_goes_wrong(rig: CardRig) -> None:
    heard: queue.Queue[CardStatus] = queue.Queue()
    failed = threading.Event()

    def broken() -> None:
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError

    rig.readers.before_each = broken
    service = rig.service(poll_seconds=0.05)
    service.subscribe(heard.put)
    service.start()
    while heard.get(timeout=PATIENCE).presence is not Presence.LOCKED:
        pass
    assert failed.is_set()


def test_signatures_are_no_news(rig: CardRig) -> None:
    heard: queue.Queue[CardStatus] = queue.Queue()
    service = rig.open(poll_seconds=0.05)
    service.subscribe(heard.put)
    service.start()
    while heard.get(timeout=PATIENCE).presence is not Presence.OPEN:
        pass
    assert signed(service)
    service.lock()
    assert heard.get(timeout=PATIENCE).presence is Presence.LOCKED


def test_a_card_that_hangs_fails_for_mailboxes_without_a_card_too(rig: CardRig) -> None:
    service = rig.open(sign_seconds=1.0)
    rig.control("hold")
    assert code_of(lambda: signed(service)) == "CARTE_DEFAILLANTE"
    assert code_of(lambda: service.key(CardChoice(holder=OTHER_HOLDER))) == "CARTE_DEFAILLANTE"
    rig.control()
    _until_presence(service, Presence.LOCKED)


def test_a_hanging_card_is_told_without_anybody_asking(rig: CardRig) -> None:
    heard: queue.Queue[Presence] = queue.Queue()
    service = rig.open(poll_seconds=0.05, sign_seconds=1.0)
    key = service.key(ANY)
    service.subscribe(lambda status: heard.put(status.presence))
    service.start()
    assert heard.get(timeout=PATIENCE) is Presence.LOCKED  # what had happened before it began to listen
    rig.control("hold")
    errors: queue.Queue[BaseException] = queue.Queue()
    waiting = threading.Thread(target=lambda: _sign_into(key.signer, errors))
    waiting.start()
    while heard.get(timeout=PATIENCE) is not Presence.FAILED:
        pass
    rig.control()
    while heard.get(timeout=PATIENCE) is not Presence.LOCKED:
        pass
    waiting.join(PATIENCE)


# --- readers -------------------------------------------------------------------------------------------------------


def test_the_name_of_the_reader_is_that_of_pcsc(rig: CardRig) -> None:
    service = rig.service()
    (slot,) = service.look().readers
    rig.readers.show(Reader(slot, card=True), Reader("Autre lecteur"))
    assert service.look().readers == (slot, "Autre lecteur")


def test_a_change_that_only_pcsc_saw_ends_the_stay(rig: CardRig) -> None:
    service = rig.service()
    (slot,) = service.look().readers
    rig.readers.show(Reader(slot, card=True, events=1))
    service.unlock(PIN)
    assert service.look().presence is Presence.OPEN
    rig.readers.show(Reader(slot, card=True, events=3))
    assert service.look().presence is Presence.LOCKED


def test_a_restarted_card_service_is_no_reason_while_the_session_lives(rig: CardRig) -> None:
    service = rig.service()
    (slot,) = service.look().readers
    rig.readers.show(Reader(slot, card=True, events=1), connection=1)
    service.unlock(PIN)
    rig.readers.show(Reader(slot, card=True, events=0), connection=2)
    assert service.look().presence is Presence.OPEN
    rig.control("stay=2")
    assert service.look().presence is Presence.LOCKED


def _questions(rig: CardRig) -> int:
    return rig.count("GetSlotList", "GetTokenInfo")


@pytest.mark.parametrize("is_open", [False, True])
def test_cards_are_left_alone_while_no_reader_changes(rig: CardRig, is_open: bool) -> None:
    rig.control("hardware")
    service = rig.service()
    (slot,) = service.look().readers
    rig.readers.show(Reader(slot, card=True), Reader("Autre"))
    service.look()
    if is_open:
        service.unlock(PIN)
    asked = _questions(rig)
    for _ in range(200):
        service._glance()
    assert _questions(rig) == asked
    rig.readers.show(Reader(slot, card=True), Reader("Autre", card=True, mute=True))
    service._glance()
    assert _questions(rig) > asked
    assert service.status().presence is (Presence.OPEN if is_open else Presence.LOCKED)


def test_a_lost_session_is_noticed_without_a_question_to_the_card(rig: CardRig) -> None:
    rig.control("hardware")
    service = rig.service()
    (slot,) = service.look().readers
    rig.readers.show(Reader(slot, card=True))
    service.unlock(PIN)
    service._glance()
    assert service.status().presence is Presence.OPEN
    rig.control("hardware", "stay=2")
    service._glance()
    assert service.status().presence is Presence.LOCKED


def test_the_hours_of_a_pin_end_while_no_reader_changes(rig: CardRig) -> None:
    rig.control("hardware")
    service = rig.service(pin_policy="hours", pin_hours=1)
    (slot,) = service.look().readers
    rig.readers.show(Reader(slot, card=True))
    service.unlock(PIN)
    rig.clock.advance(3600)
    service._glance()
    assert service.status().presence is Presence.LOCKED


def test_an_unknown_card_is_asked_less_and_less_often_and_at_once_when_something_moves(rig: CardRig) -> None:
    """It may be busy with another program, or be a Vitale card that another program works with."""
    rig.control("hardware")
    service = rig.service()
    (slot,) = service.look().readers
    rig.control("hardware", "token=e1")
    rig.readers.show(Reader(slot, card=True, busy=True))
    pauses, asked = [], 0
    for number in range(300):
        service._glance()
        if _questions(rig) != asked:
            pauses.append(number)
            asked = _questions(rig)
    assert [later - before for before, later in pairwise(pauses)] == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert service.status().code == "CARTE_INCONNUE"
    assert rig.count("Initialize NULL") == 1
    rig.control("hardware")
    rig.readers.show(Reader(slot, card=True))
    service._glance()
    assert service.status().presence is Presence.LOCKED


def test_without_pcsc_the_cards_themselves_are_asked(rig: CardRig) -> None:
    service = rig.service()
    service._glance()
    rig.control("removed")
    service._glance()
    assert service.status().presence is Presence.NO_CARD


def test_a_card_that_the_middleware_overlooks_makes_it_start_again_once(rig: CardRig) -> None:
    rig.control("removed")
    service = rig.service()
    service.look()
    rig.readers.show(Reader("Lecteur", card=True, events=1))
    status = service.look()
    assert (status.presence, status.code) == (Presence.UNKNOWN_CARD, "CARTE_INCONNUE")
    (token,) = status.tokens
    assert (token.reader, token.serial, token.code) == ("Lecteur", "", "CARTE_INCONNUE")
    for _ in range(3):
        service.look()
    assert rig.count("Initialize NULL") == 2
    rig.control()
    rig.readers.show(Reader("Lecteur", card=True, events=3))
    assert service.look().presence is Presence.LOCKED


def test_a_slot_that_becomes_another_reader_is_another_stay(rig: CardRig) -> None:
    service = rig.service()
    (slot,) = service.look().readers
    service.unlock(PIN)
    rig.readers.show(Reader(slot, card=True))
    rig.readers.show(Reader(f"{slot} ", card=True))
    service.look()
    assert service.status().presence is Presence.LOCKED


def test_an_open_card_is_not_given_up_for_one_that_is_overlooked(rig: CardRig, two_cards: Deck) -> None:
    rig.deal(two_cards)
    rig.control("removed=CPSB")
    service = rig.open()
    rig.readers.show(Reader("Autre", card=True, events=1))
    assert service.look().presence is Presence.OPEN
    assert [token.code for token in service.status().tokens] == ["", "CARTE_INCONNUE"]
    assert rig.count("Initialize NULL") == 1


def test_a_card_that_is_pulled_between_both_views_is_no_stranger(rig: CardRig) -> None:
    rig.control("removed", "hardware")
    service = rig.service()
    rig.readers.show(Reader("Lecteur", card=True, events=1))

    def pulled() -> None:
        if rig.readers.looks == 2:
            rig.readers.show(Reader("Lecteur", events=2))

    rig.readers.before_each = pulled
    assert service.look().presence is Presence.NO_CARD
    assert rig.count("Initialize NULL") == 1


@pytest.mark.parametrize(
    ("service_state", "code"),
    [
        (Service.RUNNING, "LECTEUR_ABSENT"),
        (Service.STOPPED, "SERVICE_CARTES_ARRETE"),
        (Service.FORBIDDEN, "SERVICE_CARTES_INTERDIT"),
        (Service.ABSENT, "SERVICE_CARTES_ABSENT"),
    ],
)
def test_why_there_is_no_reader(rig: CardRig, service_state: Service, code: str) -> None:
    rig.control("removed", "hardware")
    rig.readers.show(service=service_state)
    service = rig.service()
    status = service.look()
    assert (status.presence, status.code, status.readers) == (Presence.NO_READER, code, ())
    assert code_of(lambda: service.unlock(PIN)) == code
    assert code_of(lambda: service.key(ANY)) == code


def test_a_mute_card_and_an_unknown_one(rig: CardRig) -> None:
    rig.control("removed", "hardware")
    rig.readers.show(Reader("A", card=True, mute=True), Reader("B"))
    service = rig.service()
    assert (service.look().presence, service.status().code) == (Presence.UNKNOWN_CARD, "CARTE_MUETTE")
    assert code_of(lambda: service.unlock(PIN)) == "CARTE_MUETTE"
    assert rig.count("Initialize NULL") == 1


# --- middleware ----------------------------------------------------------------------------------------------------


def test_a_middleware_that_is_installed_meanwhile_is_found(rig: CardRig) -> None:
    module = rig.folder / "later.so"
    rig.module = module
    service = rig.service()
    status = service.look()
    assert (status.presence, status.code, status.middleware) == (Presence.NO_MIDDLEWARE, "MODULE_ABSENT", "")
    assert code_of(lambda: service.unlock(PIN)) == "MODULE_ABSENT"
    os.link(_cardsim(rig), module)
    assert service.look().presence is Presence.LOCKED


def _cardsim(rig: CardRig) -> Path:
    return next(path for path in rig.folder.parent.rglob("cardsim.so"))


def test_a_middleware_that_does_not_start_is_tried_again_later(rig: CardRig) -> None:
    rig.control("start=5")
    rig.readers.show(Reader("Lecteur"))
    service = rig.service()
    status = service.look()
    assert (status.presence, status.code) == (Presence.NO_MIDDLEWARE, "MODULE_REFUSE")
    assert "GeneralError" in status.detail
    for _ in range(3):
        service.look()
    assert rig.count("Initialize NULL") == 1
    rig.control("removed")
    rig.readers.show(Reader("Lecteur"), Reader("Autre"))  # something changed: worth a try
    assert service.look().presence is Presence.NO_CARD


def test_a_middleware_that_does_not_start_is_tried_again_after_a_while(rig: CardRig) -> None:
    rig.control("start=5")
    service = rig.service()
    service.look()
    rig.control()
    assert [service.look().presence for _ in range(12)][-1] is Presence.LOCKED


@pytest.mark.parametrize(
    ("service_state", "code"), [(Service.STOPPED, "SERVICE_CARTES_ARRETE"), (Service.RUNNING, "LECTEUR_ABSENT")]
)
def test_a_middleware_that_cannot_start_without_the_card_service(
    rig: CardRig, service_state: Service, code: str
) -> None:
    """Cryptolib may answer C_Initialize with an error then; the cause is what a person can cure."""
    rig.control("start=30")
    rig.readers.show(service=service_state)
    status = rig.service().look()
    assert (status.presence, status.code) == (Presence.NO_READER, code)
    assert "DeviceError" in status.detail


def test_a_middleware_that_fails_while_it_looks_is_started_again(rig: CardRig) -> None:
    service = rig.open()
    opened = service.revision(ANY)
    rig.control("slots=30")
    rig.readers.show(Reader("Lecteur", card=True))
    status = service.look()
    assert (status.presence, status.code) == (Presence.UNKNOWN_CARD, "CARTE_INCONNUE")
    assert "DeviceError" in status.detail
    assert service.revision(ANY) != opened
    for _ in range(5):
        service.look()
    assert rig.count("Initialize NULL") <= 3
    rig.control()
    assert service.look().presence is Presence.LOCKED


def test_a_token_that_the_middleware_does_not_recognise(rig: CardRig) -> None:
    rig.control("token=e1")
    service = rig.service()
    rig.readers.show(Reader("Lecteur", card=True))
    status = service.look()
    assert (status.presence, status.code) == (Presence.UNKNOWN_CARD, "CARTE_INCONNUE")
    assert "TokenNotRecognised" in status.detail


def test_a_card_that_cannot_be_read(rig: CardRig) -> None:
    rig.control("open=5")
    service = rig.service()
    status = service.look()
    assert (status.presence, status.code) == (Presence.UNKNOWN_CARD, "CARTE_INCONNUE")
    assert "GeneralError" in status.detail
    assert code_of(lambda: service.unlock(PIN)) == "CARTE_INCONNUE"
    rig.control()
    assert service.look().presence is Presence.LOCKED
