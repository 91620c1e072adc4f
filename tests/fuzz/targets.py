"""What is fuzzed: each reader of outside bytes, with everything that is done with what it gives.

A reader may refuse with an error of ours, or answer; anything else is a finding. The corpus of each target is kept in
``corpus/<target>/``: small, synthetic, made by :mod:`tests.fuzz.seeds`, and grown by what once was a finding.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from connector.documents.cda.alerts import interpretation_alerts
from connector.documents.cda.html import cda_html
from connector.documents.cda.parse import open_cda, pdf_of
from connector.documents.hl7.answer import read_ack, read_zam
from connector.documents.hl7.header import peek_header
from connector.documents.hl7.order import read_order
from connector.documents.hl7.text import split_messages
from connector.documents.hprim.medecin import read_medecin
from connector.documents.hprim.sante import read_sante
from connector.documents.recognise import recognise
from connector.domain.address import MailboxAddress
from connector.domain.errors import ConnectorError, MalformedMessage
from connector.domain.limits import Limits
from connector.domain.states import IncomingState
from connector.exchange.identity import distinct, of_cda, of_entry, of_hprim
from connector.exchange.unwrap import ReceptionRules, arrival_of
from connector.journal.records import IncomingMessage
from connector.mail.parse import open_message
from connector.mail.receipts import is_automatic, read_receipt
from connector.xdm.archive import Archive
from connector.xdm.derive import derive_entry
from connector.xdm.ebrim_reader import read_metadata
from connector.xdm.json_view import metadata_as_json
from connector.xdm.package_reader import read_archive

__all__ = ["CORPUS", "TARGETS", "Target", "corpus_of", "outcome"]

CORPUS = Path(__file__).parent / "corpus"
LIMITS = Limits(max_expanded_bytes=8 << 20, max_member_bytes=8 << 20, max_mime_parts=200)
"""Smaller than those of the product, so that a bound is met more often."""

_DIGITS = re.compile(r"\d+")
_NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
_ROW = IncomingMessage(
    id="01FUZZ00000000000000000001", mailbox=MailboxAddress.parse("a@b.mssante.fr"), folder="INBOX", uid_validity=1,
    uid=1, state=IncomingState.STORED, state_since=_NOW, received_at=_NOW, header_message_id="", sha256="",
    size_bytes=1, payload_id="p", attempts=0, next_attempt_at=None, code=None, detail=None, duplicate_of=None,
    delivered_prefix=None,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """One reader."""

    run: Callable[[bytes], str]  # says in a word what became of the bytes: new words are interesting
    words: tuple[bytes, ...]  # what the format is made of


def outcome(target: Target, data: bytes) -> str:
    """What became of some bytes; a refusal is an answer like any other.

    Raises:
        Exception: whatever is no error of ours: a finding.
    """
    try:
        return target.run(data)
    except ConnectorError as refused:
        return f"{refused.code} {_DIGITS.sub('#', refused.detail)}"


def corpus_of(name: str) -> list[bytes]:
    """The kept inputs of a target, by name."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def _mime(data: bytes) -> str:
    opened = open_message(data, LIMITS)
    receipt = read_receipt(opened)
    is_automatic(opened)
    arrival = arrival_of(_ROW, opened, len(data), LIMITS, ReceptionRules(quarantines_mismatch=False))
    kinds = sorted({(part.role, part.forwarded, part.media_type) for part in arrival.parts})[:6]
    return f"{len(arrival.documents)} {kinds} {arrival.warnings} {receipt and receipt.kind} {bool(arrival.body)}"


def _zip(data: bytes) -> str:
    recognise(data)
    archive = Archive(data, LIMITS, error=MalformedMessage)
    packages = read_archive(archive, LIMITS, error=MalformedMessage, verify=False)
    return str([(len(p.documents), len(p.companions), len(p.missing), p.is_degraded) for p in packages][:6])


def _ebxml(data: bytes) -> str:
    metadata = read_metadata(data, LIMITS, error=MalformedMessage)
    metadata_as_json(metadata)
    patients = distinct(of_entry(entry) for entry in metadata.document_entries[:20])
    sizes = len(metadata.document_entries), len(metadata.submission_sets), len(metadata.associations), len(patients)
    facts = [(len(e.authors), len(e.extra_slots), e.size_in_bytes is None, bool(e.title)) for e in
             metadata.document_entries[:3]]  # fmt: skip
    return f"{sizes} {facts}"


