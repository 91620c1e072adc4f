"""Looking over the shoulder of a real connection: it goes as far as TLS, by the code that sends mail, and no further.

The connection is opened by the same sender or receiver that the connector works with. Only its identity is ours: it
lets the handshake be watched, and stops the talk at the moment when the first secret would be said.
"""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from cryptography import x509

from connector.domain.states import WaitingFor
from connector.identities.base import Identity, SaslCredentials
from connector.operators.smtp_imap import ImapReceiver, SmtpSender
from connector.operators.trust import Trust
from connector.operators.trust.certificates import common_name
from connector.settings.model import OperatorSettings

__all__ = ["Negotiated", "negotiate_imap", "negotiate_smtp"]


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What a handshake that was trusted ended in."""

    version: str  # TLSv1.2
    suite: str  # OpenSSL's name
    server: str  # common name of the certificate
    not_after: datetime  # of the certificate


class _Enough(Exception):
    """TLS is done and trusted; nothing was said."""


@dataclass(slots=True)
class _Onlooker:
    """An identity that never says who it is."""

    inner: Identity | None  # gives its certificate to the handshake
    seen: list[Negotiated] = field(default_factory=list)

    @property
    def label(self) -> str:
        return "doctor"

    def revision(self) -> str:
        return self.inner.revision() if self.inner is not None else ""

    def apply_to(self, context: ssl.SSLContext) -> None:
        if self.inner is not None:
            self.inner.apply_to(context)
        for name in ("sslsocket_class", "sslobject_class"):
            kind = getattr(context, name)
            watched = type(f"Watched{kind.__name__}", (_Watched, kind), {"seen": self.seen})
            setattr(context, name, watched)

    def sasl(self) -> SaslCredentials | None:
        raise _Enough

    def needs_person(self) -> WaitingFor | None:
        return None


class _Watched:
    """Mixin in front of ``SSLSocket`` or ``SSLObject``, both made to be replaced in a context."""

    seen: list[Negotiated]

    def do_handshake(self, *args: Any) -> None:
        connection = cast("Any", super())
        connection.do_handshake(*args)
        certificate = x509.load_der_x509_certificate(connection.getpeercert(True))
        name, ends = common_name(certificate.subject), certificate.not_valid_after_utc
        self.seen.append(Negotiated(connection.version(), connection.cipher()[0], name, ends))


def negotiate_smtp(operator: OperatorSettings, identity: Identity | None, trust: Trust) -> Negotiated:
    """Connect to the SMTP server up to TLS.

    Args:
        operator: servers, TLS policy.
        identity: gives its certificate to the handshake, says nothing; ``None`` = no certificate.
        trust: accepted authorities and lists.

    Raises:
        OperatorError, ConfigurationError, NeedsPerson: as when a message is sent.
    """
    onlooker = _Onlooker(identity)
    sender = SmtpSender(operator, onlooker, trust)

    async def talk() -> None:
        try:
            await sender.limits()
        finally:
            await sender.close()

    with suppress(_Enough):
        asyncio.run(talk())
    return onlooker.seen[-1]


def negotiate_imap(operator: OperatorSettings, identity: Identity | None, trust: Trust) -> Negotiated:
    """Connect to the IMAP server up to TLS; as :func:`negotiate_smtp`."""
    onlooker = _Onlooker(identity)
    receiver = ImapReceiver(operator, onlooker, trust)
    try:
        receiver.wait("INBOX", seconds=0, stop=lambda: True)
    except _Enough:
        pass
    finally:
        receiver.close()
    return onlooker.seen[-1]
