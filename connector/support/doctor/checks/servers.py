"""The operators' servers, seen from here: name, port, TLS. Each step is tried only after the one before it."""

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from connector.domain.errors import ConnectorError
from connector.domain.text import Text
from connector.identities import Identity
from connector.operators.errors import AuthenticationRefused, ConnectionFailed
from connector.operators.trust import Trust
from connector.settings.model import MailboxSettings, OperatorSettings, ServerSettings
from connector.support.doctor.check import Check, Gives, Group, Need, Part
from connector.support.doctor.finding import Finding, error, ok, refusal, warning
from connector.support.doctor.handshake import Negotiated, negotiate_imap, negotiate_smtp
from connector.support.doctor.readiness import ready_identity
from connector.support.doctor.world import World

__all__ = ["CHECKS"]

SERVER_ENDS_SOON = timedelta(days=30)
_Negotiate = Callable[[OperatorSettings, Identity | None, Trust], Negotiated]


def _servers(world: World) -> Iterator[Part]:
    for name, operator in world.operators.items():
        used = [mailbox for mailbox in world.mailboxes if mailbox.operator == name]
        if any(mailbox.send for mailbox in used):
            yield partial(_server, world, used, operator.smtp, negotiate_smtp)
        if any(mailbox.receive for mailbox in used):
            yield partial(_server, world, used, operator.imap, negotiate_imap)


def _server(
    world: World, mailboxes: list[MailboxSettings], server: ServerSettings, negotiate: _Negotiate
) -> Iterator[Finding]:
    operator = world.known.operators[mailboxes[0].operator]
    subject = f"{server.host}:{server.port}"
    unreachable = _reach(server, subject, operator.connect_seconds)
    if unreachable is not None:
        yield unreachable
        return
    yield ok("SERVEUR_JOIGNABLE", subject)
    found = (ready_identity(world, mailbox) for mailbox in mailboxes)
    identity = next((ready for ready in found if not isinstance(ready, Text)), None)
    try:
        seen = negotiate(operator, identity, world.trust)
    except ConnectorError as failure:
        yield _refused(failure, subject, is_anonymous=identity is None)
        return
    yield from _agreed(seen, subject, world)


def _reach(server: ServerSettings, subject: str, seconds: float) -> Finding | None:
    """What keeps us from the port; ``None`` when it can be reached."""
    try:
        socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as failure:
        return error("DNS_ECHEC", subject, f"{server.host}: {type(failure).__name__}")
    try:
        socket.create_connection((server.host, server.port), timeout=seconds).close()
    except ConnectionRefusedError:
        return error("SERVEUR_REFUSE", subject)
    except OSError as failure:
        return error("SERVEUR_MUET", subject, type(failure).__name__)
    return None


def _refused(failure: ConnectorError, subject: str, *, is_anonymous: bool) -> Finding:
    """A server may end the handshake because it sees no certificate of ours; that says nothing against it."""
    wants_certificate = isinstance(failure, AuthenticationRefused) or (
        isinstance(failure, ConnectionFailed) and "HANDSHAKE_FAILURE" in failure.detail
    )
    if is_anonymous and wants_certificate:
        return warning("TLS_SANS_IDENTITE", subject, failure.detail)
    return refusal(failure, subject)


def _agreed(seen: Negotiated, subject: str, world: World) -> Iterator[Finding]:
    text = f"{seen.version} {seen.suite}, CN={seen.server}, {seen.not_after:%Y-%m-%d}"
    if seen.not_after - world.clock.now() < SERVER_ENDS_SOON:
        yield warning("SERVEUR_BIENTOT_EXPIRE", subject, text)
    else:
        yield ok("TLS_OK", subject, text)


CHECKS = (
    Check(
        name="servers", group=Group.OPERATORS, title=Text("serveurs", "servers"), parts=_servers, seconds=60.0,
        needs=frozenset({Need.SETTINGS, Need.NETWORK}),
        gives=Gives(
            ok=("SERVEUR_JOIGNABLE", "TLS_OK"), warning=("TLS_SANS_IDENTITE", "SERVEUR_BIENTOT_EXPIRE"),
            error=("DNS_ECHEC", "SERVEUR_REFUSE", "SERVEUR_MUET"),
            passes=(
                "AUTHENTIFICATION", "CRL_ABSENTE", "CRL_INVALIDE", "CRL_PERIMEE", "OPERATEUR_INJOIGNABLE",
                "REGLAGE_INVALIDE", "SERVEUR_AUTORITE", "SERVEUR_EXPIRE", "SERVEUR_FUTUR", "SERVEUR_NOM",
                "SERVEUR_NON_FIABLE", "SERVEUR_REVOQUE", "STARTTLS_ABSENT", "TLS_NON_CONFORME", "TRUST_ILLISIBLE",
                "TRUST_VIDE",
            ),
        ),
    ),
)  # fmt: skip
"""In the order in which they are told."""
