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
from connector.mail.compose import Attachment
from connector.xdm.agreement import same_patient
from connector.xdm.derive import master_patient_id
from connector.xdm.pack import PackOptions, SenderInfo, pack
from connector.xdm.package_reader import read_xdm

__all__ = ["Content", "masks_of", "read_content", "wrap"]

_DOCUMENTS = (FileRole.CDA, FileRole.CDA_BUILT)
_READ_ONLY = (FileRole.SIDECAR, FileRole.FLAG)
_ORIGINALS = (FileRole.HL7, FileRole.ORIGINAL)
"""What became a document when it was taken: kept, not sent."""
_AS_THEY_ARE = (FileRole.HPRIM, FileRole.ATTACHMENT)
_MEDIA_TYPES = {".pdf": "application/pdf", ".hpr": "text/plain", ".hpm": "text/plain", ".txt": "text/plain"}


@dataclass(frozen=True, slots=True)
class Content:
    """What one submission is about."""

    opened: tuple[OpenedCda, ...] = field(repr=False)
    pdfs: tuple[bytes, ...] = field(repr=False)  # one per document, in their order
    ready_made: bytes | None = field(default=None, repr=False)  # an archive of the LPS: sent as it is
    masks: frozenset[str] = frozenset()  # flags of a ready-made archive: MASQUE_PS, INVISIBLE_PATIENT …
    attachments: tuple[Attachment, ...] = ()  # what goes as it is
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
    _check_roles(files)
    archives = [f for f in files if f.role is FileRole.XDM]
    documents = [f for f in files if f.role in _DOCUMENTS]
    attachments = [f for f in files if f.role in _AS_THEY_ARE]
    if attachments and not archives and not documents:
        pdfs = [f for f in files if f.role is FileRole.PDF]
        return Content((), (), attachments=tuple(map(_attachment, [*attachments, *pdfs])))
    if len(archives) + bool(documents) != 1:
        raise InvalidSubmission("FORMAT_INCONNU", f"{len(archives)} archives and {len(documents)} CDA in one drop")
    content = _of_archive(archives[0], limits) if archives else _of_documents(documents, limits)
    _check_one_patient(content.opened)
    names = [archives[0].name] * len(content.opened) if archives else [f.name for f in documents]
    given = {_stem(f.name): f.content for f in files if f.role is FileRole.PDF}
    _check_every_pdf_is_a_copy(given, names)
    copies = [_pdf(one, given.get(_stem(name))) for one, name in zip(content.opened, names, strict=True)]
    return replace(
        content, pdfs=tuple(copy.content for copy in copies), warnings=_warnings(copies),
        attachments=tuple(map(_attachment, attachments)),
    )  # fmt: skip


def _check_roles(files: Sequence[SubmittedFile]) -> None:
    known = (*_DOCUMENTS, FileRole.XDM, FileRole.PDF, *_READ_ONLY, *_ORIGINALS, *_AS_THEY_ARE)
    if any(f.role not in known for f in files):
        raise InvalidSubmission("FORMAT_NON_PRIS_EN_CHARGE", "a file of the drop has another format")


def _of_documents(files: Sequence[SubmittedFile], limits: Limits) -> Content:
    return Content(tuple(open_cda(file.content, limits) for file in files), ())


def _of_archive(archive: SubmittedFile, limits: Limits) -> Content:
    opened, masks = _inside(archive.content, limits)
    return Content(tuple(opened), (), archive.content, frozenset(masks))


def _attachment(file: SubmittedFile) -> Attachment:
    media_type = _MEDIA_TYPES.get(PurePath(file.name).suffix.lower(), "application/octet-stream")
    return Attachment(file.name, media_type, file.content)


def _check_every_pdf_is_a_copy(given: Mapping[str, bytes], names: Sequence[str]) -> None:
    """A PDF must never stay behind unseen: each is the copy of exactly one document, known by its name."""
    stems = [_stem(name) for name in names]
    if any(stems.count(stem) != 1 for stem in given):
        raise InvalidSubmission("PDF_SANS_DOCUMENT", "a PDF of the drop is not the copy of exactly one document")


def wrap(
    content: Content, options: PackOptions, *, now: datetime, ids: IdSource, sender: SenderInfo, limits: Limits
) -> bytes | None:
    """The archive for one sending: each sending has identifiers of its own, a ready-made archive keeps its own.

    Returns:
        ``None`` when there are no documents.

    Raises:
        InvalidSubmission: what packing raises.
    """
    if content.ready_made is not None or not content.opened:
        return content.ready_made
    return pack(content.opened, now=now, ids=ids, sender=sender, options=options, limits=limits).content


def masks_of(options: SendOptions) -> tuple[str, ...]:
    """The flags that the metadata must carry, as codes of the value set of confidentialityCode."""
    asked = {
        "MASQUE_PS": options.hide_from_professionals,
        "INVISIBLE_PATIENT": options.hide_from_patient,
        "INVISIBLE_REPRESENTANTS_LEGAUX": options.hide_from_legal_representatives,
    }
    return tuple(name for name, wanted in asked.items() if wanted)


def _inside(archive: bytes, limits: Limits) -> tuple[list[OpenedCda], set[str]]:
    """The CDA documents of a ready-made archive and its flags; its hashes and sizes are checked on the way."""
    packages = read_xdm(archive, limits, error=InvalidSubmission)
    if any(package.is_degraded or package.missing for package in packages):
        raise InvalidSubmission("XDM_INVALIDE", "METADATA.XML is missing or names files that are not there")
    documents = [document for package in packages for document in package.documents]
    found = [(d.entry, open_cda(d.content, limits)) for d in documents if role_of(d.content) is FileRole.CDA]
    if len(packages) != 1 or not found:
        raise InvalidSubmission("XDM_INVALIDE", f"{len(packages)} submission sets with {len(found)} CDA documents")
    if any(entry.patient_id and not same_patient(entry, opened.document) for entry, opened in found):
        raise InvalidSubmission("PATIENT_INCOHERENT", "METADATA and CDA name different patients")
    masks = {flag.code for entry, _ in found for flag in entry.confidentiality_codes}
    return [opened for _, opened in found], masks


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
