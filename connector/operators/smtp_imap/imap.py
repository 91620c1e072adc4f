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
    LoginError,
    ProtocolError,
)

from connector.identities.base import Identity, SaslCredentials, external
from connector.operators.errors import (
    AuthenticationRefused,
    ConnectionFailed,
    OperatorError,
    PermanentRefusal,
    TemporaryRefusal,
)
from connector.operators.smtp_imap.answer import clean
from connector.operators.tls import TlsPolicy, tls_failure
from connector.settings.model import OperatorSettings

__all__ = ["ImapConnection", "failures", "open_connection"]

ImapConnection = Any
"""``imapclient.IMAPClient``, which comes without types."""

_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[SERVERBUG]", "[LIMIT]", "[CONTACTADMIN]", "[OVERQUOTA]")  # RFC 5530
_KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 3}  # where the system has them


def open_connection(settings: OperatorSettings, tls: TlsPolicy, identity: Identity) -> ImapConnection:
    """Connect, upgrade to TLS before anything else is said, authenticate.

    Raises:
        ConnectionFailed: nothing there, no STARTTLS, PREAUTH in clear, TLS fails.
        AuthenticationRefused: the server does not accept our certificate or our credentials.
        TemporaryRefusal: the server cannot check them now.
    """
    client: ImapConnection = None
    context = tls.context()
    try:
        with failures():
            client = _connect(settings, context)
            _keep_alive(client.socket())
            _secure(client, settings, context)
            tls.approve(client.socket())
            _authenticate(client, identity)
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
    """Turn what imapclient, imaplib, ssl and sockets raise into operator errors."""
    try:
        yield
    except OperatorError:
        raise
    except LoginError as error:
        raise _login_failure(error) from error
    except CapabilityError as error:
        raise ConnectionFailed("STARTTLS_ABSENT", clean(str(error))) from error
    except ssl.SSLError as error:
        raise tls_failure(error) from error
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


def _authenticate(client: ImapConnection, identity: Identity) -> None:
    """Log in. IMAP has no way around it: without credentials the certificate speaks through EXTERNAL."""
    credentials = identity.sasl() or external("")
    if credentials.mechanism == "LOGIN":
        client.login(*(response.decode() for response in credentials.responses))
        return
    if not client.has_capability(f"AUTH={credentials.mechanism}"):
        raise AuthenticationRefused("AUTHENTIFICATION", f"the server does not offer {credentials.mechanism}")
    client.sasl_login(credentials.mechanism, _Player(credentials))


class _Player:
    """Answers challenges from the list; gives up when the server asks for more than there is."""

    def __init__(self, credentials: SaslCredentials) -> None:
        self._responses = iter(credentials.responses)

    def __call__(self, _challenge: bytes) -> bytes | None:
        return next(self._responses, None)


def _login_failure(error: LoginError) -> OperatorError:
    """Imapclient makes a login error of a lost connection too: that one says nothing about our identity."""
    text = clean(str(error))
    if isinstance(error.__context__, IMAPClientAbortError):
        return ConnectionFailed("OPERATEUR_INJOIGNABLE", f"connection lost while logging in ({text})")
    if any(code in text for code in _PASSING):
        return TemporaryRefusal("OPERATEUR_DIFFERE", "credentials cannot be checked now", answer=text)
    return AuthenticationRefused("AUTHENTIFICATION", "the IMAP server refused the credentials", answer=text)


def _refusal(error: IMAPClientError) -> OperatorError:
    text = clean(str(error))
    if any(code in text for code in _PASSING):
        return TemporaryRefusal("OPERATEUR_DIFFERE", "the IMAP server cannot do this now", answer=text)
    return PermanentRefusal("OPERATEUR_REFUS", "the IMAP server refused a command", answer=text)
