"""A message of the LPS or of a laboratory system as the order to send that it is.

Source rules: IG "Transmission de documents CDA en HL7v2" 2.1 with its earlier volets 1.x and 2.0, in both of its
forms (ORU^R01, MDM^T02/T04/T10); for messages without its flags, the usual ORU with a PDF in OBX-5. A message is read
to its end, so that everything that is wrong with it is told at once.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from connector.documents.cda.model import InstanceId
from connector.documents.hl7.errors import Err3, Findings, Hl7Error, Hl7Problem
from connector.documents.hl7.flags import Destinations, Flags, destinations, flag_of, read_flags
from connector.documents.hl7.header import Hl7Header, read_header
from connector.documents.hl7.message import Message, Segment
from connector.documents.hl7.participants import (
    Hl7Participant,
    Hl7Recipient,
    Participants,
    read_correspondents,
    read_participants,
)  # fmt: skip
from connector.documents.hl7.patient import Hl7Patient, read_patient
from connector.documents.hl7.payload import Attached, read_attached, read_body
from connector.documents.hl7.text import decode, split_messages
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.limits import Limits
from connector.domain.patient import PatientIdentifier

__all__ = ["Action", "Hl7Order", "StatedType", "carried_files", "read_order"]

_VERSION = re.compile(r"2\.[1-9](?:\.\d)?")
_EVENTS = {"ORU": frozenset({"R01"}), "MDM": frozenset({"T02", "T04", "T10"})}
_USUAL_VERSION = {"ORU": "2.5", "MDM": "2.6"}
_PROCESSING_IDS = frozenset({"P", "T", "D"})
_BODIES = {"CORPSMAIL_PS", "CORPSMAIL_PATIENT"}
_LOT_MEMBER = "COMP_LOT"  # volet 1.x: ids of the submission set, which we make ourselves


class Action(StrEnum):
    """What is to be done with the document."""

    FIRST = "first"
    REPLACE = "replace"
    DELETE = "delete"


_BY_EVENT = {"T02": Action.FIRST, "T10": Action.REPLACE, "T04": Action.DELETE}
_BY_ORDER = {"NW": Action.FIRST, "RO": Action.REPLACE, "CA": Action.DELETE}
_BY_STATUS = {"F": Action.FIRST, "C": Action.REPLACE, "D": Action.DELETE}
_PARTIAL = frozenset({"", "P", "R", "S", "A", "V"})  # classic messages: a preliminary or partial report


@dataclass(frozen=True, slots=True)
class StatedType:
    """A type of document that the message states, and where."""

    code: str
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hl7Order:
    """What one message asks for."""

    header: Hl7Header
    action: Action
    patient: Hl7Patient
    documents: tuple[bytes, ...] = field(default=(), repr=False)  # CDA, well-formed XML
    pdfs: tuple[bytes, ...] = field(default=(), repr=False)
    document_types: tuple[StatedType, ...] = ()  # OBR-4 (volet 2.1), OBX-3, TXA-2
    document_label: str = ""  # OBX-3.2
    document_id: InstanceId | None = None  # TXA-12
    replaced_id: InstanceId | None = None  # TXA-13
    sender: Hl7Participant | None = None
    recipients: tuple[Hl7Recipient, ...] = ()  # those whom the flags allow; none: those of the CDA (volet 1.x)
    correspondents: tuple[Hl7Participant, ...] = ()  # classic: professionals named without an address
    reply_to: str = ""
    flags: Flags = field(default_factory=Flags)
    destinations: Destinations | None = None  # None for a classic message, which says nothing of it
    body_professional: str = field(default="", repr=False)
    body_patient: str = field(default="", repr=False)
    no_reply_from_patient: bool = False  # becomes X-MSS-MES: FIN
    warnings: tuple[str, ...] = ()  # codes of the catalogue

    @property
    def profile(self) -> str:
        """MSH-21."""
        return self.header.profile

    @property
    def patient_ids(self) -> tuple[PatientIdentifier, ...]:
        """PID-3."""
        return self.patient.ids

    @property
    def is_classic(self) -> bool:
        """True for a message without the flags of the ANS volets."""
        return not self.flags.present

    @property
    def wants_delivery_ack(self) -> bool:
        """True when the sender wants a ZAM Z02 for each delivery."""
        return self.flags.ack_reception

    @property
    def wants_read_ack(self) -> bool:
        """True when the sender wants a ZAM Z03 for each reading."""
        return self.flags.ack_lecture_mss


def read_order(message: bytes, limits: Limits = DEFAULT_LIMITS) -> Hl7Order:
    """Read one message.

    Args:
        message: one, as :func:`~connector.documents.hl7.text.split_messages` gives it or as it came.
        limits: ``max_hl7_*`` and the bounds of XML.

    Raises:
        Hl7Error: with every problem that was found; each has a code of the catalogue, its ERR-3 and its place.
    """
    messages = split_messages(message, limits)
    if len(messages) > 1:
        detail = f"{len(messages)} messages came where one is expected"
        raise Hl7Error(Hl7Problem("HL7_CARDINALITE", Err3.CARDINALITY, "MSH^2", detail))
    decoded = decode(messages[0])
    parsed = Message.parse(decoded.text, limits)
    findings = Findings()
    findings.warn(*decoded.warnings, *(("HL7_LIGNE_COUPEE",) if parsed.has_broken_lines else ()))
    header = read_header(parsed.segments[0])
    _check_header(header, findings)
    return _Reading(parsed, header, decoded.charset, limits, findings).order()


def carried_files(message: bytes, limits: Limits = DEFAULT_LIMITS) -> Attached:
    """The files that one message carries, as far as they can be read, whatever else is wrong with it.

    Raises:
        Hl7Error: it cannot be decoded, or has no segments.
    """
    rows = Message.parse(decode(message).text, limits).all("OBX")
    return read_attached([row for row in rows if _is_file(row)], limits, Findings())


def _check_header(header: Hl7Header, findings: Findings) -> None:
    """What MSH must hold for the message to be read at all, and to be answered."""
    if header.type not in _EVENTS:
        detail = "MSH-9 is neither ORU nor MDM"
        raise Hl7Error(Hl7Problem("HL7_TYPE_INCONNU", Err3.MESSAGE_TYPE, "MSH^1^9", detail))
    is_bare_oru = header.type == "ORU" and not header.event  # HL7 2.2 and before had no events for it
    if header.event not in _EVENTS[header.type] and not is_bare_oru:
        detail = "the event of MSH-9 is not one of R01, T02, T04, T10"
        raise Hl7Error(Hl7Problem("HL7_EVENEMENT_INCONNU", Err3.EVENT, "MSH^1^9", detail))
    if header.is_for_lps:
        detail = "the profile of MSH-21 is that of messages for an LPS"
        raise Hl7Error(Hl7Problem("HL7_PROFIL_RECEPTION", Err3.APPLICATION, "MSH^1^21", detail))
    if not header.control_id:
        detail = "MSH-10 is empty, so the message cannot be answered"
        findings.add(Hl7Problem("HL7_CHAMP_ABSENT", Err3.FIELD_MISSING, "MSH^1^10", detail))
    if header.processing_id not in _PROCESSING_IDS:
        detail = "MSH-11 is none of P, T, D"
        findings.add(Hl7Problem("HL7_TRAITEMENT_INCONNU", Err3.PROCESSING_ID, "MSH^1^11", detail))
    if not _VERSION.fullmatch(header.version):
        detail = "MSH-12 is no version of HL7 v2"
        findings.add(Hl7Problem("HL7_VERSION_INCONNUE", Err3.VERSION, "MSH^1^12", detail))
    elif header.volet and not header.version.startswith(_USUAL_VERSION[header.type]):
        findings.warn("HL7_VERSION_INATTENDUE")


class _Reading:
    """One message on its way to an order."""

    def __init__(self, message: Message, header: Hl7Header, charset: str, limits: Limits, findings: Findings) -> None:
        self._message = message
        self._header = header
        self._charset = charset
        self._limits = limits
        self._findings = findings
        rows = message.all("OBX")
        self._flags = read_flags(rows, findings)
        self._files = [row for row in rows if _is_file(row)]
        self._is_classic = not self._flags.present

    def order(self) -> Hl7Order:
        """The order, when nothing is wrong."""
        findings = self._findings
        if not self._is_classic and not self._header.volet:
            findings.warn("HL7_PROFIL_INCONNU")
        if self._is_classic and self._header.volet:  # perhaps cut short: who may see the document would be lost
            detail = "a message of an ANS volet has none of the rows of MetaDMPMSS"
            findings.add(Hl7Problem("HL7_CHAMP_ABSENT", Err3.FIELD_MISSING, "OBX^1^3", detail))
        patient = read_patient(self._message, findings)
        attached = self._attached()
        action = self._action()
        participants = read_participants(self._message, findings)
        goes_to = self._destinations()
        recipients = self._recipients(participants, goes_to)
        types = self._types()
        no_reply = self._no_reply(goes_to)
        replaced = self._instance(13)
        if action is Action.REPLACE and self._header.type == "MDM" and replaced is None:
            findings.warn("HL7_ID_REMPLACE_ABSENT")
        bodies = {row.value(3).upper(): read_body(row, self._charset, findings) for row in self._body_rows()}
        findings.check()
        return Hl7Order(
            header=self._header,
            action=action,
            patient=patient,
            documents=tuple(attached.documents),
            pdfs=tuple(attached.pdfs),
            document_types=types,
            document_label=self._files[0].value(3, 2) if self._files else "",
            document_id=self._instance(12),
            replaced_id=replaced,
            sender=participants.sender,
            recipients=recipients,
            correspondents=read_correspondents(self._message) if self._is_classic else (),
            reply_to=participants.reply_to,
            flags=self._flags,
            destinations=goes_to,
            body_professional=bodies.get("CORPSMAIL_PS", ""),
            body_patient=bodies.get("CORPSMAIL_PATIENT", ""),
            no_reply_from_patient=no_reply,
            warnings=findings.warnings,
        )

    def _body_rows(self) -> list[Segment]:
        return [row for row in self._message.all("OBX") if row.value(3).upper() in _BODIES]

    def _attached(self) -> Attached:
        """The files, at most as many as the form of the message allows; a classic one may leave its PDF beside it."""
        if not self._files and not self._is_classic:
            detail = "no OBX of type ED holds a document"
            self._findings.add(Hl7Problem("HL7_SEGMENT_ABSENT", Err3.SEGMENT_SEQUENCE, "OBX^1", detail))
        attached = read_attached(self._files, self._limits, self._findings)
        allowed = 1 if self._header.type == "MDM" else 2
        if len(attached.documents) > allowed:
            detail = f"{len(attached.documents)} documents where at most {allowed} are allowed"
            place = self._files[-1].place(5)
            self._findings.add(Hl7Problem("HL7_CARDINALITE", Err3.CARDINALITY, place, detail))
        return attached

    def _action(self) -> Action:
        """By event, ORC-1 and OBX-11 of each document, which must agree as far as they speak."""
        stated: list[Action | None] = [_BY_EVENT.get(self._header.event), self._ordered()]
        stated += [self._status(row) for row in self._files]
        actions = {action for action in stated if action is not None}
        if len(actions) > 1:
            detail = f"event, ORC-1 and OBX-11 ask for different actions: {', '.join(sorted(actions))}"
            place = self._files[0].place(11) if self._files else "ORC^1^1"
            self._findings.add(Hl7Problem("HL7_ACTION_INCOHERENTE", Err3.APPLICATION, place, detail))
        return next(iter(sorted(actions)), Action.FIRST)

    def _ordered(self) -> Action | None:
        """ORC-1; SC (volets 1.x and 2.0) and the codes of classic messages say nothing."""
        orc = self._message.first("ORC")
        code = orc.value(1).upper() if orc else ""
        if orc and code not in _BY_ORDER and code != "SC" and self._header.volet:
            detail = "ORC-1 is none of NW, RO, CA, SC"
            self._findings.add(Hl7Problem("HL7_CODE_INCONNU", Err3.TABLE_VALUE, orc.place(1), detail))
        return _BY_ORDER.get(code)

    def _status(self, row: Segment) -> Action | None:
        code = row.value(11).upper()
        if self._is_classic and code in _PARTIAL:
            return Action.FIRST
        if code not in _BY_STATUS:
            detail = "OBX-11 of a document is none of F, C, D"
            self._findings.add(Hl7Problem("HL7_CODE_INCONNU", Err3.TABLE_VALUE, row.place(11), detail))
        return _BY_STATUS.get(code)

    def _destinations(self) -> Destinations | None:
        if self._is_classic:
            return None
        try:
            found = destinations(self._flags)
        except Hl7Error as refusal:
            for problem in refusal.problems:
                self._findings.add(problem)
            return None
        self._findings.warn(*found.warnings)
        return found

    def _recipients(self, participants: Participants, goes_to: Destinations | None) -> tuple[Hl7Recipient, ...]:
        """Those whom the flags allow; from volet 2.0 on each kind that the flags name must be there."""
        found = participants.recipients
        if goes_to is None:
            return tuple(found)
        kept = [one for one in found if (goes_to.patient if one.is_patient else goes_to.professionals)]
        if len(kept) < len(found):
            self._findings.warn("HL7_DESTINATAIRE_ECARTE")
        if not self._header.volet.startswith("1."):
            kinds = {one.is_patient for one in kept}
            for flag, is_patient, wanted in (
                ("DESTMSSANTEPS", False, goes_to.professionals),
                ("DESTMSSANTEPAT", True, goes_to.patient),
            ):
                if wanted and is_patient not in kinds:
                    detail = f"{flag} is Y, but no PRT of kind RCT has such a recipient"
                    self._findings.add(Hl7Problem("HL7_CHAMP_ABSENT", Err3.FIELD_MISSING, "PRT^1^15", detail))
        return tuple(kept)

    def _types(self) -> tuple[StatedType, ...]:
        """The stated types; OBR-4 counts from volet 2.1 on, before it was the act."""
        fields = [(row, 3) for row in self._files]
        txa, obr = self._message.first("TXA"), self._message.first("OBR")
        fields += [(txa, 2)] if txa else []
        fields += [(obr, 4)] if obr and self._header.volet == "2.1" else []
        found = tuple(StatedType(row.value(at), row.place(at)) for row, at in fields if row.value(at))
        if self._files and not found:
            detail = "no type of document is stated"
            self._findings.add(Hl7Problem("HL7_CHAMP_ABSENT", Err3.FIELD_MISSING, self._files[0].place(3), detail))
        return found

    def _instance(self, number: int) -> InstanceId | None:
        """An EI of TXA: ``root``, or ``extension^^root^ISO``; without component 3 the first one is the whole id."""
        txa = self._message.first("TXA")
        if txa is None or not txa.value(number):
            return None
        first, root = txa.value(number), txa.value(number, 3)
        return InstanceId(root, first) if root else InstanceId(first)

    def _no_reply(self, goes_to: Destinations | None) -> bool:
        """FIN in the NTE under DESTMSSANTEPAT."""
        current = ""
        for segment in self._message.segments:
            if segment.name == "OBX":
                current = segment.value(3).upper()
            is_fin = segment.name == "NTE" and "FIN" in {segment.value(4).upper(), segment.value(3).upper()}
            if is_fin and current == "DESTMSSANTEPAT":
                if goes_to and not goes_to.patient:
                    self._findings.warn("HL7_FIN_SANS_PATIENT")
                return bool(goes_to and goes_to.patient)
        return False


def _is_file(row: Segment) -> bool:
    """True for an OBX that carries a document: type ED, and neither flag nor text of a mail."""
    code = row.value(3).upper()
    is_meta = flag_of(row) is not None or code in _BODIES or code == _LOT_MEMBER
    return row.value(2).upper() == "ED" and not is_meta
