"""One SMTP connection: open it, prove who we are, give messages, and say exactly how far it came.

aiosmtplib gives the protocol and the TLS upgrade. The content is written here, because we must know when DATA was
said, when the last byte was handed over, and because aiosmtplib would search every message for line endings that are
known to be right.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, Self, cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse

from connector.domain.errors import ConnectorError
from connector.domain.ports import reach
from connector.identities.base import Identity
from connector.operators.base import Acceptance, OutgoingEnvelope, RecipientAnswer, SubmissionLimits
from connector.operators.errors import (
    AuthenticationRefused,
    ConnectionFailed,
    OperatorError,
    OutcomeUnknown,
    PermanentRefusal,
    TemporaryRefusal,
    TokenRefused,
    own_cause,
)
from connector.operators.smtp_imap.answer import clean
from connector.operators.smtp_imap.sasl import may_show_another, refused_again
from connector.operators.smtp_imap.smtp_auth import authenticate
from connector.operators.smtp_imap.submission import dot_stuffed, mail_options, rcpt_options
from connector.operators.tls import TlsPolicy, tls_failure
from connector.settings.model import OperatorSettings

__all__ = ["SmtpConnection"]

FINAL_ANSWER_FACTOR = 5  # RFC 5321 4.5.3.2.6: twice as long as anything else, and then some
GOODBYE_SECONDS = 2.0
CHUNK_BYTES = 256 * 1024
LOCAL_NAME = "[127.0.0.1]"  # a practice's machine name is nobody's business, and its look-up may block
_ABOUT_SECURITY = re.compile(r"[45]\.7\.\d")  # RFC 3463 3.8; Postfix: 421 4.7.1 Client certificate not trusted
_IDENTITY_REFUSED = frozenset({530, 534, 535, 538})  # RFC 4954 6


@dataclass(slots=True)
class SmtpConnection:
    """A connection that is ready for MAIL. One event loop and one message at a time."""

    client: aiosmtplib.SMTP
    settings: OperatorSettings
    context: ssl.SSLContext  # that it was made with
    revision: str  # of the identity that it was made with
    transport: asyncio.WriteTransport  # aiosmtplib forgets it when it closes, and then nobody could abort it
    tls: str
    extensions: frozenset[str] = frozenset()
    max_bytes: int | None = None
    uses: int = 0  # how often it was lent for a message
    idle_since: float = 0.0  # loop time
    data_begun: bool = field(default=False, init=False)
    _in_transaction: bool = field(default=False, init=False)

    @classmethod
    async def open(cls, settings: OperatorSettings, tls: TlsPolicy, identity: Identity) -> Self:
        """Connect, upgrade to TLS, say who we are.

        A refused token is followed by one more connection when another one has come meanwhile.

        Raises:
            ConnectionFailed: nothing there, no STARTTLS (nothing is said in clear), TLS fails, two tokens in a row
                are refused.
            AuthenticationRefused: the server does not accept our certificate or our credentials.
            LoginDeferred: the server cannot check them now (454).
            NeedsPerson: the identity is not ready.
        """
        try:
            return await cls._open(settings, tls, identity)
        except TokenRefused:
            if not may_show_another(identity):
                raise
        try:
            return await cls._open(settings, tls, identity)
        except TokenRefused as refusal:
            raise refused_again(refusal) from refusal

    @classmethod
    async def _open(cls, settings: OperatorSettings, tls: TlsPolicy, identity: Identity) -> Self:
        server, revision, context = settings.smtp, identity.revision(), tls.context()
        client = aiosmtplib.SMTP(
            hostname=server.host, port=server.port, timeout=settings.connect_seconds, tls_context=context,
            use_tls=server.tls == "implicit", start_tls=False, local_hostname=LOCAL_NAME,
        )  # fmt: skip
        connection: Self | None = None
        try:
            with _failing_before_data():
                transport = await _secure(client, implicit=server.tls == "implicit")
                connection = cls(client, settings, context, revision, transport, tls.approve(_tls_of(transport)))
                client.timeout = settings.answer_seconds
                await connection._greet()
                await authenticate(client, identity, initial_response=settings.sasl_initial_response)
        except BaseException:
            if connection is not None:
                connection.abort()
            elif client.transport is not None:
                cast("asyncio.WriteTransport", client.transport).abort()
            client.close()
            raise
        return connection

    @property
    def is_usable(self) -> bool:
        """False once either side has closed."""
        return self.client.is_connected

    def limits(self) -> SubmissionLimits:
        """What EHLO announced after TLS."""
        return SubmissionLimits(max_bytes=self.max_bytes, offers_dsn="dsn" in self.extensions)

    async def submit(self, envelope: OutgoingEnvelope, *, on_data: Callable[[], None]) -> Acceptance:
        """Give one message; see :meth:`connector.operators.base.Sender.submit`."""
        self.data_begun = False
        self._check_size(len(envelope.content))
        options = mail_options(envelope, self.extensions)
        try:
            with _failing_before_data():
                await self._mail(envelope, options)
                answers = await self._recipients(envelope)
            reach("send.recipients_accepted")
            stuffed = dot_stuffed(envelope.content)
            on_data()
            self.data_begun = True
            reach("send.data_begun")
            with _failing_after_data(answers):
                reply = await self._data(stuffed, answers)
        except (ConnectionFailed, OutcomeUnknown):
            self.abort()  # a late answer would be taken for the answer to something else
            raise
        reach("send.accepted")
        self._in_transaction = False
        return Acceptance(reply.code, clean(reply.message), tuple(answers), self.tls)

    async def is_alive(self) -> bool:
        """Ask the server (NOOP), after a while of silence."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            return (await self.client.execute_command(b"NOOP", timeout=self.settings.connect_seconds)).code == 250
        return False

    async def reset(self) -> bool:
        """End a transaction that was not completed (RSET); true when the connection can take another message."""
        if not self._in_transaction:
            return self.is_usable
        self._in_transaction = False
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            return (await self.client.execute_command(b"RSET", timeout=self.settings.connect_seconds)).code == 250
        return False

    async def close(self) -> None:
        """Say QUIT, wait shortly for the answer, close. Never raises."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await self.client.execute_command(b"QUIT", timeout=GOODBYE_SECONDS)
        self.abort()
        await asyncio.sleep(0)  # lets the transport say goodbye to the loop

    def abort(self) -> None:
        """Drop the connection without a word; a TLS goodbye could wait for half a minute."""
        self.transport.abort()
        self.client.close()

    async def _greet(self) -> None:
        """EHLO over TLS: the first answer of the server after it has seen our certificate, or missed it."""
        try:
            await self.client.ehlo()
        except aiosmtplib.SMTPHeloError as refusal:
            answer = clean(f"{refusal.code} {refusal.message}")
            if _ABOUT_SECURITY.match(refusal.message):
                raise AuthenticationRefused("AUTHENTIFICATION", "the server refuses us", answer=answer) from refusal
            raise
        self.extensions = frozenset(self.client.esmtp_extensions)
        size = self.client.esmtp_extensions.get("size", "")
        self.max_bytes = int(size) if size.isascii() and size.isdigit() and int(size) else None

    def _check_size(self, size: int) -> None:
        if self.max_bytes is not None and size > self.max_bytes:
            raise PermanentRefusal("TROP_GROS", f"{size} bytes; the server takes {self.max_bytes}")

    async def _mail(self, envelope: OutgoingEnvelope, options: Sequence[bytes]) -> None:
        self._in_transaction = True
        path = "" if envelope.null_sender else str(envelope.sender)
        sender = f"FROM:<{path}>".encode("ascii")
        reply = await self.client.execute_command(b"MAIL", sender, *options)
        if reply.code != 250:
            _refuse(reply, "the sender")

    async def _recipients(self, envelope: OutgoingEnvelope) -> list[RecipientAnswer]:
        answers = []
        for address in envelope.recipients:
            options = rcpt_options(envelope, str(address), self.extensions)
            reply = await self.client.execute_command(b"RCPT", f"TO:<{address}>".encode("ascii"), *options)
            if reply.code in {421, 530}:
                _refuse(reply, "a recipient")
            answers.append(RecipientAnswer(address, reply.code, clean(reply.message)))
        if not any(answer.accepted for answer in answers):
            _refuse_all(answers)
        return answers

    async def _data(self, stuffed: bytes, answers: Sequence[RecipientAnswer]) -> SMTPResponse:
        start = await self.client.execute_command(b"DATA")
        if start.code != 354:
            _refuse_content(start, answers)
        final = await self._give(stuffed)
        if 400 <= final.code < 600:
            self._in_transaction = False
            if final.code == 421:
                self.abort()
            _refuse_content(final, answers)
        if not 200 <= final.code < 300:
            raise OutcomeUnknown("ISSUE_INCONNUE", "the final answer makes no sense", answer=_line(final))
        return final

    async def _give(self, stuffed: bytes) -> SMTPResponse:
        """Write the content and read the final answer; a refusal may come before everything is written."""
        protocol = self.client.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("Connection lost")
        answer = asyncio.ensure_future(protocol.read_response())
        await asyncio.sleep(0)  # from here on the answer is awaited, so that an early one is not lost
        try:
            complete = await self._write(protocol, stuffed, answer)
            reach("send.content_given")
            reply = await asyncio.wait_for(answer, self.settings.answer_seconds * FINAL_ANSWER_FACTOR)
        finally:
            if answer.done() and not answer.cancelled():
                answer.exception()  # it may never have been awaited
            answer.cancel()
        if not complete:
            self.abort()  # what was not written cannot be taken back
            if reply.code < 400:
                raise OutcomeUnknown("ISSUE_INCONNUE", "answered before it had everything", answer=_line(reply))
        return reply

    async def _write(self, protocol: SMTPProtocol, stuffed: bytes, answer: "asyncio.Future[SMTPResponse]") -> bool:
        """Write in bounded pieces; false when the server has answered before the end."""
        view = memoryview(stuffed)
        for start in range(0, len(view), CHUNK_BYTES):
            if answer.done():
                return False
            try:
                protocol.write(bytes(view[start : start + CHUNK_BYTES]))
                await _drain(protocol, answer, seconds=self.settings.answer_seconds)
            except (aiosmtplib.SMTPException, OSError):
                await asyncio.sleep(0)  # the answer that explains it may just have come
                if answer.done() and answer.exception() is None:
                    return False
                raise
        return True


async def _drain(protocol: SMTPProtocol, answer: "asyncio.Future[SMTPResponse]", *, seconds: float) -> None:
    """Wait until more may be written, or the server has answered already.

    Raises:
        TimeoutError: neither happened.
        OSError: the connection is lost.
    """
    draining = asyncio.ensure_future(protocol._drain_helper())
    try:
        either: set[asyncio.Future[Any]] = {draining, answer}
        done, _ = await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        draining.cancel()
    if not done:
        raise TimeoutError("the server does not take the content")
    if draining in done:
        draining.result()


async def _secure(client: aiosmtplib.SMTP, *, implicit: bool) -> asyncio.WriteTransport:
    await client.connect()
    if not implicit:
        await client.ehlo()
        if not client.supports_extension("starttls"):
            raise ConnectionFailed("STARTTLS_ABSENT", "the SMTP server does not offer STARTTLS")
        await client.starttls()
    if client.transport is None:
        raise aiosmtplib.SMTPServerDisconnected("Connection lost")
    return cast("asyncio.WriteTransport", client.transport)


def _tls_of(transport: asyncio.WriteTransport) -> ssl.SSLObject:
    found = transport.get_extra_info("ssl_object")
    if not isinstance(found, ssl.SSLObject):
        raise ConnectionFailed("STARTTLS_ABSENT", "the connection is not encrypted")
    return found


@contextlib.contextmanager
def _failing_before_data() -> Iterator[None]:
    """Whatever breaks in here, no content has left."""
    try:
        yield
    except ConnectorError:
        raise
    except aiosmtplib.SMTPResponseException as refusal:
        answer = clean(f"{refusal.code} {refusal.message}")
        raise ConnectionFailed("OPERATEUR_INJOIGNABLE", "the server does not serve us", answer=answer) from refusal
    except (aiosmtplib.SMTPException, OSError) as error:
        raise own_cause(error) or _connection_failure(error) from error


def _connection_failure(error: BaseException) -> OperatorError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return tls_failure(cause)
        cause = cause.__cause__
    return ConnectionFailed("OPERATEUR_INJOIGNABLE", clean(f"{type(error).__name__}: {error}"))


@contextlib.contextmanager
def _failing_after_data(answers: Sequence[RecipientAnswer]) -> Iterator[None]:
    """Whatever breaks in here, the server may have taken the message for those whom it had accepted."""
    try:
        yield
    except OutcomeUnknown as unknown:
        unknown.recipients = tuple(answers)
        raise
    except (aiosmtplib.SMTPException, OSError) as error:  # TimeoutError is an OSError
        text = clean(f"lost after DATA began ({type(error).__name__}: {error})")
        raise OutcomeUnknown("ISSUE_INCONNUE", text, recipients=answers) from error


def _refuse(reply: SMTPResponse, what: str) -> NoReturn:
    """A refusal that is not about one recipient."""
    answer = _line(reply)
    if reply.code in _IDENTITY_REFUSED:
        raise AuthenticationRefused(
            "AUTHENTIFICATION", f"the server wants another identity for {what}", answer=answer
        )
    if reply.code == 421:  # RFC 5321 3.8: it closes the connection, whatever was asked
        raise ConnectionFailed("OPERATEUR_DIFFERE", "the server closes the connection", answer=answer)
    if 500 <= reply.code < 600:
        code = "TROP_GROS" if reply.code == 552 else "OPERATEUR_REFUS"
        raise PermanentRefusal(code, f"the server refused {what}", answer=answer)
    raise TemporaryRefusal("OPERATEUR_DIFFERE", f"the server does not take {what} now", answer=answer)


def _refuse_all(answers: Sequence[RecipientAnswer]) -> NoReturn:
    """No recipient was accepted; one that may be accepted later keeps the message alive."""
    last = next((a for a in answers if a.temporary), answers[-1] if answers else None)
    answer = f"{last.code} {last.text}" if last else ""
    if last is None or 500 <= last.code < 600:
        raise PermanentRefusal("OPERATEUR_REFUS", "every recipient was refused", answer=answer, recipients=answers)
    raise TemporaryRefusal("OPERATEUR_DIFFERE", "no recipient is accepted now", answer=answer, recipients=answers)


def _refuse_content(reply: SMTPResponse, answers: Sequence[RecipientAnswer]) -> NoReturn:
    """DATA or the content was refused: certain, so not an unknown outcome."""
    answer = _line(reply)
    if 500 <= reply.code < 600:
        code = "TROP_GROS" if reply.code == 552 else "OPERATEUR_REFUS"
        raise PermanentRefusal(code, "the server refused the content", answer=answer, recipients=answers)
    detail = "the server does not take the content now"
    raise TemporaryRefusal("OPERATEUR_DIFFERE", detail, answer=answer, recipients=answers)


def _line(reply: SMTPResponse) -> str:
    return clean(f"{reply.code} {reply.message}")
