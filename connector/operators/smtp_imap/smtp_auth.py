"""Saying who we are over SMTP (RFC 4954)."""

import contextlib

import aiosmtplib
from aiosmtplib.response import SMTPResponse

from connector.identities.base import Identity
from connector.operators.errors import LoginDeferred
from connector.operators.smtp_imap.sasl import SaslExchange, choose, not_offered

__all__ = ["authenticate"]

LONGEST_COMMAND = 512  # RFC 4954 4: a longer initial response waits for the server's 334
PARTING_SECONDS = 10.0  # how long a server may take to end an exchange that it has refused


async def authenticate(client: aiosmtplib.SMTP, identity: Identity, *, initial_response: bool) -> None:
    """Play the SASL exchange.

    A server that does not offer EXTERNAL is taken to go by the certificate alone: nothing secret is at stake, and it
    refuses MAIL or RCPT if it does not.

    Args:
        client: connected over TLS, to a server that was trusted.
        identity: who we are.
        initial_response: the server takes the first answer inside the command.

    Raises:
        TokenRefused: also when the server hangs up once it has the token.
        AuthenticationRefused: it does not accept other credentials, or does not offer the mechanism.
        LoginDeferred: it cannot check them now (454).
        NeedsPerson: the identity is not ready.
    """
    credentials = identity.sasl()
    if credentials is None:
        return
    chosen = choose(credentials, client.server_auth_methods)
    if chosen is None:
        if credentials.mechanism == "EXTERNAL":
            return
        raise not_offered(credentials)
    exchange = SaslExchange(chosen)
    try:
        reply = await _play(client, exchange, initial_response=initial_response)
    except ConnectionError as lost:
        if exchange.counts_as_refusal:
            raise exchange.refusal(f"the server hung up ({lost})") from lost
        raise
    _judge(exchange, reply)


async def _play(client: aiosmtplib.SMTP, exchange: SaslExchange, *, initial_response: bool) -> SMTPResponse:
    command = [b"AUTH", exchange.credentials.mechanism.encode()]
    room = LONGEST_COMMAND - len(b" ".join(command)) - len(b" \r\n")
    first = exchange.initial(allowed=initial_response, room=room)
    reply = await client.execute_command(*command, *([first] if first is not None else []))
    while reply.code == 334 and not exchange.is_told:
        reply = await client.execute_command(exchange.answer(reply.message))
    if reply.code == 334:
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            reply = await client.execute_command(exchange.answer(reply.message), timeout=PARTING_SECONDS)
    return reply


def _judge(exchange: SaslExchange, reply: SMTPResponse) -> None:
    if reply.code == 235 and not exchange.explanation:
        return
    answer = f"{reply.code} {reply.message}"
    if 400 <= reply.code < 500 and not exchange.explanation:
        text = exchange.concealed(answer)
        raise LoginDeferred("OPERATEUR_DIFFERE", "credentials cannot be checked now", answer=text)
    raise exchange.refusal("" if reply.code == 334 else answer)
