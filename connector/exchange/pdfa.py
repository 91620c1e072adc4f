"""A PDF made fit for sending: left as it is, converted to PDF/A-1b, or refused, as the setting says.

Source rules: Ref#2 ECO.2.1.1 and 2.1.5 (PDF/A-1 copies). The conversion comes before the document is made, so that
the body of the document and the copy beside the package stay the same bytes. A converted file must pass the same
checks as any other, and must show what the original shows, page by page; else it is thrown away.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from connector.documents.pdf.colour import srgb_profile
from connector.documents.pdf.inspect import inspect_pdf
from connector.documents.pdf.looks import COMPARED_DPI, same_look
from connector.documents.pdf.pdfa import PdfAFinding, check_pdfa_1b, is_signed
from connector.documents.pdf.picture import UnreadableImage, pictures_of
from connector.documents.pdf.sheets import Sheet, sheets_to_pdf
from connector.domain.errors import InvalidSubmission
from connector.platform.ghostscript import Ghostscript, find_ghostscript
from connector.platform.raster import DrawnPage, draw_pages
from connector.settings.model import MessageSettings, PdfAPolicy

__all__ = ["FitPdf", "PdfFitter"]

_PRINT_DPI = 200  # of pages that become pictures: small print stays readable, a page has 50 to 500 KB
_FULL_PAGE_EDGE = 0.0


@dataclass(frozen=True, slots=True)
class FitPdf:
    """What to send."""

    content: bytes = field(repr=False)
    warning: str = ""  # PDF_NON_CONFORME, PDFA_CONVERTI, PDFA_CONVERTI_IMAGES, PDFA_NON_CONVERTI; empty for PDF/A-1b
    findings: tuple[PdfAFinding, ...] = ()  # what the file that came breaks


class PdfFitter:
    """Applies ``message.pdfa``. Thread-safe; blocks while a file is converted (a second or two, at most minutes).

    Args:
        settings: policy, program, and whether pages may become pictures.
        folder: private folder for the files of a conversion; default: the system's.
    """

    def __init__(self, settings: MessageSettings, folder: Path | None = None) -> None:
        self._policy = settings.pdfa
        self._may_draw = settings.pdfa_as_images
        self._program = find_ghostscript(settings.ghostscript) if self._policy is PdfAPolicy.CONVERT else None
        self._folder = folder

    def fit(self, pdf: bytes, title: str) -> FitPdf:
        """The file to send in place of ``pdf``.

        Args:
            pdf: as it was dropped.
            title: of the document, for the metadata of pages that become pictures.

        Raises:
            InvalidSubmission: ``PDF_INVALIDE`` (no PDF, damaged, or it needs a password), ``PDFA_REFUSE``.
        """
        facts = inspect_pdf(pdf)
        if not facts.is_readable:
            raise InvalidSubmission("PDF_INVALIDE", facts.problem or "the PDF cannot be opened")
        findings = check_pdfa_1b(pdf)
        if not findings:
            return FitPdf(pdf)
        if self._policy is PdfAPolicy.REFUSE:
            raise InvalidSubmission("PDFA_REFUSE", "; ".join(finding.text for finding in findings))
        if self._policy is PdfAPolicy.WARN:
            return FitPdf(pdf, "PDF_NON_CONFORME", findings)
        content, warning = self._converted(pdf, title, findings)
        return FitPdf(content, warning, findings)

    def _converted(self, pdf: bytes, title: str, findings: Sequence[PdfAFinding]) -> tuple[bytes, str]:
        if _must_stay(pdf, findings):
            return pdf, "PDFA_NON_CONVERTI"
        if (made := self._by_ghostscript(pdf)) is not None:
            return made, "PDFA_CONVERTI"
        if self._may_draw and (drawn := _by_drawing(pdf, title)) is not None:
            return drawn, "PDFA_CONVERTI_IMAGES"
        return pdf, "PDFA_NON_CONVERTI"

    def _by_ghostscript(self, pdf: bytes) -> bytes | None:
        if self._program is None:
            return None
        made = Ghostscript(self._program, srgb_profile(), folder=self._folder).to_pdfa_1b(pdf)
        return made if made is not None and not check_pdfa_1b(made) and _shows_the_same(pdf, made) else None


def _must_stay(pdf: bytes, findings: Sequence[PdfAFinding]) -> bool:
    """A signature would be broken, and a file inside the PDF would be lost."""
    return is_signed(pdf) or any(finding.code == "FICHIER_EMBARQUE" for finding in findings)


def _shows_the_same(pdf: bytes, made: bytes) -> bool:
    first, second = (draw_pages(data, dpi=COMPARED_DPI) for data in (pdf, made))
    if first is None or second is None:
        return False
    return same_look([page.png for page in first], [page.png for page in second])


def _by_drawing(pdf: bytes, title: str) -> bytes | None:
    pages = draw_pages(pdf, dpi=_PRINT_DPI)
    if pages is None:
        return None
    try:
        made = sheets_to_pdf([_sheet(page) for page in pages], title, edge=_FULL_PAGE_EDGE)
    except (InvalidSubmission, UnreadableImage):
        return None
    return None if check_pdfa_1b(made) or not _shows_the_same(pdf, made) else made


def _sheet(page: DrawnPage) -> Sheet:
    return Sheet(pictures_of(page.png)[0], page.width, page.height)
