"""Messages made piece by piece, and what opening them gives."""

import base64
import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from connector.domain.address import MailboxAddress
from connector.domain.limits import Limits
from connector.domain.states import IncomingState
from connector.exchange.arrival import Arrival
from connector.exchange.unwrap import ReceptionRules, arrival_of
from connector.journal.records import IncomingMessage
from connector.mail.parse import open_message
from connector.sandbox.samples import sample
from connector.testing.clock import CountingIds
from connector.xdm.pack import SenderInfo, pack

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
MAILBOX = MailboxAddress.parse("alix@cabinet.mssante.fr")
MARK = ReceptionRules(quarantines_mismatch=False)
N1, N3, OTHER = sample("cr-consultation-n1.xml"), sample("cr-biologie-v1.xml"), sample("lot-2-synthese.xml")

Piece = tuple[str, bytes]  # headers without their last line end, and content


def row() -> IncomingMessage:
    """The journal's row of a message that was stored."""
    return IncomingMessage(
        id="01TESTOPENING0000000000001", mailbox=MAILBOX, folder="INBOX", uid_validity=1, uid=1,
        state=IncomingState.STORED, state_since=NOW, received_at=NOW, header_message_id="<a@b>", sha256="",
        size_bytes=1, payload_id="p", attempts=0, next_attempt_at=None, code=None, detail=None, duplicate_of=None,
        delivered_prefix=None,
    )  # fmt: skip


def arrival(raw: bytes, rules: ReceptionRules | None = None, limits: Limits | None = None) -> Arrival:
    """Open a message as the opener does."""
    bounds = limits or Limits()
    return arrival_of(row(), open_message(raw, bounds), len(raw), bounds, rules)


def message(*pieces: Piece, subject: str = "Bonjour", head: str = "", boundary: str = "b") -> bytes:
    """A multipart message; ``head`` takes the place of its own Content-Type."""
    content_type = head or f'Content-Type: multipart/mixed; boundary="{boundary}"'
    start = f"From: Labo <labo@labo.mssante.fr>\r\nTo: <{MAILBOX}>\r\nSubject: {subject}\r\n{content_type}\r\n\r\n"
    parts = [f"--{boundary}\r\n{headers}\r\n\r\n".encode() + content + b"\r\n" for headers, content in pieces]
    return start.encode() + b"".join(parts) + f"--{boundary}--\r\n".encode()


def text(words: str, content_type: str = "text/plain; charset=utf-8") -> Piece:
    """Text of the message."""
    return f"Content-Type: {content_type}", words.replace("\n", "\r\n").encode()


def attached(name: str, content: bytes, media_type: str = "application/octet-stream") -> Piece:
    """A file."""
    headers = (
        f'Content-Type: {media_type}\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64"
    )
    return headers, base64.encodebytes(content)


def forwarded(inner: bytes) -> Piece:
    """A message inside the message."""
    return "Content-Type: message/rfc822", inner


def xdm(*contents: bytes, first_id: int = 900) -> bytes:
    """An archive of our own."""
    sender = SenderInfo(software="Essai", version="1", editor="Essai")
    return pack(list(contents), now=NOW, ids=CountingIds(first_id), sender=sender).content


def zipped(files: Mapping[str, bytes] | Sequence[tuple[str, bytes]]) -> bytes:
    """A zip of these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items() if isinstance(files, Mapping) else files:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)  # always the same bytes
    return target.getvalue()


def unzipped(archive: bytes) -> dict[str, bytes]:
    """The files of a zip by name."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def hprim(*, family: bytes = b"TESTUT", given: bytes = b"CAMILLE", birth: bytes = b"11/03/1951", nir: bytes = b"",
          coded: bytes = b"", end: bytes = b"****FINFICHIER****\r\n") -> bytes:  # fmt: skip
    """One HPRIM Médecin record."""
    header = [
        b"REF1",
        family,
        given,
        b" ",
        b" ",
        b"75001 PARIS",
        birth,
        nir,
        b"D1",
        b"20/11/2026",
        b"C Labo",
        b"D Alix",
    ]
    return b"\r\n".join([*header, b"", b"Texte", b"****LAB****" if coded else b"", coded, b"****FIN****", end])
