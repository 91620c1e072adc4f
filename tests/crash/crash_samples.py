"""Numbered documents, each with an identity of its own, and messages of other senders that carry them."""

import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from uuid import UUID

from connector.domain.address import MailboxAddress
from connector.domain.limits import Limits
from connector.domain.submission import FileRole, SubmittedFile
from connector.exchange.content import Content, read_content, wrap
from connector.mail.compose import MessageSpec, PdfCopy, compose
from connector.mail.headers import SenderKind, SenderLabel
from connector.mail.pdf_name import pdf_names
from connector.sandbox.samples import sample
from connector.testing.clock import CountingIds
from connector.xdm.pack import PackOptions, SenderInfo

__all__ = ["document", "incoming_message", "message_id_of"]

_IDS = re.compile(rb'(?<=<id root=")1\.2\.250\.1\.999\.9\.[0-9.]+(?="/>\s*<code )')
_NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def document(number: int) -> bytes:
    """A CDA N1 of the sandbox under its own identifier: no duplicate and no replacement of another."""
    changed, count = _IDS.subn(lambda match: match[0] + b".7.%d" % (number + 1), sample("cr-consultation-n1.xml"), 1)
    assert count == 1
    return changed


def incoming_message(number: int, *, sender: MailboxAddress, recipient: MailboxAddress) -> bytes:
    """A whole message with its XDM archive, as another connector would send it."""
    content = _content(number)
    archive = wrap(
        content, PackOptions(), now=_NOW, ids=CountingIds(number * 1000 + 1), limits=Limits(),
        sender=SenderInfo(software="Autre", version="1", editor="Autre", organization="Autre laboratoire"),
    )  # fmt: skip
    names = pdf_names(content.documents, file_number=None)
    return compose(
        MessageSpec(
            message_id=f"<{UUID(int=number, version=4)}@{sender.domain}>",
            date=_NOW,
            sender=sender,
            label=SenderLabel(kind=SenderKind.ORG, entity="Autre laboratoire"),
            product_reference="DEV000001",
            to=(recipient,),
            body=f"Bonjour {number}",
            documents=content.documents,
            archive=archive,
            pdfs=tuple(PdfCopy(name, pdf) for name, pdf in zip(names, content.pdfs, strict=True)),
        )
    )


@cache
def _content(number: int) -> Content:
    content = document(number)
    file = SubmittedFile("A.xml", FileRole.CDA, content, hashlib.sha256(content).hexdigest())
    return read_content([file], Limits())


def message_id_of(raw: bytes) -> str:
    """The Message-ID header."""
    found = re.search(rb"^message-id:\s*(<[^>]+>)", raw, re.IGNORECASE | re.MULTILINE)
    assert found, "a message without Message-ID"
    return found[1].decode("ascii")
