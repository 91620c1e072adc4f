"""Every setting, with its unit, default and reason. One TOML file fills it; ``config/`` holds the example.

The same fields feed validation, ``mss-connector config`` and the generated reference in ``docs/settings.md``.
"""

from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from connector.documents.cda.request import N1Author
from connector.domain.text import Text
from connector.mail.headers import SenderKind, SenderLabel
from connector.mail.subject import ReplaceTag
from connector.settings.api import ApiSettings
from connector.settings.author import AuthorSettings, StructureSettings
from connector.settings.base import Address, BadSetting, SecretRef, Section
from connector.settings.identity import (
    AuthMethod,
    CardChoice,
    CardSettings,
    IdentityMethod,
    IdentitySettings,
    KeyStoreChoice,
)
from connector.settings.mllp import MllpSettings
from connector.settings.operator import IdentityRule, OperatorSettings, ServerSettings, TlsSettings
from connector.settings.reception import ReadReceiptPolicy, ReceptionSettings
from connector.settings.validation import ValidationSettings

__all__ = [
    "Address", "ApiSettings", "AuthMethod", "AuthorSettings", "BadSetting", "CardChoice", "CardSettings",
    "HprimSending", "IdentityMethod", "IdentityRule", "IdentitySettings", "JournalSettings", "KeyStoreChoice",
    "LogSettings", "MailboxSettings", "MessageSettings", "OperatorSettings", "OutboxSettings", "PdfAPolicy",
    "ReadReceiptPolicy", "Readiness", "ReceptionSettings", "RetrySettings", "SecretRef", "Section",
    "ServerSettings", "Settings", "SeveralPatients", "SoftwareSettings", "SpoolSettings", "StructureSettings",
    "TlsSettings",
]  # fmt: skip


class SoftwareSettings(Section):
    """Who sends, as the space of trust knows it."""

    product_reference: str = Field(default="", max_length=50, pattern=r"^[A-Za-z0-9.\-_]*$")
    """X-MSS-NIL (Ref#2 ECO.2.4.3): the reference that Convergence gave to the product. Sending is refused without."""
    environment: Literal["production", "test"] = "production"
    """A test INS (OID .10, .11) is refused in production, a real one in test."""
    oid_root: str = Field(default="", pattern=r"^(\d+(\.\d+)*)?$")
    """Root for the ids that we make; empty = ``2.25.<UUID>``, which is always free."""
    data_dir: Path | None = None
    """Journal, key file, lock and logs; default: the system's folder for application data."""


class JournalSettings(Section):
    """The durable store."""

    url: str = ""
    """SQLAlchemy URL; empty = SQLite in the data folder."""
    key_store: Literal["auto", "keyring", "file"] = "auto"
    """Where the payload key lives: the system's key store, or an owner-only file."""
    keep_payload_days: int = Field(default=30, ge=1)
    """Bytes of finished messages are dropped after this; states and traces stay."""
    keep_trace_days: int = Field(default=183, ge=1)
    """Ref#2 ECO.4.1.1 recommends six months."""


