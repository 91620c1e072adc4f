"""What an LPS asks us to send."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connector.domain.address import MailboxAddress

__all__ = [
    "FileRole", "Recipient", "RecipientKind", "SendOptions", "SourceKind", "Submission", "SubmittedFile",
]  # fmt: skip


class SourceKind(StrEnum):
    """The door by which a submission came in."""

    FOLDER = "folder"
    REST = "rest"
    MLLP = "mllp"
    CLI = "cli"
    PAGE = "page"  # a person sent an earlier one anew, to another recipient


class FileRole(StrEnum):
    """What a submitted file is for us. The last three are recognised, and refused until they are supported."""

    CDA = "cda"
    XDM = "xdm"
    PDF = "pdf"
    SIDECAR = "sidecar"
    FLAG = "flag"
    ATTACHMENT = "attachment"
    HL7 = "hl7"
    HPRIM = "hprim"
    UNKNOWN = "unknown"


class RecipientKind(StrEnum):
    """To or Cc."""

    TO = "to"
    CC = "cc"


@dataclass(frozen=True, slots=True)
class SubmittedFile:
    """One file, exactly as the LPS gave it."""

    name: str  # base name only, as data: never used as a path
    role: FileRole
    content: bytes = field(repr=False)
    sha256: str  # lower-case hex of content


@dataclass(frozen=True, slots=True)
class Recipient:
    """One addressee."""

    address: MailboxAddress
    kind: RecipientKind = RecipientKind.TO


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """What the LPS may ask for."""

    delivery_receipt: bool = True  # DSN, Ref#2 ECO.2.3.1
    read_receipt: bool = False  # MDN, Ref#2 ECO.2.3.2
    urgent: bool = False
    no_reply_from_patient: bool = False  # X-MSS-MES: FIN, Ref#2 ECO.2.2.8
    hide_from_professionals: bool = False  # MASQUE_PS
    hide_from_patient: bool = False  # INVISIBLE_PATIENT
    allow_duplicate: bool = False
    file_number: str | None = None  # numéro de dossier, Ref#2 ECO.2.1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What the LPS asked us to send, in one piece."""

    id: str  # ULID
    mailbox: MailboxAddress  # the sending mailbox
    source: SourceKind
    source_name: str  # base name of the drop, request id …: what the LPS knows it by
    recipients: tuple[Recipient, ...]
    files: tuple[SubmittedFile, ...]
    created_at: datetime
    reference: str | None = None  # the LPS's own number, returned in status files
    subject: str | None = None  # free subject; only used when there is no CDA
    body: str | None = None  # plain text for the body
    options: SendOptions = SendOptions()
    warnings: tuple[str, ...] = ()  # codes of the catalogue found while reading the drop
    corrects: str | None = None  # submission whose documents are sent anew to another recipient

    @property
    def short_id(self) -> str:
        """The last six characters, for people."""
        return self.id[-6:]
