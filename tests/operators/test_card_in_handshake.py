"""A card that is pulled while it should sign: the error that it gave comes out of the handshake, not "network"."""

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from connector.domain.errors import ConnectorError
from connector.domain.states import WaitingFor
from connector.identities import IdentityUnavailable, SaslCredentials, external
from connector.identities.tls_key import Padding, TlsKey, attach
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from tests.servers.mail import Submitter
from tests.servers.operator import MailOperator
from tests.servers.pki import Pki
from tests.tls_key.keys import SoftwareSigner, certify, private_key

pytestmark = pytest.mark.servers

PULLED = IdentityUnavailable("CARTE_ABSENTE", "the card was pulled", WaitingFor.CARD)


@dataclass
class Signer:
    """The card's key, until it is pulled."""

    inner: SoftwareSigner
    pulled: bool = False

    def sign(
        self, digest: bytes, *, hash: str, padding: Padding | None, salt_length: int | None  # noqa: A002
    ) -> bytes:  # fmt: skip
        if self.pulled:
            raise PULLED
        return self.inner.sign(digest, hash=hash, padding=padding, salt_length=salt_length)


@dataclass
class Holder:
    """An identity with such a key."""

    key: TlsKey
    name: str
    label: str = "Dr Alix EXEMPLE"

    def revision(self) -> str:
        return ""

    def apply_to(self, context: ssl.SSLContext) -> None:
        attach(context, self.key)

    def sasl(self) -> SaslCredentials:
        return external(self.name)

    def needs_person(self) -> WaitingFor | None:
        return None


@dataclass
class Scene:
    signer: Signer
    connect: Callable[[], object]


@pytest.fixture(params=["smtp", "imap"])
def scene(operator: MailOperator, pki: Pki, request: pytest.FixtureRequest) -> Iterator[Scene]:
    me, key = operator.new_mailbox(), private_key()
    certificate, chain = certify(pki, key.public_key(), str(me))
    signer = Signer(SoftwareSigner(key))
    holder = Holder(TlsKey(certificate, signer, chain, can_pss=True), str(me))
    settings = operator.settings()
    if request.param == "smtp":
        with Submitter(SmtpSender(settings, holder)) as desk:
            yield Scene(signer, lambda: desk.run(desk.sender.limits()))
    else:
        receiver = ImapReceiver(settings, holder)
        yield Scene(signer, partial(receiver.list_new, "INBOX", known_after=None))
        receiver.close()


def test_a_card_that_is_pulled_in_the_handshake_is_what_the_caller_hears_of(scene: Scene) -> None:
    scene.signer.pulled = True
    with pytest.raises(ConnectorError) as failure:
        scene.connect()
    assert failure.value is PULLED
    scene.signer.pulled = False
    scene.connect()
