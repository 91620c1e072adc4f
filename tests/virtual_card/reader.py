"""The card side of vsmartcard's virtual reader: one slot that a card can be put into and pulled out of.

The driver (vpcd, inside pcscd) listens on a TCP port; who connects is a card. Both sides send messages with their
length in two bytes before them. From the driver, one byte is an order – power off, power on, reset, tell the answer
to reset – and anything longer is a command APDU that must be answered.
"""

import contextlib
import socket
import threading
from dataclasses import dataclass, field

from tests.virtual_card.cards import Card

__all__ = ["ReaderSlot"]

POWER_OFF, POWER_ON, RESET, TELL_ATR = 0, 1, 2, 4
RETRY_SECONDS = 0.02  # pause between attempts to connect while pcscd starts
JOIN_SECONDS = 10.0


@dataclass
class ReaderSlot:
    """One slot of a virtual reader.

    A card stays in it until it is pulled, also while pcscd is down: the slot connects again when pcscd comes back.
    """

    port: int  # where the driver listens for this slot
    card: Card | None = None
    _connection: "_Connection | None" = field(default=None, repr=False)
    _held_one: bool = False

    def insert(self, card: Card) -> None:
        """Put a card in; pcscd looks for one each 0.4 s.

        Raises:
            RuntimeError: there is one already.
        """
        if self.card is not None:
            raise RuntimeError("the slot holds a card already")
        self.card = card
        self._connection = _Connection(self.port, card, show_empty=self._held_one)
        self._held_one = True
        self._connection.start()

    def pull(self) -> None:
        """Pull the card out, in the middle of whatever it does. Nothing happens when there is none."""
        connection, self._connection, self.card = self._connection, None, None
        if connection is not None:
            connection.end()

    def lose_power(self) -> None:
        """The reader has no power for a moment: what the card was doing is given up."""
        if self.card is not None:
            self.card.power_off()


class _Connection(threading.Thread):
    """Plays a card until it is pulled.

    A driver that lost one connection takes the next for the same card when it did not look in between, and then gives
    it no power. ``show_empty`` therefore closes the first connection when the driver looks at it: an empty slot.
    """

    def __init__(self, port: int, card: Card, *, show_empty: bool) -> None:
        super().__init__(name=f"card-{port}", daemon=True)
        self._port = port
        self._card = card
        self._show_empty = show_empty
        self._pulled = threading.Event()
        self._guard = threading.Lock()
        self._socket: socket.socket | None = None

    def run(self) -> None:
        while not self._pulled.is_set():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port)) as connection:
                self._serve(connection)
            self._pulled.wait(RETRY_SECONDS)

    def end(self) -> None:
        with self._guard:
            self._pulled.set()
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)
        self._card.power_off()
        self.join(JOIN_SECONDS)
        if self.is_alive():
            raise RuntimeError("the card does not stop")

    def _serve(self, connection: socket.socket) -> None:
        with self._guard:
            if self._pulled.is_set():
                return
            self._socket = connection
        try:
            self._converse(connection)
        finally:
            with self._guard:
                self._socket = None
            self._card.power_off()

    def _converse(self, connection: socket.socket) -> None:
        message = _receive(connection)
        if self._show_empty:
            self._show_empty = message is None
            return
        self._show_empty = message is not None
        while message is not None and self._obey(connection, message):
            message = _receive(connection)

    def _obey(self, connection: socket.socket, message: bytes) -> bool:
        """Do what the driver says; false when the card has no power to answer with, as if it were not there."""
        response: bytes | None = b""
        if len(message) > 1:
            response = self._card.transmit(message)
        elif message[0] == TELL_ATR:
            response = self._card.atr
        elif message[0] in (POWER_ON, RESET):
            self._card.power_on()
        elif message[0] == POWER_OFF:
            self._card.power_off()
        if response:
            _send(connection, response)
        return response is not None


def _receive(connection: socket.socket) -> bytes | None:
    """The next message; ``None`` when the driver went away."""
    length = _exactly(connection, 2)
    return None if length is None else _exactly(connection, int.from_bytes(length, "big"))


def _exactly(connection: socket.socket, length: int) -> bytes | None:
    data = b""
    while len(data) < length:
        # The driver sends the length and the message apart, and waits (Nagle) until the first is acknowledged: at
        # once, please. The kernel takes the wish back after each packet.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        part = connection.recv(length - len(data))
        if not part:
            return None
        data += part
    return data


def _send(connection: socket.socket, message: bytes) -> None:
    connection.sendall(len(message).to_bytes(2, "big") + message)
