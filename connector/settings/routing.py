"""Where received messages go: by recipient, type of document, sender, patient."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import field_validator, model_validator

from connector.domain.text import Text
from connector.settings.base import Address, BadSetting, Section
from connector.settings.mllp import MllpTarget

__all__ = ["PatientKnown", "RouteSender", "RouteSettings"]


class RouteSender(StrEnum):
    """Who wrote, by the domain of the address (Ref#2 ECO.3.1.1)."""

    PROFESSIONAL = "professional"
    PATIENT = "patient"


class PatientKnown(StrEnum):
    """How well a message names its patients; each of them must be named so."""

    QUALIFIED = "qualified"  # matricule INS with all traits
    INS = "ins"  # a matricule INS whose key fits
    NAMED = "named"  # anyhow
    NOBODY = "nobody"  # the message is about nobody


class RouteSettings(Section):
    """Where some of the messages go: the first route whose conditions all hold; an empty condition always holds.

    What fits no route goes to the folder of the mailbox, in its own profile.
    """

    recipients: list[Address] = []
    """One of these is among the recipients or copies."""
    senders: list[str] = []
    """The sender is one of these addresses, or of one of these domains (``@labo.mssante.fr``)."""
    sender_kind: RouteSender | None = None
    """``professional`` or ``patient``."""
    document_types: list[str] = []
    """One document has one of these type codes (LOINC, e.g. ``11502-2``)."""
    patient: PatientKnown | None = None
    """Every patient of the message is ``qualified`` (INS with all traits), has an ``ins`` whose key fits, or is
    ``named``; or the message is about ``nobody``."""
    profile: str = ""
    """LPS profile, as it is; empty = that of the mailbox with its options, or ``hl7`` with ``mllp``."""
    path: Path | None = None
    """Folder; default: that of the mailbox."""
    mllp: MllpTarget | None = None
    """A software that listens: it gets the HL7 v2 messages of the profile."""
    go_on: bool = False
    """The routes below count too: the message goes to several places, at the latest to the mailbox's own folder."""

    @field_validator("senders")
    @classmethod
    def _are_addresses_or_domains(cls, senders: list[str]) -> list[str]:
        for sender in senders:
            name, at, domain = sender.partition("@")
            if not at or "." not in domain or any(c.isspace() or c == "@" for c in name + domain):
                raise BadSetting(
                    Text(f"{sender!r} n'est ni une adresse ni un domaine",
                         f"{sender!r} is neither an address nor a domain"),
                    Text("attendu : labo@exemple.mssante.fr ou @exemple.mssante.fr",
                         "expected labo@exemple.mssante.fr or @exemple.mssante.fr"),
                )  # fmt: skip
        return senders

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if not (self.profile or self.path or self.mllp):
            raise BadSetting(
                Text("la route ne mène nulle part", "the route leads nowhere"),
                Text("attendu : profile, path ou mllp", "expected profile, path or mllp"),
            )
        return self
