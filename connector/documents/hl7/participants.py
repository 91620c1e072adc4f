"""PRT: who sends, who receives, where answers go; and whom a classic ORU names without an address.

Source rule: IG "Transmission de documents CDA en HL7v2" 2.1, segment PRT with its samples: the address is the first
text with an @ in PRT-15, then in the fields around it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from connector.documents.hl7.errors import Err3, Findings, Hl7Problem
from connector.documents.hl7.message import Message, Segment
from connector.documents.hl7.patient import oid_of
from connector.domain.address import MailboxAddress
from connector.domain.errors import InvalidSubmission
from connector.domain.patient import INS_OIDS

__all__ = ["Hl7Participant", "Hl7Recipient", "Participants", "read_correspondents", "read_participants"]

_ADDRESS_FIELDS = (15, 14, 16, 17)
_XCN_FIELDS = (("OBR", 16), ("OBR", 28), ("PV1", 8), ("ORC", 12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hl7Participant:
    """A person, an organisation or a device of PRT (or of an XCN field)."""

    person_id: str = ""  # PRT-5.1: RPPS, or matricule INS of a patient
    person_authority: str = ""  # PRT-5.9: OID
    person_id_type: str = ""  # PRT-5.13: RPPS, IDNPS, INS …
    family: str = ""
    given: str = ""
    organization: str = ""  # PRT-8.1
    organization_id: str = ""  # PRT-8.10
    organization_id_type: str = ""  # PRT-8.7: FINEG, FINEJ, IDNST, UF, SVR
    device_id: str = ""  # PRT-10.1
    address: str = ""  # PRT-15.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hl7Recipient(Hl7Participant):
    """A recipient; its address is always there."""

    is_patient: bool = False  # by the domain of the address, or by an INS in PRT-5
    location: str = ""


@dataclass(slots=True)
class Participants:
    """What the PRT segments of a message say."""

    sender: Hl7Participant | None = None
    recipients: list[Hl7Recipient] = field(default_factory=list)
    reply_to: str = ""


def read_participants(message: Message, findings: Findings) -> Participants:
    """Sender (SB), recipients (RCT, each address once) and reply address (REPLY), wherever the PRT stand.

    Args:
        message: the whole one.
        findings: takes a recipient without address (101) and addresses that are none (102).
    """
    found = Participants()
    for prt in message.all("PRT"):
        role = prt.value(4).upper()
        if role == "SB" and found.sender is None:
            found.sender = _participant(prt, next(_addresses(prt), ""))
        elif role == "RCT":
            known = {recipient.address for recipient in found.recipients}
            found.recipients += [one for one in _recipients(prt, findings) if one.address not in known]
        elif role == "REPLY" and not found.reply_to:
            found.reply_to = next(iter(_checked(prt, findings)), "")
    return found


def _recipients(prt: Segment, findings: Findings) -> Iterator[Hl7Recipient]:
    for address in _checked(prt, findings):
        person = _participant(prt, address)
        is_patient = (
            person.person_id_type.upper() == "INS"
            or person.person_authority in INS_OIDS
            or MailboxAddress.parse(address).is_patient
        )
        yield Hl7Recipient(**asdict(person), is_patient=is_patient, location=prt.place(15))


def _checked(prt: Segment, findings: Findings) -> list[str]:
    """The addresses of a PRT that are addresses; the others, and their absence, are problems."""
    addresses = []
    for text in dict.fromkeys(_addresses(prt)):
        try:
            addresses.append(str(MailboxAddress.parse(text)))
        except InvalidSubmission as failure:
            findings.add(Hl7Problem("DESTINATAIRE_INVALIDE", Err3.DATA_TYPE, prt.place(15), failure.detail))
    if not addresses and next(_addresses(prt), None) is None:
        detail = "a PRT segment that must have a mail address has none"
        findings.add(Hl7Problem("HL7_CHAMP_ABSENT", Err3.FIELD_MISSING, prt.place(15), detail))
    return addresses


def _addresses(prt: Segment) -> Iterator[str]:
    """The texts with an @ of the first field that has any: one of each repetition."""
    for number in _ADDRESS_FIELDS:
        texts = [next((part for part in prt.components(item) if "@" in part), "") for item in prt.repetitions(number)]
        if any(texts):
            yield from filter(None, texts)
            return


def _participant(prt: Segment, address: str) -> Hl7Participant:
    person, organization = next(iter(prt.repetitions(5)), ""), next(iter(prt.repetitions(8)), "")
    return Hl7Participant(
        person_id=prt.part(person, 1),
        person_authority=oid_of(prt, person, 9),
        person_id_type=prt.part(person, 13),
        family=prt.part(person, 2),
        given=prt.part(person, 3),
        organization=prt.part(organization, 1),
        organization_id=prt.part(organization, 10) or prt.part(organization, 3),
        organization_id_type=prt.part(organization, 7),
        device_id=prt.value(10),
        address=address,
    )


def read_correspondents(message: Message) -> tuple[Hl7Participant, ...]:
    """The professionals that a classic message names without an address: prescriber, copies, referring doctor.

    They come from OBR-16, OBR-28, PV1-8 and ORC-12, each person once, to be looked up in a table of correspondents.
    """
    found = [
        Hl7Participant(
            person_id=segment.part(item, 1),
            person_authority=oid_of(segment, item, 9),
            person_id_type=segment.part(item, 13),
            family=segment.part(item, 2),
            given=segment.part(item, 3),
        )
        for name, number in _XCN_FIELDS
        for segment in message.all(name)
        for item in segment.repetitions(number)
    ]
    return tuple(dict.fromkeys(person for person in found if person.person_id or person.family))
