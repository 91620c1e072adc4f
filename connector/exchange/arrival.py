"""What the opener hands to whoever delivers: one opened message as plain values, and the port to hand it to.

The exchange is below the delivery in the layers, so the words that both use live here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from connector.documents.cda.model import CdaDocument
from connector.domain.address import MailboxAddress

__all__ = [
    "Arrival", "ArrivalDocument", "ArrivalPart", "ArrivalPerson", "Delivered", "DeliveryTarget", "PartRole",
    "Quarantined",
]  # fmt: skip


class PartRole(StrEnum):
    """What a delivered file is, in the words of the index (lps-folder-conventions 8.6)."""

    BODY = "corps"
    PDF = "pdf"
    HPRIM = "hprim"
    XDM = "xdm"
    CDA = "cda"
    OTHER = "autre"


@dataclass(frozen=True, slots=True)
class ArrivalPerson:
    """A sender or recipient as the header shows it; unverified."""

    address: str
    name: str = ""  # display name, may be empty


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalPart:
    """One attachment, exactly as it came."""

    name: str  # as the mail names it: data, never used as a path
    media_type: str
    role: PartRole
    content: bytes = field(repr=False)
    sha256: str  # lower-case hex of content


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalDocument:
    """One CDA document found in an archive or attached by itself."""

    header: CdaDocument = field(repr=False)
    content: bytes = field(repr=False)  # the file, byte-identical
    sha256: str
    file_name: str  # in the archive or the mail: data
    label: str = ""  # short word for its type, e.g. "CR-BIO"; becomes part of the delivered name when it is safe
    entry: Mapping[str, object] = field(
        default_factory=lambda: MappingProxyType({})
    )  # facts of its XDS entry, JSON-ready
    warnings: tuple[str, ...] = ()  # codes of the catalogue that concern this document


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One received message, opened."""

    incoming_id: str  # ULID of the journal
    received_at: datetime  # INTERNALDATE, aware
    mailbox: MailboxAddress
    sender: ArrivalPerson
    sender_kind: str  # "professional" or "usager" (Ref#2 ECO.3.1.1)
    recipients: tuple[ArrivalPerson, ...]
    copies: tuple[ArrivalPerson, ...] = ()
    subject_raw: str  # decoded, marker included
    subject_display: str  # without the marker (Ref#2 ECO.3.1.3)
    date: datetime | None  # of the header, aware
    message_id: str  # with angle brackets, may be empty
    body: str = field(repr=False)  # plain text with \n
    documents: tuple[ArrivalDocument, ...] = ()
    parts: tuple[ArrivalPart, ...] = ()
    size_bytes: int = 0  # of the raw message
    warnings: tuple[str, ...] = ()  # codes of the catalogue


@dataclass(frozen=True, slots=True)
class Delivered:
    """Where a message went."""

    prefix: str  # what the names of all its files start with
    files: tuple[tuple[str, str], ...]  # (name, SHA-256 in lower-case hex), index and flag included


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A message that could not be opened safely."""

    incoming_id: str
    received_at: datetime
    raw: bytes = field(repr=False)
    code: str
    detail: str = ""


class DeliveryTarget(Protocol):
    """Puts messages where the LPS reads. Called again after a crash, each method finishes what it began."""

    def deliver(self, arrival: Arrival) -> Delivered:
        """Deliver once; when it returns, everything is durable and visible.

        Raises:
            Unavailable: ``SPOOL_ABSENT``, ``SPOOL_REFUSE``, ``DISQUE_PLEIN``: try again later, same arrival.
        """
        ...

    def quarantine(self, message: Quarantined) -> Delivered:
        """Show a person what could not be opened: the raw message and a note, never in the LPS's folder.

        Raises:
            Unavailable: as for :meth:`deliver`.
        """
        ...

    def settle(self, incoming_ids: Sequence[str]) -> None:
        """The journal has committed these deliveries: the receipts are no longer needed. Never raises."""
        ...
