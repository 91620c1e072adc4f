"""The documents of one submission, each with its PDF copy, and the archive that will carry them. Pure.

Source rules: Ref#2 ECO.2.1.1 (one patient, archive and PDF copies), ECO.2.1.5 (where the PDF comes from). Order of
preference for the PDF: that of a level 1 document, given by the LPS beside the document, embedded as a copy, rendered
here.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePath

from connector.documents.cda.model import CdaDocument
from connector.documents.cda.parse import OpenedCda, embedded_pdf_copy, open_cda
from connector.documents.pdf import inspect_pdf, render_cda_pdf
from connector.documents.recognise import role_of
from connector.domain.errors import InvalidSubmission
from connector.domain.limits import Limits
from connector.domain.ports import IdSource
from connector.domain.submission import FileRole, SendOptions, SubmittedFile
from connector.xdm.agreement import same_patient
from connector.xdm.derive import master_patient_id
from connector.xdm.pack import PackOptions, SenderInfo, pack
from connector.xdm.package_reader import read_xdm

__all__ = ["Content", "read_content", "wrap"]

_SENT = (FileRole.CDA, FileRole.XDM, FileRole.PDF)
_READ_ONLY = (FileRole.SIDECAR, FileRole.FLAG)


@dataclass(frozen=True, slots=True)
class Content:
    """What one submission is about."""

    opened: tuple[OpenedCda, ...] = field(repr=False)
    pdfs: tuple[bytes, ...] = field(repr=False)  # one per document, in their order
    ready_made: bytes | None = field(default=None, repr=False)  # an archive of the LPS: sent as it is
    warnings: tuple[str, ...] = ()

    @property
    def documents(self) -> tuple[CdaDocument, ...]:
        """The headers."""
        return tuple(one.document for one in self.opened)


def read_content(files: Sequence[SubmittedFile], limits: Limits) -> Content:
    """Read the documents of a submission and find the PDF copy of each.

    Raises:
        InvalidSubmission: ``FORMAT_NON_PRIS_EN_CHARGE``, ``FORMAT_INCONNU``, ``CDA_INVALIDE``, ``XDM_INVALIDE``,
            ``PATIENTS_MULTIPLES``, ``PATIENT_INCOHERENT``, ``PDF_INVALIDE`` and what reading raises.
    """
    if any(f.role not in (*_SENT, *_READ_ONLY) for f in files):
        raise InvalidSubmission("FORMAT_NON_PRIS_EN_CHARGE", "a file of the drop has another format")
    archives = [f for f in files if f.role is FileRole.XDM]
    documents = [f for f in files if f.role is FileRole.CDA]
    if len(archives) + bool(documents) != 1:
        raise InvalidSubmission("FORMAT_INCONNU", f"{len(archives)} archives and {len(documents)} CDA in one drop")
    given = {_stem(f.name): f.content for f in files if f.role is FileRole.PDF}
    if archives:
        opened = _inside(archives[0].content, limits)
        names = [archives[0].name] * len(opened)
    else:
        opened = [open_cda(f.content, limits) for f in documents]
        names = [f.name for f in documents]
    _check_one_patient(opened)
    _check_every_pdf_is_a_copy(given, names)
    copies = [_pdf(one, given.get(_stem(name))) for one, name in zip(opened, names, strict=True)]
    pdfs = tuple(copy.content for copy in copies)
    return Content(tuple(opened), pdfs, archives[0].content if archives else None, _warnings(copies))


def _check_every_pdf_is_a_copy(given: Mapping[str, bytes], names: Sequence[str]) -> None:
    """A PDF must never stay behind unseen: each is the copy of exactly one document, known by its name."""
    stems = [_stem(name) for name in names]
    if any(stems.count(stem) != 1 for stem in given):
        raise InvalidSubmission("PDF_SANS_DOCUMENT", "a PDF of the drop is not the copy of exactly one document")


def wrap(
    content: Content, options: SendOptions, *, now: datetime, ids: IdSource, sender: SenderInfo, oid_root: str,
    limits: Limits,
) -> bytes:  # fmt: skip
    """The archive for one sending: each sending has identifiers of its own, a ready-made archive keeps its own.

    Raises:
        InvalidSubmission: what packing raises.
    """
    if content.ready_made is not None:
        return content.ready_made
    masks = _masks(options)
    packed = pack(
        content.opened, now=now, ids=ids, sender=sender, options=PackOptions(oid_root=oid_root, masks=masks),
        limits=limits,
    )  # fmt: skip
    return packed.content


def _masks(options: SendOptions) -> tuple[str, ...]:
    asked = {"MASQUE_PS": options.hide_from_professionals, "INVISIBLE_PATIENT": options.hide_from_patient}
    return tuple(name for name, wanted in asked.items() if wanted)


def _inside(archive: bytes, limits: Limits) -> list[OpenedCda]:
    """The CDA documents of a ready-made archive; its hashes and sizes are checked on the way."""
    packages = read_xdm(archive, limits, error=InvalidSubmission)
    if any(package.is_degraded or package.missing for package in packages):
        raise InvalidSubmission("XDM_INVALIDE", "METADATA.XML is missing or names files that are not there")
    documents = [document for package in packages for document in package.documents]
    found = [(d.entry, open_cda(d.content, limits)) for d in documents if role_of(d.content) is FileRole.CDA]
    if len(packages) != 1 or not found:
        raise InvalidSubmission("XDM_INVALIDE", f"{len(packages)} submission sets with {len(found)} CDA documents")
    if any(entry.patient_id and not same_patient(entry, opened.document) for entry, opened in found):
        raise InvalidSubmission("PATIENT_INCOHERENT", "METADATA and CDA name different patients")
    return [opened for _, opened in found]


def _check_one_patient(opened: Sequence[OpenedCda]) -> None:
    """For ready-made archives too; packing our own looks closer (Ref#2 ECO.2.1.1)."""
    with_ins = {master_patient_id(one.document.patient) for one in opened if one.document.patient.ins}
    several = any(one.document.patients_count != 1 for one in opened)
    if several or len(with_ins) > 1:
        raise InvalidSubmission("PATIENTS_MULTIPLES", "the documents are not about one patient")


@dataclass(frozen=True, slots=True)
class _Copy:
    """A PDF copy, looked into once."""

    content: bytes = field(repr=False)
    is_pdfa1: bool
    warning: str = ""  # code of the catalogue


def _warnings(copies: Sequence[_Copy]) -> tuple[str, ...]:
    found = ["" if copy.is_pdfa1 else "PDF_NON_CONFORME" for copy in copies] + [copy.warning for copy in copies]
    return tuple(dict.fromkeys(filter(None, found)))


def _pdf(opened: OpenedCda, supplied: bytes | None) -> _Copy:
    """The PDF copy of one document: that of a level 1 document is its own PDF, whatever lies beside it.

    Raises:
        InvalidSubmission: ``PDF_INVALIDE`` when the one that must be used cannot be opened.
    """
    body = opened.document.body
    if body is not None and body.media_type == "application/pdf":
        differs = supplied is not None and supplied != body.content
        return replace(_readable(body.content), warning="PDF_NON_IDENTIQUE" if differs else "")
    if supplied is not None:
        return _readable(supplied)
    copy = embedded_pdf_copy(opened.element)
    if copy is not None and (facts := inspect_pdf(copy)).is_readable:
        return _Copy(copy, facts.is_pdfa1)
    return _Copy(render_cda_pdf(opened.element, opened.document), is_pdfa1=True)


def _readable(pdf: bytes) -> _Copy:
    facts = inspect_pdf(pdf)
    if not facts.is_readable:
        raise InvalidSubmission("PDF_INVALIDE", facts.problem or "the PDF cannot be opened")
    return _Copy(pdf, facts.is_pdfa1)


def _stem(name: str) -> str:
    return unicodedata.normalize("NFC", PurePath(name).stem).casefold()
