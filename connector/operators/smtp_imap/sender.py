"""Submission over SMTP, with a few connections that are kept open and reused."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from connector.domain.ports import reach
from connector.identities.base import Identity
from connector.operators.base import Acceptance, OutgoingEnvelope, SubmissionLimits
from connector.operators.errors import ConnectionFailed, PermanentRefusal
from connector.operators.resumption import may_try_without
from connector.operators.smtp_imap.smtp import SmtpConnection
from connector.operators.smtp_imap.submission import check_content
from connector.operators.tls import TlsPolicy
from connector.operators.trust import Trust
from connector.settings.model import OperatorSettings

__all__ = ["SmtpSender"]

CHECK_AFTER_SECONDS = 20.0  # a connection that was used more recently is trusted without a question


@dataclass(slots=True)
class SmtpSender:
    """Implements :class:`connector.operators.base.Sender`. One event loop owns it.

    At most ``smtp_connections`` messages travel at once; further calls wait. A kept connection that the server has
    closed meanwhile is replaced silently, but only before DATA: from there on nothing is ever said twice.
    """

    settings: OperatorSettings
    identity: Identity
    trust: Trust = field(default_factory=Trust.from_files_only)
    tls: TlsPolicy = field(init=False)
    _idle: list[SmtpConnection] = field(default_factory=list, init=False)
    _places: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.tls = TlsPolicy(self.settings.tls, self.identity, self.trust, self.settings.resume_tls_sessions)
        self._places = asyncio.Semaphore(self.settings.smtp_connections)

    async def limits(self) -> SubmissionLimits:
        """What the server announces; see :class:`connector.operators.base.Sender`."""
        async with self._connection() as connection:
            return connection.limits()

    async def submit(self, envelope: OutgoingEnvelope, *, on_data: Callable[[], None]) -> Acceptance:
        """Give one message; see :class:`connector.operators.base.Sender`."""
        if len(envelope.content) > self.settings.max_message_bytes:
            text = f"{len(envelope.content)} bytes; the settings allow {self.settings.max_message_bytes}"
            raise PermanentRefusal("TROP_GROS", text)
        check_content(envelope.content)
        while True:
            async with self._connection() as connection:
                try:
                    return await connection.submit(envelope, on_data=on_data)
                except ConnectionFailed:
                    if connection.uses == 1 or connection.data_begun:
                        raise

    async def drop_stale(self) -> int:
        """Close idle connections of an identity that has changed; see :class:`connector.operators.base.Sender`."""
        revision = self.identity.revision()
        stale = [connection for connection in self._idle if connection.revision != revision]
        self._idle = [one for one in self._idle if one.revision == revision and one.is_usable]
        await asyncio.gather(*(connection.close() for connection in stale))
        return len(self._idle)

    async def close(self) -> None:
        """Say goodbye on every kept connection; the object can be used again."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.close() for connection in idle))

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[SmtpConnection]:
        """A connection for one message; kept afterwards if it is still good."""
        async with self._places:
            connection = await self._kept() or await self._new()
            connection.uses += 1
            reach("send.connected")
            try:
                yield connection
            except Exception:
                await self._put_back(connection)
                raise
            except BaseException:  # cancelled in the middle of something
                connection.abort()
                raise
            await self._put_back(connection)

    async def _kept(self) -> SmtpConnection | None:
        await self.drop_stale()
        now, context = asyncio.get_running_loop().time(), self.tls.context()
        while self._idle:
            connection = self._idle.pop()
            if connection.context is not context:  # another certificate, card or trust since
                await connection.close()
            elif connection.is_usable and (now - connection.idle_since < CHECK_AFTER_SECONDS
                                           or await connection.is_alive()):  # fmt: skip
                return connection
            else:
                connection.abort()
        return None

    async def _new(self) -> SmtpConnection:
        """A new connection; once more without the remembered TLS session when the server dropped it for that."""
        try:
            return await SmtpConnection.open(self.settings, self.tls, self.identity)
        except ConnectionFailed as failure:
            if not may_try_without(self.tls.context(), self.settings.smtp.host, failure):
                raise
        return await SmtpConnection.open(self.settings, self.tls, self.identity)

    async def _put_back(self, connection: SmtpConnection) -> None:
        if connection.revision != self.identity.revision():
            await connection.close()
        elif await connection.reset():
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.abort()
