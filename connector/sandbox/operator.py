"""An MSSanté operator in one process, for the demo, for tests and for LPS vendors.

SMTP submission (aiosmtpd) and IMAP (pymap), both with mandatory STARTTLS and, unless told otherwise, a mandatory
client certificate of the sandbox's own PKI; SASL EXTERNAL, PLAIN and LOGIN on both. What SMTP accepts lands byte
for byte in the ``Sent`` folder of the sender and, below a ``Return-Path`` (RFC 5321 4.4), in the INBOX of each
recipient; a delivery receipt comes back when one was asked for. Bad moods are in :mod:`connector.sandbox.moods`.
Never for real mail.
"""

import asyncio
import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4
from weakref import WeakSet

from connector.sandbox.certificates import CardHolders, server_tls
from connector.sandbox.imap import INBOX, SENT, ImapServer
from connector.sandbox.moods import Mood, MoodKind, Moods
from connector.sandbox.pki import TestPki, create_pki
from connector.sandbox.receipts import DeliveryStatus, delivery_report
from connector.sandbox.smtp import Submission, SubmissionHandler, SubmissionServer

__all__ = ["EmbeddedOperator"]

HOST = "127.0.0.1"
START_SECONDS = 30.0
ANSWER_SECONDS = 60.0
_Result = TypeVar("_Result")


