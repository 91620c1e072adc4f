"""Mail submission as MSSanté operators offer it: STARTTLS first, client certificate, SASL, SIZE, DSN.

aiosmtpd speaks SMTP; this module adds what it lacks: SASL EXTERNAL, the parameters of RFC 3461, and moods.
"""

# ruff: noqa: N802, ARG002 - aiosmtpd finds its hooks by these names and passes all of these arguments

import asyncio
import hmac
import re
import ssl
from base64 import b64decode
from binascii import Error as BadBase64
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from connector.sandbox.certificates import CardHolders, certificate_mailboxes
from connector.sandbox.moods import MoodKind, Moods

__all__ = ["PostOffice", "Submission", "SubmissionHandler", "SubmissionServer"]

COMMAND_LIMIT = 12288  # RFC 4954 4: a SASL line may be that long
_XTEXT = re.compile(r"\+([0-9A-F]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One message that a client gave, with its envelope."""

    sender: str  # empty for the null path
    recipients: tuple[str, ...]
    content: bytes
    envelope_id: str
    notify: Mapping[str, frozenset[str]]  # per recipient: SUCCESS, FAILURE, DELAY, NEVER; absent = not said


class PostOffice(Protocol):
    """What the submission server needs of the operator behind it."""

    moods: Moods
    cards: CardHolders

    def knows(self, address: str) -> bool:
        """True for a mailbox of this operator."""
        ...

    def password(self, address: str) -> str:
        """The password of a mailbox that is known."""
        ...

    async def accept(self, submission: Submission) -> str:
        """Deliver; gives back the queue id."""
        ...


class _SubmissionEnvelope(Envelope):
    """The envelope of aiosmtpd with the parameters of RFC 3461."""

    def __init__(self) -> None:
        super().__init__()
        self.envelope_id = ""
        self.notify: dict[str, frozenset[str]] = {}


class SubmissionServer(SMTP):
    """One connection; see :class:`SubmissionHandler` for the decisions."""

    command_size_limit = COMMAND_LIMIT

    def __init__(self, handler: "SubmissionHandler", **options: Any) -> None:
        super().__init__(handler, **options)
        self.command_size_limits = defaultdict(lambda: COMMAND_LIMIT)

    def _create_envelope(self) -> Envelope:
        return _SubmissionEnvelope()

    async def smtp_MAIL(self, arg: str | None) -> None:
        """MAIL, with RET and ENVID."""
        bare, parameters = _take_parameters(arg, ("RET", "ENVID"))
        await super().smtp_MAIL(bare)
        if isinstance(self.envelope, _SubmissionEnvelope) and self.envelope.mail_from:
            self.envelope.envelope_id = _decode_xtext(parameters.get("ENVID", ""))

    async def smtp_RCPT(self, arg: str | None) -> None:
        """RCPT, with NOTIFY and ORCPT."""
        bare, parameters = _take_parameters(arg, ("NOTIFY", "ORCPT"))
        envelope = self.envelope
        before = len(envelope.rcpt_tos) if envelope else 0
        await super().smtp_RCPT(bare)
        if isinstance(envelope, _SubmissionEnvelope) and len(envelope.rcpt_tos) > before:
            wanted = frozenset(filter(None, parameters.get("NOTIFY", "").upper().split(",")))
            if wanted:
                envelope.notify[envelope.rcpt_tos[-1].lower()] = wanted

    async def smtp_DATA(self, arg: str) -> None:
        """DATA, unless the mood is to die in the middle of it."""
        office: PostOffice = self.event_handler.office
        has_recipient = bool(self.envelope and self.envelope.rcpt_tos)
        if has_recipient and office.moods.take(MoodKind.CUT_IN_DATA):
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            await self._reader.read(1)
            await self.cut()
        await super().smtp_DATA(arg)

    async def cut(self) -> None:
        """Drop the connection without a word; does not come back."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()
        await asyncio.get_running_loop().create_future()  # connection_lost() cancels this task


class SubmissionHandler:
    """The decisions of the submission server: who may send, to whom, and what then happens.

    Args:
        office: the operator behind.
        offers_dsn: announce DSN (RFC 3461).
    """

    def __init__(self, office: PostOffice, *, offers_dsn: bool = True) -> None:
        self.office = office
        self._offers_dsn = offers_dsn

    def server(self, tls: ssl.SSLContext, *, max_message_bytes: int) -> SubmissionServer:
        """A server for one connection."""
        return SubmissionServer(
            self,
            data_size_limit=max_message_bytes,
            hostname="localhost",
            ident="bac a sable MSSante",
            tls_context=tls,
            require_starttls=True,
            auth_required=True,
            authenticator=self._check_password,
            loop=asyncio.get_running_loop(),
        )

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Announce what we add to aiosmtpd: DSN, enhanced status codes, pipelining."""
        session.host_name = hostname
        added = ["250-PIPELINING", "250-ENHANCEDSTATUSCODES"]
        return [*responses[:-1], *added, *(["250-DSN"] if self._offers_dsn else []), responses[-1]]

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """A mailbox sends for itself only; ``<>`` is for receipts."""
        sender = "" if address == "<>" else address
        if sender and sender.lower() != session.auth_data:
            return "553 5.7.1 Sender address rejected: not owned by the authenticated mailbox"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Known mailboxes are accepted, unless a mood says otherwise."""
        moods = self.office.moods
        if not self.office.knows(address) or moods.take(MoodKind.REFUSE_RECIPIENT, address):
            return "550 5.1.1 Recipient address rejected: mailbox unknown"
        if moods.take(MoodKind.DEFER_RECIPIENT, address):
            return "451 4.7.1 Try again later"
        if moods.take(MoodKind.MAILBOX_FULL, address):
            return "452 4.2.2 Mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Deliver, then answer, as the mood is."""
        moods = self.office.moods
        if moods.take(MoodKind.REFUSE_CONTENT):
            return "554 5.6.0 Message content rejected"
        if moods.take(MoodKind.DEFER_CONTENT):
            return "451 4.3.0 Temporary failure, try again later"
        queue_id = await self.office.accept(_submission(envelope))
        if moods.take(MoodKind.CUT_AFTER_DATA) and isinstance(server, SubmissionServer):
            await server.cut()
        if slow := moods.take(MoodKind.SLOW_ANSWER):
            await asyncio.sleep(slow.seconds)
        return f"250 2.0.0 Ok: queued as {queue_id}"

    async def handle_exception(self, error: Exception) -> str:
        """Our own fault is a temporary one for the client."""
        return f"451 4.3.0 Local error ({type(error).__name__})"

    async def auth_EXTERNAL(self, server: SMTP, args: Sequence[str]) -> AuthResult:
        """SASL EXTERNAL (RFC 4422 appendix A): the certificate says who, the authzid says which of its mailboxes."""
        authzid = await _initial_response(server, args)
        if authzid is None:
            return AuthResult(success=False, handled=True)
        session: Any = server.session
        mailboxes = certificate_mailboxes((session.ssl or {}).get("peercert"), self.office.cards.mailboxes)
        wanted = authzid.lower() or next(iter(mailboxes), "")
        return self._result(wanted if wanted in mailboxes else "")

    def _check_password(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        mailbox = data.login.decode("utf-8", "replace").lower()
        known = self.office.knows(mailbox)
        right = known and hmac.compare_digest(self.office.password(mailbox).encode(), data.password)
        return self._result(mailbox if right else "")

    def _result(self, mailbox: str) -> AuthResult:
        if not mailbox or not self.office.knows(mailbox):
            return AuthResult(success=False, handled=False)
        if self.office.moods.take(MoodKind.REFUSE_IDENTITY, mailbox):
            return AuthResult(success=False, handled=False)
        return AuthResult(success=True, auth_data=mailbox)


async def _initial_response(server: SMTP, args: Sequence[str]) -> str | None:
    """The one answer of a client-first mechanism; ``=`` stands for empty (RFC 4954 4). None = already answered."""
    if len(args) < 2:
        answer = await server.challenge_auth("")
        return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else None
    if args[1] == "=":
        return ""
    try:
        return b64decode(args[1], validate=True).decode("utf-8", "replace")
    except BadBase64:
        await server.push("501 5.5.2 Can't decode base64")
        return None


def _submission(envelope: Envelope) -> Submission:
    content = envelope.original_content
    if not isinstance(envelope, _SubmissionEnvelope) or content is None:
        raise TypeError("not an envelope of the submission server")
    sender = envelope.mail_from or ""
    return Submission(
        sender="" if sender == "<>" else sender,
        recipients=tuple(envelope.rcpt_tos),
        content=bytes(content),
        envelope_id=envelope.envelope_id,
        notify=dict(envelope.notify),
    )


def _take_parameters(arg: str | None, names: Sequence[str]) -> tuple[str | None, dict[str, str]]:
    """Take the named ESMTP parameters out of a command line, as aiosmtpd would refuse them."""
    if arg is None:
        return None, {}
    path, closing, tail = arg.rpartition(">")
    kept, taken = [], {}
    for word in tail.split():
        name, _, value = word.partition("=")
        if name.upper() in names:
            taken[name.upper()] = value
        else:
            kept.append(word)
    return " ".join([path + closing, *kept]), taken


def _decode_xtext(value: str) -> str:
    """RFC 3461 4."""
    return _XTEXT.sub(lambda match: chr(int(match[1], 16)), value)
