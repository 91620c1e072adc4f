"""What Postfix answers to RCPT, changed while it runs: a socketmap table (socketmap_table(5)) in our process."""

import socketserver
import threading
from typing import cast

__all__ = ["AnswerMap"]


class _Lookup(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        answers = cast("_Server", self.server).answers
        while size := self._size():
            _, _, key = self.rfile.read(size + 1)[:-1].decode().partition(" ")
            answer = answers.get(key)
            reply = f"OK {answer}" if answer else "NOTFOUND "
            self.wfile.write(f"{len(reply)}:{reply},".encode())

    def _size(self) -> int:
        digits = b""
        while (byte := self.rfile.read(1)) not in (b":", b""):
            digits += byte
        return int(digits or b"0")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    answers: dict[str, str]


class AnswerMap:
    """Recipient to answer, e.g. ``451 4.3.0 later``; others are accepted. Takes effect at once."""

    def __init__(self) -> None:
        self._answers: dict[str, str] = {}
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.server_address[1])

    def set(self, recipient: str, answer: str | None) -> None:
        """``None`` = accepted."""
        self._answers.pop(recipient, None)
        if answer is not None:
            self._answers[recipient] = answer

    def start(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Lookup)
        self._server.answers = self._answers
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
