"""What may lie on a card, and what it means."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pkcs11 import Attribute
from pkcs11.exceptions import AttributeTypeInvalid, GeneralError, PKCS11Error, TokenNotRecognised

from connector.identities.card.errors import Failure, Trouble, attempt
from connector.identities.card.status import CardStatus, Presence
from connector.identities.card.token import certificates, list_slots, public_session
from connector.sandbox.soft_card import CardObject
from connector.settings.model import CardChoice
from tests.card.rig import HOLDER, PIN, CardRig, code_of, make_deck
from tests.servers.pki import Issued, Pki
from tests.virtual_card.holders import issue_personal

ANY = CardChoice()


class Dealer:
    """Puts a card with given objects into the reader."""

    def __init__(self, rig: CardRig, pki: Pki, folder: Any) -> None:
        self.rig, self.pki, self._folder = rig, pki, folder
        self.auth = issue_personal(pki.organisations, HOLDER, usage="digital_signature")
        self.sign = issue_personal(pki.organisations, HOLDER, usage="content_commitment")

    def deal(self, *objects: CardObject) -> CardStatus:
        self.rig.deal(make_deck(self._folder / "deck", ("CPS", objects)))
        return self.rig.service().look()


@pytest.fixture
def dealer(rig: CardRig, pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Dealer:
    return Dealer(rig, pki, tmp_path_factory.mktemp("dealer"))


def _object(issued: Issued, **changes: Any) -> CardObject:
    return CardObject(issued.certificate, issued.key, **changes)


def test_a_card_with_a_signature_certificate_only(dealer: Dealer) -> None:
    status = dealer.deal(_object(dealer.sign))
    assert (status.presence, status.code) == (Presence.UNKNOWN_CARD, "CARTE_SANS_CERTIFICAT")
    (service,) = dealer.rig.services
    assert code_of(lambda: service.unlock(PIN)) == "CARTE_SANS_CERTIFICAT"
    assert code_of(lambda: service.key(ANY)) == "CARTE_SANS_CERTIFICAT"
    assert dealer.rig.count("Login pin") == 0


def test_an_empty_card(dealer: Dealer) -> None:
    assert dealer.deal().code == "CARTE_SANS_CERTIFICAT"


def test_two_authentication_certificates_are_not_chosen_between(dealer: Dealer, pki: Pki) -> None:
    other = issue_personal(pki.organisations, HOLDER, usage="digital_signature")
    status = dealer.deal(_object(dealer.auth), _object(other, id=b"\x21"))
    assert (status.presence, status.code) == (Presence.UNKNOWN_CARD, "CARTE_CERTIFICATS")


def test_the_issuer_of_the_settings_chooses(dealer: Dealer, pki: Pki) -> None:
    other = issue_personal(pki.public_authority, HOLDER, usage="digital_signature")
    dealer.deal(_object(dealer.auth), _object(other, id=b"\x21"))
    dealer.rig.services[0].close()
    service = dealer.rig.service(issuers=["ELEMENTAIRE ORGANISATIONS"])
    (token,) = service.look().tokens
    assert token.certificate is not None
    assert token.certificate.issuer == "TEST AC IGC-SANTE ELEMENTAIRE ORGANISATIONS"


def test_a_certificate_that_expires_while_the_card_is_open(rig: CardRig) -> None:
    service = rig.open()
    rig.clock.advance(by=timedelta(days=800))
    status = service.look()
    assert (status.presence, status.code) == (Presence.OPEN, "CARTE_EXPIREE")
    assert code_of(lambda: service.key(ANY)) == "CARTE_EXPIREE"


def test_an_expired_card_is_shown_and_not_given_a_pin(rig: CardRig) -> None:
    rig.clock.advance(by=timedelta(days=800))
    service = rig.service()
    status = service.look()
    (token,) = status.tokens
    assert (status.presence, status.code) == (Presence.LOCKED, "CARTE_EXPIREE")
    assert token.certificate is not None
    assert code_of(lambda: service.unlock(PIN)) == "CARTE_EXPIREE"
    assert rig.count("Login pin") == 0


def test_a_key_is_found_by_its_modulus_when_the_ids_differ(dealer: Dealer) -> None:
    dealer.deal(_object(dealer.auth, key_id=b"\x99"), _object(dealer.sign, id=b"\x10"))
    (service,) = dealer.rig.services
    service.unlock(PIN)
    assert service.test() == "CKM_RSA_PKCS_PSS"


def test_a_foreign_key_under_the_same_id_is_not_taken(dealer: Dealer) -> None:
    foreign = CardObject(dealer.auth.certificate, dealer.sign.key, id=b"\x20")
    dealer.deal(foreign)
    (service,) = dealer.rig.services
    assert code_of(lambda: service.unlock(PIN)) == "CARTE_SANS_CLE"
    assert service.status().code == "CARTE_SANS_CLE"
    assert code_of(lambda: service.unlock(PIN)) == "CARTE_SANS_CLE"
    assert (dealer.rig.count("Login pin"), dealer.rig.count("Logout")) == (1, 1)


def test_a_card_without_the_key(dealer: Dealer) -> None:
    dealer.deal(CardObject(dealer.auth.certificate))
    (service,) = dealer.rig.services
    assert code_of(lambda: service.unlock(PIN)) == "CARTE_SANS_CLE"


def test_a_key_that_wants_its_pin_each_time_is_refused_rather_than_to_keep_the_pin(dealer: Dealer) -> None:
    dealer.deal(_object(dealer.auth, pin_each_time=True))
    (service,) = dealer.rig.services
    assert code_of(lambda: service.unlock(PIN)) == "CLE_PIN_A_CHAQUE_FOIS"
    assert service.status().presence is Presence.LOCKED
    assert code_of(lambda: service.key(ANY)) == "CLE_PIN_A_CHAQUE_FOIS"
    assert dealer.rig.count("Login pin") == 1


# --- modules that are not as they should be ------------------------------------------------------------------------


class OddObject:
    """A certificate object of a module that does not keep to the standard."""

    def __init__(self, attributes: dict[Attribute, Any]) -> None:
        self._attributes = attributes

    def __getitem__(self, kind: Attribute) -> Any:
        value = self._attributes.get(kind, AttributeTypeInvalid())
        if isinstance(value, Exception):
            raise value
        return value


def _session(*objects: OddObject) -> Any:
    return SimpleNamespace(get_objects=lambda _attributes: iter(objects))


def test_attributes_that_are_missing_or_wrong_are_left_out() -> None:
    latin = UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "Latin-1")
    session = _session(
        OddObject({Attribute.VALUE: b"one", Attribute.LABEL: latin, Attribute.ID: b"\x01"}),
        OddObject({Attribute.VALUE: b"two", Attribute.LABEL: " Authentification \0"}),
        OddObject({Attribute.LABEL: "without value"}),
        OddObject({Attribute.VALUE: GeneralError()}),
        OddObject({Attribute.VALUE: b""}),
    )
    found = [(one.der, one.label, one.key_id) for one in certificates(session)]
    assert found == [(b"one", "", b"\x01"), (b"two", "Authentification", b"")]


def test_a_list_of_slots_that_fails_once_is_asked_for_again() -> None:
    answers: list[Any] = [GeneralError(), ["slot"]]

    def get_slots() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert list_slots(cast("Any", SimpleNamespace(get_slots=get_slots))) == ["slot"]


def test_a_session_that_cannot_be_closed_is_no_news() -> None:
    def refuse() -> None:
        raise GeneralError

    token = SimpleNamespace(open=lambda: SimpleNamespace(close=refuse, name="session"))
    with public_session(cast("Any", token)) as session:
        assert cast("Any", session).name == "session"


# --- foreign exceptions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind", "name"),
    [
        (TokenNotRecognised(), Trouble.GONE, "TokenNotRecognised"),
        (GeneralError(), Trouble.OTHER, "GeneralError"),
        (PKCS11Error("Unmapped error code 0x80000001"), Trouble.OTHER, "Unmapped error code 0x80000001"),
        (ValueError("4711 is not a valid ObjectClass"), Trouble.OTHER, "ValueError"),
    ],
)
def test_a_foreign_error_becomes_a_value_on_which_nothing_hangs(error: Exception, kind: Trouble, name: str) -> None:
    def work() -> None:
        raise error

    with pytest.raises(Failure) as failure:
        attempt(work)
    assert (failure.value.kind, failure.value.name) == (kind, name)
    assert failure.value.__context__ is failure.value.__cause__ is None


def test_what_is_not_of_pkcs11_passes() -> None:
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 // 0)
