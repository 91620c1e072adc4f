"""PDF copies of documents: inspection of those that come from outside, rendering of CDA level 3 to PDF/A-1b."""

from connector.documents.pdf.inspect import PdfFacts, inspect_pdf
from connector.documents.pdf.render import render_cda_pdf

__all__ = ["PdfFacts", "inspect_pdf", "render_cda_pdf"]
