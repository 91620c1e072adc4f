"""The findings of one file by what it is, and of what is inside it. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from connector.documents.cda.header import read_header
from connector.documents.cda.parse import OpenedCda, clinical_document, pdf_of
from connector.documents.hl7.errors import Hl7Error
from connector.documents.hl7.order import carried_files, read_order
from connector.documents.hl7.text import split_messages
from connector.documents.recognise import is_cda
from connector.documents.validation.cda import header_findings
from connector.documents.validation.hprim import hprim_findings
from connector.documents.validation.pdf import pdf_findings
from connector.domain.errors import ConnectorError, InvalidSubmission
from connector.domain.finding import Finding, Severity
from connector.domain.limits import Limits
from connector.domain.submission import FileRole, SubmittedFile
from connector.intake.problem import BadDrop, ValidationRefused
from connector.intake.sidecar import sidecar_problems
from connector.xdm.check import Severity as XdmSeverity
from connector.xdm.check import check_entry, check_xdm
from connector.xdm.codes import value_set
from connector.xdm.derive import derive_entry
from connector.xdm.package_reader import read_xdm

__all__ = ["file_findings", "refusal"]

_SENT_ALL_THE_SAME = frozenset({
    "SCHEMA", "ID_REPETE", "LOT_UNIQUE", "UNIQUEID_REPETE", "URI_REPETEE", "PATIENT_UNIQUE",
})  # fmt: skip
"""Errors of an archive for whoever receives it; a finished archive of the LPS leaves as it is."""

_URI = "DOC0001.XML"


def refusal(error: ConnectorError, file: str) -> Iterator[Finding]:
    """An error as findings; of an HL7 v2 message everything that is wrong with it.

    Args:
        error: why something is refused.
        file: its name.
    """
    if isinstance(error, Hl7Error):
        for one in error.problems:
            yield Finding(severity=Severity.ERROR, code=one.code, file=file, where=one.location, detail=one.detail)
        return
    if isinstance(error, ValidationRefused):
        yield from error.findings
        return
    french = error.french if isinstance(error, BadDrop) else ""
    yield Finding(severity=Severity.ERROR, code=error.code, file=file, detail=error.detail, french=french)


def file_findings(file: SubmittedFile, limits: Limits) -> tuple[Finding, ...]:
    """Everything that can be said of one file alone; nothing for a kind without rules.

    Args:
        file: with its role.
        limits: bounds of reading.
    """
    match file.role:
        case FileRole.CDA:
            found = _cda(file.content, limits)
        case FileRole.XDM:
            found = _xdm(file.content, limits)
        case FileRole.HL7:
            found = _hl7(file.content, limits)
        case FileRole.HPRIM:
            found = hprim_findings(file.content, limits)
        case FileRole.SIDECAR:
            problems = sidecar_problems(file.name, file.content, limits)
            found = (one for problem in problems for one in refusal(problem, ""))
        case FileRole.PDF:
            found = pdf_findings(file.content)
        case _:
            found = iter(())
    return tuple(replace(one, file=file.name) for one in found)


def _cda(content: bytes, limits: Limits) -> Iterator[Finding]:
    try:
        root = clinical_document(content, limits)
    except InvalidSubmission as error:
        yield from refusal(error, "")
        return
    yield from header_findings(root)
    try:
        opened = OpenedCda(content, root, read_header(root, error=InvalidSubmission))
        entry = derive_entry(opened.document, content, entry_uuid="urn:uuid", uri=_URI)
    except InvalidSubmission:  # each reason stands above, with its place
        return
    for one in check_entry("", entry):
        yield Finding(severity=Severity.WARNING, code=f"CDA_{one.code}", detail=one.text)
    yield from _specialties(opened)
    if (pdf := pdf_of(opened)) is not None:
        yield from _inside("the PDF inside", _pdf(pdf, is_the_document=opened.document.is_level_1))


def _pdf(content: bytes, *, is_the_document: bool) -> Iterator[Finding]:
    """A copy inside a structured document that cannot be opened is replaced by one of ours."""
    for one in pdf_findings(content):
        yield one if is_the_document else replace(one, severity=Severity.WARNING)


def _specialties(opened: OpenedCda) -> Iterator[Finding]:
    known = value_set("author_specialties")
    for number, author in enumerate(opened.document.authors, 1):
        code = author.entity.code
        if code is not None and not author.is_device and code.code not in known:
            yield Finding(
                severity=Severity.WARNING, code="CDA_CODE_HORS_JEU",
                where=f"/ClinicalDocument/author[{number}]/assignedAuthor/code",
                detail="the specialty of the author is not in the value set of the ANS",
            )  # fmt: skip


def _inside(where: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    for one in findings:
        yield replace(one, where=f"{where}: {one.where}" if one.where else where)


def _xdm(content: bytes, limits: Limits) -> Iterator[Finding]:
    try:
        packages = read_xdm(content, limits, verify=False, error=InvalidSubmission)
    except ConnectorError as error:
        yield from refusal(error, "")
        return
    try:
        found = check_xdm(content, limits)
    except ConnectorError as error:  # in a file that nobody needs in order to send it: a damaged README
        yield Finding(severity=Severity.WARNING, code=error.code, detail=error.detail)
        found = []
    for one in found:
        is_error = one.severity is XdmSeverity.ERROR and one.code not in _SENT_ALL_THE_SAME
        severity = Severity.ERROR if is_error else Severity.WARNING
        yield Finding(severity=severity, code=f"XDM_{one.code}", where=one.where, detail=one.text)
    for document in (document for package in packages for document in package.documents):
        if is_cda(document.content):
            yield from _inside(document.name, _cda(document.content, limits))


def _hl7(content: bytes, limits: Limits) -> Iterator[Finding]:
    try:
        messages = split_messages(content, limits)
    except InvalidSubmission as error:
        yield from refusal(error, "")
        return
    for number, message in enumerate(messages, 1):
        found = _message(message, limits)
        yield from _inside(f"message {number}", found) if len(messages) > 1 else found


def _message(message: bytes, limits: Limits) -> Iterator[Finding]:
    try:
        warnings = read_order(message, limits).warnings
        yield from (Finding(severity=Severity.WARNING, code=code) for code in warnings)
    except InvalidSubmission as error:
        yield from refusal(error, "")
    try:
        carried = carried_files(message, limits)
    except InvalidSubmission:  # it cannot be decoded: told above
        return
    for number, document in enumerate(carried.documents, 1):
        yield from _inside(f"document {number}", _cda(document, limits))
    for number, pdf in enumerate(carried.pdfs, 1):
        yield from _inside(f"PDF {number}", pdf_findings(pdf))
