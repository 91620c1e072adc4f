"""The MLLP listener: one asyncio server in a thread of its own, on this machine only.

A connection may bring message after message; each is answered before the next is read, as MLLP wants. What is slow
(journal, documents) runs in threads, so that one message holds up no other connection.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import structlog

from connector.daemon.api_tls import LocalCertificate, local_certificate
from connector.daemon.mailbox import Shared
from connector.daemon.supervisor import Bell
from connector.daemon.workers import Mood
from connector.domain.errors import ConfigurationError, InvalidSubmission
from connector.domain.limits import Limits
from connector.intake.claim import Claims
from connector.intake.layout import establish
from connector.intake.mllp import MllpDesk
from connector.intake.refusal import Refusals
from connector.intake.results import StatusFiles
from connector.platform.mllp import FrameReader, OversizeFrame, frame
from connector.platform.paths import DataPaths
from connector.settings.mllp import MllpSettings
from connector.settings.model import MailboxSettings, Settings

__all__ = ["MllpLoop", "make_mllp"]

_log = structlog.get_logger(__name__)

WITHIN_SECONDS = 30.0  # longest pause in the middle of a message
_CHUNK = 1 << 16
_LOOK_SECONDS = 0.2  # how often it is looked whether to stop


@dataclass
class MllpLoop:
    """Listens until told to stop.

    Args:
        settings: port and bounds.
        most_bytes: of one message.
        answer: takes a message and gives the answer; blocks.
        tls: ``None`` = in clear.
        bell: of its worker.
        stopping: true once the connector was asked to stop.
        mood: for the health tree.
    """

    settings: MllpSettings
    most_bytes: int
    answer: Callable[[bytes], bytes | None]
    tls: ssl.SSLContext | None
    bell: Bell
    stopping: Callable[[], bool]
    mood: Mood
    within_seconds: float = WITHIN_SECONDS
    port: int = field(default=0, init=False)  # once it listens
    _open: int = field(default=0, init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    def run(self) -> None:
        """Serve.

        Raises:
            ConfigurationError: ``PORT_OCCUPE``: the supervisor tries again.
        """
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        try:
            server = await asyncio.start_server(self._connected, "127.0.0.1", self.settings.port, ssl=self.tls)
        except OSError as error:
            detail = f"port {self.settings.port} cannot be bound: {error.strerror}"
            failure = ConfigurationError("PORT_OCCUPE", detail)
            self.mood.bad(failure)
            raise failure from error
        self.port = server.sockets[0].getsockname()[1]
        _log.info("mllp_listening", host="127.0.0.1", port=self.port)
        self.mood.good()
        async with server:
            while not self.stopping():  # noqa: ASYNC110 - told by another thread
                await asyncio.sleep(_LOOK_SECONDS)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._open += 1
        try:
            if self._open <= self.settings.most_connections:
                await self._talk(reader, writer)
        except (OSError, TimeoutError, OversizeFrame, asyncio.IncompleteReadError) as error:
            _log.info("mllp_closed", detail=type(error).__name__)
        finally:
            self._open -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader(self.most_bytes)
        while True:
            pause = self.within_seconds if frames.is_within else self.settings.idle_seconds
            async with asyncio.timeout(pause):
                piece = await reader.read(_CHUNK)
            if not piece:
                return
            for message in frames.feed(piece):
                answer = await asyncio.to_thread(self.answer, message)
                if answer is not None:
                    writer.write(frame(answer))
                    await writer.drain()


def make_mllp(settings: Settings, shared: Shared, paths: DataPaths) -> MllpLoop:
    """The listener of these settings.

    Args:
        settings: the whole file.
        shared: journal, clock, desks.
        paths: with the certificate of this installation.
    """
    desk = MllpDesk(
        journal=shared.journal, mailboxes=[mailbox for mailbox in settings.mailboxes if mailbox.send],
        routes=settings.mllp.routes, desk=shared.desks.desk, clock=shared.clock, ids=shared.ids,
        deadline_hours=settings.retry.deadline_hours, received=shared.ring_preparers, keep=partial(_keep, shared),
    )  # fmt: skip
    tls = _tls(local_certificate(paths.api_tls, shared.clock.now())) if settings.mllp.tls else None
    return MllpLoop(
        settings=settings.mllp, most_bytes=desk.limits.max_hl7_bytes, answer=desk.answer, tls=tls, bell=Bell(),
        stopping=shared.stopping, mood=Mood("mllp", shared.clock),
    )  # fmt: skip


def _tls(certificate: LocalCertificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate.server_pem)
    return context


def _keep(shared: Shared, mailbox: MailboxSettings, name: str, data: bytes, error: InvalidSubmission) -> None:
    """Show a refused message in ``ERREURS`` of the mailbox, like a refused drop."""
    layout = establish(shared.settings.spool, mailbox, shared.known_folders)
    refusals = Refusals(
        mailbox.address, layout, claims=Claims(layout, Limits()), files=StatusFiles(layout, mailbox.outbox, None),
        journal=shared.journal, zone=None,
    )  # fmt: skip
    refusals.refuse_bytes(shared.ids.ulid(), name, [(f"{name}.hl7", data)], error, shared.clock.now())
