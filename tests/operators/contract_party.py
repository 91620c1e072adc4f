"""The operators that the contract is tried on: real servers, the embedded one, the double in memory."""

import ssl
import time
from dataclasses import dataclass, field
from typing import Protocol

from connector.domain.address import MailboxAddress
from connector.domain.states import WaitingFor
from connector.identities import (
    Identity,
    IdentityServices,
    PasswordIdentity,
    SaslCredentials,
    make_identity,
    plain,
)
from connector.operators.base import OutgoingEnvelope, Receiver, Sender
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from connector.sandbox.operator import EmbeddedOperator
from connector.settings.model import IdentitySettings, OperatorSettings, SecretRef
from connector.testing.operator import FakeOperator
from tests.servers.clock import WallClock
from tests.servers.mail import envelope_for
from tests.servers.operator import MailOperator

__all__ = [
    "ME",
    "YOU",
    "EmbeddedParty",
    "FakeParty",
    "Holder",
    "Party",
    "RealParty",
    "arrived",
    "stranger",
    "unreceipted",
]

ME = MailboxAddress("dr.modele", "cabinet.mssante.test")
YOU = MailboxAddress("dr.correspondant", "cabinet.mssante.test")


@dataclass
class Holder:
    """An identity that the test can make another one: as when the card is pulled, or the certificate renewed."""

    inner: Identity
    number: int = 0

    @property
    def label(self) -> str:
        return self.inner.label

    def revision(self) -> str:
        return f"{self.inner.revision()}/{self.number}"

    def apply_to(self, context: ssl.SSLContext) -> None:
        self.inner.apply_to(context)

    def sasl(self) -> SaslCredentials | None:
        return self.inner.sasl()

    def needs_person(self) -> WaitingFor | None:
        return self.inner.needs_person()


class Party(Protocol):
    """One operator with two mailboxes."""

    me: MailboxAddress
    you: MailboxAddress
    holder: Holder

    def sender(self) -> Sender: ...

    def receiver(self) -> Receiver: ...

    def deliver(self, raw: bytes) -> None:
        """Put a message into our INBOX."""

    def messages(self, address: MailboxAddress, folder: str = "INBOX") -> list[bytes]: ...


@dataclass
class RealParty:
    operator: MailOperator
    me: MailboxAddress
    you: MailboxAddress
    holder: Holder = field(init=False)

    def __post_init__(self) -> None:
        self.holder = Holder(self.operator.identity_for(self.me))

    def sender(self) -> Sender:
        return SmtpSender(self.operator.settings(), self.holder)

    def receiver(self) -> Receiver:
        return ImapReceiver(self.operator.settings(), self.holder)

    def deliver(self, raw: bytes) -> None:
        self.operator.deliver(raw, self.me)

    def messages(self, address: MailboxAddress, folder: str = "INBOX") -> list[bytes]:
        return [raw.replace(b"\n", b"\r\n") for raw in self.operator.messages(address, folder)]


@dataclass
class EmbeddedParty:
    operator: EmbeddedOperator
    me: MailboxAddress = ME
    you: MailboxAddress = YOU

    holder: Holder = field(init=False)

    def __post_init__(self) -> None:
        identity = IdentitySettings(certificate=self.operator.client_certificate(str(self.me)))
        services = IdentityServices(read_secret=_no_secret, clock=WallClock())
        self.holder = Holder(make_identity(identity, self.me, services))

    def sender(self) -> Sender:
        return SmtpSender(self._settings(), self.holder)

    def receiver(self) -> Receiver:
        return ImapReceiver(self._settings(), self.holder)

    def deliver(self, raw: bytes) -> None:
        self.operator.deliver(str(self.me), raw)

    def messages(self, address: MailboxAddress, folder: str = "INBOX") -> list[bytes]:
        return self.operator.messages(str(address), folder)

    def _settings(self) -> OperatorSettings:
        return OperatorSettings.model_validate({
            "smtp": {"host": "localhost", "port": self.operator.smtp_port},
            "imap": {"host": "localhost", "port": self.operator.imap_port},
            "tls": {"trust": [self.operator.trust_file], "crl": [self.operator.crl_file]},
            "max_message_bytes": 40_000_000,
            "sent_folder": "Sent", "files_sent_messages": True,
        })  # fmt: skip


@dataclass
class FakeParty:
    operator: FakeOperator
    me: MailboxAddress = ME
    you: MailboxAddress = YOU
    holder: Holder = field(default_factory=lambda: Holder(PasswordIdentity(credentials=_password, label=str(ME))))

    def sender(self) -> Sender:
        return self.operator.sender(self.me, self.holder)

    def receiver(self) -> Receiver:
        return self.operator.receiver(self.me, self.holder)

    def deliver(self, raw: bytes) -> None:
        self.operator.deliver(self.me, raw)

    def messages(self, address: MailboxAddress, folder: str = "INBOX") -> list[bytes]:
        return self.operator.messages(address, folder)


def _password() -> SaslCredentials:
    return plain(str(ME), "secret")


def _no_secret(reference: SecretRef) -> str:
    raise AssertionError(f"no secret is needed: {reference}")


def arrived(party: Party, address: MailboxAddress, count: int = 1, folder: str = "INBOX") -> list[bytes]:
    """The messages once there are so many."""
    until = time.monotonic() + 30
    while len(found := party.messages(address, folder)) < count and time.monotonic() < until:
        time.sleep(0.02)
    assert len(found) >= count
    return found


def unreceipted(party: Party, *recipients: MailboxAddress) -> OutgoingEnvelope:
    return envelope_for(party.me, *recipients, delivery_receipt=False)


def stranger(party: Party) -> MailboxAddress:
    return MailboxAddress("personne", party.me.domain)