class EmbeddedOperator:
    """A running operator with its own thread and event loop; every method may be called from any thread.

    Mail, passwords and PKI live in ``folder`` and are there again after a restart, with the same UIDs.

    Args:
        folder: private folder of this operator; made when it is not there.
        mailboxes: addresses, folded to lower case; no other recipient exists.
        require_client_certificate: demanded in the TLS handshake of SMTP and IMAP.
        max_message_bytes: announced as SIZE and kept.
        offers_dsn: announce DSN (RFC 3461) and send the receipts that are asked for.
        offers_idle: announce IDLE on IMAP.
        ports: SMTP and IMAP; 0 = free ones, kept over ``stop()`` and ``start()``.
        cards: whose cards open which mailbox.
    """

    def __init__(
        self,
        folder: Path,
        mailboxes: Sequence[str],
        *,
        require_client_certificate: bool = True,
        max_message_bytes: int = 26_214_400,
        offers_dsn: bool = True,
        offers_idle: bool = True,
        ports: tuple[int, int] = (0, 0),
        cards: CardHolders | None = None,
    ) -> None:
        self.moods = Moods()
        self.cards = cards or CardHolders()
        self.pki: TestPki = create_pki(
            folder.absolute() / "pki", clients=[box.lower() for box in mailboxes], now=datetime.now(UTC)
        )
        self._folder = folder.absolute()
        self._passwords = _load_passwords(folder / "passwords.json", mailboxes)
        self._require_client_certificate = require_client_certificate
        self.max_message_bytes = max_message_bytes
        self._offers_dsn = offers_dsn
        self._offers_idle = offers_idle
        self._smtp_port, self._imap_port = ports
        self._running: _Running | None = None
        self._arrival = threading.Condition()

    # -- what a client needs to know

    @property
    def host(self) -> str:
        """Where it listens; the certificate is for this address, ``::1`` and ``localhost``."""
        return HOST

    @property
    def smtp_port(self) -> int:
        """Submission; known after :meth:`start`."""
        return self._smtp_port

    @property
    def imap_port(self) -> int:
        """IMAP; known after :meth:`start`."""
        return self._imap_port

    @property
    def mailboxes(self) -> tuple[str, ...]:
        """Addresses, lower case."""
        return tuple(self._passwords)

    @property
    def trust_file(self) -> Path:
        """PEM of the authorities that signed the server's certificate."""
        return self.pki.trust_file

    @property
    def crl_file(self) -> Path:
        """PEM of their revocation list."""
        return self.pki.crl_file

    def client_certificate(self, address: str) -> Path:
        """PEM with key, certificate and chain of a mailbox."""
        return self.pki.client_file(address.lower())

    def knows(self, address: str) -> bool:
        """True for a mailbox of this operator."""
        return address.lower() in self._passwords

    def password(self, address: str) -> str:
        """Password of a mailbox for PLAIN and LOGIN.

        Raises:
            KeyError: no such mailbox.
        """
        return self._passwords[address.lower()]

    # -- start and stop

    def start(self) -> Self:
        """Listen; comes back when both ports have greeted a client.

        Raises:
            RuntimeError: it runs already.
            OSError: a port cannot be had.
        """
        if self._running:
            raise RuntimeError("the operator runs already")
        logging.getLogger("mail.log").setLevel(logging.ERROR)  # aiosmtpd warns of every demanded certificate
        running = _Running(self._serve)
        self._smtp_port, self._imap_port = running.wait_ready()
        self._running = running
        _await_greeting(self._smtp_port, b"220 ")
        _await_greeting(self._imap_port, b"* OK")
        return self

    def stop(self) -> None:
        """Cut the connections, close the ports, end the thread; harmless when it does not run."""
        running, self._running = self._running, None
        if running:
            running.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- look inside and misbehave

    def messages(self, address: str, folder: str = INBOX) -> list[bytes]:
        """The exact bytes of every message of a folder, oldest first.

        Raises:
            KeyError: no such mailbox or folder.
            RuntimeError: it does not run.
        """

        async def read(imap: ImapServer) -> list[bytes]:
            return list((await imap.mailbox(address, folder)).contents.values())

        return self._ask(read)

    def wait_for_messages(
        self, address: str, count: int, *, folder: str = INBOX, seconds: float = 20.0
    ) -> list[bytes]:
        """Wait until a folder holds at least so many messages.

        Raises:
            TimeoutError: they did not come.
        """
        with self._arrival:
            if not self._arrival.wait_for(lambda: len(self.messages(address, folder)) >= count, seconds):
                raise TimeoutError(f"fewer than {count} messages after {seconds} s")
        return self.messages(address, folder)

    def deliver(self, address: str, content: bytes, folder: str = INBOX) -> None:
        """Put a message into a folder as if it came from another operator."""

        async def put(imap: ImapServer) -> None:
            await imap.deliver(address, folder, content)

        self._ask(put)
        self._tell_arrival()

    def mood(
        self, kind: MoodKind | str, *, address: str = "", times: int | None = None, seconds: float = 0.0
    ) -> None:
        """Switch a bad mood on; see :class:`connector.sandbox.moods.Mood`."""
        self.moods.put_on(Mood(kind=MoodKind(kind), address=address, times=times, seconds=seconds))

    def calm(self) -> None:
        """Switch all moods off."""
        self.moods.calm()

    def drop_connections(self) -> None:
        """Cut every SMTP and IMAP connection, also those in IDLE; new ones are welcome."""
        running = self._required()

        async def cut(imap: ImapServer) -> None:
            imap.drop_connections()
            running.drop_smtp()

        self._ask(cut)

    def renumber(self, address: str, folder: str = INBOX) -> None:
        """Give a folder a new UIDVALIDITY; connected clients are cut, as they must select again."""

        async def change(imap: ImapServer) -> None:
            (await imap.mailbox(address, folder)).renumber()
            imap.drop_connections()

        self._ask(change)

    # -- the post office behind the submission server

    async def accept(self, submission: Submission) -> str:
        """Deliver what SMTP accepted; gives back the queue id. For the submission server only."""
        imap = self._required().imap
        queue_id = uuid4().hex[:10].upper()
        failing = {r for r in submission.recipients if self.moods.take(MoodKind.BOUNCE_LATER, r)}
        path = f"Return-Path: <{submission.sender}>\r\n".encode()
        for recipient in submission.recipients:
            if recipient not in failing:
                await imap.deliver(recipient, INBOX, path + submission.content)
        if submission.sender and not self.moods.take(MoodKind.NOT_FILED, submission.sender):
            await imap.deliver(submission.sender, SENT, submission.content)
        for recipient in submission.recipients:
            await self._report(imap, submission, recipient, failed=recipient in failing)
        # the answer must not wait for somebody who holds the lock while asking this very loop
        await asyncio.get_running_loop().run_in_executor(None, self._tell_arrival)
        return queue_id

    async def _report(self, imap: ImapServer, submission: Submission, recipient: str, *, failed: bool) -> None:
        wanted = submission.notify.get(recipient.lower(), frozenset({"FAILURE"}))
        if not submission.sender or ("FAILURE" if failed else "SUCCESS") not in wanted:
            return
        if self.moods.take(MoodKind.NO_RECEIPT, recipient):
            return
        delivered = DeliveryStatus(recipient=recipient, action="delivered", status="2.0.0")
        lost = DeliveryStatus(
            recipient=recipient, action="failed", status="5.2.1", diagnostic="550 5.2.1 Mailbox disabled"
        )
        report = delivery_report(
            to=submission.sender,
            reporting_host="localhost",
            original=submission.content,
            envelope_id=submission.envelope_id,
            outcome=lost if failed else delivered,
            message_id=f"<{uuid4().hex}@localhost>",
            now=datetime.now(UTC),
        )
        await imap.deliver(submission.sender, INBOX, b"Return-Path: <>\r\n" + report)

    def _tell_arrival(self) -> None:
        with self._arrival:
            self._arrival.notify_all()

    async def _serve(self, running: "_Running") -> None:
        tls = server_tls(
            self.pki,
            require_client_certificate=self._require_client_certificate,
            card_authorities=self.cards.authorities,
        )
        mail = self._folder / "mail"
        running.imap = imap = ImapServer(tls, mail, self.moods, idle=self._offers_idle, holders=self.cards.mailboxes)
        for address, password in self._passwords.items():
            await imap.add_user(address, password)
        handler = SubmissionHandler(self, offers_dsn=self._offers_dsn)

        def connected() -> SubmissionServer:
            return running.adopt(handler.server(tls, max_message_bytes=self.max_message_bytes))

        smtp_server = await asyncio.get_running_loop().create_server(connected, HOST, self._smtp_port)
        imap_server = await imap.serve(HOST, self._imap_port)
        async with smtp_server, imap_server:
            running.tell_ready((_port(smtp_server), _port(imap_server)))
            await running.stopping.wait()
            smtp_server.close()
            imap_server.close()
            imap.drop_connections()
            running.drop_smtp()

    def _required(self) -> "_Running":
        if self._running is None:
            raise RuntimeError("the operator does not run")
        return self._running

    def _ask(self, question: Callable[[ImapServer], Coroutine[Any, Any, _Result]]) -> _Result:
        running = self._required()
        future = asyncio.run_coroutine_threadsafe(question(running.imap), running.loop)
        return future.result(ANSWER_SECONDS)


