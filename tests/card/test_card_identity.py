"""An identity on a card says who it is, what it waits for, and when its sessions must end."""

import ssl
from functools import partial

import pytest

from connector.domain.states import WaitingFor
from connector.identities.base import Identity, IdentityUnavailable, external, hindrance
from connector.identities.card.identity import CardIdentity
from connector.identities.card.service import CardService
from connector.identities.card.status import Presence
from connector.settings.model import CardChoice
from tests.card.rig import HOLDER, OTHER_HOLDER, PIN, CardRig

MAILBOX = "dr.modele@cabinet.mssante.test"


def identity_of(service: CardService, holder: str = "") -> CardIdentity:
    return CardIdentity(
        cards=service,
        choice=CardChoice(holder=holder),
        credentials=partial(external, MAILBOX),
        fallback_label=MAILBOX,
    )


def test_the_label_is_the_holders_name_once_a_card_is_there(rig: CardRig) -> None:
    rig.control("removed")
    service = rig.service()
    service.look()
    identity: Identity = identity_of(service)
    assert identity.label == MAILBOX
    rig.control()
    service.look()
    assert identity.label == "CAMILLE MODELE"
    assert identity.sasl() == external(MAILBOX)


def test_it_waits_for_card_then_pin_then_for_nothing(rig: CardRig) -> None:
    rig.control("removed")
    service = rig.service()
    service.look()
    identity = identity_of(service)
    assert (identity.needs_person(), service.status().presence) == (WaitingFor.CARD, Presence.NO_CARD)
    rig.control()
    service.look()
    assert (identity.needs_person(), service.status().presence) == (WaitingFor.PIN, Presence.PIN_NEEDED)
    service.unlock(PIN)
    assert identity.needs_person() is None


def test_the_card_of_somebody_else_is_a_missing_card(rig: CardRig) -> None:
    service = rig.open()
    identity = identity_of(service, OTHER_HOLDER)
    assert identity.needs_person() is WaitingFor.CARD
    assert identity.label == MAILBOX
    assert identity_of(service, HOLDER).needs_person() is None


def test_what_hinders_it_is_told_exactly(rig: CardRig) -> None:
    service = rig.service()
    service.look()
    hindered = hindrance(identity_of(service))
    assert hindered is not None
    assert (hindered.waiting_for, hindered.reason.code) == (WaitingFor.PIN, "PIN")


def test_a_context_gets_the_key_of_an_open_card_only(rig: CardRig) -> None:
    service = rig.service()
    service.look()
    identity = identity_of(service)
    with pytest.raises(IdentityUnavailable):
        identity.apply_to(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    service.unlock(PIN)
    identity.apply_to(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert rig.count("Signing") == 0


def test_its_revision_is_that_of_the_card(rig: CardRig) -> None:
    service = rig.service()
    identity = identity_of(service)
    assert identity.revision() == "none"
    service.unlock(PIN)
    opened = identity.revision()
    assert opened == service.revision(CardChoice())
    service.lock()
    assert identity.revision() != opened
