"""Settings of the HL7 v2 listener (MLLP), for laboratory systems and LPS that send by themselves."""

from pydantic import Field

from connector.settings.base import Address, Section

__all__ = ["MllpRoute", "MllpSettings"]


class MllpRoute(Section):
    """Which mailbox sends for which system; the first that fits counts, an empty value fits everything."""

    sending_application: str = ""
    """MSH-3.1."""
    sending_facility: str = ""
    """MSH-4.1."""
    mailbox: Address


class MllpSettings(Section):
    """The listener. It binds to this machine only."""

    enabled: bool = False
    port: int = Field(default=2575, ge=0, le=65535)
    """0 = any free port, written to the log."""
    tls: bool = False
    """With the certificate of this installation (the one of the local API)."""
    most_connections: int = Field(default=16, ge=1, le=200)
    idle_seconds: float = Field(default=600.0, gt=0)
    """A connection on which nothing comes is closed; one in the middle of a message after 30 s."""
    routes: list[MllpRoute] = []
    """Needed when there are several mailboxes that send."""
