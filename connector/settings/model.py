"""Every setting, with its unit, default and reason. One TOML file fills it; ``config/`` holds the example.

The same fields feed validation, ``mss-connector config`` and the generated reference in ``docs/settings.md``.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    field_validator,
    model_validator,
)

from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.text import Text
from connector.mail.headers import SenderKind, SenderLabel
from connector.mail.subject import ReplaceTag

__all__ = [
    "Address", "ApiSettings", "AuthMethod", "BadSetting", "IdentitySettings", "JournalSettings", "LogSettings",
    "MailboxSettings", "MessageSettings", "OperatorSettings", "OutboxSettings", "Readiness", "ReceptionSettings",
    "RetrySettings", "SecretRef", "Section", "ServerSettings", "Settings", "SoftwareSettings",
    "SpoolSettings", "TlsSettings",
]  # fmt: skip


class BadSetting(ValueError):  # pydantic lets a ValueError through to whoever reads the settings
    """A value that fits its type but not its purpose."""

    def __init__(self, wrong: Text, right: Text) -> None:
        super().__init__(f"{wrong.en}; {right.en}")
        self.wrong = wrong
        self.right = right


class Section(BaseModel):
    """A table of the file: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _address(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return MailboxAddress.parse(value)
        except InvalidSubmission:
            raise BadSetting(
                Text("ce n'est pas une adresse de boîte", "is not a mailbox address"),
                Text("attendu : une adresse comme dr.modele@exemple.mssante.fr",
                     "expected an address such as dr.modele@exemple.mssante.fr"),
            ) from None  # fmt: skip
    return value


Address = Annotated[MailboxAddress, BeforeValidator(_address), PlainSerializer(str)]


class SecretRef(Section):
    """Where a secret is; the file itself never holds one."""

    keyring: str | None = None
    """Name of the entry in the system's key store (service ``mssante-connector``)."""
    file: Path | None = None
    """A file that only its owner can read; its first line is the secret."""
    env: str | None = None
    """Name of an environment variable, for containers and tests."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(place is not None for place in (self.keyring, self.file, self.env)) != 1:
            raise BadSetting(
                Text("il faut un seul endroit", "needs exactly one place"),
                Text("attendu : keyring, file ou env", "expected one of keyring, file, env"),
            )
        return self


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


class ApiSettings(Section):
    """The local HTTP server (health now, REST and the page later)."""

    enabled: bool = True
    host: Literal["127.0.0.1", "::1"] = "127.0.0.1"
    port: int = Field(default=8723, ge=0, le=65535)
    """0 = any free port, told in ``<data_dir>/endpoint.json``."""


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


class TlsSettings(Section):
    """TLS towards one operator."""

    trust: list[Path] = []
    """PEM or DER files of the only authorities accepted; the system's store is never used (Ref#2 ECO.1.1.10)."""
    minimum: Literal["1.2", "1.3"] = "1.2"
    maximum: Literal["1.2", "1.3"] = "1.2"
    """Ref#2 names TLS 1.2 and four suites; 1.3 can be allowed."""
    ciphers: list[str] = [
        "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES128-SHA256",
    ]  # fmt: skip
    """OpenSSL names, Ref#2 ECO.1.1.3."""
    crl: list[Path] = []
    """Revocation lists (PEM or DER) to check the server against; empty = not checked."""
    verify_hostname: bool = True


class ServerSettings(Section):
    """One server."""

    host: str
    port: int = Field(ge=1, le=65535)
    tls: Literal["starttls", "implicit"] = "starttls"
    """STARTTLS is mandatory in Ref#2 ECO.1.0.1 and 1.0.2; implicit TLS for older operators."""


class OperatorSettings(Section):
    """One mail operator; ``preset`` takes the values of ``config/operators/<preset>.toml`` as defaults."""

    preset: str | None = None
    smtp: ServerSettings
    imap: ServerSettings
    tls: TlsSettings = TlsSettings()
    max_message_bytes: int = Field(default=10_000_000, gt=0)
    """The smaller of this and the server's SIZE counts; measured as sent, base64 included."""
    sent_folder: str | None = None
    """Folder in which the operator files what is sent through it."""
    files_sent_messages: bool = False
    """True when the operator itself files every sent message there: absence then proves that it did not leave."""
    sent_settle_seconds: float = Field(default=120.0, ge=0)
    """How long after a lost answer the absence from that folder is believed."""
    smtp_connections: int = Field(default=2, ge=1, le=16)
    """Parallel submissions per mailbox."""
    connect_seconds: float = Field(default=20.0, gt=0)
    answer_seconds: float = Field(default=120.0, gt=0)
    """Longest wait for one answer; the final one after DATA gets five times as long (RFC 5321 4.5.3.2.6)."""
    idle_seconds: float = Field(default=540.0, gt=0, le=1740)
    """IDLE is renewed after this (Ref: at most 9 minutes behind NAT)."""
    poll_seconds: float = Field(default=300.0, gt=0)
    """Full look at the folder, whatever IDLE said."""


class AuthMethod(StrEnum):
    """What follows the TLS handshake."""

    EXTERNAL = "external"
    PLAIN = "plain"
    LOGIN = "login"
    NONE = "none"


class IdentitySettings(Section):
    """What proves to the operator who we are."""

    certificate: Path | None = None
    """Client certificate, PEM (chain included) or P12/PFX."""
    key: Path | None = None
    """Private key in PEM when it is not in the certificate file."""
    certificate_password: SecretRef | None = None
    auth: AuthMethod = AuthMethod.EXTERNAL
    """SASL EXTERNAL with the mailbox as authorization identity; PLAIN or LOGIN; or nothing after mutual TLS."""
    username: str | None = None
    """Default: the mailbox address."""
    password: SecretRef | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.auth in (AuthMethod.PLAIN, AuthMethod.LOGIN) and self.password is None:
            raise BadSetting(
                Text("auth = plain ou login demande un mot de passe", "auth = plain or login needs a password"),
                Text('attendu : password = { keyring = "…" }', 'expected password = { keyring = "…" }'),
            )
        if self.auth in (AuthMethod.EXTERNAL, AuthMethod.NONE) and self.certificate is None:
            raise BadSetting(
                Text("auth = external ou none demande un certificat", "auth = external or none needs a certificate"),
                Text('attendu : certificate = "…"', 'expected certificate = "…"'),
            )
        return self


class Readiness(StrEnum):
    """When a drop counts as complete."""

    STABLE = "stable"  # unchanged in two scans
    FLAG = "drapeau"  # an .ok beside it
    SIDECAR = "accompagne"  # its sidecar and all files that it lists
    FOLDER = "dossier"  # one folder per drop, renamed into place


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
    duplicate_hours: float = Field(default=24.0, ge=0)
    """Same files for the same recipients within this are set aside; 0 = never."""
    status_json: bool = True
    status_txt: bool = True
    markers: bool = False
    """``<base>.envoye`` and ``<base>.erreur`` for software that can only test a name."""


class ReceptionSettings(Section):
    """How the LPS reads what arrives."""

    folders: list[str] = ["INBOX"]
    profile: str = "plat"
    """Name of a file in ``config/lps/``."""
    path: Path | None = None
    """Default: ``<root>/<box>/RECUS``."""
    ok_flag: bool = False
    """Write ``.ok`` after the index."""
    text_encoding: Literal["cp1252", "cp850", "iso-8859-1", "utf-8", "utf-8-sig", "mac_roman"] = "cp1252"
    first_connection: Literal["all", "new"] = "all"
    """What to do with messages that were there before the first connection."""


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
    def folder(self) -> str:
        """Name of the mailbox's folder under the spool root."""
        if self.box:
            return self.box
        kept = "".join(c if c.isalnum() and c.isascii() else "-" for c in self.address.local_part.lower())
        return kept.strip("-")[:40] or "boite"


class MessageSettings(Section):
    """How messages are composed, where the specification leaves it open."""

    replace_subject_tag: ReplaceTag = ReplaceTag.AFTER_MARKER
    birth_date_in_subject: bool = True
    default_body: str = "Bonjour,\n\nVeuillez trouver ci-joint : {titres}.\n\n{expediteur}\n"
    split_patients_and_professionals: bool = True


class Settings(Section):
    """The whole file."""

    software: SoftwareSettings = SoftwareSettings()
    spool: SpoolSettings = SpoolSettings()
    journal: JournalSettings = JournalSettings()
    api: ApiSettings = ApiSettings()
    log: LogSettings = LogSettings()
    retry: RetrySettings = RetrySettings()
    message: MessageSettings = MessageSettings()
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
