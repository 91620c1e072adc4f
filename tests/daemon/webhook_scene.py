"""A receiver of webhooks on this machine, in the hand of the test."""

import json
import queue
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Heard", "HookReceiver", "receiver"]


@dataclass(frozen=True)
class Heard:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def number(self) -> int:
        return int(self.event["number"])


@dataclass
class HookReceiver:
    """What came, and what is answered: a status, and headers besides."""

    port: int = 0
    heard: "queue.Queue[Heard]" = field(default_factory=queue.Queue)
    answer: Callable[[Heard], tuple[int, dict[str, str]]] = lambda heard: (204, {})

    def next(self) -> Heard:
        return self.heard.get(timeout=20)

    def numbers(self, count: int) -> list[int]:
        return [self.next().number for _ in range(count)]


@contextmanager
def receiver(*, port: int = 0, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[HookReceiver]:
    """Listen for the time of the block."""
    hook = HookReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            heard = Heard(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            status, headers = hook.answer(heard)
            hook.heard.put(heard)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the standard library
            """Say nothing."""

    server = ThreadingHTTPServer((host, port), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
