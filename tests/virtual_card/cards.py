"""What a reader may hold: the port that it talks to, and a card that no middleware knows."""

import threading
from dataclasses import dataclass, field
from typing import Protocol

from tests.virtual_card.apdu import StatusWord, answer

__all__ = ["Card", "UnknownCard", "make_atr"]


class Card(Protocol):
    """A card as its reader sees it. Called by one thread, that of the reader."""

    @property
    def atr(self) -> bytes:
        """Answer to reset."""
        ...

    def power_on(self) -> None:
        """Begin anew: nothing is selected, no PIN was given."""
        ...

    def power_off(self) -> None:
        """Forget everything that is not in the permanent memory. Any thread: what is being done is given up."""
        ...

    def transmit(self, command: bytes) -> bytes | None:
        """Answer one command APDU; ``None`` when the power went away meanwhile."""
        ...


def make_atr(historical: bytes) -> bytes:
    """An answer to reset that offers T=1 and carries up to 15 historical bytes (ISO 7816-3 §8.2)."""
    body = bytes([0x80 | len(historical), 0x01]) + historical
    check = 0
    for byte in body:
        check ^= byte
    return b"\x3b" + body + bytes([check])


@dataclass
class UnknownCard:
    """A loyalty card, a bank card: answers, but to nothing that we ask."""

    atr: bytes = make_atr(b"FIDELITE")
    status: int = StatusWord.UNKNOWN_INSTRUCTION
    commands: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def power_on(self) -> None:
        """It has nothing to begin."""

    def power_off(self) -> None:
        """It has nothing to forget."""

    def transmit(self, command: bytes) -> bytes | None:
        with self._lock:
            self.commands += 1
        return answer(self.status)
