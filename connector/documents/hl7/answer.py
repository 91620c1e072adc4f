"""Answers: ACK (the message was taken in charge, or not, and why) and ZAM (what became of it for one recipient).

Source rule: IG "Transmission de documents CDA en HL7v2" 2.1, acknowledgement and business acknowledgements; reception
volet 1.1 for ERR-5 of an LPS. What we write may go beyond it in ERR-7 and ERR-8, which HL7 has for such use: our code
for the vendor, and a French sentence for whoever reads the screen of the LPS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.documents.hl7.errors import Err3, Hl7Error, Hl7Problem
from connector.documents.hl7.header import Hl7Header, read_header
from connector.documents.hl7.message import STANDARD, Message, Segment, composite, escape
from connector.documents.hl7.text import UTF8_NAME, decode, encode, split_messages
from connector.documents.xml import DEFAULT_LIMITS
from connector.domain.catalogue import explain
from connector.domain.limits import Limits

__all__ = [
    "Ack", "AckProblem", "Outcome", "Zam", "ZamError", "ZamKind", "hl7_time", "read_ack", "read_zam", "write_ack",
    "write_zam",
]  # fmt: skip

_PROFILE = "2.1^CISIS_CDA_HL7_V2"
_ZAM_VERSION = "2.6"
_OLDEST_WITH_ERR_3 = "2.5"
_YES_NO = "expandedYes-NoIndicator"
_TABLE = "AckMetierZAM"


class Outcome(StrEnum):
    """MSA-1."""

    AA = "AA"  # taken in charge
    AE = "AE"  # has errors
    AR = "AR"  # refused for a passing reason: may be sent again
    CA = "CA"  # the same three for a sender that asks for an accept acknowledgement only (MSH-15)
    CE = "CE"
    CR = "CR"


class ZamKind(StrEnum):
    """Event of a ZAM that we write."""

    Z02 = "Z02"  # delivery, from a DSN
    Z03 = "Z03"  # reading, from an MDN


_ZAM_ROWS = {
    ZamKind.Z02: ("ACK_RECEPTION_MSS", "Accusé de réception MSSanté", "DESTINATAIRE_MSS", "Destinataire MSSanté"),
    ZamKind.Z03: ("ACK_LECTURE_MSS", "Accusé de lecture", "LECTEUR_MSS", "Lecteur du courriel MSSanté"),
}


@dataclass(frozen=True, slots=True)
class AckProblem:
    """One ERR segment."""

    location: str = ""  # ERR-2
    code: str = ""  # ERR-3.1: table 0357
    text: str = ""  # ERR-3.2
    severity: str = ""  # ERR-4
    application_code: str = ""  # ERR-5.1: 900 to 906 of the reception volet, or any other
    application_text: str = ""  # ERR-5.2


@dataclass(frozen=True, slots=True)
class Ack:
    """What an answer says."""

    code: str  # MSA-1: AA, AE, AR, or CA, CE, CR
    control_id: str  # MSA-2: of the message that is answered
    problems: tuple[AckProblem, ...] = ()
    text: str = ""  # MSA-3, of older senders

    @property
    def is_positive(self) -> bool:
        """True when the message was taken in charge."""
        return self.code in {"AA", "CA"}

    @property
    def may_be_sent_again(self) -> bool:
        """True when the refusal is for a passing reason."""
        return self.code in {"AR", "CR"}


@dataclass(frozen=True, slots=True)
class ZamError:
    """Why a business acknowledgement is negative (ERR-5)."""

    code: str  # SMTP code, or 900 to 906
    label: str = ""
    coding_system: str = "SMTPERRORCODE"  # for Z03: applicationErrorCondition


@dataclass(frozen=True, slots=True, kw_only=True)
class Zam:
    """A business acknowledgement about one recipient.

    Raises:
        ValueError: negative without an error.
    """

    kind: ZamKind
    original_control_id: str  # MSH-10 of the order
    address: str
    person_id: str = ""  # RPPS or matricule of the recipient, when the order has it
    is_positive: bool = True
    error: ZamError | None = None

    def __post_init__(self) -> None:
        if not self.is_positive and self.error is None:
            raise ValueError("a negative acknowledgement says why")


def hl7_time(moment: datetime) -> str:
    """A time as 14 digits, in the zone that it has.

    >>> hl7_time(datetime(2026, 3, 10, 15, 15, 1))
    '20260310151501'
    """
    date = f"{moment.year:04}{moment.month:02}{moment.day:02}"
    return f"{date}{moment.hour:02}{moment.minute:02}{moment.second:02}"


def write_ack(
    header: Hl7Header | None,
    outcome: Outcome,
    problems: Sequence[Hl7Problem] = (),
    *,
    control_id: str,
    now: datetime,
    application: str = "",
    facility: str = "",
) -> bytes:
    """The answer to a message.

    Args:
        header: of the message; ``None`` or partly empty when it could not be read.
        outcome: what became of it.
        problems: one ERR each.
        control_id: MSH-10 of the answer.
        now: MSH-7.
        application: who answers, where the message did not say to whom it was sent.
        facility: the same.

    Returns:
        One message with CR line ends, in the character set of the one received, or in UTF-8 when that does not do.
    """
    asked = header or Hl7Header()
    msh = _answer_header(asked, control_id, now, application, facility)
    msh |= {9: composite("ACK", asked.event, "ACK" if asked.event else "")}
    rows = [Segment.build("MSA", {1: outcome.value, 2: escape(asked.control_id)})]
    rows += [_err(problem) for problem in problems]
    return _encoded(msh, rows, asked.charset)


def _answer_header(
    asked: Hl7Header, control_id: str, now: datetime, application: str, facility: str
) -> dict[int, str]:
    """MSH of an answer: parties swapped, processing id and version of what is answered."""
    return {
        3: asked.receiving_application or escape(application),
        4: asked.receiving_facility or escape(facility),
        5: asked.sending_application,
        6: asked.sending_facility,
        7: hl7_time(now),
        10: escape(control_id),
        11: escape(asked.processing_id or "P"),
        12: escape(asked.version or _OLDEST_WITH_ERR_3),
        17: "FRA",
    }


def _encoded(msh: dict[int, str], rows: Sequence[Segment], charset: str) -> bytes:
    """The message in ``charset`` (a name of table 0211), or in UTF-8 when a character or the name is not in it."""
    try:
        return encode(_text(msh, rows, charset), charset)
    except Hl7Error:
        return encode(_text(msh, rows, UTF8_NAME), UTF8_NAME)


def _text(msh: dict[int, str], rows: Sequence[Segment], charset: str) -> str:
    head = Segment.build("MSH", {1: STANDARD.field, 2: STANDARD.encoding, **msh, 18: escape(charset)})
    return Message((head, *rows)).write()


def _err(problem: Hl7Problem) -> Segment:
    return Segment.build("ERR", {
        2: composite(*problem.location.split("^")),
        3: composite(str(int(problem.err3)), problem.err3.text, "messageErrorCondition"),
        4: problem.severity,
        7: escape(f"{problem.code}: {problem.detail}"),
        8: escape(explain(problem.code).title_fr),
    })  # fmt: skip


def write_zam(
    zam: Zam, header: Hl7Header, *, control_id: str, now: datetime, application: str = "", facility: str = ""
) -> bytes:
    """A business acknowledgement for whoever sent the order.

    Args:
        zam: what is to be said.
        header: of the order: its sender is the addressee here.
        control_id: MSH-10 of this message.
        now: MSH-7 and EVN-2.
        application: who says it, where the order did not say to whom it was sent.
        facility: the same.

    Returns:
        One message with CR line ends, in the character set of the order or in UTF-8.
    """
    msh = _answer_header(header, control_id, now, application, facility)
    msh |= {9: composite("ZAM", zam.kind.value, "ZAM_Z01"), 12: _ZAM_VERSION, 21: _PROFILE}
    code, label, person_code, person_label = _ZAM_ROWS[zam.kind]
    answer = composite("Y" if zam.is_positive else "N", "", _YES_NO)
    said, person = composite(code, label, _TABLE), composite(person_code, person_label, _TABLE)
    address, original = composite("", "", "X.400", zam.address), escape(zam.original_control_id)
    rows = [
        Segment.build("EVN", {2: hl7_time(now)}),
        Segment.build("OBX", {1: "1", 2: "CWE", 3: said, 4: original, 5: answer, 11: "F"}),
        Segment.build("OBX", {1: "2", 2: "XTN", 3: person, 4: escape(zam.person_id), 5: address, 11: "F"}),
    ]
    if zam.error:
        rows.append(_zam_err(zam.error))
    return _encoded(msh, rows, header.charset)


def _zam_err(error: ZamError) -> Segment:
    return Segment.build("ERR", {
        3: composite("207", Err3.APPLICATION.text, "messageErrorCondition"),
        4: "E",
        5: composite(error.code, error.label, error.coding_system),
    })  # fmt: skip


def read_ack(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Ack:
    """What an LPS answers.

    Raises:
        Hl7Error: ``HL7_ILLISIBLE``, or ``HL7_SEGMENT_ABSENT`` when it has no MSA.
    """
    message = _one(data, limits)
    msa = message.first("MSA")
    if msa is None or not msa.value(1):
        detail = "the answer has no MSA"
        raise Hl7Error(Hl7Problem("HL7_SEGMENT_ABSENT", Err3.SEGMENT_SEQUENCE, "MSA^1", detail))
    problems = tuple(_ack_problem(err) for err in message.all("ERR"))
    return Ack(msa.value(1).upper(), msa.value(2), problems, msa.value(3))


def _ack_problem(err: Segment) -> AckProblem:
    return AckProblem(
        location="^".join(err.components(next(iter(err.repetitions(2)), ""))).rstrip("^"),
        code=err.value(3),
        text=err.value(3, 2),
        severity=err.value(4).upper(),
        application_code=err.value(5),
        application_text=err.value(5, 2),
    )


def read_zam(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Zam:
    """A business acknowledgement as it was written; the other end of :func:`write_zam`, for tests and for an LPS.

    Raises:
        Hl7Error: ``HL7_ILLISIBLE``, ``HL7_TYPE_INCONNU`` (no ZAM), ``HL7_EVENEMENT_INCONNU`` (Z01 and others),
            ``HL7_SEGMENT_ABSENT`` (no OBX, or negative without ERR).
    """
    message = _one(data, limits)
    header = read_header(message.segments[0])
    if header.type != "ZAM":
        raise Hl7Error(Hl7Problem("HL7_TYPE_INCONNU", Err3.MESSAGE_TYPE, "MSH^1^9", "MSH-9 is not ZAM"))
    if header.event not in set(ZamKind):
        detail = "the event of MSH-9 is neither Z02 nor Z03"
        raise Hl7Error(Hl7Problem("HL7_EVENEMENT_INCONNU", Err3.EVENT, "MSH^1^9", detail))
    rows, err = message.all("OBX"), message.first("ERR")
    is_positive = bool(rows) and rows[0].value(5).upper() == "Y"
    if not rows or (err is None and not is_positive):
        detail = "the acknowledgement lacks its OBX, or the ERR of a negative one"
        raise Hl7Error(Hl7Problem("HL7_SEGMENT_ABSENT", Err3.SEGMENT_SEQUENCE, "OBX^1", detail))
    person = rows[1] if len(rows) > 1 else None
    return Zam(
        kind=ZamKind(header.event),
        original_control_id=rows[0].value(4),
        address=person.value(5, 4) if person else "",
        person_id=person.value(4) if person else "",
        is_positive=is_positive,
        error=ZamError(err.value(5), err.value(5, 2), err.value(5, 3)) if err else None,
    )


def _one(data: bytes, limits: Limits) -> Message:
    return Message.parse(decode(split_messages(data, limits)[0]).text, limits)
