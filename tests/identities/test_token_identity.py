"""What is said with a token, and that every key for the handshake goes with every way to say who we are."""

import ssl
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from connector.domain.address import MailboxAddress
from connector.domain.errors import ConfigurationError, ConnectorError, NeedsPerson, Unavailable
from connector.domain.states import WaitingFor
from connector.identities import (
    Hindrance,
    Identity,
    IdentityServices,
    IdentityUnavailable,
    TokenStore,
    hindrance,
    make_identity,
)
from connector.identities.tls_key import TlsKey
from connector.identities.token import oauthbearer, xoauth2
from connector.settings.model import AuthMethod, CardChoice, IdentitySettings, SecretRef, ServerSettings
from connector.testing.clock import FakeClock
from tests.servers.pki import Pki
from tests.tls_key.keys import Profile, software_key

ME = MailboxAddress("dr.modele", "cabinet.mssante.test")
TOKEN = "eyJ.token.x"
SERVER = ServerSettings(host="mail.exemple.test", port=587)
SASL = {
    "none": None, "external": "EXTERNAL", "plain": "PLAIN", "login": "LOGIN", "xoauth2": "XOAUTH2",
    "oauthbearer": "OAUTHBEARER",
}  # fmt: skip


class Today:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return 0.0


@dataclass
class Cards:
    """The card room, reduced to one card in the hand of the test."""

    made: TlsKey
    hindered: IdentityUnavailable | None = None
    wanted: int = 0

    def find(self, choice: CardChoice) -> None:
        return None

    def want(self, choice: CardChoice) -> None:
        self.wanted += 1

    def hindrance(self, choice: CardChoice) -> IdentityUnavailable | None:
        return self.hindered

    def key(self, choice: CardChoice) -> TlsKey:
        if self.hindered is not None:
            raise self.hindered
        return self.made

    def revision(self, choice: CardChoice) -> str:
        return "card"


@pytest.fixture(scope="module")
def cards(pki: Pki) -> Cards:
    return Cards(software_key(pki, Profile.CPS4))


def services(secret: str | ConnectorError = "s3cret", cards: Cards | None = None) -> IdentityServices:
    def read(_: SecretRef) -> str:
        if isinstance(secret, ConnectorError):
            raise secret
        return secret

    return IdentityServices(read_secret=read, clock=Today(), cards=cards, tokens=TokenStore(FakeClock()))


def settings_of(auth: str, **key: Any) -> IdentitySettings:
    password = {"env": "X"} if auth in ("plain", "login", "code") else None
    return IdentitySettings.model_validate({"auth": auth, "password": password, **key})


@pytest.fixture
def client(pki: Pki, tmp_path: Path) -> Path:
    return pki.client(str(ME)).write(tmp_path / "client.pem")


def test_xoauth2_is_said_byte_by_byte() -> None:
    said = xoauth2(str(ME), TOKEN)
    assert said.responses == (b"user=dr.modele@cabinet.mssante.test\x01auth=Bearer eyJ.token.x\x01\x01",)
    assert said.parting == b""


def test_oauthbearer_is_said_byte_by_byte_and_escapes_the_name() -> None:
    said = oauthbearer("a,b=c@x.test", TOKEN, host="mail.exemple.test", port=143)
    expected = b"n,a=a=2Cb=3Dc@x.test,\x01host=mail.exemple.test\x01port=143\x01auth=Bearer eyJ.token.x\x01\x01"
    assert (said.responses, said.parting) == ((expected,), b"\x01")
    assert oauthbearer("m@x.test", TOKEN).responses == (b"n,a=m@x.test,\x01auth=Bearer eyJ.token.x\x01\x01",)


def test_credentials_do_not_show_their_secret() -> None:
    assert TOKEN not in repr(xoauth2(str(ME), TOKEN))
    assert TOKEN not in repr(oauthbearer(str(ME), TOKEN))


