"""What the card thread saw at one moment, and how the two views – PC/SC and middleware – become one. Pure.

The middleware knows cards; PC/SC knows readers and whether something is in them. A module that does not use PC/SC
(SoftHSM) has slots that are no hardware: these count as readers by themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from connector.identities.card.reader import Reader, ReaderView, Service
from connector.identities.card.status import CardCertificate

__all__ = [
    "CardId", "Fault", "Observation", "SeenCard", "SlotView", "all_readers", "no_reader", "reader_of",
    "strange_cards",
]  # fmt: skip

_SLOT_DESCRIPTION = 64  # CK_SLOT_INFO.slotDescription


class CardId(NamedTuple):
    """Tells cards apart: the serial alone could come back with another practitioner's certificate."""

    serial: str
    sha256: str  # of the certificate


@dataclass(frozen=True, slots=True)
class SeenCard:
    """One card."""

    reader: str
    serial: str = ""
    label: str = ""
    certificate: CardCertificate | None = None
    der: bytes = field(default=b"", repr=False)  # of the certificate
    chain: tuple[bytes, ...] = field(default=(), repr=False)  # its issuers, as far as they are known
    mechanisms: frozenset[object] = field(default=frozenset(), repr=False)  # of its slot
    can_pss: bool = False
    count_low: bool = False  # a wrong PIN since the last right one
    final_try: bool = False
    blocked: bool = False
    pin_pad: bool = False
    is_open: bool = False  # the PIN was accepted and the key was found
    code: str = ""  # what hinders it, beside its PIN
    detail: str = ""

    @property
    def id(self) -> CardId:
        """Serial and certificate."""
        return CardId(self.serial, self.certificate.sha256 if self.certificate else "")

    @property
    def is_known(self) -> bool:
        """It has an authentication certificate."""
        return self.certificate is not None


@dataclass(frozen=True, slots=True)
class Fault:
    """What hinders everything."""

    code: str
    detail: str
    of_middleware: bool = False  # else of the readers


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything at one moment."""

    middleware: str = ""  # path; empty while it is not loaded
    readers: tuple[str, ...] = ()
    cards: tuple[SeenCard, ...] = ()
    fault: Fault | None = None  # of the middleware, or of the readers
    signatures: int = 0
    endings: Mapping[CardId, int] = field(default_factory=lambda: MappingProxyType({}))
    """How often what a card had opened had to end."""


class SlotView(NamedTuple):
    """What the middleware says of one slot."""

    description: str
    hardware: bool  # CKF_HW_SLOT
    occupied: bool  # it holds a card that the middleware knows


def reader_of(description: str, readers: Iterable[Reader]) -> Reader | None:
    """The PC/SC reader that a slot stands for, by name.

    A name over 64 bytes is cut (OpenSC), or keeps its first 30 and last 31 bytes around ``...`` (Cryptolib CPS).
    """
    return next((reader for reader in readers if _is_called(description, reader.name)), None)


def all_readers(pcsc: ReaderView, slots: Sequence[SlotView]) -> tuple[str, ...]:
    """The names of all readers: those of PC/SC, and slots that stand for none of these.

    An empty hardware slot without a PC/SC reader is a leftover of the middleware ("Virtual slot"), and so is an empty
    software slot beside an occupied one (SoftHSM always has one to spare).
    """
    names = [reader.name for reader in pcsc.readers]
    others = [slot for slot in slots if reader_of(slot.description, pcsc.readers) is None]
    occupied = [slot.description for slot in others if slot.occupied]
    if names or any(slot.occupied for slot in slots):
        return (*names, *occupied)
    return tuple(slot.description for slot in others if not slot.hardware)


def strange_cards(pcsc: ReaderView, taken: Iterable[str], detail: str = "") -> tuple[SeenCard, ...]:
    """What is in a reader without the middleware showing it.

    Args:
        pcsc: the system's view.
        taken: readers whose card the middleware shows.
        detail: what the middleware says.
    """
    shown = set(taken)
    return tuple(_stranger(reader, detail) for reader in pcsc.readers if reader.card and reader.name not in shown)


def no_reader(pcsc: ReaderView) -> Fault:
    """Why there is no reader."""
    return Fault(_NO_READER_CODES[pcsc.service], pcsc.detail or "the card service sees no reader")


_NO_READER_CODES = {
    Service.RUNNING: "LECTEUR_ABSENT",
    Service.STOPPED: "SERVICE_CARTES_ARRETE",
    Service.FORBIDDEN: "SERVICE_CARTES_INTERDIT",
    Service.ABSENT: "SERVICE_CARTES_ABSENT",
}


def _stranger(reader: Reader, detail: str) -> SeenCard:
    if reader.mute:
        return SeenCard(reader.name, code="CARTE_MUETTE", detail="what is in the reader does not answer")
    return SeenCard(reader.name, code="CARTE_INCONNUE", detail=detail or "the middleware does not know this card")


def _is_called(description: str, name: str) -> bool:
    description, whole = description.strip(), name.encode()
    if description == whole[:_SLOT_DESCRIPTION].decode("utf-8", "replace").strip():
        return True
    shown = description.encode()
    return shown[30:33] == b"..." and shown.startswith(whole[:30]) and whole.endswith(shown[33:])
