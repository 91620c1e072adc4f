"""What an LPS asks us to send."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connector.domain.address import MailboxAddress

__all__ = [
    "Answered", "DeclaredSender", "DocumentAction", "FileRole", "Hl7Origin", "Recipient", "RecipientKind",
    "SendOptions", "SourceKind", "Submission", "SubmittedFile",
]  # fmt: skip


class SourceKind(StrEnum):
    """The door by which a submission came in."""

    FOLDER = "folder"
    REST = "rest"
    MLLP = "mllp"
    CLI = "cli"
    PAGE = "page"  # a person sent an earlier one anew, to another recipient
    NOTICE = "notice"  # our own answer to a received message: read receipt, integration failure


class FileRole(StrEnum):
    """What a submitted file is for us. An original that became a built document stays beside it, unsent."""

    CDA = "cda"
    CDA_BUILT = "cda_built"  # by us, around a PDF, an image, a text: new at every taking, so no sign of a duplicate
    XDM = "xdm"
    PDF = "pdf"
    ORIGINAL = "original"  # around which a document was built: kept, not sent by itself
    IMAGE = "image"
    TEXT = "text"
    SIDECAR = "sidecar"
    FLAG = "flag"
    ATTACHMENT = "attachment"
    HL7 = "hl7"
    HPRIM = "hprim"
    UNKNOWN = "unknown"


class DocumentAction(StrEnum):
    """What a sending does with its documents (``urn:action:extraMetadataSlot`` of METADATA.XML)."""

    FIRST = "first"
    REPLACE = "replace"  # action C: the CDA names its predecessor (relatedDocument RPLC)
    DELETE = "delete"  # action D: the enclosed document is withdrawn


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
    hide_from_legal_representatives: bool = False  # INVISIBLE_REP_LEGAUX
    allow_duplicate: bool = False
    file_number: str | None = None  # numéro de dossier, Ref#2 ECO.2.1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Hl7Origin:
    """What an answer must repeat of the HL7 v2 message that brought a submission (ACK, ZAM Z02 and Z03)."""

    control_id: str  # MSH-10
    event: str  # MSH-9.2: R01, T02 …
    version: str  # MSH-12
    processing_id: str  # MSH-11
    charset: str  # MSH-18, as written
    sending_application: str  # MSH-3
    sending_facility: str  # MSH-4
    receiving_application: str  # MSH-5
    receiving_facility: str  # MSH-6
    wants_delivery_answer: bool = False  # ACK_RECEPTION: ZAM Z02
    wants_read_answer: bool = False  # ACK_LECTURE_MSS: ZAM Z03
    person_ids: tuple[tuple[str, str], ...] = ()  # address and RPPS (or matricule) of recipients, as far as said

    @property
    def wants_answers(self) -> bool:
        """True when its sender waits for a business acknowledgement."""
        return self.wants_delivery_answer or self.wants_read_answer


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredSender:
    """Who sends, when the LPS says so (PRT with SB): author of the submission set."""

    person_id: str = ""  # RPPS or internal id
    family: str = ""
    given: str = ""
    organization_id: str = ""
    organization_name: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The received message that a submission answers (Ref#2 ECO.2.2.2, RFC 5322 3.6.4)."""

    incoming_id: str  # ULID of the received message
    correspondent: MailboxAddress  # who gets the answer: its Reply-To, else its From
    message_id: str = ""  # its own, with angle brackets; "" when it had none
    references: tuple[str, ...] = ()  # those that it had
    ends_exchange: bool = False  # takes the answer to all earlier messages away from a citizen: subject [FIN]


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
    lot: str | None = None  # claim from which several submissions were made: a batch, several patients
    action: DocumentAction = DocumentAction.FIRST
    body_for_patient: str | None = None  # body of the message to the patient, when it differs
    reply_to: MailboxAddress | None = None  # instead of that of the mailbox (PRT REPLY)
    declared_sender: DeclaredSender | None = None
    hl7: Hl7Origin | None = None
    answers: Answered | None = None

    @property
    def short_id(self) -> str:
        """The last six characters, for people."""
        return self.id[-6:]
