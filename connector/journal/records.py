"""What the journal answers: frozen copies of rows, never live objects."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connector.domain.address import MailboxAddress
from connector.domain.states import IncomingState, OutgoingState, RecipientState, WaitingFor
from connector.domain.submission import (
    Answered,
    DeclaredSender,
    DocumentAction,
    FileRole,
    Hl7Origin,
    RecipientKind,
    SendOptions,
    SourceKind,
)

__all__ = [
    "FrozenMessage", "IncomingMessage", "JournalFile", "Letter", "MessageRecipient", "OutgoingMessage",
    "RecipientChange", "RefusedDrop", "ServerPlace", "StoredBytes", "SubmissionView", "Taken", "TraceEntry",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a submission that was handed to the journal."""

    submission_id: str
    message_id: str  # ULID of its first message row
    state: OutgoingState  # RECEIVED or DUPLICATE
    duplicate_of: str | None = None  # submission id
    repeated: bool = False  # the same request had brought it before


@dataclass(frozen=True, slots=True)
class JournalFile:
    """One original of a submission."""

    name: str
    role: FileRole
    sha256: str
    size_bytes: int
    payload_id: str


@dataclass(frozen=True, slots=True)
class MessageRecipient:
    """One recipient of one message, with what is known of it."""

    address: MailboxAddress
    kind: RecipientKind
    state: RecipientState
    code: int = 0  # SMTP code or 0
    text: str = ""
    waits_since: datetime | None = None  # accepted, and a receipt is to come: since then


@dataclass(frozen=True, slots=True)
class RecipientChange:
    """News about one recipient."""

    address: MailboxAddress
    state: RecipientState
    code: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenMessage:
    """One message as it will leave, made by the preparer."""

    header_message_id: str  # RFC 5322 Message-ID, with angle brackets
    recipients: tuple[MailboxAddress, ...]
    content: bytes = field(repr=False)
    document_ids: tuple[str, ...] = ()  # XDS uniqueIds inside
    document_codes: tuple[str, ...] = ()  # values of X-MSS-CODECDA
    patient: str = field(default="", repr=False)  # identifier; kept only as a keyed hash, for the order of sending
    awaits_receipt: bool = True  # one was asked for: silence becomes visible after a while


@dataclass(frozen=True, slots=True)
class Letter:
    """What a sender needs of a frozen message besides its row."""

    content: bytes = field(repr=False)
    options: SendOptions
    is_notice: bool = False  # our own answer to something received


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingMessage:
    """One outgoing message row with its recipients."""

    id: str  # ULID, also the ENVID
    submission_id: str
    mailbox: MailboxAddress
    state: OutgoingState
    state_since: datetime
    revision: int  # grows with every change
    attempts: int
    next_attempt_at: datetime | None
    deadline_at: datetime | None
    waiting_for: WaitingFor | None
    data_begun: bool  # DATA was started in the current or last attempt
    header_message_id: str | None
    payload_id: str | None  # frozen MIME bytes
    size_bytes: int | None
    code: str | None  # catalogue code of the last problem
    detail: str | None
    answer: str | None  # last answer of the server
    recipients: tuple[MessageRecipient, ...]
    document_codes: tuple[str, ...] = ()
    awaits_receipt: bool = False  # one was asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionView:
    """A submission with all its messages: what status files, the CLI and the API show."""

    id: str
    mailbox: MailboxAddress
    source: SourceKind
    source_name: str
    reference: str | None
    created_at: datetime
    subject: str | None
    body: str | None
    options: SendOptions
    warnings: tuple[str, ...]
    duplicate_of: str | None
    files: tuple[JournalFile, ...]
    messages: tuple[OutgoingMessage, ...]
    revision: int  # sum of the messages' revisions
    reported_revision: int
    corrects: str | None = None  # submission whose documents this one sends anew to another recipient
    lot: str | None = None  # claim from which several submissions were made
    replaces: str | None = None  # submission whose document this one replaces or withdraws
    replaced_by: str | None = None  # the newest submission that does so with a document of this one
    action: DocumentAction = DocumentAction.FIRST
    body_for_patient: str | None = None
    reply_to: MailboxAddress | None = None
    declared_sender: DeclaredSender | None = None
    hl7: Hl7Origin | None = None
    answers: Answered | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingMessage:
    """One message seen on the server."""

    id: str  # ULID
    mailbox: MailboxAddress
    folder: str
    uid_validity: int
    uid: int
    state: IncomingState
    state_since: datetime
    received_at: datetime | None
    header_message_id: str
    sha256: str  # of the raw bytes, "" until stored
    size_bytes: int
    payload_id: str | None
    attempts: int
    next_attempt_at: datetime | None
    code: str | None
    detail: str | None
    duplicate_of: str | None
    delivered_prefix: str | None  # name prefix in the LPS's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEntry:
    """One line of the append-only trace (Ref#2 ECO.4.1.2). Never content, never a patient's name."""

    seq: int
    at: datetime
    actor: str  # authenticated identity: certificate CN, mailbox, or "operator of the machine"
    action: str  # take, freeze, send, lookup, fetch, deliver, acknowledge, cancel …
    mailbox: str
    subject_id: str  # our ULID
    server: str
    answer: str
    outcome: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedDrop:
    """A drop that never became a submission. Its files and a note are in ``ERREURS``, where a person sees to them."""

    id: str  # ULID of the claim
    mailbox: MailboxAddress
    at: datetime
    code: str  # of the catalogue
    name: str  # of the drop, as the status files have it
    files: tuple[str, ...]  # in ``ERREURS``
    note: str  # in ``ERREURS``
    sentence: str = ""  # French, particular to this drop
    seen_at: datetime | None = None
    seen_by: str = ""


class ServerPlace(Protocol):
    """Where a message stands on the server: what ``note_seen`` needs of ``operators.base.ServerMessage``."""

    @property
    def folder(self) -> str:
        """Server name of the folder."""
        ...

    @property
    def uid_validity(self) -> int:
        """UIDVALIDITY of the folder."""
        ...

    @property
    def uid(self) -> int:
        """UID."""
        ...

    @property
    def size_bytes(self) -> int:
        """As the server says, 0 when unknown."""
        ...

    @property
    def message_id(self) -> str:
        """As in the header, may be empty."""
        ...

    @property
    def received_at(self) -> datetime | None:
        """INTERNALDATE, aware; ``None`` when it is not known."""
        ...


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """The raw bytes of one message that was seen, on their way into the journal."""

    incoming_id: str
    content: bytes = field(repr=False)
    received_at: datetime  # INTERNALDATE, aware
    header_message_id: str  # as in the header, may be empty