def _cda(data: bytes) -> str:
    recognise(data)
    opened = open_cda(data, LIMITS, error=MalformedMessage)
    header = opened.document
    of_cda(header)
    cda_html(opened, image_url=str)
    pdf = pdf_of(opened)
    derive_entry(header, data, entry_uuid="u", uri="DOC0001.XML")
    return f"{header.is_level_1} {bool(pdf)} {interpretation_alerts(opened.element)} {header.patients_count > 1}"


def _hl7(data: bytes) -> str:
    recognise(data)
    peek_header(data, LIMITS)
    messages = split_messages(data, LIMITS)
    readers = (read_order, read_ack, read_zam)
    said = [_read_hl7(reader, message) for message in messages[:3] for reader in readers]
    return str(said)


def _read_hl7(reader: Callable[[bytes, Limits], object], message: bytes) -> str:
    """One of three readings: that it refuses does not keep the others from trying."""
    return outcome(Target(lambda data: type(reader(data, LIMITS)).__name__, ()), message)


def _hprim(data: bytes) -> str:
    kind = recognise(data)
    sante = outcome(Target(lambda one: type(read_sante(one, LIMITS)).__name__, ()), data)
    file = read_medecin(data, LIMITS, year=2026)
    flags = sorted({result.flag for record in file.records[:20] for result in record.coded})[:4]
    patients = distinct(map(of_hprim, file.records[:20]))
    return f"{kind} {min(len(file.records), 9)} {len(patients)} {flags} {file.encoding} {file.warnings} {sante}"


_XML = (
    b"<", b">", b"/>", b"</", b"&amp;", b"&#0;", b"&#xD800;", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?xml ", b"?>",
    b"<!DOCTYPE a [", b"xmlns=", b'encoding="utf-16"', b"\xff\xfe", b"\xef\xbb\xbf", b'"', b"=", b"urn:hl7-org:v3",
)  # fmt: skip

TARGETS: Mapping[str, Target] = MappingProxyType({
    "mime": Target(_mime, (
        b"\r\n", b"\r\n\r\n", b"--b", b"--b--", b"Content-Type: ", b"multipart/mixed; boundary=b",
        b"message/rfc822", b"multipart/report; report-type=delivery-status; boundary=b", b"message/delivery-status",
        b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n", b"=?utf-8?B?",
        b"?=", b"filename*0*=utf-8''", b";", b"format=flowed", b"text/html", b"<style", b"charset=utf-7", b"\0",
        b"Final-Recipient: rfc822; a@b\r\n", b"Disposition: a/b; processed/error\r\n", b"\xff", b"X-MSS-INS: ",
    )),
    "zip": Target(_zip, (
        b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x07\x08", b"\xff\xff\xff\xff", b"\0\0\0\0",
        b"METADATA.XML", b"../", b"IHE_XDM/", b"\x08\0", b"\x0c\0", b"\x01\0", b"\xff\xff",
    )),
    "ebxml": Target(_ebxml, (
        *_XML, b"<Slot name=", b"<ValueList><Value>", b"ExtrinsicObject", b"RegistryPackage", b"Classification",
        b"^^^&1.2&ISO^NH", b"PID-5|", b"|", b"^", b"urn:uuid:",
    )),
    "cda": Target(_cda, (
        *_XML, b"<table>", b"<tr><td colspan=", b"<list>", b"<paragraph>", b"<content styleCode=",
        b"<renderMultiMedia", b"nullFlavor=", b"value=", b"root=", b"extension=", b"qualifier=", b"representation=",
        b"B64", b"999999999", b"99999999999999999999999999", b"20269999999999+9999",
        b"<interpretationCode code=",
    )),
    "hl7": Target(_hl7, (
        b"|", b"^", b"~", b"\\", b"&", b"\r", b"MSH|^~\\&|", b"PID|", b"OBX|1|ED|", b"PRT|", b"\x0b", b"\x1c\r",
        b"BHS|", b"BTS|3", b"^^^Base64^", b"8859/1", b"UNICODE UTF-8", b"\xff", b"ERR|", b"MSA|AA|",
    )),
    "hprim": Target(_hprim, (
        b"\r\n", b"\r", b"****FIN****", b"****FINFICHIER****", b"****LAB****", b"RES|", b"TEX|", b"|", b"01/02/1940",
        b"HH", b"\x1a", b"\0", b"\xe9", b"\x82", b"\xc3\xa9", b"1|40|2|A",
    )),
})  # fmt: skip
"""By name."""
