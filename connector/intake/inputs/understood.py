"""What the files of a drop say by themselves, before a sidecar says more."""

from dataclasses import dataclass, field

from connector.domain.address import MailboxAddress
from connector.domain.submission import (
    DeclaredSender,
    DocumentAction,
    Hl7Origin,
    Recipient,
    SendOptions,
    SubmittedFile,
)

__all__ = ["Understood"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A drop, understood. What a sidecar says comes first, then this, then the folder's defaults."""

    files: tuple[SubmittedFile, ...] = field(repr=False)  # every original, then what was taken out of it or built
    recipients: tuple[Recipient, ...] = ()
    recipients_from_document: bool = False  # none are named: those of the CDA, whatever the settings (volet 1.x)
    options: SendOptions | None = None  # None: the format has no word for it
    action: DocumentAction = DocumentAction.FIRST
    reference: str | None = None
    body: str | None = field(default=None, repr=False)
    body_for_patient: str | None = field(default=None, repr=False)
    reply_to: MailboxAddress | None = None
    declared_sender: DeclaredSender | None = None
    hl7: Hl7Origin | None = None
    warnings: tuple[str, ...] = ()  # codes of the catalogue
