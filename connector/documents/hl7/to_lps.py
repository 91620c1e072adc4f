"""A document that came by mail, as an HL7 v2 message for the LPS.

Source rule: IG "Transmission au LPS d'un document CDA provenant d'un courriel MSSanté" 1.1 (MDM^T02/T04/T10, HL7 2.6,
one message for each document). The ORU^R01 form has the same rows, for LPS that integrate nothing else.
"""

import base64
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from connector.documents.cda.model import CdaDocument, InstanceId, PatientRole
from connector.documents.hl7.answer import hl7_time
from connector.documents.hl7.errors import Hl7Error
from connector.documents.hl7.flags import Flag
from connector.documents.hl7.message import STANDARD, Message, Segment, composite, escape, repeated
from connector.documents.hl7.order import Action
from connector.documents.hl7.participants import Hl7Participant
from connector.documents.hl7.text import UTF8_NAME, encode
from connector.domain.patient import INS_NIA, PatientIdentifier

__all__ = ["LpsDelivery", "LpsForm", "LpsParties", "write_to_lps"]

_PROFILE = "1.1^CISIS_CDA_HL7_LPS"
_CODE_SYSTEMS = {"2.16.840.1.113883.6.1": "LN", "1.2.250.1.213.1.1.4.12": "TRE_A05"}
_EVENTS = {Action.FIRST: "T02", Action.REPLACE: "T10", Action.DELETE: "T04"}
_ORDERS = {Action.FIRST: "NW", Action.REPLACE: "RO", Action.DELETE: "CA"}
_STATUSES = {Action.FIRST: "F", Action.REPLACE: "C", Action.DELETE: "D"}
_LABELS = {
    Flag.MASQUE_PS: "Masqué aux professionnels de Santé",
    Flag.INVISIBLE_PATIENT: "Document Non Visible par le patient",
    Flag.INVISIBLE_REP_LEGAUX: "Non visible par les représentants Légaux du patient",
    Flag.MODIF_CONF_CODE: "Modification Confidentiality Code",
}
_ROLES = {"SB": "Send by", "RCT": "Result Copies To", "REPLY": "Reply To"}
_PS_AUTHORITY = "1.2.250.1.71.4.2.1"
_ORGANIZATION_AUTHORITY = "1.2.250.1.71.4.2.2"
_UNIT_KINDS = frozenset({"UF", "SVR"})


class LpsForm(StrEnum):
    """Shape of the message."""

    MDM = "mdm"  # the volet
    ORU = "oru"  # ORU^R01, HL7 2.5, for LPS that know nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class LpsParties:
    """MSH-3 to MSH-6, as texts."""

    sending_application: str
    sending_facility: str
    receiving_application: str
    receiving_facility: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LpsDelivery:
    """One document of one mail."""

    content: bytes = field(repr=False)  # the CDA as it came
    document: CdaDocument  # its header
    action: Action  # by the action slot of METADATA: none FIRST, C REPLACE, D DELETE
    message_id: str  # of the mail, with its angle brackets
    subject: str
    sender: Hl7Participant  # its address is the one of the mail; the rest when the directory knows it
    recipient: Hl7Participant | None = None  # the mailbox that received
    reply_to: str = ""
    body: str = field(default="", repr=False)
    confidentiality: frozenset[Flag] = frozenset()  # the rows that are Y
    pdf: bytes | None = field(default=None, repr=False)  # ORU only: the readable copy, in an OBX of its own


def write_to_lps(
    delivery: LpsDelivery,
    parties: LpsParties,
    *,
    control_id: str,
    now: datetime,
    charset: str = UTF8_NAME,
    form: LpsForm = LpsForm.MDM,
) -> bytes:
    """One message for the LPS.

    Args:
        delivery: document and mail.
        parties: who sends to whom.
        control_id: MSH-10; the answer of the LPS names it.
        now: MSH-7 and EVN-2.
        charset: name of table 0211 that the LPS wants; UTF-8 is written (and stated) when a character is not in it.
        form: MDM, or ORU for LPS that know nothing else.

    Returns:
        The message with CR line ends, without MLLP frame.
    """
    try:
        return encode(_message(delivery, parties, control_id, now, charset=charset, form=form), charset)
    except Hl7Error:
        return encode(_message(delivery, parties, control_id, now, charset=UTF8_NAME, form=form), UTF8_NAME)


def _message(
    delivery: LpsDelivery, parties: LpsParties, control_id: str, now: datetime, *, charset: str, form: LpsForm
) -> str:
    """The text of the message; ``charset`` is what MSH-18 states."""
    is_mdm = form is LpsForm.MDM
    code = _type(delivery.document)
    msh = Segment.build("MSH", {
        1: STANDARD.field, 2: STANDARD.encoding,
        3: escape(parties.sending_application), 4: escape(parties.sending_facility),
        5: escape(parties.receiving_application), 6: escape(parties.receiving_facility),
        7: hl7_time(now), 9: _message_type(delivery.action, form), 10: escape(control_id), 11: "P",
        12: "2.6" if is_mdm else "2.5", 17: "FRA", 18: escape(charset), 21: _PROFILE if is_mdm else "",
    })  # fmt: skip
    order = [
        Segment.build("PV1", {1: "1", 2: "N"}),
        Segment.build("ORC", {1: _ORDERS[delivery.action]}),
        Segment.build("OBR", {1: "1", 4: code} if is_mdm else {1: "1", 4: code, 25: _STATUSES[delivery.action]}),
    ]
    event = [Segment.build("EVN", {2: hl7_time(now)})] if is_mdm else []
    document = [_txa(delivery.document)] if is_mdm else []
    rows = _rows(delivery, code, form)
    return Message((msh, *event, _pid(delivery.document.patient), *order, *document, *rows)).write()


