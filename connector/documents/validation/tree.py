"""Steps through a CDA document, and how a place in it is told."""

from connector.documents.xml import SafeElement, local_name

__all__ = ["children", "first", "place", "steps"]

_V3 = "{urn:hl7-org:v3}"
_ROOT = "ClinicalDocument"


def children(element: SafeElement, name: str) -> list[SafeElement]:
    """Those with this name in the namespace of CDA."""
    return list(element.iterchildren(_V3 + name))


def first(element: SafeElement, name: str) -> SafeElement | None:
    """The first of them."""
    return next(element.iterchildren(_V3 + name), None)


def steps(element: SafeElement, path: str) -> list[SafeElement]:
    """Everything at ``a/b/c`` below an element, in document order."""
    found = [element]
    for name in path.split("/"):
        found = [child for parent in found for child in children(parent, name)]
    return found


def place(element: SafeElement, below: str = "") -> str:
    """Line and XPath of an element, without prefixes: ``line 12, /ClinicalDocument/author[2]/time``.

    Args:
        element: what is there.
        below: path of what should be below it.
    """
    names: list[str] = []
    current: SafeElement | None = element
    while current is not None:
        names.append(_step(current))
        current = None if local_name(current) == _ROOT else current.getparent()
    path = "/" + "/".join(reversed(names))
    return f"line {element.sourceline}, {path}/{below}" if below else f"line {element.sourceline}, {path}"


def _step(element: SafeElement) -> str:
    """The name, numbered when the parent has several of it."""
    name, parent = local_name(element), element.getparent()
    if parent is None or name == _ROOT:
        return name
    twins = children(parent, name)
    return name if len(twins) == 1 else f"{name}[{twins.index(element) + 1}]"
