"""What is known of the card, as values that any thread may read: nothing in here touches a reader."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from connector.settings.model import CardChoice

__all__ = ["CardCertificate", "CardPort", "CardStatus", "Presence", "TokenView"]


class Presence(StrEnum):
    """Where the card stands; the sentence is what it means for the person looking at it."""

    NO_MIDDLEWARE = "no_middleware"  # the PKCS#11 library (Cryptolib CPS) is not there or cannot be loaded
    NO_READER = "no_reader"  # no reader, or the system's card service does not run
    NO_CARD = "no_card"  # a reader without a card
    UNKNOWN_CARD = "unknown_card"  # a card that the middleware does not know, or without authentication certificate
    LOCKED = "locked"  # our card, nobody has typed the PIN, nobody needs it now
    PIN_NEEDED = "pin_needed"  # a mailbox waits for the PIN
    OPEN = "open"  # the PIN was accepted: the card signs
    LAST_TRY = "last_try"  # one wrong PIN more and it is blocked: nothing is tried without the person's explicit word
    BLOCKED = "blocked"  # too many wrong PINs: only its issuer can help
    FAILED = "failed"  # the card or the middleware does not answer any more


@dataclass(frozen=True, slots=True)
class CardCertificate:
    """The authentication certificate of a card, as a person recognises it."""

    common_name: str
    holder: str  # national identifier, e.g. 899700012345
    profession: str  # title of the subject
    organization: str
    issuer: str  # common name of the issuer
    label: str  # CKA_LABEL on the card
    not_before: datetime
    not_after: datetime
    sha256: str  # of the DER, lower-case hexadecimal
    surname: str = ""
    given_name: str = ""

    @property
    def name(self) -> str:
        """The holder as a person says it; the common name when the certificate has no other."""
        return f"{self.given_name} {self.surname}".strip() or self.common_name


@dataclass(frozen=True, slots=True)
class TokenView:
    """One card in one reader."""

    reader: str
    serial: str
    label: str
    presence: Presence
    certificate: CardCertificate | None = None
    tries_left_low: bool = False  # a wrong PIN was typed since the last right one
    pin_pad: bool = False  # the PIN is typed at the reader
    can_pss: bool = False  # PSS or raw RSA: TLS 1.3 is possible; else TLS 1.2 with PKCS#1 v1.5 only
    code: str = ""  # catalogue code of what hinders it


@dataclass(frozen=True, slots=True)
class CardStatus:
    """All readers and cards at one moment. ``presence`` is that of the most useful one."""

    presence: Presence
    readers: tuple[str, ...] = ()
    tokens: tuple[TokenView, ...] = ()
    middleware: str = ""  # path of the library
    code: str = ""  # catalogue code of what hinders everything; empty while open or merely locked
    detail: str = ""  # one English sentence, never a secret
    signatures: int = 0  # C_Sign calls that succeeded since the start


class CardPort(Protocol):
    """What the rest of the connector may ask of the cards. Thread-safe."""

    def status(self) -> CardStatus:
        """The last snapshot; never blocks."""
        ...

    def unlock(self, pin: str | None, *, serial: str = "", accept_last_try: bool = False) -> CardStatus:
        """Give one PIN to one card, once.

        Args:
            pin: four digits; ``None`` lets the person type it at the reader.
            serial: which card, when there are several.
            accept_last_try: the person knows that a wrong PIN blocks the card.

        A card that is open already stays open; nothing is sent to it then.

        Raises:
            NeedsPerson: ``CARTE_ABSENTE``, ``PIN_FAUX`` (never tried again), ``PIN_DERNIER_ESSAI`` (nothing was
                tried), ``CARTE_BLOQUEE``, ``PIN_FORMAT`` (nothing was tried), ``PIN_AU_LECTEUR`` (nothing was tried:
                this reader takes the PIN itself), ``PIN_ABANDONNE`` (the person gave up at the reader),
                ``CARTES_MULTIPLES`` (say which), or what else hinders the card: any code of
                :data:`connector.domain.catalogue.card.CARD_CODES`.
            Unavailable: ``CARTE_DEFAILLANTE``: card or middleware does not answer.
        """
        ...

    def lock(self) -> CardStatus:
        """Forget that the PIN was typed and close what was opened with it."""
        ...

    def test(self, *, serial: str = "") -> str:
        """Sign something meaningless with the authentication key and verify it; gives back the mechanism used.

        Raises:
            NeedsPerson, Unavailable: as :meth:`unlock`.
        """
        ...

    def subscribe(self, listener: Callable[[CardStatus], None]) -> None:
        """Call ``listener`` after every change, on a thread of the card service; it must not block."""
        ...

    def find(self, choice: CardChoice) -> TokenView | None:
        """The one card that fits, or ``None``; two that fit equally well count as none."""
        ...
