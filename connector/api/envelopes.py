"""Who wrote and what about, of received messages, for lists: read from the head of the kept bytes, and remembered."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.errors import ConnectorError, Unavailable
from connector.journal.journal import Journal
from connector.journal.records import IncomingMessage
from connector.mail.parse import SenderOrigin, open_message

__all__ = ["Envelope", "Envelopes"]

KEPT = 2_000
_HEAD_ENDS = (b"\r\n\r\n", b"\n\n")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a list shows of a received message."""

    sender: str  # name, else address
    address: str
    subject: str
    date: datetime | None = None  # of the header
    is_from_patient: bool = False
    is_readable: bool = True  # False: not fetched yet, no longer kept, or not a message


UNREADABLE = Envelope("", "", "", is_readable=False)


class Envelopes:
    """Reads envelopes. Thread-safe.

    Args:
        journal: holds the raw bytes.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Envelope] = OrderedDict()

    def of(self, message: IncomingMessage) -> Envelope:
        """The envelope; a message that has none yet is asked for again next time."""
        with self._lock:
            if message.id in self._kept:
                return self._kept[message.id]
        envelope = self._read(message)
        if envelope.is_readable:
            with self._lock:
                self._kept[message.id] = envelope
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return envelope

    def _read(self, message: IncomingMessage) -> Envelope:
        if message.payload_id is None:
            return UNREADABLE
        try:
            opened = open_message(_head(self._journal.payload(message.payload_id)), DEFAULT_LIMITS)
        except Unavailable:
            raise
        except ConnectorError:
            return UNREADABLE
        return Envelope(
            opened.sender_name, opened.sender.address, opened.subject_display, opened.date,
            opened.sender_kind is SenderOrigin.USAGER,
        )  # fmt: skip


def _head(raw: bytes) -> bytes:
    """The header fields with the empty line behind them: the rest may be megabytes of Base64."""
    ends = [raw.find(end) + len(end) for end in _HEAD_ENDS if end in raw]
    return raw[: min(ends)] if ends else raw
