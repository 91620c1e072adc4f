"""Attributes that elements of the CDA header carry, unless they say why they have none (``nullFlavor``).

Source rule: CI-SIS "Structuration minimale" 1.16 (identifiers, codes, addresses for messages, dates).
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from connector.documents.validation.tree import place
from connector.documents.xml import SafeElement, local_name
from connector.domain.finding import Finding, Severity

__all__ = ["attribute_findings"]

_CODED = ("code", "codeSystem", "displayName")
_BY_NAME: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "id": ("root",), "setId": ("root",), "code": _CODED, "confidentialityCode": _CODED,
    "standardIndustryClassCode": _CODED, "telecom": ("value",), "administrativeGenderCode": ("code",),
    "birthTime": ("value",), "performer": ("typeCode",),
})  # fmt: skip
"""Wherever the element stands in the header."""

_BY_PLACE: Mapping[tuple[str, str], tuple[str, ...]] = MappingProxyType({
    ("assignedAuthor", "id"): ("extension",), ("assignedEntity", "id"): ("extension",),
    ("representedOrganization", "id"): ("extension",), ("patientRole", "id"): ("extension",),
    ("effectiveTime", "low"): ("value",), ("author", "time"): ("value",), ("legalAuthenticator", "time"): ("value",),
})  # fmt: skip
"""Below one parent only."""

_BODY = "component"


def attribute_findings(root: SafeElement) -> Iterator[Finding]:
    """What elements of the header lack.

    Args:
        root: a ``ClinicalDocument``.
    """
    for part in root:
        if local_name(part) != _BODY:
            for element in part.iter():
                yield from _element(element)


def _element(element: SafeElement) -> Iterator[Finding]:
    name, parent = local_name(element), element.getparent()
    above = local_name(parent) if parent is not None else ""
    if element.get("nullFlavor") is not None:
        return
    for attribute in (*_BY_NAME.get(name, ()), *_BY_PLACE.get((above, name), ())):
        if not (element.get(attribute) or "").strip():
            yield Finding(
                severity=Severity.WARNING, code="CDA_ATTRIBUT_REQUIS", where=f"{place(element)}/@{attribute}",
                detail=f"the attribute {attribute} is required", french=f"l'attribut {attribute} est obligatoire",
            )  # fmt: skip
