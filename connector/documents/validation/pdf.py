"""A PDF against PDF/A-1b, which the copies that leave must be (Ref#2 ECO.2.1.1, 2.1.5)."""

from collections.abc import Iterator

from connector.documents.pdf.inspect import inspect_pdf
from connector.documents.pdf.pdfa import check_pdfa_1b
from connector.domain.finding import Finding, Severity

__all__ = ["pdf_findings"]


def pdf_findings(pdf: bytes) -> Iterator[Finding]:
    """An error for a file that cannot be opened, else a warning for each rule of ISO 19005-1 that it breaks.

    Args:
        pdf: the file as it would be attached.
    """
    facts = inspect_pdf(pdf)
    if not facts.is_readable:
        detail = facts.problem or "the PDF cannot be opened"
        yield Finding(severity=Severity.ERROR, code="PDF_INVALIDE", detail=detail)
        return
    for one in check_pdfa_1b(pdf):
        where = f"object {one.where}" if one.where else ""
        yield Finding(severity=Severity.WARNING, code=f"PDFA_{one.code}", where=where, detail=one.text)
