"""CDA documents in a form that any program shows: a page that runs nothing, or a PDF. Pure.

Source rules: lps-folder-conventions 8.6; Ref#2 ECO.2.1.5 (what a reader must see).
"""

from collections.abc import Iterator

from connector.documents.cda.page import cda_page
from connector.documents.cda.parse import open_cda
from connector.documents.pdf.render import render_cda_pdf
from connector.domain.errors import InvalidSubmission
from connector.domain.submission import DocumentAction
from connector.exchange.arrival import Arrival, ArrivalDocument, PartRole
from connector.settings.lps import LpsOptions, ReadableForm

__all__ = ["as_html", "as_pdf"]


def as_html(arrival: Arrival, options: LpsOptions, warnings: list[str]) -> Iterator[tuple[ArrivalDocument, bytes]]:
    """Each document as a page, when that is wanted.

    Args:
        arrival: the message.
        options: whether.
        warnings: gets ``LISIBLE_IMPOSSIBLE`` for a document that cannot be shown.
    """
    if options.cda_lisible is not ReadableForm.HTML:
        return
    for document in arrival.documents:
        try:
            yield document, cda_page(open_cda(document.content))
        except InvalidSubmission:
            warnings.append("LISIBLE_IMPOSSIBLE")


def as_pdf(arrival: Arrival, options: LpsOptions, warnings: list[str]) -> Iterator[tuple[ArrivalDocument, bytes]]:
    """Each document as PDF, when that is wanted and no attachment is that PDF already.

    The document's own PDF when it carries one; else one that we set, unless as many PDFs came as documents: they are
    the copies of them. A document that withdraws an earlier one becomes none: its PDF would look like a result.

    Args:
        arrival: the message.
        options: whether.
        warnings: gets ``LISIBLE_IMPOSSIBLE`` for a document that cannot be shown.
    """
    if options.cda_lisible is not ReadableForm.PDF:
        return
    attached = {part.content for part in arrival.parts if part.role is PartRole.PDF}
    has_copies = len(attached) >= len(arrival.documents)
    for document in arrival.documents:
        is_there = has_copies if document.pdf is None else document.pdf in attached
        if is_there or document.action is DocumentAction.DELETE:
            continue
        try:
            yield document, document.pdf or _set(document)
        except InvalidSubmission:
            warnings.append("LISIBLE_IMPOSSIBLE")


def _set(document: ArrivalDocument) -> bytes:
    opened = open_cda(document.content)
    return render_cda_pdf(opened.element, opened.document)
