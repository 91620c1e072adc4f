"""A proxy that stops in the middle of what a client says, for as long as a test wants."""

import contextlib
import socket
import threading
from dataclasses import dataclass, field

from tests.servers.moody import PATIENCE_SECONDS, Proxy

__all__ = ["HoldingProxy"]


@dataclass
class HoldingProxy(Proxy):
    """Passes everything, but keeps what a client says beyond ``hold_after`` bytes until :meth:`release`."""

    hold_after: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    _released: threading.Event = field(default_factory=threading.Event)

    def wait_held(self) -> None:
        """Come back when a client has said more than ``hold_after`` bytes.

        Raises:
            TimeoutError: none did.
        """
        if not self.held.wait(PATIENCE_SECONDS):
            raise TimeoutError("no client said that much")

    def release(self) -> None:
        """Let the rest pass, and everything that follows."""
        self._released.set()

    def _pump_client(self, connection: socket.socket, server: socket.socket) -> None:
        said = 0
        with contextlib.suppress(OSError):
            while data := connection.recv(16384):
                said += len(data)
                if said > self.hold_after:
                    self.held.set()
                    self._released.wait(PATIENCE_SECONDS)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
