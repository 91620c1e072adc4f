"""Frames of MLLP (HL7 v2 over TCP): byte 0B, message, bytes 1C 0D; and a client that sends one and waits.

Source rule: HL7 v2 Transport Specification, MLLP release 1. Some senders write 1C without 0D, or line ends between
two frames: both are understood. What comes before a start byte belongs to no message and is dropped, within bounds.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from connector.domain.errors import Unavailable

__all__ = ["FrameReader", "OversizeFrame", "exchange", "frame"]

_START, _END, _CR = b"\x0b", b"\x1c", b"\r"
_MOST_NOISE = 4096
_CHUNK = 1 << 16
_HEAD = 4096
_LOOK_SECONDS = 0.5


class OversizeFrame(Exception):
    """More came than a message may have, or noise without any message; the connection cannot be understood on."""


def frame(message: bytes) -> bytes:
    """A message as it goes over the wire."""
    return _START + message + _END + _CR


class FrameReader:
    """Finds the messages in what comes over one connection, whatever pieces it comes in.

    Args:
        most_bytes: of one message.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._buffer = bytearray()
        self._noise = 0
        self._scanned = 0

    @property
    def is_within(self) -> bool:
        """True while a message has begun and not ended."""
        return bool(self._buffer)

    @property
    def beginning(self) -> bytes:
        """The first bytes of the message that has begun: enough for its MSH."""
        return bytes(self._buffer[1 : 1 + _HEAD])

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that end in this piece.

        Raises:
            OversizeFrame: the connection is to be closed.
        """
        self._buffer += data
        while self._begins():
            end = self._buffer.find(_END, self._scanned)
            if end < 0:
                self._scanned = len(self._buffer)
                if len(self._buffer) - 1 > self._most:
                    raise OversizeFrame
                return
            message = bytes(self._buffer[1:end])
            if len(message) > self._most:
                raise OversizeFrame
            del self._buffer[: end + 1]
            self._noise = self._scanned = 0
            yield message

    def _begins(self) -> bool:
        """Drop what stands before a start byte; true when there is one."""
        start = self._buffer.find(_START)
        self._noise += len(self._buffer) if start < 0 else start
        if self._noise > _MOST_NOISE:
            raise OversizeFrame
        del self._buffer[: len(self._buffer) if start < 0 else start]
        return bool(self._buffer)


def exchange(
    message: bytes, address: tuple[str, int], *, seconds: float, tls: ssl.SSLContext | None = None,
    most_bytes: int = 1 << 20, given_up: Callable[[], bool] = lambda: False,
) -> bytes:  # fmt: skip
    """Send one message and wait for its answer, on a connection of its own.

    Args:
        message: to be sent.
        address: host and port.
        seconds: for connecting, and then for the whole of the answer.
        tls: ``None`` = in clear, for a program of the same machine.
        most_bytes: of the answer.
        given_up: true when nobody waits for the answer any more; asked every half second.

    Raises:
        Unavailable: ``MLLP_INJOIGNABLE``: no connection or no whole answer; whether it was taken is not known.
    """
    try:
        with _connected(address, seconds, tls) as connection:
            connection.sendall(frame(message))
            return _answer(connection, time.monotonic() + seconds, FrameReader(most_bytes), given_up)
    except (OSError, OversizeFrame) as error:
        raise Unavailable("MLLP_INJOIGNABLE", f"no answer over MLLP: {type(error).__name__}") from error


@contextmanager
def _connected(address: tuple[str, int], seconds: float, tls: ssl.SSLContext | None) -> Iterator[socket.socket]:
    with socket.create_connection(address, timeout=seconds) as plain:
        if tls is None:
            yield plain
            return
        with tls.wrap_socket(plain, server_hostname=address[0]) as wrapped:
            yield wrapped
            with suppress(OSError):
                wrapped.unwrap()


def _answer(connection: socket.socket, deadline: float, reader: FrameReader, given_up: Callable[[], bool]) -> bytes:
    """The first message that comes, however slowly its pieces do, but not after the deadline (monotonic)."""
    while (left := deadline - time.monotonic()) > 0 and not given_up():
        connection.settimeout(min(left, _LOOK_SECONDS))
        try:
            piece = connection.recv(_CHUNK)
        except TimeoutError:
            continue
        if not piece:
            raise ConnectionResetError
        for answer in reader.feed(piece):
            return answer
    raise TimeoutError
