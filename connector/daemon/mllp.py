"""The MLLP listener: one asyncio server in a thread of its own, on this machine only.

A connection may bring message after message; each is answered before the next is read, as MLLP wants. What is slow
(journal, documents) runs in threads, so that one message holds up no other connection.
"""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import structlog

from connector.daemon.api_tls import LocalCertificate, local_certificate
from connector.daemon.mailbox import Shared
from connector.daemon.supervisor import Bell
from connector.daemon.workers import Mood
from connector.domain.errors import ConfigurationError
from connector.domain.limits import Limits
from connector.intake.claim import Claims
from connector.intake.layout import establish
from connector.intake.mllp import MllpDesk, RefusedMessage
from connector.intake.refusal import Refusals
from connector.intake.results import StatusFiles
from connector.journal.failure import UnknownRow
from connector.platform.mllp import FrameReader, OversizeFrame, frame
from connector.platform.paths import DataPaths
from connector.settings.mllp import MllpSettings
from connector.settings.model import Settings

__all__ = ["MllpLoop", "make_mllp"]

_log = structlog.get_logger(__name__)

HANDSHAKE_SECONDS = 10.0
LINGER_SECONDS = 5.0
PLACE_SECONDS = 2.0  # one that has just hung up may not have been noticed yet
_CHUNK = 1 << 16
_LOOK_SECONDS = 0.2  # how often it is looked whether to stop


@dataclass
class MllpLoop:
    """Listens until told to stop.

    Args:
        settings: port and bounds.
        most_bytes: of one message.
        answer: takes a message and gives the answer; blocks.
        too_large: gives the answer to a message of which too much came, from its beginning.
        tls: ``None`` = in clear.
        bell: of its worker.
        stopping: true once the connector was asked to stop.
        mood: for the health tree.
    """

    settings: MllpSettings
    most_bytes: int
    answer: Callable[[bytes], bytes | None]
    too_large: Callable[[bytes], bytes | None]
    tls: ssl.SSLContext | None
    bell: Bell
    stopping: Callable[[], bool]
    mood: Mood
    port: int = field(default=0, init=False)  # once it listens
    _places: asyncio.Semaphore = field(init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    def run(self) -> None:
        """Serve.

        Raises:
            ConfigurationError: ``PORT_OCCUPE``: the supervisor tries again.
        """
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._places = asyncio.Semaphore(self.settings.most_connections)
        try:
            server = await asyncio.start_server(
                self._connected, "127.0.0.1", self.settings.port, ssl=self.tls,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self.tls else None,
            )  # fmt: skip
        except OSError as error:
            detail = f"port {self.settings.port} cannot be bound: {error.strerror}"
            failure = ConfigurationError("PORT_OCCUPE", detail)
            self.mood.bad(failure)
            raise failure from error
        self.port = server.sockets[0].getsockname()[1]
        _log.info("mllp_listening", host="127.0.0.1", port=self.port)
        self.mood.good()
        try:
            while not self.stopping():  # noqa: ASYNC110 - told by another thread
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            async with self._place():
                await self._talk(reader, writer)
        except (OSError, TimeoutError, OversizeFrame, asyncio.IncompleteReadError) as error:
            _log.info("mllp_closed", detail=type(error).__name__)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """One of the connections that are served at once; one more waits a moment, unread.

        Raises:
            TimeoutError: none became free.
        """
        async with asyncio.timeout(PLACE_SECONDS):
            await self._places.acquire()
        try:
            yield
        finally:
            self._places.release()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = FrameReader(self.most_bytes)
        ends_at: float | None = None  # of the message that has begun, whatever dribbles in
        while True:
            pause = self.settings.idle_seconds if ends_at is None else ends_at - _monotonic()
            async with asyncio.timeout(max(pause, 0)):
                piece = await reader.read(_CHUNK)
            if not piece:
                return
            try:
                is_answered = await self._answer_all(frames, piece, writer)
            except OversizeFrame:
                await self._say(self.too_large(frames.beginning), writer)
                await _linger(reader, writer)
                raise
            if not frames.is_within:
                ends_at = None
            elif ends_at is None or is_answered:
                ends_at = _monotonic() + self.settings.message_seconds

    async def _answer_all(self, frames: FrameReader, piece: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer what ends in this piece; true when something did."""
        is_answered = False
        for message in frames.feed(piece):
            await self._say(await asyncio.to_thread(self.answer, message), writer)
            is_answered = True
        return is_answered

    async def _say(self, answer: bytes | None, writer: asyncio.StreamWriter) -> None:
        if answer is not None:
            writer.write(frame(answer))
            async with asyncio.timeout(self.settings.message_seconds):
                await writer.drain()


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let the sender read the last answer: closing on what it still sends would throw it away."""
    if writer.can_write_eof():
        writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while await reader.read(_CHUNK):
                pass


def _monotonic() -> float:
    return asyncio.get_running_loop().time()


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
        deadline_hours=settings.retry.deadline_hours, received=shared.ring_preparers, keep=_Shelf(shared).keep,
    )  # fmt: skip
    tls = _tls(local_certificate(paths.api_tls, shared.clock.now())) if settings.mllp.tls else None
    return MllpLoop(
        settings=settings.mllp, most_bytes=desk.limits.max_hl7_bytes, answer=desk.answer, too_large=desk.too_large,
        tls=tls, bell=Bell(), stopping=shared.stopping, mood=Mood("mllp", shared.clock),
    )  # fmt: skip


def _tls(certificate: LocalCertificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate.server_pem)
    return context


@dataclass
class _Shelf:
    """Shows refused messages in ``ERREURS`` of their mailbox, like refused drops; one at a time.

    Args:
        shared: spool and journal.
    """

    shared: Shared
    _gate: threading.Lock = field(default_factory=threading.Lock, init=False)

    def keep(self, refused: RefusedMessage) -> None:
        """Set it aside, unless that is done.

        Raises:
            OSError: not now.
            Unavailable: the same.
        """
        with self._gate:
            if self._is_kept(refused.id):
                return
            layout = establish(self.shared.settings.spool, refused.mailbox, self.shared.known_folders)
            refusals = Refusals(
                refused.mailbox.address, layout, claims=Claims(layout, Limits()),
                files=StatusFiles(layout, refused.mailbox.outbox, None), journal=self.shared.journal, zone=None,
            )  # fmt: skip
            if refusals.is_refused(refused.id):
                refusals.finish(refused.id)
                return
            files = [(f"{refused.name}.hl7", refused.data)]
            refusals.refuse_bytes(refused.id, refused.name, files, refused.error, self.shared.clock.now())

    def _is_kept(self, drop_id: str) -> bool:
        try:
            self.shared.journal.refused_drop(drop_id)
        except UnknownRow:
            return False
        return True