def _message_type(action: Action, form: LpsForm) -> str:
    if form is LpsForm.ORU:
        return composite("ORU", "R01", "ORU_R01")
    return composite("MDM", _EVENTS[action], "MDM_T02")


def _type(document: CdaDocument) -> str:
    system = document.code.code_system
    return composite(document.code.code, document.code.display_name, _CODE_SYSTEMS.get(system, system))


def _pid(patient: PatientRole) -> Segment:
    """Identifiers and traits; PID-32 says VALI for a matricule INS with its traits, since no other may be sent."""
    names = [composite(patient.family, patient.given, patient.all_given, "", "", "", "L")]
    if patient.used_family:
        names.append(composite(patient.used_family, patient.used_given, "", "", "", "", "D"))
    place = composite("", "", "", "", "", "", "BDL", "", patient.birth_place) if patient.birth_place else ""
    return Segment.build("PID", {
        3: repeated(*(_identifier(identifier) for identifier in patient.ids if identifier.extension)),
        5: repeated(*names),
        7: escape(patient.birth_time[:8]),
        8: escape(patient.gender),
        11: place,
        31: "N",
        32: "VALI" if patient.has_qualified_ins else "",
    })  # fmt: skip


def _identifier(identifier: PatientIdentifier) -> str:
    if not identifier.is_ins:
        return composite(identifier.extension, "", "", ("", identifier.root, "ISO"), "PI")
    authority = "ASIP-SANTE-INS-NIA" if identifier.root == INS_NIA else "ASIP-SANTE-INS-NIR"
    return composite(identifier.extension, "", "", (authority, identifier.root, "ISO"), "INS")


def _txa(document: CdaDocument) -> Segment:
    return Segment.build("TXA", {
        1: "1",
        2: escape(document.code.code),
        3: "TEXT",
        4: escape(document.effective_time[:14].partition("+")[0].partition("-")[0]),
        12: _instance(document.id),
        13: _instance(document.replaces),
        17: "AU",
    })  # fmt: skip


def _instance(identifier: InstanceId | None) -> str:
    if identifier is None:
        return ""
    if not identifier.extension:
        return escape(identifier.root)
    return composite(identifier.extension, "", identifier.root, "ISO")


def _rows(delivery: LpsDelivery, code: str, form: LpsForm) -> list[Segment]:
    """Document, participants, mail, visibility; OBX-1 counts through."""
    word, kind = ("text", "CWE") if form is LpsForm.MDM else ("TEXT", "CE")
    status = _STATUSES[delivery.action]
    mail = composite(delivery.message_id, delivery.subject)
    observations = [(code, "ED", _data(delivery.content, word, "XML"), status)]
    if delivery.pdf is not None and form is LpsForm.ORU:
        observations.append((code, "ED", _data(delivery.pdf, "application", "pdf"), status))
    observations.append((mail, "ED", _data(delivery.body.encode("utf-8"), word, ""), "F"))
    for flag, label in _LABELS.items():
        value = composite("Y" if flag in delivery.confidentiality else "N", "", "expandedYes-NoIndicator")
        observations.append((composite(flag.value, label, "MetaDMPMSS"), kind, value, "F"))
    rows = [_obx(number, *row) for number, row in enumerate(observations, 1)]
    return [rows[0], *_participants(delivery), *rows[1:]]


def _data(content: bytes, kind: str, subtype: str) -> str:
    return composite("", kind, subtype, "Base64", base64.b64encode(content).decode("ascii"))


def _obx(number: int, identifier: str, kind: str, value: str, status: str) -> Segment:
    return Segment.build("OBX", {1: str(number), 2: kind, 3: identifier, 5: value, 11: status})


def _participants(delivery: LpsDelivery) -> list[Segment]:
    found = [_prt("SB", delivery.sender)]
    if delivery.recipient:
        found.append(_prt("RCT", delivery.recipient))
    if delivery.reply_to:
        found.append(_prt("REPLY", Hl7Participant(address=delivery.reply_to)))
    return found


def _prt(role: str, who: Hl7Participant) -> Segment:
    authority = ("ASIP-SANTE-PS", who.person_authority or _PS_AUTHORITY, "ISO")
    person = composite(
        who.person_id, who.family, who.given, "", "", "", "", "", authority, "D", "", "", who.person_id_type
    )
    return Segment.build("PRT", {
        2: "UC",
        4: composite(role, _ROLES[role], "participation"),
        5: person if who.person_id or who.family else "",
        8: _organization(who) if who.organization or who.organization_id else "",
        10: escape(who.device_id),
        15: composite("", "", "X.400", who.address) if who.address else "",
    })  # fmt: skip


def _organization(who: Hl7Participant) -> str:
    """An XON; a unit of a structure (UF, SVR) has no authority that we know."""
    kind = who.organization_id_type
    authority = "" if kind in _UNIT_KINDS else ("ASIP-SANTE-ST", _ORGANIZATION_AUTHORITY, "ISO")
    if not who.organization_id:
        return composite(who.organization)
    return composite(who.organization, "", "", "", "", authority, kind, "", "", who.organization_id)
