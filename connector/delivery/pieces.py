"""What one software gets of a message: which files, in which form, before they have names. Pure.

Source rule: lps-folder-conventions 8.6.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from types import MappingProxyType

from connector.delivery.hl7 import Hl7Sender, made_hl7
from connector.delivery.hprim import given_hprim, made_hprim
from connector.delivery.index import IndexedFile
from connector.delivery.naming import plain_word
from connector.delivery.profile import FileRule, LpsProfile
from connector.delivery.readable import as_html, as_pdf
from connector.documents.hprim.writing import wrapped
from connector.domain.legacy_text import encode_text
from connector.exchange.arrival import Arrival, ArrivalDocument, ArrivalPart, PartRole
from connector.platform.names import safe_name
from connector.settings.lps import LpsOptions

__all__ = ["Owner", "Piece", "Wanted", "pieces_of"]

_NO_TEXT = "(message sans texte)"
_PATH = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One file to give."""

    rule: FileRule
    file: IndexedFile  # its name is still empty
    content: bytes = field(repr=False)
    label: str = ""  # word for the type of the document
    own_name: str = ""  # of another attachment, made harmless


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose mailbox it is, for what is written to the software."""

    name: str  # line 12 of HPRIM, MSH-4 of HL7
    control: str  # what MSH-10 begins with: nobody has seen it before
    zone: tzinfo | None = None  # of local times; None = that of the machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A message, and how it is wanted."""

    arrival: Arrival
    profile: LpsProfile
    owner: Owner
    warnings: list[str] = field(default_factory=list)  # codes of what could not be made

    @property
    def options(self) -> LpsOptions:
        """Of the profile."""
        return self.profile.options

    def parts(self, role: PartRole) -> Iterator[ArrivalPart]:
        """Those of a role."""
        return (part for part in self.arrival.parts if part.role is role)

    def label(self, document: ArrivalDocument) -> str:
        """The type of a document as ASCII letters, digits and hyphens only: it becomes part of a name."""
        return plain_word(document.label)[: self.profile.longueur_type].strip("-")


def pieces_of(wanted: Wanted) -> list[Piece]:
    """Every file that the profile gives, in the order of its rules; what could not be made is told in ``wanted``."""
    pieces: list[Piece] = []
    done: set[PartRole] = set()
    for rule in wanted.profile.fichiers:
        for role in rule.roles:
            if role not in done:
                pieces += _BY_ROLE[role](wanted, rule)
                done.add(role)
    return _without_doubles(pieces) if wanted.options.sans_doublon else pieces


def _without_doubles(pieces: list[Piece]) -> list[Piece]:
    first: dict[str, Piece] = {}
    for piece in pieces:
        first.setdefault(piece.file.sha256, piece)
    return list(first.values())


# --- each role ---------------------------------------------------------------------------------------------------


def _body(wanted: Wanted, rule: FileRule) -> Iterator[Piece]:
    """The text of the message; one that says nothing is only given when nothing else is."""
    text, options = wanted.arrival.body.strip(), wanted.options
    if not text and not rule.toujours and (wanted.arrival.documents or wanted.arrival.parts):
        return
    lines = [line for one in (text or _NO_TEXT).split("\n") for line in wrapped(one.rstrip(), options.colonnes)]
    content, used = encode_text("\n".join(lines) + "\n", options.encodage)
    content = content.decode(used).replace("\r\n", options.fin_de_ligne.text).encode(used)
    yield Piece(rule=rule, file=_file(PartRole.BODY, content, "text/plain", encoding=used), content=content)


def _documents(wanted: Wanted, rule: FileRule) -> Iterator[Piece]:
    for one in wanted.arrival.documents:
        file = IndexedFile(
            name="", role=PartRole.CDA, media_type="text/xml", size_bytes=len(one.content), sha256=one.sha256,
            original_name=one.file_name, document=one,
        )  # fmt: skip
        yield Piece(rule=rule, file=file, content=one.content, label=wanted.label(one))


