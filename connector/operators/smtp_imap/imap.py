"""One IMAP connection: open it over STARTTLS, prove who we are, and say what each failure means."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import (
    CapabilityError,
    IMAPClientAbortError,
    IMAPClientError,
    ProtocolError,
)

from connector.domain.errors import ConnectorError
from connector.identities.base import Identity
from connector.operators.errors import (
    ConnectionFailed,
    OperatorError,
    PermanentRefusal,
    TemporaryRefusal,
    TokenRefused,
    own_cause,
)
from connector.operators.smtp_imap.answer import clean
from connector.operators.smtp_imap.imap_auth import PASSING, authenticate
from connector.operators.smtp_imap.sasl import may_show_another, refused_again
from connector.operators.tls import TlsPolicy, handshake, tls_failure
from connector.settings.model import OperatorSettings

__all__ = ["ImapConnection", "failures", "open_connection"]

ImapConnection = Any
"""``imapclient.IMAPClient``, which comes without types."""

_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 3}  # where the system has them


def open_connection(settings: OperatorSettings, tls: TlsPolicy, identity: Identity) -> ImapConnection:
    """Connect, upgrade to TLS before anything else is said, authenticate.

    A refused token is followed by one more connection when another one has come meanwhile.

    Raises:
        ConnectionFailed: nothing there, no STARTTLS, PREAUTH in clear, TLS fails, two tokens in a row are refused.
        AuthenticationRefused: the server does not accept our certificate or our credentials.
        LoginDeferred: the server cannot check them now.
        NeedsPerson: the identity is not ready.
    """
    try:
        return _open(settings, tls, identity)
    except TokenRefused:
        if not may_show_another(identity):
            raise
    try:
        return _open(settings, tls, identity)
    except TokenRefused as refusal:
        raise refused_again(refusal) from refusal


def _open(settings: OperatorSettings, tls: TlsPolicy, identity: Identity) -> ImapConnection:
    client: ImapConnection = None
    context = tls.context()
    try:
        with failures():
            with handshake():
                client = _connect(settings, context)
                _keep_alive(client.socket())
                _secure(client, settings, context)
            tls.approve(client.socket())
            authenticate(client, identity, initial_response=settings.sasl_initial_response)
    except BaseException:
        shut(client)
        raise
    return client


def shut(client: ImapConnection | None) -> None:
    """Drop a connection without a word; never raises."""
    if client is not None:
        with contextlib.suppress(OSError, IMAPClientError):
            client.shutdown()


@contextlib.contextmanager
def failures() -> Iterator[None]:
    """Turn what imapclient, imaplib, ssl and sockets raise into errors of ours."""
    try:
        yield
    except ConnectorError:
        raise
    except CapabilityError as error:
        raise ConnectionFailed("STARTTLS_ABSENT", clean(str(error))) from error
    except ssl.SSLError as error:
        raise own_cause(error) or tls_failure(error) from error
    except (IMAPClientAbortError, ProtocolError, OSError, ValueError) as error:
        # a time-out is an OSError; imapclient's parser raises ValueError for some answers that make no sense
        raise ConnectionFailed("OPERATEUR_INJOIGNABLE", clean(f"{type(error).__name__}: {error}")) from error
    except IMAPClientError as error:
        raise _refusal(error) from error


def _connect(settings: OperatorSettings, context: ssl.SSLContext) -> ImapConnection:
    client = IMAPClient(
        settings.imap.host, port=settings.imap.port, ssl=settings.imap.tls == "implicit", ssl_context=context,
        timeout=SocketTimeout(connect=settings.connect_seconds, read=settings.answer_seconds),
    )  # fmt: skip
    client.normalise_times = False  # aware datetimes
    client._imap.debug = 0  # imapclient sets 5, which formats every line, secrets included, for a log
    return client


def _secure(client: ImapConnection, settings: OperatorSettings, context: ssl.SSLContext) -> None:
    if settings.imap.tls == "implicit":
        return
    if client._imap.state != "NONAUTH":  # PREAUTH in clear: STARTTLS is no longer possible, who speaks is unknown
        raise ConnectionFailed("STARTTLS_ABSENT", "the IMAP server logs in before TLS")
    client.socket().settimeout(settings.connect_seconds)
    client.starttls(context)
    client.socket().settimeout(settings.answer_seconds)


def _keep_alive(connection: socket.socket) -> None:
    """A dead line is noticed below us too."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _refusal(error: IMAPClientError) -> OperatorError:
    text = clean(str(error))
    if any(code in text for code in PASSING):
        return TemporaryRefusal("OPERATEUR_DIFFERE", "the IMAP server cannot do this now", answer=text)
    return PermanentRefusal("OPERATEUR_REFUS", "the IMAP server refused a command", answer=text)
