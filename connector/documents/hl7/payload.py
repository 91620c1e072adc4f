"""What OBX-5 carries in Base64: documents, and the texts of the mails.

Source rule: IG "Transmission de documents CDA en HL7v2" 2.1; its own samples lack the padding or end with one
character too many, which is put right and told.
"""

import codecs
import re
from dataclasses import dataclass, field

from connector.documents.cda.header import decode_base64
from connector.documents.hl7.errors import Err3, Findings, Hl7Problem
from connector.documents.hl7.message import Segment
from connector.documents.xml import parse_xml
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits

__all__ = ["Attached", "read_attached", "read_body"]

_WHITE = re.compile(r"\s+")
_PDF_HEAD = 1024


@dataclass(slots=True)
class Attached:
    """The files of a message, in order."""

    documents: list[bytes] = field(default_factory=list)  # CDA, well-formed
    pdfs: list[bytes] = field(default_factory=list)


def read_attached(rows: list[Segment], limits: Limits, findings: Findings) -> Attached:
    """The documents of OBX rows of type ED.

    Args:
        rows: those that are neither flags nor mail texts.
        limits: bounds of the XML.
        findings: takes what is wrong (102 for what is not Base64, 207 for what is neither XML nor PDF) and the
            warnings of repaired Base64.
    """
    attached = Attached()
    for row in rows:
        content = _content(row, findings)
        if content is None:
            findings.add(
                Hl7Problem("HL7_VALEUR_INVALIDE", Err3.DATA_TYPE, row.place(5), "the document is not Base64")
            )
        elif b"%PDF-" in content[:_PDF_HEAD]:
            attached.pdfs.append(content)
        elif _is_xml(content, row, limits, findings):
            attached.documents.append(content)
    return attached


def _is_xml(content: bytes, row: Segment, limits: Limits, findings: Findings) -> bool:
    try:
        parse_xml(content, limits, error=InvalidSubmission)
    except InvalidSubmission as failure:
        detail = f"the document is not well-formed XML ({failure.code}: {failure.detail})"
        findings.add(Hl7Problem("HL7_DOCUMENT_INVALIDE", Err3.APPLICATION, row.place(5), detail))
        return False
    return True


def _content(row: Segment, findings: Findings) -> bytes | None:
    """The decoded component after the word Base64, or else the last one."""
    components = row.components(next(iter(row.repetitions(5)), ""))
    mark = next((at for at, word in enumerate(components) if word.upper() == "BASE64"), None)
    if mark is None:
        return _repaired(components[-1], findings)
    return _repaired("".join(components[mark + 1 : mark + 2]), findings)


def _repaired(text: str, findings: Findings) -> bytes | None:
    """The bytes of a Base64 text; padding is added, a stray last character is left out."""
    packed = _WHITE.sub("", text)
    bare = packed.rstrip("=")
    if len(bare) % 4 == 1:
        findings.warn("HL7_BASE64_TRONQUE")
        bare = bare[:-1]
    elif len(packed) % 4:
        findings.warn("HL7_BASE64_REPARE")
    return decode_base64(bare) if bare else None


def read_body(row: Segment, charset: str, findings: Findings) -> str:
    """The text of a mail body: Base64 in type ED, or plain text of senders that ignore that rule.

    Args:
        row: OBX with CORPSMAIL_PS or CORPSMAIL_PATIENT.
        charset: codec of the message, for texts that are not UTF-8.
        findings: takes a warning when the text cannot be read.

    Returns:
        The text with LF line ends; empty when there is none, or none that can be read.
    """
    components = row.components(next(iter(row.repetitions(5)), ""))
    if not any(word.upper() == "BASE64" for word in components):
        return _plain(row, components)
    content = _content(row, findings)
    text = None if content is None else _decoded(content, charset)
    if text is None:
        findings.warn("HL7_CORPS_ILLISIBLE")
    return _unix(text or "")


def _plain(row: Segment, components: tuple[str, ...]) -> str:
    is_data = row.value(2).upper() == "ED" and len(components) >= 5
    return _unix(components[4] if is_data else row.text(5)).strip()


def _decoded(content: bytes, charset: str) -> str | None:
    """UTF-8 if it is, else the set of the message, else Windows-1252; a cut last letter of UTF-8 is left out.

    Only a text with other letters beyond ASCII is known to be UTF-8 with a cut end.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        text = decoder.decode(content)
        if not text.isascii() or not decoder.getstate()[0]:
            return text
    except UnicodeDecodeError:
        pass
    for codec in (charset if charset not in {"ascii", "utf-8"} else "cp1252", "cp1252"):
        try:
            return content.decode(codec)
        except UnicodeDecodeError:
            continue
    return None


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
