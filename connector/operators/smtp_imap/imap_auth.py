"""Saying who we are over IMAP (RFC 3501 6.2.2, RFC 4959)."""

from collections.abc import Iterable
from typing import Any

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from connector.identities.base import Identity, external
from connector.operators.errors import AuthenticationRefused, ConnectionFailed, LoginDeferred, OperatorError
from connector.operators.smtp_imap.sasl import SaslExchange, choose, not_offered

__all__ = ["PASSING", "authenticate"]

PASSING = ("[UNAVAILABLE]", "[INUSE]", "[SERVERBUG]", "[LIMIT]", "[CONTACTADMIN]", "[OVERQUOTA]")
"""Response codes of RFC 5530 for what may pass by itself."""

LONGEST_COMMAND = 1000  # RFC 2683 3.2.1.5; a longer initial response waits for the server's "+"
MOST_PARTINGS = 2


def authenticate(client: Any, identity: Identity, *, initial_response: bool) -> None:
    """Log in. IMAP has no way around it: without credentials the certificate speaks through EXTERNAL.

    Args:
        client: ``imapclient.IMAPClient``, connected over TLS, to a server that was trusted.
        identity: who we are.
        initial_response: the operator takes the first answer inside the command, if the server says so too.

    Raises:
        TokenRefused: also when the server hangs up once it has the token.
        AuthenticationRefused: it does not accept other credentials, or does not offer the mechanism.
        LoginDeferred: it cannot check them now.
        NeedsPerson: the identity is not ready.
        OSError, IMAPClientError: the connection is dead.
    """
    credentials = identity.sasl() or external("")
    if credentials.mechanism == "LOGIN":
        _play(client, SaslExchange(credentials), "LOGIN", *map(_quoted, credentials.responses))
        return
    offers = [capability.decode("ascii", "replace") for capability in client.capabilities()]
    chosen = choose(credentials, [offer[5:] for offer in offers if offer.startswith("AUTH=")])
    if chosen is None:
        raise not_offered(credentials)
    exchange = SaslExchange(chosen)
    room = LONGEST_COMMAND - len(f"AUTHENTICATE {chosen.mechanism} ")
    first = exchange.initial(allowed=initial_response and "SASL-IR" in offers, room=room)
    arguments = [chosen.mechanism.encode(), *([first] if first is not None else [])]
    client._imap.literal = _Challenged(exchange).process  # what imaplib.authenticate does, with room for the first
    _play(client, exchange, "AUTHENTICATE", *arguments)


class _Challenged:
    """Answers what comes after ``+``; imaplib wants a method."""

    def __init__(self, exchange: SaslExchange) -> None:
        self._exchange = exchange
        self._partings = 0

    def process(self, challenge: bytes) -> bytes:
        if self._exchange.is_told:
            self._partings += 1
        if self._partings > MOST_PARTINGS:
            raise ConnectionFailed("OPERATEUR_INJOIGNABLE", "the IMAP server does not end the exchange")
        return self._exchange.answer(challenge)


def _play(client: Any, exchange: SaslExchange, command: str, *arguments: bytes) -> None:
    imap = client._imap
    try:
        status, lines = imap._simple_command(command, *arguments)
    except (IMAPClientAbortError, ConnectionError) as lost:
        if exchange.counts_as_refusal:
            raise exchange.refusal(f"the server hung up ({lost})") from lost
        raise
    except IMAPClientError as bad:  # BAD
        raise _failure(exchange, str(bad)) from bad
    finally:
        _forget_last_commands(imap)
    if status != "OK":
        raise _failure(exchange, _text(lines))
    imap.state = "AUTH"


def _failure(exchange: SaslExchange, answer: str) -> OperatorError:
    if any(code in answer for code in PASSING) and not exchange.explanation:
        text = exchange.concealed(answer)
        return LoginDeferred("OPERATEUR_DIFFERE", "credentials cannot be checked now", answer=text)
    return exchange.refusal(answer)


def _text(lines: Iterable[bytes | None]) -> str:
    return " ".join(line.decode("utf-8", "replace") for line in lines if line)


def _quoted(said: bytes) -> bytes:
    if any(character in said for character in b"\r\n\0"):
        raise AuthenticationRefused("AUTHENTIFICATION", "a line end in login or password cannot be said to IMAP")
    return b'"' + said.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _forget_last_commands(imap: Any) -> None:
    """Imaplib keeps the last ten commands for a log that we never print; these hold secrets."""
    getattr(imap, "_cmd_log", {}).clear()
