"""Messages: what is to be sent, and what became of it."""

import base64
import binascii
from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, field_serializer

from connector.client.models.base import Answer, Question, example
from connector.client.models.said import FileSaidModel, PatientSaidModel
from connector.client.models.texts import FileName, Line, Lines

__all__ = [
    "HEAD_EXAMPLE", "DocumentModel", "EmailModel", "FileModel", "LotModel", "MessageDetailModel", "MessageModel",
    "MessagesModel", "OptionsModel", "ReceiptModel", "RecipientModel", "RecipientStateModel", "ReplaceModel",
    "SubmitHeadModel", "SubmitModel", "TimelineEntryModel",
]  # fmt: skip


def _decoded(value: object) -> object:
    """Base64 (RFC 4648 4) to bytes; blanks and line ends inside are taken off, nothing else is."""
    if not isinstance(value, str):
        return value
    try:
        return binascii.a2b_base64("".join(value.split()), strict_mode=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None


Base64 = Annotated[
    bytes, BeforeValidator(_decoded), Field(repr=False, json_schema_extra={"contentEncoding": "base64"})
]  # fmt: skip

_ADDRESS = "correspondant@autre.mssante.fr"
_DOCUMENT = {"name": "cr.xml", "content": "PENsaW5pY2FsRG9jdW1lbnQvPg=="}
_SUBMIT = {
    "mailbox": "dr-modele",
    "reference": "CR-2026-0417",
    "recipients": [{"address": _ADDRESS}],
    "documents": [_DOCUMENT],
    "options": {"read_receipt": True},
}
HEAD_EXAMPLE = {name: value for name, value in _SUBMIT.items() if name != "documents"}
_RECIPIENT_STATE = {"address": _ADDRESS, "kind": "to", "state": "delivered", "code": 250, "text": "2.1.5 Ok"}
_RECEIPT = {
    "address": _ADDRESS,
    "at": "2026-11-20T09:03:40Z",
    "kind": "delivered",
    "status": "2.1.5",
    "integration_code": "",
    "text": "250 2.1.5 Ok",
    "inbox_id": "01KAGY9C2B4D6F8H0J2K4M6N8P",
}
_EMAIL = {
    "id": "01KAGY6R9B5V8W2XJ6T4N0Q7M2",
    "state": "delivered",
    "since": "2026-11-20T09:02:11Z",
    "attempts": 1,
    "next_attempt_at": None,
    "deadline_at": "2026-11-22T09:00:00Z",
    "waiting_for": None,
    "message_id": "<01KAGY6R9B5V8W2XJ6T4N0Q7M2@exemple.mssante.fr>",
    "answer": "250 2.0.0 Ok: queued as 4F",
    "size_bytes": 137_220,
    "recipients": [_RECIPIENT_STATE],
    "document_codes": ["11502-2"],
    "code": "",
    "title_fr": "",
    "cure_fr": "",
    "title_en": "",
    "cure_en": "",
}
_FILE = {"number": 0, "name": "cr.xml", "role": "cda", "sha256": "ab" * 32, "size_bytes": 51_200}
_MESSAGE = {
    "id": "01KAGY6R8ZQ4M1T7C3H5E9V0XA",
    "mailbox": "dr.modele@exemple.mssante.fr",
    "source": "rest",
    "name": "CR-2026-0417",
    "reference": "CR-2026-0417",
    "created_at": "2026-11-20T09:00:00Z",
    "state": "delivered",
    "waiting_for": [],
    "duplicate_of": None,
    "corrects": None,
    "corrected_by": None,
    "action": "first",
    "replaces": None,
    "replaced_by": None,
    "answers": None,
    "lot": None,
    "warnings": [],
    "files": [_FILE],
    "emails": [_EMAIL],
}
_ENTRY = {
    "number": 4711,
    "at": "2026-11-20T09:02:11Z",
    "actor": "899700012345",
    "action": "send",
    "server": "smtp.exemple.mssante.fr:587",
    "answer": "250 2.0.0 Ok: queued as 4F",
    "outcome": "sent",
}


class RecipientModel(Question):
    """One addressee."""

    model_config = ConfigDict(json_schema_extra=example({"address": _ADDRESS}))

    address: str = Field(min_length=3, max_length=320)
    """MSSanté address; a patient is served with ``to_patient``, from the document."""


class DocumentModel(Question):
    """One file: CDA, IHE_XDM archive, HL7 v2, HPRIM, PDF, image or text; with one of the first four its PDF copy."""

    model_config = ConfigDict(json_schema_extra=example(_DOCUMENT))

    name: FileName
    content: Base64
    """Base64."""
    sha256: str = Field(default="", pattern="^([0-9a-fA-F]{64})?$")
    """Of the bytes before base64; a document that does not have it is refused."""

    @field_serializer("content", when_used="json")
    def _encoded(self, content: bytes) -> str:
        return base64.b64encode(content).decode()


class OptionsModel(Question):
    """What the sender may ask for."""

    model_config = ConfigDict(json_schema_extra=example({"read_receipt": True, "urgent": False}))

    delivery_receipt: StrictBool = True
    read_receipt: StrictBool = False
    urgent: StrictBool = False
    no_reply_from_patient: StrictBool = False
    """``X-MSS-MES: FIN`` (Ref#2 ECO.2.2.8)."""
    hide_from_professionals: StrictBool = False
    """MASQUE_PS."""
    hide_from_patient: StrictBool = False
    """INVISIBLE_PATIENT."""
    hide_from_legal_representatives: StrictBool = False
    """INVISIBLE_REPRESENTANTS_LEGAUX."""
    allow_duplicate: StrictBool = False
    """Send although the same documents went to the same recipients a short time ago."""
    file_number: Line | None = Field(default=None, max_length=40)
    """Numéro de dossier (Ref#2 ECO.2.1.6)."""


class SubmitHeadModel(Question):
    """What is to be sent, without the documents: part ``message`` of a multipart request."""

    model_config = ConfigDict(json_schema_extra=example(HEAD_EXAMPLE))

    mailbox: str = Field(min_length=1, max_length=320)
    """Sender: folder name or address of one of the mailboxes."""
    recipients: list[RecipientModel] = Field(default_factory=list, max_length=200)
    """Empty: those of the document, or of the mailbox's settings."""
    copies: list[RecipientModel] = Field(default_factory=list, max_length=200)
    to_patient: StrictBool = False
    """Also to the patient's own mailbox, derived from the qualified INS of the document."""
    reference: Line | None = Field(default=None, max_length=64)
    """Your own number; comes back with everything about this message."""
    subject: Line | None = Field(default=None, max_length=200)
    """Only used when there is no CDA."""
    body: Lines | None = Field(default=None, max_length=100_000)
    patient: PatientSaidModel | None = None
    """Needed for files that are no CDA: a document is made around each."""
    files: list[FileSaidModel] = Field(default_factory=list, max_length=50)
    """What each of them is."""
    replaces: Line | None = Field(default=None, max_length=200)
    """Reference of an earlier message whose document this file replaces; a CDA names it itself."""
    withdraws: Line | None = Field(default=None, max_length=200)
    """Reference of an earlier message that is withdrawn; beside a CDA any text means that very document."""
    options: OptionsModel = Field(default_factory=OptionsModel)


class SubmitModel(SubmitHeadModel):
    """What is to be sent."""

    model_config = ConfigDict(json_schema_extra=example(_SUBMIT))

    documents: list[DocumentModel] = Field(min_length=1, max_length=50)


class ReplaceModel(Question):
    """To whom the documents of an earlier message go now: only people who did not get it and will not."""

    model_config = ConfigDict(json_schema_extra=example({"recipients": [{"address": _ADDRESS}], "copies": []}))

    recipients: list[RecipientModel] = Field(default_factory=list, max_length=100)
    copies: list[RecipientModel] = Field(default_factory=list, max_length=100)


class FileModel(Answer):
    """One original, as it was given."""

    model_config = ConfigDict(json_schema_extra=example(_FILE))

    number: int
    """Names it in ``/documents/{number}``."""
    name: str
    role: str
    """``cda``, ``xdm``, ``pdf``, ``sidecar`` …"""
    sha256: str
    size_bytes: int


class RecipientStateModel(Answer):
    """What is known of one recipient."""

    model_config = ConfigDict(json_schema_extra=example(_RECIPIENT_STATE))

    address: str
    kind: str
    """``to`` or ``cc``."""
    state: str
    """``pending``, ``accepted``, ``deferred``, ``refused``, ``delivered``, ``read``, ``bounced``, ``no_news``."""
    code: int = 0
    """Of SMTP, 0 when there is none."""
    text: str = ""
    waits_since: datetime | None = None
    """A receipt is awaited since then; after ``message.receipt_deadline_hours`` the state is ``no_news``."""


class ReceiptModel(Answer):
    """What was heard about one recipient."""

    model_config = ConfigDict(json_schema_extra=example(_RECEIPT))

    address: str
    """As the receipt has it."""
    at: datetime
    kind: str
    """``read``, ``delivered``, ``relayed``, ``delayed``, ``integration_failed``, ``failed``."""
    status: str = ""
    """Enhanced status code of SMTP."""
    integration_code: str = ""
    """900 to 906, when the recipient's software could not integrate it."""
    text: str = ""
    """Words of the server."""
    inbox_id: str = ""
    """The received message that brought it."""


class EmailModel(Answer):
    """One e-mail: a submission may need several (professionals and patient)."""

    model_config = ConfigDict(json_schema_extra=example(_EMAIL))

    id: str
    state: str
    """``received``, ``duplicate``, ``prepared``, ``sending``, ``waiting``, ``outcome_unknown``, ``sent``,
    ``delivered``, ``read``, ``bounced``, ``rejected``, ``failed``, ``cancelled``."""
    since: datetime
    attempts: int
    next_attempt_at: datetime | None = None
    deadline_at: datetime | None = None
    waiting_for: str | None = None
    """``card``, ``pin``, ``code``, ``token``, ``credentials``, ``network``, ``operator``, ``approval``,
    ``settings``."""
    message_id: str | None = None
    answer: str | None = None
    """Last answer of the operator."""
    size_bytes: int | None = None
    recipients: list[RecipientStateModel]
    document_codes: list[str] = Field(default_factory=list)
    code: str = ""
    """Of the last problem."""
    title_fr: str = ""
    cure_fr: str = ""
    title_en: str = ""
    cure_en: str = ""


class MessageModel(Answer):
    """What was given to us, by whatever door, and what became of it."""

    model_config = ConfigDict(json_schema_extra=example(_MESSAGE))

    id: str
    mailbox: str
    source: str
    """``rest``, ``folder``, ``mllp``, ``cli``, ``page``."""
    name: str
    reference: str | None = None
    created_at: datetime
    state: str
    """Of the e-mail that needs attention most."""
    waiting_for: list[str] = Field(default_factory=list)
    duplicate_of: str | None = None
    corrects: str | None = None
    """The message that this one sends anew, to another recipient."""
    corrected_by: str | None = None
    """The newest message that sends this one anew, to another recipient."""
    action: str = "first"
    """``first``, ``replace``, ``delete``: what the sending does with its documents."""
    replaces: str | None = None
    """The message whose document this one replaces or withdraws, when it left from here."""
    replaced_by: str | None = None
    """The newest message that does so with a document of this one; only told of a single message."""
    answers: str | None = None
    """The received message that this one answers."""
    lot: str | None = None
    """Messages that came in one batch have this in common."""
    warnings: list[str] = Field(default_factory=list)
    """Codes."""
    files: list[FileModel] = Field(default_factory=list)
    emails: list[EmailModel] = Field(default_factory=list)


class LotModel(Answer):
    """What came of one request whose documents are several sendings. All of them were kept, in one transaction."""

    model_config = ConfigDict(
        json_schema_extra=example(
            {"lot": "01KAGY6R8Y0000000000000000", "items": [{**_MESSAGE, "lot": "01KAGY6R8Y0000000000000000"}]}
        )
    )

    lot: str
    """They have it in common."""
    items: list[MessageModel]
    """In the order of the documents."""


class TimelineEntryModel(Answer):
    """One line of the trace (Ref#2 ECO.4.1.2)."""

    model_config = ConfigDict(json_schema_extra=example(_ENTRY))

    number: int
    at: datetime
    actor: str
    action: str
    server: str = ""
    answer: str = ""
    outcome: str = ""


class MessageDetailModel(MessageModel):
    """One message with its whole story."""

    model_config = ConfigDict(json_schema_extra=example({**_MESSAGE, "timeline": [_ENTRY], "receipts": [_RECEIPT]}))

    timeline: list[TimelineEntryModel] = Field(default_factory=list)
    receipts: list[ReceiptModel] = Field(default_factory=list)
    """Everything that was heard about its recipients, in the order in which it came."""


class MessagesModel(Answer):
    """A page of messages, newest first."""

    model_config = ConfigDict(json_schema_extra=example({"items": [_MESSAGE], "next_cursor": None}))

    items: list[MessageModel]
    next_cursor: str | None = None
    """Give it back as ``cursor`` for the next page; ``null`` on the last one."""
