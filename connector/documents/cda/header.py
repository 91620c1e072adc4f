"""The header of a ClinicalDocument as values."""

from connector.documents.cda.model import CdaDocument
from connector.documents.xml import SafeElement
from connector.domain.errors import ConnectorError


def read_header(element: SafeElement, *, error: type[ConnectorError]) -> CdaDocument:
    """The header as values (being written)."""
    raise error("CDA_INVALIDE", "not yet read")