@pytest.mark.parametrize(("key", "auth"), list(product(["nothing", "file", "card"], SASL)))
def test_each_key_goes_with_each_way_to_say_who_we_are(key: str, auth: str, client: Path, cards: Cards) -> None:
    tools = services(cards=cards)
    tools.tokens.put(ME, TOKEN)
    if key == "nothing" and auth in ("none", "external"):
        with pytest.raises(ValueError, match="certificate"):
            settings_of(auth)
        return
    keys: dict[str, dict[str, Any]] = {"nothing": {}, "file": {"certificate": client}, "card": {"card": {}}}
    chosen = keys[key]
    identity = make_identity(settings_of(auth, **chosen), ME, tools, server=SERVER)
    said = identity.sasl()
    assert (said.mechanism if said else None) == SASL[auth]
    assert identity.needs_person() is None
    assert hindrance(identity) is None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    identity.apply_to(context)
    assert str(ME) in identity.label


@pytest.mark.parametrize("auth", ["plain", "login", "xoauth2"])
def test_a_card_with_a_word_beside_it_needs_the_card_first_and_then_the_word(auth: str, cards: Cards) -> None:
    room = Cards(cards.made, IdentityUnavailable("PIN", "no PIN", WaitingFor.PIN))
    tools = services(Unavailable("SECRET_INDISPONIBLE", "locked"), room)
    identity = make_identity(settings_of(auth, card={}), ME, tools)
    first = hindrance(identity)
    assert first is not None
    assert (first.waiting_for, first.reason) == (WaitingFor.PIN, room.hindered)
    assert room.wanted > 0
    room.hindered = None
    found = hindrance(identity)
    assert found is not None
    assert (found.waiting_for, found.reason.code) == (
        (WaitingFor.TOKEN, "JETON_ABSENT") if auth == "xoauth2" else (WaitingFor.CREDENTIALS, "SECRET_INDISPONIBLE")
    )
    assert identity.revision().startswith("card")
    assert identity.label == str(ME)


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="this system has a key store of its own")
def test_a_certificate_of_the_key_store_goes_with_each_word_and_is_one_for_both_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tools = services()
    for auth, mechanism in SASL.items():
        first, second = (make_identity(settings_of(auth, key_store={}), ME, tools) for _ in range(2))
        found = hindrance(first)
        assert found is not None
        assert (found.waiting_for, found.reason.code) == (WaitingFor.SETTINGS, "MAGASIN_ABSENT")
        monkeypatch.setattr(type(only(tools.in_store.values())), "needs_person", lambda _: None)
        tools.tokens.put(ME, TOKEN)
        said = second.sasl()
        assert (said.mechanism if said else None) == mechanism
        assert second.needs_person() is None
        monkeypatch.undo()
    other = make_identity(settings_of("none", key_store={}), MailboxAddress("other", "x.test"), tools)
    assert len(tools.in_store) == 2
    assert other.label == "other@x.test"


def only(values: Iterable[Identity]) -> Identity:
    (value,) = values
    return value


def test_a_card_where_there_is_no_card_room_is_a_clear_error() -> None:
    with pytest.raises(ConfigurationError) as failure:
        make_identity(settings_of("external", card={}), ME, services())
    assert failure.value.code == "REGLAGE_INVALIDE"


@pytest.mark.parametrize("auth", ["xoauth2", "oauthbearer"])
def test_a_token_waits_with_its_reason_and_goes_on_with_the_next_one(auth: str) -> None:
    tools = services()
    identity = make_identity(settings_of(auth), ME, tools)
    assert identity.needs_person() is WaitingFor.TOKEN
    found = hindrance(identity)
    assert found is not None
    assert (found.waiting_for, found.reason.code) == (WaitingFor.TOKEN, "JETON_ABSENT")
    tools.tokens.put(ME, TOKEN)
    assert hindrance(identity) is None
    said = identity.sasl()
    assert said is not None
    assert said.on_refusal is not None
    said.on_refusal()
    found = hindrance(identity)
    assert found is not None
    assert found.reason.code == "JETON_REFUSE"


