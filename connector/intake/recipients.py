"""For whom a sending is: the sidecar first, then the files, then the document, then the folder's default. Pure."""

from collections.abc import Iterable, Sequence

from connector.documents.cda.model import CdaDocument
from connector.domain.address import PATIENT_DOMAIN, MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.submission import Recipient, RecipientKind
from connector.intake.inputs.understood import Understood
from connector.intake.problem import BadDrop
from connector.intake.sidecar import Sidecar, SidecarRecipient
from connector.settings.model import MailboxSettings

__all__ = ["choose_recipients"]


def choose_recipients(
    sidecar: Sidecar, understood: Understood, documents: Sequence[CdaDocument], mailbox: MailboxSettings
) -> tuple[Recipient, ...]:
    """Everybody, each address once.

    Args:
        sidecar: may name them, copies, and the patient.
        understood: what the files name.
        documents: headers, as far as somebody needed them.
        mailbox: with the default recipients of its folder.

    Raises:
        BadDrop: ``DESTINATAIRE_INCONNU``, ``INS_NON_QUALIFIEE``.
    """
    found = [_named(recipient, RecipientKind.TO, "destinataires") for recipient in sidecar.recipients]
    if sidecar.to_patient:
        found.append(Recipient(_patient_address(documents)))
    found = found or list(understood.recipients)
    if not found:
        found = [Recipient(address) for document in documents for address in _addresses(document)]
    if not found:
        found = [Recipient(address) for address in mailbox.outbox.default_recipients]
    if not found:
        raise BadDrop(
            "DESTINATAIRE_INCONNU", "neither sidecar nor document nor folder names a recipient",
            "Ni fichier d'accompagnement, ni destinataire par défaut pour ce dossier.",
        )  # fmt: skip
    found += [_named(recipient, RecipientKind.CC, "copie") for recipient in sidecar.copies]
    return _once(found)


def _once(found: Iterable[Recipient]) -> tuple[Recipient, ...]:
    once: dict[MailboxAddress, Recipient] = {}
    for recipient in found:
        once.setdefault(recipient.address, recipient)
    return tuple(once.values())


def _named(recipient: SidecarRecipient, kind: RecipientKind, key: str) -> Recipient:
    if recipient.address is None:
        raise BadDrop(
            "DESTINATAIRE_INCONNU", "a recipient is named by RPPS number only, and there is no directory yet",
            f"Rubrique « {key} » : un destinataire n'a qu'un numéro RPPS ; indiquez son adresse MSSanté.",
        )  # fmt: skip
    return Recipient(recipient.address, kind)


def _addresses(document: CdaDocument) -> list[MailboxAddress]:
    addresses = []
    for text in document.informant_addresses:
        try:
            addresses.append(MailboxAddress.parse(text))
        except InvalidSubmission:
            continue  # a telecom of the document that is no mail address
    return addresses


def _patient_address(documents: Sequence[CdaDocument]) -> MailboxAddress:
    """The patient's own mailbox, from a qualified INS of the document only (Ref#2 ECO.2.2.6)."""
    patients = {d.patient.ins.extension for d in documents if d.patient.has_qualified_ins and d.patient.ins}
    if len(patients) != 1:
        raise BadDrop(
            "INS_NON_QUALIFIEE", "the documents do not have one qualified INS",
            "Rubrique « patient_mes » : l'adresse du patient se déduit d'un document CDA à l'INS qualifiée.",
        )  # fmt: skip
    return MailboxAddress.parse(f"{patients.pop()}@{PATIENT_DOMAIN}")