class _Running:
    """The thread and loop of one run, from ready to stopped."""

    imap: ImapServer
    loop: asyncio.AbstractEventLoop
    stopping: asyncio.Event

    def __init__(self, serve: Callable[["_Running"], Coroutine[Any, Any, None]]) -> None:
        self.ports = (0, 0)
        self._error: BaseException | None = None
        self._ready = threading.Event()
        self._smtp: WeakSet[SubmissionServer] = WeakSet()
        self._thread = threading.Thread(target=self._run, args=(serve,), name="sandbox-operator", daemon=True)
        self._thread.start()

    def wait_ready(self) -> tuple[int, int]:
        """The ports, once both listen; raises what went wrong instead."""
        if not self._ready.wait(START_SECONDS):
            raise TimeoutError("the sandbox operator did not start")
        if self._error is not None:
            self._thread.join()
            raise self._error
        return self.ports

    def tell_ready(self, ports: tuple[int, int]) -> None:
        """Called by the loop when both ports listen."""
        self.ports = ports
        self._ready.set()

    def adopt(self, connection: SubmissionServer) -> SubmissionServer:
        """Remember a connection as long as it lives."""
        self._smtp.add(connection)
        return connection

    def drop_smtp(self) -> None:
        """Cut every SMTP connection; called in the loop."""
        for connection in tuple(self._smtp):
            if isinstance(connection.transport, asyncio.WriteTransport):
                connection.transport.abort()

    def stop(self) -> None:
        """End the loop and wait for its thread."""
        self.loop.call_soon_threadsafe(self.stopping.set)
        self._thread.join(ANSWER_SECONDS)

    def _run(self, serve: Callable[["_Running"], Coroutine[Any, Any, None]]) -> None:
        try:
            # the selector loop on every system: aiosmtpd swaps transports by hand, which it is tested with
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._main(serve))
        except Exception as error:  # noqa: BLE001 - handed over to start(), which raises it
            self._error = error
        finally:
            self._ready.set()

    async def _main(self, serve: Callable[["_Running"], Coroutine[Any, Any, None]]) -> None:
        self.loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        await serve(self)


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def _await_greeting(port: int, greeting: bytes) -> None:
    with (
        socket.create_connection((HOST, port), timeout=START_SECONDS) as connection,
        connection.makefile("rb") as answer,
    ):
        first = answer.read(len(greeting))
    if first != greeting:
        raise ConnectionError(f"port {port} does not greet as it should")


def _load_passwords(path: Path, mailboxes: Sequence[str]) -> dict[str, str]:
    """The passwords of an earlier run, completed and saved for the owner only."""
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    passwords = {
        address: known.get(address) or secrets.token_urlsafe(18)
        for address in dict.fromkeys(address.lower() for address in mailboxes)
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(known | passwords, file)
    return passwords
