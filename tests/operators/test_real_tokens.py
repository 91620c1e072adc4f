"""Access tokens at a real Dovecot, and at a real Postfix that asks it."""

from collections.abc import Callable, Iterator

import pytest

from connector.identities import Identity, IdentityServices, IdentityUnavailable, TokenStore, make_identity
from connector.operators.errors import TokenRefused
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from connector.settings.model import IdentitySettings, SecretRef
from tests.servers.clock import WallClock
from tests.servers.mail import Submitter, envelope_for
from tests.servers.operator import MailOperator

pytestmark = pytest.mark.servers


def no_secret(reference: SecretRef) -> str:
    raise AssertionError(f"no secret is needed: {reference}")


class Access:
    """One mailbox, its tokens, and both ways to log in."""

    def __init__(self, operator: MailOperator, auth: str) -> None:
        self.operator = operator
        self.me = operator.new_mailbox()
        self.you = operator.new_mailbox("dr.correspondant")
        self.store = TokenStore(WallClock())
        self.auth = auth
        self.receiver = ImapReceiver(operator.settings(), self.identity())
        self.desk = Submitter(SmtpSender(operator.settings(), self.identity()))

    def identity(self) -> Identity:
        services = IdentityServices(read_secret=no_secret, clock=WallClock(), tokens=self.store)
        return make_identity(IdentitySettings.model_validate({"auth": self.auth}), self.me, services)

    def give(self, token: str) -> None:
        self.store.put(self.me, token)

    def look(self) -> object:
        return self.receiver.list_new("INBOX", known_after=None)

    def send(self) -> object:
        return self.desk.submit(envelope_for(self.me, self.you, delivery_receipt=False))

    @property
    def ways(self) -> list[Callable[[], object]]:
        return [self.look, self.send]


@pytest.fixture(params=["xoauth2", "oauthbearer"])
def access(token_operator: MailOperator, request: pytest.FixtureRequest) -> Iterator[Access]:
    made = Access(token_operator, str(request.param))
    with made.desk:
        yield made
        made.receiver.close()


def test_a_good_token_opens_both_doors(access: Access) -> None:
    access.give(access.operator.issuer.token(access.me))
    access.send()
    access.look()
    assert len(access.operator.wait_for_messages(access.you)) == 1


def test_a_token_as_long_as_they_come_opens_both_doors(access: Access) -> None:
    token = access.operator.issuer.token(access.me, padding=1500)
    assert len(token) > 1500
    access.give(token)
    for way in access.ways:
        way()


@pytest.mark.parametrize("kind", ["forged", "of somebody else"])
def test_a_bad_token_is_refused_once_and_the_next_one_opens(access: Access, kind: str) -> None:
    issuer = access.operator.issuer
    for way in access.ways:
        access.give(issuer.token(access.me, genuine=False) if kind == "forged" else issuer.token(access.you))
        with pytest.raises(TokenRefused) as refusal:
            way()
        assert '"status"' in refusal.value.answer
        with pytest.raises(IdentityUnavailable):
            way()
        access.give(issuer.token(access.me))
        way()


def test_an_open_session_outlives_its_token_and_ends_when_told(access: Access) -> None:
    access.give(access.operator.issuer.token(access.me))
    for way in access.ways:
        way()
    access.store.forget(access.me)
    for way in access.ways:
        way()
    access.store.close(access.me)
    for way in access.ways:
        with pytest.raises(IdentityUnavailable):
            way()
