"""Opening a CDA document: the ``ClinicalDocument`` element, wherever the file keeps it, and its header as values.

Source rules: HL7 CDA R2; CI-SIS "Structuration minimale de documents de santé" (header); CI-SIS for the
self-presenting form, in which the document stands inside a style sheet that is never run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from connector.documents.cda.header import decode_base64, read_header
from connector.documents.cda.model import CdaDocument
from connector.documents.xml import DEFAULT_LIMITS, SafeElement, parse_xml
from connector.domain.errors import ConnectorError, InvalidSubmission
from connector.domain.limits import Limits

__all__ = ["HL7_V3", "OpenedCda", "clinical_document", "embedded_pdf_copy", "open_cda", "parse_cda", "pdf_of"]

HL7_V3 = "urn:hl7-org:v3"
"""The namespace of CDA R2."""

_ROOT = f"{{{HL7_V3}}}ClinicalDocument"
_CONTENU = "{urn:asip-sante:ci-sis}Contenu"
_SECTION = f"{{{HL7_V3}}}section"
_TEMPLATE_ID = f"{{{HL7_V3}}}templateId"
_CODE = f"{{{HL7_V3}}}code"
_OBSERVATION_MEDIA = f"{{{HL7_V3}}}observationMedia"
_VALUE = f"{{{HL7_V3}}}value"

_COPY_TEMPLATE = "1.2.250.1.213.1.1.2.243"  # section FR-Document-PDF-copie
_COPY_CODE = "55108-5"  # LOINC: clinical presentation


@dataclass(frozen=True, slots=True)
class OpenedCda:
    """A CDA document parsed once, for everyone who needs it."""

    content: bytes = field(repr=False)  # the file as it came: hashed and packed unchanged
    element: SafeElement = field(repr=False)  # its ClinicalDocument
    document: CdaDocument = field(repr=False)  # its header


def clinical_document(
    data: bytes, limits: Limits = DEFAULT_LIMITS, *, error: type[ConnectorError] = InvalidSubmission
) -> SafeElement:
    """The ``ClinicalDocument`` element of a file, unwrapped from a self-presenting document if need be.

    Args:
        data: a CDA R2 document, or an ``xsl:stylesheet`` that holds one in an element ``Contenu``.
        limits: bounds of the XML.
        error: what to raise: ``InvalidSubmission`` on the sending side, ``MalformedMessage`` on the other.

    Raises:
        ConnectorError: ``error`` with ``CDA_INVALIDE`` (no CDA in it), ``XML_INVALIDE``, ``ENCODAGE`` or
            ``TROP_GROS``.
    """
    root = parse_xml(data, limits, error=error)
    if root.tag == _ROOT:
        return root
    wrapped = next(root.iter(_CONTENU), root)
    found = next(wrapped.iter(_ROOT), None)
    if found is None:
        raise error("CDA_INVALIDE", "the file holds no ClinicalDocument")
    return found


def open_cda(
    data: bytes, limits: Limits = DEFAULT_LIMITS, *, error: type[ConnectorError] = InvalidSubmission
) -> OpenedCda:
    """Parse a CDA document once: element for the renderer, header for the metadata, bytes for the package.

    Raises:
        ConnectorError: ``error`` as for :func:`clinical_document` and :func:`parse_cda`.
    """
    element = clinical_document(data, limits, error=error)
    return OpenedCda(data, element, read_header(element, error=error))


def parse_cda(
    data: bytes, limits: Limits = DEFAULT_LIMITS, *, error: type[ConnectorError] = InvalidSubmission
) -> CdaDocument:
    """The header of a CDA document, and its decoded body when that is level 1.

    Headers older than the French identity rules of 2021 are accepted: what they lack is absent in the result.

    Raises:
        ConnectorError: ``error`` with ``CDA_INVALIDE`` (no CDA, no id, no type, no patient, body that is not
            Base64), ``XML_INVALIDE``, ``ENCODAGE`` or ``TROP_GROS``.
    """
    return open_cda(data, limits, error=error).document


def embedded_pdf_copy(element: SafeElement) -> bytes | None:
    """The PDF that a structured document carries as a copy of itself, if there is one.

    It stands in the section "copy of the document" (templateId 1.2.250.1.213.1.1.2.243, LOINC 55108-5).

    Args:
        element: what :func:`clinical_document` gave.

    Returns:
        The decoded bytes, or ``None`` when no copy is there or it cannot be decoded.
    """
    for section in element.iter(_SECTION):
        if _is_copy_section(section):
            for value in _pdf_values(section):
                content = decode_base64("".join(value.itertext()))
                if content:
                    return content
    return None


def pdf_of(opened: OpenedCda) -> bytes | None:
    """The PDF that a document carries: the body of a level 1, or the copy inside a structured one."""
    body = opened.document.body
    if body is not None:
        return body.content if body.media_type == "application/pdf" else None
    return embedded_pdf_copy(opened.element) if b"application/pdf" in opened.content else None


def _is_copy_section(section: SafeElement) -> bool:
    if any(template.get("root") == _COPY_TEMPLATE for template in section.iterchildren(_TEMPLATE_ID)):
        return True
    return any(code.get("code") == _COPY_CODE for code in section.iterchildren(_CODE))


def _pdf_values(section: SafeElement) -> Iterator[SafeElement]:
    for media in section.iter(_OBSERVATION_MEDIA):
        for value in media.iterchildren(_VALUE):
            if value.get("mediaType") == "application/pdf" and value.get("representation") == "B64":
                yield value