class LogSettings(Section):
    """Technical log, without patient data."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    file: bool = True
    """Also to ``<data_dir>/logs/connector.log``, 5 files of 5 MB."""
    format: Literal["text", "json"] = "text"


class SpoolSettings(Section):
    """Where the folders of the mailboxes are."""

    root: Path = Path("~/ConnecteurMSS")
    """Short, private, outside synchronised folders."""
    scan_seconds: float = Field(default=15.0, gt=0)
    """Full scan; file events only make it come sooner."""
    share: bool | Literal["auto"] = "auto"
    """True for UNC, SMB, NFS: longer settling, polling observer."""
    share_scan_seconds: float = Field(default=30.0, gt=0)


class Readiness(StrEnum):
    """When a drop counts as complete."""

    STABLE = "stable"  # unchanged in two scans
    FLAG = "drapeau"  # an .ok beside it
    SIDECAR = "accompagne"  # its sidecar and all files that it lists
    FOLDER = "dossier"  # one folder per drop, renamed into place


class HprimSending(StrEnum):
    """How an HPRIM file leaves."""

    AS_IT_IS = "tel_quel"  # attached, with its PDF; the receiving LPS reads it
    CDA = "cda"  # as a CDA document around its PDF or its text


class SeveralPatients(StrEnum):
    """What becomes of a drop with documents of several patients."""

    SPLIT = "split"  # one sending each
    REFUSE = "refuse"


class OutboxSettings(Section):
    """How the LPS drops what is to be sent."""

    readiness: Readiness = Readiness.STABLE
    settle_seconds: float = Field(default=2.0, ge=0)
    share_settle_seconds: float = Field(default=5.0, ge=0)
    incomplete_minutes: float = Field(default=10.0, gt=0)
    default_recipients: list[Address] = []
    """Used when neither sidecar nor document names a recipient."""
    recipients_from_document: bool = False
    """Use mailto: addresses of the CDA's informationRecipient when nothing else names one."""
    hprim: HprimSending = HprimSending.AS_IT_IS
    """``tel_quel``, or ``cda``: a document of level 1 around its PDF, or around its text made readable."""
    attachments: bool = False
    """Files of no known format leave as they are, when a sidecar names the recipients."""
    duplicate_hours: float = Field(default=24.0, ge=0)
    """Same files for the same recipients within this are set aside; 0 = never."""
    several_patients: SeveralPatients = SeveralPatients.SPLIT
    """Documents of several patients in one drop become one sending each, or the drop is refused."""
    status_json: bool = True
    status_txt: bool = True
    daily_summary: str = Field(default="", pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")
    """Hour at which a file about the 24 hours before is written to ``STATUTS``, e.g. ``07:30``; empty = none."""
    markers: bool = False
    """``<base>.envoye`` and ``<base>.erreur`` for software that can only test a name."""
    hl7_answers: bool = False
    """For an HL7 v2 message: its ACK as ``<base>.ack`` in ``STATUTS``, as MLLP would have answered (AA or AE)."""


class RetrySettings(Section):
    """When a temporary failure is tried again."""

    first_seconds: float = Field(default=30.0, gt=0)
    factor: float = Field(default=2.0, ge=1)
    cap_seconds: float = Field(default=3600.0, gt=0)
    jitter: float = Field(default=0.2, ge=0, lt=1)
    deadline_hours: float = Field(default=48.0, gt=0)


class MailboxSettings(Section):
    """One mailbox."""

    address: Address
    box: str = Field(default="", pattern=r"^[a-z0-9-]*$", max_length=40)
    """Name of its folder; default: made from the address."""
    kind: SenderKind = SenderKind.PER
    operator: str
    """Name of a table under ``[operators]``."""
    identity: IdentitySettings
    title: str = ""
    """Part of the From label of a PER mailbox (Ref#2 ECO.2.2.7): ``Dr``."""
    given: str = ""
    family: str = ""
    entity: str = ""
    """Functional entity; the whole label for ORG and APP."""
    reply_to: Address | None = None
    """Required for APP unless ``reply_to_self`` (Ref#2 ECO.2.2.5)."""
    reply_to_self: bool = False
    send: bool = True
    receive: bool = True
    outbox: OutboxSettings = OutboxSettings()
    reception: ReceptionSettings = ReceptionSettings()
    correspondents: dict[str, Address] = {}
    """Codes by which a laboratory system knows doctors (HPRIM line 12, HL7 OBR-16 …), and their addresses."""
    correspondents_file: Path | None = None
    """The same as a CSV file with the columns ``code`` and ``adresse``; read again when it changes."""
    author: AuthorSettings = AuthorSettings()
    structure: StructureSettings = StructureSettings()

    @model_validator(mode="after")
    def _label(self) -> Self:
        if self.kind is SenderKind.PER and not (self.given and self.family):
            raise BadSetting(
                Text("le nom affiché d'une boîte PER est incomplet", "the From label of a PER mailbox is incomplete"),
                Text("attendu : given et family (Ref#2 ECO.2.2.7)", "expected given and family (Ref#2 ECO.2.2.7)"),
            )
        if self.kind is not SenderKind.PER and not self.entity:
            raise BadSetting(
                Text("une boîte ORG ou APP n'a pas de nom affiché", "an ORG or APP mailbox has no From label"),
                Text("attendu : entity (Ref#2 ECO.2.2.7)", "expected entity (Ref#2 ECO.2.2.7)"),
            )
        if self.kind is SenderKind.APP and not (self.reply_to or self.reply_to_self):
            raise BadSetting(
                Text("personne ne lit les réponses à une boîte APP", "nobody would read answers to an APP mailbox"),
                Text("attendu : reply_to, ou reply_to_self = true (Ref#2 ECO.2.2.5)",
                     "expected reply_to, or reply_to_self = true (Ref#2 ECO.2.2.5)"),
            )  # fmt: skip
        return self

    @property
    def label(self) -> SenderLabel:
        """The From label (Ref#2 ECO.2.2.7)."""
        return SenderLabel(kind=self.kind, title=self.title, given=self.given, family=self.family, entity=self.entity)

    @property
    def read_receipt(self) -> ReadReceiptPolicy:
        """The policy, or the default of the kind: only an APP mailbox has nobody to ask."""
        default = ReadReceiptPolicy.TAKEN if self.kind is SenderKind.APP else ReadReceiptPolicy.ASK
        return self.reception.read_receipt or default

    @property
    def failure_notice_to(self) -> Address | Literal["sender"] | None:
        """Who hears of a failed integration when no receipt was asked for; ``None`` = nobody."""
        wanted = self.reception.failure_notice_to
        if wanted == "service":
            return self.reply_to if self.reply_to != self.address else None
        return None if wanted == "nobody" else wanted

    @property
    def display_name(self) -> str:
        """Who writes, as people name them."""
        return self.entity or " ".join(filter(None, (self.title, self.given, self.family)))

    @property
    def document_author(self) -> N1Author:
        """Who writes the documents that the connector makes for this mailbox.

        Raises:
            ConfigurationError: ``AUTEUR_INCOMPLET``, ``CODE_REGLAGE_INCONNU``.
        """
        return self.author.n1_author(family=self.family, given=self.given, title=self.title)

    @property
    def folder(self) -> str:
        """Name of the mailbox's folder under the spool root."""
        if self.box:
            return self.box
        kept = "".join(c if c.isalnum() and c.isascii() else "-" for c in self.address.local_part.lower())
        return kept.strip("-")[:40] or "boite"


class PdfAPolicy(StrEnum):
    """What happens to a PDF that is not PDF/A-1."""

    WARN = "warn"  # it leaves as it is, and the submission says so
    CONVERT = "convert"  # it is converted before the document is made; when that fails, as WARN
    REFUSE = "refuse"  # nothing leaves


class MessageSettings(Section):
    """How messages are composed, where the specification leaves it open."""

    replace_subject_tag: ReplaceTag = ReplaceTag.AFTER_MARKER
    birth_date_in_subject: bool = True
    default_body: str = "Bonjour,\n\nVeuillez trouver ci-joint : {titres}.\n\n{expediteur}\n"
    default_subject: str = "Documents transmis par {expediteur}"
    """Of a message without a CDA document, when the LPS gives none."""
    split_patients_and_professionals: bool = True
    receipt_deadline_hours: float = Field(default=24.0, gt=0)
    """When no receipt has come from a recipient after this, although one was asked for, it shows as *sans
    nouvelles*. No rule gives a figure: within a day one can still call, and servers that are late have said so."""
    pdfa: PdfAPolicy = PdfAPolicy.WARN
    """A PDF that is not PDF/A-1b (Ref#2 ECO.2.1.1): ``warn`` sends it as it is and says so, ``convert`` converts it
    first, ``refuse`` sends nothing. Default ``warn``: nobody's document is rewritten without being asked for."""
    pdfa_as_images: bool = True
    """With ``convert``, when Ghostscript is absent or fails: pages become pictures (their text can no longer be
    searched); false: the file leaves as it is, with a warning."""
    ghostscript: Path | None = None
    """Program for ``convert``; default: where the packages and installers of Ghostscript put it."""


class Settings(Section):
    """The whole file."""

    software: SoftwareSettings = SoftwareSettings()
    spool: SpoolSettings = SpoolSettings()
    journal: JournalSettings = JournalSettings()
    api: ApiSettings = ApiSettings()
    card: CardSettings = CardSettings()
    mllp: MllpSettings = MllpSettings()
    log: LogSettings = LogSettings()
    retry: RetrySettings = RetrySettings()
    message: MessageSettings = MessageSettings()
    validation: ValidationSettings = ValidationSettings()
    operators: dict[str, OperatorSettings] = {}
    mailboxes: list[MailboxSettings] = []

    @field_validator("mailboxes")
    @classmethod
    def _distinct(cls, mailboxes: list[MailboxSettings]) -> list[MailboxSettings]:
        for key, values in (
            ("address", [str(m.address).casefold() for m in mailboxes]),
            ("box", [m.folder for m in mailboxes]),
        ):
            if len(set(values)) != len(values):
                raise BadSetting(
                    Text(f"deux boîtes ont le même {key}", f"two mailboxes have the same {key}"),
                    Text("attendu : des valeurs distinctes", "expected distinct values"),
                )
        return mailboxes

    @model_validator(mode="after")
    def _operators_exist(self) -> Self:
        for mailbox in self.mailboxes:
            if mailbox.operator not in self.operators:
                known = ", ".join(sorted(self.operators)) or "none"
                raise BadSetting(
                    Text(f"l'opérateur {mailbox.operator!r} d'une boîte est inconnu",
                         f"the operator {mailbox.operator!r} of a mailbox is unknown"),
                    Text(f"attendu : un de {known}", f"expected one of: {known}"),
                )  # fmt: skip
        return self

    @model_validator(mode="after")
    def _mllp_has_mailboxes(self) -> Self:
        sending = [mailbox.address for mailbox in self.mailboxes if mailbox.send]
        if any(route.mailbox not in sending for route in self.mllp.routes):
            raise BadSetting(
                Text(
                    "une route MLLP ne mène à aucune boîte",
                    "a route of MLLP leads to no mailbox that sends",
                ),
                Text(
                    "attendu : l'adresse d'une boîte de ce fichier", "expected the address of a mailbox of this file"
                ),
            )
        if self.mllp.enabled and len(sending) > 1 and not self.mllp.routes:
            raise BadSetting(
                Text(
                    "plusieurs boîtes envoient, et MLLP n'a pas de route",
                    "several mailboxes send, and MLLP has no route",
                ),
                Text("attendu : [[mllp.routes]] pour chaque système", "expected [[mllp.routes]] for each system"),
            )
        return self
