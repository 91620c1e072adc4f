"""MSH: who sends what to whom, and what an answer repeats of it."""

import re
from dataclasses import dataclass

from connector.documents.hl7.errors import Hl7Error
from connector.documents.hl7.message import STANDARD, Message, Segment, composite
from connector.documents.hl7.text import decode, split_messages
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.limits import Limits

__all__ = ["Hl7Header", "peek_header", "read_header"]

_VOLET = re.compile(r"(\d{1,2}\.\d{1,3})\s*\^\s*([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hl7Header:
    """The facts of MSH; application and facility are fields in the standard separators, ready to be written back."""

    sending_application: str = ""
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    sent_at: str = ""  # MSH-7 as written
    type: str = ""  # MSH-9.1: ORU, MDM, ACK …
    event: str = ""  # MSH-9.2: R01, T02 …
    control_id: str = ""  # MSH-10
    processing_id: str = ""  # MSH-11.1: P, T or D
    version: str = ""  # MSH-12.1
    accept_ack: str = ""  # MSH-15: AL, NE, ER, SU or empty
    application_ack: str = ""  # MSH-16, the same
    charset: str = ""  # MSH-18, first repetition, as written
    profile: str = ""  # MSH-21: ``2.1^CISIS_CDA_HL7_V2``

    @property
    def volet(self) -> str:
        """Version of the ANS volet for senders (``2.1``), or empty for any other profile."""
        found = _VOLET.fullmatch(self.profile)
        return found[1] if found and found[2].upper().startswith("CISIS_CDA_HL7_V") else ""

    @property
    def is_for_lps(self) -> bool:
        """True for a message of the reception volet, which goes to an LPS and never leaves from one."""
        found = _VOLET.fullmatch(self.profile)
        return bool(found and found[2].upper() == "CISIS_CDA_HL7_LPS")

    @property
    def sender_key(self) -> str:
        """Who sends: with :attr:`control_id` the key under which a message is known."""
        return f"{self.sending_application}|{self.sending_facility}"


def read_header(msh: Segment) -> Hl7Header:
    """The facts of a parsed MSH; absent ones are empty."""
    return Hl7Header(
        sending_application=_party(msh, 3),
        sending_facility=_party(msh, 4),
        receiving_application=_party(msh, 5),
        receiving_facility=_party(msh, 6),
        sent_at=msh.value(7),
        type=msh.value(9).upper(),
        event=msh.value(9, 2).upper(),
        control_id=msh.value(10),
        processing_id=msh.value(11).upper(),
        version=msh.value(12),
        accept_ack=msh.value(15).upper(),
        application_ack=msh.value(16).upper(),
        charset=msh.value(18),
        profile="^".join(filter(None, (msh.value(21), msh.value(21, 2)))),
    )


def _party(msh: Segment, number: int) -> str:
    """An HD as it was written, or in the standard separators when the message has others."""
    if msh.separators == STANDARD:
        return msh.field(number)
    return composite(*msh.components(next(iter(msh.repetitions(number)), "")))


def peek_header(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Hl7Header | None:
    """The header of what could not be read, as far as it can be; ``None`` when not even MSH is there.

    Args:
        data: anything.
        limits: as for reading.
    """
    start = data.find(b"MSH")
    if start < 0:
        return None
    line = re.split(rb"[\r\n]", data[start : start + 4096], maxsplit=1)[0]
    try:
        text = decode(split_messages(line)[0]).text
    except Hl7Error:
        text = line.decode("latin-1")
    try:
        return read_header(Message.parse(text, limits).segments[0])
    except Hl7Error:
        return None
