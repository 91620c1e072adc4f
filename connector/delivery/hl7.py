"""HL7 v2 messages for the software, one for each document of a mail. Pure.

Source rule: IG "Transmission au LPS d'un document CDA provenant d'un courriel MSSanté" 1.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from connector.documents.hl7.flags import Flag
from connector.documents.hl7.order import Action
from connector.documents.hl7.participants import Hl7Participant
from connector.documents.hl7.to_lps import LpsDelivery, LpsForm, LpsParties, write_to_lps
from connector.exchange.arrival import Arrival, ArrivalDocument
from connector.settings.lps import Hl7Options

__all__ = ["Hl7Sender", "made_hl7"]

_FLAGS = MappingProxyType({
    "MASQUE_PS": Flag.MASQUE_PS, "INVISIBLE_PATIENT": Flag.INVISIBLE_PATIENT,
    "INVISIBLE_REPRESENTANTS_LEGAUX": Flag.INVISIBLE_REP_LEGAUX,
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Hl7Sender:
    """Who writes to the software, and when."""

    facility: str  # MSH-4, when the options name none
    control: str  # what MSH-10 of every message of this mail begins with: at most 17 characters
    moment: datetime  # MSH-7, in local time


def made_hl7(arrival: Arrival, options: Hl7Options, sender: Hl7Sender) -> Iterator[tuple[ArrivalDocument, bytes]]:
    """The messages, in the order of the documents, without MLLP frames.

    Args:
        arrival: the mail.
        options: form, character set, and who the software is.
        sender: for the headers.
    """
    parties = LpsParties(
        sending_application=options.application, sending_facility=options.etablissement or sender.facility,
        receiving_application=options.application_lps, receiving_facility=options.etablissement_lps,
    )  # fmt: skip
    for number, document in enumerate(arrival.documents, 1):
        message = write_to_lps(
            _delivery(arrival, document, options.forme), parties, control_id=f"{sender.control}{number:03}",
            now=sender.moment, charset=options.jeu_de_caracteres, form=options.forme,
        )  # fmt: skip
        yield document, message


def _delivery(arrival: Arrival, document: ArrivalDocument, form: LpsForm) -> LpsDelivery:
    return LpsDelivery(
        content=document.content, document=document.header, action=Action(document.action.value),
        message_id=arrival.message_id, subject=arrival.subject_raw,
        sender=Hl7Participant(address=arrival.sender.address),
        recipient=Hl7Participant(address=str(arrival.mailbox)), body=arrival.body,
        confidentiality=frozenset(_FLAGS[mask] for mask in document.masks if mask in _FLAGS),
        pdf=document.pdf if form is LpsForm.ORU else None,
    )  # fmt: skip