def test_the_alternative_of_a_token_hears_of_its_refusal_too() -> None:
    tools = services()
    tools.tokens.put(ME, TOKEN)
    said = make_identity(settings_of("xoauth2"), ME, tools, server=SERVER).sasl()
    assert said is not None
    assert said.alternative is not None
    assert said.alternative.mechanism == "OAUTHBEARER"
    assert b"host=mail.exemple.test\x01port=587" in said.alternative.responses[0]
    assert said.alternative.on_refusal is not None
    said.alternative.on_refusal()
    assert tools.tokens.status(ME).code == "JETON_REFUSE"


def test_the_user_name_of_the_settings_is_said_and_the_token_is_that_of_the_mailbox() -> None:
    tools = services()
    tools.tokens.put(ME, TOKEN)
    said = make_identity(settings_of("xoauth2", username="autre@x.test"), ME, tools).sasl()
    assert said is not None
    assert said.responses[0].startswith(b"user=autre@x.test\x01")


@pytest.mark.parametrize("key", ["nothing", "file"])
def test_only_the_end_of_the_sessions_makes_open_ones_stale(key: str, client: Path) -> None:
    tools = services()
    identity = make_identity(settings_of("xoauth2", **({"certificate": client} if key == "file" else {})), ME, tools)
    before = identity.revision()
    tools.tokens.put(ME, TOKEN)
    tools.tokens.forget(ME)
    assert identity.revision() == before
    tools.tokens.close(ME)
    after = identity.revision()
    assert after != before
    client.write_bytes(client.read_bytes() + b"\n")
    assert (identity.revision() != after) == (key == "file")


def test_a_one_time_code_is_nothing_for_smtp_and_imap() -> None:
    with pytest.raises(ConfigurationError) as failure:
        make_identity(settings_of("code"), ME, services())
    assert failure.value.code == "CODE_SANS_OPERATEUR"


@pytest.mark.parametrize(
    ("secret", "waiting_for", "code"),
    [
        (Unavailable("SECRET_INDISPONIBLE", "locked"), WaitingFor.CREDENTIALS, "SECRET_INDISPONIBLE"),
        (ConfigurationError("SECRET_ABSENT", "none"), WaitingFor.SETTINGS, "SECRET_ABSENT"),
        (NeedsPerson("SECRET_INDISPONIBLE", "ask"), WaitingFor.CREDENTIALS, "SECRET_INDISPONIBLE"),
    ],
)
def test_a_secret_that_cannot_be_had_says_why(secret: ConnectorError, waiting_for: WaitingFor, code: str) -> None:
    found = hindrance(make_identity(settings_of("plain"), ME, services(secret)))
    assert found == Hindrance(waiting_for, secret)
    assert found.reason.code == code


def test_a_certificate_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    found = hindrance(make_identity(settings_of("none", certificate=tmp_path / "absent.pem"), ME, services()))
    assert found is not None
    assert (found.waiting_for, found.reason.code) == (WaitingFor.SETTINGS, "CERTIFICAT_INVALIDE")


@pytest.mark.parametrize("waiting_for", list(WaitingFor))
def test_an_identity_that_changes_its_mind_still_has_a_reason(waiting_for: WaitingFor) -> None:
    class Fickle:
        label = "x"

        def revision(self) -> str:
            return ""

        def apply_to(self, context: ssl.SSLContext) -> None: ...

        def sasl(self) -> None: ...

        def needs_person(self) -> WaitingFor:
            return waiting_for

    fickle: Identity = Fickle()
    found = hindrance(fickle)
    assert found is not None
    assert isinstance(found.reason, IdentityUnavailable)
    assert found.waiting_for is found.reason.waiting_for is waiting_for


def test_every_way_is_in_this_matrix() -> None:
    assert set(SASL) == {method.value for method in AuthMethod} - {"code"}
