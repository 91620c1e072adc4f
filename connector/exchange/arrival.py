"""What the opener hands to whoever delivers: one opened message as plain values, and the port to hand it to.

The exchange is below the delivery in the layers, so the words that both use live here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import chain
from types import MappingProxyType
from typing import Protocol

from connector.documents.cda.alerts import worst_first
from connector.documents.cda.model import CdaDocument
from connector.domain.address import MailboxAddress
from connector.domain.submission import DocumentAction
from connector.exchange.identity import FoundPatient, IdentityState, identity_state
from connector.journal.documents import DocumentRelation
from connector.mail.parse import MssHeaders

__all__ = [
    "Arrival", "ArrivalDocument", "ArrivalPart", "ArrivalPerson", "Delivered", "DeliveryTarget", "PartRole",
    "Quarantined",
]  # fmt: skip

_MOST_ANSWERED = 40


class PartRole(StrEnum):
    """What a delivered file is, in the words of the index (lps-folder-conventions 8.6).

    A file that repeats another one (``doublon_de``) keeps the role of what it is, and says what it repeats.
    """

    BODY = "corps"
    PDF = "pdf"
    HPRIM = "hprim"
    XDM = "xdm"
    CDA = "cda"
    HTML = "html"  # a CDA document made readable, by us
    HL7 = "hl7"  # an HL7 v2 message around a CDA document, by us
    OTHER = "autre"


@dataclass(frozen=True, slots=True)
class ArrivalPerson:
    """A sender or recipient as the header shows it; unverified."""

    address: str
    name: str = ""  # display name, may be empty


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalPart:
    """One attachment exactly as it came, a file of an archive, or a result that was the text of the message."""

    name: str  # as the mail names it: data, never used as a path
    media_type: str
    role: PartRole
    content: bytes = field(repr=False)
    sha256: str  # lower-case hex of content
    forwarded: bool = False  # comes from a message inside the message
    from_body: bool = False  # was the text of the message, not a file
    duplicate_of: str = ""  # SHA-256 of the document that holds the same PDF, or of an equal part before it
    patients: tuple[FoundPatient, ...] = field(default=(), repr=False)  # whom a result in HPRIM or HL7 is about
    alerts: tuple[str, ...] = ()  # of AA, HH, LL
    warnings: tuple[str, ...] = ()  # codes of the catalogue that concern this part


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
    patient: FoundPatient | None = field(default=None, repr=False)  # of the header
    action: DocumentAction = DocumentAction.FIRST  # C and D of the entry; a header that names its predecessor: C
    masks: tuple[str, ...] = ()  # flags of the entry: MASQUE_PS, INVISIBLE_PATIENT …
    alerts: tuple[str, ...] = ()  # of AA, HH, LL
    pdf: bytes | None = field(default=None, repr=False)  # its own PDF: the body of a level 1, else the copy inside
    forwarded: bool = False  # comes from a message inside the message
    also_as: tuple[str, ...] = ()  # names of further files of the message with the same bytes
    relation: DocumentRelation | None = None  # to a document received before


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
    sender_ins: str = ""  # of a citizen, from the address, when its key fits
    mss: MssHeaders = field(default_factory=MssHeaders)  # the X-MSS-* headers, unverified
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    read_receipt_to: str = ""  # who asks for a read receipt; unverified
    patients: tuple[FoundPatient, ...] = field(default=(), repr=False)  # one mention of each; several are told

    @property
    def alerts(self) -> tuple[str, ...]:
        """What the laboratory says must be seen at once, of all documents and results: of AA, HH, LL."""
        of_documents = (code for document in self.documents for code in document.alerts)
        return worst_first(chain(of_documents, (code for part in self.parts for code in part.alerts)))

    @property
    def every_warning(self) -> tuple[str, ...]:
        """Codes of the message, of its documents and of what came beside them, each once."""
        of_documents = (code for document in self.documents for code in document.warnings)
        of_parts = (code for part in self.parts for code in part.warnings)
        return tuple(dict.fromkeys(chain(self.warnings, of_documents, of_parts)))

    @property
    def identity(self) -> IdentityState:
        """How sure it is whom the message is about."""
        return identity_state(self.patients, self.every_warning)

    @property
    def answers(self) -> tuple[str, ...]:
        """Message-IDs that the message says it answers, the nearest first."""
        nearest = (*self.in_reply_to, *reversed(self.references))
        return tuple(dict.fromkeys(nearest))[:_MOST_ANSWERED]


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