def _pdfs(wanted: Wanted, rule: FileRule) -> Iterator[Piece]:
    """Those that came, then those made from documents."""
    documents = wanted.arrival.documents
    label = wanted.label(documents[0]) if len(documents) == 1 else ""  # each is the copy of the one document
    for part in wanted.parts(PartRole.PDF):
        yield Piece(rule=rule, file=_part_file(part), content=part.content, label=label)
    for document, content in as_pdf(wanted.arrival, wanted.options, wanted.warnings):
        yield _made(wanted, rule, document, _file(PartRole.PDF, content, "application/pdf"), content)


def _pages(wanted: Wanted, rule: FileRule) -> Iterator[Piece]:
    for document, content in as_html(wanted.arrival, wanted.options, wanted.warnings):
        yield _made(wanted, rule, document, _file(PartRole.HTML, content, "text/html", encoding="utf-8"), content)


def _results(wanted: Wanted, rule: FileRule) -> Iterator[Piece]:
    """Those that came, then those made from documents."""
    year = wanted.arrival.received_at.year
    for part in wanted.parts(PartRole.HPRIM):
        for given in given_hprim(part, wanted.options, year):
            whole = _part_file(part) if given.content == part.content else None
            file = whole or _file(part.role, given.content, part.media_type, encoding=given.encoding, part=part)
            yield Piece(rule=rule, file=file, content=given.content)
    for document, made in made_hprim(wanted.arrival, wanted.options, wanted.owner.name, wanted.warnings):
        file = _file(PartRole.HPRIM, made.content, "text/plain", encoding=made.encoding)
        yield _made(wanted, rule, document, file, made.content)


def _messages(wanted: Wanted, rule: FileRule) -> Iterator[Piece]:
    owner = wanted.owner
    moment = wanted.arrival.received_at.astimezone(owner.zone)
    sender = Hl7Sender(facility=owner.name, control=owner.control, moment=moment)
    for document, content in made_hl7(wanted.arrival, wanted.options.hl7, sender):
        yield _made(wanted, rule, document, _file(PartRole.HL7, content, "application/hl7-v2"), content)


def _others(wanted: Wanted, rule: FileRule) -> Iterator[Piece]:
    for part in wanted.parts(PartRole.OTHER):
        name = safe_name(_PATH.split(part.name)[-1], max_chars=wanted.profile.longueur_piece)
        yield Piece(rule=rule, file=_part_file(part), content=part.content, own_name=name)


def _archives(wanted: Wanted, rule: FileRule) -> Iterator[Piece]:
    for part in wanted.parts(PartRole.XDM):
        yield Piece(rule=rule, file=_part_file(part), content=part.content)


_BY_ROLE: Mapping[PartRole, Callable[[Wanted, FileRule], Iterator[Piece]]] = MappingProxyType({
    PartRole.BODY: _body, PartRole.CDA: _documents, PartRole.PDF: _pdfs, PartRole.HTML: _pages,
    PartRole.HPRIM: _results, PartRole.OTHER: _others, PartRole.XDM: _archives, PartRole.HL7: _messages,
})  # fmt: skip


# --- what the index tells of each --------------------------------------------------------------------------------


def _made(wanted: Wanted, rule: FileRule, document: ArrivalDocument, file: IndexedFile, content: bytes) -> Piece:
    """A file that we made from a document."""
    return Piece(rule=rule, file=file.made_of(document), content=content, label=wanted.label(document))


def _part_file(part: ArrivalPart) -> IndexedFile:
    return _file(part.role, part.content, part.media_type, part=part)


def _file(
    role: PartRole, content: bytes, media_type: str, *, encoding: str = "", part: ArrivalPart | None = None
) -> IndexedFile:
    return IndexedFile(
        name="", role=role, media_type=media_type, size_bytes=len(content), encoding=encoding, part=part,
        sha256=part.sha256 if part and part.content is content else hashlib.sha256(content).hexdigest(),
        original_name=part.name if part else "",
    )  # fmt: skip
