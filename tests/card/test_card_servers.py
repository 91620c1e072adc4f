"""Cards at a real Postfix and a real Dovecot that demand the certificate: each profile, way in, and TLS version."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError, ConnectorError
from connector.domain.states import WaitingFor
from connector.identities.base import external
from connector.identities.card.identity import CardIdentity
from connector.identities.card.service import CardService
from connector.identities.card.status import Presence
from connector.identities.factory import IdentityServices
from connector.operators.base import Receiver, Sender
from connector.operators.factory import make_receiver, make_sender
from connector.settings.model import CardChoice, IdentitySettings, MailboxSettings, OperatorSettings
from tests.card.rig import CPS3, CPS4, PIN, RAW_RSA, CardRig, Deck, make_deck, personal_objects
from tests.servers.clock import WallClock
from tests.servers.dovecot import Dovecot
from tests.servers.mail import Submitter, envelope_for
from tests.servers.operator import DOMAIN, MailOperator
from tests.servers.pki import Pki
from tests.servers.postfix import Postfix
from tests.servers.process import free_port

pytestmark = pytest.mark.servers

ANY = CardChoice()
MAILBOX = MailboxAddress("dr.modele.599", DOMAIN)  # the last one that the operator knows; no other test gets so far


@dataclass
class DovecotBothWays(Dovecot):
    """One more port, with TLS from the first byte."""

    implicit_port: int = field(default_factory=free_port)

    def _config(self) -> str:
        listener = f"inet_listener imaps {{\n    port = {self.implicit_port}\n    ssl = yes\n  }}"
        return super()._config() + f"service imap-login {{\n  {listener}\n}}\n"


@dataclass
class PostfixBothWays(Postfix):
    """One more port, with TLS from the first byte."""

    implicit_port: int = field(default_factory=free_port)

    def _write_config(self) -> None:
        super()._write_config()
        with (self.config / "master.cf").open("a") as file:
            file.write(f"127.0.0.1:{self.implicit_port} inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n")


@dataclass
class OperatorBothWays(MailOperator):
    """Postfix and Dovecot on two ports each."""

    @cached_property
    def dovecot(self) -> DovecotBothWays:
        return DovecotBothWays(self._folder("dovecot"), self.pki)

    @cached_property
    def postfix(self) -> PostfixBothWays:
        mailboxes = frozenset({str(MAILBOX)})
        return PostfixBothWays(self._folder("postfix"), self.pki, self.dovecot.mail, (DOMAIN,), mailboxes=mailboxes)

    def ways_in(self, *, implicit: bool, minimum: str, maximum: str) -> OperatorSettings:
        """How to reach it."""
        tls = "implicit" if implicit else "starttls"
        smtp = self.postfix.implicit_port if implicit else self.postfix.port
        imap = self.dovecot.implicit_port if implicit else self.dovecot.port
        described = self.settings_for()
        described["smtp"] = {"host": "localhost", "port": smtp, "tls": tls}
        described["imap"] = {"host": "localhost", "port": imap, "tls": tls}
        described["tls"] |= {"minimum": minimum, "maximum": maximum}
        return OperatorSettings.model_validate(described)


@pytest.fixture(scope="module")
def both_ways(pki: Pki) -> Iterator[OperatorBothWays]:
    operator = OperatorBothWays(pki)
    try:
        operator.start()
        yield operator
    finally:
        operator.stop()


@pytest.fixture(scope="module")
def mailbox_card(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Deck:
    """A card whose common name is the user that the servers know."""
    return make_deck(tmp_path_factory.mktemp("mailbox") / "deck", ("CPS", personal_objects(pki, str(MAILBOX))))


@dataclass
class Sessions:
    """Sender and receiver of the mailbox over one card."""

    service: CardService
    operator: OperatorBothWays
    settings: OperatorSettings

    @cached_property
    def identity(self) -> CardIdentity:
        return CardIdentity(
            cards=self.service, choice=ANY, credentials=partial(external, str(MAILBOX)), fallback_label=str(MAILBOX)
        )

    def sender(self) -> Sender:
        return make_sender(self._mailbox, self.settings, self._services, identity=self.identity)

    def receiver(self) -> Receiver:
        return make_receiver(self._mailbox, self.settings, self._services, identity=self.identity)

    @property
    def _mailbox(self) -> MailboxSettings:
        return MailboxSettings(
            address=MAILBOX, operator="o", identity=IdentitySettings(card=ANY), given="Alix", family="MODELE"
        )

    @property
    def _services(self) -> IdentityServices:
        return IdentityServices(read_secret=str, clock=WallClock(), cards=self.service)


@pytest.fixture
def card(rig: CardRig, mailbox_card: Deck) -> CardRig:
    rig.deal(mailbox_card)
    return rig


def _sessions(service: CardService, operator: OperatorBothWays, **changes: Any) -> Sessions:
    ways: dict[str, Any] = {"implicit": False, "minimum": "1.2", "maximum": "1.2"} | changes
    return Sessions(service, operator, operator.ways_in(**ways))


@dataclass(frozen=True)
class Way:
    """A kind of card, a TLS version, and the mechanism that both lead to."""

    profile: str
    version: str
    mechanism: str


_WAYS = [
    pytest.param(Way(CPS3, "1.2", "1"), id="CPS3-1.2"),
    pytest.param(Way(CPS4, "1.2", "d"), id="CPS4-1.2"),
    pytest.param(Way(CPS4, "1.3", "d"), id="CPS4-1.3"),
    pytest.param(Way(RAW_RSA, "1.2", "3"), id="raw-1.2"),
    pytest.param(Way(RAW_RSA, "1.3", "3"), id="raw-1.3"),
]


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
@pytest.mark.parametrize("way", _WAYS)
def test_a_mailbox_is_read_and_written_to_with_one_signature_for_each_connection(
    card: CardRig, both_ways: OperatorBothWays, way: Way, implicit: bool
) -> None:
    card.control(way.profile)
    service = card.open()
    sessions = _sessions(service, both_ways, implicit=implicit, minimum=way.version, maximum=way.version)
    with Submitter(sessions.sender()) as submitter:
        sent = [submitter.submit(envelope_for(MAILBOX, MAILBOX)) for _ in range(2)]
    assert [one.code for one in sent] == [250, 250]
    assert sent[0].tls.startswith(f"TLSv{way.version} ")
    assert (card.count("Signed"), card.count(f"SignInit {way.mechanism}")) == (1, 1)
    receiver = sessions.receiver()
    for _ in range(2):
        receiver.list_new("INBOX", known_after=None)
    receiver.close()
    assert (card.count("Signed"), card.count("Login pin"), service.status().signatures) == (2, 1, 2)


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
def test_a_cps3_makes_tls_12_of_whatever_the_settings_allow(
    card: CardRig, both_ways: OperatorBothWays, implicit: bool
) -> None:
    card.control(CPS3)
    sessions = _sessions(card.open(), both_ways, implicit=implicit, maximum="1.3")
    with Submitter(sessions.sender()) as submitter:
        assert submitter.submit(envelope_for(MAILBOX, MAILBOX)).tls.startswith("TLSv1.2 ")


def test_a_cps3_and_settings_that_demand_tls_13(card: CardRig, both_ways: OperatorBothWays) -> None:
    card.control(CPS3)
    sessions = _sessions(card.open(), both_ways, minimum="1.3", maximum="1.3")
    with pytest.raises(ConfigurationError) as refusal:
        sessions.receiver().list_new("INBOX", known_after=None)
    assert refusal.value.code == "CARTE_TLS12"
    assert card.count("Signing") == 0


# --- the card goes -------------------------------------------------------------------------------------------------


def test_a_card_that_is_locked_or_pulled_is_asked_for_and_no_server_hears_of_it(
    card: CardRig, both_ways: OperatorBothWays
) -> None:
    service = card.service()
    service.look()
    sessions = _sessions(service, both_ways)
    heard = both_ways.dovecot.log()
    assert sessions.identity.needs_person() is WaitingFor.PIN
    assert service.status().presence is Presence.PIN_NEEDED
    assert _refusal(sessions.receiver()) == ("PIN", WaitingFor.PIN)
    card.control("removed")
    service.look()
    assert sessions.identity.needs_person() is WaitingFor.CARD
    assert _refusal(sessions.receiver()) == ("CARTE_ABSENTE", WaitingFor.CARD)
    assert both_ways.dovecot.log() == heard


def _refusal(receiver: Receiver) -> tuple[str, WaitingFor | None]:
    with pytest.raises(ConnectorError) as refusal:
        receiver.list_new("INBOX", known_after=None)
    receiver.close()
    return refusal.value.code, getattr(refusal.value, "waiting_for", None)


def test_a_card_pulled_in_the_middle_of_a_handshake_and_put_back(card: CardRig, both_ways: OperatorBothWays) -> None:
    service = card.open()
    receiver = _sessions(service, both_ways).receiver()
    card.control("hold")
    told: list[tuple[str, WaitingFor | None]] = []
    reading = threading.Thread(target=lambda: told.append(_refusal(receiver)))
    reading.start()
    card.wait_for("Signing")
    card.control("removed")
    reading.join(60)
    assert told == [("CARTE_ABSENTE", WaitingFor.CARD)]
    card.control()
    service.unlock(PIN)
    receiver.list_new("INBOX", known_after=None)
    receiver.close()
    assert (card.count("Signing"), card.count("Signed"), card.count("Login pin")) == (2, 1, 2)


def test_a_lost_session_is_a_matter_of_the_pin_and_is_not_signed_twice(
    card: CardRig, both_ways: OperatorBothWays
) -> None:
    service = card.open()
    sessions = _sessions(service, both_ways)
    receiver = sessions.receiver()
    receiver.list_new("INBOX", known_after=None)
    receiver.close()
    card.control("stay=2")
    assert _refusal(receiver) == ("PIN", WaitingFor.PIN)
    assert card.count("Signing") == 1
    service.unlock(PIN)
    receiver.list_new("INBOX", known_after=None)
    receiver.close()
    assert card.count("Signing", "Signed") == 4


# --- slow cards ----------------------------------------------------------------------------------------------------


def test_a_slow_signature_holds_up_neither_the_status_nor_a_loop(card: CardRig, both_ways: OperatorBothWays) -> None:
    """The card does not finish before a loop has run a thousand turns and asked for the status on each."""
    service = card.open()
    receiver = _sessions(service, both_ways).receiver()
    card.control("hold")
    reading = threading.Thread(target=lambda: receiver.list_new("INBOX", known_after=None))
    reading.start()
    card.wait_for("Signing")

    async def turns() -> int:
        asked = 0
        for _ in range(1000):
            assert service.status().presence is Presence.OPEN
            assert service.find(ANY) is not None
            assert service.hindrance(ANY) is None
            assert service.revision(ANY)
            asked += 1
            await asyncio.sleep(0)
        return asked

    assert asyncio.run(turns()) == 1000
    assert card.count("Signed") == 0
    card.control()
    reading.join(60)
    receiver.close()
    assert card.count("Signed") == 1


def test_several_mailboxes_wait_their_turn_at_a_slow_card(card: CardRig, both_ways: OperatorBothWays) -> None:
    card.control("slow=100")
    service = card.open()
    receivers = [_sessions(service, both_ways).receiver() for _ in range(6)]
    readers = [threading.Thread(target=partial(one.list_new, "INBOX", known_after=None)) for one in receivers]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(60)
    for receiver in receivers:
        receiver.close()
    assert (card.count("Signed"), card.count("Login pin")) == (6, 1)
