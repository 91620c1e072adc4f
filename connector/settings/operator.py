"""Settings of one mail operator: servers, TLS, bounds, and which identities it takes."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from connector.mail.headers import SenderKind
from connector.settings.base import Section
from connector.settings.identity import IdentityMethod

__all__ = ["IdentityRule", "OperatorSettings", "ServerSettings", "TlsSettings"]


class TlsSettings(Section):
    """TLS towards one operator."""

    trust: list[Path] = []
    """PEM or DER files of the only authorities accepted; empty = the IGC-Santé authorities of ``igc``, as
    ``mss-connector trust list`` shows them. The system's store is never used (Ref#2 ECO.1.1.10)."""
    igc: Literal["production", "test"] = "production"
    """Which IGC-Santé hierarchy the operator's certificate belongs to; never both."""
    minimum: Literal["1.2", "1.3"] = "1.2"
    maximum: Literal["1.2", "1.3"] = "1.2"
    """Ref#2 names TLS 1.2 and four suites; 1.3 can be allowed."""
    ciphers: list[str] = [
        "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-SHA384", "ECDHE-RSA-AES128-SHA256",
    ]  # fmt: skip
    """OpenSSL names, Ref#2 ECO.1.1.3."""
    crl: list[Path] = []
    """Revocation lists (PEM or DER) given by hand; they are used before any that was fetched."""
    revocation: Literal["required", "if_listed", "off"] = "required"
    """``required``: without a valid list nothing is said to the server (Ref#2 ECO.1.1.6). ``if_listed``: only the
    lists under ``crl`` are looked at, none is fetched. ``off``: for a test bench."""
    crl_grace_hours: float = Field(default=0.0, ge=0)
    """How long a list that is past its ``nextUpdate`` still counts (Ref#2 ECO.1.1.7 speaks of none; some use 4)."""
    verify_hostname: bool = True


class ServerSettings(Section):
    """One server."""

    host: str
    port: int = Field(ge=1, le=65535)
    tls: Literal["starttls", "implicit"] = "starttls"
    """STARTTLS is mandatory in Ref#2 ECO.1.0.1 and 1.0.2; implicit TLS for older operators."""


class IdentityRule(Section):
    """One cell of the matrix operator x mailbox kind x identity."""

    kinds: list[SenderKind]
    methods: list[IdentityMethod]
    """In the order in which the operator prefers them."""


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
    null_sender_for_receipts: bool = False
    """True when the operator takes ``MAIL FROM:<>`` for read receipts, as RFC 8098 3 wants. Off: operators demand the
    mailbox of the certificate as sender; a receipt that bounces then comes back here and is never answered."""
    smtp_connections: int = Field(default=2, ge=1, le=16)
    """Parallel submissions per mailbox."""
    connect_seconds: float = Field(default=20.0, gt=0)
    answer_seconds: float = Field(default=120.0, gt=0)
    """Longest wait for one answer; the final one after DATA gets five times as long (RFC 5321 4.5.3.2.6)."""
    idle_seconds: float = Field(default=540.0, gt=0, le=1740)
    """IDLE is renewed after this (Ref: at most 9 minutes behind NAT)."""
    poll_seconds: float = Field(default=300.0, gt=0)
    """Full look at the folder, whatever IDLE said."""
    resume_tls_sessions: bool = False
    """Resume TLS sessions so that a card signs less often. Off: some servers drop the connection (Dovecot with
    ``service_count = 0``); forgotten and tried once more without when that happens."""
    sasl_initial_response: bool = True
    """False for an operator that refuses the first answer of SASL inside the command (seen: Mailiz *formation*)."""
    identities: list[IdentityRule] = []
    """Which identity this operator takes for which kind of mailbox; empty = not known, everything is tried."""
