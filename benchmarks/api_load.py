"""Clients of the local API that cost little themselves: HTTP/1.1 on kept connections, written by hand."""

import asyncio
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Connection", "Samples", "follow", "read_on", "repeat"]

_CLIENT_SECONDS = 30.0


@dataclass
class Samples:
    """What clients have seen."""

    seconds: dict[str, list[float]] = field(default_factory=dict)  # by what was read
    events: int = 0
    done: dict[str, int] = field(default_factory=dict)  # what else was asked for

    def note(self, what: str, seconds: float) -> None:
        """One answer came."""
        self.seconds.setdefault(what, []).append(seconds)

    def count(self) -> int:
        """How many answers."""
        return sum(map(len, self.seconds.values()))

    def clear(self) -> None:
        """Forget what was seen while everything was still cold."""
        self.seconds.clear()
        self.done.clear()
        self.events = 0


class Connection:
    """One kept connection.

    Args:
        port: on 127.0.0.1.
        token: bearer; empty = none.
    """

    def __init__(self, port: int, token: str = "") -> None:
        self._port = port
        self._head = f"Host: 127.0.0.1:{port}\r\n" + (f"Authorization: Bearer {token}\r\n" if token else "")
        self.reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def __aenter__(self) -> "Connection":
        self.reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """The body of the answer.

        Raises:
            RuntimeError: it was refused.
        """
        head = await self.begin(method, path, body)
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        content = await self.reader.readexactly(length)
        if not 200 <= int(head[9:12]) < 300:
            raise RuntimeError(f"{method} {path}: {head[9:12].decode()} {content[:300].decode()}")
        return content

    async def begin(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Ask; gives the head of the answer."""
        lines = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{self._head}{lines}\r\n".encode() + body)
        async with asyncio.timeout(_CLIENT_SECONDS):
            return await self.reader.readuntil(b"\r\n\r\n")


async def read_on(
    connection: Connection, paths: Mapping[str, Sequence[str]], samples: Samples, *, seed: int, pause: float
) -> None:
    """Read one thing after the other, for ever.

    Args:
        connection: of this client.
        paths: by what they show.
        samples: takes the times.
        seed: of the order.
        pause: mean seconds between an answer and the next question; 0 = none.
    """
    chance = random.Random(seed)
    kinds = list(paths)
    await asyncio.sleep(chance.uniform(0, pause))
    while True:
        what = chance.choice(kinds)
        start = time.perf_counter()
        await connection.ask("GET", chance.choice(paths[what]))
        samples.note(what, time.perf_counter() - start)
        if pause:
            await asyncio.sleep(chance.uniform(0, 2 * pause))


async def repeat(
    connection: Connection, what: str, path: str, bodies: Iterator[object], samples: Samples, *, pause: float
) -> None:
    """Ask for something that takes its time, as long as there are bodies.

    Args:
        connection: of this client.
        what: counted under this name.
        path: of the POST.
        bodies: one after the other.
        samples: counts.
        pause: seconds between.
    """
    for body in bodies:
        await connection.ask("POST", path, json.dumps(body).encode())
        samples.done[what] = samples.done.get(what, 0) + 1
        await asyncio.sleep(pause)


async def follow(connection: Connection, samples: Samples) -> None:
    """Listen to the events, for ever."""
    await connection.begin("GET", "/api/v1/events")
    while line := await connection.reader.readline():
        samples.events += line.startswith(b"event:")
