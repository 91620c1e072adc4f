"""Settings of the HL7 v2 listener (MLLP), for laboratory systems and LPS that send by themselves."""

from pathlib import Path

from pydantic import Field, model_validator

from connector.domain.text import Text
from connector.settings.base import Address, BadSetting, Section

__all__ = ["MllpRoute", "MllpSettings", "MllpTarget"]

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class MllpRoute(Section):
    """Which mailbox sends for which system; the first that fits counts, an empty value fits everything."""

    sending_application: str = ""
    """MSH-3.1."""
    sending_facility: str = ""
    """MSH-4.1."""
    mailbox: Address


class MllpTarget(Section):
    """Where the LPS or laboratory system listens: for documents, or for what became of its own messages."""

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)
    tls: bool = False
    """Needed for any other machine than this one."""
    trust: Path | None = None
    """For TLS: PEM file of its certificate or authority; default: the authorities of the system."""
    seconds: float = Field(default=30.0, gt=0, le=600)
    """How long to wait for its answer."""

    @model_validator(mode="after")
    def _no_clear_text_to_others(self) -> "MllpTarget":
        if not self.tls and self.host not in _LOOPBACK:
            raise BadSetting(
                Text("des données de santé partiraient en clair vers une autre machine",
                     "health data would go in clear to another machine"),
                Text("attendu : tls = true, ou 127.0.0.1", "expected tls = true, or 127.0.0.1"),
            )  # fmt: skip
        return self


class MllpSettings(Section):
    """The listener. It binds to this machine only."""

    enabled: bool = False
    port: int = Field(default=2575, ge=0, le=65535)
    """0 = any free port, written to the log."""
    tls: bool = False
    """With the certificate of this installation (the one of the local API)."""
    most_connections: int = Field(default=16, ge=1, le=200)
    idle_seconds: float = Field(default=600.0, gt=0)
    """A connection on which nothing comes is closed."""
    message_seconds: float = Field(default=30.0, gt=0)
    """A message must have come to its end within this, counted from its first byte."""
    application: str = Field(default="CONNECTEUR", max_length=60, pattern=r"^[^|^~\\&]*$")
    """MSH-3 of a business acknowledgement (ZAM) when the order was written to nobody (MSH-5 empty)."""
    routes: list[MllpRoute] = []
    """Needed when there are several mailboxes that send."""
    answers_to: MllpTarget | None = None
    """Where business acknowledgements (ZAM Z02, Z03) go, also those of orders that came as files; without it they
    are files in ``STATUTS``."""
