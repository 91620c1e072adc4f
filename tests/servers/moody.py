"""Servers with bad moods: a proxy that cuts and stalls, and scripted SMTP and IMAP servers that answer oddly.

The embedded operator of :mod:`connector.sandbox` has moods too, but behaves otherwise; these here break the protocol.
"""

import contextlib
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.pki import Issued

__all__ = ["Proxy", "ScriptedImap", "ScriptedSmtp", "Wire", "server_context"]

PATIENCE_SECONDS = 20.0
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER 0: close sends RST


def server_context(issued: Issued, *, version: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """The server side of TLS, at most or exactly in one version."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    with tempfile.TemporaryDirectory() as folder:
        context.load_cert_chain(issued.write(Path(folder) / "server.pem"))
    return context


@dataclass
class _Listener:
    """Accepts on a free loopback port, one thread per connection, until the ``with`` block ends."""

    _socket: socket.socket = field(init=False)
    _open: list[socket.socket] = field(default_factory=list, init=False)
    _wires: list["Wire"] = field(default_factory=list, init=False)
    _threads: list[threading.Thread] = field(default_factory=list, init=False)

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._spawn(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.cut()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def cut(self) -> None:
        """Break every open connection now."""
        for connection in (*self._open, *(wire.socket for wire in self._wires)):
            _break(connection)
        self._open.clear()
        self._wires.clear()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                connection.settimeout(PATIENCE_SECONDS)
                self._open.append(connection)
                self._spawn(partial(self._serve_quietly, connection))

    def _spawn(self, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve_quietly(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self.serve(connection)
        connection.close()

    def serve(self, connection: socket.socket) -> None:
        raise NotImplementedError

    @contextlib.contextmanager
    def _wire(self, connection: socket.socket) -> Iterator["Wire"]:
        wire = Wire(connection)
        self._wires.append(wire)
        try:
            yield wire
        finally:
            wire.close()


@dataclass
class Proxy(_Listener):
    """Passes bytes between a client and a real server, until it is told to misbehave.

    It never looks inside TLS; the tests arm it from ``on_data`` or ``stop``, when they know where the talk stands.
    """

    target: int
    connections: int = 0
    _bytes_left: int | None = None  # from the client, then cut
    _answers_left: int | None = None  # from the server, then cut instead of passing the next one
    _flowing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._flowing.set()

    def cut_after_bytes(self, count: int) -> None:
        """Let ``count`` more bytes of the client through, then break the connection."""
        self._bytes_left = count

    def cut_instead_of_answer(self, *, after: int) -> None:
        """Let ``after`` more answers through, then break the connection when the server has given the next one."""
        self._answers_left = after

    def stall(self) -> None:
        """Hold back what the server says."""
        self._flowing.clear()

    def heal(self) -> None:
        """Behave again."""
        self._bytes_left = self._answers_left = None
        self._flowing.set()

    def serve(self, connection: socket.socket) -> None:
        self.connections += 1
        with socket.create_connection(("127.0.0.1", self.target), timeout=PATIENCE_SECONDS) as server:
            self._spawn(lambda: self._pump_client(connection, server))
            with contextlib.suppress(OSError):
                while data := server.recv(65536):
                    if self._is_last_answer():
                        break
                    if self._flowing.wait(PATIENCE_SECONDS):
                        connection.sendall(data)
            _break(connection)

    def _pump_client(self, connection: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := connection.recv(16384):
                if self._bytes_left is not None:
                    self._bytes_left -= len(data)
                    if self._bytes_left < 0:
                        break
                server.sendall(data)
        _break(server)
        _break(connection)

    def _is_last_answer(self) -> bool:
        if self._answers_left is None:
            return False
        self._answers_left -= 1
        return self._answers_left < 0


class Wire:
    """Lines over a socket that can be upgraded to TLS."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._file = connection.makefile("rb")

    def lines(self) -> Iterator[str]:
        while line := self.line():
            yield line

    def line(self) -> str:
        """The next line without its end; empty at the end of the connection."""
        return self._file.readline().decode("latin-1").rstrip("\r\n")

    def read_content(self) -> bytes:
        """Everything up to the final dot, still dot-stuffed."""
        content = b""
        while (line := self._file.readline()) not in (b".\r\n", b""):
            content += line
        return content

    def say(self, *lines: str) -> None:
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def close(self) -> None:
        self._file.close()
        self.socket.close()

    def start_tls(self, context: ssl.SSLContext) -> None:
        self._file.close()
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self._file = self.socket.makefile("rb")


_POLITE = {
    "MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok", "DATA": "354 go on", ".": "250 2.0.0 queued as 4MOODY",
    "AUTH": "235 2.7.0 welcome", "RSET": "250 2.0.0 Ok", "NOOP": "250 2.0.0 Ok", "QUIT": "221 2.0.0 Bye",
}  # fmt: skip


@dataclass
class ScriptedSmtp(_Listener):
    """Answers each verb from a table; ``.`` stands for the end of the content.

    Attributes:
        tls: server side, ``None`` = STARTTLS is not offered.
        answers: verb to answer; an empty answer closes the connection without one; ``|`` divides the answers to
            successive uses, the last one stays.
        extensions: after EHLO over TLS.
        implicit: TLS from the first byte.
        early: said after the first line of the content; the rest is not read.
    """

    tls: ssl.SSLContext | None
    answers: Mapping[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ("SIZE 1000000", "8BITMIME", "DSN")
    implicit: bool = False
    early: str = ""
    greeting: str = "220 moody ESMTP"
    commands: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    patience: threading.Event = field(default_factory=threading.Event)
    _uses: dict[str, int] = field(default_factory=dict)

    def cut(self) -> None:
        self.patience.set()
        super().cut()

    def serve(self, connection: socket.socket) -> None:
        with self._wire(connection) as wire:
            if self.implicit and self.tls is not None:
                wire.start_tls(self.tls)
            wire.say(self.greeting)
            for line in wire.lines():
                self.commands.append(line)
                if not self._answer(wire, line.partition(" ")[0].upper()):
                    break

    def _answer(self, wire: Wire, verb: str) -> bool:
        if verb == "EHLO":
            secure = isinstance(wire.socket, ssl.SSLSocket)
            offered = self.extensions if secure or self.tls is None else ("STARTTLS",)
            wire.say("250-moody", *(f"250-{extension}" for extension in offered), "250 HELP")
            return True
        if verb == "STARTTLS" and self.tls is not None:
            wire.say("220 go")
            wire.start_tls(self.tls)
            return True
        answer = self._next(verb)
        if answer:
            wire.say(*answer.split("\n"))
        if verb == "DATA" and self.early:
            wire.line()
            wire.say(self.early)
            self.patience.wait(PATIENCE_SECONDS)
            return False
        if verb == "DATA" and answer.startswith("354"):
            self.contents.append(wire.read_content())
            return self._answer(wire, ".")
        return bool(answer) and verb != "QUIT" and not answer.startswith("421")

    def _next(self, verb: str) -> str:
        use = self._uses[verb] = self._uses.get(verb, 0) + 1
        script = self.answers.get(verb, _POLITE.get(verb, "334 ")).split("|")
        return script[min(use, len(script)) - 1]


@dataclass
class ScriptedImap(_Listener):
    """A mailbox server whose answers come from a table of command word to untagged lines.

    Attributes:
        tls: server side; ``None`` = STARTTLS is not offered.
        untagged: lines (without the tag line) that precede the completion of a command, e.g. of ``SELECT``.
        completions: other completions than ``OK done``, by command word, e.g. ``{"LOGIN": "NO [UNAVAILABLE] …"}``;
            an empty one closes the connection.
        idle: what IDLE does with the wire, after the command line; ends when DONE has been read and answered.
    """

    tls: ssl.SSLContext | None
    untagged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    completions: Mapping[str, str] = field(default_factory=dict)
    capabilities: str = "IDLE AUTH=PLAIN AUTH=EXTERNAL"
    greeting: str = "* OK moody"
    idle: Callable[[Wire, str], None] | None = None
    commands: list[str] = field(default_factory=list)

    def serve(self, connection: socket.socket) -> None:
        with self._wire(connection) as wire:
            wire.say(self.greeting)
            for line in wire.lines():
                tag, _, command = line.partition(" ")
                self.commands.append(command)
                if not self._answer(wire, tag, command.removeprefix("UID ")):
                    break

    def _answer(self, wire: Wire, tag: str, command: str) -> bool:
        word = command.partition(" ")[0].upper()
        if word == "IDLE" and self.idle is not None:
            self.idle(wire, tag)
            return True
        if word == "AUTHENTICATE":
            wire.say("+ ")
            wire.line()
        completion = self.completions.get(word, "OK done")
        if completion.startswith("OK"):
            wire.say(*self._lines(wire, word))
        if completion:
            wire.say(f"{tag} {completion}")
        if word == "STARTTLS" and self.tls is not None and completion.startswith("OK"):
            wire.start_tls(self.tls)
        return bool(completion) and word != "LOGOUT"

    def _lines(self, wire: Wire, word: str) -> tuple[str, ...]:
        if word == "CAPABILITY":
            clear = self.tls is not None and not isinstance(wire.socket, ssl.SSLSocket)
            return (f"* CAPABILITY IMAP4rev1 {'STARTTLS LOGINDISABLED' if clear else self.capabilities}",)
        if word == "LOGOUT":
            return ("* BYE",)
        return self.untagged.get(word, ())


def _break(connection: socket.socket) -> None:
    """Wakes whoever reads it; the thread that owns it closes it, which sends RST."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
